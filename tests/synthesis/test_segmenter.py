"""Segmenters: intersection over union by hand, what they learn, and what is refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.core.seeds import generator
from robustgen.nets import weights
from robustgen.nets.spec import Spec
from robustgen.synthesis import segmenter
from robustgen.synthesis.overlap import iou
from robustgen.synthesis.segmenting import Segmenting, trainer
from robustgen.training.loop import Run, train
from robustgen.training.types import Data, Part, Recipe

pytestmark = pytest.mark.usefixtures("one_thread")
SPEC = Spec("segmenter", 3, 2, 16, (0.0,) * 3, (1.0,) * 3, {"width": 4})
SEED = partial(generator, 3, seed=0, model="m")


def boxes(count: int, seed: int) -> Part:
    """Red boxes of 6 x 8 pixels at random places on blue noise, and their masks."""
    source = torch.Generator().manual_seed(seed)
    x = 60 * torch.rand((count, 3, 16, 16), generator=source)
    x[:, 2] += 120
    masks = torch.zeros(count, 16, 16, dtype=torch.uint8)
    for k, (top, left) in enumerate(torch.randint(0, 8, (count, 2), generator=source).tolist()):
        masks[k, top : top + 6, left : left + 8] = 1
        x[k, :, top : top + 6, left : left + 8] = torch.tensor([220.0, 40, 40])[:, None, None]
    return Part(x.byte(), torch.arange(count) % 2, masks)


def segmenting(data: Data, **options: Any) -> Segmenting:
    torch.manual_seed(0)
    told = {"batch": 8, "lr": 0.01, **options}
    recipe = Recipe(epochs=6, trainer="segmenting", options=told)
    return trainer(
        weights.untrained(SPEC),
        recipe=recipe,
        data=data,
        seed=SEED,
        dtype=torch.float32,
        parts={},
    )


def squares(*sides: int) -> Tensor:
    """Masks of 4 x 4 pixels, squares of these sides in the upper left corner."""
    found = torch.zeros(len(sides), 4, 4)
    for k, side in enumerate(sides):
        found[k, :side, :side] = 1
    return found


def test_the_overlap_of_squares_is_the_smaller_area_over_the_larger() -> None:
    """1 / 4, 4 / 9, 9 / 9; nothing of something is 0, and nothing of nothing 1."""
    found = iou(squares(1, 2, 3, 0, 0), squares(2, 3, 3, 2, 0))
    assert found.tolist() == pytest.approx([1 / 4, 4 / 9, 1, 0, 1])


def test_a_segmenter_learns_where_boxes_are_and_keeps_its_best_state(tmp_path: Path) -> None:
    one = segmenting(Data(boxes(96, 1), boxes(24, 2)))
    found = train(one, Run(SEED, tmp_path / "checkpoint.safetensors", "k"))
    assert found.progress.score > 0.8
    weights.write(tmp_path / "weights.safetensors", found.weights, SPEC)
    net = weights.load(tmp_path / "weights.safetensors", SPEC)
    told: dict[str, Any] = {"spec": SPEC, "dtype": torch.float32, "device": "cpu"}
    ready, part = segmenter.freeze(net, {}, **told), boxes(24, 2)
    assert part.masks is not None
    overlap = iou(ready(part.images / 255) > 0, part.masks).mean()
    assert overlap.item() == pytest.approx(found.progress.score, abs=1e-3)


def test_images_are_mirrored_with_their_masks() -> None:
    """Without noise, the pixels that are red are those of the mask, mirrored or not."""
    one = segmenting(Data(boxes(96, 1), boxes(24, 2)), noise=0.0)
    x, masks = one._drawn(torch.arange(16), SEED(use="noise"))
    assert ((x[:, 0] > 0.5) == masks.bool()).all()
    assert one.data.train.masks is not None
    assert not torch.equal(masks, one.data.train.masks[:16].float())


def test_data_without_masks_are_refused_before_training() -> None:
    bare, whole = Part(boxes(8, 1).images, boxes(8, 1).labels), boxes(8, 1)
    with pytest.raises(Refused, match="needs masks, which this data set has not: train"):
        segmenting(Data(bare, whole))


def test_other_models_and_too_small_images_are_refused() -> None:
    net = weights.untrained(Spec("resnet", 3, 2, 16, (0.0,), (1.0,), {"width": 4, "blocks": [1]}))
    told: dict[str, Any] = {"seed": SEED, "dtype": torch.float32, "parts": {}}
    recipe, data = Recipe(epochs=1, trainer="segmenting"), Data(boxes(8, 1), boxes(8, 2))
    with pytest.raises(Refused, match="trains models of kind segmenter alone"):
        trainer(net, recipe=recipe, data=data, **told)
    with pytest.raises(Refused, match="Images of 3 pixels cannot be halved twice"):
        segmenter.build(channels=3, classes=2, size=3)
    with pytest.raises(Refused, match="has no weights; train it"):
        segmenter.freeze(None, {}, spec=SPEC, dtype=torch.float32, device="cpu")
