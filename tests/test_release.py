"""What must agree in a release: versions, the three environments and the lock, and the checks that
the forge and pre-commit run.
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from importlib.metadata import distribution
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "envs/requirements.lock").read_text()
PINNED = {  # name -> version
    canonicalize_name(name): Version(version)
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", LOCK, flags=re.MULTILINE)
}
OPTIONAL = PROJECT["project"]["optional-dependencies"]
ASKED = [
    *PROJECT["project"]["dependencies"],
    *(line for extra in OPTIONAL.values() for line in extra),
    *PROJECT["build-system"]["requires"],
    *PROJECT["tool"]["uv"]["override-dependencies"],
]
PYTHONS = SpecifierSet(PROJECT["project"]["requires-python"])


def loaded(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


# --- versions -------------------------------------------------------------------------------------


def test_one_version_stands_everywhere() -> None:
    """In pyproject, the citation and the first section of the changelog."""
    version, citation = PROJECT["project"]["version"], loaded("CITATION.cff")
    assert citation["version"] == version
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert sections[0] == version
    released = [Version(section) for section in sections]
    assert released == sorted(set(released), reverse=True)
    assert isinstance(citation["date-released"], datetime.date)


def test_the_installed_package_says_the_same_version() -> None:
    """Where this folder is the one that is installed: its metadata are written by `make env`."""
    installed = distribution("robustgen")
    origin = json.loads(installed.read_text("direct_url.json") or "{}").get("url", "")
    if unquote(urlsplit(origin).path) != str(ROOT):
        pytest.skip("another folder is installed")
    assert installed.version == PROJECT["project"]["version"], "run make env"


# --- environments ---------------------------------------------------------------------------------


def pythons() -> dict[str, str]:
    """File -> the Python that it names."""
    recipe, makefile = ((ROOT / path).read_text() for path in ("envs/robustgen.def", "Makefile"))
    conda = next(
        line for line in loaded("envs/environment.yaml")["dependencies"] if "python" in line
    )
    found = {
        "robustgen.def": re.search(r"^From: python:([\d.]+)-slim$", recipe, flags=re.MULTILINE),
        "Makefile": re.search(r"uv pip compile .*--python-version ([\d.]+) ", makefile),
        "environment.yaml": re.fullmatch(r"python =([\d.]+)", conda),
    }
    assert all(found.values()), found
    return {name: hit[1] for name, hit in found.items() if hit}


def test_container_conda_and_lock_are_of_one_supported_python() -> None:
    (python,) = set(pythons().values())
    assert python in PYTHONS


def test_container_and_conda_install_the_hashed_lock_and_nothing_else() -> None:
    recipe = (ROOT / "envs/robustgen.def").read_text()
    files = re.findall(r"^ +(\S+) (/opt/\S+)$", recipe, flags=re.MULTILINE)
    assert files == [("envs/requirements.lock", "/opt/robustgen/requirements.lock")]
    installs = re.findall(r"pip install (.+)$", recipe, flags=re.MULTILINE)
    flags = "--no-cache-dir --no-deps --require-hashes -r /opt/robustgen/requirements.lock"
    assert installs == [flags]
    (pip,) = (
        line for line in loaded("envs/environment.yaml")["dependencies"] if isinstance(line, dict)
    )
    assert pip == {"pip": ["--no-deps", "--require-hashes", "-r requirements.lock"]}


@pytest.mark.parametrize("line", ASKED)
def test_what_the_project_asks_for_is_locked_within_its_bounds(line: str) -> None:
    asked = Requirement(line)
    version = PINNED[canonicalize_name(asked.name)]
    assert version in asked.specifier


def test_every_pin_has_hashes_and_no_address() -> None:
    blocks = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(PINNED)
    assert all(
        re.fullmatch(r"\S+==\S+( ;[^\\]+)? \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n)+", block)
        for block in blocks
    )


# --- checks ---------------------------------------------------------------------------------------


def test_the_forge_runs_what_the_project_runs_on_each_supported_python() -> None:
    (job,) = loaded(".github/workflows/ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    tested = job["strategy"]["matrix"]["python"]
    minors = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in PYTHONS]
    assert tested == minors


def test_hooks_are_tools_of_the_environment_and_need_no_network() -> None:
    """All that `make lint` checks but for Snakemake's own lint, which takes longer."""
    (repository,) = loaded(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    tools = []
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        place, _, tool = hook["entry"].split()[0].rpartition("/")
        assert place == ".venv/bin"
        assert canonicalize_name(tool) in PINNED
        tools.append(tool)
    lint = re.search(r"^lint:.*\n\t@(.+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert lint
    asked = [command.split()[0] for command in lint[1].split(" && ")]
    assert [*tools, "snakemake"] == asked
