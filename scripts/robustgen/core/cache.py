"""A folder in which jobs keep what takes long to make, for any later study, checkout or branch. The
environment's ROBUSTGEN_CACHE names it; without it, nothing is kept and nothing is looked for.

An entry is a JSON file under the hash of its key, a text that holds all that its files depend on.
Each file lies in `files` under its own sha256 and is written before the entry that names it, so
that jobs which keep the same thing at once cannot mix their files.

Snakemake's cache between workflows would not do: its key holds neither wildcards nor resources, so
that all seeds of a model and all thread counts would share one entry, but it does hold paths within
parameters, so that no other study would find it; and a damaged entry is handed out as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from robustgen.core.commit import commit
from robustgen.core.digest import ROOT
from robustgen.core.files import atomic, write_json
from robustgen.core.shards import file_hash

VARIABLE = "ROBUSTGEN_CACHE"
TAKEN = "taken"  # of a job's facts: when and at which commit its files were made
WRONG = (OSError, ValueError, KeyError, TypeError, AttributeError)  # of what a bad entry raises


def take(key: str, files: Mapping[str, Path]) -> dict[str, Any] | None:
    """Write the files of an entry, each by its name to its path, and give the facts that were kept
    with them; None where no whole entry has this key.
    """
    folder = _root()
    if folder is None or not (place := _place(folder, key)).exists():
        return None
    try:
        entry = json.loads(place.read_text(encoding="utf-8"))
        if entry["key"] != key:
            raise ValueError("its key is another one")
        made, facts = entry["made"], {**entry["facts"], TAKEN: entry["made"]}
        said = f"Taken from the cache {folder}: made {made['at']}; commit: {made['commit']}."
        for name, path in files.items():
            _copy(folder / "files" / entry["files"][name], path, entry["files"][name])
    except WRONG as error:
        _say(f"The cache's {place} is of no use ({error or type(error).__name__}); made again.")
        return None
    _say(said)
    return facts


def keep(key: str, files: Mapping[str, Path], facts: dict[str, Any]) -> None:
    """Keep copies of files under a key, with facts about them; a folder that cannot be written to
    costs a job nothing but a line in its log.
    """
    folder = _root()
    if folder is None:
        return
    hashes = {name: file_hash(path) for name, path in files.items()}
    made = {"at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit(ROOT)}
    try:
        for name, path in files.items():
            _copy(path, folder / "files" / hashes[name], hashes[name])
        entry = {"key": key, "files": hashes, "facts": facts, "made": made}
        write_json(_place(folder, key), entry)
    except WRONG as error:
        _say(f"Nothing is kept in the cache {folder}: {error}.")


def _root() -> Path | None:
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def _place(folder: Path, key: str) -> Path:
    """Where the entry of a key lies."""
    return folder / "entries" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _copy(source: Path, target: Path, sha256: str) -> None:
    """Copy a file that has this sha256; where the copy has another one, there is none."""
    with atomic(target) as temporary:
        shutil.copyfile(source, temporary)
        if file_hash(temporary) != sha256:
            raise ValueError(f"{source} is not what was kept")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
