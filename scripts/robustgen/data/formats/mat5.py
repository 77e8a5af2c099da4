"""MATLAB's files of version 5, numeric arrays only.

(scipy's reader ends the whole process on some damaged files.)

After a header of 128 bytes comes one element after another: the type of its content, its length,
the content, padding. An array is an element that holds four: flags with the array's class, lengths
of the axes, name, and values, first axis fastest.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused

HEADER, MARK = 128, b"\0\1IM"  # the mark ends the header: version 1.0, least significant byte first
MATRIX, COMPRESSED = 14, 15
STORED = {
    1: "<i1",
    2: "<u1",
    3: "<i2",
    4: "<u2",
    5: "<i4",
    6: "<u4",
    7: "<f4",
    9: "<f8",
    12: "<i8",
    13: "<u8",
}
MEANT = {
    6: "f8",
    7: "f4",
    8: "i1",
    9: "u1",
    10: "i2",
    11: "u2",
    12: "i4",
    13: "u4",
    14: "i8",
    15: "u8",
}
COMPLEX = 0x0800


def read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Name -> array for every real numeric array of the file; all else in it is passed over."""
    raw = memoryview(path.read_bytes())
    try:
        if raw[HEADER - len(MARK) : HEADER] != MARK:
            raise ValueError("it does not begin as version 5 does")
        return dict(
            found for kind, content in _elements(raw[HEADER:]) if (found := _array(kind, content))
        )
    except (ValueError, KeyError, TypeError, OverflowError, struct.error, zlib.error) as error:
        raise Refused(
            f"{path} is no readable MATLAB file ({error}); delete it and get it again."
        ) from error


def _elements(raw: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The type and the content of each element."""
    while len(raw):
        kind, length = struct.unpack_from("<II", raw)
        start = 8
        if kind >> 16:  # up to four bytes stand within the tag
            kind, length, start = kind & 0xFFFF, kind >> 16, 4
        if start + length > len(raw) or (start == 4 and length > 4):
            raise ValueError("it is truncated")
        yield kind, raw[start : start + length]
        raw = raw[
            8 if start == 4 else start + length + (-length % 8 if kind != COMPRESSED else 0) :
        ]


def _array(kind: int, content: memoryview) -> tuple[str, NDArray[np.generic]] | None:
    if kind == COMPRESSED:
        kind, content = next(_elements(memoryview(zlib.decompress(content))), (0, content))
    if kind != MATRIX:
        return None
    (_, head), *rest = islice(_elements(content), 4)
    flags = struct.unpack_from("<I", head)[0]
    if (flags & 0xFF) not in MEANT or flags & COMPLEX:
        return None
    (_, lengths), (_, name), (stored, values) = rest
    shape = np.frombuffer(lengths, dtype="<i4").tolist()
    array = np.frombuffer(values, dtype=STORED[stored])
    if min(shape) < 0:
        raise ValueError(f"an array has the shape {shape}")
    return bytes(name).decode("ascii"), array.reshape(shape, order="F").astype(
        MEANT[flags & 0xFF], copy=False
    )
