"""One job, one GPU: the devices of a machine are shared out by a lock file each, which a killed job
gives back.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

FOLDER = Path(tempfile.gettempdir()) / f"robustgen-gpus-{os.getuid()}"
VISIBLE = "CUDA_VISIBLE_DEVICES"
PATIENCE = 1.0  # seconds between two looks

_held: list[TextIO] = []  # open as long as the process lives


def claim(folder: Path = FOLDER) -> str | None:
    """Take a free device for the rest of this process and make it the only visible one; wait where
    all are taken.

    None where there is none, or where SLURM has shared them out already.
    """
    devices = [] if "SLURM_JOB_ID" in os.environ or _held else visible()
    waited = False
    while devices:
        for device in devices:
            if _lock(folder, device):
                os.environ[VISIBLE] = device
                return device
        if not waited:
            print(
                f"All GPUs ({', '.join(devices)}) are taken by other jobs; waiting for one.",
                file=sys.stderr,
                flush=True,
            )
        waited = True
        time.sleep(PATIENCE)
    return None


def visible() -> list[str]:
    """The devices that this process may use: those named by CUDA_VISIBLE_DEVICES, or all that the
    driver lists.
    """
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [device.strip() for device in named.split(",") if device.strip()]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False
    ).stdout
    return re.findall(r"(?m)^GPU (\d+):", listed)


def _lock(folder: Path, device: str) -> bool:
    """Whether the device's lock could be taken; it is the kernel's, and ends with the process
    however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', device)}.lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _held.append(file)
    return True
