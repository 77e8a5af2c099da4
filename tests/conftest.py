"""What several tests share: the project's root, and copies of it to run and to edit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from serving import Server

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = count()  # of modules that tests write
PARTS = ("Snakefile", "workflow", "scripts", "config", "envs", "tests/tiny.yaml")


class Copy:
    """A copy of the project in a folder of its own, in which Snakemake runs and files may be
    edited.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there as a user would, with this interpreter first on the path."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": ""}
        found = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if check and found.returncode:
            raise AssertionError(
                f"{' '.join(command)} ended with "
                f"{found.returncode}:\n{found.stdout}\n{found.stderr}"
            )
        return found

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on the tiny study."""
        profile = ("--workflow-profile", "workflow/profiles/default")
        return self.run(
            "snakemake", *arguments, *profile, "--configfile", "tests/tiny.yaml", check=check
        )

    def pending(self) -> set[str]:
        """The rules of which Snakemake would start a job."""
        lines = self.snakemake("--dry-run").stdout.splitlines()
        return {
            line.split()[1].rstrip(":")
            for line in lines
            if line.startswith(("rule ", "localrule "))
        } - {"all"}

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
def study(make_copy: Callable[[], Copy]) -> Copy:
    """The tiny study, run whole."""
    copy = make_copy()
    copy.snakemake()
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
