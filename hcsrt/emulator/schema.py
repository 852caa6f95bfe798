"""JSON documents, refused by the same check that `hcsrt.documents` has for everybody.

The schema versions in them are not enforced: HCS takes a document by what the Windows at hand knows, and the emulator
knows whatever the table has. What HCS accepts, and a check warns of, the emulator accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, cast

from .. import _hresults
from ..documents.checking import problems as problems_of
from ..documents.problems import Problem as Found
from ..documents.problems import member as member
from ..documents.reading import loaded
from ..documents.table import table
from .failures import Failure, Problem, impossible_request, invalid_json

_REQUESTS = ("ModifySettingRequest", "ProcessParameters")

# Texts without an error, with their types: a program gives the same ones again and again, and to check one takes ten
# times as long as to read it. Only so many, and none that is longer.
_right: set[tuple[str, str]] = set()
_MOST_RIGHT, _LONGEST_RIGHT = 64, 4096

# What a fact calls the HRESULT that somebody saw.
_SYMBOL = re.compile(r"\b(?:E|ERROR|HCS_E)_[A-Z_]+\b")


def enum_values(name: str) -> Iterable[str]:
    """Return the values of an enum."""
    return table().enums[name].values.keys()


def load(text: str) -> object:
    """Return the value of a JSON text; raises Failure (HCS_E_INVALID_JSON) if it is none."""
    value, found = loaded(text)
    _refuse(found)
    return cast("object", value)


def parse(text: str, kind: str) -> dict[str, Any]:
    """Return the object of type `kind`, a struct, in a JSON text.

    Raises Failure that names each place which breaks the type (HCS_E_INVALID_JSON) or a rule (E_INVALIDARG for what
    asks for something impossible).
    """
    key = kind, text
    if key in _right:
        return cast("dict[str, Any]", json.loads(text))
    value = load(text)
    _refuse(problems_of(value, kind, host="emulator"), impossible=kind in _REQUESTS)
    if len(text) <= _LONGEST_RIGHT:
        if len(_right) >= _MOST_RIGHT:
            _right.clear()
        _right.add(key)
    return cast("dict[str, Any]", value)


def parse_optional(text: str | None, kind: str) -> dict[str, Any]:
    """Return the object in a JSON text; an absent or empty text is an empty object."""
    return parse(text, kind) if text else {}


def compute_system(text: str) -> dict[str, Any]:
    """Return the ComputeSystem in a JSON text that describes a system to create; raises Failure as parse does."""
    return parse(text, "ComputeSystem")


def _refuse(found: Iterable[Found], *, impossible: bool = False) -> None:
    """Refuse a document with errors; warnings are let through.

    impossible: whether what breaks nothing but rules is well-formed, and asks for something impossible.
    """
    errors = [problem for problem in found if problem.severity == "error"]
    if not errors:
        return
    problems = [Problem(error.path, error.text) for error in errors]
    seen = [_seen(error) for error in errors]
    if seen[0] is not None and all(seen):
        raise Failure(seen[0], "The compute system cannot be constructed.", problems)
    failure = impossible_request if impossible and all(error.kind == "rule" for error in errors) else invalid_json
    raise failure(*problems)


def _seen(error: Found) -> int | None:
    """Return the HRESULT that HCS was seen to give for what breaks a rule, if the fact behind the rule names one."""
    symbol = _SYMBOL.search(error.fact)
    return getattr(_hresults, symbol[0], None) if symbol else None
