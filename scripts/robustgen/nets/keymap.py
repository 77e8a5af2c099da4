"""Key maps, {theirs: ours}: how the tensors of a file of another program are called in a net.

A key is a whole name of the file, or a prefix that ends in "."; its value is the name or prefix in
the net. The longest key that matches a name counts. The value "" (or null) drops the tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from robustgen.core.refusal import Refused

Keys = Mapping[str, str | None]


def check(keys: Keys) -> None:
    """Refuse an entry that turns a prefix into a whole name, or a name into a prefix."""
    for theirs, ours in keys.items():
        if not theirs or (ours and theirs.endswith(".") != ours.endswith(".")):
            raise Refused(
                f"keys: {theirs!r}: {ours!r} must be two whole names, or two prefixes that both "
                'end in "."; the value "" drops a tensor.'
            )


def matching(name: str, keys: Keys) -> str | None:
    """The key that counts for a name; None where none matches."""
    found = [key for key in keys if key == name or (key.endswith(".") and name.startswith(key))]
    return max(found, key=len, default=None)


def turned(name: str, key: str, value: str | None) -> str | None:
    """What a key's value makes of a name that the key matches; None where it drops the tensor."""
    if not value:
        return None
    return value + name.removeprefix(key) if key.endswith(".") else value


def shortest(pairs: Mapping[str, str]) -> dict[str, str]:
    """The key map with the fewest entries that turns each name of `pairs` into its value."""
    below = _below(list(pairs))

    def candidates(prefix: str) -> list[str]:
        """The prefixes that would be right for at least one name below `prefix`."""
        names = [name for name in pairs if prefix and name.startswith(prefix)]
        ends = {name: name.removeprefix(prefix) for name in names}
        heads = [pairs[name].removesuffix(end) for name, end in ends.items()]
        right = [head for name, head in zip(names, heads, strict=True) if head != pairs[name]]
        return [head for head in dict.fromkeys(right) if head.endswith(".")]

    @cache
    def fewest(prefix: str, given: str) -> dict[str, str]:
        """The entries for all names below `prefix`, which entries above turn into `given`."""
        # a new entry comes first, so that of equally many entries the shortest prefixes are taken
        tried = [head for head in candidates(prefix) if head != given]
        found = [{prefix: head} | entries(prefix, head) for head in tried]
        return min([*found, entries(prefix, given)], key=len)

    def entries(prefix: str, given: str) -> dict[str, str]:
        """The entries for what lies below `prefix`, where `prefix` is turned into `given`."""
        found: dict[str, str] = {}
        for part in below[prefix]:
            if part.endswith("."):
                found |= fewest(prefix + part, given + part)
            elif pairs[prefix + part] != given + part:
                found[prefix + part] = pairs[prefix + part]
        return found

    return entries("", "")


def _below(names: list[str]) -> dict[str, list[str]]:
    """Prefix -> the parts that follow it: `weight` of a whole name, `conv1.` of a longer prefix."""
    found: dict[str, list[str]] = {"": []}
    for name in names:
        prefix = ""
        *folders, leaf = name.split(".")
        for part in [*(f"{folder}." for folder in folders), leaf]:
            if part not in found.setdefault(prefix, []):
                found[prefix].append(part)
            prefix += part
    return found
