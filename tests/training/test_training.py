"""Training's pure parts: schedules at known positions, augmentation by brute force, splits by their
properties.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from robustgen.core.refusal import Refused
from robustgen.data.splits import class_counts, split
from robustgen.training.augment import augment
from robustgen.training.schedule import rate

settings.load_profile("ci")  # no deadline, same examples in every run


# --- schedules ------------------------------------------------------------------------------------


def options(schedule: str, lr: float, **others: Any) -> dict[str, Any]:
    return {"schedule": schedule, "lr": lr, **others}


def test_one_cycle_rises_to_its_peak_at_thirty_percent_and_ends_at_zero() -> None:
    cycle = options("onecycle", 0.4)
    found = [rate(cycle, position, epochs=20) for position in (0, 3, 6, 13, 20)]
    assert found == pytest.approx([0.0, 0.2, 0.4, 0.2, 0.0], abs=1e-12)


@given(st.integers(1, 200), st.floats(0, 1))
def test_one_cycle_is_never_above_its_peak_nor_below_zero(epochs: int, share: float) -> None:
    found = rate(options("onecycle", 0.3), share * epochs, epochs=epochs)
    assert -1e-12 <= found <= 0.3 + 1e-12


def test_cosine_is_whole_half_and_nothing_at_start_middle_and_end() -> None:
    cosine = options("cosine", 0.1)
    found = [rate(cosine, position, epochs=10) for position in (0, 5, 10)]
    assert found == pytest.approx([0.1, 0.05, 0.0], abs=1e-12)
    assert rate(cosine, 10 / 3, epochs=10) == pytest.approx(0.075)  # cos 60 degrees


def test_multistep_falls_at_each_milestone() -> None:
    steps = options("multistep", 1.0, milestones=(30, 80), gamma=0.1)
    found = [rate(steps, position, epochs=100) for position in (0, 29.99, 30, 79.99, 80, 100)]
    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_multistep_is_torchs() -> None:
    steps = options("multistep", 0.7, milestones=(3, 7, 9), gamma=0.5)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.7)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 7, 9], gamma=0.5)
    for epoch in range(12):
        assert rate(steps, epoch + 0.5, epochs=12) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_constant_is_constant() -> None:
    assert {rate(options("constant", 0.2), p, epochs=3) for p in (0, 1.5, 3)} == {0.2}


# --- augmentation
# ------------------------------------------------------------------------------------------------


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, channels: int = 2, height: int = 5, width: int = 4) -> Tensor:
    """Images without a zero and without two equal pixels."""
    return 1 + torch.arange(float(n * channels * height * width)).reshape(
        n, channels, height, width
    )


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Pixel by pixel: what lies `down` and `right` of each place, zero outside."""
    height, width = image.shape[1:]
    moved = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                moved[:, row, column] = image[:, row + down, column + right]
    return moved


def ways(image: np.ndarray, found: np.ndarray, crop: int) -> list[tuple[bool, int, int]]:
    """Every (flip, down, right) that makes `found` from `image`."""
    moves = range(-crop, crop + 1)
    sources = ((False, image), (True, image[:, :, ::-1]))
    return [
        (flip, down, right)
        for flip, source in sources
        for down in moves
        for right in moves
        if np.array_equal(shifted(source, down, right), found)
    ]


def test_an_image_is_left_or_mirrored_from_left_to_right() -> None:
    image = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(1, 1, 2, 3)
    found = augment(image.repeat(50, 1, 1, 1), flip=True, crop=0, generator=generator())
    assert {str(one.tolist()) for one in found[:, 0]} == {
        "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]",
        "[[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]",
    }


def test_half_of_the_images_are_mirrored() -> None:
    found = augment(pictures(2000), flip=True, crop=0, generator=generator())
    flips = (found != pictures(2000)).flatten(1).any(dim=1)
    assert abs(int(flips.sum()) - 1000) < 4 * math.sqrt(500)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("crop", [1, 2, 3])
def test_every_shift_is_one_of_the_brute_force_loop(crop: int, flip: bool) -> None:
    x = pictures(60)
    found = augment(x, flip=flip, crop=crop, generator=generator(crop))
    explained = [ways(*pair, crop) for pair in zip(x.numpy(), found.numpy(), strict=True)]
    assert all(explained)
    assert {way[0] for some in explained for way in some} == ({False, True} if flip else {False})


def test_all_shifts_of_up_to_crop_pixels_occur_about_equally_often() -> None:
    x = pictures(900)
    found = augment(x, flip=False, crop=1, generator=generator())
    moves = [ways(*pair, 1)[0][1:] for pair in zip(x.numpy(), found.numpy(), strict=True)]
    counts = {move: moves.count(move) for move in moves}
    assert set(counts) == {(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    assert all(abs(count - 100) < 40 for count in counts.values())  # four standard deviations


def test_the_same_generator_gives_the_same_images_and_another_does_not() -> None:
    first, again, other = (
        augment(pictures(30), flip=True, crop=2, generator=generator(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_augmentation_leaves_the_images() -> None:
    assert torch.equal(augment(pictures(3), flip=False, crop=0, generator=generator()), pictures(3))


# --- splits ---------------------------------------------------------------------------------------
# ---------------


@st.composite
def pools(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """(part, labels, validation) of a pool that is large enough to hold every class in
    every split.
    """
    classes, train, test = (
        draw(st.integers(1, 3)),
        draw(st.integers(120, 200)),
        draw(st.integers(60, 90)),
    )
    labels = np.arange(train + test) % classes
    part = np.repeat([0, 1], [train, test]).astype(np.uint8)
    order = np.random.default_rng(draw(st.integers(0, 9))).permutation(len(part))
    return part[order], labels[order], draw(st.integers(50, train - 60))


@given(pools(), st.integers(0, 9))
def test_splits_are_disjoint_and_complete(
    pool: tuple[np.ndarray, np.ndarray, int], seed: int
) -> None:
    part, labels, validation = pool
    found = split(part, labels, validation=validation, seed=seed, dataset="d")
    assert list(found) == ["train", "validation", "test"]
    assert len(found["validation"]) == validation
    assert sorted(found["test"]) == np.flatnonzero(part == 1).tolist()
    assert sorted([*found["train"], *found["validation"]]) == np.flatnonzero(part == 0).tolist()


@given(pools(), st.integers(0, 9))
def test_splits_depend_on_seed_and_data_set_and_on_nothing_else(
    pool: tuple[np.ndarray, np.ndarray, int], seed: int
) -> None:
    part, labels, validation = pool
    np.random.seed(seed)  # noqa: NPY002 - the global state must not matter
    one, again, other, elsewhere = (
        split(part, labels, validation=validation, seed=number, dataset=name)["train"].tolist()
        for number, name in ((seed, "d"), (seed, "d"), (seed + 1, "d"), (seed, "e"))
    )
    assert one == again
    assert one not in (other, elsewhere)


@given(pools())
def test_a_larger_validation_split_begins_with_the_smaller_and_the_test_split_stays(
    pool: tuple[np.ndarray, np.ndarray, int],
) -> None:
    part, labels, validation = pool
    small, large = (
        split(part, labels, validation=n, seed=0, dataset="d") for n in (validation, validation + 1)
    )
    assert large["validation"].tolist()[:validation] == small["validation"].tolist()
    assert large["test"].tolist() == small["test"].tolist()


def test_class_counts_are_recorded_by_class_with_zeros() -> None:
    labels = np.array([2, 0, 0, 1, 2, 2])
    assert class_counts(np.array([0, 1, 2, 4]), labels, 4) == [2, 0, 2, 0]


def test_a_class_that_a_split_lacks_is_refused_with_both_names() -> None:
    labels, part = np.array([0, 1] * 20 + [2, 2]), np.zeros(42, dtype=np.uint8)
    part[20:40] = 1
    with pytest.raises(
        Refused, match=(r"signs: split test has no image of class 2; .* add test images")
    ):
        split(part, labels, validation=10, seed=0, dataset="signs")


@pytest.mark.parametrize("validation", [0, 20, 21, 1000])
def test_a_validation_split_that_leaves_nothing_is_refused(validation: int) -> None:
    part = np.repeat([0, 1], 20).astype(np.uint8)
    with pytest.raises(
        Refused,
        match=(f"signs: cannot hold {validation} validation images out of 20 training images"),
    ):
        split(part, np.zeros(40, dtype=np.int64), validation=validation, seed=0, dataset="signs")
