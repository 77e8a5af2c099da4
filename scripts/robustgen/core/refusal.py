"""Refusals: what a user did or met that cannot work, said in a sentence that tells what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

DAMAGED = ".damaged"
ASIDE = "It was set aside"


class Refused(ValueError):
    """The message is a sentence for the user; no traceback is needed to understand it."""

    damaged: Path | None = None  # a file of the study that is there and not what was written


def command(main: Callable[[], None]) -> None:
    """Run a command; a refusal or a full disk ends it with its sentence, anything else is a defect and keeps its traceback."""
    try:
        main()
    except Refused as error:
        sys.exit(f"{type(error).__name__}: {error}{_set_aside(error.damaged)}")
    except FileNotFoundError as error:
        sys.exit(f"{error.filename or error} does not exist; run the job that makes it.")
    except OSError as error:
        sys.exit(f"{error.strerror or error}: {error.filename or 'the output'}; free space or permissions, then run again.")


def _set_aside(path: Path | None) -> str:
    """Rename a damaged file, so that the next run makes it anew."""
    if path is None or not path.exists():
        return ""
    path.rename(path.with_name(f"{path.name}{DAMAGED}"))
    return f" {ASIDE} as {path.name}{DAMAGED}; a run makes it anew."
