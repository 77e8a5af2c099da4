"""Jobs that a killed controller has left in SLURM: found by their name, cancelled, and waited for
until they are gone.

A job's name begins with a hash of the folder and the number of the process that started it, so
nobody else's jobs are touched. Cancelling loses little: files are whole or absent, and long stages
go on from their checkpoints.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustgen.core.refusal import Refused

PREFIX = "robustgen"
# seconds for SLURM to end cancelled jobs; it kills them after KillWait, usually 30 s
PATIENCE = 180.0
STATUS = "--slurm-status-command"
FORMAT = "%A|%j|%k|%Z"  # number, name, comment, working folder


@dataclass(frozen=True)
class Job:
    """A job of this user in SLURM's queue."""

    number: str
    name: str
    comment: str
    folder: str

    def __str__(self) -> str:
        what = self.comment.removeprefix("rule_").replace("_wildcards_", " ")
        return f"{self.number} ({what})" if what else self.number


def wanted(arguments: Sequence[str]) -> bool:
    """Whether Snakemake's arguments choose the SLURM executor, by themselves or in their
    profile.
    """
    return (_last(arguments, "--executor", "-e") or _profile(arguments).get("executor")) == "slurm"


def concerns(arguments: Sequence[str], folder: Path) -> bool:
    """Whether a run must look at SLURM's queue: it uses SLURM, or an earlier run of its
    folder did.
    """
    return wanted(arguments) or (
        (folder / ".snakemake/slurm_logs").exists() and shutil.which("squeue") is not None
    )


def options(folder: Path, arguments: Sequence[str]) -> list[str]:
    """What Snakemake is told besides `arguments`: how to name the jobs of this process, and whom to
    ask about them.
    """
    if not wanted(arguments):
        return []
    asks = (
        _last(arguments, STATUS)
        or _profile(arguments).get(STATUS.removeprefix("--"))
        or ("sacct" if _accounts() else "")
    )
    if not asks:
        print("sacct does not answer here, so squeue is asked how jobs are.", flush=True)
    return [
        "--slurm-jobname-prefix",
        f"{prefix(folder)}-{os.getpid()}",
        *([] if asks else [STATUS, "squeue"]),
    ]


def prefix(folder: Path) -> str:
    """How the names of a folder's jobs begin; the number of the process that started them
    follows.
    """
    return f"{PREFIX}-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:10]}"


def clear(folder: Path, alive: Sequence[int]) -> None:
    """Cancel the jobs of this folder's runs that are not among those `alive`, and return once they
    are gone.
    """
    _refuse_strangers(folder)
    if left := _left(folder, alive):
        print(
            (
                f"A killed run has left SLURM jobs: {', '.join(map(str, left))}. They are "
                "cancelled first."
            ),
            flush=True,
        )
        deadline = time.monotonic() + PATIENCE
        while left:
            if time.monotonic() > deadline:
                raise Refused(
                    f"SLURM has not ended {', '.join(map(str, left))} in {PATIENCE:.0f} s; "
                    "look at squeue."
                )
            # some may have ended by themselves
            _call("scancel", *(job.number for job in left), check=False)
            time.sleep(1)
            left = _left(folder, alive)
        print("They are gone; long work goes on from its checkpoints.", flush=True)


def queued() -> list[Job]:
    """All jobs of this user that wait, run or end just now."""
    said = _call("squeue", "--noheader", "--user", str(os.getuid()), "--format", FORMAT)
    return [Job(*line.strip().split("|", 3)) for line in said.splitlines() if line.count("|") >= 3]


def _left(folder: Path, alive: Sequence[int]) -> list[Job]:
    name = re.compile(rf"{prefix(folder)}-(\d+)_")
    return [job for job in queued() if (hit := name.match(job.name)) and int(hit[1]) not in alive]


def _refuse_strangers(folder: Path) -> None:
    """Jobs of a Snakemake that was started by hand cannot be told from those of one that still
    lives.
    """
    mine = [
        job
        for job in queued()
        if job.name.startswith(f"{PREFIX}_") and job.folder == str(folder.resolve())
    ]
    if mine:
        numbers = " ".join(job.number for job in mine)
        raise Refused(
            f"SLURM jobs {numbers} work in this folder for a Snakemake that was started by hand; "
            f"wait until it has ended or, if it was killed, cancel them (scancel {numbers}); then "
            "start again."
        )


def _accounts() -> bool:
    """Whether sacct works; where it does not, Snakemake would wait for ever for jobs that have long
    ended.
    """
    with suppress(Refused):
        _call("sacct", "--noheader", "--allocations", "--name", PREFIX)
        return True
    return False


def _profile(arguments: Sequence[str]) -> dict[str, Any]:
    import yaml

    path = Path(_last(arguments, "--workflow-profile", "--profile") or "", "config.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _last(arguments: Sequence[str], *names: str) -> str | None:
    """The value of an option, given as two words or with an equals sign."""
    found = None
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name in names:
            found = value if equals else following
    return found


def _call(*command: str, check: bool = True) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=check, timeout=PATIENCE
        ).stdout
    except FileNotFoundError as error:
        raise Refused(
            f"The slurm profile needs SLURM's commands; {command[0]} is not on the path of "
            "this machine."
        ) from error
    except subprocess.CalledProcessError as error:
        raise Refused(f"SLURM does not answer: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(
            f"SLURM does not answer: {command[0]} took more than {PATIENCE:.0f} s."
        ) from error
