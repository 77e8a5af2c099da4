"""What a job cost: seconds, memory, device, driver, versions, written beside its rows and never
into them.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robustgen.core.files import write_json
from robustgen.core.spent import spent

PACKAGES = (
    "robustgen",
    "snakemake",
    "numpy",
    "pandas",
    "torch",
    "torchvision",
    "torchattacks",
    "foolbox",
    "pyautoattack",
    "scikit-learn",
    "scipy",
)
DRIVER = Path("/proc/driver/nvidia/version")  # whose first line names the driver's version
NUMBER = re.compile(r"\b\d+\.\d+(\.\d+)?\b")


@contextmanager
def meter(path: str | Path, **facts: Any) -> Iterator[dict[str, Any]]:
    """Time the block and write its costs to `path` when it ends well; the block may add facts of
    its own.
    """
    costs: dict[str, Any] = dict(facts)
    start, cpu = time.perf_counter(), time.process_time()
    yield costs
    seconds, own = time.perf_counter() - start, time.process_time() - cpu
    costs |= spent() | {"seconds": seconds, "cpu_seconds": own, **_machine(), **_gpu()}
    write_json(path, costs)


def _machine() -> dict[str, Any]:
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gpu() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {"device": "cpu"}
    return {
        "device": torch.cuda.get_device_name(),
        "gpu_peak_mb": torch.cuda.max_memory_allocated() / 2**20,
        "driver": driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def driver(file: Path = DRIVER) -> str:
    """The version of NVIDIA's driver as the kernel tells it."""
    try:
        hit = NUMBER.search(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        hit = None
    return hit[0] if hit else "unknown"
