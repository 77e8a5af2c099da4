"""The sentences of `make why`, on the text that Snakemake 9 prints; of every parameter of every
rule a change is named.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from robustgen.core import files, seals
from robustgen.run import why
from robustgen.run.params import apart
from robustgen.run.why import sentences

UNION = (
    "Params have changed since last execution: Union of exclusive params before and now across "
    "all output: "
)
LONG = {f"model_{number}": {"dataset": "signs", "options": {"width": 16}} for number in range(9)}
NESTED = {"epochs": 7, "objective": {"kind": "adversarial", "eps": 0.03}}


def told(
    before: list[Any],
    now: list[Any],
    *,
    flags: str = "",
    rule: str = "train",
    seed: str = "seed",
    more: str = "",
) -> str:
    """The sentence on a job whose parameters differ so; `more` is what Snakemake says of other
    reasons.
    """
    sides = (",".join(map(repr, values)) or "<nothing exclusive>" for values in (before, now))
    changed = "{}before: {} now: {} ".format(UNION, *sides)
    lines = [f"rule {rule}:", f"    reason: {more}{changed}", f"    wildcards: model=net, {seed}=0"]
    (said,) = sentences(
        "\n".join([*lines, (f"Shell command: python scripts/{rule}.py --seed 0 {flags} 2> x.log")])
    )
    return said.removeprefix(f"{rule} net, 0: ")


@pytest.mark.parametrize(
    ("before", "now", "flags", "said"),
    [
        (
            [json.dumps(NESTED)],
            [json.dumps({**NESTED, "objective": {"kind": "adversarial", "eps": 0.06}})],
            "",
            "objective.eps changed from 0.03 to 0.06.",
        ),
        ([64], [60], "--batch 60 --study-seed 3", "batch changed from 64 to 60."),
        (
            [64, "cpu"],
            ["cuda", 60],
            "--batch 60 --device cuda",
            ("batch changed from 64 to 60; device changed from cpu to cuda."),
        ),
        ([3], [0], "--study-seed 0", "study-seed changed from 3 to 0."),
        ([], [3], "--study-seed 3", "study-seed is now 3."),
        (
            ["cpu"],
            [],
            "--device auto --precision auto",
            ("a setting changed from cpu to the value of another setting."),
        ),
        (
            [[1.0]],
            [[1.0, 2.0]],
            "--temperatures 1.0 2.0 --reference 5",
            ("temperatures changed from [1.0] to [1.0, 2.0]."),
        ),
        ([["--root=/a b"]], [[]], "", "root changed from /a b to nothing."),
        ([], [["--offline"]], "--offline --out x", "offline is now on."),
        (["{}"], [json.dumps({"lid": {"k": 20}})], "", 'lid changed from nothing to {"k": 20}.'),
        (
            [json.dumps({"a": 1}), json.dumps({"b": [1]})],
            [json.dumps({"b": [2]}), json.dumps({"a": 2})],
            "",
            "a changed from 1 to 2; b changed from [1] to [2].",
        ),
        (
            ["x; now: 'y', \"z\""],
            ['x; now: "y"'],
            "",
            ('a setting changed from x; now: \'y\', "z" to x; now: "y".'),
        ),
        (
            [json.dumps(dict.fromkeys("abcdefg", 1))],
            [json.dumps(dict.fromkeys("abcdefg", 2))],
            "",
            "; ".join([*(f"{key} changed from 1 to 2" for key in "abcde"), "and 2 more"]) + ".",
        ),
    ],
)
def test_a_change_is_named_with_both_values(
    before: list[Any], now: list[Any], flags: str, said: str
) -> None:
    assert told(before, now, flags=flags) == said


def test_other_reasons_stand_beside_it() -> None:
    more = "Missing output files: a.csv, b.csv; Code has changed since last execution; "
    said = told([64], [60], flags="--batch 60", more=more)
    assert said == (
        "a.csv (and 1 more) does not exist; the command of its rule changed; batch changed "
        "from 64 to 60."
    )


def test_a_job_that_the_workflow_forces_is_told_with_what_is_wrong_with_its_files(
    tmp_path: Path,
) -> None:
    """The seal notes another checksum of the rows; Snakemake itself says no more than `Forced
    execution`.
    """
    rows, sealed = tmp_path / "toy/measures/scores.parquet", tmp_path / "toy/seals/score.json"
    files.write_text(rows, "a")
    seals.write(sealed)
    rows.write_text("b b")
    said = sentences(
        f"rule score:\n    output: {rows}, {sealed}\n    reason: Forced execution\n    "
        "wildcards: model=net"
    )
    assert said == [f"score net: {rows} is not what its job wrote."]
    rows.write_text("a")
    said = sentences(
        f"rule score:\n    output: {rows}, {sealed}\n    reason: Forced execution\n    "
        "wildcards: model=net"
    )
    assert said == [
        (
            "score net: the record of how its files were made is lost, or the command line asks "
            "for it."
        )
    ]


def test_long_values_are_cut_around_the_place_where_they_differ() -> None:
    before, now = apart(json.dumps(LONG), json.dumps({**LONG, "model_8": {"dataset": "digits"}}))
    assert before.startswith("...")
    assert before.index("signs") == now.index("digits")
    assert max(len(before), len(now)) < 70
    assert apart("a" * 80, "a" * 80 + "b")[1].endswith("ab")


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("0" * 16, "1" * 16, "the code changed in robustgen/core/rows.py."),
        ("2" * 16, "1" * 16, "it uses other modules than before."),
        ("3" * 16, "1" * 16, "its code changed."),
        (
            f"{'2' * 16} torch==2.10",
            f"{'2' * 16} torch==2.11",
            ("its pinned packages changed from torch==2.10 to torch==2.11."),
        ),
    ],
)
def test_code_is_named_by_its_files(
    before: str, now: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record knows digests 0 and 2; a file of the first has another hash today."""
    rows = why.hash_of(ROOT / "scripts/robustgen/core/rows.py")
    monkeypatch.setattr(why, "RECORD", tmp_path / "record.json")
    why.remember(
        {
            "0" * 16: {"robustgen/core/rows.py": "another"},
            "2" * 16: {"robustgen/core/rows.py": str(rows)},
        }
    )
    assert told([before], [now]) == said


# --- every parameter of every rule ----------------------------------------------------------------

# parameters that are passed on in a form of their own; others are numbers here
VALUES: dict[str, tuple[Any, Any]] = {
    "code": ("0" * 16, "1" * 16),
    "root": ([], ["--root=/data"]),
    "mirror": ([], ["--mirror=/copy"]),
    "offline": ([], ["--offline"]),
    "weights": ([], ["--weights=mine.pt"]),
    "view": ([], ['--view={"std": 0.0}']),
    "told": ([], ['--told={"clean": "rows.parquet"}']),
    "key_map": ([], ['--keys={"a.": "b."}']),
    "part": ([], ["--part=2/3"]),
    "rows": ([("cifar10", "a")], [("cifar10", "b")]),
}
MAPS = re.compile(
    r"json\.dumps|checksums|own_weights\(w|own_inputs|model_dump_json|plan\.output\(|measured_by|"
    r"(?<!\w)model\(|plan\.recipe\(|plan\.model_facts\("
)


def params() -> list[tuple[str, str, str, str]]:
    """(rule, parameter, its text, the flags of the rule's command) of the workflow, but for those
    derived from input files.
    """
    found = []
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for rule, block in re.findall(
            r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(), re.DOTALL | re.MULTILINE
        ):
            given, _, shell = block.partition("    params:\n")[2].partition("    shell:\n")
            texts = re.findall(
                r"^        (\w+)=(.*?)(?=^        \w|\Z)", given, re.DOTALL | re.MULTILINE
            )
            found += [(rule, name, text, shell) for name, text in texts if "w, input" not in text]
    return found


def test_every_rule_is_read() -> None:
    assert {"fetch", "train", "attack", "score", "detect", "make_table", "judge_claims"} <= {
        rule for rule, *_ in params()
    }
    assert len(params()) > 50


@pytest.mark.parametrize(
    ("rule", "name", "text", "shell"),
    params(),
    ids=[f"{rule}-{name}" for rule, name, *_ in params()],
)
def test_a_change_of_any_parameter_is_told(rule: str, name: str, text: str, shell: str) -> None:
    maps = (json.dumps({"key": 3}), json.dumps({"key": 4})) if MAPS.search(text) else (3, 4)
    before, now = VALUES.get(name, maps)
    flag = re.search(rf"--([\w-]+) \{{params\.{name}(:q)?\}}", shell)
    words = now if isinstance(now, list) else [f"--{flag[1]}", str(now)] if flag else []
    flags = shlex.join(map(str, words)) if name != "rows" else ""
    said = told([before], [now], flags=flags, rule=rule, seed="number")
    if name == "code":
        assert said == "its code changed."
    elif name == "rows":
        assert said == 'a setting changed from [["cifar10", "a"]] to [["cifar10", "b"]].'
    elif name not in VALUES and MAPS.search(text):
        assert said == "key changed from 3 to 4."
    else:
        label = {"key_map": "keys"}.get(name, flag[1] if flag else name)
        assert said.startswith(f"{label} changed from "), said


def test_a_changed_key_of_a_map_that_a_flag_hands_on_is_named() -> None:
    before, now = ['--view={"std": 0.1}'], ['--view={"std": 0.2}']
    assert told([before], [now], rule="attack") == "std changed from 0.1 to 0.2."
