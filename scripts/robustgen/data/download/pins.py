"""Pins: the sha256 that files without a published one had at their first download."""

from __future__ import annotations

import json
from pathlib import Path

from robustgen.core.files import write_json
from robustgen.core.refusal import Refused


class Pins:
    """The pins of one source in a JSON file that maps each file to its sha256.

    A pin outlives its file: who deletes a file and fetches it again must get the same one, or a
    server that has come to give another would go unnoticed. A pin of a wrong download is therefore
    taken back by hand alone, and each refusal says where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, file: str) -> str:
        """The pin of a file; empty where it has none."""
        return self._read().get(file, "")

    def set(self, file: str, found: str) -> bool:
        """Pin a file that has no pin, and say whether it had none."""
        if self.of(file):
            return False
        write_json(self.path, {**self._read(), file: found})
        return True

    def remedy(self, file: str) -> str:
        """What to do where a pin is wrong and not the file."""
        why = "if its first download was the wrong one, or its authors have changed it"
        return f"pinned at its first download; {why}, remove {file!r} from {self.path}"

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(
            isinstance(value, str) for value in found.values()
        ):
            what = "is no JSON map from files to their sha256"
            raise Refused(
                f"{self.path} {what}; bring back a copy of it, or delete it: files are then pinned "
                "as they are fetched."
            )
        return found
