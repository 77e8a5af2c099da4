"""Weights are read without executing and only into the net that the configuration names; every net
is tried before its use.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from made_models import images_of, model_of
from robustgen.core.contracts import RefusedModule
from robustgen.core.files import BadFile
from robustgen.core.refusal import Refused
from robustgen.core.tensors import write_with
from robustgen.nets import weights
from robustgen.nets.ready import check_scores, ready
from robustgen.nets.spec import Model, Spec
from test_nets import SMALL, batch, settled

Own = Callable[[str], str]  # a module's text -> its kind


@cache
def state() -> dict[str, torch.Tensor]:
    """The weights of a small net."""
    return settled(SMALL).state_dict()


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    model = settled(SMALL)
    weights.save(tmp_path / "w.safetensors", model, SMALL)
    found = weights.load(tmp_path / "w.safetensors", SMALL)
    assert not found.training
    expected = model.state_dict()
    assert found.state_dict().keys() == expected.keys()
    for name, tensor in found.state_dict().items():
        assert (tensor.dtype, tensor.numpy().tobytes()) == (
            expected[name].dtype,
            expected[name].numpy().tobytes(),
        ), name
    assert torch.equal(found(batch(2)), model(batch(2)))


def test_equal_weights_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        weights.save(tmp_path / name, settled(SMALL), SMALL)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_damaged_weights_are_refused_with_a_sentence(length: int, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, settled(SMALL), SMALL)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(
        BadFile, match=(r"(?s)w\.safetensors is not .*; put a whole one in its place\.$")
    ):
        weights.load(path, SMALL)


def test_missing_weights_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises((BadFile, FileNotFoundError), match=r"gone\.safetensors"):
        weights.load(tmp_path / "gone.safetensors", SMALL)


def test_tensors_without_a_spec_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(BadFile, match="is not a weights file of this project"):
        weights.load(tmp_path / "foreign.safetensors", SMALL)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"kind": "own.module"},
            ("kind is 'own.module' in the file and 'resnet' in the configuration"),
        ),
        (
            {"options": {"width": 10**7}},
            ("options is {'width': 10000000} in the file and {'width': 8} in the configuration"),
        ),
        ({"classes": 6}, "classes is 6 in the file and 5 in the configuration"),
        ({"mean": [float("nan")] * 3}, "mean is .nan, nan, nan. in the file"),
        ({"std": "a" * 10**6}, r"std is 'a+\.\.\. in"),
        ({"channels": None}, "channels is None in the file and 3"),
    ],
)
def test_a_file_whose_spec_is_another_is_refused_before_anything_is_built(
    told: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module that the file names lies on the path; its import would fail the test."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/module.py").write_text("raise SystemExit('the file executed code')")
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "w.safetensors"
    write_with(save_file, path, state(), {"spec": json.dumps(asdict(SMALL) | told)})
    with pytest.raises(BadFile, match=words) as found:
        weights.load(path, SMALL)
    assert len(str(found.value)) < 1000


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"resnet"', "{}"])
def test_a_spec_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    write_with(save_file, tmp_path / "w.safetensors", state(), {"spec": text})
    with pytest.raises(
        BadFile, match=(r"does not say which model|kind is None in the file and 'resnet'")
    ):
        weights.load(tmp_path / "w.safetensors", SMALL)


def test_weights_that_do_not_fit_their_net_are_refused_in_one_line(tmp_path: Path) -> None:
    short = dict(list(state().items())[1:])
    write_with(save_file, tmp_path / "w.safetensors", short, {"spec": json.dumps(asdict(SMALL))})
    with pytest.raises(BadFile, match=r"does not fit its net .*Missing key") as found:
        weights.load(tmp_path / "w.safetensors", SMALL)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"channels": 0}, "channels must be a whole number of at least 1"),
        ({"size": 2.5}, "size must be a whole number"),
        ({"mean": (0.5, 0.5)}, r"datasets.\*.mean is \(0.5, 0.5\) for 3 channels"),
        ({"std": (0.0,)}, r"datasets.\*.std must be a finite number of at least 1e-06"),
        ({"mean": (math.nan,)}, "mean must be a finite number"),
        ({"options": [1]}, "a map of options"),
    ],
)
def test_a_spec_that_no_net_can_have_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        Spec(**{**asdict(SMALL), **wrong})


@pytest.mark.parametrize("change", [{"widht": 3}, {"kind": None}, None])
def test_a_model_without_its_fields_is_refused_with_them(
    change: dict[str, Any] | None, tmp_path: Path
) -> None:
    plain: Any = [] if change is None else asdict(model_of(tmp_path, SMALL)) | change
    if change == {"kind": None}:
        del plain["kind"]
    with pytest.raises(
        Refused,
        match="A model is given as a JSON map of name, kind, options, size, mean, std, data",
    ):
        Model.of(plain)


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    base = model_of(tmp_path, SMALL, path=tmp_path / "w.safetensors")
    model = model_of(tmp_path, Spec("own.kind", 3, 5, 32, (0.5,), (0.2,)), parts={"base": base})
    assert Model.of(json.loads(json.dumps(asdict(model), default=str))) == model
    assert model.files() == [tmp_path / "w.safetensors"]
    assert model.spec() == Spec("own.kind", 3, 5, 32, (0.5,) * 3, (0.2,) * 3)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.mark,))  # type: ignore[return-value]


@pytest.mark.parametrize("form", ["pickle", "torch"])
def test_a_pickle_that_poses_as_weights_is_refused_and_not_executed(
    form: str, tmp_path: Path
) -> None:
    mark, path = tmp_path / "executed", tmp_path / "w.safetensors"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Trap(mark)))
    else:
        torch.save(Trap(mark), path)
    words = (
        "a pickle, such as a PyTorch checkpoint"
        if form == "pickle"
        else ("a zip archive, such as a PyTorch checkpoint")
    )
    with pytest.raises(
        BadFile,
        match=(
            rf"w\.safetensors is {words}, not safetensors.*To bring weights "
            r"in.*weights\.save"
        ),
    ) as found:
        weights.load(path, SMALL)
    assert found.value.damaged is None
    assert not mark.exists()
    pickle.loads(pickle.dumps(Trap(mark)))  # the trap does work
    assert mark.exists()


# --- nets of a user's own ---

OWN = """
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(3 * 8 * 8, classes + {more})

    def forward(self, x):
        z = self.linear(x.flatten(1))
        return {answer}

def build(channels, classes, size):
    return Net(classes)
"""


@pytest.mark.parametrize(
    ("more", "answer", "words"),
    [
        (
            1,
            "z",
            (
                r"logits must be float \[2, 5\], one per class of the data set, not Tensor float32 "
                r"\[2, 6\]"
            ),
        ),
        (0, "z[:, :, None, None]", r"not Tensor float32 \[2, 5, 1, 1\]"),
        (0, "z.argmax(1)", r"not Tensor int64 \[2\]"),
        (0, "(z, x) if self.training else z", r"not a tuple"),
        (0, "z * float('nan')", "it gives NaN or infinite logits, before any training or attack"),
        (0, "z / 0", "it gives NaN or infinite logits"),
        (0, "z.reshape(3)", r"failed with RuntimeError: .* \(lab\d+/mine.py, line 11\)"),
    ],
)
def test_a_net_that_does_not_answer_as_it_must_is_refused(
    own: Own, more: int, answer: str, words: str
) -> None:
    kind = own(OWN.format(more=more, answer=answer))
    net = weights.untrained(spec_of(kind)).train()
    with pytest.raises(RefusedModule, match=f"^Net {kind}.* {words}"):
        check_scores(net, batch(2, size=8), kind=kind, classes=5)


def test_trained_weights_are_tried_before_they_are_used(own: Own, tmp_path: Path) -> None:
    kind, broken = own(OWN.format(more=0, answer="z")), own(OWN.format(more=0, answer="z.log()"))
    path, images = tmp_path / "w.safetensors", images_of(spec_of(kind))
    weights.save(path, weights.untrained(spec_of(kind)), spec_of(kind))
    model, other = (model_of(tmp_path, spec_of(name), path=path) for name in (kind, broken))
    assert ready(model, images)(images.tensors()[0]).shape == (4, 5)
    with pytest.raises(
        BadFile, match=(f"kind is '{kind}' in the file and '{broken}' in the configuration")
    ):
        ready(other, images)
    weights.save(path, weights.untrained(spec_of(broken)), spec_of(broken))
    with pytest.raises(RefusedModule, match=f"^Net {broken}: it gives NaN"):
        ready(other, images)


def test_a_model_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Model mine has no weights; train it, or name a file"):
        ready(model_of(tmp_path, SMALL), images_of(SMALL))


@pytest.mark.parametrize(
    ("text", "words"),
    [("build = dict", "build must return a torch.nn.Module, not a d"), ("", "has no attribute")],
)
def test_a_module_that_builds_no_net_is_named(own: Own, text: str, words: str) -> None:
    kind = own(text)
    with pytest.raises(RefusedModule, match=f"^Net {kind}.*{words}"):
        weights.untrained(Spec(kind, 3, 10, 32, (0.5,), (0.5,)))


def spec_of(kind: str) -> Spec:
    return Spec(kind, channels=3, classes=5, size=8, mean=(0.5,) * 3, std=(0.5,) * 3)
