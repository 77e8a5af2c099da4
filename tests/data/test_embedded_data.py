"""The two embedded data sets are frozen, balanced, and independent of how many images are asked
for.
"""

from dataclasses import replace

import numpy as np
import pytest

from robustgen.data.pool import TEST, TRAIN, Pool, read_counts
from robustgen.data.sets import digits, signs
from robustgen.data.signs.boards import NAMES, SIDE, templates

FROZEN_DIGITS = "7f5a9b2b0158b58478f824cd5c971b6c41516ba79b088b83a45064085805fcee"
FROZEN_SIGNS = "0eeca6d994f6fb969d65dd44bb0c8567ae88e4c19849e88bcd4681322c7d3e27"


@pytest.fixture(scope="module")
def all_digits() -> Pool:
    return digits.load(size=32, root=None, options={})


@pytest.fixture(scope="module")
def all_signs() -> Pool:
    return signs.load(size=32, root=None, options={})


def few_signs(*, train: int = 20, test: int = 10, size: int = 32) -> Pool:
    return signs.load(size=size, root=None, options={"train": train, "test": test})


def counts(pool: Pool, part: int) -> list[int]:
    return [
        int(np.sum(pool.labels[pool.part == part] == label)) for label in range(len(pool.names))
    ]


def tiny_pool() -> Pool:
    return Pool(
        images=np.zeros((3, 1, 2, 2), dtype=np.uint8),
        labels=np.array([0, 1, 1]),
        part=np.array([TRAIN, TRAIN, TEST], dtype=np.uint8),
        names=("one", "two"),
    )


def test_digits_are_frozen(all_digits: Pool) -> None:
    assert all_digits.sha256 == FROZEN_DIGITS


def test_signs_are_frozen(all_signs: Pool) -> None:
    assert all_signs.sha256 == FROZEN_SIGNS


def test_digits_have_fifty_test_images_of_each_class(all_digits: Pool) -> None:
    assert all_digits.images.shape == (1797, 1, 32, 32)
    assert counts(all_digits, TEST) == [50] * 10
    assert min(counts(all_digits, TRAIN)) == 124


def test_signs_are_balanced_in_both_parts(all_signs: Pool) -> None:
    assert all_signs.images.shape == (9000, 3, 32, 32)
    assert (counts(all_signs, TRAIN), counts(all_signs, TEST)) == ([700] * 10, [200] * 10)


def test_no_two_signs_are_alike(all_signs: Pool) -> None:
    assert len({image.tobytes() for image in all_signs.images}) == len(all_signs)


def test_signs_are_neither_black_nor_blown_out(all_signs: Pool) -> None:
    assert np.mean(all_signs.images == 255) < 0.05
    assert np.mean(all_signs.images == 0) < 0.10
    assert all_signs.images.reshape(9000, -1).std(axis=1).min() > 8.0


def test_a_sign_does_not_depend_on_the_counts(all_signs: Pool) -> None:
    few = few_signs(train=23, test=7)
    places = [*range(23), *range(7000, 7007)]
    assert np.array_equal(few.images, all_signs.images[places])
    assert np.array_equal(few.labels, all_signs.labels[places])
    assert np.array_equal(few.part, all_signs.part[places])


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = few_signs().images
    monkeypatch.setattr(signs, "CHUNK_PIXELS", 7 * 32 * 32)
    assert np.array_equal(few_signs().images, whole)


def test_a_larger_sign_shows_the_same_scene() -> None:
    small, large = few_signs(size=32).images, few_signs(size=64).images
    assert large.shape == (30, 3, 64, 64)
    halved = large.reshape(30, 3, 32, 2, 32, 2).mean(axis=(3, 5))
    for mine, its in zip(small, halved, strict=True):
        assert np.corrcoef(mine.ravel(), its.ravel())[0, 1] > 0.8


def test_paired_signs_share_their_outline_and_differ_within() -> None:
    pictures = templates()
    for first in range(0, 10, 2):
        one, other = pictures[first], pictures[first + 1]
        assert np.array_equal(one[..., 3], other[..., 3])
        assert np.mean(np.abs(one - other).max(axis=-1) > 0.5) > 0.02


def test_templates_are_empty_at_the_edge() -> None:
    coverage = templates()[..., 3]
    for edge in (0, SIDE - 1):
        assert not coverage[:, edge].any()
        assert not coverage[:, :, edge].any()


@pytest.mark.parametrize("size", [8, 28, 32])
def test_enlarged_digits_keep_their_mean_and_their_orientation(size: int) -> None:
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 8)[:, None], (1, 8, 8))
    larger = digits.enlarge(ramp, size=size)
    assert larger.shape == (1, size, size)
    assert larger.mean() == pytest.approx(0.5)
    assert np.all(np.diff(larger[0, :, 0]) > 0.0)


def test_digits_at_their_own_size_are_the_originals() -> None:
    from sklearn.datasets import load_digits

    pool = digits.load(size=8, root=None, options={})
    assert np.array_equal(pool.images[:, 0], np.rint(load_digits().images * 255.0 / 16.0))


def test_signs_may_be_asked_for_without_a_test_part() -> None:
    pool = few_signs(train=5, test=0)
    assert pool.part.tolist() == [TRAIN] * 5
    assert len(set(pool.labels.tolist())) == 5


def test_names_belong_to_the_classes(all_digits: Pool) -> None:
    assert all_digits.names[3] == "three"
    assert NAMES[2:4] == ("turn left", "turn right")
    assert len(set(NAMES)) == 10


def test_unknown_options_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="signs has no option tests; it knows only train, test"):
        signs.load(size=32, root=None, options={"tests": 3})
    with pytest.raises(ValueError, match="digits has no option train; it has none"):
        digits.load(size=32, root=None, options={"train": 3})


@pytest.mark.parametrize("value", [-1, 2.5, True, "7"])
def test_counts_must_be_whole_numbers(value: object) -> None:
    with pytest.raises(ValueError, match="signs: train must be a whole number of at least 0"):
        read_counts({"train": value}, known=signs.COUNTS, data="signs")


def test_sizes_too_small_to_show_anything_are_refused() -> None:
    with pytest.raises(
        ValueError, match=("signs: size must be a whole number of at least 16, not 8")
    ):
        few_signs(size=8)
    with pytest.raises(
        ValueError, match=("digits: size must be a whole number of at least 8, not 4")
    ):
        digits.load(size=4, root=None, options={})


def test_no_images_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="train and test are both 0"):
        few_signs(train=0, test=0)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("images", np.zeros((3, 1, 2, 2)), "images must be uint8 with 4 axes, not float64"),
        ("images", np.zeros((3, 2, 2), dtype=np.uint8), "with 4 axes, not uint8 with 3"),
        ("images", [[0]], "with 4 axes, not list"),
        ("images", np.zeros((3, 2, 2, 1), dtype=np.uint8), "1 or 3 channels"),
        ("images", np.zeros((0, 1, 2, 2), dtype=np.uint8), "must not be empty"),
        ("labels", np.array([0, 1, 1], dtype=np.int32), "labels must be int64"),
        ("labels", np.array([0, 1]), "one label and one part for each image"),
        ("labels", np.array([0, 1, 2]), "0 to 1; found 0 to 2"),
        ("labels", np.array([0, -1, 1]), "found -1 to 1"),
        ("part", np.array([0, 1, 2], dtype=np.uint8), "0 \\(train\\) and 1 \\(test\\)"),
        ("names", ["one", "two"], "tuple of non-empty strings"),
        ("names", ("one", "one"), "different names"),
    ],
)
def test_a_pool_refuses_what_could_be_misread(field: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Pool(**{**vars(tiny_pool()), field: value})


def test_the_hash_of_a_pool_depends_on_every_field() -> None:
    pool = tiny_pool()
    others = [
        replace(pool, images=pool.images + np.uint8(1)),
        replace(pool, images=pool.images.reshape(3, 1, 1, 4)),
        replace(pool, labels=1 - pool.labels),
        replace(pool, part=np.uint8(1) - pool.part),
        replace(pool, names=("one", "three")),
    ]
    assert len({pool.sha256, *(other.sha256 for other in others)}) == 6
