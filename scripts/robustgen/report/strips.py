"""Strips: small images side by side in one png, of which the page shows one at a time."""

from __future__ import annotations

import base64
import io

import numpy as np

MOST = 3_000_000  # bytes of all strips of a page together


def strip(images: np.ndarray) -> bytes:
    """Images uint8 [n,c,h,w] of one or three channels as one png of n * w by h pixels."""
    from PIL import Image

    wide = np.concatenate(list(images.transpose(0, 2, 3, 1)), axis=1)
    file = io.BytesIO()
    Image.fromarray(wide.squeeze(2) if wide.shape[2] == 1 else wide).save(
        file, "png", optimize=True
    )
    return file.getvalue()


def strips(stacks: list[np.ndarray], *, most: int = MOST) -> list[bytes]:
    """A strip of each stack of images; where they are too large together, of the first images of
    each, as many as fit.
    """
    made = [strip(stack) for stack in stacks]
    longest = max((len(stack) for stack in stacks), default=0)
    while longest > 1 and sum(map(len, made)) > most:
        longest = min(longest - 1, int(longest * most / sum(map(len, made))) or 1)
        made = [strip(stack[:longest]) for stack in stacks]
    return made


def width(png: bytes) -> int:
    """The width of a png in pixels, as its header says."""
    return int.from_bytes(png[16:20])


def uri(png: bytes) -> str:
    """A png as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
