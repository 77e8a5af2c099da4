"""A trainer and a net of a user's own."""

from __future__ import annotations

STILL = """
import torch
from robustgen.training.trainer import Trainer

PARTS = {"teacher": "classifier"}
OPTIONS = {"rate": {"type": "number", "least": 0, "default": 1.0, "means": "Nothing."}}


class Still(Trainer):
    def __init__(self, model, recipe, data, parts):
        self.epochs, self.data, self.parts = recipe.epochs, data, parts
        self.modules = {"model": model}
        self.optimizers = {"sgd": torch.optim.SGD(model.parameters(), lr=1.0)}

    def epoch(self, number):
        shown = {"images": len(self.data.train.labels), "parts": len(self.parts)}
        for part in self.parts.values():
            shown["moves"] = sum(p.requires_grad for p in part.parameters())
            x = self.data.train.images[:1].float() / 255
            shown["first"] = float(part(x)[0, 0])
        return shown

    def judge(self):
        return {"held": len(self.data.validation.labels), "score": 0.5}


def trainer(model, *, recipe, data, seed, dtype, parts):
    return Still(model, recipe, data, parts)
"""
NET = """
import torch
from torch import nn

OPTIONS = {{}}


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.norm, self.linear = nn.BatchNorm2d(3), nn.Linear(3, classes)

    def forward(self, x):
        x = self.linear(self.norm(x).mean(dim=(2, 3)))
        {0}
        return x


def build(*, channels, classes, size):
    return Net(classes)
"""
