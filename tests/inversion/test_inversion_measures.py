"""The measures of inversion: rows that say what the scores say, sets of FID, interpolated codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from inversion.linear import K, Linear, pictures
from inversion.test_descent import direct, encoded
from robustgen.core.refusal import Refused
from robustgen.core.seeds import seed_of
from robustgen.data.store import Images
from robustgen.inversion import interpolation, inversion_fid, inversions
from robustgen.inversion.descent import Settings
from robustgen.inversion.inverting import Inverting
from robustgen.measures.frechet import frechet
from robustgen.measures.types import Context

OPTIONS = {"lambda_": (0.1, 1.0), "plus": (False, True), "steps": (3,), "images": 9}


def some(n: int = 9) -> Images:
    x = (pictures(n) * 255).round().to(torch.uint8).numpy()
    return Images(x, np.arange(n) % K, np.arange(n) + 100, ("a", "b", "c"))


def context(given: dict | None = None) -> Context:
    return Context(lambda **axes: seed_of(0, **axes), {}, 4, "cpu", given or {})


def model() -> Inverting:
    return Inverting(direct(), Settings(steps=3), at_once=6)


def test_rows_hold_the_objective_that_the_scores_negate() -> None:
    images = some()
    found = inversions.measure(model(), images, options=OPTIONS, context=context())
    rows = found.rows[(found.rows["lambda_"] == 1.0) & ~found.rows["plus"]]
    scores = model()(images.tensors()[0])
    table = rows.pivot(index="index", columns="class", values="total").to_numpy()
    np.testing.assert_allclose(-table, scores.numpy(), rtol=1e-5)
    assert len(found.rows) == 4 * 9 * K
    terms = found.rows["pixels"] + found.rows["lambda_"] * found.rows["strength"]
    np.testing.assert_allclose(found.rows["total"], terms, rtol=1e-5)  # this distance weighs 0
    cells = json.loads(found.arrays["cells"].tobytes())
    assert [cell["lambda_"] for cell in cells] == [0.1, 1.0, 0.1, 1.0]
    assert found.arrays["reconstructions"].shape == (4, 9, K, 1, 4, 4)


def test_an_image_whose_search_ends_in_nan_is_named_and_the_others_live(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = inversions.measure(model(), some(), options=OPTIONS, context=context())
    clean = Linear.forward

    def broken(self: Linear, z: torch.Tensor, y: torch.Tensor, extra: object = None) -> object:
        images = clean(self, z, y, extra)  # type: ignore[arg-type]
        if len(z) == 2 * K and (extra is not None):  # at_once 6: two images of three classes
            images[0] = float("nan") if torch.equal(y[:1], y[:1] * 0) else images[0]
        return images

    monkeypatch.setattr(Linear, "forward", broken)
    found = inversions.measure(model(), some(), options=OPTIONS, context=context())
    said = capsys.readouterr().err
    assert "test images 100, 102, 104, 106" in said
    assert sorted(set(found.rows["index"])) == [101, 103, 105, 107, 108]
    same = whole.rows[whole.rows["index"].isin(found.rows["index"]) & ~whole.rows["plus"]]
    mine = found.rows[~found.rows["plus"]]
    np.testing.assert_array_equal(same["total"], mine["total"])
    assert found.arrays["codes"].shape[1] == len(found.arrays["labels"]) == 5


def test_sets_of_fid_are_of_one_size_and_of_the_right_images() -> None:
    images = some()
    made = inversions.measure(model(), images, options=OPTIONS, context=context())
    given = {"inversions": made}
    found = inversion_fid.measure(model(), images, options={}, context=context(given))
    assert len(found.rows) == 4 * K
    assert (found.rows["n"] == 3).all()
    inside, outside = inversion_fid.sides(images.labels, 1, context())
    assert (images.labels[inside] == 1).all()
    assert (images.labels[outside] != 1).all()
    drawn = made.arrays["reconstructions"][0][:, 1].reshape(9, -1) / 255
    real = images.images[inside].reshape(3, -1) / 255
    row = found.rows[found.rows["class"] == 1].iloc[0]
    assert row["fid_in"] == pytest.approx(frechet(drawn[inside], real), rel=1e-5)
    assert row["fid_gap"] == pytest.approx(row["fid_out"] - row["fid_in"])
    assert row["extractor"] == "pixels"


def test_classes_without_two_images_are_left_out_and_none_at_all_is_refused() -> None:
    assert list(inversion_fid.classes_of(np.array([0, 0, 1, 2, 2]), 4)) == [0, 2]
    with pytest.raises(Refused, match="raise the option images"):
        list(inversion_fid.classes_of(np.array([0, 1]), 2))


def test_ends_of_an_interpolation_are_the_codes_of_two_runs() -> None:
    """k = 10 gives the code of the first run (a = 1) and k = 0 that of the second."""
    images = some()
    options = {"lambda_": 1.0, "seeds": (0, 1), "images": 4, "pictures": 2}
    found = interpolation.measure(model(), images, options=options, context=context())
    x, y = (part[:4] for part in images.tensors())
    for seed, k in ((0, 10), (1, 0)):
        run = Inverting(direct(seed=seed), Settings(steps=3), at_once=6)
        codes = run.look(x)["codes"][torch.arange(4), y]
        image = Linear()(codes, y)
        expected = (x - image).flatten(1).mean(dim=1).pow(2).numpy()
        for path in interpolation.PATHS:
            rows = found.rows[(found.rows["path"] == path) & (found.rows["k"] == k)]
            np.testing.assert_allclose(rows["distance"], expected, atol=1e-6)
    assert found.arrays["drawn"].shape == (2, 2, 11, 1, 4, 4)


def test_an_image_whose_run_ends_in_nan_has_no_interpolation_and_the_others_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"lambda_": 1.0, "seeds": (0, 1), "images": 9, "pictures": 2}
    whole = interpolation.measure(model(), some(), options=options, context=context()).rows
    clean = interpolation._run

    def broken(*args: object) -> object:
        run = clean(*args)  # type: ignore[arg-type]
        for name in ("total", "perceptual", "codes"):
            getattr(run[0], name)[0] = float("nan")  # of the first image
        return run

    monkeypatch.setattr(interpolation, "_run", broken)
    found = interpolation.measure(model(), some(), options=options, context=context())
    assert "test images 100" in capsys.readouterr().err
    left = whole[whole["index"] != 100].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.rows, left)
    np.testing.assert_array_equal(found.arrays["images"], some().images[1:3])


def test_an_arc_keeps_norms_where_a_line_shrinks_them() -> None:
    """Two orthogonal codes of norm 2: the middle of the line has norm sqrt 2, that of the arc 2."""
    first, second = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    assert interpolation.linear(first, second, 0.5).norm().item() == pytest.approx(2**0.5)
    assert interpolation.slerp(first, second, 0.5).norm().item() == pytest.approx(2.0)
    torch.testing.assert_close(interpolation.slerp(first, second, 1.0), first)
    same = interpolation.slerp(first, first, 0.3)
    torch.testing.assert_close(same, first)


def test_a_start_that_is_not_random_cannot_be_run_twice() -> None:
    other = Inverting(encoded(), Settings(steps=3), at_once=6)
    options = {"lambda_": 1.0, "seeds": (0, 1), "images": 4, "pictures": 2}
    with pytest.raises(Refused, match="without an encoder"):
        interpolation.measure(other, some(), options=options, context=context())
    with pytest.raises(Refused, match="two numbers"):
        interpolation.measure(model(), some(), options=options | {"seeds": (0,)}, context=context())


def test_the_modules_stand_where_kinds_are_looked_for(tmp_path: Path) -> None:
    from robustgen.core.kinds import kinds

    del tmp_path
    assert {"inversions", "inversion_fid", "interpolation"} <= set(kinds("measures"))
    assert {"inversion", "perceptual", "lpips_distance"} <= set(kinds("models"))
