"""The report: one self-contained HTML page about a study, made from whatever exists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from robustgen.report import data, gaps, shown, verdicts
from robustgen.report.chapters import Outline, outline
from robustgen.report.images import browser
from robustgen.report.matrix import anchor, label, matrix
from robustgen.report.origins import origins
from robustgen.report.provenance import finished, provenance
from robustgen.report.sections import sections, story
from robustgen.study import costs
from robustgen.study.config import checked
from robustgen.study.flow import Job, jobs
from robustgen.study.plan import Plan, plan_of

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = ("make_table", "draw_figure", "judge_claims")
HERE = Path(__file__).resolve().parent


def page(config: dict[str, Any], folder: Path, *, beside: Path | None = None) -> str:
    """The page about the results in `folder`; links are relative to `beside`, the folder itself
    where it is None.
    """
    from markupsafe import Markup

    files = {name: f"page.{name}" for name in ("css", "js")}
    inside = {
        name: Markup((HERE / file).read_text(encoding="utf-8")) for name, file in files.items()
    }
    template = _environment(beside or folder).get_template("page.html")
    return template.render(**inside, **contents(config, folder))


def contents(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """All that the template shows."""
    plan = plan_of(checked(config), folder)
    # which writes this very page
    needed = [job for job in jobs(plan) if job.rule != "write_report"]
    stale = gaps.stale(needed)
    return {
        "study": plan.study,
        "folder": folder,
        "finished": finished(needed),
        "used": data.really_used(plan, needed),
        "jobs": len(needed),
        **_results(plan, outline()),
        "images": browser(plan, needed, stale),
        **_state(needed, stale),
        **_origins(plan, needed, config, folder),
    }


def _results(plan: Plan, chapters: Outline) -> dict[str, Any]:
    """Claims, tables and figures, by chapter."""
    judged = verdicts.claims(Path(plan.root) / "claims/verdicts.json", plan.study) or []
    tables, figures = shown.tables(plan), shown.figures(plan)
    first = story(chapters, figures)
    left_out = {name: why for name, why in plan.study.left_out.items() if why}
    return {
        "answer": matrix(judged, chapters, plan.study.datasets),
        "counts": verdicts.counts(judged),
        "judged": judged,
        "marks": verdicts.MARKS,
        "story": first,
        "told_first": {figure["name"] for figure in first},
        "sections": sections(chapters, judged, tables, figures, left_out),
        "tables": tables,
        "figures": figures,
    }


def _state(needed: list[Job], stale: dict[Job, str]) -> dict[str, Any]:
    """What is missing, and what is there but not current."""
    outdated = {job.name or job.rule: why for job, why in stale.items() if job.rule in SHOWN}
    return {"gaps": gaps.gaps(needed), "stale": stale, "outdated": outdated}


def _origins(plan: Plan, needed: list[Job], config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the results rest on, what they cost, and where they come from."""
    spent, origin = costs.costs(folder), provenance(config, folder)
    return {
        "datasets": data.datasets(plan, needed),
        "nets": data.nets(plan, needed),
        "rules": costs.per_rule(spent),
        "dearest": costs.dearest(spent),
        "origin": origin,
        "origin_commit": origin["commit"].split(",")[0],
        "origins": origins(plan, needed),
    }


def _environment(beside: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["href"] = lambda path: href(path, beside)
    environment.filters["duration"] = costs.duration
    environment.filters["anchor"] = anchor
    environment.filters["label"] = label
    return environment


def href(path: str | Path, beside: Path) -> str:
    """A relative link to a file."""
    return quote(Path(os.path.relpath(path, beside)).as_posix())
