"""The chapters of the page, as config/report.yaml declares them, and what belongs to each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from robustgen.core.digest import ROOT
from robustgen.core.refusal import Refused
from robustgen.study import yamls
from robustgen.study.schema import Block

CHAPTERS = ROOT.parent / "config/report.yaml"
MOST = 6  # figures of the story
NUMBER = re.compile(r"\bsections? ([\d.]*\d)")  # of a section, in the place of a claim


class Sentence(Block):
    """A sentence of a chapter's paragraph, told where its claim was measured."""

    claim: str
    says: str = Field(pattern=r"\{values\}")
    unit: Literal["", "%", "points"] = ""


class Chapter(Block):
    """A chapter of a work: its claims by section, its tables and figures by name."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    work: str
    title: str
    sections: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    story: tuple[str, ...] = ()
    paragraph: tuple[Sentence, ...] = ()

    def shows(self, output: str) -> bool:
        """Whether a table or figure belongs to the chapter."""
        return any(fnmatchcase(output, pattern) for pattern in self.outputs)

    def tells(self, place: str) -> bool:
        """Whether the place of a claim lies in one of the chapter's sections."""
        found = NUMBER.search(place)
        return any(found and _within(found[1], section) for section in self.sections)


class Outline(Block):
    """All works and chapters, in the order of the page."""

    works: dict[str, str]
    chapters: tuple[Chapter, ...]

    @field_validator("chapters")
    @classmethod
    def _distinct(cls, chapters: tuple[Chapter, ...]) -> tuple[Chapter, ...]:
        ids = [OWN.id, *(chapter.id for chapter in chapters)]
        if twice := [one for one in dict.fromkeys(ids) if ids.count(one) > 1]:
            raise ValueError(f"the id {twice[0]} is taken; choose another")
        return chapters

    @property
    def story(self) -> list[str]:
        """The figures that the page opens with."""
        return [name for chapter in self.chapters for name in chapter.story][:MOST]

    def author(self, chapter: Chapter) -> str:
        """The work of a chapter by author and year, as its title begins."""
        return self.works.get(chapter.work, chapter.work).split(",")[0]

    def of_output(self, name: str) -> Chapter:
        """The chapter of a table or figure; that of the user's own where none names it."""
        return next((chapter for chapter in self.chapters if chapter.shows(name)), OWN)

    def of_claim(self, claim: dict[str, Any]) -> Chapter:
        """The chapter of a claim: by its section, else the one that takes the rest of its work."""
        mine = [chapter for chapter in self.chapters if chapter.work == claim["work"]]
        named = (chapter for chapter in mine if chapter.tells(claim["place"]))
        rest = (chapter for chapter in mine if not chapter.sections)
        return next(named, next(rest, OWN))

    def in_order(self, used: Iterable[Chapter]) -> list[Chapter]:
        """The chapters that hold something, in the order of the page."""
        found = {chapter.id for chapter in used}
        return [chapter for chapter in (*self.chapters, OWN) if chapter.id in found]


OWN = Chapter(id="own", work="", title="Your own")


def outline(path: Path = CHAPTERS) -> Outline:
    """What the file of chapters says."""
    try:
        return Outline.model_validate(yamls.read_map(path))
    except ValidationError as error:
        said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise Refused("\n".join(f"{path}: {line}." for line in said)) from error


def _within(number: str, section: str) -> bool:
    return number == section or number.startswith(f"{section}.")
