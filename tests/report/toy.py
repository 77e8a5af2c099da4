"""A toy study, its claims, and a reader of pages."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from typing import Any

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
VOID = {"meta", "link", "img", "br", "hr"}
CONFIG: dict[str, Any] = {
    "study": "toy",
    "outputs": ["energy_by_steps", "training"],
    "datasets": {"digits": {"kind": "digits", "evaluate": {"test": 500}}},
    "recipes": {"short": {"trainer": "supervised"}},
    "models": {"net": {"kind": "resnet", "dataset": "digits", "recipe": "short"}},
    "attacks": {"pgd": {"kind": "pgd"}},
    "tables": {"energy_by_steps": {"kind": "energies", "models": ["net"], "attacks": ["pgd"]}},
    "figures": {"training": {"kind": "history", "models": ["net"]}},
}
CLAIM = {
    "id": "falls", "work": "beadini-masi-2023", "place": "figure 2", "sentence": (
        "E falls <script>alert(1)</script>."
    ),
    "family": "standard", "attack": "pgd", "measure": "scores", "against": None,
    "statistic": "energy_change", "direction": "below", "margin": 0, "min_n": 200,
    "min_success": 0.95, "not_tested": {},
}  # fmt: skip
CELL = {
    "dataset": "digits", "model": "net", "axes": {"eps": 8 / 255}, "n": 300, "success": 1.0,
    "seeds": 1,
}  # fmt: skip
CELLS = [
    CELL
    | {
        "value": -1.5,
        "low": -1.75,
        "high": -1.25,
        "p": 0.0004,
        "p_claim": 0.0008,
        "p_work": 0.012,
        "verdict": "reproduced",
        "why": "interval over images",
    },
    CELL
    | {
        "value": None,
        "low": None,
        "high": None,
        "p": None,
        "p_claim": None,
        "p_work": None,
        "verdict": "not tested at this scale",
        "why": "too few images",
    },
]


class Reader(HTMLParser):
    """Tags in balance, ids, and what src and href point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())
