"""What the tests of gradients and of landscapes share: a small data set with its net, and a study's
gradients of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradients
import numpy as np
import torch
from torch import Tensor, nn

from robustgen.core.files import write_json
from robustgen.core.tensors import write_arrays
from robustgen.nets import classifier
from robustgen.nets.spec import KEYS

SIDE = 32  # the least that the net takes
NET = classifier.NetSpec("resnet", 3, 4, SIDE, (0.5,) * 3, (0.25,) * 3, {"width": 4})
PLAIN_NET = {name: getattr(NET, name) for name in KEYS}
MODELS: dict[str, Any] = {
    f"made_{name}": {
        "dataset": "made",
        "merged": [],
        "net": "resnet",
        "options": {},
        "objective": objective,
    }
    for name, objective in (
        ("standard", {"kind": "standard"}),
        ("quasi", {"kind": "adversarial", "norm": "l2", "eps": 0.01}),
        ("robust", {"kind": "adversarial", "norm": "linf", "eps": 8 / 255}),
    )
}
SPEC: dict[str, Any] = {
    "models": MODELS,
    "attacks": {"pgd": {"steps": [0, 5]}, "he_pgd": {"steps": [5]}},
    "options": {},
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def linear(weights: Tensor, bias: Tensor) -> nn.Sequential:
    """A classifier z = W x + b, W [K,d]."""
    layer = nn.Linear(weights.shape[1], len(weights))
    layer.weight.data, layer.bias.data = weights, bias
    return nn.Sequential(nn.Flatten(), layer).requires_grad_(False)


def made(base: Path) -> Path:
    """The folder, now with a data set of 30 images and an untrained net that is right on the first
    12.
    """
    torch.manual_seed(0)
    net = classifier.classifier(NET)
    net[1].linear.weight.data *= 40  # logits that differ
    classifier.save(base / "weights.safetensors", net, NET)
    images = (random(30, 3, SIDE, SIDE) * 255).byte().numpy()
    z = classifier.frozen(net)(torch.from_numpy(images).float() / 255)
    labels = (z.argmax(dim=1) + (torch.arange(30) >= 12)).remainder(4).numpy()
    write_arrays(base / "pool.safetensors", {"images": images, "labels": labels})
    write_json(base / "pool.json", {"names": ["ant", "bee", "cat", "dog"]})
    write_arrays(base / "splits.safetensors", {"test": np.arange(30)})
    return base


def flags_of(folder: Path) -> list[str]:
    net = json.dumps({name: getattr(NET, name) for name in KEYS})
    return [
        "--data",
        str(folder),
        "--net",
        net,
        "--weights",
        str(folder / "weights.safetensors"),
        "--device",
        "cpu",
        "--threads",
        "1",
    ]


def gradient_files(folder: Path) -> list[str]:
    """The net's gradients under the names of three models, as files of a study."""
    found = []
    for model in MODELS:
        out, pictures = (
            folder / model / "gradients.parquet",
            folder / model / "gradients.safetensors",
        )
        flags = [
            "--dataset",
            "made",
            "--model",
            model,
            *flags_of(folder),
            "--images",
            14,
            "--shown",
            4,
            "--batch",
            5,
        ]
        gradients.main([*map(str, flags), "--out", str(out), "--pictures", str(pictures)])
        found += [str(out), str(pictures)]
    return found
