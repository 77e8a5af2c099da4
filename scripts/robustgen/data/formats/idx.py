"""The idx format of MNIST and of the sets made like it: a header with the lengths of the axes, then
bytes.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustgen.core.refusal import Refused
from robustgen.data.options import refuse_resizing, refuse_unknown
from robustgen.data.pool import TEST, TRAIN, Pool, join
from robustgen.data.root import must_exist, root_of

SIDE = 28
PARTS = {"train": TRAIN, "t10k": TEST}
UNSIGNED_BYTE = 0x08  # the format's code for the type of the values
GET_AGAIN = "delete it and get it again"


def read_pool(
    folder: str,
    *,
    names: tuple[str, ...],
    data: str,
    size: int,
    root: str | None,
    options: Mapping[str, object],
) -> Pool:
    """All images of the four files in <root>/<folder>, in one channel, with the names of the
    classes.
    """
    refuse_unknown(options, known=(), data=data)
    refuse_resizing(size, native=SIDE, data=data)
    base = root_of(root, data=data, holds=folder) / folder
    found = [read_part(base, name, data=data) for name in PARTS]
    return join(found, parts=PARTS.values(), names=names)


def read_part(folder: Path, name: str, *, data: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images [n,1,28,28] and labels [n] of one part."""
    images = read_array(folder / f"{name}-images-idx3-ubyte", axes=3, data=data)
    labels = read_array(folder / f"{name}-labels-idx1-ubyte", axes=1, data=data)
    if images.shape != (len(labels), SIDE, SIDE):
        wanted = f"[{len(labels)},{SIDE},{SIDE}] by their labels"
        raise Refused(
            f"{folder}: the {name} images have the shape {list(images.shape)}, but must be "
            f"{wanted}; get them again."
        )
    return images[:, None], labels.astype(np.int64)


def read_array(path: Path, *, axes: int, data: str) -> NDArray[np.uint8]:
    """The array in `path`, or in `path`.gz where that is the file at hand."""
    zipped = path.with_name(f"{path.name}.gz")
    plain = path.is_file() and not zipped.is_file()
    there = path if plain else must_exist(zipped, data=data)
    try:
        with there.open("rb") if plain else gzip.open(there) as file:
            return _parse(file, there, axes)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Refused(f"{there} is no whole gzip file ({error}); {GET_AGAIN}.") from error


def _parse(file: BufferedIOBase, path: Path, axes: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * axes)
    if len(header) < 4 + 4 * axes or header[:4] != bytes([0, 0, UNSIGNED_BYTE, axes]):
        raise Refused(
            f"{path} does not begin as an idx file of bytes with {axes} axes does; {GET_AGAIN}."
        )
    shape = struct.unpack(f">{axes}I", header[4:])
    count = math.prod(shape)
    try:
        values = file.read(count + 1)
    except (MemoryError, OverflowError):
        values = b""
    if len(values) != count:
        raise Refused(
            f"{path} announces {count} values but holds "
            f"{'more' if len(values) > count else 'fewer'}; {GET_AGAIN}."
        )
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)
