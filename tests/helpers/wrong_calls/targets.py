"""What there is to call: every function and type of every extension module of a package."""

import ast
import importlib
import importlib.machinery
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


def extension_modules(package: ModuleType) -> list[ModuleType]:
    """Return the extension modules of a package, those of its subpackages too."""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    found = []
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # A module that is run as a program is no extension module, and importing it would run it.
        if info.name.endswith(".__main__"):
            continue
        spec = importlib.util.find_spec(info.name)
        if spec is not None and spec.origin is not None and spec.origin.endswith(suffixes):
            found.append(importlib.import_module(info.name))
    return found


@dataclass
class Parameters:
    """The names of what a function takes."""

    positional: list[str] = field(default_factory=list)
    keyword: list[str] = field(default_factory=list)
    rest: str | None = None
    """The name of its *rest."""
    needed: int = 0
    """How many of the positional ones have no default."""


def _of_stub(node: ast.FunctionDef) -> Parameters:
    arguments = node.args
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    return Parameters(
        positional,
        [argument.arg for argument in arguments.kwonlyargs],
        arguments.vararg.arg if arguments.vararg else None,
        len(positional) - len(arguments.defaults),
    )


def _without_self(parameters: Parameters) -> Parameters:
    return Parameters(parameters.positional[1:], parameters.keyword, parameters.rest, max(parameters.needed - 1, 0))


class Stubs:
    """The signatures that the stub of a module tells of, by qualified name."""

    def __init__(self, module: ModuleType) -> None:
        self.known: dict[str, Parameters] = {}
        file = Path(str(module.__file__))
        stub = file.with_name(file.name.split(".", 1)[0] + ".pyi")
        if stub.exists():
            self._read(ast.parse(stub.read_text("utf-8")), "")

    def _read(self, node: ast.AST, prefix: str) -> None:
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.ClassDef):
                self._read(each, f"{each.name}.")
            elif isinstance(each, ast.FunctionDef):
                self.known[prefix + each.name] = _of_stub(each)


def parameters_of(function: Any, stubs: Stubs, name: str, is_method: bool) -> Parameters | None:
    """Return what a function takes, without `self`; None if neither it nor its stub tells."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        known = stubs.known.get(name)
        return _without_self(known) if known is not None and is_method else known
    kinds = inspect.Parameter
    positional = [each for each in found if each.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    parameters = Parameters(
        [each.name for each in positional],
        [each.name for each in found if each.kind is kinds.KEYWORD_ONLY],
        next((each.name for each in found if each.kind is kinds.VAR_POSITIONAL), None),
        sum(each.default is kinds.empty for each in positional),
    )
    return _without_self(parameters) if is_method else parameters


@dataclass
class Function:
    name: str
    call: Callable[..., Any]
    parameters: Parameters | None


@dataclass
class Type:
    name: str
    type: type
    init: Parameters | None
    members: list[str]
    stubs: Stubs


def functions_of(module: ModuleType) -> Iterator[Function]:
    """Yield the functions that a module defines, and the static methods of its types."""
    stubs = Stubs(module)
    for name, value in sorted(vars(module).items()):
        if not callable(value) or getattr(value, "__module__", None) != module.__name__:
            continue
        if not isinstance(value, type):
            yield Function(f"{module.__name__}.{name}", value, parameters_of(value, stubs, name, is_method=False))
            continue
        for inner, member in sorted(vars(value).items()):
            if isinstance(member, staticmethod) and inner != "__new__":
                qualified = f"{name}.{inner}"
                function = getattr(value, inner)
                parameters = parameters_of(function, stubs, qualified, is_method=False)
                yield Function(f"{module.__name__}.{qualified}", function, parameters)


def types_of(module: ModuleType) -> Iterator[Type]:
    """Yield the types that a module defines."""
    stubs = Stubs(module)
    for name, value in sorted(vars(module).items()):
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        maker = stubs.known.get(f"{name}.__new__") or stubs.known.get(f"{name}.__init__")
        init = _without_self(maker) if maker is not None else None
        yield Type(f"{module.__name__}.{name}", value, init, dir(value), stubs)
