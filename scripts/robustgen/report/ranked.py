"""The ranking of defences as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from robustgen.report.ranking import Accuracy, Defence, Threat
from robustgen.report.results_parts import interval, table
from robustgen.report.runs import printed

NORMS = {"linf": "L_inf", "l2": "L_2"}


def of_ranking(ranked: dict[Threat, list[Defence]]) -> Iterator[str]:
    """A section per data set, norm and budget, with a line per defence."""
    head = ["", "model", "run", "clean %", "best attack %", "adaptive %", "all %", "attacks",
            "passes", "seconds"]  # fmt: skip
    for threat, defences in ranked.items():
        norm = NORMS.get(threat.norm, threat.norm)
        yield f"### {threat.dataset}, {norm} {printed(threat.eps, threat.norm)}\n"
        yield table(head, [_defence(*one) for one in enumerate(defences, 1)])


def _defence(place: int, one: Defence) -> list[str]:
    seconds = one.run.seconds(one.model)
    return [
        str(place) if one.judged else "",
        one.model,
        one.run.name,
        _accuracy(one.clean, named=False),
        _accuracy(one.best),
        _accuracy(one.adaptive),
        _accuracy(one.worst, named=False),
        str(one.attacks),
        one.run.passes(one.model),
        "" if seconds is None else f"{seconds:.2g}",
    ]


def _accuracy(one: Accuracy | None, *, named: bool = True) -> str:
    if one is None:
        return ""
    said = [one.attack if named else "", f"n {one.n}" if one.n else ""]
    told = ", ".join(filter(None, said))
    return interval(one.share, 100) + (f" ({told})" if told else "")
