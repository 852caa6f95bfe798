"""JSON documents, refused by the same check that `hcsrt.documents` has for everybody.

The schema versions in them are not enforced: HCS takes a document by what the Windows at hand knows, and the emulator
knows whatever the table has. What HCS accepts, and a check warns of, the emulator accepts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from ..documents.checking import problems as problems_of
from ..documents.problems import Problem as Found
from ..documents.problems import member as member
from ..documents.reading import loaded
from ..documents.table import table
from .failures import Problem, invalid_json


def enum_values(name: str) -> Iterable[str]:
    """Return the values of an enum."""
    return table().enums[name].values.keys()


def problems(value: object, kind: str, *place: str) -> tuple[Problem, ...]:
    """Return each place at which a parsed document breaks a type of the table, or a rule.

    Args:
        value: The document, or a part of one.
        kind: A type as the table spells it: "uint32", "<Layer> array", "Map<string, Scsi>", an enum or a struct.
        place: The members that lead to the part.
    """
    return _errors(problems_of(value, kind, place, host="emulator"))


def load(text: str) -> object:
    """Return the value of a JSON text; raises Failure (HCS_E_INVALID_JSON) if it is none."""
    value, found = loaded(text)
    errors = _errors(found)
    if errors:
        raise invalid_json(*errors)
    return cast("object", value)


def parse(text: str, kind: str) -> dict[str, Any]:
    """Return the object of type `kind`, a struct, in a JSON text.

    Raises Failure (HCS_E_INVALID_JSON) that names each place which breaks the type or a rule.
    """
    value = load(text)
    found = problems(value, kind)
    if found:
        raise invalid_json(*found)
    return cast("dict[str, Any]", value)


def parse_optional(text: str | None, kind: str) -> dict[str, Any]:
    """Return the object in a JSON text; an absent or empty text is an empty object."""
    return parse(text, kind) if text else {}


def compute_system(text: str) -> dict[str, Any]:
    """Return the ComputeSystem in a JSON text that describes a system to create.

    Raises Failure (HCS_E_INVALID_JSON) that names each place which breaks the type or a rule.
    """
    return parse(text, "ComputeSystem")


def _errors(found: Iterable[Found]) -> tuple[Problem, ...]:
    return tuple(Problem(problem.path, problem.text) for problem in found if problem.severity == "error")
