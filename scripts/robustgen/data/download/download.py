"""One file from the first of several addresses that has it: resumed, tried again, and in place only
when it is right.
"""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from robustgen.core.progress import progress
from robustgen.core.refusal import Refused
from robustgen.data.download.addresses import encoded, is_local, local_path

TRIES = 5
PAUSE = 1.0  # seconds before the second try; doubled before each further one
PATIENCE = 30.0  # seconds without a byte
CHUNK = 2**20
PAGES = (b"<!doctype html", b"<html")


class Failed(Exception):
    """An address did not give the file; `again` says whether another try may help."""

    def __init__(self, reason: str, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


def download(
    addresses: list[str],
    path: Path,
    *,
    size: int | None,
    fault: Callable[[Path], str],
    pause: float = PAUSE,
) -> str:
    """Put at `path` what the first address gives in which `fault` finds no fault, and give that
    address.

    A download that breaks off is kept beside `path` and resumed, by a later try or a later call.
    """
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for address in addresses:
        try:
            _patiently(partial(_receive_right, address, part, size, fault), path.name, pause)
            os.replace(part, path)
            return address
        except Failed as failed:
            reasons.append(f"{address} {failed}")
    raise Refused("; ".join(reasons) or "an offline run asks no address")


def _patiently(receive: Callable[[], None], name: str, pause: float) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            receive()
        except Failed as failed:
            if not failed.again or attempt == TRIES:
                raise
            wait = pause * 2 ** (attempt - 1)
            print(
                f"{name}: it {failed}; try {attempt + 1} of {TRIES} in {wait:.0f} s.",
                file=sys.stderr,
                flush=True,
            )
            time.sleep(wait)
        else:
            return


def _receive_right(
    address: str, part: Path, size: int | None, fault: Callable[[Path], str]
) -> None:
    resumed = part.exists()
    receive(address, part, size)
    if found := fault(part):
        part.unlink()
        # the old beginning may be to blame, once
        raise Failed(f"gives a file that {found}", again=resumed)


def receive(address: str, part: Path, size: int | None) -> None:
    """Append to `part` what it lacks of the file at an address; where that cannot resume, begin
    again.
    """
    have = part.stat().st_size if part.exists() else 0
    stream, start, total = _opened(address, have)
    total = total if total is not None else size
    with stream:
        _make_room(part, (total or start) - start)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            chunks = _chunks(stream, page_is_wrong=not start)
            for chunk in progress(
                chunks, total=_mebibytes((total or start) - start), what=(f"{part.name[1:-5]}, MiB")
            ):
                file.write(chunk)
    if total is not None and (got := part.stat().st_size) < total:
        raise Failed(f"broke off after {got} of {total} bytes")


def _opened(address: str, have: int) -> tuple[IO[bytes], int, int | None]:
    """A stream, the place in the file where it begins, and the file's size where that is known."""
    if is_local(address):
        return _opened_file(local_path(address))
    headers = {"User-Agent": "robustgen"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(encoded(address), headers=headers), timeout=PATIENCE
        )
    except urllib.error.HTTPError as error:
        error.close()
        # nothing is left to send: what is there is the whole file, or of another one
        if error.code == 416:
            return _opened(address, 0)
        raise Failed(
            f"answers {error.code} {error.reason}", again=error.code >= 500 or error.code == 429
        ) from None
    except ValueError as error:
        raise Failed(f"is no address ({error})", again=False) from None
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"cannot be reached ({getattr(error, 'reason', error)})") from None
    if answer.headers.get_content_type() == "text/html":
        answer.close()
        raise Failed("gives a web page instead of the file", again=False)
    start = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
    length = answer.headers.get("Content-Length")
    return answer, start, start + int(length) if length else None


def _opened_file(path: Path) -> tuple[IO[bytes], int, int]:
    try:
        return path.open("rb"), 0, path.stat().st_size
    except OSError as error:
        raise Failed(f"cannot be read ({error.strerror})", again=False) from None


def _chunks(stream: IO[bytes], *, page_is_wrong: bool) -> Iterator[bytes]:
    first = page_is_wrong
    while chunk := _read(stream):
        if first and chunk[:200].lstrip().lower().startswith(PAGES):
            raise Failed("gives a web page instead of the file", again=False)
        first = False
        yield chunk


def _read(stream: Any) -> bytes:
    try:
        found: bytes = stream.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"broke off ({error})") from None
    return found


def _make_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise Refused(
            f"{part.parent} has {_mebibytes(free)} MiB free, {part.name[1:-5]} needs "
            f"{_mebibytes(needed)} more; make room."
        )


def _mebibytes(size: int) -> int:
    return -(-size // 2**20)
