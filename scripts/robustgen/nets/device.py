"""Devices, threads and precision, set in code from plain settings."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch

from robustgen.core.meter import processor
from robustgen.core.refusal import Refused
from robustgen.nets import gpus

MALLOPT = {-3: 2**30, -1: 2**31 - 1}  # glibc's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, in bytes


def use(*, device: str, threads: int) -> str:
    """Set the thread count and deterministic kernels, and say which device is used."""
    torch.set_num_threads(threads)
    if device != "cpu":
        gpus.claim()  # before CUDA is touched, for it looks at the visible devices only once
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise Refused("compute.device is cuda, but no CUDA device is visible; choose auto or cpu.")
    if device == "cpu":
        _keep_memory()
    # kernels on the CPU are deterministic as they are, and the call costs a second of imports
    if device == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
    return device


def _keep_memory() -> None:
    """Let glibc keep the memory that is freed. By default it returns the buffers of each pass to
    the system and fetches them again, which takes 15 % of the time of small nets.
    """
    keep = getattr(ctypes.CDLL(None), "mallopt", None)
    if keep is not None:
        for parameter, value in MALLOPT.items():
            keep(parameter, value)


def described(device: str) -> str:
    """The device by name, with the version of torch: what the bytes of a result depend on beside
    its settings.
    """
    name = torch.cuda.get_device_name() if device == "cuda" else processor()
    return f"{name}, torch {torch.__version__}"


def precision(wish: str, device: str) -> torch.dtype:
    """The dtype of training and attack gradients; `auto` takes bf16 where it is faster."""
    if wish == "auto":
        faster = torch.cuda.is_bf16_supported() if device == "cuda" else _processor_is_faster()
        wish = "bf16" if faster else "fp32"
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[wish]


def _processor_is_faster() -> bool:
    """Whether this processor computes faster in bf16: one of Intel's with AMX, one of AMD's with
    AVX512_BF16. Intel's with AVX512_BF16 alone take 1.2 to 1.35 times as long as in fp32.
    """
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    info = Path("/proc/cpuinfo")
    amd = info.exists() and "AuthenticAMD" in info.read_text(encoding="utf-8")
    return amd or torch.cpu._is_amx_tile_supported()
