"""Files that are no configuration and claims that are none: one sentence with the file, and the
line where there is one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from robustgen.core.files import BadFile
from robustgen.stats import rules
from robustgen.study import config
from robustgen.study.config import ConfigError
from robustgen.study.yamls import read_map

# --- files ----------------------------------------------------------------------------------------

FILES = [
    ("", "mine.yaml is empty; write into it what it is to change, such as `study: mine`."),
    ("# nothing\n", "mine.yaml is empty"),
    ("a: [1", "line 1: is not valid YAML: expected ',' or ']', but got '<stream end>'."),
    ("seed: 1\n\tseeds: [1]\n", "line 2: a tab stands where only spaces may; indent with spaces."),
    ("- study\n- seeds\n", "must hold a map of keys such as `study: mine`, not a list."),
    ("just a sentence", "keys such as `study: mine`, not the value 'just a sentence'."),
    ("seed: 1\nseeds: [1]\nseed: 2\n", "line 3: the key 'seed' is given twice, first on line 1;"),
    ("data:\n  root: a\n  root: b\n", "line 3: the key 'root' is given twice, first on line 2;"),
    ("seed: *gone\n", "mine.yaml, line 1: is not valid YAML: found undefined alias 'gone'."),
    ("data: &a\n  root: *a\n", "line 2: the alias *a stands inside of what it names; write that"),
    ("seed: !!python/object:os.system {}\n", "line 1: is not valid YAML: could not determine a"),
    ("seed: 1\n---\nseed: 2\n", "line 2: is not valid YAML: but found another document."),
    ("{[1]: 2}: 3\n", "mine.yaml, line 1: is not valid YAML: found unhashable key."),
    ("seed: 2000-99-99\n", "mine.yaml is not valid YAML: month must be in 1..12."),
    ("a: \x01\n", "mine.yaml is not valid YAML: unacceptable character #x0001"),
    ("a: " + "[" * 500, "mine.yaml is nested too deeply to be read."),
    (b"study: mine\nseed: \xff\n", "line 2: is not UTF-8; save the file in that encoding."),
]


@pytest.mark.parametrize(("text", "said"), FILES, ids=[said[:50] for _, said in FILES])
def test_a_file_that_is_no_map_of_keys_is_refused_with_its_line(
    text: str | bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_refused_with_the_studies_that_are() -> None:
    with pytest.raises(
        ConfigError,
        match=(r"nosuch.yaml does not exist; the studies in .*config are demo, workstation\.$"),
    ):
        config.load(ROOT / "config/config.yaml", ROOT / "config/nosuch.yaml")
    with pytest.raises(ConfigError, match="config cannot be read: Is a directory"):
        config.load(ROOT / "config")


def test_a_key_beside_the_keys_that_it_takes_over_is_given_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        ("a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, y: 4}\n"), encoding="utf-8"
    )
    assert read_map(path)["c"] == {"x": 3, "y": 4}


# --- claims ---------------------------------------------------------------------------------------

CLAIM = {
    "id": "a", "work": "w", "place": "p", "sentence": "s.", "family": "standard",
    "attack": "pgd", "statistic": "auroc", "direction": "above", "margin": 0, "min_n": 1,
}  # fmt: skip
CLAIMS = [
    ({"margin": "much"}, "margin: must be a number, not 'much'."),
    ({"margin": "1e-2"}, "margin: must be a number, not '1e-2'; write 0.01."),
    ({"margin": float("nan")}, "margin: must be a number, not nan."),
    ({"min_n": 0}, "min_n: must be a whole number of at least 1, not 0."),
    ({"min_success": 95}, "min_success: must be a number of at least 0 and of at most 1, not 95."),
    ({"statistic": "aurok"}, "statistic: unknown statistic; did you mean 'auroc'?"),
    ({"direction": "over"}, "direction: must be one of above, below, not 'over'."),
    ({"marign": 1}, "marign: unknown key; did you mean 'margin'?"),
    ({"not_tested": "digits"}, "not_tested: must map data sets to reasons, not 'digits'."),
    ({"against": "apgd"}, "against: must be a map such as {attack: pgd}, not 'apgd'."),
    ({"against": {"attack": "apgd", "family": "plain"}}, "against: names one thing: an attack"),
    ({"against": {"family": "robust", "same": ["data"]}}, "against.same: must be a list out of"),
    (
        {"against": {"attack": "apgd", "net": "a"}},
        "against.net: unknown key; known: attack, family, largest, part",
    ),
    ({"sentence": None}, "sentence: is missing; it must be text."),
    ({"family": 3}, "family: must be text, not 3."),
]


@pytest.mark.parametrize(("changes", "said"), CLAIMS, ids=[repr(changes) for changes, _ in CLAIMS])
def test_a_mistake_in_a_claim_is_one_sentence(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(json.dumps([CLAIM | changes]).replace("NaN", ".nan"), encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        rules.read(path)
    assert str(caught.value).startswith(f"{path}: claim a: {said}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"[{json.dumps(CLAIM)}, {json.dumps(CLAIM)}]",
            ("claim a: the id is given twice; choose another."),
        ),
        ("[3]", "claim number 1: must be a map of keys, not 3."),
        ("a: 1", "must hold a list of claims, each of which begins with `- id:`."),
    ],
)
def test_claims_that_are_no_list_of_claims_are_refused(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "claims.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=f"^{tmp_path}/claims.yaml: {said}$".replace("[", r"\[")):
        rules.read(tmp_path / "claims.yaml")
