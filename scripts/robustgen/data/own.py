"""Files of the user's own from which a data set is read, found without reading them and without
importing its module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from robustgen.core.options import declared
from robustgen.data.download.sources import data_root

# what a kind reads of its folder, where that is not all of it
FILES = {"npz": ("train.npz", "test.npz")}


def own_files(kind: str, options: Mapping[str, object], root: str | None) -> tuple[Path, ...]:
    """The files, sorted, that lie in `options.folder` below the data root, and the file
    `options.map`; none without these.

    The two options mean this for every kind, a module of the user's own included. A kind that FILES
    names reads these files of its folder alone; of any other, every file at any depth counts, apart
    from hidden ones. Only files that exist are listed.
    """
    folder, path = options.get("folder"), options.get("map")
    found = (
        [*_in_folder(kind, data_root(root) / folder)] if isinstance(folder, str) and folder else []
    )
    found += [Path(path)] if isinstance(path, str) and path else []
    return tuple(sorted(file for file in found if file.is_file()))


def option_files(room: str, kind: str, options: Mapping[str, object]) -> tuple[Path, ...]:
    """The files, sorted, in the folders that a kind's options name, where it declares these so."""
    known = declared(room, kind) or {}
    folders = [options.get(name) for name, option in known.items() if option.folder]
    files = [file for one in folders if isinstance(one, str) for file in Path(one).rglob("*")]
    return tuple(sorted(file for file in files if file.is_file()))


def _in_folder(kind: str, folder: Path) -> Iterator[Path]:
    if kind in FILES:
        return (folder / name for name in FILES[kind])
    listed = folder.rglob("*") if folder.is_dir() else iter(())
    return (
        file
        for file in listed
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
