"""Images of other data before the detectors: rates by hand, whatever the net says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detections import detection, spec, statistics
from robustgen.stats import intervals
from robustgen.tables import unseen


def test_other_images_are_rated_against_all_clean_ones(tmp_path: Path) -> None:
    """Of 3 x 4 pairs energy ranks 2 + 4 + 3.5 rightly; 95 % of three are all three, which one at 1
    reaches, as do three clean ones. LID separates perfectly. Two other images 'fool'.
    """
    other, clean = [1.0, 9.0, 3.0], [0.0, 1.5, 3.0, 1.0]
    cells = [
        statistics("letters", other, success=[True, True, False], eps=0.0),
        statistics("clean", clean, success=[False, True, False, False], eps=0.0),
        statistics("letters", [9.0] * 3, detector="lid", eps=0.0),
        statistics("clean", [0.0] * 4, detector="lid", eps=0.0),
    ]
    files = {"detect": detection(tmp_path, *cells)}
    table = unseen.make(files, spec=spec("net", letters={}), paper=pd.DataFrame(), absent=" Gone.")
    energy, lid = (row for _, row in table.rows.iterrows())
    assert (energy["n"], energy["n_clean"], energy["view"]) == (3, 4, "all")
    area = intervals.auroc(np.array(other), np.array(clean))
    assert (energy["auroc"], energy["auroc_low"], energy["auroc_high"]) == tuple(area)
    assert energy["auroc"] == pytest.approx((1.5 + 4 + 3.5) / 12)
    assert energy["fpr95"] == 0.75
    assert (lid["auroc"], lid["aupr"], lid["fpr95"]) == (1.0, 1.0, 0.0)
    assert table.printed()[0][:6] == ["signs", "net", "letters", "energy", "3", "4"]
    assert "AUPR" in table.note
    assert table.note.endswith("Data: signs. Gone.")
