"""Why jobs are pending, in sentences, from Snakemake's dry run and the record of which code made what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from robustgen.core.digest import ROOT, hash_of
from robustgen.core.dryrun import Job, pending
from robustgen.core.files import write_json

RECORD = Path(".snakemake/robustgen-code.json")  # digest -> file -> hash, of every code that a run was started with


def remember(codes: dict[str, dict[str, str]]) -> None:
    """Add what today's digests are made of to the record."""
    write_json(RECORD, _record() | codes)


def sentences(dry_run: str) -> list[str]:
    """A sentence per job of a dry run's output."""
    return [f"{_name(job)}: {_because(job.reason)}" for job in pending(dry_run)]


def _name(job: Job) -> str:
    return f"{job.rule} {', '.join(job.wildcards.values())}".strip()


def _because(reason: str) -> str:
    parts = [_sentence(*part.split(": ", 1)) if ": " in part else part for part in reason.split("; ")]
    return "; ".join(parts) + "."


def _sentence(kind: str, rest: str) -> str:
    match kind:
        case "Missing output files":
            return f"{_short(rest)} does not exist"
        case "Input files updated by another job":
            return f"{_short(rest)} will be made anew"
        case "Updated input files":
            return f"{_short(rest)} is newer"
        case "Params have changed since last execution":
            return _changed(rest)
        case "Set of input files has changed since last execution":
            return "it is made from other files than before"
        case _:
            return f"{kind}: {rest}"


def _short(paths: str) -> str:
    names = paths.split(", ")
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _changed(rest: str) -> str:
    """Which files of code or which settings differ."""
    before, now = (re.findall(r"'(.*?)'(?=,'|\s|$)", part) for part in (rest.split(" now: ")[0], rest.split(" now: ")[-1]))
    files = sorted({file for value in before for file in _changed_files(value)})
    settings = sorted(set(_changed_settings(before, now)))
    said = ([f"the code changed in {', '.join(files)}"] if files else []) + settings
    return "; ".join(said) or "its settings or its code changed"


def _changed_files(digest: str) -> list[str]:
    """The files of a recorded digest whose hash is another one today."""
    recorded = _record().get(digest.split(" ")[0], {})
    return [name for name, value in recorded.items() if hash_of(ROOT / name) != value]


def _changed_settings(before: list[str], now: list[str]) -> Iterator[str]:
    olds, news = ([value for text in texts if isinstance(value := _json(text), dict)] for texts in (before, now))
    for old in olds:
        for new in (new for new in news if new.keys() & old.keys()):
            for key in sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)):
                yield f"{key} changed from {_brief(old.get(key))} to {_brief(new.get(key))}"


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _record() -> dict[str, dict[str, str]]:
    try:
        record: dict[str, dict[str, str]] = json.loads(RECORD.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record
