"""The configuration's form: every key, its type, its default and one sentence on what it does."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from robustgen.study.fields import (
    BelowOne,
    Count,
    Different,
    Listed,
    Name,
    Natural,
    NonNegative,
    Number,
    Positive,
    Radius,
    Selected,
    Several,
    Share,
    Text,
)

RESERVED = ("published", "downloads")  # folders of results that belong to no study


class Block(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Compute(Block):
    """Where and how numbers are computed."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description=("auto takes a CUDA device where there is one.")
    )
    threads: Count = Field(
        2, description=("CPU threads of one job; equal threads and seeds give equal bytes.")
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description=(
            "Precision of training and of attack gradients; auto: bf16 where the hardware has "
            "it. Scores are fp32."
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
        False, description=("Use no network; an error then says which file belongs where.")
    )


class Evaluate(Block):
    """How many images of each split are attacked and scored: the first of a seeded order."""

    reference: Count = Field(
        1000,
        description=("Images of the training split with which kernel densities and LID compare."),
    )
    validation: Count = Field(
        500, description=("Images of the validation split; thresholds are chosen on them.")
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
    options: dict[str, Any] = Field(
        {}, description=("Further settings that the module takes; `sources` narrows its downloads.")
    )
    validation: Count = Field(
        1000, description=("Images held out of the training part; they are never augmented.")
    )
    evaluate: Evaluate = Field(Evaluate(), description="How many images are attacked and scored.")
    eps: Different[Positive] = Field(
        (8 / 255, 16 / 255), description=("L_inf budgets of attacks that name none of their own.")
    )
    eps_l2: Different[Positive] = Field(
        (0.5,), description=("L_2 budgets of attacks that name none of their own.")
    )
    mean: Several[Number] = Field(
        (0.5,), description=("Mean per channel (or one for all) of the normalising first layer.")
    )
    std: Several[Positive] = Field(
        (0.25,), description=("Standard deviation per channel (or one for all) of that layer.")
    )
    published: Text | None = Field(
        None,
        description=(
            "The data set's name in config/paper.csv; empty where no published number is of it."
        ),
    )


class Objective(Block):
    """What training minimises."""

    kind: Text = Field(
        "standard",
        description=(
            "Module of scripts/robustgen/training/objectives: standard, gaussian or adversarial."
        ),
    )
    sigma: NonNegative = Field(0.0, description="Standard deviation of the noise (gaussian).")
    norm: Literal["linf", "l2"] = Field(
        "linf", description=("Ball of the inner attack (adversarial).")
    )
    eps: NonNegative = Field(0.0, description="Its radius; a tiny one makes a quasi-robust net.")
    steps: Count = Field(7, description="Its steps; one step from a random start is FGSM-RS.")
    rel_step: Positive = Field(0.25, description="Its step in units of eps; 1.25 for FGSM-RS.")


class Recipe(Block):
    """How a net is trained."""

    epochs: Count = Field(15, description="Passes over the training split.")
    batch: Count = Field(128, description="Images per step.")
    optimizer: Literal["sgd", "adam"] = Field("sgd", description="SGD with momentum 0.9, or Adam.")
    lr: Positive = Field(0.1, description="Learning rate; the peak of a one-cycle schedule.")
    weight_decay: NonNegative = Field(5e-4, description="L2 penalty.")
    schedule: Literal["onecycle", "multistep", "cosine", "constant"] = Field(
        "onecycle", description="How the learning rate moves."
    )
    milestones: Listed[Natural] = Field((), description="Epochs at which a multistep rate falls.")
    gamma: Positive = Field(0.1, description="Factor by which it falls.")
    flip: bool = Field(True, description="Random horizontal flips.")
    crop: Natural = Field(0, description="Random shifts by up to so many pixels, zero padded.")
    label_smoothing: BelowOne = Field(0.0, description="Label smoothing of the cross entropy.")
    objective: Objective = Field(Objective(), description="What is minimised.")


class Model(Block):
    """A net on a data set, trained by a recipe or with weights of your own."""

    dataset: Name = Field(description="Key of `datasets`.")
    net: Text = Field(
        "resnet", description=("Module of scripts/robustgen/nets, or a dotted module of your own.")
    )
    options: dict[str, Any] = Field({}, description="Settings of the net, such as width or blocks.")
    recipe: Name | None = Field(
        None,
        description=("Key of `recipes`, by which it is trained; this or `weights` must be given."),
    )
    weights: Text | None = Field(
        None,
        description=(
            "File of trained weights: ours, or a state_dict of the net, as safetensors or "
            "written by torch.save."
        ),
    )
    start_from: Name | None = Field(
        None, description=("Key of `models` whose trained weights training starts from.")
    )


class Attack(Block):
    """An attack; lists of eps, steps and weight are swept by one job and become columns of its
    rows.
    """

    kind: Text = Field(
        "pgd", description=("Module of scripts/robustgen/attacks, or a dotted module of your own.")
    )
    norm: Literal["linf", "l2"] = Field("linf", description="Norm of the ball.")
    eps: Different[Radius] | None = Field(
        None,
        description=(
            "Radii; the data set's own where empty; `unbounded` for attacks that seek the "
            "nearest adversarial image."
        ),
    )
    step: Positive | None = Field(
        None, description=("Step size in pixel units; give this or rel_step.")
    )
    rel_step: Positive | None = Field(None, description="Step size in units of eps.")
    steps: Different[Natural] = Field(
        (40,), description=("Step counts; one trajectory serves them all.")
    )
    restarts: Count = Field(
        1, description=("Random restarts; per image the one with the highest loss is kept.")
    )
    random_start: bool = Field(
        True, description=("Start at a random point of the ball instead of the image.")
    )
    target: Literal["none", "random", "least_likely"] = Field(
        "none", description=("Aim at a class other than the label.")
    )
    eot: Count = Field(1, description="Gradients averaged per step (for randomised classifiers).")
    weight: Different[Number] = Field(
        (0.0,),
        description=("Weight of the energy in the loss: lambda of High-Energy PGD (eq. 10)."),
    )
    options: dict[str, Any] = Field({}, description="Settings of library attacks and of your own.")

    @model_validator(mode="after")
    def _one_step_size(self) -> Attack:
        if self.step is not None and self.rel_step is not None:
            raise ValueError("step and rel_step are both given; keep one")
        return self


class Detector(Block):
    """A detector of adversarial images."""

    kind: Text = Field(
        "energy",
        description=("Module of scripts/robustgen/detect: energy, unnatural, kd_bu or lid."),
    )
    fpr: Share = Field(
        0.05,
        description=(
            "False positive rate, on clean validation images, of the one headline threshold."
        ),
    )
    temperatures: Different[Positive] = Field(
        (1.0,),
        description=(
            "Temperatures among which the paper's protocol chooses by validation AUC (energy)."
        ),
    )
    fit: Name | None = Field(
        None,
        description=(
            "Key of `attacks`: the one attack on which a detector that learns is fitted, for "
            "use against all."
        ),
    )
    noise: Name | None = Field(
        None,
        description=("Key of `attacks`: noisy images that such a detector is taught to let pass."),
    )
    options: dict[str, Any] = Field(
        {}, description=("Further settings, such as k of LID or the statistic of unnatural.")
    )


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
    options: dict[str, Any] = Field({}, description="Further settings of the module.")


class Study(Block):
    """The whole configuration.

    Maps define, lists select: only what a list names is built or downloaded.

    Where a list is expected, a single value is a list of one.
    """

    study: Name = Field("paper", description="Name of the study; results go to results/<study>.")
    seed: Natural = Field(
        0, description=("The study's seed: splits and everything below derive from it.")
    )
    seeds: Different[Natural] = Field(
        (0,), description=("Repetitions: each trains and attacks again.")
    )
    outputs: Selected[Name] = Field((), description="Keys of `tables` and `figures` that are made.")
    keep_images: bool = Field(
        False,
        description=(
            "Keep attacked images; else they are deleted once all that needs them is made."
        ),
    )
    compute: Compute = Field(Compute(), description="Where and how numbers are computed.")
    data: Data = Field(Data(), description="Where real data sets lie.")
    datasets: dict[Name, Dataset] = Field({}, description="Data sets by name.")
    recipes: dict[Name, Recipe] = Field({}, description="Training recipes by name.")
    models: dict[Name, Model] = Field({}, description="Models by name.")
    attacks: dict[Name, Attack] = Field({}, description="Attacks by name.")
    detectors: dict[Name, Detector] = Field({}, description="Detectors by name.")
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
