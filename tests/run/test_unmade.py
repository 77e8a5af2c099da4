"""The jobs of a study that has made nothing yet are known without Snakemake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import ROOT
from robustgen.run.dryrun import unmade
from robustgen.study.config import load
from robustgen.study.flow import jobs
from robustgen.study.plan import Plan


def test_all_jobs_are_unmade_until_one_has_a_seal(tmp_path: Path) -> None:
    """tests/study/test_stages.py holds the jobs of the table against those of a dry run."""
    plan = Plan(load(ROOT / "config/config.yaml", ROOT / "tests/tiny.yaml"), str(tmp_path))
    found = unmade(plan)
    assert found is not None
    told = {(job.rule, tuple(job.wildcards.items())) for job in found}
    assert told == {(job.rule, job.axes) for job in jobs(plan)}
    seal = Path(jobs(plan)[0].seal)
    seal.parent.mkdir(parents=True)
    seal.write_text("{}")
    assert unmade(plan) is None


def test_planning_the_paper_study_needs_no_library_of_numbers(tmp_path: Path) -> None:
    """Torch takes longer to import than the 3,377 jobs take to plan; the costs of their networks
    stand in a table.
    """
    (tmp_path / "published").symlink_to(ROOT / "results/published")
    code = "import sys, plan_study; plan_study.main(sys.argv[1:]); print(*sys.modules)"
    call = [sys.executable, "-c", code, "--results", str(tmp_path)]
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    said = subprocess.check_output(call, cwd=ROOT, env=environment, text=True)
    *told, modules = said.splitlines()
    assert "floating point operations" in "\n".join(told)
    assert {"torch", "pandas", "numpy"} & set(modules.split()) == set()
