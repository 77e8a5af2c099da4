"""GPU-hours, driver and libraries on the page, with a GPU that is made up; and what came from the
cache.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from robustgen.core import meter
from robustgen.core.files import read_json, write_json
from robustgen.report import publish
from robustgen.report.provenance import provenance
from robustgen.study.costs import costs, per_rule
from test_report import CONFIG, FOLDER, read, results  # noqa: F401

H100, A100 = "NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-40GB"
GPU = {
    "driver": "550.54.15",
    "cuda": "12.8",
    "cudnn": 91002,
    "versions": {"torch": "2.10.0", "torchvision": "0.25.0", "numpy": "2.3.0"},
}
NVRM = (
    "NVRM version: NVIDIA UNIX {} 550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
    "GCC version:  gcc version 12.2.0\n"
)


def job(place: str, **facts: object) -> None:
    write_json(FOLDER / place / "costs.json", facts)


@pytest.fixture
def with_gpus(results: Path) -> Path:  # noqa: F811
    """The toy study, trained for 2 hours on one GPU and attacked and scored on another: 30 minutes
    as metered, of which Snakemake saw 36 in all, and 6 minutes.
    """
    job("training/net/seed0", rule="train", device=H100, seconds=7200, cpu_seconds=3600, **GPU,
        gpu_peak_mb=900.0)  # fmt: skip
    job("attacks/net/seed0/pgd", rule="attack", device=A100, seconds=1800, cpu_seconds=1800, **GPU,
        gpu_peak_mb=2000.0)  # fmt: skip
    table = FOLDER / "benchmarks/attack/net/seed0/pgd.tsv"
    table.parent.mkdir(parents=True)
    table.write_text("s\tmax_rss\tcpu_time\n2160\t100\t1700\n")
    job("measures/net/seed0/pgd", rule="score", device=A100, seconds=360, cpu_seconds=0, **GPU)
    job("measures/net/seed0/clean", rule="score", device="cpu", seconds=900, cpu_seconds=1800)
    return results


@pytest.mark.usefixtures("with_gpus")
def test_gpu_hours_stand_apart_from_cpu_hours_by_gpu() -> None:
    """GPU: 2 h on the one, (2160 + 360) s = 0.7 h on the other. CPU: 1 + 0.5 + 0.5 h, and the
    4 s of the seal of the score that metered none.
    """
    told = provenance(CONFIG, FOLDER)
    assert told["hours"] == {
        "CPU-hours": "2.00",
        "GPU-hours": f"2.00 on {H100}; 0.70 on {A100}",
        "GPU memory": "2000 MB in the largest job",
    }
    assert told["machine"]["NVIDIA driver"] == "550.54.15"
    assert (told["machine"]["CUDA"], told["machine"]["cuDNN"]) == ("12.8", "91002")
    assert told["versions"] == GPU["versions"]
    by_rule = {row["rule"]: row["gpu"] for row in per_rule(costs(FOLDER))}
    assert (by_rule["train"], by_rule["attack"], by_rule["score"]) == (7200, 2160, 360)
    assert by_rule["all"] == 7200 + 2160 + 360
    words = read().words
    for said in (H100, "GPU-hours", "GPU time", "NVIDIA driver 550.54.15", "CUDA 12.8", "cuDNN"):
        assert said in words, said


@pytest.mark.usefixtures("results")
def test_without_a_gpu_the_page_says_none() -> None:
    """The one job that tells its costs metered 5 s of a processor, 0.0014 h."""
    assert provenance(CONFIG, FOLDER)["hours"] == {"CPU-hours": "0.0014", "GPU-hours": "none"}
    words = read().words
    assert "GPU-hours none" in words
    assert "GPU time" not in words


@pytest.mark.usefixtures("with_gpus")
def test_published_costs_hold_gpu_seconds() -> None:
    lines = list(csv.DictReader(io.StringIO(publish._costs(FOLDER))))
    found = {(line["rule"], line["job"]): line["gpu_seconds"] for line in lines}
    assert found["train", "net/seed0"] == "7200.0"
    assert found["score", "net/seed0/clean"] == "0.0"


@pytest.mark.usefixtures("results")
def test_what_came_from_the_cache_is_told() -> None:
    assert provenance(CONFIG, FOLDER)["taken"] == []
    made = {"at": "2026-11-27 10:00 UTC", "commit": "abc, nothing changed since"}
    job("training/net/seed0", rule="train", seconds=1, taken=made)
    line = "train net/seed0: 2026-11-27 10:00 UTC; commit: abc, nothing changed since"
    assert provenance(CONFIG, FOLDER)["taken"] == [line]
    assert f"1 job took from the cache what an earlier run had made {line}" in read().words


# --- what a job notes -----------------------------------------------------------------------------


def fake_torch() -> SimpleNamespace:
    """A torch that has used a GPU."""
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        get_device_name=lambda: H100,
        max_memory_allocated=lambda: 3 * 2**20,
    )
    cudnn = SimpleNamespace(version=lambda: 91002)
    return SimpleNamespace(
        cuda=cuda, backends=SimpleNamespace(cudnn=cudnn), version=SimpleNamespace(cuda="12.8")
    )


def test_a_job_on_a_gpu_notes_it_with_driver_and_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "version").write_text(NVRM.format("x86_64 Kernel Module "))
    monkeypatch.setattr(meter.driver, "__defaults__", (tmp_path / "version",))
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    with meter.meter(tmp_path / "costs.json", rule="train"):
        pass
    told = read_json(tmp_path / "costs.json")
    assert (told["device"], told["gpu_peak_mb"]) == (H100, 3)
    assert (told["driver"], told["cuda"], told["cudnn"]) == ("550.54.15", "12.8", 91002)
    assert {"torch", "torchvision", "numpy"} <= set(told["versions"])


@pytest.mark.parametrize("form", ["x86_64 Kernel Module ", "Open Kernel Module for x86_64 "])
def test_the_drivers_version_is_the_number_in_the_kernels_line(tmp_path: Path, form: str) -> None:
    (tmp_path / "version").write_text(NVRM.format(form))
    assert meter.driver(tmp_path / "version") == "550.54.15"
    assert meter.driver(tmp_path / "absent") == "unknown"
