"""How tests are dealt to workers, and what runs alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import conftest

TESTS = Path(__file__).parent


def test_every_test_that_runs_alone_is_there() -> None:
    """A renamed test would run beside others without a word."""
    for file, names in conftest.ALONE.items():
        text = next(TESTS.rglob(file)).read_text(encoding="utf-8")
        assert [name for name in names if f"def {name or 'test_'}" not in text] == []


def test_every_file_that_takes_long_is_there() -> None:
    assert [name for name in conftest.LONG if not list(TESTS.rglob(name))] == []


def test_no_two_files_of_tests_have_one_name() -> None:
    """ALONE names files without their folders."""
    names = [path.name for path in TESTS.rglob("test_*.py")]
    assert len(names) == len(set(names))


@dataclass(eq=False)
class Item:
    """A test as `ranks` sees it."""

    path: Path
    fixturenames: list[str]


def test_one_file_makes_the_study_first_and_files_that_wait_for_it_follow_other_copies() -> None:
    items = [
        Item(Path("plain"), ["tmp_path", "study"]),
        Item(Path("study"), ["make_copy", "study"]),
        Item(Path("study"), []),
        Item(Path("copies"), ["make_copy"]),
        Item(Path("waits"), ["make_copy", "study"]),
        Item(Path(conftest.LONG[0]), ["tmp_path"]),
    ]
    places = conftest.ranks(items)  # type: ignore[arg-type]
    assert [places[item] for item in items] == [3, 0, 0, 1, 2, 1]  # type: ignore[index]
