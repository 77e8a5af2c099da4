"""Tables of chapter 3 on rows by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from inversions import facts, rows, spec, written
from robustgen.core.options import filled
from robustgen.inversion.inversions import AXES
from robustgen.stats.intervals import mean, paired_share_difference, share
from robustgen.stats.inverted import per_image, spearman
from robustgen.study import config
from robustgen.tables import (
    domain_gap,
    generators,
    interpolated,
    inverted,
    published,
    published_inversion,
)
from robustgen.tables.published_abs import value

PAPER = published.read(ROOT / "config/paper.csv")
HALF = [True, True, False, False]


def line(table: Any, place: int) -> dict[str, str]:
    return dict(zip(table.columns, table.printed()[place], strict=True))


def test_the_decision_is_the_least_objective_and_a_tie_is_wrong() -> None:
    images = per_image(rows("m", HALF, inside=10.0))
    assert images["wrong"].tolist() == HALF
    assert images["outside"].tolist() == [25.0] * 4
    assert images["inside"].tolist() == [10.0] * 4
    tied = rows("m", [False])
    tied["total"] = 17.0
    assert per_image(tied)["wrong"].tolist() == [True]


def test_the_distance_alone_may_decide_otherwise() -> None:
    """The next class has a smaller distance where its strength carries the objective."""
    frame = rows("m", [False])
    other = frame["class"] == 1
    frame.loc[other, "strength"] = 10.0  # distance = total - 10 < own distance
    images = per_image(frame)
    assert not images["wrong"].iloc[0]
    assert images["wrong_by_distance"].iloc[0]


def test_a_line_has_error_distances_difference_and_the_thesis_numbers(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "rows.parquet",
        rows("direct", HALF, lambda_=0.1),
        rows("direct", [False] * 4, lambda_=10.0, inside=12.0),
        rows("enc_d", [True] + [False] * 3, lambda_=10.0, plus=True),
    )
    study = spec({"direct": "direct", "enc_d": "enc_d"}, published="3_1")
    table = inverted.make({"inversions": [path]}, spec=study, paper=PAPER, absent="")
    first, second, third = (line(table, place) for place in range(3))
    low, high = (100 * bound for bound in share(2, 4)[1:])
    assert first["error %"] == f"50.0 [{low:.1f}, {high:.1f}]"
    assert (first["difference"], first["published error rate"]) == ("", "67.98")
    apart = paired_share_difference(np.zeros(4), np.array(HALF, float))
    assert second["difference"].startswith(f"{100 * apart.value:+.1f} [")
    assert second["published error rate"] == "45.96"
    assert second["in-domain perceptual"] == "12.00 [12.00, 12.00]"
    assert second["over typical"] == "0.30"
    assert (third["method"], third["published error rate"]) == ("Enc-D+", "45.44")
    assert (first["n"], first["passes"]) == ("4", "303")


@pytest.mark.parametrize(
    ("table", "family", "cell", "column", "expected"),
    [
        (
            "3_2",
            "enc_d_steps",
            {"lambda_": 0.1, "steps": 500, "metric": "Robust-Corruptions"},
            "error rate",
            "45.28",
        ),
        ("3_2", "enc_d_steps", {"lambda_": 0.1, "steps": 500}, "error rate", ""),
        ("3_3", "direct", {"lambda_": 0.1}, "FID gap", "34.45"),
        ("3_3", "direct", {"lambda_": 0.1, "metric": "surrogate"}, "FID gap", ""),
        ("3_3", "direct", {"lambda_": 0.1, "steps": 50}, "FID gap", ""),
        ("3_5", "enc_d_vgg_10", {"lambda_": 10, "steps": 200}, "error rate", "47.62"),
        ("3_6", "direct", {"lambda_": 0.1}, "error rate", "67.98"),
        ("3_6", "direct", {"lambda_": 0.1, "plus": True}, "error rate", "76.8"),
        ("3_1", "direct", {"lambda_": 0.1, "steps": 50}, "error rate", ""),
        ("3_1", "direct", {"lambda_": 0.1, "metric": "surrogate"}, "error rate", ""),
        ("", "direct", {"lambda_": 0.1}, "error rate", ""),
    ],
)
def test_a_published_number_stands_only_beside_the_thesis_own_setting(
    table: str, family: str, cell: dict[str, Any], column: str, expected: str
) -> None:
    from robustgen.tables.published_inversion import published as of

    row = {"lambda_": 1.0, "plus": False, "steps": 100, "metric": "VGG"} | cell
    assert of(PAPER, facts(family), table, row, column) == expected


def test_the_paper_study_asks_for_every_number_of_tables_3_1_to_3_8_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each line that a table of config.yaml will have, by its models and settings of the search,
    has a published number, and all numbers that the thesis prints have a line.
    """
    used = set()

    def noted(*asked_for: Any) -> str:
        number = value(*asked_for)
        used.update([(f"table_{asked_for[2]}", *asked_for[3:])] if number else [])
        return number

    monkeypatch.setattr(published_inversion, "value", noted)
    columns = [*inverted.COLUMNS.values(), *domain_gap.COLUMNS.values(), "accuracy"]
    for table, model, cell in asked():
        of = published_inversion.published
        told = [of(PAPER, model, table, cell, column) for column in columns]
        assert any(told), (table, cell)
    theirs = PAPER[PAPER["table"].str.match(r"table_3_[1235678]")]
    assert used == set(theirs[["table", "row", "column"]].itertuples(index=False, name=None))


def asked() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(table, model's facts, setting) of each line of tables 3.1 to 3.8 of the paper study."""
    study = config.load(ROOT / "config/config.yaml")
    for table in published_inversion.ROWS:
        entry = study.tables[f"table_{table}"]
        options = filled("measures", "inversions", study.measures[entry.measures[0]].options)
        for model in (study.models[name] for name in entry.models):
            distance = study.models[model.parts["distance"]]
            told = facts(model.family) | {"published": study.datasets[model.dataset].published}
            metric = distance.options.get("metric", "LPIPS")
            for setting in product(*(options[axis] for axis in AXES)):
                yield table, told, dict(zip(AXES, setting, strict=True)) | {"metric": metric}


def test_accuracies_of_imagenette_are_named_so(tmp_path: Path) -> None:
    path = written(tmp_path, "rows.parquet", rows("enc", [False] * 4, steps=800, metric="LPIPS"))
    study = spec({"enc": "enc_steps"}, published="3_8")
    study["models"]["enc"]["published"] = "imagenette"
    table = inverted.make({"inversions": [path]}, spec=study, paper=PAPER, absent="")
    assert line(table, 0)["published error rate"] == "accuracy 67.26"


def sets(model: str, gaps: list[float], *, lambda_: float = 1.0) -> pd.DataFrame:
    named = {"dataset": "cifar10_gan", "model": model, "seed": 0, "attack": "clean"}
    cell = {"lambda_": lambda_, "plus": False, "steps": 100}
    return pd.DataFrame(
        [
            {**named, **cell, "class": k, "n": 5, "fid_in": 70.0, "fid_out": 70 + gap,
             "fid_gap": gap, "kid_in": 0.0, "kid_out": 0.1, "kid_gap": 0.1,
             "extractor": "pixels", "resize": "none", "extractor_sha256": "ab12"}
            for k, gap in enumerate(gaps)
        ]
    )  # fmt: skip


def test_gaps_are_means_over_classes_and_go_with_errors(tmp_path: Path) -> None:
    fid = written(
        tmp_path, "fid.parquet", sets("m", [1.0, 2.0, 6.0], lambda_=0.1),
        sets("m", [1.0, 1.0, 1.0]), sets("m", [0.0, 0.5, 1.0], lambda_=10.0), unit="set",
    )  # fmt: skip
    errors = written(
        tmp_path, "rows.parquet", rows("m", [True] * 4, lambda_=0.1), rows("m", HALF),
        rows("m", [False] * 4, lambda_=10.0),
    )  # fmt: skip
    files = {"inversion_fid": [fid], "inversions": [errors]}
    table = domain_gap.make(files, spec=spec({"m": "direct"}), paper=PAPER, absent="")
    first = line(table, 0)
    found = mean([1.0, 2.0, 6.0])
    assert first["gap"] == f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
    assert first["published in / out / gap"].endswith(" / 34.45")
    assert "correlation of error rate and FID gap over the 3 lines: 1.00" in table.note
    assert "pixels (resize: none; weights ab12)" in table.note


def test_spearman_by_hand() -> None:
    """1 - 6 sum d^2 / (n (n^2 - 1)) without ties."""
    assert spearman([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert np.isnan(spearman([1, 1], [1, 2]))


def between(model: str, metric: str, middle: float) -> pd.DataFrame:
    named = {"dataset": "cifar10_gan", "model": model, "seed": 0, "attack": "clean"}
    return pd.DataFrame(
        [
            {**named, "split": "test", "path": path, "k": k, "index": index, "label": 0,
             "distance": middle if k == 5 else 10.0 + index, "norm": 3.0, "outside": 20.0,
             "metric": metric}
            for path in ("linear", "slerp")
            for k in range(11)
            for index in range(4)
        ]
    )  # fmt: skip


def test_interpolations_stand_beside_the_thesis_line(tmp_path: Path) -> None:
    path = written(tmp_path, "rows.parquet", between("m", "VGG", 30.0), unit="image")
    table = interpolated.make(
        {"interpolation": [path]}, spec=spec({"m": "direct"}), paper=PAPER, absent=""
    )
    assert len(table.rows) == 22
    middle, arc = line(table, 5), line(table, 16)
    said = "published mean / half interval / sd"
    assert (middle["k"], middle[said], arc[said]) == ("5", "442.8 / 3.6 / 130.2", "")
    assert (middle["published outside"], arc["published outside"]) == ("378.9", "")
    assert middle["over outside"] == "1.500"
    assert line(table, 0)["distance"].startswith("11.50 [")


def test_generators_stand_beside_section_3_3(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        [
            {"dataset": "cifar10_gan", "model": "g", "seed": 0, "attack": "clean",
             "split": "test", "fid": 12.345, "kid": 0.01, "inception_score": 7.0, "n": 100,
             "extractor": "pixels", "resize": "none", "extractor_sha256": "ab12"}
        ]
    )  # fmt: skip
    path = written(tmp_path, "rows.parquet", frame, unit="set")
    table = generators.make({"samples": [path]}, spec=spec({"g": "cgan"}), paper=PAPER, absent="")
    assert line(table, 0)["FID"] == "12.35"  # a single seed has no interval
    assert line(table, 0)["published FID / IS"] == "14.57 / 6.58"
