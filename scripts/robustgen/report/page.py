"""The report: one self-contained HTML page about a study, made from whatever exists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from robustgen.report import data, gaps, shown, verdicts
from robustgen.report.provenance import finished, provenance
from robustgen.study import costs
from robustgen.study.config import checked
from robustgen.study.flow import jobs
from robustgen.study.plan import plan_of

SHOWN = ("make_table", "draw_figure", "judge_claims")
HERE = Path(__file__).resolve().parent


def page(config: dict[str, Any], folder: Path, *, beside: Path | None = None) -> str:
    """The page about the results in `folder`; links are relative to `beside`, the folder itself
    where it is None.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "href": lambda path: href(path, beside or folder),
        "duration": costs.duration,
    }
    css = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    return environment.get_template("page.html").render(css=css, **contents(config, folder))


def contents(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """All that the template shows."""
    study = checked(config)
    plan = plan_of(study, folder)
    # which writes this very page
    needed = [job for job in jobs(plan) if job.rule != "write_report"]
    stale = gaps.stale(needed)
    judged = verdicts.claims(folder / "claims/verdicts.json", study)
    spent = costs.costs(folder)
    return {
        "study": study,
        "folder": folder,
        "finished": finished(needed),
        "used": data.really_used(plan, needed),
        "jobs": len(needed),
        "works": verdicts.by_work(judged or []),
        "counts": verdicts.counts(judged or []),
        "marks": verdicts.MARKS,
        "gaps": gaps.gaps(needed),
        "stale": stale,
        "outdated": {
            job.name or job.rule: reason for job, reason in stale.items() if job.rule in SHOWN
        },
        "tables": shown.tables(plan),
        "figures": shown.figures(plan),
        "datasets": data.datasets(plan, needed),
        "nets": data.nets(plan, needed),
        "rules": costs.per_rule(spent),
        "dearest": costs.dearest(spent),
        "origin": provenance(config, folder),
    }


def href(path: str | Path, beside: Path) -> str:
    """A relative link to a file."""
    return quote(Path(os.path.relpath(path, beside)).as_posix())
