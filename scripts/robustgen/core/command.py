"""How a script runs: in a warm process where there is one, refusals as sentences, and sealed.

A script of the workflow imports what it needs within its `main`, which it need not run where it is
passed on to the warm process: that happens for each of hundreds of jobs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.core.warm import passed_on

DAMAGED = ".damaged"
ASIDE = "It was set aside"


def command(main: Callable[[], None]) -> None:
    """Run a command, here or by a warm process where there is one, and seal what it wrote where its
    last arguments are `--seal FILE`.

    A refusal or a full disk ends it with its sentence; anything else is a defect and keeps its
    traceback.
    """
    if (status := passed_on()) is not None:
        sys.exit(status)
    from robustgen.core import seals

    seal = _taken("--seal")
    try:
        main()
        if seal:
            seals.write(Path(seal))
    except Refused as error:
        sys.exit(f"{error}{_set_aside(error.damaged)}")
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # for what is not yet flushed
        sys.exit(1 if seal else 0)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename or error} does not exist; run the job that makes it.")
    except OSError as error:
        sys.exit(
            f"{error.strerror or error}: {error.filename or 'the output'}; free space or "
            "permissions, then run again."
        )


def _taken(flag: str) -> str:
    """The value of a flag that stands last on the command line, taken from there."""
    if sys.argv[-2:-1] != [flag]:
        return ""
    value = sys.argv[-1]
    del sys.argv[-2:]
    return value


def _set_aside(path: Path | None) -> str:
    """Rename a damaged file, so that the next run makes it again."""
    if path is None or not path.exists():
        return ""
    path.rename(path.with_name(f"{path.name}{DAMAGED}"))
    return f" {ASIDE} as {path.name}{DAMAGED}; a run makes it again."
