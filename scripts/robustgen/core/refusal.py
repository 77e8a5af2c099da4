"""Refusals: what a user did or met that cannot work, said in a sentence that tells what to do."""

from __future__ import annotations

from pathlib import Path


class Refused(ValueError):
    """The message is a sentence for the user; no traceback is needed to understand it."""

    damaged: Path | None = None  # a file of the study that is there and not what was written
