"""Digests see what code does and nothing else; kinds are found by their place."""

import ast
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from robustgen.core import digest, kinds
from robustgen.core.refusal import Refused

settings.load_profile("ci")  # no deadline, same examples in every run
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

# --- digests --------------------------------------------------------------------------------------

SCRIPT = '"""Says it."""\nfrom robustgen.core import top\n\nprint(top.twice(2))\n'
TOP = (
    '"""Top."""\nimport robustgen.core.deep as deep\n\n\ndef twice(x):\n    """Double."""\n    '
    "return x * deep.TWO\n"
)
DEEP = "# two\nTWO = 2\n"


class House:
    """A package of three modules and a script, of which one imports the next."""

    def __init__(self, root: Path) -> None:
        self.room = root / "robustgen" / "core"
        self.room.mkdir(parents=True)
        self.script = root / "say.py"
        for path in (self.room / "__init__.py", self.room.parent / "__init__.py"):
            path.touch()
        texts = {self.script: SCRIPT, self.room / "top.py": TOP, self.room / "deep.py": DEEP}
        for path, text in {**texts, self.room / "unrelated.py": "X = 1\n"}.items():
            path.write_text(text, encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.room / f"{name}.py").write_text(text, encoding="utf-8")

    def digest(self, *modules: str) -> str:
        digest._read.cache_clear()
        return digest.digest(str(self.script), *modules)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    return House(tmp_path)


def test_a_digest_does_not_depend_on_where_the_code_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("here", "there"):
        monkeypatch.setattr(digest, "ROOT", tmp_path / name)
        found.append(House(tmp_path / name).digest())
    assert found[0] == found[1]


def test_comments_docstrings_and_layout_do_not_matter(house: House) -> None:
    before = house.digest()
    house.write("deep", "\n\nTWO = (\n    2  # as everybody knows\n)\n")
    house.write(
        "top", TOP.replace("Double.", "Two times.").replace('"""Top."""', '"""Another word."""')
    )
    house.script.write_text(SCRIPT.replace('"""Says it."""\n', ""), encoding="utf-8")
    assert house.digest() == before


def test_a_constant_of_a_module_imported_by_an_imported_one_matters(house: House) -> None:
    before = house.digest()
    house.write("deep", DEEP.replace("= 2", "= 3"))
    assert house.digest() != before


def test_the_script_itself_matters(house: House) -> None:
    before = house.digest()
    house.script.write_text(SCRIPT.replace("twice(2)", "twice(3)"), encoding="utf-8")
    assert house.digest() != before


def test_an_unrelated_module_does_not_matter_until_it_is_named(house: House) -> None:
    before, named = house.digest(), house.digest("robustgen.core.unrelated")
    house.write("unrelated", "X = 2\n")
    house.write("new", "Y = 1\n")
    assert house.digest() == before
    assert house.digest("robustgen.core.unrelated") != named != before


def test_a_string_that_is_no_docstring_matters(house: House) -> None:
    house.write("deep", 'TWO = "2"\n')
    before = house.digest()
    house.write("deep", 'TWO = "3"\n')
    assert house.digest() != before


def test_an_import_inside_of_a_function_counts(house: House) -> None:
    house.write(
        "top", "def twice(x):\n    from robustgen.core.deep import TWO\n    return x * TWO\n"
    )
    before = house.digest()
    house.write("deep", "TWO = 3\n")
    assert house.digest() != before


def test_one_changed_file_is_one_changed_part(house: House) -> None:
    before = digest.digests(str(house.script))
    house.write("deep", "TWO = 22\n")
    digest._read.cache_clear()
    after = digest.digests(str(house.script))
    assert {name for name in after if after[name] != before[name]} == {"robustgen/core/deep.py"}
    assert set(after) == {
        "say.py",
        *(f"robustgen/{name}.py" for name in ("core/__init__", "core/top", "core/deep")),
    }


def test_relative_imports_and_unknown_modules_are_refused(house: House) -> None:
    with pytest.raises(Refused, match=r"There is no module robustgen\.core\.gone; check the kind"):
        house.digest("robustgen.core.gone")
    house.write("top", "from . import deep\n")
    with pytest.raises(Refused, match="Relative imports hide"):
        house.digest()


def test_a_new_attack_changes_no_digest_of_the_attack_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    monkeypatch.setattr(digest, "ROOT", copy)
    before = {
        name: digest.digest(str(copy / "attack.py"), f"robustgen.attacks.{name}")
        for name in ("pgd", "torchattacks")
    }
    (copy / "robustgen" / "attacks" / "mine.py").write_text(
        ("def attack():\n    pass\n"), encoding="utf-8"
    )
    pgd = copy / "robustgen" / "attacks" / "pgd.py"
    pgd.write_text(pgd.read_text(encoding="utf-8") + "\nNEW = 1\n", encoding="utf-8")
    digest._read.cache_clear()
    assert (
        digest.digest(str(copy / "attack.py"), "robustgen.attacks.torchattacks")
        == before["torchattacks"]
    )
    assert digest.digest(str(copy / "attack.py"), "robustgen.attacks.pgd") != before["pgd"]


def test_lock_lines_are_the_pins_of_the_named_packages_only(tmp_path: Path) -> None:
    text = "torch==2.11.0 \\\n    --hash=sha256:1\ntorchvision==0.26 \\\nnumpy==2.4 \\\n"
    (tmp_path / "lock").write_text(text, encoding="utf-8")
    assert digest.lock_lines(tmp_path / "lock", "torch", "numpy") == "torch==2.11.0 numpy==2.4"


# --- kinds ----------------------------------------------------------------------------------------


def defined(path: Path) -> set[str]:
    """The functions at the top of a module, and OPTIONS where it has them."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("room", kinds.FUNCTIONS)
def test_kinds_are_the_modules_of_any_package_that_define_the_functions_of_the_room(
    room: str,
) -> None:
    """All of the room's functions, one of those that stand as `a|b`, and OPTIONS."""
    wanted = [set(one.split("|")) for one in kinds.FUNCTIONS[room]]
    found = {
        path.stem: path
        for path in (SCRIPTS / "robustgen").rglob("*.py")
        if "OPTIONS" in (names := defined(path)) and all(names & one for one in wanted)
    }
    assert kinds.kinds(room) == sorted(found)
    assert {name: kinds.find(room, name) for name in found} == found
    dotted = {
        name: ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
        for name, path in found.items()
    }
    assert {name: kinds.module_name(room, name) for name in found} == dotted


def test_no_two_modules_of_a_room_bear_one_name() -> None:
    for room, functions in kinds.FUNCTIONS.items():
        stems = [
            path.stem
            for path in (SCRIPTS / "robustgen").rglob("*.py")
            if "OPTIONS" in defined(path)
            and all(defined(path) & set(one.split("|")) for one in functions)
        ]
        assert len(stems) == len(set(stems)), room


@pytest.mark.parametrize(("package", "stem"), [("detect", "lid"), ("detect", "kd_bu")])
def test_a_module_may_be_of_two_rooms_and_a_room_may_have_modules_of_any_package(
    package: str, stem: str
) -> None:
    """A detector that looks into nets measures too; a measure lies where it belongs."""
    for room in ("detectors", "measures"):
        assert kinds.module_name(room, stem) == f"robustgen.{package}.{stem}"
    assert kinds.module_name("measures", "gradients") == "robustgen.synthesis.gradients"
    assert kinds.module_name("measures", "mine.own") == "mine.own"


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        Refused,
        match=(r"^There is no kind 'pdg' in attacks; known are .*pgd.*, or a dotted module"),
    ):
        kinds.load("attacks", "pdg")


def test_a_dotted_kind_is_a_module_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_of_tests").mkdir()
    (tmp_path / "mine_of_tests" / "still.py").write_text(
        ("def attack():\n    return 'mine'\n"), encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert kinds.load("attacks", "mine_of_tests.still").attack() == "mine"


@pytest.mark.parametrize("kind", ["mine_of_nobody.attack", "json.attack"])
def test_a_dotted_kind_that_is_not_there_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=f"There is no kind '{kind}'"):
        kinds.load("attacks", kind)


def test_a_kind_whose_own_import_fails_is_not_called_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_that_fails").mkdir()
    (tmp_path / "mine_that_fails" / "it.py").write_text(
        ("import a_package_of_nobody\n"), encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="a_package_of_nobody"):
        kinds.load("attacks", "mine_that_fails.it")
