"""The commit of a folder's code."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(folder: Path) -> str:
    """The commit that a folder is at, and whether files differ from it."""
    found = _git(folder, "rev-parse", "--short=12", "HEAD")
    if found is None:
        return "not a git checkout"
    changed = (_git(folder, "status", "--porcelain") or "").splitlines()
    if not changed:
        return f"{found.strip()}, nothing changed since"
    return f"{found.strip()}, with {len(changed)} file{'s' * (len(changed) > 1)} changed since"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout
