"""Attacked images that a killed run left: large, and of no use once they are scored."""

from __future__ import annotations

from pathlib import Path

from robustgen.core import seals
from robustgen.study.flow import jobs
from robustgen.study.plan import Plan


def remove_images(plan: Plan) -> None:
    """Delete the attacked images that were scored since they were made, unless the study keeps
    them.
    """
    if plan.study.keep_images:
        return
    for job in jobs(plan):
        images = Path(plan.root, "attacks", job.name, "images.safetensors")
        if (
            job.rule == "score"
            and images.exists()
            and not seals.fault(job.seal, job.files)
            and _older(images, job.files[0])
        ):
            images.unlink()


def _older(images: Path, rows: str) -> bool:
    return images.stat().st_mtime_ns <= Path(rows).stat().st_mtime_ns
