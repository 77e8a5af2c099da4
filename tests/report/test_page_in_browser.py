"""The script of the page, in Chromium where there is one: what a reader clicks and types."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from robustgen.core.files import write_json
from robustgen.report.page import page
from test_images_of_page import kept, write_detection  # noqa: F401
from test_report import CONFIG, FOLDER, results  # noqa: F401
from toy import CELLS, CLAIM

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000")
NONE = "\u2013"  # an en dash, where there is no number
COLUMN = ["10", "9", NONE, "8/255", "unbounded", "-1", "<0.01", "b", "", "2e1"]
# Before the page's script, so that its errors are told; and what the test does, behind it.
HEAD = """<script>
const faults = [];
addEventListener("error", (one) => faults.push(one.message));
</script>"""
TAIL = """<script>(async () => {
const all = (css, within = document) => [...within.querySelectorAll(css)];
const shown = css => all(css).filter(one => one.checkVisibility());
let answer;
try { answer = await (async () => { %s })(); } catch (error) { faults.push(String(error)); }
const said = document.createElement("pre");
said.id = "said";
said.textContent = JSON.stringify({ answer, faults });
document.body.append(said);
})()</script>"""


def works(path: str) -> bool:
    """Whether a browser starts: some systems have a command that only asks to install it."""
    return not subprocess.run([path, "--version"], capture_output=True, check=False).returncode


CHROMIUM = next((path for name in NAMES if (path := shutil.which(name)) and works(path)), None)
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason=f"none of {', '.join(NAMES)} works here"),
    pytest.mark.usefixtures("kept"),
]


def did(code: str, *, at: str = "") -> Any:
    """What the body of a function in JavaScript returns on the page of the toy study."""
    write_detection()
    path = FOLDER / "page.html"
    text = page(CONFIG, FOLDER).replace("<body>", f"<body>{HEAD}", 1)
    path.write_text(text.replace("</body>", f"{TAIL % code}</body>"), encoding="utf-8")
    call = [str(CHROMIUM), *FLAGS, f"--user-data-dir={Path.cwd()}/profile", "--dump-dom"]
    call.append(f"{path.resolve().as_uri()}{at}")
    dom = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120).stdout
    (said,) = re.findall('<pre id="said">(.*?)</pre>', dom, flags=re.DOTALL)
    told = json.loads(unescape(said))
    assert told["faults"] == []
    return told["answer"]


def table(cells: list[str]) -> None:
    """Give the toy study's table these cells in its second column."""
    rows = [[f"net {place}", cell] for place, cell in enumerate(cells)]
    told = {"title": "Energies", "note": "", "columns": ["net", "E"], "rows": rows}
    write_json(FOLDER / "tables/energy_by_steps.json", told)


def test_a_heading_sorts_up_then_down_then_not_at_all() -> None:
    """Numbers come before text, and empty cells last either way; 8/255 is 0.031 and 2e1 is 20."""
    table(COLUMN)
    up = ["-1", "<0.01", "8/255", "9", "10", "2e1", "unbounded", "b", NONE, ""]
    down = ["b", "unbounded", "2e1", "10", "9", "8/255", "<0.01", "-1", NONE, ""]
    states = did("""
        const one = document.querySelector("#table-energy_by_steps table");
        const button = one.querySelectorAll("thead button")[1];
        return [1, 2, 3].map(() => {
          button.click();
          const order = one.querySelectorAll("thead th")[1].getAttribute("aria-sort");
          return [order, all("tbody tr", one).map(row => row.cells[1].textContent.trim())];
        });""")
    assert states == [["ascending", up], ["descending", down], [None, COLUMN]]


def test_a_filter_keeps_the_rows_with_all_of_its_words() -> None:
    table(["a cat", "a dog", "a cat and a dog", "none"] * 5)
    said, rows, again = did("""
        const one = document.querySelector("#table-energy_by_steps");
        const [field, output] = ["input", "output"].map(name => one.querySelector(name));
        const rows = () => all("tbody tr", one).filter(row => !row.hidden).length;
        const type = text => { field.value = text; field.dispatchEvent(new Event("input")); };
        type("DOG  cat");
        const found = [output.value, rows()];
        type(" ");
        return [...found, rows()];""")
    assert (said, rows, again) == ("5 of 20", 5, 20)


def test_a_short_table_has_neither_filter_nor_buttons() -> None:
    table(["1", "2"])
    assert did('return all("#table-energy_by_steps :is(input, button)").length') == 0


def test_a_count_of_verdicts_narrows_the_matrix_until_it_is_pressed_again() -> None:
    pairs = zip("ab", CELLS, strict=True)
    claims = [CLAIM | {"id": name, "cells": [cell]} for name, cell in pairs]
    write_json(FOLDER / "claims/verdicts.json", claims)
    found = did("""
        const names = () => shown(".matrix tbody tr").map(row => row.querySelector("a").hash);
        const counts = all("#claims .counts button");
        const [first, last] = counts.filter(one => !/\\b0\\b/.test(one.textContent));
        return [null, first, last, last].map(button => {
          button?.click();
          return [names(), first.ariaPressed, last.ariaPressed];
        });""")
    both = ["#claim-a", "#claim-b"]
    assert found == [
        [both, "false", "false"],
        [both[:1], "true", "false"],
        [both[1:], "false", "true"],
        [both, "false", "false"],
    ]


def test_the_image_browser_shows_what_is_chosen() -> None:
    """Of three attacked images two are misclassified, and of these `e` flags one."""
    found = did("""
        const [model, attack, outcome] = all(".choices select");
        const options = [model, attack, outcome].map(one => [...one.options].map(o => o.value));
        const choose = value => {
          outcome.value = value;
          outcome.dispatchEvent(new Event("change", { bubbles: true }));
          return [document.querySelector(".choices output").value, shown(".shots li").length];
        };
        return [options, ["", "wrong", "unseen", "flagged"].map(choose)];""")
    options, counts = found
    assert options == [["", "net"], ["", "pgd"], ["", "wrong", "unseen", "flagged"]]
    assert counts == [[f"{n} images in 1 of 1 groups", n] for n in (3, 2, 1, 2)]


def test_a_link_opens_what_is_folded_around_its_place() -> None:
    opened = "return document.querySelector('#claim-falls').open"
    assert did(opened) is False
    assert did(opened, at="#claim-falls") is True
    clicked = """
        const link = document.querySelector('.matrix a[href="#claim-falls"]');
        const place = document.querySelector(link.hash);
        link.click();
        await new Promise(done => setTimeout(done, 100));
        const first = place.open;
        place.open = false;
        link.click();
        return [first, place.open];"""
    assert did(clicked) == [True, True]


def test_the_page_is_whole_without_its_script() -> None:
    """All that the script does is add buttons and fields; none stands in the page's own markup."""
    markup = page(CONFIG, FOLDER).partition("<main")[2].partition("<script>")[0]
    assert not re.search("<(button|input|select)", markup)
