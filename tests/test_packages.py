"""The house: packages import only to the left, `__init__` files are empty, scripts are short and
start fast.
"""

import ast
import importlib.machinery
import os
import resource
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PACKAGE = SCRIPTS / "robustgen"
ORDER = [
    "core",
    "data",
    "nets",
    "measures",
    "attacks",
    "training",
    "abs",
    "gan",
    "inversion",
    "smoothing",
    "detect",
    "synthesis",
    "jobs",
    "study",
    "stats",
    "tables",
    "figures",
    "report",
    "run",
    "bench",
]
MODULES = sorted(PACKAGE.rglob("*.py"))
COMMANDS = sorted(SCRIPTS.glob("*.py"))
CONFIG = {"robustgen.study.config", "robustgen.study.schema"}
CONFIGURED = {"study", "report", "run", "bench"}  # packages that may read the configuration
LONGEST = 64  # lines of a script
START_SECONDS = 0.5


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")


def package_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def is_module(name: str) -> bool:
    base = SCRIPTS.joinpath(*name.split("."))
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports, at its top or inside of functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith("robustgen.") and is_module(name)}


def reached(module: str) -> set[str]:
    """Every module of the package that importing `module` may import."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            base = SCRIPTS.joinpath(*name.split("."))
            todo += imports(
                base.with_suffix(".py")
                if base.with_suffix(".py").is_file()
                else base / "__init__.py"
            )
    return seen


def test_every_folder_of_the_package_stands_in_the_order_and_holds_modules() -> None:
    """A package that is planned needs no folder; one that is there needs a place and a module."""
    packages = {package_of(module_of(path)) for path in MODULES} - {""}
    assert packages <= set(ORDER)
    assert len(ORDER) == len(set(ORDER))
    folders = {
        path.parent.name for path in PACKAGE.glob("*/__init__.py") if path.parent.name in ORDER
    }
    assert folders == packages
    empty = [one for one in packages if {*PACKAGE.joinpath(one).rglob("*.py")} <= {init_of(one)}]
    assert empty == []


def init_of(package: str) -> Path:
    return PACKAGE / package / "__init__.py"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if package_of(module_of(path))], ids=module_of
)
def test_a_module_imports_only_from_its_own_package_and_from_those_to_its_left(path: Path) -> None:
    mine = module_of(path)
    to_the_right = {
        name
        for name in imports(path)
        if package_of(name) and ORDER.index(package_of(name)) > ORDER.index(package_of(mine))
    }
    assert not to_the_right


def test_every_init_file_is_empty() -> None:
    assert [str(path) for path in PACKAGE.rglob("__init__.py") if path.read_bytes()] == []


def test_every_folder_with_modules_is_a_package() -> None:
    assert [str(path) for path in MODULES if not (path.parent / "__init__.py").is_file()] == []


@pytest.mark.parametrize("path", [*MODULES, *COMMANDS], ids=lambda path: path.stem)
def test_no_relative_imports(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    assert [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level] == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if package_of(module_of(path)) not in CONFIGURED],
    ids=module_of,
)
def test_neither_numerics_nor_what_shows_them_reach_the_configuration(path: Path) -> None:
    """Directly or through another module: a change of the schema would rerun what reads it."""
    assert reached(module_of(path)) & CONFIG == set()


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.name)
def test_a_script_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.name)
def test_a_script_bears_no_name_of_an_importable_module(path: Path) -> None:
    elsewhere = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    assert importlib.machinery.PathFinder.find_spec(path.stem, elsewhere) is None
    assert path.stem not in sys.stdlib_module_names


def started(script: str, *flags: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    call = [sys.executable, *flags, str(SCRIPTS / script), "--help"]
    return subprocess.run(call, capture_output=True, text=True, check=True, env=environment)


def cpu_seconds(script: str) -> float:
    """User and system time of one start; the clock on the wall would measure the machine's other
    work.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started(script)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("script", ["make_table.py", "draw_figure.py"])
def test_tables_and_figures_start_without_torch_and_seaborn(script: str) -> None:
    lines = started(script, "-X", "importtime").stderr.splitlines()
    tops = {
        line.split("|")[-1].strip().split(".")[0]
        for line in lines
        if line.startswith("import time:")
    }
    assert "robustgen" in tops
    assert tops & {"torch", "torchvision", "torchattacks", "seaborn"} == set()


@pytest.mark.alone
@pytest.mark.parametrize("script", ["make_table.py", "draw_figure.py"])
def test_tables_and_figures_start_in_less_than_half_a_second(script: str) -> None:
    assert min(cpu_seconds(script) for _ in range(5)) < START_SECONDS
