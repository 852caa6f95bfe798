"""Where in a JSON text the places are that paths name: their lines and columns."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from ..documents.problems import without_value

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]|[^\s{}\[\],:"]+', re.DOTALL)
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]|\['(?P<key>[^'\\]*(?:\\.[^'\\]*)*)'\]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Place(NamedTuple):
    """A place in a text, both counted from 1; columns count characters."""

    line: int
    column: int


class _Node:
    """A place that is looked for, or one on the way to it."""

    __slots__ = ("below", "first", "found", "inside", "last")

    def __init__(self) -> None:
        self.below: dict[str | int, _Node] = {}
        self.first = 0
        self.last = 0
        # The occurrence that was found last, and the one of the object or array around it: a key that is there twice
        # counts only where it stands last, and so does what is in it.
        self.found = -1
        self.inside = -1


class _Level:
    """An object or array that the scan is in."""

    __slots__ = ("before_key", "index", "is_object", "node", "value")

    def __init__(self, node: _Node | None, is_object: bool) -> None:
        self.node = node
        self.is_object = is_object
        self.before_key = is_object
        self.index = 0
        self.value: _Node | None = None


def steps_of(path: str) -> list[str | int]:
    """Return the keys and indexes of a path as check() writes it, such as ``$.Layers[0].Path``."""
    steps: list[str | int] = []
    end = 1
    while match := _STEP.match(path, end):
        if (index := match["index"]) is not None:
            steps.append(int(index))
        elif (name := match["name"]) is not None:
            steps.append(name)
        else:
            steps.append(_ESCAPED.sub(r"\1", match["key"]))
        end = match.end()
    return steps


class Places:
    """The places of paths in a text that is JSON.

    A member is where its key is, an item of an array where its value begins. What is not in the text, such as a missing
    member, is where the object or array is that lacks it.
    """

    def __init__(self, text: str, paths: Iterable[str]) -> None:
        self._root = _Node()
        self._steps = {path: steps_of(path) for path in paths}
        for steps in self._steps.values():
            node = self._root
            for step in steps:
                node = node.below.setdefault(step, _Node())
        _scan(text, self._root)
        self._breaks = [match.start() for match in re.finditer("\n", text)]

    def last(self, path: str) -> Place:
        """Return where one of the paths is; the last of several places, if a key is there more than once."""
        return self._place(self._node(path).last)

    def first(self, path: str) -> Place:
        """Return the first of several places."""
        return self._place(self._node(path).first)

    def _node(self, path: str) -> _Node:
        """Return what the path leads to, or the nearest thing around it that is in the text."""
        node = self._root
        for step in self._steps[path]:
            below = node.below[step]
            if below.found < 0 or below.inside != node.found:
                break
            node = below
        return node

    def _place(self, offset: int) -> Place:
        line = bisect_left(self._breaks, offset)
        return Place(line + 1, offset - (self._breaks[line - 1] if line else -1))


def place_of_offset(text: str, offset: int) -> Place:
    """Return the place of a character of the text."""
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _scan(text: str, root: _Node) -> None:
    """Set the offsets of all nodes that are in the text, in one pass."""
    levels: list[_Level] = []
    occurrence = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        level = levels[-1] if levels else None
        if token == ",":
            if level is not None:
                level.index += 1
                level.before_key = level.is_object
            continue
        if token in ("}", "]"):
            levels.pop()
            continue
        if level is None:
            node: _Node | None = root
            root.found = occurrence
            root.first = root.last = match.start()
        elif level.before_key:
            level.before_key = False
            level.value = None
            if level.node is not None and level.node.below:
                key = _key(token)
                level.value = level.node.below.get(key) or level.node.below.get(without_value(key))
                if level.value is not None:
                    occurrence += 1
                    _find(level.value, level.node, occurrence, match.start())
            continue
        elif level.is_object:
            node = level.value
        else:
            node = level.node.below.get(level.index) if level.node is not None else None
            if node is not None and level.node is not None:
                occurrence += 1
                _find(node, level.node, occurrence, match.start())
        if token in ("{", "["):
            levels.append(_Level(node, token == "{"))


def _find(node: _Node, around: _Node, occurrence: int, offset: int) -> None:
    if node.found < 0 or node.inside != around.found:
        node.first = offset
    node.last = offset
    node.found = occurrence
    node.inside = around.found


def _key(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    return json.loads(token)
