"""docs/results.md: published numbers beside ours, claims, and a ranking of defences, from the
folders of results that count.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from robustgen.report import results_parts, runs
from robustgen.report.beside import pairs, read
from robustgen.report.coverage import coverage
from robustgen.report.ranked import of_ranking
from robustgen.report.ranking import ranking
from robustgen.tables import published

if TYPE_CHECKING:
    import pandas as pd

HEAD = """# Results

This page is written by `make results` from the tables, claims and costs of the runs below and from
the published numbers in `config/paper.csv`; a test compares it with what the command writes. Ours
stand with 95 % intervals, as their tables give them. How to put a model of your own on such a page
is told [at the end](#your-own-model).
"""
BESIDE = """
Difference: ours minus published. Agrees: the published number lies in our interval, which knows
nothing of the chance in the published number itself. Where a remark says that steps, restarts or
attacks are others here, the two were not measured in the same way; the run's own page, `README.md`
in its folder, tells what else was cut.
"""
LACKING = """
Published results (settings left out) and how many of them have a number of ours beside them, by
table. A number appears above only where data set, model and attack are those of the work.
"""
RANKING = """
By data set, norm and budget, the model that keeps most first: the order is that of the least
accuracy in its line. Best attack: the one that leaves least, those left out that go through the
model's own inference; adaptive: of these (their entry sets `view: {gradient: unrolled}`). A model
that infers and that no such attack has met stands last, without a place. All: per image the worst
of the attacks of a table. Runs differ in attacks, their steps and n: an order within overlapping
intervals says nothing. Attacks: how many there were. Passes: of networks behind one answer.
Seconds: of a processor, per clean image, by the job that scored these, with its start and all draws
of a randomised model. An empty cell has no number in the runs.
"""
OWN = """
A run of your own takes part once it has a table that names attack and budget and gives accuracies;
the kinds `energies`, `bounded` and `inference` do, and so does a table of your own with the columns
`model`, `attack`, `eps`, `n`, `accuracy`, `accuracy_low` and `accuracy_high`:

```
make study STUDY=mine
make results RUNS=results/mine
```

The page with your run in it is `results/results.md`; several folders stand in quotes,
`RUNS="results/mine results/other"`. `docs/results.md` is written only without `RUNS`.
"""


def page(folders: Sequence[Path], paper: pd.DataFrame) -> str:
    """The whole page as Markdown."""
    found = [runs.read(folder) for folder in folders]
    met = [pair for run in found for pair in pairs(run)]
    compared, covered = [read(pair, paper) for pair in met], list(coverage(met, paper))
    parts = [
        HEAD,
        "## The runs\n",
        results_parts.of_runs(found),
        "## Published numbers beside ours",
        BESIDE + results_parts.counted(compared, covered),
        *results_parts.of_numbers(compared, paper),
        "## Without a number of ours",
        LACKING,
        results_parts.lacking(covered),
        "## Claims\n",
        *results_parts.of_claims(found),
        "## Ranking of defences",
        RANKING,
        *of_ranking(ranking(found)),
        "## Your own model",
        OWN,
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def write(folders: Sequence[Path], paper: Path) -> str:
    """The page of these folders and of a list of published numbers."""
    return page(folders, published.read(paper))
