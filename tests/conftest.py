"""What several tests share: the project's root, copies of it to run and to edit, and how tests are
dealt to parallel workers.
"""

from __future__ import annotations

import fcntl
import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from forking import forked
from robustgen.run.warm import warm
from serving import Server

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = count()  # of modules that tests write
PARTS = ("Snakefile", "workflow", "scripts", "config", "envs", "tests/tiny.yaml")
TINY = ("--workflow-profile", "workflow/profiles/default", "--configfile", "tests/tiny.yaml")
WORKER = os.environ.get("PYTEST_XDIST_WORKER")  # of several, where tests run in parallel
ALONE = {  # file -> tests of it that measure time, or start daemons that are one per machine
    "test_slurm.py": [""],
    "test_study.py": [
        "test_a_second_run_starts_no_job_and_takes_three_seconds_more_than_",
        "test_the_bare_command_plans_the_paper_study_in_a_small_multiple_of_",
    ],
    "test_packages.py": ["test_tables_and_figures_start_in_less_than_"],
}
LONG = ("test_resume.py",)  # half a minute: a worker that starts one last would end alone

os.environ.pop("ROBUSTGEN_CACHE", None)  # a test that wants one names its own

if WORKER:  # each worker has one core; torch on more threads would wait for those of the others
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # where a test asks for two threads, the one that waits must not keep the other's core busy
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.hookimpl(tryfirst=True)  # before `-m` picks by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the machine alone; for workers, put files that run Snakemake first,
    as they take longest and a worker that starts one last would end alone.
    """
    for item in items:
        if any(item.name.startswith(name) for name in ALONE.get(item.path.name, [])):
            item.add_marker("alone")
    if WORKER:
        items.sort(key=ranks(items).__getitem__)


def pytest_collection_finish() -> None:
    """Leave out of garbage collections what was imported and collected so far: it stays, and to
    look through it takes a second each time.
    """
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes after its argument: packed bytes hold the time, and pytest-xdist runs
    nothing where two workers name a test differently.
    """
    return argname if isinstance(val, bytes) else None


def ranks(items: list[pytest.Item]) -> dict[pytest.Item, int]:
    """The place of each test's file: one that has the tiny study made comes first, and the others
    that use it come after those that do not, so that no worker waits for the study; of files that
    start no Snakemake, those that take long come first.
    """
    used: dict[Path, set[str]] = {}
    for item in items:
        used.setdefault(item.path, set()).update(item.fixturenames)
    # which is made in a copy, unlike what a file may call its study
    made = {path for path, names in used.items() if {"study", "make_copy"} <= names}
    first = next((path for path in used if path in made), None)

    def rank(path: Path) -> int:
        if path == first:
            return 0
        if path in made:
            return 2
        if path.name in LONG:
            return 1
        return 1 if "make_copy" in used[path] else 3

    return {item: rank(item.path) for item in items}


def checked(found: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """A command that must have ended well."""
    if found.returncode:
        raise AssertionError(
            f"{' '.join(found.args)} ended with {found.returncode}:\n{found.stdout}\n{found.stderr}"
        )
    return found


def rules(said: str) -> set[str]:
    """The rules of which a dry run names a job."""
    lines = (line for line in said.splitlines() if line.startswith(("rule ", "localrule ")))
    return {line.split()[1].rstrip(":") for line in lines} - {"all"}


class Copy:
    """A copy of the project in a folder of its own, in which Snakemake runs and files may be
    edited.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        """That of a user, with this interpreter first on the path."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": ""}

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there as a user would."""
        found = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return checked(found) if check else found

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on the tiny study."""
        found = forked().run([*arguments, *TINY], self.folder, self.environment)
        return checked(found) if check else found

    def make(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Make the tiny study by Snakemake, whose jobs need not import torch each for itself."""
        with warm(self.folder / "scripts"):
            return self.snakemake(check=check)

    def pending(self) -> set[str]:
        """The rules of which Snakemake would start a job."""
        return rules(self.snakemake("--dry-run").stdout)

    def contents(self) -> dict[str, bytes]:
        """All rows, tensors and tables of the tiny study, by their places."""
        base = self.folder / "results/tiny"
        found = (
            path for end in ("parquet", "safetensors", "csv") for path in base.rglob(f"*.{end}")
        )
        return {str(path.relative_to(base)): path.read_bytes() for path in found}

    def show(self, *outputs: str) -> Copy:
        """Have the tiny study make these outputs only."""
        overlay = self.folder / "tests/tiny.yaml"
        text = re.sub(
            r"outputs: \[.*?\]",
            f"outputs: [{', '.join(outputs)}]",
            overlay.read_text(),
            flags=re.DOTALL,
        )
        overlay.write_text(text)
        return self

    def edit(self, path: str, old: str, new: str) -> Callable[[], None]:
        """Replace text in a file; the function that is returned undoes it."""
        file = self.folder / path
        before = file.read_text()
        assert old in before, f"{path} does not hold {old!r}"
        file.write_text(before.replace(old, new, 1))
        return lambda: (file.write_text(before), None)[1]


@pytest.fixture(scope="session")
def make_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Copy]:
    """Copies of the project."""

    def make() -> Copy:
        folder = tmp_path_factory.mktemp("project")
        for part in PARTS:
            source, target = ROOT / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        return Copy(folder)

    return make


@pytest.fixture(scope="session")
def study(make_copy: Callable[[], Copy], tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The tiny study, run whole. Of parallel workers the first runs it, and each has a folder of
    its own, which its tests may edit.
    """
    copy = make_copy()
    if not WORKER:
        copy.make()
        return copy
    made = tmp_path_factory.getbasetemp().parent / "study"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            copy.make()
            shutil.copytree(copy.folder, made.with_suffix(".new"), symlinks=True)
            made.with_suffix(".new").rename(made)
            return copy
    shutil.copytree(made, copy.folder, symlinks=True, dirs_exist_ok=True)
    return copy


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of files for tests of downloads."""
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch on one thread, for tests that ask for the same bits from two programs."""
    import torch  # here, as most tests do without

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a module of a user's own; its kind, as a configuration would name it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        # a name that no other test has, for modules are imported once
        folder = tmp_path / f"lab{next(NUMBERS)}"
        folder.mkdir()
        (folder / "mine.py").write_text(text)
        return f"{folder.name}.mine"

    return write
