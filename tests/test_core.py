"""The core: seeds, files, rows, digests, kinds, shards, progress, the log of a run, refusals."""

import ast
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustgen.core import digest, files, kinds, launch, progress, rows, seeds, shards
from robustgen.core.files import BadFile
from robustgen.core.refusal import Refused

settings.load_profile("ci")  # no deadline, same examples in every run
SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"

# --- seeds -------------------------------------------------------------------------------------------------------

values = st.integers(-5, 5) | st.text("ab", max_size=2) | st.sampled_from([0.5, 1.5])
axes = st.dictionaries(st.sampled_from(["model", "use", "epoch", "split"]), values, max_size=4)


@given(st.integers(0, 2**32), axes, st.randoms())
def test_the_order_of_axes_does_not_matter(seed: int, named: dict[str, Any], random: Any) -> None:
    pairs = list(named.items())
    random.shuffle(pairs)
    assert seeds.seed_of(seed, **dict(pairs)) == seeds.seed_of(seed, **named)


@given(st.integers(0, 99), axes, st.integers(0, 99), axes)
def test_seeds_are_equal_only_where_study_and_axes_are(one: int, a: dict[str, Any], other: int, b: dict[str, Any]) -> None:
    assert (seeds.seed_of(one, **a) == seeds.seed_of(other, **b)) == ((one, a) == (other, b))


@given(st.integers(0, 2**40), axes)
def test_a_seed_has_63_bits(seed: int, named: dict[str, Any]) -> None:
    assert 0 <= seeds.seed_of(seed, **named) < 2**63


def test_an_axis_that_is_left_out_is_shared() -> None:
    drawn = {attack: seeds.numpy_generator(3, seed=1).normal() for attack in ("pgd", "apgd")}
    assert drawn["pgd"] == drawn["apgd"] != seeds.numpy_generator(3, seed=1, attack="pgd").normal()


def test_both_generators_repeat_themselves_and_differ_by_axis() -> None:
    import torch

    first, again, other = (torch.rand(9, generator=seeds.generator(0, epoch=e)).tolist() for e in (1, 1, 2))
    assert first == again != other
    first, again, other = (seeds.numpy_generator(0, epoch=e).random(9).tolist() for e in (1, 1, 2))
    assert first == again != other


def test_a_seed_is_the_same_on_every_machine_and_day() -> None:
    import hashlib

    text = '[7, [["model", "a"], ["seed", 0]]]'
    assert seeds.seed_of(7, seed=0, model="a") == int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) // 2


# --- files -------------------------------------------------------------------------------------------------------


def half_a_write(path: Path) -> None:
    with files.atomic(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    files.write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        half_a_write(path)
    assert [found.name for found in tmp_path.iterdir()] == ["rows.csv"]
    assert path.read_text(encoding="utf-8") == "old"


def test_an_interrupted_first_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        half_a_write(tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_seen_under_the_name_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.csv"
    with files.atomic(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"


def test_a_written_file_may_be_read_by_all_and_written_by_its_owner(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "a")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one, max_size=3)))
def test_json_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    files.write_json(path, {"value": value})
    assert files.read_json(path) == {"value": value}


def test_arrays_and_their_text_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    arrays = {"turned": np.arange(6, dtype=np.int64).reshape(2, 3).T, "bytes": np.array([0, 255], np.uint8)}
    files.write_arrays(path, arrays, {"key": "value"})
    found = files.read_arrays(path)
    assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {n: (a.dtype, a.tolist()) for n, a in arrays.items()}
    assert files.read_meta(path) == {"key": "value"}


@pytest.mark.parametrize("read", [files.read_json, files.read_arrays, rows.read_rows])
def test_a_missing_file_is_refused_by_name(read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone\.file does not exist; run the job that makes it\.$"):
        read(tmp_path / "gone.file")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"PAR1 and then nothing PAR1"], ids=repr)
@pytest.mark.parametrize("read", [files.read_json, files.read_arrays, rows.read_rows])
def test_a_damaged_file_is_refused_by_name(read: Callable[[Path], Any], content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.file"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"(?s)damaged\.file is not .*; delete it and run again\.$"):
        read(path)


def test_every_truncation_of_a_file_is_refused(tmp_path: Path) -> None:
    files.write_arrays(tmp_path / "a", {"a": np.arange(50.0)}, {"key": "k"})
    rows.write_rows(tmp_path / "r", table(), unit="image")
    for name, read in (("a", files.read_arrays), ("r", rows.read_rows)):
        whole = (tmp_path / name).read_bytes()
        for length in range(0, len(whole), 37):
            (tmp_path / name).write_bytes(whole[:length])
            with pytest.raises(BadFile):
                read(tmp_path / name)
            assert files.read_meta(tmp_path / name) == {}


# --- rows --------------------------------------------------------------------------------------------------------


def table(n: int = 20) -> pd.DataFrame:
    return pd.DataFrame({"model": ["a"] * n, "index": np.arange(n), "energy": np.linspace(-3, 5, n)})


def test_rows_come_back_with_their_unit(tmp_path: Path) -> None:
    rows.write_rows(tmp_path / "r.parquet", table(), unit="image")
    pd.testing.assert_frame_equal(rows.read_rows(tmp_path / "r.parquet"), table().assign(unit="image"))


def test_several_files_are_read_one_below_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, n in zip(paths, (2, 3), strict=True):
        rows.write_rows(path, table(n), unit="set")
    found = rows.read_rows(iter(paths))
    assert (found["index"].tolist(), found.index.tolist()) == ([0, 1, 0, 1, 2], [0, 1, 2, 3, 4])


@pytest.mark.parametrize("hole", [np.nan, None])
def test_a_missing_value_is_refused_with_its_column_and_nothing_is_written(hole: float | None, tmp_path: Path) -> None:
    wrong = table().assign(margin=[1.0] * 19 + [hole])
    with pytest.raises(Refused, match="hold missing or NaN values in margin;"):
        rows.write_rows(tmp_path / "r.parquet", wrong, unit="image")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_unit_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is one of image, image x class, set, epoch, not 'pixel'"):
        rows.write_rows(tmp_path / "r.parquet", table(), unit="pixel")


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        rows.write_rows(tmp_path / name, table().copy(), unit="image")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


# --- digests -----------------------------------------------------------------------------------------------------

SCRIPT = '"""Says it."""\nfrom robustgen.core import top\n\nprint(top.twice(2))\n'
TOP = '"""Top."""\nimport robustgen.core.deep as deep\n\n\ndef twice(x):\n    """Double."""\n    return x * deep.TWO\n'
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


def test_a_digest_does_not_depend_on_where_the_code_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("here", "there"):
        monkeypatch.setattr(digest, "ROOT", tmp_path / name)
        found.append(House(tmp_path / name).digest())
    assert found[0] == found[1]


def test_comments_docstrings_and_layout_do_not_matter(house: House) -> None:
    before = house.digest()
    house.write("deep", "\n\nTWO = (\n    2  # as everybody knows\n)\n")
    house.write("top", TOP.replace("Double.", "Two times.").replace('"""Top."""', '"""Another word."""'))
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
    house.write("top", "def twice(x):\n    from robustgen.core.deep import TWO\n    return x * TWO\n")
    before = house.digest()
    house.write("deep", "TWO = 3\n")
    assert house.digest() != before


def test_one_changed_file_is_one_changed_part(house: House) -> None:
    before = digest.digests(str(house.script))
    house.write("deep", "TWO = 22\n")
    digest._read.cache_clear()
    after = digest.digests(str(house.script))
    assert {name for name in after if after[name] != before[name]} == {"robustgen/core/deep.py"}
    assert set(after) == {"say.py", *(f"robustgen/{name}.py" for name in ("core/__init__", "core/top", "core/deep"))}


def test_relative_imports_and_unknown_modules_are_refused(house: House) -> None:
    with pytest.raises(Refused, match=r"There is no module robustgen\.core\.gone; check the kind"):
        house.digest("robustgen.core.gone")
    house.write("top", "from . import deep\n")
    with pytest.raises(Refused, match="Relative imports hide"):
        house.digest()


def test_a_new_attack_changes_no_digest_of_the_attack_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    monkeypatch.setattr(digest, "ROOT", copy)
    before = {name: digest.digest(str(copy / "attack.py"), f"robustgen.attacks.{name}") for name in ("pgd", "torchattacks")}
    (copy / "robustgen" / "attacks" / "mine.py").write_text("def attack():\n    pass\n", encoding="utf-8")
    pgd = copy / "robustgen" / "attacks" / "pgd.py"
    pgd.write_text(pgd.read_text(encoding="utf-8") + "\nNEW = 1\n", encoding="utf-8")
    digest._read.cache_clear()
    assert digest.digest(str(copy / "attack.py"), "robustgen.attacks.torchattacks") == before["torchattacks"]
    assert digest.digest(str(copy / "attack.py"), "robustgen.attacks.pgd") != before["pgd"]


def test_lock_lines_are_the_pins_of_the_named_packages_only(tmp_path: Path) -> None:
    text = "torch==2.11.0 \\\n    --hash=sha256:1\ntorchvision==0.26 \\\nnumpy==2.4 \\\n"
    (tmp_path / "lock").write_text(text, encoding="utf-8")
    assert digest.lock_lines(tmp_path / "lock", "torch", "numpy") == "torch==2.11.0 numpy==2.4"


# --- kinds -------------------------------------------------------------------------------------------------------


def defined(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("room", "function"),
    [("attacks", "attack"), ("data", "load"), ("nets", "build"), ("detect", "detect"), ("training.objectives", "loss")],
)
def test_kinds_are_the_modules_that_define_the_function_of_the_room(room: str, function: str) -> None:
    folder = SCRIPTS / "robustgen" / Path(*room.split("."))
    assert kinds.kinds(room, f"def {function}(") == sorted(p.stem for p in folder.glob("*.py") if function in defined(p))


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"^There is no kind 'pdg' in attacks; known are .*pgd.*, or a dotted module"):
        kinds.load("attacks", "pdg")


def test_a_dotted_kind_is_a_module_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_of_tests").mkdir()
    (tmp_path / "mine_of_tests" / "still.py").write_text("def attack():\n    return 'mine'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert kinds.load("attacks", "mine_of_tests.still").attack() == "mine"


@pytest.mark.parametrize("kind", ["mine_of_nobody.attack", "json.attack"])
def test_a_dotted_kind_that_is_not_there_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=f"There is no kind '{kind}'"):
        kinds.load("attacks", kind)


def test_a_kind_whose_own_import_fails_is_not_called_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_that_fails").mkdir()
    (tmp_path / "mine_that_fails" / "it.py").write_text("import a_package_of_nobody\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="a_package_of_nobody"):
        kinds.load("attacks", "mine_that_fails.it")


# --- shards ------------------------------------------------------------------------------------------------------


class Work:
    """A computation that remembers what it was asked for."""

    def __init__(self, beside: Path) -> None:
        self.beside, self.asked = beside, list[str]()

    def __call__(self, item: str) -> dict[str, np.ndarray]:
        self.asked.append(item)
        return {"x": np.array([int(item)])}

    def run(self, key: str, items: tuple[str, ...] = ("1", "2", "3")) -> list[int]:
        self.asked.clear()
        found = shards.sharded(list(items), beside=self.beside, key=key, compute=self, what="work")
        return [int(arrays["x"][0]) for arrays in found]


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    assert (work.run("k"), work.asked) == ([1, 2, 3], ["1", "2", "3"])
    assert (work.run("k"), work.asked) == ([1, 2, 3], [])


def test_another_key_computes_all_anew(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    work.run("k")
    assert (work.run("other"), work.asked) == ([1, 2, 3], ["1", "2", "3"])


@pytest.mark.parametrize("length", [0, 5, 40, -1])
def test_only_a_damaged_shard_is_computed_anew(length: int, tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    work.run("k")
    path = shards.shard_folder(work.beside) / "2.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    assert (work.run("k"), work.asked) == ([1, 2, 3], ["2"])


def test_a_stopped_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    work = Work(tmp_path / "images.safetensors")
    for _ in zip(range(2), shards.sharded(["1", "2", "3"], beside=work.beside, key="k", compute=work, what="w"), strict=False):
        pass
    done = list(work.asked)
    assert work.run("k") == [1, 2, 3]
    assert (done + work.asked) == ["1", "2", "3"]


def test_shards_of_two_outputs_of_a_folder_do_not_meet_and_go_when_removed(tmp_path: Path) -> None:
    one, other = Work(tmp_path / "one.safetensors"), Work(tmp_path / "other.safetensors")
    one.run("k")
    other.run("k")
    shards.remove(one.beside)
    assert not shards.shard_folder(one.beside).exists()
    assert (other.run("k"), other.asked) == ([1, 2, 3], [])


# --- progress ----------------------------------------------------------------------------------------------------


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_log_gets_a_line_at_most_every_thirty_seconds_and_one_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    for _ in progress.progress(range(6), total=6, what="attack"):
        clock.now += 20
    said = capsys.readouterr().err
    assert said == textwrap.dedent("""\
        attack: 2/6 in 40 s, 0.05/s, 80 s left
        attack: 4/6 in 80 s, 0.05/s, 40 s left
        attack: 6/6 in 120 s, 0.05/s, 0 s left
        """)


def test_a_terminal_gets_one_line_that_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(sys, "stderr", screen)
    for _ in progress.progress("abc", total=3, what="score"):
        clock.now += 1
    lines = screen.getvalue().split("\r\x1b[K")
    assert [line.split(" in ")[0] for line in lines] == ["", "score: 1/3", "score: 2/3", "score: 3/3"]
    assert screen.getvalue().count("\n") == 1


# --- the log of a run --------------------------------------------------------------------------------------------

SNAKEMAKE = """\
Assuming unrestricted shared filesystem usage.
host: node
Building DAG of jobs...
Job stats:
job      count
-----  -------
train        2
total       10

Select jobs to execute...
Execute 2 jobs...

[Sat Nov 21 09:03:05 2026]
rule train:
    input: results/demo/data/signs/splits.json
    output: results/demo/training/signs_standard/seed0/weights.safetensors
    jobid: 7
    benchmark: results/demo/training/signs_standard/seed0/benchmark.tsv
    reason: Missing output files: results/demo/training/signs_standard/seed0/weights.safetensors
    wildcards: model=signs_standard, seed=0
    resources: tmpdir=/tmp

[Sat Nov 21 09:03:05 2026]
localrule write_config:
    output: results/demo/config.json
    jobid: 3
    reason: Missing output files: results/demo/config.json
    resources: tmpdir=/tmp
[Sat Nov 21 09:03:07 2026]
Finished jobid: 3 (Rule: write_config)
2 of 10 steps (20%) done
[Sat Nov 21 09:03:09 2026]
Finished jobid: 7 (Rule: train)
3 of 10 steps (30%) done
"""
FAILURE = """\
localrule attack:
    output: images.safetensors
    jobid: 4
    reason: Missing output files: images.safetensors
    wildcards: model=a, seed=0, attack=pgd
RuleException:
CalledProcessError in file "Snakefile", line 9:
Command 'exit 3' returned non-zero exit status 3.
[Sat Nov 21 09:03:05 2026]
Error in rule attack:
    message: None
    jobid: 4
    output: images.safetensors
    log: attack.log (check log file(s) for error details)
"""


def test_each_finished_job_is_a_line_with_its_rule_wildcards_and_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(launch, "time", clock)

    def slow() -> Any:
        for line in SNAKEMAKE.splitlines(keepends=True):
            clock.now += line.startswith("[Sat")  # a second per time stamp
            yield line

    assert list(launch.jobs(slow())) == ["[  2/10] write_config, 1.0 s", "[  3/10] train signs_standard 0, 3.0 s"]


def test_a_failed_job_is_told_and_not_counted_as_done() -> None:
    said = list(launch.jobs(FAILURE.splitlines()))
    assert "Error in rule attack:" in said
    assert not any(line.startswith("[ ") for line in said)


def test_sentences_of_refusals_are_passed_on() -> None:
    lines = ["ConfigError: The configuration has 1 problem:", "  - models.a.recipe: 'x' is not defined in recipes; known: y."]
    assert list(launch.jobs(lines)) == [line.strip() for line in lines]


def test_a_dead_runs_lock_is_cleared_and_a_live_ones_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    launch.LOCKS.mkdir(parents=True)
    lock = launch.LOCKS / "0.input.lock"
    unlock = [sys.executable, "-c", f"import pathlib; pathlib.Path({str(lock)!r}).unlink()"]
    lock.touch()
    launch.RUNS.mkdir(parents=True)
    (launch.RUNS / "999999999").touch()
    with launch.registered(unlock) as others:
        assert others == []
        assert not lock.exists()
        assert (launch.RUNS / str(os.getpid())).exists()
        lock.touch()
        monkeypatch.setattr(launch, "_alive", lambda _: True)
        with launch.registered(unlock) as others:
            assert os.getpid() in others
            assert lock.exists()
    assert not (launch.RUNS / str(os.getpid())).exists()


# --- refusals ----------------------------------------------------------------------------------------------------


def ended(body: str) -> subprocess.CompletedProcess[str]:
    code = f"from robustgen.core.refusal import Refused, command\ndef main():\n    {body}\ncommand(main)\n"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(SCRIPTS)}
    )


def test_a_refusal_is_its_sentence_and_status_1() -> None:
    found = ended("raise Refused('Give one or the other.')")
    assert (found.returncode, found.stderr) == (1, "Refused: Give one or the other.\n")


def test_a_full_disk_is_a_sentence_with_the_file() -> None:
    found = ended("raise OSError(28, 'No space left on device', 'rows.parquet')")
    assert found.returncode == 1
    assert found.stderr.startswith("No space left on device: rows.parquet; free space")
    assert found.stderr.count("\n") == 1


def test_any_other_error_keeps_its_traceback() -> None:
    found = ended("raise ValueError('a defect')")
    assert found.returncode == 1
    assert "Traceback (most recent call last)" in found.stderr
    assert found.stderr.endswith("ValueError: a defect\n")


def test_success_is_silent() -> None:
    found = ended("pass")
    assert (found.returncode, found.stderr) == (0, "")


def test_plain_json_is_sorted_so_that_equal_values_are_equal_bytes(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a", {"b": 1, "a": 2})
    files.write_json(tmp_path / "b", {"a": 2, "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text(encoding="utf-8")) == {"a": 2, "b": 1}
