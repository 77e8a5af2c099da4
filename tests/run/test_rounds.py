"""How often Snakemake looks for jobs to start."""

from __future__ import annotations

from collections.abc import Callable

from conftest import TINY, Copy

LIMITED = "Submitting maximum"  # what Snakemake says of a limit of jobs per second


def test_snakemake_looks_for_jobs_when_one_ends_and_not_by_the_clock(
    make_copy: Callable[[], Copy],
) -> None:
    """With its limit of jobs per second each look starts another a second later, so that looks
    multiply with the jobs that have ended. Two jobs here: at most two looks for each.
    """
    copy = make_copy().show("fig_sheets")
    said = copy.run("snakemake", "results/tiny/data/signs/splits.json", "--verbose", *TINY)
    text = said.stdout + said.stderr
    assert LIMITED not in text
    assert 2 <= text.count("Resources before job selection") <= 4
