"""Devices are shared out one to a job; the devices here are only names, the locks are real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from robustgen.nets import gpus
from robustgen.run.launch import side_by_side

JOB = """
import sys, pathlib
from robustgen.nets import gpus
from robustgen.run.launch import side_by_side
gpus.PATIENCE = 0.05
print(gpus.claim(pathlib.Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def job(folder: Path, devices: str = "0,1", **more: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": devices,
        "PYTHONPATH": str(ROOT / "scripts"),
        **more,
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(folder)], env=environment, text=True, **pipes
    )


def device_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_two_jobs_side_by_side_get_two_devices_and_a_third_waits_for_one(tmp_path: Path) -> None:
    first, second = job(tmp_path), job(tmp_path)
    taken = {device_of(first), device_of(second)}
    assert taken == {"0", "1"}
    third = job(tmp_path)
    assert third.stderr is not None
    assert "All GPUs (0, 1) are taken by other jobs; waiting for one." in third.stderr.readline()
    end(first)
    assert device_of(third) in taken
    end(second)
    end(third)


def test_a_killed_job_gives_its_device_back(tmp_path: Path) -> None:
    killed = job(tmp_path, devices="7")
    assert device_of(killed) == "7"
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    after = job(tmp_path, devices="7")
    assert device_of(after) == "7"
    end(after)


def test_a_job_makes_its_device_the_only_visible_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "_held", [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-ab/1,3")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert gpus.claim(tmp_path) == "GPU-ab/1"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-ab/1"
    assert gpus.claim(tmp_path) is None  # it has one already


def test_slurm_and_machines_without_a_device_are_left_alone(tmp_path: Path) -> None:
    for process in (job(tmp_path, SLURM_JOB_ID="1"), job(tmp_path, devices="")):
        assert device_of(process) == "None"
        end(process)


def test_the_drivers_list_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "nvidia-smi"
    fake.write_text(
        "#!/bin/sh\necho 'GPU 0: Some Card (UUID: GPU-1)'\necho 'GPU 1: Some Card (UUID: GPU-2)'\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus.visible() == ["0", "1"]


@pytest.mark.parametrize(
    ("devices", "arguments", "told"),
    [
        ("", ["all"], ["--resources", f"gpu={os.cpu_count()}"]),
        ("0", ["all"], []),
        ("", ["all", "--resources", "gpu=1"], []),
        ("", ["all", "--executor", "slurm"], []),
    ],
)
def test_without_a_gpu_jobs_that_would_take_one_run_side_by_side(
    monkeypatch: pytest.MonkeyPatch, devices: str, arguments: list[str], told: list[str]
) -> None:
    monkeypatch.setenv(gpus.VISIBLE, devices)
    assert side_by_side(arguments) == told
