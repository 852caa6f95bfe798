"""The annotations of everything public can be read, although importing hcsrt imports nothing that they need."""

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import hcsrt
from hcsrt import aio

# Programs, which nobody calls from Python.
NOT_CALLED = {"__main__", "check_host", "cli", "pytest_plugin"}


def public_modules() -> Iterator[types.ModuleType]:
    yield hcsrt
    for package in (hcsrt, aio):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            name = info.name.rpartition(".")[2]
            if not name.startswith("_") and name not in NOT_CALLED:
                yield importlib.import_module(info.name)


def is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "hcsrt"


def function_of(thing: Any) -> Any:
    """Return the function behind what stands in a class or module; None if there is none, or it is not Python's."""
    if isinstance(thing, property):
        thing = thing.fget
    elif isinstance(thing, (classmethod, staticmethod)):
        thing = thing.__func__
    return thing if hasattr(thing, "__annotations__") and callable(thing) and is_ours(thing) else None


def public_things() -> dict[str, Any]:
    things: dict[str, Any] = {}
    for module in public_modules():
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        for name in getattr(module, "__all__", own):
            value = getattr(module, name)
            if name.startswith("_") or not is_ours(value):
                continue
            if not isinstance(value, type):
                if (function := function_of(value)) is not None:
                    things[f"{function.__module__}.{function.__qualname__}"] = function
                continue
            things[f"{value.__module__}.{value.__qualname__}"] = value
            for kind in filter(is_ours, value.__mro__):
                for attribute, member in vars(kind).items():
                    if is_public(attribute) and (function := function_of(member)) is not None:
                        things[f"{function.__module__}.{function.__qualname__}"] = function
    return things


THINGS = public_things()


def test_there_is_something_to_look_at() -> None:
    assert len(THINGS) > 250
    for name in ("system.ComputeSystem.run", "aio.system.ComputeSystem", "_facade.owner.Owner.handle", "once.run"):
        assert f"hcsrt.{name}" in THINGS


@pytest.mark.parametrize("name", sorted(THINGS))
def test_hints_can_be_read(name: str) -> None:
    hints = typing.get_type_hints(THINGS[name])
    # No name stands for something else than it says.
    assert not [hint for hint in hints.values() if isinstance(hint, (str, typing.ForwardRef))]
    if not isinstance(THINGS[name], type):
        signature = inspect.signature(THINGS[name], eval_str=True)
        annotations = [parameter.annotation for parameter in signature.parameters.values()]
        assert not [item for item in (*annotations, signature.return_annotation) if isinstance(item, str)]
