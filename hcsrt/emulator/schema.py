"""Checks of JSON documents against Microsoft's schema, and the constraints that its reference states in words.

The schema versions in it are not enforced: HCS takes a document by what the Windows at hand knows, and the emulator
knows schema 2.6.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NoReturn, cast

from ..documents.table import table
from .failures import Problem, invalid_json

_INTEGERS = {
    f"{sign}int{bits}": (0, (1 << bits) - 1) if sign else (-(1 << bits - 1), (1 << bits - 1) - 1)
    for bits in (8, 16, 32, 64)
    for sign in ("", "u")
}

_GUID = re.compile(r"(\{)?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}(?(1)\})", re.IGNORECASE)
_TEXTS = {
    "string": ("a string", None),
    "string_binary": ("a string", None),
    "ByteArray": ("a Base64 string", re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")),
    "NullableByteArray": ("a Base64 string", re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")),
    "DateTime": ("an ISO 8601 time", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")),
    "Guid": ("a GUID", _GUID),
    "MacAddress": ("a MAC address", re.compile(r"[0-9a-f]{2}([-:]?[0-9a-f]{2}){5}", re.IGNORECASE)),
}

_ARRAY = re.compile(r"<(?P<item>[^,]+)(?:, (?P<length>\d+))?> array")
_MAP = re.compile(r"Map<(?P<key>\w+), (?P<value>.+)>")
_PLAIN_NAME = re.compile(r"\w+", re.ASCII)


@cache
def _schema() -> tuple[dict[str, list[str]], dict[str, dict[str, str]]]:
    """Return the enums with their values and the structs with the types of their members."""
    enums, structs = table()
    return {name: list(enum.values) for name, enum in enums.items()}, {
        name: {member: kind for member, (kind, _since) in struct.members.items()} for name, struct in structs.items()
    }


def enum_values(name: str) -> list[str]:
    """Return the values of an enum."""
    return _schema()[0][name]


def member(place: str, name: str) -> str:
    """Return the place of an object's member."""
    if _PLAIN_NAME.fullmatch(name):
        return f"{place}.{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{place}['{escaped}']"


def problems(value: object, kind: str, place: str = "$") -> Iterator[Problem]:
    """Yield each place at which a parsed document differs from a type of the schema.

    `kind` is a type as the reference writes it: "uint32", "<Layer> array", "Map<string, Scsi>", an enum or a struct.
    """
    enums, structs = _schema()
    if kind == "Any" or (kind == "NullableByteArray" and value is None):
        return
    if " | " in kind:
        alternatives = kind.split(" | ")
        if all(any(problems(value, alternative, place)) for alternative in alternatives):
            yield Problem(place, f"{' or '.join(alternatives)} is expected")
        return
    if kind == "bool":
        if not isinstance(value, bool):
            yield _expected("true or false", value, place)
    elif kind in _INTEGERS:
        low, high = _INTEGERS[kind]
        if not isinstance(value, int) or isinstance(value, bool):
            yield _expected("an integer", value, place)
        elif not low <= value <= high:
            yield Problem(place, f"{value} does not fit into {kind}")
    elif kind == "number":
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            yield _expected("a number", value, place)
    elif kind in _TEXTS:
        name, pattern = _TEXTS[kind]
        if not isinstance(value, str):
            yield _expected(name, value, place)
        elif pattern is not None and not pattern.fullmatch(value):
            yield Problem(place, f"{name} is expected, not {value!r}")
    elif kind in enums:
        if not isinstance(value, str):
            yield _expected(f"a value of {kind}", value, place)
        elif value not in enums[kind]:
            yield Problem(place, f"{value!r} is no {kind}: expected one of {', '.join(enums[kind])}")
    elif array := _ARRAY.fullmatch(kind):
        yield from _array_problems(value, array["item"], array["length"], place)
    elif mapping := _MAP.fullmatch(kind):
        yield from _map_problems(value, mapping["key"], mapping["value"], place)
    else:
        yield from _struct_problems(value, kind, structs[kind], place)


def _array_problems(value: object, item: str, length: str | None, place: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _expected("an array", value, place)
        return
    items = cast("list[object]", value)
    if length is not None and len(items) != int(length):
        yield Problem(place, f"{length} items are expected, not {len(items)}")
    for index, element in enumerate(items):
        yield from problems(element, item, f"{place}[{index}]")


def _map_problems(value: object, key_kind: str, value_kind: str, place: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _expected("an object", value, place)
        return
    for key, element in cast("dict[str, object]", value).items():
        here = member(place, key)
        parsed = int(key) if key_kind in _INTEGERS and re.fullmatch("[0-9]{1,20}", key) else key
        yield from (Problem(here, f"as a key, {problem.message}") for problem in problems(parsed, key_kind, here))
        yield from problems(element, value_kind, here)


def _struct_problems(value: object, kind: str, members: dict[str, str], place: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _expected(f"an object ({kind})", value, place)
        return
    for name, element in cast("dict[str, object]", value).items():
        if name in members:
            yield from problems(element, members[name], member(place, name))
        else:
            yield Problem(member(place, name), f"{kind} has no member {name!r}")


def _expected(what: str, value: object, place: str) -> Problem:
    # The value itself stays out of it: it may be that of a variable of the environment.
    if value is None:
        found = "null"
    elif isinstance(value, bool):
        found = "a boolean"
    elif isinstance(value, (int, float)):
        found = "a number"
    elif isinstance(value, str):
        found = "a string"
    else:
        found = "an array" if isinstance(value, list) else "an object"
    return Problem(place, f"{what} is expected, not {found}")


def load(text: str) -> object:
    """Return the value of a JSON text; raises Failure (HCS_E_INVALID_JSON) if it is none."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise invalid_json(Problem("$", f"not JSON: {error.msg} ({where})")) from None
    except (ValueError, RecursionError) as error:
        raise invalid_json(Problem("$", f"not JSON: {error}")) from None


def parse(text: str, kind: str) -> dict[str, Any]:
    """Return the object of type `kind`, a struct, in a JSON text.

    Raises Failure (HCS_E_INVALID_JSON) that names each place which breaks the schema.
    """
    value = load(text)
    found = tuple(problems(value, kind))
    if found:
        raise invalid_json(*found)
    return cast("dict[str, Any]", value)


def parse_optional(text: str | None, kind: str) -> dict[str, Any]:
    """Return the object in a JSON text; an absent or empty text is an empty object."""
    return parse(text, kind) if text else {}


def compute_system(text: str) -> dict[str, Any]:
    """Return the ComputeSystem in a JSON text that describes a system to create.

    Raises Failure (HCS_E_INVALID_JSON) that names each place which breaks the schema or a constraint.
    """
    document = parse(text, "ComputeSystem")
    found = tuple(_constraint_problems(document))
    if found:
        raise invalid_json(*found)
    return document


def _constraint_problems(document: dict[str, Any]) -> Iterator[Problem]:
    alternatives = ("Container", "VirtualMachine", "HostedSystem")
    given = [name for name in alternatives if name in document]
    if len(given) != 1:
        yield Problem("$", f"exactly one of {', '.join(alternatives)} is expected, not {' and '.join(given) or 'none'}")
        return
    version = document.get("SchemaVersion", {})
    if version.get("Major", 2) != 2:
        yield Problem("$.SchemaVersion.Major", f"the emulator knows schema 2, not {version['Major']}")
    if given == ["Container"]:
        yield from _container_problems(document["Container"])
    elif given == ["HostedSystem"]:
        if not isinstance(document["HostedSystem"], dict):
            yield _expected("an object", document["HostedSystem"], "$.HostedSystem")
        if not document.get("HostingSystemId"):
            yield Problem("$.HostingSystemId", "a HostedSystem needs the id of the system that hosts it")


def _container_problems(container: dict[str, Any]) -> Iterator[Problem]:
    storage = container.get("Storage", {})
    if not storage.get("Layers"):
        yield Problem("$.Container.Storage.Layers", "a container needs at least one layer")
    for index, layer in enumerate(storage.get("Layers", ())):
        if not layer.get("Path"):
            yield Problem(f"$.Container.Storage.Layers[{index}].Path", "a layer needs a path")
    if not storage.get("Path"):
        yield Problem("$.Container.Storage.Path", "a container needs the path of its scratch space")
    limits = [name for name in ("Count", "Maximum", "Weight") if name in container.get("Processor", {})]
    if len(limits) > 1:
        yield Problem("$.Container.Processor", f"{' and '.join(limits)} exclude each other")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
