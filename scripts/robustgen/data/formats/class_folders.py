"""Class folders: photographs sorted into folders whose names are the numbers of their classes in
five digits.
"""

from __future__ import annotations

from pathlib import Path

from robustgen.core.refusal import Refused
from robustgen.data.formats.crops import Crop
from robustgen.data.root import must_exist


def list_folders(base: Path, *, part: int, classes: int, data: str) -> list[Crop]:
    """Every .ppm photograph in the folders 00000, 00001, ...

    below `base`, which must all be there.
    """
    found: list[Crop] = []
    for k in range(classes):
        folder = must_exist(base / f"{k:05d}", data=data)
        found += [Crop(path=path, key=str(k), part=part) for path in sorted(folder.glob("*.ppm"))]
    if unknown := sorted(
        path.name
        for path in base.glob("[0-9]*")
        if path.name not in {f"{k:05d}" for k in range(classes)}
    ):
        raise Refused(
            f"{base} has the folder {unknown[0]}, but {data} only has classes up to "
            f"{classes - 1:05d}; remove it."
        )
    return found
