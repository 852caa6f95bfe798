"""What the types of documents have: the table, with the words and limits of what is installed with hcsrt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, cast

from ..documents.table import table

FAMILIES = {
    "vm": "virtual machines",
    "container": "containers",
    "process": "processes",
    "properties": "properties of compute systems, and queries for them",
    "events": "events and results",
    "service": "the Host Compute Service itself",
    "network": "the Host Compute Network service",
    "storage": "layers of containers",
    "guest": "requests that HCS passes on to a guest",
    "common": "what several of these have in common",
}

# What somebody may have in a file of its own, beside compute systems.
_OUTERMOST = (
    "ProcessParameters",
    "ModifySettingRequest",
    "HostComputeNetwork",
    "HostComputeEndpoint",
    "HostComputeNamespace",
    "HostComputeLoadBalancer",
    "LayerData",
    "Service_PropertyQuery",
    "System_PropertyQuery",
    "SystemQuery",
    "GuestModifySettingRequest",
    "HcnModifySettingRequest",
)
# Types that are values of JSON themselves.
_VALUES = {
    "Any": "any value, or what another member says",
    "ByteArray": "a string with Base64",
    "DateTime": "a string with an ISO 8601 time, as in 2026-01-31T12:30:00Z",
    "Guid": "a string with a GUID, as in 26a90000-0000-0000-0000-100000000000",
    "MacAddress": "a string with a MAC address, as in 00-15-5D-52-C0-00",
    "NullableByteArray": "a string with Base64, or null",
    "bool": "true or false",
    "number": "a number",
    "string": "a string",
    "string_binary": "a string",
    **{
        f"{sign}int{bits}": f"an integer of {bits} bits" + ("" if sign else " with a sign")
        for sign in ("u", "")
        for bits in (8, 16, 32, 64)
    },
}
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FACTS: dict[str, Callable[[Any], str]] = {
    "required": lambda value: "required",
    "default": lambda value: f"default {value}",
    "range": lambda value: f"{value[0]} to {value[1]}",
    "unit": lambda value: f"in {value}",
    "form": lambda value: f"a {value}",
}


@dataclass(frozen=True)
class Row:
    """A member of a struct, or a value of an enum, which has no type.

    Attributes:
        owner: The struct or enum.
        facts: What is known beside its type: whether it is required, its default, its range, its unit and its form.
    """

    owner: str
    name: str
    type: str | None
    since: str | None
    facts: dict[str, Any]
    description: str

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"

    def as_document(self) -> dict[str, Any]:
        type_ = {} if self.type is None else {"type": self.type}
        return {"name": self.name, **type_, "since": self.since, **self.facts, "description": self.description}

    def summary(self) -> dict[str, Any]:
        """Return the document of it where it stands among members of other types."""
        return {**self.as_document(), "name": str(self)}

    def cells(self) -> tuple[str, str, str, str]:
        """Return its type, schema version, facts and description."""
        facts = [_FACTS[name](value) for name, value in self.facts.items()]
        return self.type or "", self.since or "", ", ".join(facts), self.description


@dataclass(frozen=True)
class Type:
    """A struct with its members, or an enum with its values."""

    name: str
    kind: str
    family: str
    description: str
    rows: list[Row]

    def __str__(self) -> str:
        return self.name

    def as_document(self) -> dict[str, Any]:
        rows = [row.as_document() for row in self.rows]
        return {**self.summary(), "members" if self.kind == "struct" else "values": rows}

    def summary(self) -> dict[str, Any]:
        """Return the document of it without its members."""
        return {"name": self.name, "kind": self.kind, "family": self.family, "description": self.description}

    def cells(self) -> tuple[str, str, str, str]:
        """Return what stands in place of a type, a schema version and facts, and the description."""
        return self.kind, "", "", self.description


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of all types."""
    return _data("schema.json")


@cache
def _limits() -> dict[str, dict[str, dict[str, Any]]]:
    return _data("limits.json")


def _data(name: str) -> Any:
    import json

    return json.loads(files("hcsrt.documents").joinpath("data", name).read_text("utf-8"))


def type_names() -> list[str]:
    return sorted([*table().structs, *table().enums])


def type_of(name: str) -> Type:
    """Return what a type has, by its exact name."""
    definition = json_schema()["$defs"][name]
    description, _, more = definition.get("description", "").partition("\n")
    if (enum := table().enums.get(name)) is not None:
        # The words about values are lines of their own there.
        words = dict(line.partition(": ")[::2] for line in more.splitlines())
        rows = [Row(name, value, None, since, {}, words.get(value, "")) for value, since in enum.values.items()]
        return Type(name, "enum", enum.family, description, rows)
    struct = table().structs[name]
    rows = [
        Row(name, member, spelling, since, _facts(name, member), _words(definition["properties"][member]))
        for member, (spelling, since) in struct.members.items()
    ]
    return Type(name, "struct", struct.family, description, rows)


def _facts(struct: str, member: str) -> dict[str, Any]:
    limits = _limits().get(struct, {}).get(member, {})
    return {fact: limits[fact] for fact in _FACTS if fact in limits}


def _words(definition: dict[str, Any]) -> str:
    """Return the words about a member, without the line that ends them: that has the facts, for editors."""
    return definition.get("description", "").rpartition("\n")[0]


def type_named(name: str) -> str:
    """Return the name of a type, which may be given in any case.

    Raises ValueError with names that are close if there is none.
    """
    if words := _VALUES.get(name):
        raise ValueError(f"{name} has no members: it is {words}")
    return _named(name, type_names(), "type")


def member_named(type_: Type, name: str) -> Row:
    """Return a member or value of a type, by its name in any case."""
    rows = {row.name: row for row in type_.rows}
    what = f"member of {type_.name}" if type_.kind == "struct" else f"value of {type_.name}"
    return rows[_named(name, list(rows), what)]


def _named(name: str, names: list[str], what: str) -> str:
    if name in names:
        return name
    lower = {known.lower(): known for known in reversed(names)}
    if name.lower() in lower:
        return lower[name.lower()]
    close = [lower[known] for known in get_close_matches(name.lower(), lower)]
    advice = f"; did you mean {' or '.join(close)}?" if close else ""
    raise ValueError(f"no {what} is called {name!r}{advice}")


def named_in(spelling: str) -> list[str]:
    """Return the structs and enums that the spelling of a type names."""
    return [name for name in _NAME.findall(spelling) if name in table().structs or name in table().enums]


def reached(names: Iterable[str]) -> list[str]:
    """Return these types and all that they have in them, sorted."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            struct = table().structs.get(name)
            if struct is not None:
                left += [inner for spelling, _ in struct.members.values() for inner in named_in(spelling)]
    return sorted(found)


def better_type(document: object, type_: str) -> str | None:
    """Return the type that a document seems to be of, if it has more of its members than of those of the given type."""
    if not isinstance(document, dict) or type_ not in table().structs:
        return None
    names = set(cast("dict[str, object]", document))

    def known(candidate: str) -> int:
        return len(names & table().structs[candidate].members.keys())

    best = max(("ComputeSystem", *_OUTERMOST), key=known)
    return best if known(best) > known(type_) and best != type_ else None
