"""YAML files: what is wrong with one is said with its file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import yaml

from robustgen.core.refusal import Refused
from robustgen.core.words import printable

NO_STUDIES = ("claims.yaml", "config.yaml", "reference.yaml", "report.yaml")


class Unclear(yaml.MarkedYAMLError):
    """Valid YAML that cannot be meant."""


class Loader(yaml.SafeLoader):
    """The safe loader, which also refuses a key that a map holds twice and an alias inside of what
    it names.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.open: list[str | None] = []  # the anchors of the maps and lists that are being read

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent) and event.anchor in self.open:
            _refuse(
                (f"the alias *{event.anchor} stands inside of what it names; write that out"),
                event.start_mark,
            )
        self.open.append(getattr(event, "anchor", None))
        node = super().compose_node(parent, index)
        self.open.pop()
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (line := lines.get((key.tag, key.value))) is not None:
                _refuse(
                    (f"the key {key.value!r} is given twice, first on line {line}; keep one"),
                    key.start_mark,
                )
            lines[key.tag, key.value] = key.start_mark.line + 1
        return node


def read_map(path: str | Path) -> dict[str, Any]:
    """The map of keys in a YAML file."""
    content = read(path)
    if not isinstance(content, dict):
        what = (
            "a list" if isinstance(content, list) else f"the value {printable(str(content))[:40]!r}"
        )
        raise Refused(f"{path}, line 1: must hold a map of keys such as `study: mine`, not {what}.")
    return content


def read(path: str | Path) -> Any:
    """What a YAML file holds."""
    text = _text(Path(path))
    try:
        content = yaml.load(text, Loader)  # a safe loader: it builds no objects
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(f"{path}, line {mark.line + 1 if mark else 1}: {_said(error)}.") from error
    except (
        yaml.YAMLError,
        ValueError,
    ) as error:  # characters that YAML does not allow, dates that do not exist
        raise Refused(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    except RecursionError as error:
        raise Refused(f"{path} is nested too deeply to be read.") from error
    if content is None:
        raise Refused(
            f"{path} is empty; write into it what it is to change, such as `study: mine`."
        )
    return content


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise Refused(f"{path} does not exist{_studies(path.parent)}.") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Refused(
            f"{path}, line {line}: is not UTF-8; save the file in that encoding."
        ) from error


def _studies(folder: Path) -> str:
    """The studies that lie in the folder of a file that is not there."""
    names = sorted(path.stem for path in folder.glob("*.yaml") if path.name not in NO_STUDIES)
    return f"; the studies in {folder} are {', '.join(names)}" if names else ""


def _said(error: yaml.MarkedYAMLError) -> str:
    problem = printable(" ".join((error.problem or "").split()))
    if isinstance(error, Unclear):
        return problem
    if "'\\t'" in problem:
        return "a tab stands where only spaces may; indent with spaces"
    return f"is not valid YAML: {problem}"


def _refuse(problem: str, mark: Any) -> NoReturn:
    raise Unclear(None, None, problem, mark)
