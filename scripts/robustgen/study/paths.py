"""Where the files of a study lie, as a pure function of its configuration."""

from __future__ import annotations

from robustgen.study.graph import Graph
from robustgen.study.schema import Study


class Paths:
    """Files of one study; `results` is the folder that holds all studies."""

    def __init__(self, study: Study, results: str = "results") -> None:
        self.study = study
        self.root = f"{results}/{study.study}"
        self.graph = Graph(study, self.root)

    def made_on(self, model: str, attack: str) -> str:
        """The model on which the images of an attack are made that are shown for `model`."""
        return self.study.attacks[attack].made_on or model

    def dataset(self, dataset: str) -> str:
        """The folder of a data set in the one form."""
        return f"{self.root}/data/{dataset}"

    def history(self, model: str, seed: int | str) -> str:
        """The history of a training run."""
        return f"{self.root}/training/{model}/seed{seed}/history.csv"

    def images(self, model: str, seed: int | str, attack: str) -> str:
        """The images of an attack that are shown for a model."""
        made = self.made_on(model, attack)
        return f"{self.root}/attacks/{made}/seed{seed}/{attack}/images.safetensors"

    def first(self, model: str, seed: int | str, attack: str) -> str:
        """The first of them at the largest setting, which are kept for the report."""
        return self.images(model, seed, attack).replace("images.safetensors", "first.safetensors")

    def scores(self, model: str, seed: int | str, attack: str) -> str:
        """Score rows, one per image and cell."""
        return f"{self.root}/measures/{model}/seed{seed}/{attack}/scores.parquet"

    def measured(self, model: str, seed: int | str, attack: str, measure: str) -> list[str]:
        """The rows and the arrays of a measure."""
        folder = f"{self.root}/measures/{model}/seed{seed}/{attack}/{measure}"
        return [f"{folder}/rows.parquet", f"{folder}/arrays.safetensors"]

    def detected(self, model: str, seed: int | str, attack: str) -> list[str]:
        """The detectors' statistics per image, and their thresholds."""
        folder = f"{self.root}/detect/{model}/seed{seed}/{attack}"
        return [f"{folder}/{name}.parquet" for name in ("statistics", "thresholds")]
