"""What happens outside of a demo: runs that are killed, disks that are full or read-only, files
that are damaged.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from conftest import Copy

KILLS = 20
PROFILE = ("--workflow-profile", "workflow/profiles/default", "--configfile", "tests/tiny.yaml")
RESULTS = "results/tiny"


def launcher(*targets: str) -> list[str]:
    return [sys.executable, "scripts/run_study.py", *targets, *PROFILE]


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def test_a_study_killed_twenty_times_ends_with_the_bytes_of_an_uninterrupted_one(
    make_copy: Callable[[], Copy],
) -> None:
    copy, other = (make_copy().show("table_1", "fig_2b") for _ in range(2))
    # in parts, which are killed too
    copy.edit("tests/tiny.yaml", "  pgd: {sweep", "  pgd: {jobs: 2, sweep")
    chance = random.Random(0)
    other.make()
    unfinished = sum(killed(copy, chance.uniform(0.0, 2.5)) for _ in range(KILLS))
    said = copy.run(*launcher()).stdout
    assert unfinished >= KILLS // 2, (
        "most runs ended before they were killed; this test shows little"
    )
    assert "An earlier run was killed" in said
    found, whole = copy.contents(), other.contents()
    assert len(found) >= 10
    assert [name for name in found if found[name] != whole.get(name)] == []
    left = [
        str(path)
        for path in (copy.folder / "results").rglob(".*")
        if path.name != ".snakemake_timestamp"
    ]
    assert left == []  # no half-written file, no checkpoint, no shard


def killed(copy: Copy, seconds: float) -> bool:
    """Start a run and kill -9 its whole process group so long after it has taken its lock; whether
    it was still under way.
    """
    environment = {
        **os.environ,
        "PATH": (f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"),
    }
    begun, output = time.time(), (copy.folder / "output.txt").open("w")
    run = subprocess.Popen(
        launcher(),
        cwd=copy.folder,
        env=environment,
        start_new_session=True,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    while run.poll() is None and not locked_since(copy.folder / ".snakemake/locks", begun):
        time.sleep(0.02)
    time.sleep(seconds)
    under_way = run.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    output.close()
    return under_way


def locked_since(locks: Path, begun: float) -> bool:
    """Whether Snakemake has taken its lock after a moment; locks of a killed run go in between."""
    with suppress(FileNotFoundError):
        return any(lock.stat().st_mtime > begun for lock in locks.glob("*"))
    return False


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def test_damaged_files_are_noticed_named_and_made_anew(
    study: Copy, make_copy: Callable[[], Copy]
) -> None:
    """Rows are told before any job; images that keep their time, by the job that reads them."""
    copy = make_copy()
    subprocess.run(["cp", "-a", f"{study.folder}/.", str(copy.folder)], check=True)
    before = copy.contents()
    rows = "measures/signs_standard/seed0/he_pgd/scores.parquet"
    images = "attacks/signs_standard/seed0/he_pgd/images.safetensors"
    kept = (copy.folder / RESULTS / images).stat()
    for name in (rows, images):
        flip(copy.folder / RESULTS / name)
    os.utime(copy.folder / RESULTS / images, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    said = copy.run(*launcher()).stdout
    assert f"{RESULTS}/{rows} is not what its job wrote; it is made again." in said
    assert f"{RESULTS}/{images} is not what was written (its checksum is another one)" in said
    assert (copy.folder / RESULTS / f"{images}.damaged").exists()
    assert "It was set aside" in said
    assert "they are made again" in said
    assert differing(copy.contents(), before) == []


def test_a_pickle_in_place_of_a_checkpoint_is_not_executed(
    make_copy: Callable[[], Copy], tmp_path: Path
) -> None:
    copy, mark = make_copy(), tmp_path / "executed"
    place = copy.folder / RESULTS / "training/signs_standard/seed0/.checkpoint.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(pickle.dumps(Trap(mark)))
    copy.run(*launcher(f"{RESULTS}/training/signs_standard/seed0/weights.safetensors"))
    assert not mark.exists()
    assert not place.exists()
    pickle.loads(pickle.dumps(Trap(mark)))  # the trap does work
    assert mark.exists()


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def small_disk(make_copy: Callable[[], Copy]) -> Iterator[tuple[Copy, Callable[[str], None]]]:
    """A project whose results lie on a disk of their own, and a function that mounts it with other
    options.
    """
    copy = make_copy()
    disk = copy.folder / "results"
    disk.mkdir()

    def mount(options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)],
            check=True,
            capture_output=True,
        )

    try:
        mount("size=1m")
    except subprocess.CalledProcessError:
        pytest.skip("mounting a small disk needs root")
    yield copy, mount
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("remount,size=1m", "No space left on device"),
        ("remount,ro", "results cannot be written to: Read-only file system"),
    ],
)
def test_a_full_and_a_read_only_disk_are_said_and_the_run_goes_on_when_they_are_mended(
    small_disk: tuple[Copy, Callable[[str], None]], options: str, sentence: str
) -> None:
    copy, mount = small_disk
    mount(options)
    failed = copy.run(*launcher(f"{RESULTS}/data/signs/splits.safetensors"), check=False)
    assert failed.returncode == 1
    assert sentence in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr
    mount("remount,rw,size=50m")
    copy.run(*launcher(f"{RESULTS}/data/signs/splits.safetensors"))
    assert (copy.folder / RESULTS / "data/signs/splits.safetensors").exists()
