"""No string of a configuration reaches a shell unquoted: a shell runs each rule's command and tells
the arguments.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, Copy
from test_docs import FILES

NASTY = (
    "a $(touch pwned) `touch pwned` ; touch pwned | & > pwned 'single' \"double\" {word} "
    "{{twice}} \\ * ~ # \u00e9"
)
TABBED = f"{NASTY}\ttab"  # line breaks and other control characters are refused before any job
RULES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
}


@pytest.mark.parametrize("name", RULES)
def test_every_value_in_a_shell_command_is_quoted(name: str) -> None:
    for command in re.findall(r"(?m)^    shell:\n((?:^        .*\n?)+)", RULES[name]):
        assert [
            found for found in re.findall(r"\{[^}]*\}", command) if not found.endswith(":q}")
        ] == []


# scripts that are handed a string of the configuration beside names
HANDED = {
    "fetch",
    "load_data",
    "train",
    "attack",
    "score",
    "measure",
    "detect",
    "make_table",
    "draw_figure",
    "write_config",
}


def nasty() -> dict[str, object]:
    """The study of docs/your-own.md with such a string in every field that takes one."""
    study = yaml.safe_load(FILES["config/mine.yaml"])
    study["data"] = {"root": f"data/{NASTY}", "mirror": f"/nowhere/{NASTY}", "offline": True}
    parts = ("datasets", "models", "attacks", "detectors", "measures", "tables", "figures")
    for part in parts:
        for entry in study[part].values():
            if "." in str(entry.get("kind", "")):
                entry["options"] = {**entry.get("options", {}), "note": TABBED, NASTY: [NASTY]}
    study["recipes"]["averaged"]["options"][NASTY] = TABBED
    study["datasets"]["bars"]["options"] = {"folder": NASTY, "names": [NASTY, TABBED]}
    study["datasets"]["bars"]["published"] = NASTY
    study["models"]["bars_own"]["weights"] = f"lab/{NASTY}.pt"
    study["datasets"]["cifar"] = {"kind": "cifar10"}
    study["figures"]["fig_sheets"] = {"kind": "sheet", "datasets": ["cifar"]}
    study["figures"]["fig_4"] = {"kind": "input_gradients", "models": ["bars_mlp"]}
    study["figures"]["fig_plane"] = {"kind": "plane", "models": ["bars_mlp"]}
    study["outputs"] += ["fig_sheets", "fig_4", "fig_plane"]
    return study


@pytest.fixture(scope="module")
def copy(make_copy: Callable[[], Copy]) -> Copy:
    """That study, planned from a folder whose own name is no better."""
    found = make_copy()
    folder = found.folder.with_name(f"{found.folder.name} {{checkout}} $(touch pwned) 'x'")
    found.folder.rename(folder)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        free = without_options(text) if name.endswith(".py") else text
        (folder / name).write_text(free, encoding="utf-8")
    (folder / "config/mine.yaml").write_text(
        yaml.safe_dump(nasty(), allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    place = folder / "data" / NASTY / NASTY
    place.mkdir(parents=True)
    weights = folder / f"lab/{NASTY}.pt"
    weights.parent.mkdir(exist_ok=True)
    weights.write_bytes(b"")
    for part in ("train", "test"):
        (place / f"{part}.npz").write_bytes(b"")
    return Copy(folder)


def without_options(text: str) -> str:
    """A module that declares no options, and so takes any."""
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "OPTIONS" for target in targets):
            lines[node.lineno - 1 : node.end_lineno] = []
            break
    return "".join(lines)


def commands(copy: Copy) -> list[str]:
    """The shell command of every job of the study."""
    call = (
        sys.executable,
        "-m",
        "snakemake",
        "--dry-run",
        "--printshellcmds",
        "--forceall",
        "--configfile",
        "config/mine.yaml",
    )
    said = copy.run(*call, "--workflow-profile", "workflow/profiles/default").stdout
    return [found for found in re.findall(r"(?m)^Shell command: (.*)$", said) if found != "None"]


def arguments(copy: Copy, command: str) -> list[str]:
    """What `python` is handed when a shell runs the command."""
    tell = "python() { printf '%s\\0' \"$@\" > told; }; "
    for log in re.findall(r"2> (\S+)$", command):
        (copy.folder / log).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["bash", "-c", tell + command], cwd=copy.folder, check=True)
    return (copy.folder / "told").read_bytes().decode().split("\0")[:-1]


def test_a_shell_hands_every_string_on_as_it_stands_and_executes_none(copy: Copy) -> None:
    found = [arguments(copy, command) for command in commands(copy)]
    scripts = {Path(words[0]).stem for words in found}
    rules = set(re.findall(r"(?m)^rule (\w+):", "\n".join(RULES.values())))
    assert scripts == rules
    parts = [word for words in found for word in words if word.startswith("--part=")]
    assert sorted(parts) == ["--part=1/2"] * 2 + ["--part=2/2"] * 2  # of attack and score
    assert not list(copy.folder.rglob("pwned"))
    assert not (copy.folder.parent / "pwned").exists()
    # as it stands, or inside of JSON
    forms = (NASTY, json.dumps(NASTY)[1:-1], json.dumps(NASTY, ensure_ascii=False)[1:-1])
    nasty_ones = {
        Path(words[0]).stem for words in found if any(f in "\n".join(words) for f in forms)
    }
    assert nasty_ones >= HANDED
    fetch = next(words for words in found if words[0] == "scripts/fetch.py")
    assert f"--root=data/{NASTY}" in fetch
    assert f"--mirror=/nowhere/{NASTY}" in fetch
