"""MAGIC: terms of the objective by hand, searches with a known end, flat batches, target masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from robustgen.core.option_faults import problems
from robustgen.core.options import declared
from robustgen.core.refusal import Refused
from robustgen.measures.types import Measured
from robustgen.synthesis import magic
from robustgen.synthesis.image_statistics import (
    TINY,
    distance,
    statistics,
    total_variation_l1,
    total_variation_l2,
)
from robustgen.synthesis.magic_search import Reference, Search, Weights, rate, reference
from robustgen.synthesis.magic_searches import Searches
from robustgen.synthesis.per_source import Layer, PerSource
from robustgen.synthesis.sources import sources
from robustgen.synthesis.target_masks import shifted, targets
from synthesizing import SIZE, Bright, context, images, masked, options, plain, synthesizer_of

pytestmark = pytest.mark.usefixtures("one_thread")
FEW: dict[str, Any] = {"sources": 3, "starts": 2, "steps": 4, "patch_steps": 3, "patch_width": 4}
NONE = Weights(class_=0, statistics=0, mask=0, tv_l1=0, tv_l2=0, norm=0)


def measured(seed: int = 0, **told: Any) -> Measured:
    model = synthesizer_of(seed, segmenter=Bright())
    return magic.measure(model, masked(), options=options(magic, **FEW | told), context=context())


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- terms of the objective -----------------------------------------------------------------------


def test_the_total_variation_of_a_step_is_counted_in_four_directions() -> None:
    """An image of 2 x 3 pixels, 0 0 1 in both rows. Across: 4 differences, of which 2 are 1. Down:
    3, all 0. Each diagonal: 2, of which one is 1. By absolute values 2/4 + 0 + 1/2 + 1/2; by norms
    sqrt 2 + 0 + 1 + 1.
    """
    x = torch.tensor([[[0.0, 0, 1], [0, 0, 1]]])
    assert total_variation_l1(x).item() == pytest.approx(1.5)
    assert total_variation_l2(x).item() == pytest.approx(2**0.5 + 2)
    assert total_variation_l1(torch.ones(5, 1, 4, 4)).tolist() == [0] * 5


def test_a_constant_has_no_total_variation_and_a_finite_gradient() -> None:
    x = torch.ones(1, 4, 4, requires_grad=True)
    total_variation_l2(x).backward()
    assert x.grad is not None
    assert x.grad.abs().max() == 0


def test_the_statistics_of_a_constant_are_its_value_and_the_root_of_the_smallest_variance() -> None:
    found = statistics(torch.full((2, 3, 4, 4), 7.0))
    assert found.means.tolist() == [[7] * 3] * 2
    torch.testing.assert_close(found.deviations, torch.full((2, 3), TINY**0.5))


def test_the_distance_of_statistics_is_that_of_means_and_of_deviations() -> None:
    """One channel that is 0 and 2 in equal shares: mean 1, deviation 1. Another: mean 4, deviation
    0. (4 - 1)^2 + (1 - 0)^2 = 10, of one tap; with a second tap that is the same, 10 too.
    """
    one = statistics(torch.tensor([[[0.0, 2], [2, 0]]]))
    other = statistics(torch.full((1, 2, 2), 4.0))
    assert distance([one], [other]).item() == pytest.approx(10, rel=1e-2)
    assert distance([one, one], [other, one]).item() == pytest.approx(10, rel=1e-2)


def test_the_learning_rate_rises_and_falls() -> None:
    """100 steps: up to 1 in the first 5, then (1 + cos(pi s / 95)) / 2 for s = 0, ..., 94."""
    found = [rate(step, 100) for step in range(100)]
    assert found[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert found[52] == pytest.approx(0.5 * (1 + np.cos(np.pi * 47 / 95)))
    assert 0 < found[-1] < 0.001
    assert rate(0, 1) == 1


def test_networks_side_by_side_are_those_of_each_source_alone() -> None:
    seeds = [torch.Generator().manual_seed(k) for k in range(3)]
    layers, x = [Layer(4), Layer(2, 4, 2)], normal(2, 3, 3, 8, 8)
    both = PerSource(layers, channels=3, generators=seeds)(x)
    for k in range(3):
        alone = PerSource(layers, channels=3, generators=[torch.Generator().manual_seed(k)])
        torch.testing.assert_close(both[:, k : k + 1], alone(x[:, k : k + 1]))


# --- the search -----------------------------------------------------------------------------------


class Red(nn.Module):
    """A fixed linear P: the logit of a pixel is its first channel."""

    def forward(self, v: Tensor) -> Tensor:
        return v[:, :, :1]


def test_an_image_that_has_only_a_mask_to_follow_gets_the_targets_sign() -> None:
    """BCE(v, m) falls along sign(2 m - 1) in each pixel on its own, so that from any start the
    first channel ends above 0 on the target and below 0 beside it; the others stay as they were.
    """
    target = torch.zeros(2, 1, SIZE, SIZE)
    target[0, 0, 2:5, 1:4] = 1
    target[1, 0, 5:, :] = 1
    known = Reference([], torch.zeros(1, 3))
    red: Any = Red()
    search = Search(plain(0), red, known, target, replace(NONE, mask=1.0), 80, 0.2)
    start = normal(2, 1, 3, SIZE, SIZE)
    found = search(start)
    assert ((found[:, :, 0] > 0) == target.bool()).all()
    assert torch.equal(found[:, :, 1:], start[:, :, 1:])


def test_a_source_itself_has_no_distance_and_its_own_classs_loss() -> None:
    """At x' = x the statistics are those of the reference, and CE is -log of the largest
    probability.
    """
    net, x = plain(1), torch.rand(2, 3, SIZE, SIZE)
    known = reference(net, x)
    v = ((x - 0.5) / 0.25)[None]
    target, p = torch.zeros(1, 2, SIZE, SIZE), net(x).softmax(dim=1)
    red: Any = Red()
    of = {
        name: Search(net, red, known, target, replace(NONE, **{name: 1.0}), 1, 0.1).losses(v)
        for name in ("statistics", "class_", "norm")
    }
    assert of["statistics"].max().item() < 1e-9
    torch.testing.assert_close(of["class_"][0], -p.amax(dim=1).log())
    torch.testing.assert_close(of["norm"], v.flatten(2).norm(dim=2))


@pytest.mark.parametrize("critic", [False, True])
def test_a_flat_batch_ends_where_searches_of_one_source_at_a_time_end(critic: bool) -> None:
    """Starts and networks of a source are drawn from its own seeds, and no term of an image holds
    another source's, so that batches of all sources, and of one, give the same images.
    """
    part, told = masked().at(np.arange(4, 7)), options(magic, **FEW, critic=critic)
    x, _ = part.tensors()
    masks = torch.from_numpy(part.masks)
    wanted = masks[None].repeat(2, 1, 1, 1)
    wanted[1] = wanted[1].flip(2)
    flat, single = (
        Searches(plain(0), told, replace(context(), batch=batch), part.index)(x, masks, wanted)
        for batch in (1000, 1)
    )
    torch.testing.assert_close(flat, single, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(flat[0], flat[1])
    alone = Searches(plain(0), told | {"starts": 1}, context(), part.index[1:2])
    if not critic:  # which sees all images of a source
        one = alone(x[1:2], masks[1:2], wanted[:1, 1:2])
        torch.testing.assert_close(flat[:1, :1, 1:2], one, rtol=1e-3, atol=1e-4)


# --- target masks ---------------------------------------------------------------------------------


def box(top: int, left: int, h: int = 2, w: int = 2) -> Tensor:
    found = torch.zeros(8, 8, dtype=torch.uint8)
    found[top : top + h, left : left + w] = 1
    return found


@pytest.mark.parametrize(
    ("mask", "moved"),
    [
        (box(3, 1), box(3, 6)),  # 5 pixels to the right
        (box(3, 5), box(3, 0)),  # 5 pixels to the left
        (box(5, 3), box(0, 3)),  # 5 pixels up
        (box(0, 3), box(6, 3)),  # 6 pixels down
        (box(1, 1, 6, 6), box(1, 0, 6, 5)),  # one pixel of room on each side: 2 pixels to the left
    ],
)
def test_a_mask_moves_to_where_there_is_most_room(mask: Tensor, moved: Tensor) -> None:
    assert torch.equal(shifted(mask), moved)
    both = targets(mask[None], torch.zeros(1), "copy")[0]
    assert torch.equal(both, moved | mask)


def test_the_shape_is_that_of_the_next_source_of_another_class_that_looks_otherwise() -> None:
    """0 takes 2, for 1 has its class; 1 takes 2; 2 takes 3, which looks as 0 does; 3 takes 1."""
    masks = torch.stack([box(0, 0), box(4, 4), box(0, 4), box(0, 0)])
    found = targets(masks, torch.tensor([0, 0, 1, 2]), "shape")
    assert [int((masks == one).all(dim=(1, 2)).nonzero()[0]) for one in found] == [2, 2, 0, 1]
    same = targets(masks[[0, 3]], torch.tensor([0, 0]), "shape")
    assert torch.equal(same, masks[[3, 0]])
    with pytest.raises(Refused, match="takes its target from another source; ask for 2"):
        targets(masks[:1], torch.tensor([0]), "shape")


# --- the measure ----------------------------------------------------------------------------------


def test_rows_hold_what_the_networks_see_in_the_images() -> None:
    """The image without a mask is no source; `iou_source` is that of the masks alone."""
    found = measured()
    rows, arrays = found.rows, found.arrays
    assert rows["index"].unique().tolist() == [101, 102, 103]
    assert len(rows) == 3 * 3 * 2
    assert found.axes == ("mode",)
    assert arrays["results"].shape == (3, 3, 2, 3, SIZE, SIZE)
    first = rows[(rows["mode"] == "position") & (rows["index"] == 103)]
    mask = masked().masks[3]  # type: ignore[index]
    target = shifted(torch.from_numpy(mask)).numpy()
    both = (mask & target).sum() / (mask | target).sum()
    assert first["iou_source"].tolist() == [pytest.approx(both)] * 2
    assert (arrays["targets"][1, 2] == target).all()
    drawn = arrays["results"][1, 2] / 255
    bright = drawn.mean(axis=1) > 0.5
    overlap = [(one & (target > 0)).sum() / (one | (target > 0)).sum() for one in bright]
    assert first["iou"].tolist() == pytest.approx(overlap, abs=0.1)
    apart = np.linalg.norm(drawn[0] - drawn[1])
    assert first["diversity"].tolist() == pytest.approx([apart] * 2, rel=0.01)
    net = plain(0)
    p = net(torch.from_numpy(drawn).float()).softmax(dim=1)
    seen = net(masked().tensors()[0][3:4]).argmax()
    assert first["aimed"].tolist() == [int(seen)] * 2
    assert first["probability"].tolist() == pytest.approx(p[:, seen].tolist(), abs=0.02)


def test_starts_are_the_same_for_every_net() -> None:
    """With a learning rate near 0, two nets end at the same images, those of the starts."""
    one, other = (measured(seed, lr=1e-9).arrays["results"] for seed in (0, 5))
    assert (one == other).all()
    assert (measured().arrays["results"] == measured().arrays["results"]).all()


def test_a_search_that_ends_in_nan_is_named_and_the_others_live(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Searches.__call__

    def broken(self: Searches, x: Tensor, masks: Tensor, wanted: Tensor) -> Tensor:
        v = whole(self, x, masks, wanted)
        v[1, 0, 2, 0, 0, 0] = float("nan")
        return v

    monkeypatch.setattr(Searches, "__call__", broken)
    rows = measured().rows
    assert "test image 103, mode position, start 0" in capsys.readouterr().err
    left = rows[(rows["mode"] == "position") & (rows["index"] == 103)]
    assert (left["start"].tolist(), left["diversity"].tolist()) == ([1], [0.0])
    assert len(rows) == 3 * 3 * 2 - 1
    monkeypatch.setattr(Searches, "__call__", lambda *args: whole(*args) * float("nan"))
    with pytest.raises(Refused, match="Every search ends in NaN; lower `lr`"):
        measured()


# --- what is refused ------------------------------------------------------------------------------


def test_a_search_without_steps_is_refused_by_its_options() -> None:
    known = declared("measures", "magic")
    assert known is not None
    assert [said for _, said in problems({"steps": 0}, known)] != []
    assert [*problems({"modes": ["shape", "copy"], "steps": 1}, known)] == []


def test_a_class_that_is_not_there_and_too_few_sources_are_refused() -> None:
    with pytest.raises(Refused, match="no class 3; the data set has classes 0 to 2"):
        measured(classes=[3])
    found = sources(masked(), options(magic, sources=3, classes=[1]))
    assert found.labels.tolist() == [1] * 3
    with pytest.raises(Refused, match="12 sources were asked for and 11 test images can be one"):
        measured(sources=12)


def test_data_without_masks_and_models_without_a_segmenter_are_refused() -> None:
    told, model = options(magic, **FEW), synthesizer_of(segmenter=Bright())
    with pytest.raises(Refused, match=r"MAGIC needs masks, .* name in options.masks the folder"):
        magic.measure(model, images(), options=told, context=context())
    with pytest.raises(Refused, match="needs the part `segmenter`"):
        magic.measure(synthesizer_of(), masked(), options=told, context=context())


def file_of(folder: Path, values: np.ndarray, index: int, mode: str = "L") -> Path:
    path = folder / f"{index}.png"
    Image.fromarray(values.astype(np.uint8)).convert(mode).save(path)
    return path


def test_masks_come_from_files_where_the_data_have_none(tmp_path: Path) -> None:
    wanted = masked().masks[1:4] * 255  # type: ignore[index]
    for place, mask in enumerate(wanted):
        file_of(tmp_path, mask, 100 + place, "1" if place else "L")
    found = sources(images(), options(magic, sources=3, masks=str(tmp_path)))
    assert found.masks is not None
    assert (255 * found.masks == wanted).all()


@pytest.mark.parametrize(
    ("values", "mode", "said"),
    [
        (np.zeros((8, 8)), "L", "100.png is empty: no pixel lies on the object"),
        (np.full((8, 4), 255), "L", "has 4 x 8 pixels, the images have 8 x 8"),
        (np.arange(64).reshape(8, 8), "L", "holds 64 values, 0 to 63; a mask has two"),
        (np.eye(8) + 1, "L", "holds 2 values, 1 to 2; a mask has two"),
        (np.full((8, 8), 255), "RGB", r"is in colour \(RGB\); write the mask as a grey PNG"),
    ],
)
def test_a_file_that_is_no_mask_is_refused(
    tmp_path: Path, values: np.ndarray, mode: str, said: str
) -> None:
    file_of(tmp_path, values, 100, mode)
    with pytest.raises(Refused, match=said):
        sources(images(), options(magic, sources=1, masks=str(tmp_path)))


def test_a_file_that_is_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    told = options(magic, sources=1, masks=str(tmp_path))
    with pytest.raises(Refused, match=r"100\.png is missing; each of the first test images needs"):
        sources(images(), told)
    (tmp_path / "100.png").write_bytes(b"no picture")
    with pytest.raises(Refused, match=r"100\.png is no readable PNG"):
        sources(images(), told)
