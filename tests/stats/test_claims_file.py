"""Claims: the file of them."""

from pathlib import Path

import pytest

from claiming import CLAIMS, ENTRY
from robustgen.core.files import BadFile
from robustgen.stats import named
from robustgen.stats.rules import Against, read


def test_the_claims_of_the_study_are_read_once_each() -> None:
    found = read(CLAIMS)
    assert len({one.id for one in found}) == len(found) > 0
    assert all(one.min_n > 0 and one.sentence.endswith(".") for one in found)
    assert {one.statistic for one in found} <= set(named.names())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("margin: 0, ", "", "claim a: margin: is missing; it must be a number."),
        (
            "margin: 0",
            "margin: 0, marign: 1",
            ("claim a: marign: unknown key; did you mean 'margin'?"),
        ),
        (
            "statistic: auroc",
            "statistic: aurok",
            ("claim a: statistic: unknown statistic; did you mean 'auroc'?"),
        ),
        (
            "direction: above",
            "direction: over",
            ("claim a: direction: must be one of above, below, not 'over'."),
        ),
        (
            "margin: 0",
            "margin: 0, against: {attack: apgd, family: standard}",
            "claim a: against: names one thing: an attack, a family, a part of the model, or",
        ),
        (
            "margin: 0",
            "margin: 0, against: {famly: standard}",
            "claim a: against.famly: unknown key; did you mean 'family'?",
        ),
        (
            "margin: 0",
            "margin: 0, against: {family: standard, same: [dataset, net]}",
            "claim a: against.same: must be a list out of dataset, kind, .*, not ",
        ),
        ("margin: 0", "margin: 0, against: pgd", "claim a: against: must be a map such as"),
        ("margin: 0", "margin: 0, against: {attack: 3}", "claim a: against.attack: must be text"),
        (
            "margin: 0",
            "margin: 0, against: {attack: pgd, same: [kind]}",
            "claim a: against.same: belongs to a family; leave it out.",
        ),
        ("attack: pgd, ", "", "claim a: attack: is missing; name an attack, clean, or a measure."),
        (
            "margin: 0",
            "margin: 0, at: {steps: [1]}",
            "claim a: at: must map axes to one",
        ),
        ("margin: 0", "margin: 0, at: 5", "claim a: at: must map axes to one"),
        (
            "statistic: auroc",
            "statistic: my_lab.gone.gap",
            "claim a: statistic: there is no module my_lab.gone.",
        ),
        (
            "statistic: auroc",
            "statistic: mine.gap",
            "claim a: statistic: a statistic of your own is named like my_lab.statistics.gap.",
        ),
        (ENTRY, "a sentence\n", "must hold a list of claims"),
    ],
)
def test_a_claim_that_is_none_is_refused_with_the_file(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(ENTRY, encoding="utf-8")
    assert read(path)[0].margin == 0
    path.write_text(ENTRY.replace(before, after), encoding="utf-8")
    with pytest.raises(BadFile, match=f"mine.yaml: {said}"):
        read(path)


def test_what_a_claim_is_held_against_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for given, against in (
        ("", None),
        (", against: {attack: pgd}", Against("pgd")),
        (", against: {family: cnn}", Against(family="cnn")),
        (
            ", against: {family: cnn, same: [dataset, kind]}",
            Against(family="cnn", same=("dataset", "kind")),
        ),
        (", against: {largest: eot}", Against(largest="eot")),
    ):
        path.write_text(ENTRY.replace("margin: 0", f"margin: 0{given}"), encoding="utf-8")
        assert read(path)[0].against == against
