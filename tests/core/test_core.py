"""Seeds, progress, the log of a run, and refusals."""

import io
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgen.core import files, progress, seeds
from robustgen.run import launch

settings.load_profile("ci")  # no deadline, same examples in every run
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

# --- seeds ----------------------------------------------------------------------------------------

values = st.integers(-5, 5) | st.text("ab", max_size=2) | st.sampled_from([0.5, 1.5])
axes = st.dictionaries(st.sampled_from(["model", "use", "epoch", "split"]), values, max_size=4)


@given(st.integers(0, 2**32), axes, st.randoms())
def test_the_order_of_axes_does_not_matter(seed: int, named: dict[str, Any], random: Any) -> None:
    pairs = list(named.items())
    random.shuffle(pairs)
    assert seeds.seed_of(seed, **dict(pairs)) == seeds.seed_of(seed, **named)


@given(st.integers(0, 99), axes, st.integers(0, 99), axes)
def test_seeds_are_equal_only_where_study_and_axes_are(
    one: int, a: dict[str, Any], other: int, b: dict[str, Any]
) -> None:
    assert (seeds.seed_of(one, **a) == seeds.seed_of(other, **b)) == ((one, a) == (other, b))


@given(st.integers(0, 2**40), axes)
def test_a_seed_has_63_bits(seed: int, named: dict[str, Any]) -> None:
    assert 0 <= seeds.seed_of(seed, **named) < 2**63


def test_an_axis_that_is_left_out_is_shared() -> None:
    drawn = {attack: seeds.numpy_generator(3, seed=1).normal() for attack in ("pgd", "apgd")}
    assert drawn["pgd"] == drawn["apgd"] != seeds.numpy_generator(3, seed=1, attack="pgd").normal()


def test_both_generators_repeat_themselves_and_differ_by_axis() -> None:
    import torch

    first, again, other = (
        torch.rand(9, generator=seeds.generator(0, epoch=e)).tolist() for e in (1, 1, 2)
    )
    assert first == again != other
    first, again, other = (seeds.numpy_generator(0, epoch=e).random(9).tolist() for e in (1, 1, 2))
    assert first == again != other


def test_a_seed_is_the_same_on_every_machine_and_day() -> None:
    import hashlib

    text = '[7, [["model", "a"], ["seed", 0]]]'
    assert (
        seeds.seed_of(7, seed=0, model="a")
        == int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) // 2
    )


# --- progress -------------------------------------------------------------------------------------


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
    assert [line.split(" in ")[0] for line in lines] == [
        "",
        "score: 1/3",
        "score: 2/3",
        "score: 3/3",
    ]
    assert screen.getvalue().count("\n") == 1


# --- the log of a run -----------------------------------------------------------------------------

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
Logfile attack.log:
================
attack: 3/4 in 30 s
The attack of lab.momentum returns a Tensor.
================
"""
TRACEBACK = "Traceback (most recent call last):\n  File x, line 1\nKeyError: 'steps'"


def test_each_finished_job_is_a_line_with_its_rule_wildcards_and_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(launch, "time", clock)

    def slow() -> Any:
        for line in SNAKEMAKE.splitlines(keepends=True):
            clock.now += line.startswith("[Sat")  # a second per time stamp
            yield line

    assert list(launch.jobs(slow())) == [
        "[  2/10] write_config, 1.0 s",
        ("[  3/10] train signs_standard 0, 3.0 s"),
    ]


def test_a_failed_job_is_told_and_not_counted_as_done() -> None:
    (said,) = launch.jobs(FAILURE.splitlines())
    assert said.strip() == "attack a 0 pgd failed: The attack of lab.momentum returns a Tensor."


def test_a_defect_is_told_with_its_whole_traceback() -> None:
    (said,) = launch.jobs(
        FAILURE.replace("The attack of lab.momentum returns a Tensor.", TRACEBACK).splitlines()
    )
    assert [line.strip() for line in said.splitlines()[1:]] == [
        "File x, line 1",
        "KeyError: 'steps'",
    ]


def test_what_snakemake_says_before_any_job_is_shown_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = [
        sys.executable,
        "-c",
        ("import sys; print('MissingRuleException:'); print('No rule to produce x.'); sys.exit(1)"),
    ]
    assert launch.run(said, tmp_path / "log") == 1
    assert "No rule to produce x." in capfd.readouterr().out


# --- refusals -------------------------------------------------------------------------------------


def ended(body: str) -> subprocess.CompletedProcess[str]:
    code = (
        "from robustgen.core.command import command\nfrom robustgen.core.refusal import Refused\n"
        "def main():\n    "
        f"{body}\ncommand(main)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SCRIPTS)},
    )


def test_a_refusal_is_its_sentence_and_status_1() -> None:
    found = ended("raise Refused('Give one or the other.')")
    assert (found.returncode, found.stderr) == (1, "Give one or the other.\n")


def test_a_reader_that_has_seen_enough_ends_a_command_without_a_word() -> None:
    """As `make why | head` does: the end that is read from is closed while the command prints."""
    code = (
        "from robustgen.core.command import command\n"
        "def main():\n    for _ in range(10_000):\n        print('x' * 1000)\n"
        "command(main)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(SCRIPTS)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "x" * 1000 + "\n"
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (0, "")


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
