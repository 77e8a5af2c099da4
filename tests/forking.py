"""Snakemake commands that are forks of one process, which has imported Snakemake once: importing it
takes half of a dry run's time, and tests start a hundred.

A fork runs what the command `snakemake` runs, with its arguments, folder, environment and output;
what it starts are processes of their own. Tests that measure time start Snakemake itself.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

BIN = Path(sys.executable).parent  # which Python puts first on the path of modules for `snakemake`


class Snakemake:
    """The process that has imported Snakemake, and the commands that are forked from it."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        with theirs:
            call = [sys.executable, __file__, str(theirs.fileno())]
            environment = {**os.environ, "PYTHONPATH": ""}
            self.process = subprocess.Popen(
                call, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment
            )

    def run(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` gives of the command `snakemake` with these arguments."""
        call = [str(BIN / "snakemake"), *arguments]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            socket.send_fds(self.line, [b"\0"], [out.fileno(), err.fileno()])
            self.line.sendall(json.dumps([call, str(folder), environment]).encode() + b"\n")
            status = int(self.line.recv(8))
            texts = [file.seek(0) or file.read() for file in (out, err)]
        return subprocess.CompletedProcess(call, status, *texts)

    def end(self) -> None:
        self.line.close()
        self.process.wait()


@cache
def forked() -> Snakemake:
    """The one of this process, which ends with it."""
    found = Snakemake()
    atexit.register(found.end)
    return found


def serve(line: socket.socket) -> None:
    """Fork for each command and tell its status, until nobody asks any more; returns in a fork,
    which is to run its command.
    """
    while streams := socket.recv_fds(line, 1, 2)[1]:
        told = b""
        while not told.endswith(b"\n"):
            told += line.recv(2**20)
        if not (child := os.fork()):
            line.close()
            become(streams, *json.loads(told))
            return
        for stream in streams:
            os.close(stream)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        line.sendall(f"{status}".encode())
    sys.exit()


def become(streams: list[int], call: list[str], folder: str, environment: dict[str, str]) -> None:
    """Take over the arguments, folder, environment and output of a command."""
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = call, str(BIN)


if __name__ == "__main__":
    from snakemake.cli import main

    serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(main())
