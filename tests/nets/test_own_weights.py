"""Weights of one's own: brought into form as they are, whoever wrote the file, or refused with what
does not fit.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from made_models import images_of
from robustgen.core.files import BadFile
from robustgen.core.refusal import Refused
from robustgen.nets import own, weights
from robustgen.nets.keymap import Keys
from test_nets import SMALL, batch, settled

State = dict[str, torch.Tensor]


def bring(path: Path, keys: Keys | None = None) -> nn.Sequential:
    """The small net with the weights of a file."""
    return own.bring(path, SMALL, images_of(SMALL), keys=keys or {})


def bare() -> State:
    """A net's state_dict, as its author would save it: without our normalising layer."""
    return settled(SMALL)[1].state_dict()


def prefixed(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


FORMS: dict[str, Callable[[Path], None]] = {
    "bare.pt": lambda path: torch.save(bare(), path),
    "whole.pt": lambda path: torch.save(settled(SMALL).state_dict(), path),
    "nested.pth": lambda path: torch.save({"epoch": 3, "state_dict": bare()}, path),
    "model.pth": lambda path: torch.save({"acc": 93.1, "model": bare()}, path),
    "last.pt": lambda path: torch.save({"best": {}, "last": bare(), "epoch": 3}, path),
    "net.t7": lambda path: torch.save({"net": bare(), "acc": 95.0}, path),
    "twice.pt": lambda path: torch.save({"model": {"state_dict": bare(), "lr": 0.1}}, path),
    "parallel.pt": lambda path: torch.save(prefixed("module.", bare()), path),
    "wrapped.pt": lambda path: torch.save(prefixed("module.model.", bare()), path),
    "uncounted.pt": lambda path: torch.save(
        {k: v for k, v in bare().items() if "num_batches" not in k}, path
    ),
    "bare.safetensors": lambda path: save_file(bare(), path),
    "ours.safetensors": lambda path: weights.save(path, settled(SMALL), SMALL),
}


@pytest.mark.parametrize("name", FORMS)
def test_weights_of_any_form_are_taken_as_they_are(name: str, tmp_path: Path) -> None:
    """Logits are those of the net bit for bit: no statistic of a batch norm has moved."""
    FORMS[name](tmp_path / name)
    found = bring(tmp_path / name)
    assert not found.training
    assert torch.equal(found(batch(2)), settled(SMALL)(batch(2)))


def test_half_precision_becomes_the_net_s_own(tmp_path: Path) -> None:
    half = {k: v.half() if v.is_floating_point() else v for k, v in bare().items()}
    torch.save(half, tmp_path / "half.pt")
    found = bring(tmp_path / "half.pt")[1].state_dict()
    for name, value in bare().items():
        assert found[name].dtype == value.dtype, name
        assert torch.equal(found[name], half[name].to(value.dtype)), name


def without(name: str) -> State:
    return {key: value for key, value in bare().items() if key != name}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            lambda: without("linear.bias"),
            r"it lacks linear\.bias\. In order, the first tensors that differ are none in the file "
            r"and linear\.bias \[5\] in the net; check kind and options, or write the names as ke",
        ),
        (
            lambda: bare() | {"head.weight": torch.zeros(2)},
            r"it has head\.weight, which the net has not\. .* head\.weight \[2\] in the file and",
        ),
        (
            lambda: bare() | {"linear.bias": torch.zeros(99)},
            r"it has other shapes in linear\.bias\. .* linear\.bias \[99\] in the file and linear",
        ),
        (
            lambda: bare() | {"linear.bias": torch.full_like(bare()["linear.bias"], torch.nan)},
            ("it gives NaN or infinite logits"),
        ),
        (
            lambda: bare() | {"module.linear.bias": torch.zeros(5)},
            r"it has more than one tensor for linear\.bias",
        ),
        (
            lambda: [1, 2],
            ("holds no state_dict, a map of names to tensors; write it with torch.save"),
        ),
        (lambda: {"epoch": 3}, "holds no state_dict"),
        (dict, "holds no state_dict"),
        (lambda: {"model": {"epoch": 3}}, "holds no state_dict"),
    ],
)
def test_what_does_not_fit_is_told(held: Callable[[], Any], said: str, tmp_path: Path) -> None:
    torch.save(held(), tmp_path / "mine.pt")
    with pytest.raises(Refused, match=said):
        bring(tmp_path / "mine.pt")
    assert (tmp_path / "mine.pt").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"gone\.pt does not exist; models\.\*\.weights must name"):
        bring(tmp_path / "gone.pt")


# --- key maps ---

BLOCK = {  # ours -> torchvision's
    "first.0.": "conv1.",
    "first.1.": "bn1.",
    "second.0.": "conv2.",
    "second.1.": "bn2.",
    "shortcut.0.": "downsample.0.",
    "shortcut.1.": "downsample.1.",
}


def torchvisions(name: str) -> str:
    """What torchvision calls a tensor of our ResNet10."""
    name = name.replace("stem.0.", "conv1.").replace("stem.1.", "bn1.").replace("linear.", "fc.")
    for number in range(4):
        head = f"stages.{number}.0."
        for ours, theirs in BLOCK.items():
            name = name.replace(head + ours, f"layer{number + 1}.0.{theirs}")
    return name


def foreign() -> State:
    return {torchvisions(name): value for name, value in bare().items()}


def pasted(error: BaseException) -> dict[str, str]:
    """The key map that a sentence proposes, read as YAML."""
    import yaml

    text = str(error)
    return yaml.safe_load(text[text.index("keys: {") :].removesuffix("."))["keys"]


def test_names_of_another_library_are_told_with_the_map_that_turns_them(tmp_path: Path) -> None:
    """Two layers of the stem, four of each block, three shortcuts, the linear one."""
    path = tmp_path / "resnet.pth"
    torch.save({"state_dict": prefixed("module.", foreign())}, path)
    with pytest.raises(
        Refused,
        match=r"it lacks linear\.bias, .* and \d+ more; it has bn1\.bias, .*, which the net has "
        r"not\. In order the tensors have the shapes of the net's; if they are its layers, write k",
    ) as refused:
        bring(path)
    keys = pasted(refused.value)
    assert len(keys) == 2 + 4 * 4 + 3 + 1
    assert keys["conv1."] == "stem.0."
    assert keys["layer2.0.downsample."] == "stages.1.0.shortcut."
    assert torch.equal(bring(path, keys)(batch(2)), settled(SMALL)(batch(2)))


def test_a_map_may_name_what_wraps_the_net(tmp_path: Path) -> None:
    torch.save(prefixed("module.", foreign()), tmp_path / "w.pt")
    with pytest.raises(Refused) as refused:
        bring(tmp_path / "w.pt")
    keys = {f"module.{theirs}": ours for theirs, ours in pasted(refused.value).items()}
    assert torch.equal(bring(tmp_path / "w.pt", keys)(batch(2)), settled(SMALL)(batch(2)))


def test_stages_of_another_name_are_one_entry(tmp_path: Path) -> None:
    held = {
        name.replace("stages.", "blocks.").replace("linear.", "head."): value
        for name, value in bare().items()
    }
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(Refused) as refused:
        bring(tmp_path / "w.pt")
    assert pasted(refused.value) == {"blocks.": "stages.", "head.": "linear."}


def test_equal_shapes_of_other_parts_are_no_proposal(tmp_path: Path) -> None:
    """A norm's weight and bias have one shape; a file that has the bias first is not turned."""
    names = list(bare())
    first, second = names.index("stem.1.weight"), names.index("stem.1.bias")
    names[first], names[second] = names[second], names[first]
    torch.save({torchvisions(name): bare()[name] for name in names}, tmp_path / "w.pt")
    with pytest.raises(
        Refused,
        match=r"differ are bn1\.bias \[8\] in the file and stem\.1\.weight \[8\] in the net",
    ):
        bring(tmp_path / "w.pt")


def test_safetensors_are_compared_by_name_for_they_keep_no_order(tmp_path: Path) -> None:
    held = {f"backbone.{name}": value for name, value in bare().items()}
    save_file(held, tmp_path / "w.safetensors")
    with pytest.raises(Refused) as refused:
        bring(tmp_path / "w.safetensors")
    keys = pasted(refused.value)
    assert keys == {f"backbone.{part}.": f"{part}." for part in ("linear", "stages", "stem")}
    found = bring(tmp_path / "w.safetensors", keys)
    assert torch.equal(found(batch(2)), settled(SMALL)(batch(2)))


def test_a_tensor_that_the_map_drops_is_not_asked_for(tmp_path: Path) -> None:
    torch.save(bare() | {"head.weight": torch.zeros(2), "old.a": torch.zeros(1)}, tmp_path / "w.pt")
    found = bring(tmp_path / "w.pt", {"head.weight": "", "old.": None})
    assert torch.equal(found(batch(2)), settled(SMALL)(batch(2)))


def test_an_entry_that_matches_nothing_is_told(tmp_path: Path) -> None:
    torch.save(bare(), tmp_path / "w.pt")
    with pytest.raises(Refused, match=r"it has nothing that `keys` calls conv1, stme\., neither"):
        bring(tmp_path / "w.pt", {"conv1": "stem", "stme.": "stem."})


def test_a_map_beside_a_file_of_ours_is_refused(tmp_path: Path) -> None:
    weights.save(tmp_path / "w.safetensors", settled(SMALL), SMALL)
    with pytest.raises(Refused, match=r"is a weights file of this project.*leave out keys"):
        bring(tmp_path / "w.safetensors", {"a.": "b."})


# --- a file's own normalisation ---


def buffers(mean: str, std: str, values: tuple[float, ...] = SMALL.mean) -> State:
    shape = (1, 3, 1, 1)
    return {
        mean: torch.tensor(values).reshape(shape),
        std: torch.tensor(SMALL.std).reshape(shape),
    }


@pytest.mark.parametrize(
    ("mean", "std"), [("mu", "sigma"), ("normalize.mean", "normalize.std"), ("0.mean", "0.std")]
)
def test_a_normalisation_in_the_file_is_told_and_dropped_by_the_map(
    mean: str, std: str, tmp_path: Path
) -> None:
    torch.save(buffers(mean, std) | prefixed("model.", bare()), tmp_path / "w.pt")
    with pytest.raises(
        Refused,
        match=rf"the net that models.* names: it has {mean}, {std} of a normalisation, which here "
        r"is done before the net by datasets\.\*\.mean and std\. In order",
    ) as refused:
        bring(tmp_path / "w.pt")
    keys = pasted(refused.value)
    assert keys == {mean: "", std: ""}
    assert torch.equal(bring(tmp_path / "w.pt", keys)(batch(2)), settled(SMALL)(batch(2)))


def test_another_normalisation_than_the_configured_one_is_told(tmp_path: Path) -> None:
    torch.save(buffers("mu", "sigma", (0.4914, 0.4822, 0.4465)) | bare(), tmp_path / "w.pt")
    with pytest.raises(
        Refused,
        match=r"it says that mu is 0\.4914, 0\.4822, 0\.4465, where datasets\.\*\.mean is "
        r"0\.4, 0\.5, 0\.6\. In order",
    ) as refused:
        bring(tmp_path / "w.pt")
    assert "sigma is" not in str(refused.value)


# --- files that are not what they seem ---


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.mark,))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "save",
    [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))],
    ids=["torch", "pickle"],
)
def test_a_checkpoint_is_not_executed(save: Callable[..., Any], tmp_path: Path) -> None:
    save({"state_dict": Trap(tmp_path / "executed")}, tmp_path / "mine.pt")
    with pytest.raises(
        Refused, match=r"plain tensors \([^.]*\); write it with torch.save"
    ) as refused:
        bring(tmp_path / "mine.pt")
    assert "weights_only" not in str(refused.value)
    assert not (tmp_path / "executed").exists()


def test_a_page_in_the_place_of_a_checkpoint_is_told(tmp_path: Path) -> None:
    """A file that a drive offers behind a page which asks for consent arrives as that page."""
    (tmp_path / "mine.pt").write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(
        Refused, match=r"mine\.pt is a web page and no checkpoint; download it again"
    ):
        bring(tmp_path / "mine.pt")


def test_ones_own_file_is_never_renamed(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_file(bare(), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadFile, match="put a whole one in its place"):
        bring(path)
    assert path.exists()
