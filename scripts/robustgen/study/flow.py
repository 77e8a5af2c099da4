"""The jobs that a study's outputs need, each with its files, its inputs, its log and its seal."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from robustgen.core import seals
from robustgen.study.plan import Plan
from robustgen.study.stages import COSTS, NAME, PATTERNS, STAGES, Axes, Stage

SHOWN = ("make_table", "draw_figure")
PASSING = {file for stage in STAGES.values() for file in stage.passing}


@dataclass(frozen=True)
class Job:
    """One job: `name` is what its axes stand for, as in the names of its log and benchmark."""

    stage: Stage
    axes: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    inputs: tuple[str, ...]
    log: str
    seal: str

    @property
    def rule(self) -> str:
        """The name of its rule."""
        return self.stage.name

    @property
    def name(self) -> str:
        """The values of its axes, as in the names of its log."""
        return self.stage.place.format(**dict(self.axes))

    @property
    def lasting(self) -> tuple[str, ...]:
        """The files that are not deleted once they are used."""
        gone = self.stage.passing
        return tuple(path for path in self.files if Path(path).name not in gone)

    @property
    def standing(self) -> tuple[str, ...]:
        """The files that must be what the job wrote: those that last, and others while they are
        there.
        """
        there = (path for path in self.files if path in self.lasting or Path(path).exists())
        return tuple(there)

    @property
    def absent(self) -> list[str]:
        """The files of this job that do not exist and should."""
        return [path for path in self.lasting if not Path(path).exists()]

    @property
    def logged(self) -> bool:
        """Whether its log says anything."""
        return Path(self.log).is_file() and Path(self.log).stat().st_size > 0

    @property
    def lacking(self) -> list[str]:
        """The inputs that do not exist."""
        return [path for path in self.inputs if not _stands(Path(path))]


def job(plan: Plan, stage: Stage, axes: Axes) -> Job:
    """The job of a stage for these values of its axes."""
    files = tuple(path.format(**axes) for path in stage.outputs(plan.root).values())
    inputs = tuple(dict.fromkeys(p for paths in stage.inputs(plan, axes).values() for p in paths))
    log, seal = (
        stage.beside(plan.root, kind, end).format(**axes)
        for kind, end in (("logs", "log"), (seals.FOLDER, "json"))
    )
    return Job(stage, tuple(axes.items()), files, inputs, log, seal)


def jobs(plan: Plan) -> list[Job]:
    """All jobs behind the study's report, by rule in the order of the flow."""
    todo = deque([(STAGES["write_report"], _fixed({}))])
    by_axes: dict[tuple[str, tuple[tuple[str, str], ...]], Job] = {}
    while todo:
        stage, axes = todo.popleft()
        if (stage.name, axes) not in by_axes:
            one = by_axes[stage.name, axes] = job(plan, stage, dict(axes))
            makers = (making(plan, path) for path in one.inputs)
            todo.extend((maker, _fixed(told)) for maker, told in filter(None, makers))
    order = list(STAGES)
    return sorted(by_axes.values(), key=lambda one: order.index(one.rule))


def behind(all_jobs: list[Job], paths: Iterable[str]) -> list[Job]:
    """Those of the jobs that make these files, and all that they rest on, in the given order."""
    maker = {path: one for one in all_jobs for path in (*one.files, one.seal)}
    todo, needed = list(paths), set()
    while todo:
        one = maker.get(todo.pop())
        if one and one not in needed:
            needed.add(one)
            todo += one.inputs
    return [one for one in all_jobs if one in needed]


def maker_of(plan: Plan, path: str) -> Job | None:
    """The job that makes a file of the study; None for a file from outside it."""
    found = making(plan, path)
    return job(plan, *found) if found else None


def making(plan: Plan, path: str) -> tuple[Stage, Axes] | None:
    """The stage and the axes of the job that makes a file; None for a file from outside the
    study.
    """
    if not path.startswith(f"{plan.root}/"):
        return None
    place = path.removeprefix(f"{plan.root}/")
    for stage, pattern in _patterns():
        if hit := pattern.fullmatch(place):
            axes = hit.groupdict()
            if stage.name not in SHOWN or axes["name"] in plan.study.outputs:
                return stage, axes
    return None


def _fixed(axes: Axes) -> tuple[tuple[str, str], ...]:
    """Axes as a key."""
    return tuple(axes.items())


@cache
def _patterns() -> list[tuple[Stage, re.Pattern[str]]]:
    """Each stage with the form of each of its files."""
    return [
        (stage, _pattern(path.removeprefix("/")))
        for stage in STAGES.values()
        for path in stage.outputs("").values()
    ]


def _pattern(path: str) -> re.Pattern[str]:
    seen: set[str] = set()

    def group(hit: re.Match[str]) -> str:
        axis = hit[1]
        if axis in seen:
            return f"(?P={axis})"
        seen.add(axis)
        return f"(?P<{axis}>{PATTERNS.get(axis, NAME)})"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", group, re.escape(path)))


def _stands(path: Path) -> bool:
    """Whether a file is there, or was and is deleted by now, which its costs tell."""
    return path.exists() or (path.name in PASSING and path.with_name(COSTS).exists())
