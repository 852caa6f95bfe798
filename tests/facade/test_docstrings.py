"""The docstrings of both faces have the form that tools read, and name what they are about."""

import inspect
import re
from typing import Any

import pytest

import hcsrt
from hcsrt import _functions, aio, operations

KINDS = ("ComputeSystem", "Process")
FUNCTIONS = ("close_all", "reap", "statistics_of", "stop_all", "systems")


def surface(face: Any) -> dict[str, Any]:
    found = {name: getattr(face, name) for name in FUNCTIONS}
    for owner in (*(getattr(face, kind) for kind in KINDS), face.service):
        members = inspect.getmembers(owner, inspect.isroutine)
        names = getattr(owner, "__all__", None) or [name for name, _ in members if name[0] != "_"]
        found |= {f"{owner.__name__}.{name}": getattr(owner, name) for name in names}
    return found


@pytest.mark.parametrize("face", [hcsrt, aio], ids=["blocking", "awaited"])
def test_each_docstring_names_its_parameters_and_the_functions_of_hcs(face: Any) -> None:
    functions = surface(face)
    assert len(functions) > 45
    for name, function in functions.items():
        text = inspect.getdoc(function) or ""
        first, _, rest = text.partition("\n")
        assert first.endswith("."), name
        for parameter in inspect.signature(function).parameters:
            if parameter not in ("self", "cls"):
                assert re.search(rf"^    {parameter}: \S", rest, re.MULTILINE), (name, parameter)
        last = text.splitlines()[-1]
        assert last.startswith("HCS: "), name
        named = re.findall(r"Hcs\w+", last)
        assert named, name
        for hcs in named:
            _functions.since(hcs)  # ValueError for a name that is none
        assert max(map(len, text.splitlines())) <= 120 - 4, name


def test_each_docstring_of_operations_names_the_functions_of_hcs() -> None:
    names = [
        name for name, value in vars(operations).items() if getattr(value, "__module__", "") == operations.__name__
    ]
    assert len(names) == 14
    for name in names:
        text = inspect.getdoc(getattr(operations, name)) or ""
        assert text.partition("\n")[0].endswith("."), name
        assert "\nArgs:\n    " in text, name
        assert "\nRaises:\n    " in text, name
        if name == "kick_off":  # of any function
            continue
        last = text.splitlines()[-1]
        assert last.startswith("HCS: "), name
        for hcs in last.removeprefix("HCS: ").split(", "):
            _functions.since(hcs)  # ValueError for a name that is none
