"""JSON text for a check, which tells what is wrong instead of raising."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

from .problems import Problem, member


def loaded(text: str) -> tuple[Any, list[Problem]]:
    """Return the value of a JSON text, and what is wrong with the text.

    If that is an error there is no value. Names that an object has twice are warnings.
    """
    twice: list[tuple[dict[str, Any], str]] = []

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    twice.append((made, name))
                seen.add(name)
        return made

    try:
        value = json.loads(text, object_pairs_hook=make, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        advice = ": give the text of a file, not its name" if error.doc.strip() and "{" not in error.doc else ""
        return None, [_not_json(f"{error.msg} at line {error.lineno}, column {error.colno}{advice}")]
    except _Constant as error:
        return None, [_not_json(f"{error} is not a JSON number")]
    except ValueError:  # what int() says
        return None, [_not_json("a number has more digits than Python reads")]
    except RecursionError:
        return None, [_not_json("it is nested deeper than Python's json reads")]
    return value, [_overridden(place) for place in _places(value, twice)] if twice else []


class _Constant(ValueError):
    pass


def _refuse(name: str) -> NoReturn:
    raise _Constant(name)


def _not_json(reason: str) -> Problem:
    return Problem("$", "json", f"not JSON: {reason}")


def _overridden(place: str) -> Problem:
    words = "accepted, and has no effect: the object has this name again further on, and the last one counts"
    return Problem(place, "ignored", words, "warning")


def _places(value: Any, twice: list[tuple[dict[str, Any], str]]) -> list[str]:
    """Return the places of members, by the objects that they are in."""
    names: dict[int, list[str]] = {}
    for made, name in twice:
        names.setdefault(id(made), []).append(name)
    found: list[str] = []
    stack: list[tuple[str, Any]] = [("$", value)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            found += [member(place, name) for name in names.get(id(members), ())]
            stack += [(member(place, name), item) for name, item in reversed(members.items())]
        elif isinstance(value, list):
            items = cast("list[Any]", value)
            stack += [(member(place, index), item) for index, item in reversed(list(enumerate(items)))]
    return found
