"""The rules of claims, as config/claims.yaml writes them down before the runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from robustgen.core.files import BadFile
from robustgen.stats.statistics import STATISTICS


@dataclass(frozen=True)
class Claim:
    """One entry of config/claims.yaml."""

    id: str
    work: str
    place: str
    sentence: str
    objective: str  # how the nets it speaks of were trained
    attack: str  # clean: natural images
    statistic: str  # name of a function in STATISTICS
    direction: str  # above | below
    margin: float
    min_n: int
    min_success: float = 0.0  # of the attack (and of the one it is held against); below, the claim does not apply
    against: str | None = None  # another attack on the same net
    against_net: str | None = None  # how the net of the same kind was trained that the net is held against, under the same attack
    not_tested: dict[str, str] = field(default_factory=dict)  # data set -> reason, decided beforehand


def read(path: str | Path) -> list[Claim]:
    """The claims of a YAML file."""
    import yaml

    try:
        claims = [Claim(**entry) for entry in yaml.safe_load(Path(path).read_text(encoding="utf-8"))]
    except TypeError as error:
        raise BadFile(f"{path}: a claim has a wrong or missing key ({error}).") from error
    for claim in claims:
        if claim.statistic not in STATISTICS or claim.direction not in ("above", "below"):
            raise BadFile(f"{path}: claim {claim.id} needs a statistic of {', '.join(STATISTICS)} and above or below.")
        if claim.against and claim.against_net:
            raise BadFile(f"{path}: claim {claim.id} is held against an attack and a net; keep one of against and against_net.")
    return claims
