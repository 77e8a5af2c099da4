"""A command that ended well is not planned again while no file that decides has changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, Copy
from robustgen.run import unchanged
from robustgen.study.config import load
from robustgen.study.plan import Plan

PROFILE = ("--workflow-profile", "workflow/profiles/default", "--configfile", "tests/tiny.yaml")
FAST = "Nothing to be done: no file has changed"
OWN = 'OPTIONS = {"folder": {"means": "Pictures."}}\n\n\ndef load():\n    pass\n'
ALL = "Nothing to be done (all"  # Snakemake's own words, after it has planned the study


@pytest.fixture(scope="module")
def ended(make_copy: Callable[[], Copy]) -> Copy:
    """A small study whose command ended well."""
    copy = make_copy().show("fig_sheets")
    run(copy)
    return copy


def run(copy: Copy, *more: str) -> str:
    return copy.run(sys.executable, "scripts/run_study.py", *PROFILE, *more).stdout


def test_the_same_command_again_plans_nothing_in_a_second_of_a_processor(ended: Copy) -> None:
    before = os.times()
    said = run(ended)
    after = os.times()
    assert FAST in said
    assert after.children_user - before.children_user < 3


def test_a_change_of_the_configuration_is_planned_once(ended: Copy) -> None:
    undo = ended.edit("tests/tiny.yaml", "# A study", "# The study")
    assert ALL in run(ended)
    assert FAST in run(ended)
    undo()
    assert ALL in run(ended)


def test_an_output_that_is_gone_is_made_again(ended: Copy) -> None:
    run(ended)
    figure = ended.folder / "results/tiny/figures/fig_sheets.png"
    figure.unlink()
    assert "draw_figure fig_sheets" in run(ended)
    assert figure.exists()


def test_an_output_of_another_content_is_made_again(ended: Copy) -> None:
    run(ended)
    figure = ended.folder / "results/tiny/figures/fig_sheets.png"
    whole = figure.read_bytes()
    figure.write_bytes(whole[:-1] + b"?")
    assert FAST not in run(ended)
    assert figure.read_bytes() == whole


def test_what_is_asked_beyond_targets_and_settings_is_planned() -> None:
    assert unchanged.note_of(["table_1", *PROFILE])
    for more in (["--forcerun", "fetch"], ["-F"], ["--dry-run"], ["--rerun-triggers", "mtime"]):
        assert unchanged.note_of(["table_1", *PROFILE, *more]) is None


def test_commands_and_environments_have_notes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = {unchanged.note_of(PROFILE), unchanged.note_of(["table_1", *PROFILE])}
    monkeypatch.setenv("ROBUSTGEN_DATA", "/elsewhere")
    assert len({*notes, unchanged.note_of(PROFILE)}) == 3


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file in each place of the project."""
    monkeypatch.chdir(tmp_path)
    for name in ("Snakefile", "workflow/a", "scripts/b/c.py", "config/d", "envs/e", "mine.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def noted(*arguments: str) -> Path:
    note = unchanged.NOTES / "one.json"
    unchanged.keep(note, unchanged.sources(arguments))
    return note


def test_a_note_holds_until_a_file_changes_or_comes_or_goes(here: Path) -> None:
    for change in (
        lambda: (here / "scripts/b/c.py").write_text("scripts/b/C.py"),
        lambda: (here / "scripts/b/new.py").write_text(""),
        (here / "config/d").unlink,
        lambda: (here / "mine.yaml").write_text("mine"),
    ):
        note = noted("--configfile", "mine.yaml")
        assert unchanged.holds(note)
        change()
        assert not unchanged.holds(note)


def test_compiled_files_do_not_count(here: Path) -> None:
    note = noted()
    (here / "scripts/b/__pycache__").mkdir()
    (here / "scripts/b/__pycache__/c.pyc").write_text("")
    assert unchanged.holds(note)


def test_a_damaged_note_holds_nothing(here: Path) -> None:
    note = noted()
    note.write_text("{")
    assert not unchanged.holds(note)


def test_files_of_the_users_own_count_with_their_folders(
    own: Callable[[str], str], tmp_path: Path
) -> None:
    """A module of the user's own, one that it could import, its data, and a new file beside
    these.
    """
    kind = own(OWN)
    lab = tmp_path / kind.split(".")[0]
    (lab / "pictures").mkdir()
    (lab / "pictures/1.png").write_text("")
    (tmp_path / "mine.yaml").write_text(
        f"datasets:\n  digits: {{kind: {kind}, options: {{folder: {lab}/pictures}}}}\n"
    )
    for name in ("sources.csv", "supertraffic.csv", "paper.csv", "claims.yaml"):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).write_bytes((ROOT / "config" / name).read_bytes())
    plan = Plan(load(ROOT / "config/config.yaml", tmp_path / "mine.yaml"))
    found = unchanged.own(plan)
    assert {str(path) for path in (lab, lab / "mine.py", lab / "pictures/1.png")} <= found.keys()
    (lab / "pictures/2.png").write_text("")
    assert unchanged.own(plan) != found
    assert unchanged.seen(found) != found
