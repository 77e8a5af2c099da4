"""The tables of docs/results.md, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from robustgen.core.rows import CLEAN
from robustgen.report.beside import Read
from robustgen.report.chapters import outline
from robustgen.report.coverage import Coverage
from robustgen.report.runs import Run, printed
from robustgen.report.verdicts import MARKS, counts, number
from robustgen.stats.intervals import Interval

if TYPE_CHECKING:
    import pandas as pd


def of_runs(found: Iterable[Run]) -> str:
    """A line per run: commit, verdicts, tables."""
    head = ["run", "commit", "cells of claims by verdict", "tables"]
    lines = []
    for run in found:
        told = counts(run.claims)
        judged = ", ".join(f"{n} {verdict}" for verdict, n in told.items() if n)
        tables = dict.fromkeys(line.table for line in run.lines)
        lines.append([f"`{run.folder.as_posix()}`", run.commit, judged, ", ".join(tables)])
    return table(head, lines)


def counted(compared: Sequence[Read], covered: Sequence[Coverage]) -> str:
    """How many published results have a number of ours, and how many of these agree."""
    plain = [one for one in compared if not one.remark and one.inside is not None]
    return (
        f"\nPublished results: {sum(one.numbers for one in covered)}; with a number of ours: "
        f"{sum(one.beside for one in covered)}. Comparisons without a remark: {len(plain)}; of "
        f"these agree: {sum(bool(one.inside) for one in plain)}.\n"
    )


def of_numbers(compared: Iterable[Read], paper: pd.DataFrame) -> Iterator[str]:
    """A section per table of the works that has numbers beside it."""
    head = ["run", "model", "setting", "number", "published", "ours", "n", "difference", "agrees"]
    groups: dict[tuple[str, str], list[Read]] = {}
    for one in compared:
        groups.setdefault((one.pair.table, one.pair.dataset), []).append(one)
    works: dict[str, str] = dict(zip(paper["table"], paper["work"], strict=True))
    titles = outline().works
    for (name, dataset), numbers in sorted(groups.items()):
        work = titles.get(works.get(name, works.get(f"{name}a", "")), "").split(",")[0]
        yield f"### {_named(name)}, {dataset} ({work})\n"
        yield table([*head, "remark"], [_compared(one) for one in numbers])


def _compared(one: Read) -> list[str]:
    pair, agrees = one.pair, {True: "yes", False: "no", None: ""}[one.inside]
    unit = " %" if one.scale == 100 else ""
    return [
        pair.run.label,
        pair.model,
        pair.setting,
        pair.column,
        f"{pair.printed}{unit}",
        interval(pair.ours, one.scale),
        pair.n,
        f"{one.gap:+.1f}",
        agrees,
        one.remark,
    ]


def lacking(found: Iterable[Coverage]) -> str:
    """A line per table of the works: how many of its numbers have one of ours beside them."""
    head = ["work", "table", "data set", "published", "beside ours", "without"]
    titles = outline().works
    return table(
        head,
        [
            [
                titles.get(one.work, one.work).split(",")[0],
                _named(one.table),
                one.dataset,
                str(one.numbers),
                str(one.beside),
                str(one.numbers - one.beside),
            ]
            for one in found
        ],
    )


def of_claims(found: Sequence[Run]) -> Iterator[str]:
    """A table per work: claims, where they were judged, and with what outcome."""
    head = ["claim", "run", "data set", "model", "setting", "n", "value", "verdict"]
    titles = outline().works
    judged = [(run, claim) for run in found for claim in run.claims if claim["cells"]]
    for work in dict.fromkeys(claim["work"] for _, claim in judged):
        mine = [(run, claim) for run, claim in judged if claim["work"] == work]
        yield f"### {titles.get(work, work)}\n"
        yield table(head, [line for one in mine for line in _cells(*one)])


def _cells(run: Run, claim: dict[str, Any]) -> Iterator[list[str]]:
    """A line per cell of a claim, the first with its sentence."""
    attack = claim["attack"] or CLEAN
    norm = str(run.config["attacks"].get(attack, {}).get("norm", ""))
    for place, cell in enumerate(claim["cells"]):
        eps = cell.get("axes", cell).get("eps")  # beside the other columns in version 0.1.0
        yield [
            "" if place else f"{claim['sentence']} ({claim['place']})",
            run.name,
            cell["dataset"],
            cell["model"],
            ", ".join(filter(None, (attack, printed(eps, norm) if eps else ""))),
            str(cell["n"]),
            number(cell["value"], cell["low"], cell["high"]),
            f"{MARKS[cell['verdict']][1]} {cell['verdict']}",
        ]


def interval(one: Interval, scale: float) -> str:
    """A number with its interval, scaled; without one that is not finite."""
    value, low, high = (scale * bound for bound in one)
    if not (isfinite(low) and isfinite(high)):
        return f"{value:.1f}"
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _named(table: str) -> str:
    """`Table 2.2` of `table_2_2`, `Text of section 4.1` of `text:4.1`."""
    kind, _, rest = table.replace(":", "_").partition("_")
    said = rest.replace("_", ".")
    return f"Text of section {said}" if kind == "text" else f"Table {said}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
