"""The configuration's form: every key, its type, its default and one sentence on what it does."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from robustgen.study.fields import (
    Count,
    Different,
    Name,
    Natural,
    Number,
    Options,
    Positive,
    Present,
    Selected,
    Several,
    Share,
    Text,
    swept,
    told,
)

RESERVED = ("published", "downloads")  # folders of results that belong to no study


class Block(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Compute(Block):
    """Where and how numbers are computed."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto takes a CUDA device where there is one."
    )
    threads: Count = Field(
        2, description="CPU threads of one job; equal threads and seeds give equal bytes."
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description=(
            "Precision of training and of attack gradients; auto: bf16 where it is faster than "
            "fp32. Scores are fp32."
        ),
    )
    batch: Count = Field(250, description="Images per batch in attacks and scores.")


class Data(Block):
    """Where real data sets lie and come from; every download stands in config/sources.csv."""

    root: Text | None = Field(
        None,
        description=(
            "Folder of the data sets' files; the environment's ROBUSTGEN_DATA, else "
            "results/downloads, where empty."
        ),
    )
    mirror: Text | None = Field(
        None,
        description=(
            "A copy of such a folder that is asked first: a folder or an http(s) address."
        ),
    )
    offline: bool = Field(
        False, description="Use no network; an error then says which file belongs where."
    )


class Evaluate(Block):
    """How many images of each split are attacked and scored: the first of a seeded order."""

    reference: Count = Field(
        1000,
        description="Images of the training split with which kernel densities and LID compare.",
    )
    validation: Count = Field(
        500, description="Images of the validation split; thresholds are chosen on them."
    )
    test: Count = Field(1000, description="Images of the test split; results are measured on them.")


class Dataset(Block):
    """A data set: the module of room `data` that makes it, its size, its splits and its attack
    budgets.
    """

    kind: Text = Field(
        description=(
            "Module of scripts/robustgen/data that loads it, or a dotted module of your own."
        )
    )
    size: Count = Field(32, description="Side of the square images in pixels.")
    options: Options = Field(
        {}, description="Further settings that the module takes; `sources` narrows its downloads."
    )
    validation: Count = Field(
        1000, description="Images held out of the training part; they are never augmented."
    )
    evaluate: Evaluate = Field(Evaluate(), description="How many images are attacked and scored.")
    eps: Different[Positive] = Field(
        (8 / 255, 16 / 255), description="L_inf budgets of attacks that name none of their own."
    )
    eps_l2: Different[Positive] = Field(
        (0.5,), description="L_2 budgets of attacks that name none of their own."
    )
    mean: Several[Number] = Field(
        (0.5,), description="Mean per channel (or one for all) of the normalising first layer."
    )
    std: Several[Positive] = Field(
        (0.25,), description="Standard deviation per channel (or one for all) of that layer."
    )
    published: Text | None = Field(
        None,
        description=(
            "The data set's name in config/paper.csv; empty where no published number is of it."
        ),
    )


class Objective(Block):
    """What supervised training minimises."""

    kind: Text = Field(description="Kind of objective: what is minimised.")
    options: Options = Field({}, description="Settings of the objective.")


class Recipe(Block):
    """How a model is trained."""

    trainer: Text = Field(description="Kind of trainer, or a dotted module of your own.")
    epochs: Count = Field(15, description="Passes over the training split.")
    options: Options = Field({}, description="Settings of the trainer.")
    objective: Objective | None = Field(
        None, description="What is minimised; cross entropy on clean images where empty."
    )


class Model(Block):
    """A model on a data set: trained by a recipe, with weights of your own, or made of parts."""

    kind: Text = Field(description="Kind of model, or a dotted module of your own.")
    dataset: Name = Field(description="Key of `datasets`.")
    options: Options = Field({}, description="Settings of the kind, such as width or blocks.")
    parts: dict[Name, Name] = Field(
        {},
        description="Role -> key of `models`: what the kind is made of; `start` is the model whose "
        "weights training starts from.",
    )
    recipe: Name | None = Field(
        None, description="Key of `recipes`, by which it is trained; empty with `weights`."
    )
    weights: Text | None = Field(
        None,
        description="File of trained weights (ours, or a state_dict as safetensors or written by "
        "torch.save), or a source of config/sources.csv that holds one.",
    )
    keys: dict[str, str | None] = Field(
        {}, description="Names or prefixes in that file -> those in the net; null drops a tensor."
    )
    mean: Several[Number] | None = Field(
        None, description="Mean of its normalising first layer; the data set's where empty."
    )
    std: Several[Positive] | None = Field(
        None, description="Standard deviation of that layer; the data set's where empty."
    )
    family: Text | None = Field(
        None, description="By which claims speak of it; the kind of its objective where empty."
    )
    draws: Count = Field(5, description="Fresh draws on which a randomised classifier is judged.")


class Attack(Block):
    """An attack. What it sweeps is done by one job, and each axis is a column of its rows."""

    kind: Text = Field(description="Kind of attack, or a dotted module of your own.")
    norm: Literal["linf", "l2"] = Field("linf", description="Norm of the ball.")
    sweep: dict[str, Any] = Field(
        {},
        description="Axis -> list of values: eps (the data set's own where left out; `unbounded` "
        "for attacks that seek the nearest adversarial image), steps, or an option of the kind.",
    )
    options: Options = Field({}, description="Settings of the kind.")
    view: dict[str, Any] = Field(
        {},
        description="Settings of inference under attack, for kinds of models that have some; other "
        "models are attacked as they are.",
    )
    images: Count | None = Field(
        None, description="Images of each split, the first of its seeded order; all where empty."
    )
    validation: bool = Field(
        True,
        description="Attack validation images too, which detectors need that learn from this "
        "attack, or choose a threshold for it.",
    )
    made_on: Name | None = Field(
        None, description="Key of `models`: attack that model, whatever model is shown (transfer)."
    )
    jobs: Count = Field(1, description="Cluster jobs among which attack and score are split.")
    batch: Count | None = Field(
        None,
        description="Images that are attacked at a time, after which a killed job goes on; "
        "compute.batch where empty.",
    )

    @field_validator("sweep")
    @classmethod
    def _lists(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Single values as lists of one."""
        return swept(value)

    @field_serializer("sweep")
    def _told(self, value: dict[str, Any]) -> dict[str, Any]:
        return {axis: told(values) for axis, values in value.items()}


class Detector(Block):
    """A detector of adversarial images."""

    kind: Text = Field(description="Kind of detector, or a dotted module of your own.")
    fpr: Share = Field(
        0.05,
        description="False positive rate, on clean validation images, of the one headline "
        "threshold.",
    )
    options: Options = Field({}, description="Settings of the kind.")
    jobs: Count = Field(1, description="Cluster jobs among which its measure is split.")


class Measure(Block):
    """A measure beyond scores: of each model, or of each model under each attack."""

    kind: Text = Field(description="Kind of measure, or a dotted module of your own.")
    options: Options = Field({}, description="Settings of the kind.")
    jobs: Count = Field(1, description="Cluster jobs among which a measure of attacks is split.")


class Output(Block):
    """A table or a figure: the module that makes it and the part of the study that it shows."""

    kind: Text | None = Field(
        None,
        description=(
            "Module of scripts/robustgen/tables or figures; the entry's own name where empty."
        ),
    )
    datasets: Selected[Name] = Field((), description="Keys of `datasets`.")
    models: Selected[Name] = Field((), description="Keys of `models`.")
    attacks: Selected[Name] = Field((), description="Keys of `attacks`.")
    detectors: Selected[Name] = Field((), description="Keys of `detectors`.")
    measures: Selected[Name] = Field((), description="Keys of `measures`.")
    options: Options = Field({}, description="Further settings of the module.")


class Study(Block):
    """The whole configuration.

    Maps define, lists select: only what a list names is built or downloaded.

    Where a list is expected, a single value is a list of one.
    """

    study: Name = Field("paper", description="Name of the study; results go to results/<study>.")
    seed: Natural = Field(
        0, description="The study's seed: splits and everything below derive from it."
    )
    seeds: Different[Natural] = Field(
        (0,), description="Repetitions: each trains and attacks again."
    )
    outputs: Selected[Name] = Field((), description="Keys of `tables` and `figures` that are made.")
    left_out: Present[Text] = Field(
        {},
        description=(
            "Keys of `tables` and `figures` that this study does not make, each with the reason, "
            "which the report tells."
        ),
    )
    keep_images: bool = Field(
        False,
        description=(
            "Keep all attacked images; else they are deleted once all that needs them is made, but "
            "for the few that the report shows."
        ),
    )
    compute: Compute = Field(Compute(), description="Where and how numbers are computed.")
    data: Data = Field(Data(), description="Where real data sets lie.")
    datasets: dict[Name, Dataset] = Field({}, description="Data sets by name.")
    recipes: dict[Name, Recipe] = Field({}, description="Training recipes by name.")
    models: dict[Name, Model] = Field({}, description="Models by name.")
    attacks: dict[Name, Attack] = Field({}, description="Attacks by name.")
    detectors: dict[Name, Detector] = Field({}, description="Detectors by name.")
    measures: dict[Name, Measure] = Field({}, description="Measures by name.")
    tables: dict[Name, Output] = Field({}, description="Tables by name.")
    figures: dict[Name, Output] = Field({}, description="Figures by name.")

    def shown(self) -> list[Output]:
        """The entries of the outputs."""
        return [
            entry
            for name in self.outputs
            if (entry := self.tables.get(name) or self.figures.get(name))
        ]

    @field_validator("study")
    @classmethod
    def _own_folder(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(
                f"{value!r} is a folder of results that belongs to no study; choose another name"
            )
        return value
