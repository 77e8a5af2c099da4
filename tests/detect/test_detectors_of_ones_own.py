"""A detector of a user's own is handed only what it could know in use, and its answers are
checked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from robustgen.core.contracts import RefusedModule
from robustgen.core.refusal import Refused
from robustgen.core.rows import with_axes
from robustgen.detect.contract import seen
from robustgen.jobs import detect as job

Own = Callable[[str], str]  # a module's text -> its kind
N = 30
OPEN = {
    "prediction": 1,
    "energy": -3.0,
    "max_logit": 2.0,
    "top_margin": 1.0,
    "z_0": 2.0,
    "mine.depth": 0.5,
}
WITHHELD = {
    "label": 0, "energy_y": -1.0, "ce": 0.5, "margin": 1.0, "linf": 0.1, "l2": 0.5, "forwards": 5.0,
    "backwards": 5.0, "split": "test", "lid.lid_0": 1.0, "lid.lid_twin_0": 1.0,
}  # fmt: skip
DETECTOR = """
import numpy as np
import pandas as pd
from robustgen.detect.types import Fitted

def statistic(rows):
    return {statistic}

def sound(validation, *, settings):
    return {answer}
"""
FITTED = "[Fitted('sound', 'fpr', 'mine', 0.5, statistic, 'all')]"


def rows(attack: str = "clean", eps: float = 0.0) -> pd.DataFrame:
    axes = {"dataset": "digits", "model": "plain", "seed": 0, "attack": attack}
    axes |= {"eps": eps, "steps": 5} if eps else {}
    frame = pd.DataFrame({"index": range(N), "success": bool(eps)}).assign(**OPEN | WITHHELD | axes)
    parts = [frame.assign(split=split) for split in ("validation", "test")]
    return with_axes(pd.concat(parts, ignore_index=True), ["eps", "steps"] if eps else [])


def detect(kind: str, **options: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    entry = {"kind": kind, "fpr": 0.1, "options": options}
    others = {"clean": rows(), "pgd": rows("pgd", 0.1)}
    return job.run(rows(), rows("pgd", 0.1), others, entries={"mine": entry})


def test_what_a_detector_may_know_is_measured_without_label_clean_image_and_attack() -> None:
    known = seen(rows("pgd", 0.1).iloc[5:], "mine")
    assert set(known) == set(OPEN)
    # the position in the split is withheld too
    assert known.index.tolist() == list(range(2 * N - 5))
    assert set(seen(rows(), "lid")) - set(OPEN) == {"lid.lid_0", "lid.lid_twin_0"}


def test_a_detector_of_ones_own_is_fitted_and_stands_in_the_rows(own: Own) -> None:
    statistics, thresholds = detect(
        own(DETECTOR.format(statistic=("rows['mine.depth'] + rows['z_0']"), answer=FITTED))
    )
    assert set(statistics["statistic"]) == {2.5}
    assert statistics["label"].tolist() == [0] * 2 * N  # what tables need stays in the rows
    assert (thresholds["threshold"].item(), thresholds["shown"].item()) == (0.5, "all")


@pytest.mark.parametrize("asked", [*sorted(WITHHELD), "success", "index", "eps", "softmax"])
@pytest.mark.parametrize("how", ["rows['{}']", "rows[['energy', '{}']].sum(axis=1)"])
def test_a_column_that_it_cannot_know_is_refused_with_those_that_there_are(
    own: Own, how: str, asked: str
) -> None:
    kind = own(DETECTOR.format(statistic=how.format(asked), answer=FITTED))
    words = (
        rf"^Detector mine of kind {kind}: it asks for a column that it is not handed "
        rf"\(.*{asked}.*\); there are .*energy"
    )
    with pytest.raises(RefusedModule, match=words) as found:
        detect(kind)
    assert f" {asked}," not in str(found.value)


def test_an_attribute_is_a_column_too_and_another_missing_key_is_the_modules_own(own: Own) -> None:
    with pytest.raises(
        RefusedModule,
        match=(r"not handed \('DataFrame' object has no attribute 'label'\); there are"),
    ):
        detect(own(DETECTOR.format(statistic="rows.label", answer=FITTED)))
    with pytest.raises(
        RefusedModule, match=(r"failed with KeyError: 'tau' \(lab\d+/mine.py, line 10\)")
    ):
        detect(
            own(DETECTOR.format(statistic="-rows['energy']", answer=("settings['options']['tau']")))
        )


def test_what_it_learns_from_shows_success_and_attack_but_no_label(own: Own) -> None:
    learnt = "[validation.clean[name] for name in ('success', 'index', 'attack')] and " + FITTED
    detect(own(DETECTOR.format(statistic="-rows['energy']", answer=learnt)))
    with pytest.raises(RefusedModule, match=r"not handed \('label'\); there are"):
        detect(
            own(
                DETECTOR.format(
                    statistic="-rows['energy']", answer=("validation.clean['label'] and 0")
                )
            )
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"answer": "0.5"},
            ("sound must return a list of robustgen.detect.types.Fitted, not a float"),
        ),
        ({"answer": "[]"}, "not a list"),
        ({"answer": "[0.5]"}, "sound must return a list"),
        (
            {"answer": FITTED.replace("'sound'", "'fair'")},
            ("must return Fitted of protocol 'sound', not 'fair'"),
        ),
        (
            {"answer": FITTED.replace("'mine'", "None")},
            ("rule and variant are texts, not 'fpr' and None"),
        ),
        (
            {"answer": FITTED.replace("'all'", "'some'")},
            ("shown is all, successful or empty, not 'some'"),
        ),
        ({"answer": FITTED.replace(", 'all'", "")}, "give it shown='all' or shown='successful'"),
        (
            {"answer": FITTED.replace("0.5", "float('nan')")},
            ("a threshold must be a number, maybe infinite, not nan"),
        ),
        (
            {"answer": FITTED.replace("0.5", "None")},
            ("a threshold must be a number, maybe infinite, not None"),
        ),
        (
            {"answer": FITTED.replace("statistic", "3")},
            ("statistic is a function of rows, not a int"),
        ),
        (
            {"statistic": "rows['energy'] * float('nan')"},
            (f"its statistic is infinite or NaN for {N} of {N} images"),
        ),
        (
            {"statistic": "rows['energy'][:3]"},
            (rf"must be numbers \[{N}\], one per row, not ndarray float64 \[3\]"),
        ),
        ({"statistic": "rows[['energy']]"}, rf"not ndarray float64 \[{N}, 1\]"),
        ({"statistic": "rows['energy'] < 0"}, "not ndarray bool"),
        ({"statistic": "None"}, r"not ndarray object \[\]"),
        (
            {"statistic": "1 / 0"},
            (r"failed with ZeroDivisionError: division by zero \(lab\d+/mine.py, line 7\)"),
        ),
    ],
)
def test_what_a_detector_answers_is_checked_and_the_detector_named(
    own: Own, changes: dict[str, str], words: str
) -> None:
    kind = own(DETECTOR.format(**{"statistic": "-rows['energy']", "answer": FITTED} | changes))
    with pytest.raises(RefusedModule, match=f"^Detector mine of kind {kind}:? .*{words}"):
        detect(kind)


def test_an_infinite_threshold_is_one(own: Own) -> None:
    _, thresholds = detect(
        own(DETECTOR.format(statistic="-rows['energy']", answer=FITTED.replace("0.5", "-np.inf")))
    )
    assert thresholds["threshold"].item() == -np.inf


def test_what_cannot_be_fitted_leaves_its_reason(own: Own) -> None:
    refusal = "(_ for _ in ()).throw(Refused('Too few images.'))"
    text = "from robustgen.core.refusal import Refused\n" + DETECTOR.format(
        statistic="0", answer=refusal
    )
    statistics, thresholds = detect(own(text))
    assert (len(statistics), thresholds["why"].item()) == (0, "Too few images.")


LEARNS = DETECTOR.replace(
    "def statistic",
    'OPTIONS = {{"harm": {{"type": "attack", "means": "What it learns from."}}}}\n\ndef statistic',
)


def test_it_is_handed_the_rows_of_the_attacks_that_its_options_name(own: Own) -> None:
    asked = "[validation.others['harm'][name] for name in ('success', 'eps', 'steps')] and "
    kind = own(LEARNS.format(statistic="-rows['energy']", answer=asked + FITTED))
    statistics, _ = detect(kind, harm="pgd")
    assert len(statistics) == 2 * N
    with pytest.raises(Refused, match="mine learns from noise, of which no rows are given"):
        detect(kind, harm="noise")
    with pytest.raises(Refused, match=f"Option harm of kind {kind}: is missing"):
        detect(kind)
