"""Rows of the bench: one per peer, and how a terminal shows them."""

from __future__ import annotations

from typing import Any, TypedDict

from robustgen.core.refusal import Refused


class Row(TypedDict):
    """Ours beside one peer; rates are per second, and `ratio` is ours over the peer's."""

    name: str
    ours: float
    peer: float
    ratio: float
    n: int
    agreement: dict[str, Any]  # what shows that both computed the same
    machine: dict[str, Any]  # where, and with which settings


class Disagreement(Refused):
    """Ours and a peer's results differ, so no speed of ours counts."""


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    width = max(len(row["name"]) for row in rows)
    lines = [f"{'peer':{width}}  {'ours/s':>8}  {'peer/s':>8}  {'ratio':>6}  {'n':>5}"]
    for row in rows:
        speed = f"{row['ours']:8.1f}  {row['peer']:8.1f}  {row['ratio']:6.2f}"
        lines.append(f"{row['name']:{width}}  {speed}  {row['n']:5}")
    return "\n".join(lines)
