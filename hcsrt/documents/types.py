"""The types of the table in the form that `check` works with: each is made when a document has it first."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from .forms import Fault, Test, boolean, integer, one_of, real, text
from .rulebook import rules
from .rules import Rule
from .table import table

SCALAR, STRUCT, MAP, ARRAY, ANY, UNION = range(6)

INTEGERS = {
    f"{sign}int{bits}": (0, (1 << bits) - 1) if sign else (-(1 << bits - 1), (1 << bits - 1) - 1)
    for bits in (8, 16, 32, 64)
    for sign in ("", "u")
}

FORMS = {
    "Guid": "guid",
    "MacAddress": "mac",
    "ByteArray": "base64",
    "NullableByteArray": "base64",
    "DateTime": "time",
}
"""The forms of the texts that the reference has types of their own for."""

TEXTS = frozenset({"string", "string_binary", *FORMS})
BUILT_IN = frozenset({"Any", "bool", "number", *TEXTS, *INTEGERS})

_ARRAY = re.compile(r"<(?P<item>.+?)(?:, (?P<length>\d+))?> array")
_MAP = re.compile(r"Map<(?P<key>\w+), (?P<value>.+)>")

_MOST_DIGITS = 20  # of 64 bits

Version: TypeAlias = tuple[int, int]


class Slot(NamedTuple):
    """What is wanted of a value: nothing more of one of the exact class, else what the test says.

    A type of which there are objects or arrays has no test.
    """

    exact: type | None
    test: Test | None
    type: Type


class Type:
    """A type, as the table spells it."""

    def __init__(self, spelling: str, shape: int) -> None:
        self.spelling = spelling
        self.shape = shape
        # Of a struct: its members that a document had already, and what makes those of others.
        self.members: dict[str, Slot] = {}
        self.make: Callable[[str], Slot | None] = _no_member
        self.names: Iterable[str] = ()
        self.newer: dict[str, str] = {}
        self.required: tuple[str, ...] = ()
        self.rules: tuple[Rule, ...] = ()
        # Of a map, an array, and what is in a member of type Any.
        self.item: Slot = _NO_SLOT
        self.key: Test | None = None
        self.length: int | None = None
        # Of a union.
        self.alternatives: tuple[Slot, ...] = ()

    @property
    def called(self) -> str:
        """What a value of it is called in messages."""
        if self.shape == UNION:
            return " or ".join(slot.type.called for slot in self.alternatives)
        if self.shape == STRUCT:
            return f"an object ({self.spelling})"
        if self.shape in (MAP, ARRAY):
            return "an object" if self.shape == MAP else "an array"
        if self.spelling in INTEGERS:
            return f"an integer ({self.spelling})"
        if self.spelling in BUILT_IN:
            return "a string" if self.spelling in TEXTS else _CALLED.get(self.spelling, "anything")
        return f"a value of {self.spelling}"


_CALLED = {"bool": "true or false", "number": "a number"}


def _no_member(name: str) -> Slot | None:
    return None


_NO_SLOT: Any = None


class Types:
    """The types, as a schema version has them."""

    def __init__(self, schema: Version | None) -> None:
        self._schema = schema
        self._slots: dict[str, Slot] = {}
        self._table = table()

    def slot(self, spelling: str) -> Slot:
        """Return what is wanted of a value of a type.

        Raises:
            LookupError: The table has no such type; its argument is the name that is unknown.
        """
        found = self._slots.get(spelling)
        if found is None:
            found = self._slots[spelling] = self._made(spelling)
        return found

    def _made(self, spelling: str) -> Slot:
        enums, structs = self._table.enums, self._table.structs
        if spelling in structs:
            return self._struct(spelling)
        if spelling in enums:
            values = {value: self._lacks(since) for value, since in enums[spelling].values.items()}
            return _scalar(spelling, None, one_of(spelling, values))
        if spelling in BUILT_IN:
            return self._built_in(spelling)
        alternatives = _alternatives(spelling)
        if len(alternatives) > 1:
            union = Type(spelling, UNION)
            union.alternatives = tuple(self.slot(alternative) for alternative in alternatives)
            return Slot(None, None, union)
        if match := _ARRAY.fullmatch(spelling):
            array = Type(spelling, ARRAY)
            array.item = self.slot(match["item"])
            array.length = int(match["length"]) if match["length"] else None
            return Slot(None, None, array)
        if match := _MAP.fullmatch(spelling):
            entries = Type(spelling, MAP)
            entries.item = self.slot(match["value"])
            entries.key = _key_test(self.slot(match["key"]), match["key"])
            return Slot(None, None, entries)
        raise LookupError(spelling)

    def _built_in(self, spelling: str) -> Slot:
        if spelling in INTEGERS:
            return _scalar(spelling, None, integer(*INTEGERS[spelling]))
        if spelling == "bool":
            return _scalar(spelling, bool, boolean)
        if spelling == "number":
            return _scalar(spelling, None, real)
        if spelling == "NullableByteArray":
            return _scalar(spelling, type(None), text("base64"))
        if spelling in FORMS:
            return _scalar(spelling, None, text(FORMS[spelling]))
        if spelling in TEXTS:
            return _scalar(spelling, str, text())
        anything = Type(spelling, ANY)
        anything.item = Slot(str, None, anything)
        return anything.item

    def _struct(self, name: str) -> Slot:
        members = self._table.structs[name].members
        struct = Type(name, STRUCT)
        struct.names = members.keys()
        struct.newer = {member: since for member, (_, version) in members.items() if (since := self._lacks(version))}
        limits = _limits().get(name, {})
        struct.required = tuple(member for member, limit in limits.items() if limit.get("required"))
        struct.rules = rules(name)

        def make(member: str) -> Slot | None:
            if member not in members:
                return None
            slot = self._limited(members[member][0], limits.get(member, {}))
            struct.members[member] = slot
            return slot

        struct.make = make
        return Slot(None, None, struct)

    def _limited(self, spelling: str, limit: dict[str, Any]) -> Slot:
        """Return what is wanted of a member, whose integers may have a range of their own."""
        if "range" in limit:
            low, high = limit["range"]
            unit = limit.get("unit", "")
            return _scalar(spelling, None, integer(low, high, f" {unit}" if unit else ""))
        return self.slot(spelling)

    def _lacks(self, since: str | None) -> str | None:
        """Return the version again if it is later than the schema asked for, else None."""
        if since is None or self._schema is None:
            return None
        major, minor = since.split(".")
        return since if (int(major), int(minor)) > self._schema else None


@cache
def _limits() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what no schema has of members, by structs."""
    with open(os.path.join(os.path.dirname(__file__), "data", "limits.json"), encoding="utf-8") as file:
        limits: dict[str, dict[str, dict[str, Any]]] = json.load(file)
    return limits


_made: dict[Version | None, Types] = {}
_MOST_VERSIONS = 20


def types(schema: Version | None) -> Types:
    """Return the types that a schema version has; None is for those of any."""
    found = _made.get(schema)
    if found is None:
        if len(_made) > _MOST_VERSIONS:
            _made.clear()
        found = _made[schema] = Types(schema)
    return found


def _scalar(spelling: str, exact: type | None, test: Test) -> Slot:
    return Slot(exact, test, Type(spelling, SCALAR))


def _key_test(slot: Slot, spelling: str) -> Test | None:
    """Return a test for keys of a map, which are texts in JSON even if they are numbers."""
    test = slot.test
    if test is None or slot.exact is str:
        return None
    if spelling not in INTEGERS:
        return test

    def of_number(key: object) -> Fault | None:
        digits = key.lstrip("0") or key[-1:] if isinstance(key, str) else ""
        if len(digits) > _MOST_DIGITS or not (digits.isascii() and digits.isdigit()):
            return "form", 'it has to be a number, as in "0"'
        return test(int(digits))

    return of_number


def _alternatives(spelling: str) -> list[str]:
    """Return the alternatives that " | " joins, outside of any angle brackets."""
    parts = [""]
    depth = 0
    for piece in re.split(r"([<>]| \| )", spelling):
        depth += {"<": 1, ">": -1}.get(piece, 0)
        if piece == " | " and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts
