"""Learning rates as pure functions of the position, so that a resumed run needs no
scheduler state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

RISE = 0.3  # share of a one-cycle schedule during which the rate rises


def rate(options: Mapping[str, Any], position: float, *, epochs: int) -> float:
    """The learning rate at `position`, measured in epochs from 0 to `epochs`.

    `options` holds lr and schedule; milestones and gamma beside the schedule multistep.
    """
    lr: float = options["lr"]
    share = position / epochs
    match options["schedule"]:
        case "onecycle":
            return lr * (share / RISE if share < RISE else (1 - share) / (1 - RISE))
        case "cosine":
            return lr * (1 + math.cos(math.pi * share)) / 2
        case "multistep":
            return lr * options["gamma"] ** sum(
                position >= milestone for milestone in options["milestones"]
            )
        case _:  # constant
            return lr
