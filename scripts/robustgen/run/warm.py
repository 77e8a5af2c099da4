"""The warm process of a run: it imports what jobs need once, and forks itself for each command.

A forked process runs a script of this checkout as Python would, and ends when the command that
asked for it ends, so that killing a job kills its work.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from robustgen.core.digest import ROOT as SCRIPTS
from robustgen.core.warm import ADDRESS, LENGTH, STATUS

NEEDED = (
    "torch", "pandas", "pyarrow.parquet", "safetensors.numpy", "safetensors.torch",
    "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing", "matplotlib.pyplot",
    "robustgen.jobs.attack", "robustgen.jobs.detect", "robustgen.jobs.measure",
    "robustgen.jobs.score", "robustgen.jobs.train", "robustgen.tables.table",
)  # fmt: skip
# read when a library is loaded; Snakemake sets them for each job, which a forked one reads too late
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
START = "import sys; sys.path[0] = {!r}; from robustgen.run.warm import serve; serve({!r})"


@contextmanager
def warm(scripts: Path = SCRIPTS, *, but: bool = False) -> Iterator[None]:
    """Let the commands of this block, and of all that it starts, use a warm process with the
    package of the folder `scripts`, `but` where they run on other machines.
    """
    if but:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="robustgen-") as folder:
        address = str(Path(folder) / "warm")
        os.environ[ADDRESS] = address
        try:
            with _started_when_asked(address, scripts):
                yield
        finally:
            os.environ.pop(ADDRESS, None)


@contextmanager
def _started_when_asked(address: str, scripts: Path) -> Iterator[None]:
    """Listen at `address`, and start the warm process when the first command comes in: a run that
    has nothing to do imports nothing.
    """
    processes: list[subprocess.Popen[bytes]] = []
    listener, (end, ended) = socket.socket(socket.AF_UNIX), socket.socketpair()
    listener.bind(address)
    listener.listen(64)

    def start() -> None:
        with listener:
            if ended in select.select([listener, ended], [], [])[0]:
                return
            number = listener.fileno()
            call = [sys.executable, "-c", START.format(str(scripts), number)]
            environment = os.environ | dict.fromkeys(THREADS, "1")
            processes.append(
                subprocess.Popen(call, stdin=subprocess.PIPE, pass_fds=[number], env=environment)
            )

    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield
    finally:
        end.close()
        thread.join()
        ended.close()
        for process in processes:
            process.kill()
            process.wait()


def serve(number: int) -> None:
    """Import what jobs need, then run each command that comes in on the socket of that number in a
    process of its own, until the launcher ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the jobs and the launcher hear it themselves
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forked processes
    threading.Thread(target=_end_with_launcher, daemon=True).start()
    with socket.socket(fileno=number) as listener:
        for name in NEEDED:
            import_module(name)
        while True:
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(line)
            line.close()


def _end_with_launcher() -> None:
    """End once the launcher's end of standard input is closed, which its death does too."""
    sys.stdin.buffer.read()
    os._exit(0)


def _answer(line: socket.socket) -> None:
    """Run one command in this forked process, tell its status, and end."""
    status = 1
    try:
        _, streams, _, _ = socket.recv_fds(line, 1, 3)
        script, argv, folder, environment = json.loads(_received(line))
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        threading.Thread(target=_end_with, args=(line,), daemon=True).start()
        status = _run(script, argv, folder, environment)
        line.sendall(STATUS.pack(status))
    finally:
        os._exit(status)


def _received(line: socket.socket) -> bytes:
    """The message on the line."""
    with line.makefile("rb", buffering=0) as file:
        (length,) = LENGTH.unpack(_exactly(file, LENGTH.size))
        return _exactly(file, length)


def _exactly(file: object, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += file.read(length - len(data)) or b""  # type: ignore[attr-defined]
    return data


def _end_with(line: socket.socket) -> None:
    """End at once when the command that asked is gone."""
    line.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _run(script: str, argv: list[str], folder: str, environment: dict[str, str]) -> int:
    """The exit status of a script, run as Python would run it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = argv
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return _told(end.code)
    except BaseException:  # as Python itself does before it ends
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _told(code: object) -> int:
    """The status that an exit stands for; a text is told on standard error."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1
