"""What texts and numbers of documents look like, and what is said about those that do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any, TypeAlias, TypeGuard

Fault: TypeAlias = tuple[str, str]
"""The kind of a problem, and its text."""

Test: TypeAlias = Callable[[object], "Fault | None"]
"""A function that tells what is wrong about a value, if anything is."""

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# How each form is called in texts, the patterns of it, and what to give instead.
_FORMS: dict[str, tuple[str, re.Pattern[str], str]] = {
    "guid": (
        "a GUID",
        re.compile(rf"{_GUID}|\{{{_GUID}\}}", re.IGNORECASE),
        "32 hexadecimal digits as in 26a90000-0000-0000-0000-100000000000",
    ),
    "mac": (
        "a MAC address",
        re.compile(r"[0-9a-f]{2}([-:]?[0-9a-f]{2}){5}", re.IGNORECASE),
        "six pairs of hexadecimal digits as in 00-15-5D-52-C0-00",
    ),
    "base64": (
        "Base64 text",
        re.compile(r"[A-Za-z0-9+/\s]*+={0,2}\s*+"),
        "the result of base64.b64encode(...).decode()",
    ),
    "time": (
        "an ISO 8601 time",
        re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII),
        "as in 2026-01-31T12:30:00Z",
    ),
}

# Texts of more characters are not shown in messages, and neither are those of a form that a secret may have.
_LONGEST_SHOWN = 80
_NOT_SHOWN = "base64"

_ENOUGH_VALUES = 40


def text(form: str | None = None) -> Test:
    """Return a test for texts of a form; of any if it is None."""
    if form is None:
        return _any_text
    name, expression, remedy = _FORMS[form]

    def test(value: object) -> Fault | None:
        if not isinstance(value, str):
            return not_(name, value)
        if expression.fullmatch(value):
            return None
        what = "the text here" if form == _NOT_SHOWN else shown(value)
        return "form", f"{what} is not {name}: give {remedy}"

    return test


def _any_text(value: object) -> Fault | None:
    return None if isinstance(value, str) else not_("a string", value)


def boolean(value: object) -> Fault | None:
    """Tell what is wrong about a value that has to be true or false."""
    return None if isinstance(value, bool) else not_("true or false", value)


def integer(low: int, high: int, unit: str = "") -> Test:
    """Return a test for integers between two bounds."""

    def test(value: object) -> Fault | None:
        # By its class, as most are right, and isinstance() twice is what takes time; no type checker follows that.
        if value.__class__ is int and low <= value <= high:  # type: ignore[operator]
            return None
        if isinstance(value, float):
            return "type", "an integer is expected, not a number with a decimal point"
        if not isinstance(value, int) or isinstance(value, bool):
            return not_("an integer", value)
        if low <= value <= high:
            return None
        return "range", f"{number(value)} is out of range: give {low} to {high}{unit}"

    return test


def real(value: object) -> Fault | None:
    """Tell what is wrong about a value that has to be a number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return not_("a number", value)
    return finite(value)


def finite(value: object) -> Fault | None:
    """Tell what is wrong about a value of any type that is neither an object nor an array."""
    if value is None or isinstance(value, (str, int)):
        return None
    if not isinstance(value, float):
        return not_("a value of JSON", value)
    if value != value or value in (float("inf"), float("-inf")):
        return "type", f"JSON cannot express {value}: give a finite number, or leave the member out"
    return None


def newer(what: str, since: str) -> Fault:
    """Return that something came with a later schema version than the one asked for."""
    return "newer", f"{what} came with schema {since}: leave it out, or ask for {since} or later"


def one_of(name: str, values: dict[str, str | None]) -> Test:
    """Return a test for the values of an enum, with the schema version of each that the one asked for lacks."""
    known = {value for value, since in values.items() if since is None}

    def test(value: object) -> Fault | None:
        if not isinstance(value, str):
            return not_(f"a value of {name}, a string,", value)
        if value in known:
            return None
        since = values.get(value)
        if since is not None:
            return newer(repr(value), since)
        allowed = ", ".join(islice(values, _ENOUGH_VALUES)) + (", ..." if len(values) > _ENOUGH_VALUES else "")
        hint = nearest(value, values)
        hint = f"did you mean {hint!r}? The values are" if hint else "the values are"
        return "value", f"{shown(value)} is not a value of {name}: {hint} {allowed}"

    return test


def not_(what: str, value: object) -> Fault:
    """Return that something else is expected than a value; the value itself stays out of it, as it may be a secret."""
    return "type", f"{what} is expected, not {called(value)}"


def is_object(value: object) -> TypeGuard[dict[Any, Any]]:
    """Return whether a value is an object of parsed JSON; keys of dicts of Python may be anything."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is an array of parsed JSON."""
    return isinstance(value, list)


def called(value: object) -> str:
    """Return what a value is called in JSON, or else the name of its type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, (list, tuple)):
        return "an array"
    if isinstance(value, dict):
        return "an object"
    return f"a Python object of type {type(value).__name__}"


def shown(value: str) -> str:
    """Return a text in quotation marks for a message, or a word about it if it is long."""
    return repr(value) if len(value) <= _LONGEST_SHOWN else f"a text of {len(value)} characters"


def number(value: int) -> str:
    """Return an integer for a message, or a word about it if it is long."""
    return str(value) if value.bit_length() <= 256 else "an integer of so many digits"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is meant, most likely, by a misspelt one; None if none is like it."""
    if not 0 < len(name) <= _LONGEST_SHOWN:
        return None
    known = list(names)
    lowered = name.lower()
    for candidate in known:
        if candidate.lower() == lowered:
            return candidate
    # The longer ones of the same beginning are near, too: "Mem" means "Memory".
    found = get_close_matches(name, known, 1, 0.7)
    return found[0] if found else None
