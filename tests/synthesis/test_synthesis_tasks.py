"""Synthesis by a classifier: its steps, its starts, its tasks, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.inversion.perceptual import Perceptual
from robustgen.measures.frechet import frechet
from robustgen.measures.kid import kid
from robustgen.synthesis import generated, generated_fid, refined, restored
from robustgen.synthesis.class_seeds import RIDGE, class_seeds, wanted_classes
from robustgen.synthesis.descent import Walk
from robustgen.synthesis.generated import finite
from robustgen.synthesis.sets_compared import compared, parts_of
from robustgen.synthesis.synthesizer import Synthesizer, synthesizer
from synthesizing import CLASSES, Coloured, context, images, options, plain, synthesizer_of

FEW: dict[str, Any] = {"images": 12, "steps": 4, "eps": 2.0, "shown": 5}
SHORT = {"inpainting_steps": 3, "super_resolution_steps": 3, "representation_steps": 3}


def test_steps_on_a_linear_loss_go_straight_and_stop_at_the_radius() -> None:
    """The gradient of <w, x> is w everywhere: t steps of length s end at x - min(t s, eps) w / |w|
    where no pixel leaves [0,1].
    """
    w = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    x = torch.full((2, 3, 4, 4), 0.5)
    unit = w / w.norm()

    def loss(z: Tensor) -> Tensor:
        return (w * z).sum(dim=(1, 2, 3))

    near, far = (Walk(0.3, 0.05, steps).end(x, loss) for steps in (4, 40))
    assert torch.allclose(near, x - 0.2 * unit, atol=1e-6)
    assert torch.allclose(far, x - 0.3 * unit, atol=1e-6)


def test_the_seeds_of_a_class_have_its_mean_and_covariance() -> None:
    """mu + X^T u / sqrt(n) + sqrt(ridge) v has the covariance X^T X / n + ridge I."""
    source = torch.Generator().manual_seed(1)
    x = (0.5 + 0.05 * torch.randn(40, 1, 2, 2, generator=source)).clamp(0, 1)
    y = torch.arange(40) % 2
    wanted = torch.zeros(40_000, dtype=torch.long)
    drawn = class_seeds(x, y, wanted, grain=1, generator=source).flatten(1)
    mine = x[y == 0].flatten(1)
    law = torch.cov(mine.T, correction=0) + RIDGE * torch.eye(4)
    assert torch.allclose(drawn.mean(dim=0), mine.mean(dim=0), atol=2e-3)
    assert torch.allclose(torch.cov(drawn.T), law, atol=2e-4)


def test_grain_makes_seeds_of_blocks() -> None:
    found = class_seeds(torch.rand(6, 3, 8, 8), torch.arange(6) % 2, torch.tensor([0, 1]), grain=4,
                        generator=torch.Generator())  # fmt: skip
    blocks = found.reshape(2, 3, 2, 4, 2, 4)
    assert (blocks == blocks[:, :, :, :1, :, :1]).all()
    with pytest.raises(Refused, match="no whole blocks of 3 pixels"):
        class_seeds(torch.rand(2, 3, 8, 8), torch.zeros(2), torch.tensor([0]), grain=3,
                    generator=torch.Generator())  # fmt: skip


def test_a_class_that_does_not_exist_or_has_no_image_is_refused() -> None:
    labels = torch.tensor([0, 0, 2])
    assert wanted_classes(3, (2, 0), labels, 5).tolist() == [2, 0, 2, 0, 2]
    with pytest.raises(Refused, match="no class 7; the data set has classes 0 to 2"):
        wanted_classes(3, (0, 7), labels, 5)
    with pytest.raises(Refused, match="No test image is of class 1"):
        wanted_classes(3, (), labels, 5)


def test_generation_starts_alike_for_all_nets_and_counts_what_the_judge_sees() -> None:
    told = options(generated, **FEW)
    first, second = (
        generated.measure(synthesizer_of(seed), images(), options=told, context=context())
        for seed in (0, 1)
    )
    assert (first.arrays["starts"] == second.arrays["starts"]).all()
    assert not (first.arrays["made"] == second.arrays["made"]).all()
    rows = first.rows
    assert rows.groupby("task", sort=False).size().to_dict() == dict.fromkeys(generated.TASKS, 12)
    assert (rows["moved"] <= 2 + 1e-4).all()
    made = torch.from_numpy(first.arrays["made"][0]).float() / 255
    judge = synthesizer_of(0).judge
    seen = (judge(made).argmax(dim=1).numpy() == first.arrays["labels"]).mean()
    share = rows[rows["task"] == "generation"]["judged"].mean()
    assert abs(seen - share) <= 1 / 12  # bytes round, which may tip an image on the boundary
    assert first.arrays["way"].shape == (2, 5, generated.MOMENTS, 3, 8, 8)


def test_the_net_believes_in_what_it_made() -> None:
    """Steps against CE(z, k) raise the probability of k, here on every image of a smooth net."""
    x, wanted = torch.rand(9, 3, 8, 8), torch.arange(9) % CLASSES
    net = plain(3)
    end = Walk(1.0, 0.1, 10).end(x, generated.wanted_loss(net, wanted))
    before, after = (net(z).softmax(dim=1).gather(1, wanted[:, None]) for z in (x, end))
    assert (after > before).all()


def test_images_of_other_classes_start_image_to_image() -> None:
    y = torch.tensor([0, 1, 2, 0])
    places = generated._of_other_classes(y, torch.tensor([0, 1, 2, 0]))
    assert (y[places] != torch.tensor([0, 1, 2, 0])).all()


def test_an_image_that_ends_in_nan_is_named_and_left_out(capsys: pytest.CaptureFixture) -> None:
    ends = torch.rand(3, 3, 8, 8)
    ends[1, 0, 0, 0] = torch.nan
    assert finite([ends], "made image").tolist() == [0, 2]
    assert "made image 1" in capsys.readouterr().err
    with pytest.raises(Refused, match="Every made image ends in NaN"):
        finite([torch.full((2, 1, 2, 2), torch.nan)], "made image")


def test_sets_are_compared_whole_and_in_parts() -> None:
    source = np.random.default_rng(0)
    real, made = source.normal(size=(30, 4)), source.normal(size=(24, 4))
    found = list(compared(real, made))
    assert [one["part"] for one in found] == [0, 1]
    parts = parts_of(24)
    assert sorted(np.concatenate(parts)) == list(range(24))
    assert found[1]["kid"] == kid(real, made[parts[1]])
    assert found[0]["fid"] == found[1]["fid"] == frechet(real, made)


def test_kid_of_parts_is_on_average_that_of_the_whole_set_although_classes_stand_in_turn() -> None:
    """Ten classes far apart: parts of consecutive images, one of each class, would give a KID far
    below 0; the mean over random parts estimates that of the whole.
    """
    source = np.random.default_rng(1)
    centres = 2 * source.normal(size=(10, 8))
    real, made = (np.tile(centres, (50, 1)) + 0.1 * source.normal(size=(500, 8)) for _ in range(2))
    whole = kid(real, made)
    found = np.array([one["kid"] for one in compared(real, made)])
    assert abs(found.mean() - whole) < 3 * found.std(ddof=1) / len(found) ** 0.5
    consecutive = [kid(real, part) for part in np.array_split(made, 50)]
    assert np.mean(consecutive) < whole - 0.1 * np.abs(found).max()


def test_fid_of_starts_and_ends_by_the_features_of_the_judge() -> None:
    model, told = synthesizer_of(), context()
    told.given["generated"] = generated.measure(
        model, images(), options=options(generated, **FEW), context=told
    )
    found = generated_fid.measure(model, images(), options={}, context=told)
    assert found.rows.groupby(["stage", "task"]).size().to_dict() == {
        (stage, task): 1 for stage in ("start", "end") for task in generated.TASKS
    }
    assert (found.rows["n"] == 12).all()
    assert (found.rows["n_real"] == 24).all()
    assert found.rows["extractor"].str.startswith("surrogate").all()


def test_psnr_by_hand() -> None:
    """A difference of 0.1 in every counted pixel: 10 log10(1 / 0.01) = 20 dB, whatever the rest."""
    x = torch.zeros(1, 3, 4, 4)
    counted = torch.zeros(1, 1, 4, 4)
    counted[..., :2, :] = 1
    other = torch.where(counted > 0, 0.1, 0.9).expand(1, 3, 4, 4)
    assert restored.psnr(x, other, counted).item() == pytest.approx(20)
    assert restored.psnr(x, x, counted).item() == 100


def test_holes_are_squares_within_the_image() -> None:
    found = restored.holes(50, size=8, side=3, source=torch.Generator().manual_seed(0))
    assert (found.sum(dim=(1, 2, 3)) == 9).all()
    assert (found.amax(dim=3).sum(dim=2) == 3).all()


def test_restored_tasks_have_their_baselines() -> None:
    model, x = synthesizer_of(), images().tensors()[0]
    told = options(restored, hole=3, factor=2, images=10, **SHORT)
    tasks = restored._tasks(model, x[:10], told, context())
    inpainting = tasks["inpainting"]
    outside = inpainting.counted.expand_as(inpainting.start) == 0
    assert (inpainting.start[outside] == x[:10][outside]).all()
    small = torch.nn.functional.avg_pool2d(x[:10], 2)
    assert (tasks["super_resolution"].start[:, :, ::2, ::2] == small).all()
    found = restored.measure(model, images(), options=told, context=context())
    assert len(found.rows) == 30
    mine = found.rows[found.rows["task"] == "inpainting"]
    by_hand = restored.psnr(inpainting.baseline, x[:10], inpainting.counted).numpy()
    assert np.allclose(mine["psnr_base"], by_hand)
    with pytest.raises(Refused, match="cannot be reduced 3 times"):
        restored._super_resolution(model, x, 3)


def test_features_of_the_original_are_approached() -> None:
    """The loss |R(x) - R(x_0)| / |R(x_0)| falls from the noise on; it is 0 at the original."""
    model, x = synthesizer_of(), torch.rand(4, 3, 8, 8)
    task = restored._representation(model, x, torch.Generator().manual_seed(0))
    loss = task.loss(x, torch.zeros(4), slice(0, 4))
    end = Walk(1000.0, 0.05, 15).end(task.start, loss)
    assert (loss(end) < loss(task.start)).all()
    assert loss(x).max() < 1e-5


def test_refinement_compares_the_same_samples() -> None:
    model = synthesizer_of(generator=Coloured())
    told = options(refined, images=24, steps=3)
    found = refined.measure(model, images(), options=told, context=context())
    assert found.rows.groupby("stage").size().to_dict() == {"start": 2, "end": 2}
    samples = torch.from_numpy(found.arrays["samples"]).float() / 255
    red = samples[0].mean(dim=(1, 2))
    assert red.argmax() == 0  # the first wanted class is 0, whose colour is red
    moved = (found.arrays["refined"].astype(float) - found.arrays["samples"]) / 255
    assert (np.sqrt((moved**2).sum(axis=(1, 2, 3))) <= 1.05).all()


def test_a_part_that_is_needed_and_a_model_of_another_kind_are_asked_for() -> None:
    with pytest.raises(Refused, match="needs the part `generator`"):
        refined.measure(synthesizer_of(), images(), options=options(refined), context=context())
    with pytest.raises(Refused, match="on models of kind synthesizer alone"):
        synthesizer(plain(0))
    assert isinstance(synthesizer(synthesizer_of()), Synthesizer)


def test_a_distance_stands_in_the_place_of_the_judges_layers() -> None:
    """By the same layers as `perceptual` normalises them the two agree; rows say which it is."""
    told = options(restored, hole=3, factor=2, images=6, **SHORT)
    plain_one = synthesizer_of()
    by_part = Perceptual(plain_one.judge, metric="LPIPS", weight=1.0, normalized="pixels")
    other = synthesizer_of(distance=by_part)
    first, second = (
        restored.measure(model, images(), options=told, context=context()).rows
        for model in (plain_one, other)
    )
    assert np.allclose(first["perceptual_base"], second["perceptual_base"], rtol=1e-5)
    assert set(first["metric"]) == {"surrogate of LPIPS by the judge"}
    assert set(second["metric"]) == {"LPIPS"}
