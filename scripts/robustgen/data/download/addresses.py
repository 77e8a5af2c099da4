"""Addresses: folders and files of this machine, `file:` addresses, and those of the network, as
they are written or encoded.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

# what stays as it is in an address: its own marks, and what is percent-encoded already
KEPT = "%/:=&+,;@?"


def is_local(address: str) -> bool:
    """Whether an address is a file of this machine."""
    return "://" not in address or address.startswith("file:")


def beside(mirror: str, file: str) -> str:
    """Where a file lies below a mirror, which is a folder or an address."""
    return (
        str(local_path(mirror) / file)
        if is_local(mirror)
        else (f"{mirror.rstrip('/')}/{quote(file)}")
    )


def local_path(address: str) -> Path:
    """The path that a `file:` address names, as it is written where that exists, else
    percent-decoded; any other is a path.
    """
    if not address.startswith("file:"):
        return Path(address)
    written = address.removeprefix("file:").removeprefix("//").removeprefix("localhost")
    return Path(written) if Path(written).exists() else Path(unquote(written))


def encoded(address: str) -> str:
    """The address with all that may not stand in one percent-encoded, where it is not yet."""
    parts = urlsplit(address)
    return parts._replace(
        path=quote(parts.path, safe=KEPT), query=quote(parts.query, safe=KEPT)
    ).geturl()
