"""A study smaller than the demo, whole: what it makes, what it reruns and what it does not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT, TINY, Copy, rules

DOWNSTREAM = {"score", "detect", "make_table", "draw_figure", "judge_claims", "write_report"}


def test_every_declared_output_is_there_and_nothing_is_missing(study: Copy) -> None:
    made = {path.name for path in (study.folder / "results/tiny").glob("*/*.*")}
    for name in ("table_1", "table_1_detail", "table_energies"):
        assert {f"{name}.{ending}" for ending in ("csv", "md", "tex", "json")} <= made
    for name in ("fig_2a", "fig_2b", "fig_3a", "fig_crossover", "fig_training", "fig_sheets"):
        assert {f"{name}.{ending}" for ending in ("png", "pdf", "json")} <= made
    assert (study.folder / "results/tiny/report.html").exists()


def test_a_second_run_starts_no_job_and_takes_three_seconds_more_than_snakemake_itself(
    study: Copy,
) -> None:
    """In processor seconds, which no other work on the machine stretches."""
    _, bare = timed(study, "snakemake", "--version")
    said, seconds = timed(study, "snakemake", *TINY)
    assert "Nothing to be done" in said
    assert seconds < 3 + bare


def test_rows_are_the_cells_of_the_configuration(study: Copy) -> None:
    rows = pd.read_parquet(
        study.folder / ("results/tiny/measures/signs_standard/seed0/pgd/scores.parquet")
    )
    assert set(rows["unit"]) == {"image"}
    cells = rows[["split", "eps", "steps"]].drop_duplicates()
    assert len(cells) == 2 * 2 * 3
    assert rows.groupby("split")["index"].nunique().to_dict() == {"test": 60, "validation": 50}


def test_table_1_counts_what_the_rows_hold(study: Copy) -> None:
    """DR of the headline threshold, counted again from statistics and thresholds."""
    folder = study.folder / "results/tiny/detect/signs_standard/seed0/pgd"
    statistics = pd.read_parquet(folder / "statistics.parquet")
    headline = "protocol == 'sound' and steps == 5 and detector == 'energy'"
    thresholds = pd.read_parquet(folder / "thresholds.parquet").query(headline)
    table = pd.read_csv(study.folder / "results/tiny/tables/table_1.csv").set_index("eps")
    table = table.query("attack == 'pgd' and detector == 'energy'")
    for _, threshold in thresholds.iterrows():
        cell = statistics.query(
            "attack == 'pgd' and steps == 5 and detector == 'energy' and variant == 'T = 1'"
        )
        flagged = cell[cell["eps"] == threshold["eps"]]["statistic"] >= threshold["threshold"]
        assert table.loc[threshold["eps"], "dr"] == pytest.approx(flagged.mean())


def test_claims_are_judged_or_said_to_be_untested(study: Copy) -> None:
    verdicts = json.loads((study.folder / "results/tiny/claims/verdicts.json").read_text())
    cells = [cell for claim in verdicts for cell in claim["cells"]]
    assert cells
    # 60 images are too few for any claim
    assert all("rule asks for 200" in cell["why"] for cell in cells)


EDITS = [  # (file, old, new, rules that must run, rules that must not)
    (
        "figures/by_steps.py",
        "alpha=0.15",
        "alpha=0.2",
        {"draw_figure"},
        {"train", "attack", "score", "measure", "detect", "make_table"},
    ),
    (
        "attacks/loop.py",
        "total / eot",
        "total / (eot + 0)",
        {"attack", "measure"} | DOWNSTREAM,
        {"load_data", "split_data", "train"},
    ),
    (
        "measures/energy.py",
        "-temperature *",
        "-1.0 * temperature *",
        {"score"},
        {"load_data", "split_data"},
    ),
    (
        "detect/thresholds.py",
        "tpr - fpr",
        "tpr - 1.0 * fpr",
        {"detect", "make_table"},
        {"train", "attack", "score"},
    ),
    (
        "measures/lid.py",
        "0.5 * (squared",
        "1.0 * 0.5 * (squared",
        {"measure", "detect"},
        {"train", "attack", "score"},
    ),
    (
        "synthesis/alignment.py",
        "g.abs().sum",
        "(1 * g).abs().sum",
        {"measure", "make_table", "draw_figure"},
        {"train", "attack", "score", "detect"},
    ),
    (
        "training/schedule.py",
        "RISE = 0.3",
        "RISE = 0.31",
        {"train", "attack", "measure"} | DOWNSTREAM,
        {"load_data", "split_data"},
    ),
    (
        "stats/claims.py",
        'REPRODUCED, NOT_REPRODUCED = "reproduced"',
        ('REPRODUCED, NOT_REPRODUCED = "Reproduced"'),
        {"judge_claims", "write_report"},
        {"train", "attack", "score", "measure", "detect", "make_table", "draw_figure"},
    ),
]


@pytest.mark.parametrize(
    ("path", "old", "new", "must", "must_not"), EDITS, ids=[edit[0] for edit in EDITS]
)
def test_an_edit_reruns_exactly_what_it_touches(
    study: Copy, path: str, old: str, new: str, must: set[str], must_not: set[str]
) -> None:
    undo = study.edit(f"scripts/robustgen/{path}", old, new)
    pending = study.pending()
    undo()
    assert must <= pending
    assert not must_not & pending


def test_comments_and_docstrings_rerun_nothing(study: Copy) -> None:
    undo = study.edit("scripts/robustgen/attacks/loop.py", '"""The one loop', '"""THE loop')
    pending = study.pending()
    undo()
    assert not pending


def test_a_new_attack_module_and_an_unused_entry_rerun_nothing(study: Copy) -> None:
    new = study.folder / "scripts/robustgen/attacks/mine.py"
    new.write_text('"""Mine."""\n\nOPTIONS = {}\n\n\ndef attack():\n    """Nothing."""\n')
    undo = study.edit("tests/tiny.yaml", "attacks:\n", "attacks:\n  mine: {kind: mine}\n")
    pending = study.pending()
    undo()
    new.unlink()
    assert pending <= {"write_config", "write_report"}  # the report shows the configuration


def test_adding_an_attack_to_a_table_runs_that_attack_and_no_other(study: Copy) -> None:
    undo = study.edit("tests/tiny.yaml", "attacks: [pgd, he_pgd]}", "attacks: [pgd, he_pgd, more]}")
    more = "more: {kind: pgd, sweep: {steps: [7]}, options: *step}"
    study.edit("tests/tiny.yaml", "  apgd: {sweep", f"  {more}\n  apgd: {{sweep")
    said = study.snakemake("--dry-run").stdout
    undo()
    attacked = [line for line in said.splitlines() if "wildcards:" in line and "attack=" in line]
    assert attacked
    assert all("attack=more" in line for line in attacked)
    assert "rule train:" not in said


def test_adding_a_detector_measures_and_detects_and_attacks_nothing_again(study: Copy) -> None:
    """Images are kept, so its measure reads them; scores and other measures stay as they are."""
    undo = study.edit(
        "tests/tiny.yaml",
        "attacks: [pgd, apgd, he_pgd], detectors: [energy]}",
        "attacks: [pgd, apgd, he_pgd], detectors: [energy, few]}",
    )
    few = "few: {kind: lid, options: {fit: pgd, noise: noise, k: 5, batch: 20}}"
    study.edit("tests/tiny.yaml", "detectors:\n", f"detectors:\n  {few}\n")
    said = study.snakemake("--dry-run").stdout
    pending = rules(said)
    undo()
    assert {"measure", "detect", "make_table"} <= pending
    assert not {"load_data", "split_data", "train", "attack", "score"} & pending
    measured = [line for line in said.splitlines() if "wildcards:" in line and "measure=" in line]
    assert len(measured) == len({"clean", "noise", "pgd", "apgd", "he_pgd"})
    assert all("measure=few" in line for line in measured)


def test_an_attack_split_among_jobs_has_the_bytes_of_one_job(
    study: Copy, make_copy: Callable[[], Copy]
) -> None:
    """`jobs: 3` adds three parts of the attack and of its scores, and nothing else runs again."""
    copy = make_copy()
    shutil.copytree(study.folder, copy.folder, symlinks=True, dirs_exist_ok=True)
    before = copy.contents()
    split = "  pgd: {jobs: 3, sweep: {steps: [0, 2, 5]}"
    copy.edit("tests/tiny.yaml", "  pgd: {sweep: {steps: [0, 2, 5]}", split)
    place = "results/tiny/measures/signs_standard/seed0/pgd/scores.parquet"
    said = copy.snakemake("--forcerun", "attack_part", "score_part", "--until", "score")
    assert "rule attack_part:" in said.stdout + said.stderr
    assert (copy.folder / place).exists()
    found = copy.contents()
    assert found == before
    parts = copy.folder / "results/tiny/parts"
    receipts = sorted(str(path.relative_to(parts)) for path in parts.rglob("costs.json"))
    assert receipts == [
        f"{rule}/signs_standard/seed0/pgd/{number}of3/costs.json"
        for rule in ("attack", "score")
        for number in (1, 2, 3)
    ]
    assert not list(copy.folder.rglob(".*.shards"))


def test_why_names_the_file_that_changed(study: Copy) -> None:
    undo = study.edit("scripts/robustgen/attacks/loop.py", "total / eot", "total / (eot + 0)")
    said = study.run("python", "scripts/why.py", "--configfile", "tests/tiny.yaml").stdout
    undo()
    assert (
        "attack signs_standard, 0, pgd: the code changed in robustgen/attacks/loop.py."
    ) in said.splitlines()


def test_why_names_the_setting_that_changed(study: Copy) -> None:
    undo = study.edit("tests/tiny.yaml", "lr: 0.05", "lr: 0.06")
    said = study.run("python", "scripts/why.py", "--configfile", "tests/tiny.yaml").stdout
    undo()
    assert "train signs_standard, 0: options.lr changed from 0.05 to 0.06." in said.splitlines()


def test_a_wrong_configuration_is_told_before_any_job(study: Copy) -> None:
    undo = study.edit("tests/tiny.yaml", "lr: 0.05", "learning: 0.05")
    found = study.snakemake("--dry-run", check=False)
    undo()
    assert found.returncode
    assert "recipes.tiny.options.learning: unknown option" in found.stdout + found.stderr


def test_the_bare_command_plans_the_paper_study_in_a_small_multiple_of_what_snakemake_needs(
    make_copy: Callable[[], Copy], tmp_path: Path
) -> None:
    """About three times the processor seconds that Snakemake takes for as many jobs of two bare
    rules whose settings are constants; more than four times means that our part has become slow.
    """
    said, seconds = timed(make_copy(), *PLAN, "--workflow-profile", "workflow/profiles/default")
    jobs = int(next(line for line in said.splitlines() if line.startswith("total")).split()[1])
    assert jobs > 1000
    bare = tmp_path / "Snakefile"
    bare.write_text(BARE.replace("COUNT", str(jobs // 2)))
    assert seconds < 4 * timed(make_copy(), *PLAN, "--snakefile", str(bare))[1]


PLAN = ("snakemake", "--dry-run")
BARE = """
rule all:
    input: expand("scores/{n}/rows", n=range(COUNT))
rule attack:
    output: "attacks/{n}/images", "attacks/{n}/costs", "seals/attack/{n}"
    log: "logs/attack/{n}"
    benchmark: "benchmarks/attack/{n}"
    params: code="a", settings="b"
    resources: mem_mb=1000, runtime=10
    shell: "python attack.py --name {wildcards.n:q} --out {output:q} > {log:q} 2>&1"
rule score:
    input: "attacks/{n}/images"
    output: "scores/{n}/rows", "scores/{n}/costs", "seals/score/{n}"
    log: "logs/score/{n}"
    benchmark: "benchmarks/score/{n}"
    params: code="a", settings="b"
    resources: mem_mb=1000, runtime=10
    shell: "python score.py --name {wildcards.n:q} --out {output:q} > {log:q} 2>&1"
"""


def timed(copy: Copy, *command: str) -> tuple[str, float]:
    """What a command prints, and its processor seconds."""
    start = os.times()
    said = copy.run(*command)
    end = os.times()
    return said.stdout + said.stderr, end.children_user - start.children_user


def test_one_failed_cell_costs_one_cell(make_copy: Callable[[], Copy]) -> None:
    """A broken attack: the other tables and figures and the report are made, and the report names
    the gap.
    """
    copy = make_copy()
    (copy.folder / "lab").mkdir()
    (copy.folder / "lab/bad.py").write_text(
        "def attack(*given, **named):\n    raise ValueError('Nonsense')\n"
    )
    mend = copy.edit(
        "tests/tiny.yaml", "apgd: {sweep: {eps: null", "apgd: {kind: lab.bad, sweep: {eps: null"
    )
    copy.edit("tests/tiny.yaml", "  pgd_budgets: {sweep: {eps: [8/255, 32/255], steps: [3]}}\n", "")
    found = copy.show("table_1", "table_energies", "fig_sheets").make(check=False)
    assert found.returncode
    table = pd.read_csv(copy.folder / "results/tiny/tables/table_1.csv")
    assert set(table["attack"]) == {"pgd", "he_pgd"}
    assert (
        "apgd" in (copy.folder / "results/tiny/tables/table_1.md").read_text().split("Missing")[1]
    )
    report = (copy.folder / "results/tiny/report.html").read_text()
    assert "Nonsense" in report  # the log's sentence
    # what was made with gaps does not pass for done
    assert {"attack", "make_table"} <= copy.pending()
    mend()
    copy.show("table_1", "table_energies", "fig_sheets").make()
    assert "apgd" in set(pd.read_csv(copy.folder / "results/tiny/tables/table_1.csv")["attack"])


def test_the_profile_is_found_by_a_bare_command() -> None:
    assert (ROOT / "profiles").resolve() == (ROOT / "workflow/profiles").resolve()
    assert Path(ROOT / "profiles/default/config.yaml").exists()


def test_attacked_images_go_once_they_are_scored_and_nothing_misses_them(
    make_copy: Callable[[], Copy],
) -> None:
    copy = make_copy()
    copy.edit("tests/tiny.yaml", "keep_images: true", "keep_images: false")
    copy.show("fig_3a").make()
    attack = copy.folder / "results/tiny/attacks/signs_standard/seed0/he_pgd"
    assert sorted(path.name for path in attack.iterdir()) == ["costs.json", "first.safetensors"]
    assert copy.pending() == set()
    assert "Nothing is missing" in (copy.folder / "results/tiny/report.html").read_text()
