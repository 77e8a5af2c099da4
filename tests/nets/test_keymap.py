"""Key maps: what an entry does to a name, and the fewest entries that turn names into others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustgen.core.refusal import Refused
from robustgen.nets import keymap


def turned(name: str, keys: keymap.Keys) -> str | None:
    """What a map makes of a name."""
    key = keymap.matching(name, keys)
    return name if key is None else keymap.turned(name, key, keys[key])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b.weight", "x.weight"),  # the longest prefix wins
        ("a.b.bias", "z"),  # a whole name is longer still
        ("a.c.weight", "y.c.weight"),
        ("ab.weight", "ab.weight"),  # a prefix ends at a point
        ("a", "a"),
        ("mu", None),
        ("old.head.weight", None),
    ],
)
def test_the_longest_match_counts(name: str, expected: str | None) -> None:
    keys = {"a.": "y.", "a.b.": "x.", "a.b.bias": "z", "mu": "", "old.": None}
    assert turned(name, keys) == expected


@pytest.mark.parametrize("entry", [("a.", "b"), ("a", "b."), ("", "b")])
def test_a_prefix_becomes_a_prefix_and_a_name_a_name(entry: tuple[str, str]) -> None:
    keymap.check({"a.": "b.", "a": "b", "c": "", "d.": None})
    with pytest.raises(Refused, match="must be two whole names, or two prefixes that both end in"):
        keymap.check(dict([entry]))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ({"a.weight": "a.weight", "b": "b"}, {}),
        ({"conv1.weight": "stem.0.weight"}, {"conv1.": "stem.0."}),
        ({"scale": "stem.scale"}, {"scale": "stem.scale"}),
        # one entry above two exceptions: three, where one each would be four
        (
            {"l.0.a.w": "s.0.a.w", "l.1.a.w": "s.1.a.w", "l.2.a.w": "s.2.c.w", "l.3.a.w": "t.w"},
            {"l.": "s.", "l.2.a.": "s.2.c.", "l.3.": None},
        ),
        # what stays below an entry that moves the rest
        ({"l.a.w": "m.a.w", "l.b.w": "m.b.w", "l.c.w": "l.c.w"}, {"l.": "m.", "l.c.": "l.c."}),
        # an outer prefix that goes must be named by each module, for "" drops
        ({"net.a.w": "a.w", "net.b.w": "b.w"}, {"net.a.": "a.", "net.b.": "b."}),
    ],
)
def test_the_shortest_map_by_hand(pairs: dict[str, str], expected: dict[str, str | None]) -> None:
    found = keymap.shortest(pairs)
    assert {name: turned(name, found) for name in pairs} == pairs
    assert len(found) == len(expected)
    assert all(found[key] == value for key, value in expected.items() if value is not None)


NAMES = st.lists(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join),
    unique=True,
    min_size=1,
    max_size=8,
)


@given(NAMES, st.data())
def test_every_pair_of_lists_gets_a_map_that_turns_one_into_the_other(
    theirs: list[str], data: st.DataObject
) -> None:
    ours = data.draw(st.permutations(theirs))
    pairs = dict(zip(theirs, ours, strict=True))
    found = keymap.shortest(pairs)
    keymap.check(found)
    assert {name: turned(name, found) for name in theirs} == pairs
    assert len(found) <= sum(their != our for their, our in pairs.items())
