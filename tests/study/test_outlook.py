"""What a run would take, how two runs differ, and what of a run is published."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from conftest import ROOT, Copy
from robustgen.nets.flops import cost, counted
from robustgen.nets.spec import Spec
from robustgen.nets.weights import untrained
from robustgen.run.dryrun import Job
from robustgen.study.config import load
from robustgen.study.estimate import Past, estimates, image_bytes, past
from robustgen.study.outlook import outlook
from robustgen.study.plan import Plan
from robustgen.study.schema import Objective
from robustgen.study.work import Work

TINY = load(ROOT / "config/config.yaml", ROOT / "tests/tiny.yaml")
NET = {"model": "signs_standard", "seed": "0"}
CPU = "some processor"


def plan(tmp_path: Path, **recipe: object) -> Plan:
    """The tiny study with other settings of its recipe, its results in a folder of the test."""
    changed = TINY.model_copy(
        update={"recipes": {"tiny": TINY.recipes["tiny"].model_copy(update=recipe)}}
    )
    return Plan(changed, str(tmp_path))


# --- work and time --------------------------------------------------------------------------------


def test_the_operations_of_a_net_are_those_of_its_layers_by_hand() -> None:
    spec, operations = Spec("resnet", 3, 10, 32, (0.5,), (0.5,), {"width": 4}), [0]

    def count(layer: torch.nn.Module, _: object, out: torch.Tensor) -> None:
        if isinstance(layer, torch.nn.Conv2d):
            operations[0] += 2 * layer.weight[0].numel() * out[0].numel()
        elif isinstance(layer, torch.nn.Linear):
            operations[0] += 2 * layer.weight.numel()

    model = untrained(spec).eval()
    for layer in model.modules():
        layer.register_forward_hook(count)
    model(torch.zeros(1, 3, 32, 32))
    assert counted(spec).operations == operations[0]


def test_the_work_of_each_kind_of_job_by_hand(tmp_path: Path) -> None:
    work = Work(plan(tmp_path))
    image = cost(Spec("resnet", 3, 10, 32, (0.5,), (0.5,), {"width": 4})).operations
    # 2 epochs; forward and backward count as three
    assert work.operations("train", NET) == 2 * ((500 - 100) * 3 + 100) * image
    # two budgets, 5 steps serve all counts
    assert work.operations("attack", {**NET, "attack": "pgd"}) == (50 + 60) * 2 * 5 * 3 * image
    # two budgets, three step counts
    assert work.operations("score", {**NET, "attack": "pgd"}) == (50 + 60) * 6 * image
    assert work.operations("score", {**NET, "attack": "clean"}) == (50 + 60) * image
    clean = {**NET, "attack": "clean"}
    assert work.operations("measure", {**clean, "measure": "gradients"}) == 60 * 3 * image
    # 5 steps of pgd and of he_pgd, each forward and backward, and looked at
    followed = 24 * (1 + (5 + 5) * 4) * image
    assert work.operations("measure", {**clean, "measure": "trajectories"}) == followed
    attacked = ((50 + 60) * 6 + 200) * image
    assert work.operations("measure", {**NET, "attack": "pgd", "measure": "lid"}) == attacked
    assert work.operations("make_table", {"name": "table_1"}) is None
    assert work.images("signs_standard", "pgd") == (50 + 60) * 6 * 3 * 32 * 32 * 4


def test_a_part_of_a_job_is_its_share_of_the_work(tmp_path: Path) -> None:
    work, axes = Work(plan(tmp_path)), {**NET, "attack": "pgd"}
    for rule, more in (("attack", {}), ("score", {}), ("measure", {"measure": "lid"})):
        whole = work.operations(rule, {**axes, **more})
        assert whole
        assert work.operations(f"{rule}_part", {**axes, **more, "part": "2of4"}) == whole / 4


def test_a_swept_option_multiplies_cells_and_restarts_multiply_passes(tmp_path: Path) -> None:
    sweep = {"steps": (3,), "lambda_": (0, 1), "eps": (0.1,)}
    pgd = TINY.attacks["pgd"].model_copy(update={"sweep": sweep, "options": {"restarts": 4}})
    own = Plan(TINY.model_copy(update={"attacks": {**TINY.attacks, "pgd": pgd}}), str(tmp_path))
    image = cost(Spec("resnet", 3, 10, 32, (0.5,), (0.5,), {"width": 4})).operations
    axes = {**NET, "attack": "pgd"}
    assert Work(own).cells("signs_standard", "pgd") == 2
    assert Work(own).operations("attack", axes) == 110 * 2 * 3 * 4 * 3 * image


def test_the_size_of_other_jobs_is_in_images_or_rows(tmp_path: Path) -> None:
    work = Work(plan(tmp_path))
    assert work.size("load_data", {"dataset": "signs"}) == 500 + 60
    assert work.size("detect", {**NET, "attack": "pgd"}) == (50 + 60) * (1 + 6)
    # clean, pgd, cw, evade_two_sided
    assert work.size("make_table", {"name": "table_ladder"}) == 60 * (1 + 6 + 1 + 2)
    assert work.size("draw_figure", {"name": "fig_sheets"}) == 1
    assert work.size("judge_claims", {}) > 60 * 30
    assert work.size("train", NET) == work.operations("train", NET)
    for rule, gone in (
        ("detect", {**NET, "attack": "gone"}),
        ("make_table", {"name": "gone"}),
        ("load_data", {"dataset": "gone"}),
        ("measure", {**NET, "attack": "pgd", "measure": "gone"}),
        ("gradients", NET),
    ):
        assert work.size(rule, gone) is None


def test_adversarial_training_costs_its_inner_steps(tmp_path: Path) -> None:
    objective = Objective(kind="adversarial", options={"eps": 0.03, "steps": 3})
    plain, robust = (
        Work(plan(tmp_path)).operations("train", NET),
        Work(plan(tmp_path, objective=objective)).operations("train", NET),
    )
    assert plain is not None
    assert robust is not None
    assert robust / plain == pytest.approx((400 * 3 * 4 + 100) / (400 * 3 + 100))


def test_a_job_is_foretold_by_comparable_jobs_of_its_rule_on_the_same_device(
    tmp_path: Path,
) -> None:
    done = Work(plan(tmp_path)).operations("train", NET)
    measured = [
        Past("train", 10.0, CPU, done),
        Past("train", 1.0, "GPU", done),
        Past("write_config", 2.0, CPU, None),
    ]
    jobs = [Job("train", NET), Job("write_config"), Job("attack", {**NET, "attack": "pgd"})]
    twice = plan(tmp_path, epochs=4)
    assert [one.seconds for one in estimates(jobs, twice, measured, CPU)] == [
        pytest.approx(20.0),
        2.0,
        None,
    ]
    assert [one.seconds for one in estimates(jobs, twice, measured, "GPU")] == [
        pytest.approx(2.0),
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("measured", "seconds"),  # (seconds, size in sizes of the pending job) of jobs that ran
    [
        ([(30.0, 1.0)], 30.0),
        ([(300.0, 10.0)], 30.0),
        ([(3.0, 0.1)], 30.0),
        ([(330.0, 11.0)], None),
        ([(1.5, 0.05)], None),
        ([(20.0, 1.0), (30.0, 1.0), (80.0, 2.0)], 30.0),
        ([(30.0, 1.0), (86_400.0, 1000.0)], 30.0),
        ([(30.0, None)], None),
    ],
)
def test_only_jobs_of_a_similar_size_are_comparable(
    measured: list[tuple[float, float | None]], seconds: float | None, tmp_path: Path
) -> None:
    own = plan(tmp_path)
    size = Work(own).operations("train", NET) or 0.0
    ran = [Past("train", took, CPU, part and part * size) for took, part in measured]
    (found,) = estimates([Job("train", NET)], own, ran, CPU)
    assert found.seconds == (None if seconds is None else pytest.approx(seconds))


def test_a_run_that_was_made_foretells_its_own_repetition(study: Copy) -> None:
    folder = study.folder / "results/tiny"
    found = past([folder])
    assert {job.rule for job in found} >= {"train", "attack", "score", "detect", "make_table"}
    device = next(job.device for job in found if job.rule == "train")
    trained = next(job for job in found if job.rule == "train")
    own = Plan(TINY, str(folder.parent))
    (again,) = estimates([Job("train", NET)], own, found, device)
    assert again.seconds == pytest.approx(trained.seconds)


def test_the_outlook_says_that_nets_may_be_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the cache holds a net can be told only from data that may not be loaded yet."""
    net, attack = Job("train", NET), Job("attack", {**NET, "attack": "pgd"})
    monkeypatch.setenv("ROBUSTGEN_CACHE", str(tmp_path))
    assert "ROBUSTGEN_CACHE" in outlook([net, attack], plan(tmp_path), [])
    assert "ROBUSTGEN_CACHE" not in outlook([attack], plan(tmp_path), [])
    monkeypatch.delenv("ROBUSTGEN_CACHE")
    assert "ROBUSTGEN_CACHE" not in outlook([net], plan(tmp_path), [])


def test_the_outlook_tells_what_is_known_first_then_disk_and_downloads(tmp_path: Path) -> None:
    jobs = [
        Job("fetch", {"source": "cifar10"}),
        Job("train", NET),
        Job("attack", {**NET, "attack": "pgd"}),
    ]
    own = plan(tmp_path)
    said = outlook(
        jobs, own, [Past("train", 7200.0, CPU, Work(own).operations("train", NET))]
    ).splitlines()
    assert said[:2] == [
        "Study tiny: 3 jobs would run.",
        f"{CPU}: 2 h 00 min for 1 of 3 jobs, one after another; for 2 nothing comparable was "
        "measured.",
    ]
    assert [line.split()[2:] for line in said if line.startswith("attack")] == [
        ["nothing", "comparable"]
    ]
    assert f"Nets on {CPU}: 2 h 00 min of one such device." in said
    assert f"{image_bytes(jobs, own)[0] / 1e9:.2f} GB in all" in "\n".join(said)
    assert "cifar10 (170 MB)" in "\n".join(said)
    assert "No earlier run was measured here" in outlook(jobs, own, [])
    assert outlook([], own, []) == "Nothing would run: everything is up to date."


def test_a_small_study_is_not_foretold_from_a_large_one(tmp_path: Path) -> None:
    """A net of a hundred times as many operations ran for a day: no hours are told."""
    own = plan(tmp_path)
    size = Work(own).operations("train", NET) or 0.0
    said = outlook([Job("train", NET)] * 5, own, [Past("train", 86_400.0, CPU, 100 * size)])
    assert f"{CPU}: nothing comparable was measured there, so no time can be told." in said
    assert " h " not in said


def test_jobs_of_measures_take_the_device_too(tmp_path: Path) -> None:
    own, clean = plan(tmp_path), {**NET, "attack": "clean"}
    jobs = [Job("measure", {**clean, "measure": name}) for name in ("gradients", "plane")]
    measured = [
        Past(job.rule, 3600.0, "GPU", Work(own).operations(job.rule, job.wildcards)) for job in jobs
    ]
    said = outlook(jobs[:1], own, measured[:1])
    assert "GPU: 1 h 00 min, one job after another." in said
    assert "Nets on GPU: 1 h 00 min of one such device." in said


def test_hours_of_nets_and_of_all_else_are_told_apart(tmp_path: Path) -> None:
    own = plan(tmp_path)
    jobs = [Job("train", NET), Job("write_config", {})]
    measured = [
        Past("train", 3600.0, "GPU", Work(own).operations("train", NET)),
        Past("write_config", 60.0, "GPU", None),
    ]
    said = outlook(jobs, own, measured)
    assert "Nets on GPU: 1 h 00 min of one such device; all else: 1 min 00 s of a" in said


def test_the_device_on_which_most_is_known_stands_first(tmp_path: Path) -> None:
    own = plan(tmp_path)
    jobs = [Job("train", NET), Job("attack", {**NET, "attack": "pgd"})]
    sizes = [Work(own).operations(job.rule, job.wildcards) for job in jobs]
    measured = [
        Past("train", 9.0, "A", sizes[0]),
        Past("train", 9.0, "B", sizes[0]),
        Past("attack", 9.0, "B", sizes[1]),
    ]
    lines = outlook(jobs, own, measured).splitlines()
    assert [line.split(":")[0] for line in lines[1:3]] == ["B", "A"]


def test_the_command_plans_the_paper_study() -> None:
    found = Copy(ROOT).run(
        "python", "scripts/plan_study.py", "--workflow-profile", "workflow/profiles/default"
    )
    assert "Study paper:" in found.stdout
    data = "cifar10, cifar100, dfg, fashion_mnist, gtsrb, imagenette_160"
    assert f"{data}, inception_fid, lpips_vgg, mnist, svhn" in found.stdout
