"""The first images of a split."""

from __future__ import annotations

from robustgen.core.refusal import Refused
from robustgen.data.store import Images


def first(images: Images, count: int | None) -> Images:
    """The first `count` images; all where it is None."""
    if count is not None and len(images) < count:
        raise Refused(
            f"{count} test images were asked for and {len(images)} are there; lower "
            "options.images of the measure, or raise datasets.*.evaluate.test."
        )
    return images.at(slice(count))
