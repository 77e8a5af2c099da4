"""Commands passed on to a warm process, which has imported torch and pandas already.

Importing torch takes two seconds of a processor, and a study has hundreds of short jobs. The
launcher starts one process that imports what jobs need and then forks itself per job (see
robustgen.run.warm). A command that finds its address in the environment hands over its arguments,
folder, environment and standard streams, and waits for the status. Without one, or where it does
not answer, the command runs by itself, with the same results.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from contextlib import closing
from pathlib import Path

ADDRESS = "ROBUSTGEN_WARM"  # in the environment: the socket on which the warm process listens
LENGTH = struct.Struct("!Q")  # of the message that follows
STATUS = struct.Struct("!i")
KILLED = 137  # the status where the process ended without a word


def passed_on() -> int | None:
    """The exit status of this command, run by the warm process; None where there is none."""
    address = os.environ.pop(ADDRESS, "")
    if not address:
        return None
    with closing(socket.socket(socket.AF_UNIX)) as line:
        try:
            line.connect(address)
            socket.send_fds(line, [b"\0"], [0, 1, 2])
        except OSError:  # the launcher has ended, or works on another machine
            return None
        message = json.dumps([_script(), sys.argv, os.getcwd(), dict(os.environ)]).encode()
        line.sendall(LENGTH.pack(len(message)) + message)
        answer = line.recv(STATUS.size)
    return STATUS.unpack(answer)[0] if len(answer) == STATUS.size else KILLED


def _script() -> str:
    return str(Path(sys.argv[0]).resolve())
