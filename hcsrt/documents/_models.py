"""A user's own models as documents: objects of classes of pydantic, attrs and dataclasses.

None of them is imported: their classes are known by what they have. A member that is None is left out, as HCS knows no
null.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, cast

from .problems import Problem, written


def members(value: object) -> Any:
    """Return the members of a model, with models in it left as they are; None if the value is no model.

    pydantic's model_dump() is asked for what JSON has, by the aliases of the fields; of a RootModel that may be an
    array or a scalar. Members of other models have the names of their attributes.

    Raises:
        TypeError: model_dump() returns what no document has.
    """
    kind = type(value)
    if callable(getattr(kind, "model_dump", None)):
        model: Any = value
        dumped = model.model_dump(mode="json", by_alias=True, exclude_none=True)
        if dumped is None or is_model(dumped):
            raise TypeError(f"{kind.__name__}.model_dump() has to return a value of JSON, not {type(dumped).__name__}")
        return dumped
    names = _names(kind)
    if names is None:
        return None
    found = {name: getattr(value, name, None) for name in names}
    return {name: item for name, item in found.items() if item is not None}


def is_model(value: object) -> bool:
    """Return whether a value is an object of a class of pydantic, attrs or dataclasses."""
    kind = type(value)
    return callable(getattr(kind, "model_dump", None)) or _names(kind) is not None


def _names(kind: type) -> list[str] | None:
    """Return the names of the attributes that are the fields of a class of attrs or dataclasses."""
    attributes = getattr(kind, "__attrs_attrs__", None)
    if attributes is not None:
        return [attribute.name for attribute in attributes]
    if hasattr(kind, "__dataclass_fields__"):
        return [field.name for field in sys.modules["dataclasses"].fields(kind)]
    return None


def is_foreign(value: object) -> bool:
    """Return whether a value is an object or array of JSON, but of another class than those that JSON text becomes."""
    if isinstance(value, (str, int, float, dict, list)) or value is None:
        return False
    return isinstance(value, (Mapping, tuple)) or is_model(value)


class Endless(Exception):
    """An object contains itself."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def converted(document: object) -> Any:
    """Return a document with dicts and lists in place of mappings, tuples and models, however deep they are.

    Raises:
        Endless: An object contains itself.
    """
    holder: list[Any] = [document]
    # What is to be done, the last first: (where the result belongs, its key, the value), or the end of an object.
    stack: list[tuple[Any, Any, Any]] = [(holder, 0, document)]
    inside: dict[int, tuple[Any, Any]] = {}
    keys: list[Any] = []
    while stack:
        owner, key, value = stack.pop()
        if owner is None:
            del inside[key]
            keys.pop()
            continue
        if value is None or isinstance(value, (str, int, float)):
            owner[key] = value
            continue
        made: Any
        items: list[tuple[Any, Any]]
        identity = id(value)
        if isinstance(value, (list, tuple)):
            items = list(enumerate(cast("list[Any] | tuple[Any, ...]", value)))
            made = [None] * len(items)
        else:
            dumped = cast("object", value if isinstance(value, Mapping) else members(value))
            if dumped is None:
                owner[key] = value
                continue
            if not isinstance(dumped, Mapping):
                stack.append((owner, key, dumped))
                continue
            found = cast("Mapping[Any, Any]", dumped)
            items = list(found.items())
            made = dict.fromkeys(found)
        if identity in inside:
            place = written([*keys, key][1:])
            raise Endless(Problem(place, "type", "it contains itself, and JSON has no form for that"))
        owner[key] = made
        inside[identity] = (value, made)  # kept alive, so that no other object gets the same id
        keys.append(key)
        stack.append((None, identity, None))
        stack += [(made, name, item) for name, item in reversed(items)]
    return holder[0]
