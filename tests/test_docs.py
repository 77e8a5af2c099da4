"""The examples of the documents: docs/your-own.md and the notebook are run as they stand, entries
are accepted, and commands, files, kinds and numbers that are named exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from conftest import ROOT, Copy, rules
from robustgen.attacks.cells import Sweep
from robustgen.attacks.sweep import run
from robustgen.core import kinds
from robustgen.report import runs
from robustgen.report.ranking import Threat, ranking
from robustgen.study.config import ConfigError, checked, overlay
from robustgen.study.yamls import read_map

PAGE = (ROOT / "docs/your-own.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, flags=re.DOTALL))
LAUNCH = ("python", "scripts/run_study.py")
PROFILE = ("--workflow-profile", "workflow/profiles/default", "--configfile", "config/mine.yaml")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.fixture(scope="module")
def mine(make_copy: Callable[[], Copy]) -> Copy:
    """The page's study, run as the page says."""
    copy = make_copy()
    for name, text in FILES.items():
        path = copy.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    copy.run("python", "make_bars.py")
    copy.run("python", "save_weights.py")
    copy.run(*LAUNCH, *PROFILE)
    return copy


def test_every_block_of_code_is_a_file_that_the_test_writes() -> None:
    assert PAGE.count("```python") + PAGE.count("```yaml") == len(FILES)


def test_the_study_of_the_page_makes_its_outputs(mine: Copy) -> None:
    table, detected, transfer, noisy, measured = (
        pd.read_csv(mine.folder / f"results/mine/tables/table_{name}.csv")
        for name in ("mine", "detection", "transfer", "noisy", "measured")
    )
    assert set(table["model"]) == {"bars_mlp", "bars_averaged"}
    assert set(table["attack"]) == {"clean", "momentum"}
    assert len(table) == 2 * (1 + 2 * 2)
    assert {"max_logit", "energy"} == set(detected["detector"])
    assert set(transfer["made_on"]) == {"bars_mlp"}
    assert sorted(noisy["eot"]) == [0, 1, 1, 4, 4]
    assert sorted(noisy["n"]) == [40, 40, 40, 40, 80]
    assert set(measured["model"]) == {"bars_mlp", "bars_own"}
    assert (measured[["entropy", "moved"]] > 0).all(axis=None)
    for name in ("fig_mine", "fig_own", "fig_rings"):
        assert (mine.folder / f"results/mine/figures/{name}.png").stat().st_size > 5000
    assert "all of them are current" in (mine.folder / "results/mine/report.html").read_text()


def test_the_columns_of_score_rows_are_those_of_the_page(mine: Copy) -> None:
    folder = mine.folder / "results/mine/measures"
    plain, drawn = (
        pd.read_parquet(folder / f"{run}/scores.parquet")
        for run in ("bars_mlp/seed0/momentum", "bars_noisy/seed0/averaging")
    )
    section = PAGE.split("## Columns of score rows")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`([a-z0-9_]+)`", "".join(first)))
    of_attack = {"lambda_", "draw"}  # which neither sweeps, and only one has
    assert set(plain) == named - of_attack
    assert set(drawn) == named - of_attack | {"draw", "eot"}
    assert sorted(set(drawn["draw"])) == [0, 1, 2]


def test_models_of_the_page_are_ranked_among_defences(mine: Copy) -> None:
    """By its tables, one of which is of a kind of its own and names no data set."""
    ranked = ranking([runs.read(mine.folder / "results/mine")])
    models = {one.model for one in ranked[Threat("bars", "linf", 16 / 255)]}
    assert models == {"bars_mlp", "bars_averaged", "bars_noisy"}


def test_an_edit_of_a_module_of_ones_own_reruns_what_it_touches(mine: Copy) -> None:
    undo = mine.edit("lab/momentum.py", "1e-12", "1e-11")
    said = mine.run(*LAUNCH, *PROFILE, "--dry-run").stdout
    undo()
    assert {"attack", "score", "make_table"} <= rules(said)
    assert not {"load_data", "train"} & rules(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def attack(:\n", "lab/momentum.py, line"),
        ("import lab.gone_py\nfrom lab import broken\n", "lab/broken.py, line 1"),
    ],
)
def test_a_module_of_ones_own_that_cannot_be_read_is_told_before_any_job(
    mine: Copy, text: str, said: str
) -> None:
    (mine.folder / "lab/broken.py").write_text("x = (\n")
    undo = mine.edit("lab/momentum.py", "import torch\n", f"import torch\n{text}")
    found = mine.run(*LAUNCH, *PROFILE, check=False)
    undo()
    assert found.returncode == 1
    assert said in found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr


def test_the_use_from_python_runs(mine: Copy) -> None:
    said = mine.run("env", "PYTHONPATH=scripts", "python", "use.py").stdout
    assert re.fullmatch(r"fooled \d+%, flagged \d+%\n", said)


def test_the_notebook_runs_and_shows_no_results_of_its_own() -> None:
    """Its cells of code in order, in one namespace; results would age unseen."""
    cells = json.loads((ROOT / "docs/evaluate.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    names: dict[str, Any] = {}
    for cell in code:
        exec("".join(cell["source"]), names)
    rates = names["rates"]
    assert set(rates["detector"]) == {"energy", "two_sided"}
    assert len(names["accuracy"]) == 1 + 2 * 2 + 1
    assert names["accuracy"].iloc[0] > 0.5
    assert names["last"].images.shape == (200, 3, 32, 32)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_a_document_lead_to_files(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_a_document_names_exist(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    known = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    named = set(
        re.findall(
            r"\bmake ([a-z]+)\b(?!_)",
            " ".join(re.findall(r"`[^`]+`|^ *make .*$", text, flags=re.MULTILINE)),
        )
    )
    assert {name for name in named if not name.startswith(("table", "fig"))} <= known


README = (ROOT / "README.md").read_text(encoding="utf-8")
KINDS = (ROOT / "docs/kinds.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
ROOMS = {
    "data set": "data",
    "model": "models",
    "attack": "attacks",
    "detector": "detectors",
    "measure": "measures",
    "table": "tables",
    "figure": "figures",
}


@pytest.mark.parametrize("sort", ROOMS)
def test_the_page_of_kinds_lists_every_kind(sort: str) -> None:
    """The first cells of the lines below the heading `kind` of a ..."""
    table = KINDS.split(f"| `kind` of a{'n' * (sort == 'attack')} {sort} |")[1].split("\n\n")[0]
    first = "".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert set(re.findall(r"`(\w+)`", first)) == set(kinds.kinds(ROOMS[sort]))


@pytest.mark.parametrize("room", ["trainers", "objectives"])
def test_the_page_of_kinds_names_every_way_of_training(room: str) -> None:
    said = KINDS.split("A recipe has a `trainer`:")[1].split("\n\n")[0]
    assert set(kinds.kinds(room)) <= set(re.findall(r"`(\w+)`", said))


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 160


INTERVAL = re.compile(r"\[(-?[\d.]+), (-?[\d.]+)\]")
CHAPTERS = [ROOT / "README.md", *(ROOT / "docs").glob("chapter-*.md"), ROOT / "docs/energy.md"]


def intervals(path: Path) -> set[tuple[float, float]]:
    text = path.read_text(encoding="utf-8")
    return {(float(low), float(high)) for low, high in INTERVAL.findall(text)}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_every_interval_of_a_finding_stands_in_a_published_table(path: Path) -> None:
    """Which the runs wrote; a number that nobody measured has no such interval."""
    tables = (ROOT / "results/published").glob("*/tables/*.md")
    printed = set().union(*map(intervals, [*tables, ROOT / "docs/results.md"]))
    assert intervals(path) - printed == set()


def test_a_finding_of_the_readme_has_its_n() -> None:
    section = README.split("## What was found")[1].split("\n## ")[0]
    findings = section.split("\n- ")[1:]
    assert len(findings) <= 10
    assert [one for one in findings if INTERVAL.search(one) and "n = " not in one] == []


def block(page: str, name: str) -> str:
    """The file of that name which a page shows."""
    return page.split(f"# {name}\n")[1].split("```")[0]


def test_the_attack_of_the_tutorial_stays_in_its_ball(own: Callable[[str], str]) -> None:
    images, labels = torch.rand(20, 3, 4, 4), torch.arange(20) % 2
    sweep = Sweep(own(block(TUTORIAL, "lab/uniform.py")), {"eps": (0.1,)})
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2))
    (found,) = run(net, images, labels, sweep=sweep, seed=0)  # which checks the ball
    assert 0.09 < (found.images - images).abs().max() <= 0.1 + 1e-6


def test_the_study_of_the_tutorial_is_accepted(own: Callable[[str], str]) -> None:
    kind = own(block(TUTORIAL, "lab/uniform.py"))
    study = yaml.safe_load(block(TUTORIAL, "config/first.yaml").replace("lab.uniform", kind))
    found = checked(overlay(read_map(ROOT / "config/config.yaml"), study))
    assert (found.study, found.attacks["uniform"].kind) == ("first", kind)


def test_the_call_of_the_readme_runs() -> None:
    code = README.split("from robustgen.jobs.evaluate import evaluate")[1].split("```")[0]
    images, labels = torch.rand(40, 3, 4, 4), torch.arange(40) % 2
    names: dict[str, Any] = {
        "net": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2)),
        "test_images": images,
        "test_labels": labels,
        "validation_images": images.flip(3),
        "validation_labels": labels,
    }
    exec(f"from robustgen.jobs.evaluate import evaluate{code}", names)
    assert set(names["rates"]["detector"]) == {"energy"}


@pytest.mark.parametrize("document", ["CHANGELOG.md", "docs/cluster.md"])
def test_entries_that_a_document_shows_are_accepted(document: str) -> None:
    """As an overlay of the paper study; what a block calls `before` is refused."""
    text = (ROOT / document).read_text(encoding="utf-8")
    paper = read_map(ROOT / "config/config.yaml")
    for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL):
        *before, now = block.split("# after\n")
        fresh = {**paper, "outputs": ["table_energies"]}
        checked(overlay(fresh, alone(now)))
        for old in before:
            with pytest.raises(ConfigError, match=r"attacks\.he_pgd\.eps"):
                checked(overlay(fresh, alone(old)))


def alone(block: str) -> dict[str, Any]:
    """The entries of a block, those of kinds of the user's own left out, whose files are not
    there.
    """
    found = yaml.safe_load(block)
    return {
        room: {name: entry for name, entry in entries.items() if "." not in entry.get("kind", "")}
        for room, entries in found.items()
    }
