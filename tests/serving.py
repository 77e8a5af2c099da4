"""A server of files that misbehaves in every way seen in the wild, and rows of a register that name
its files.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from robustgen.data.download.fetch import Fetch
from robustgen.data.download.sources import Row

DATA = bytes(range(256)) * 12_000  # 3 MB, so that a transfer has several pieces


class Server:
    """Files by path, the requests seen, and how many of the next answers are spoilt in a
    named way.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.seen: list[tuple[str, str | None]] = []
        self.spoil: dict[str, int] = {}
        self.ranges, self.delay = True, 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def spoilt(self, way: str) -> bool:
        """Whether this answer is to be spoilt that way."""
        left = self.spoil.get(way, 0)
        self.spoil[way] = left - 1
        return left > 0

    def answer(self, ask: BaseHTTPRequestHandler) -> None:
        body, span = self.files.get(ask.path), ask.headers.get("Range")
        self.seen.append((ask.path, span))
        time.sleep(self.delay)
        if body is None or self.spoilt("503"):
            ask.send_error(404 if body is None else 503)
            return
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and self.ranges else 0
        if start >= len(body) and span:
            ask.send_error(416)
            return
        page = self.spoilt("page")
        sent = b"<!DOCTYPE html><title>Virus scan warning</title>" if page else body[start:]
        ask.send_response(206 if start else 200)
        ask.send_header("Content-Length", str(len(sent)))
        ask.send_header("Content-Type", "text/html" if page else "application/octet-stream")
        ask.end_headers()
        ask.wfile.write(sent[: len(sent) // 2] if self.spoilt("break") else sent)


def row(file: str, **known: str) -> Row:
    """A row of the register with what is given; everything else empty."""
    return Row(
        **{field.name: "" for field in fields(Row)} | {"source": "toy", "file": file} | known
    )


def served(server: Server, file: str, body: bytes, **known: str) -> Row:
    """A row whose file the server has, with its right md5 unless another is given."""
    server.files[f"/{file}"] = body
    return row(file, url=f"{server.url}/{file}", **{"md5": hashlib.md5(body).hexdigest()} | known)


def fetch(root: Path, *rows: Row, mirror: str | None = None, offline: bool = False) -> dict:
    return Fetch(list(rows), root=root, mirror=mirror, offline=offline, pause=0.01)()


def places(root: Path) -> set[str]:
    """The files under a root, apart from locks."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
