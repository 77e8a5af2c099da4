"""The configuration: studies load, every mistake is told at once, what is generated is up
to date.
"""

import copy
import csv
import json
import typing
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import write_schema
from configs import changed, problems, small
from conftest import ROOT, Copy
from robustgen.study import config
from robustgen.study.config import ConfigError
from robustgen.study.schema import Study

settings.load_profile("ci")  # no deadline, same examples in every run
FOLDER = Path(__file__).resolve().parents[2] / "config"
BASE = FOLDER / "config.yaml"
NO_STUDY = {"reference.yaml", "claims.yaml", "report.yaml", BASE.name}
OVERLAYS = sorted(path for path in FOLDER.glob("*.yaml") if path.name not in NO_STUDY)
STUDIES = [(BASE,), *((BASE, path) for path in OVERLAYS)]
PUBLISHED_NUMBERS = 652


def merged(paths: tuple[Path, ...]) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    for path in paths:
        raw = config.overlay(raw, yaml.safe_load(path.read_text(encoding="utf-8")))
    return raw


# --- studies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("paths", STUDIES, ids=lambda paths: paths[-1].stem)
def test_a_study_loads_under_its_own_name(paths: tuple[Path, ...]) -> None:
    name = "paper" if len(paths) == 1 else paths[-1].stem
    assert config.load(*paths).study == name


def test_the_demo_is_one_of_the_studies() -> None:
    assert "demo" in {path.stem for path in OVERLAYS}


@pytest.mark.parametrize("paths", STUDIES, ids=lambda paths: paths[-1].stem)
def test_an_overlay_names_only_outputs_models_and_attacks_that_exist(
    paths: tuple[Path, ...],
) -> None:
    study = config.load(*paths)
    for name in study.outputs:
        entry = study.tables.get(name) or study.figures[name]
        assert set(entry.models) <= set(study.models)
        assert set(entry.attacks) <= set(study.attacks)


# --- refusals -------------------------------------------------------------------------------------


def test_a_whole_configuration_is_accepted() -> None:
    assert config.checked(small()).models["plain"].dataset == "digits"


MISTAKES = [
    ("seedz", 1, "unknown key; did you mean 'seed"),
    ("recipes.short.epoch", 1, "unknown key; did you mean 'epochs'?"),
    ("recipes.short.objective", {"kind": "gaussian", "option": {}}, "did you mean 'options'?"),
    ("recipes.short.epochs", "many", "must be a whole number above 0, not 'many'."),
    ("recipes.short.options", {"lr": "1/0"}, "lr: must be a number above 0, not '1/0'."),
    ("datasets.digits.eps", ["8/0"], "0: must be a number or a fraction above 0, not '8/0'."),
    ("datasets.digits.eps", [0.1, -0.1], "1: must be a number or a fraction above 0, not -0.1."),
    ("datasets.digits.eps", [float("nan")], "0: must be a number or a fraction above 0, not nan."),
    ("datasets.digits.mean", [float("inf")], "0: must be a number or a fraction, not inf."),
    ("datasets.digits.std", ["1e400"], "0: must be a number or a fraction above 0, not '1e400'."),
    ("attacks.pgd.options.rel_step", 0.1, "is given beside step; keep one of the two."),
    ("detectors.energy.fpr", float("nan"), "a fraction above 0 and below 1, not nan."),
    ("detectors.energy.fpr", 1, "must be a number or a fraction above 0 and below 1, not 1."),
    ("models.plain.recipe", "shrt", "'shrt' is not defined in recipes; did you mean 'short'?"),
    ("models.plain.dataset", "zzz", "'zzz' is not defined in datasets; known: digits."),
    ("models.plain.kind", "resnett", "'resnett' is no kind of models; did you mean 'resnet'?"),
    ("attacks.pgd.kind", "loop", "'loop' is no kind of attacks; known: autoattack,"),
    ("datasets.digits.kind", "digitz", "'digitz' is no kind of data; did you mean 'digits'?"),
    ("figures.fig_2b.kind", "by_step", "is no kind of figures; did you mean 'by_steps'?"),
    ("figures.fig_2b.models", ["plane"], "0: 'plane' is not defined in models; did you mean"),
    ("outputs", ["table_2"], "0: 'table_2' is defined neither in tables nor in figures; did you"),
    ("study", "No Name", "must be a name of small letters, digits and _, a letter first, not 'No"),
]


@pytest.mark.parametrize(("path", "value", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_was_meant(
    path: str, value: Any, said: str
) -> None:
    (line,) = problems(changed(path, value))
    assert line.startswith(path)
    assert said in line


def test_a_missing_key_is_told() -> None:
    raw = small()
    del raw["models"]["plain"]["dataset"]
    assert problems(raw) == ["models.plain.dataset: is missing and has no default."]


def test_all_mistakes_are_told_at_once() -> None:
    raw = small()
    raw["seedz"] = 1
    raw["recipes"]["short"]["epochs"] = "many"
    raw["datasets"]["digits"]["eps"] = ["8/0", float("nan"), -0.1, "8/255"]
    raw["models"]["plain"] |= {"dataset": "digit", "kind": "resnett"}
    raw["attacks"]["pgd"]["sweep"] = {"eps": [0, 8], "steps": []}
    raw["outputs"].append("fig_2c")
    places = sorted(line.split(":")[0] for line in problems(raw))
    assert places == sorted(
        [
            "seedz",
            "recipes.short.epochs",
            "datasets.digits.eps.0",
            "datasets.digits.eps.1",
            "datasets.digits.eps.2",
            "models.plain.dataset",
            "models.plain.kind",
            "attacks.pgd.sweep.eps",
            "attacks.pgd.sweep.steps",
            "outputs.2",
        ]
    )


@pytest.mark.parametrize("value", [3, "text", [1], {"plain": 3}, {"plain": None}, None], ids=repr)
@pytest.mark.parametrize(
    "key",
    ["datasets", "recipes", "models", "attacks", "detectors", "measures", "tables", "figures"],
)
def test_a_block_of_the_wrong_type_is_told_and_not_a_traceback(key: str, value: Any) -> None:
    assert any(
        line.split(":")[0].split(".")[0] == key for line in problems({**small(), key: value})
    )


def test_weights_that_users_bring_by_hand_are_told_with_where_they_can_be_had() -> None:
    asked = {"outputs": ["table_3_7"], "left_out": {"table_3_7": None}}
    (line,) = problems(
        config.overlay(yaml.safe_load((ROOT / "config/config.yaml").read_text()), asked)
    )
    assert "models.imagenette_biggan.weights: there is no file weights/biggan_128_G_ema.pth" in line
    assert "(G_ema.pth of 128 pixels is linked in the README of github.com/ajbrock/" in line
    assert line.endswith("or train a substitute by a `recipe` in the place of `weights`.")


def told(raw: dict[str, Any]) -> str:
    """The refusal of a configuration; empty where it is accepted."""
    try:
        config.checked(raw)
    except ConfigError as error:
        return str(error)
    return ""


@given(
    st.dictionaries(
        st.sampled_from(sorted(Study.model_fields)), st.none() | st.integers() | st.text(max_size=3)
    )
)
def test_wrong_types_anywhere_give_the_study_or_a_refusal_of_a_line_per_problem(
    wrong: dict[str, Any],
) -> None:
    heading, *lines = told({**small(), **wrong}).splitlines() or [""]
    assert bool(heading) == bool(lines)
    assert all(line.startswith("  - ") for line in lines)


@pytest.mark.parametrize(
    "text", ["a: [1", "- study\n- seeds\n", "just a sentence"], ids=["broken", "list", "text"]
)
def test_a_file_that_is_no_map_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        config.load(BASE, path)


# --- values ---------------------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_fraction_is_the_exact_float(top: int, bottom: int) -> None:
    study = config.checked(
        changed(
            "datasets.digits", {**small()["datasets"]["digits"], "eps_l2": f" {top} / {bottom} "}
        )
    )
    assert study.datasets["digits"].eps_l2 == (float(Fraction(top, bottom)),) == (top / bottom,)


plain = st.none() | st.integers() | st.lists(st.integers(), max_size=2)
trees = st.recursive(
    plain, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)
maps = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


def leaf(tree: Any, key: str) -> Any:
    return tree.get(key, "absent") if isinstance(tree, dict) else "absent"


@given(maps, maps)
def test_an_overlay_merges_maps_and_replaces_all_else(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    held = copy.deepcopy(below), copy.deepcopy(above)
    both = config.overlay(below, above)
    assert (below, above) == held
    assert set(both) == set(below) | set(above)
    for key in both:
        if isinstance(leaf(above, key), dict) and isinstance(leaf(below, key), dict):
            assert both[key] == config.overlay(below[key], above[key])
        else:
            assert both[key] == (above[key] if key in above else below[key])


def test_an_overlay_keeps_the_keys_beside_and_drops_the_old_list() -> None:
    below = {"sweep": {"steps": [1, 2, 3], "eps": [1]}, "outputs": ["a", "b"]}
    above = {"sweep": {"steps": [4]}, "outputs": ["c"]}
    assert config.overlay(below, above) == {
        "sweep": {"steps": [4], "eps": [1]},
        "outputs": ["c"],
    }


def test_a_study_is_frozen() -> None:
    study = config.checked(small())
    with pytest.raises(ValidationError, match="frozen"):
        study.seed = 1
    with pytest.raises(ValidationError, match="frozen"):
        study.recipes["short"].epochs = 3


def test_planning_a_study_imports_neither_torch_nor_pandas() -> None:
    code = (
        "import sys; from robustgen.study.config import load;"
        "from robustgen.study.plan import Plan;"
        "from robustgen.study.flow import jobs; jobs(Plan(load('config/config.yaml')));"
        "print({'torch', 'pandas', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    found = Copy(ROOT).run("env", "PYTHONPATH=scripts", "python", "-c", code)
    assert found.stdout == "set()\n"


# --- what is generated ----------------------------------------------------------------------------


def test_generated_files_are_what_would_be_generated_now(tmp_path: Path) -> None:
    write_schema.main(["--out", str(tmp_path)])
    for made in sorted(tmp_path.iterdir()):
        assert (FOLDER / made.name).read_text("utf-8") == made.read_text("utf-8"), made.name


def blocks(block: type[BaseModel] = Study) -> typing.Iterator[type[BaseModel]]:
    """A block and all blocks that it holds."""
    yield block
    for field in block.model_fields.values():
        for one in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield from blocks(one)


@pytest.mark.parametrize("block", list(dict.fromkeys(blocks())), ids=lambda block: block.__name__)
def test_every_key_has_a_sentence(block: type[BaseModel]) -> None:
    assert block.__doc__
    for name, field in block.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("paths", STUDIES, ids=lambda paths: paths[-1].stem)
def test_a_study_is_valid_by_the_schema_that_its_file_points_editors_to(
    paths: tuple[Path, ...],
) -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    said = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(merged(paths))
    ]
    assert said == []


def test_every_published_number_stands_once() -> None:
    with (FOLDER / "paper.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = {
        tuple(row[name] for name in ("work", "table", "dataset", "row", "column")) for row in rows
    }
    assert len(rows) == len(keys) == PUBLISHED_NUMBERS
