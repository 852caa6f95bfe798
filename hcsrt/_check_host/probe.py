"""Probes: functions that try out on a host what is not known of HCS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from .bench import CONTAINER, VIRTUAL_MACHINE, Bench, Kind

FunctionT = TypeVar("FunctionT", bound=Callable[..., None])

# The attribute of a function that is a probe.
_MARK = "_hcsrt_probe"


@dataclass(frozen=True)
class _Mark:
    both_kinds: bool
    cases: Mapping[str, Any] | None


def probe(*, both_kinds: bool = False, cases: Mapping[str, Any] | None = None) -> Callable[[FunctionT], FunctionT]:
    """Mark a function as a probe, which is called with a Bench.

    Args:
        both_kinds: Whether it runs twice: with a container, and with a virtual machine.
        cases: Values by name. It runs with each of them as its second argument.
    """

    def mark(function: FunctionT) -> FunctionT:
        setattr(function, _MARK, _Mark(both_kinds, cases))
        return function

    return mark


@dataclass(frozen=True)
class Probe:
    """One run of a function on one kind of system, with one value.

    Attributes:
        point: The function, as the points name it: "operations.failed_kick_off".
        case: What sets this run apart from others of the function, "" if it is the only one.
    """

    point: str
    case: str
    _function: Callable[..., None]
    _kind: Kind | None
    _values: tuple[Any, ...]

    @property
    def name(self) -> str:
        return f"{self.point}[{self.case}]" if self.case else self.point

    def run(self, bench: Bench) -> None:
        bench.kind = self._kind
        self._function(bench, *self._values)


def probes_of(module: ModuleType) -> Iterator[Probe]:
    """Yield the probes of a module, in the order of its lines."""
    for function in vars(module).values():
        mark = getattr(function, _MARK, None)
        if isinstance(mark, _Mark) and function.__module__ == module.__name__:
            point = f"{module.__name__.rpartition('.')[2]}.{function.__name__}"
            yield from _runs(point, function, mark)


def _runs(point: str, function: Callable[..., None], mark: _Mark) -> Iterator[Probe]:
    kinds: tuple[Kind | None, ...] = (CONTAINER, VIRTUAL_MACHINE) if mark.both_kinds else (None,)
    for kind in kinds:
        if mark.cases is None:
            yield Probe(point, kind or "", function, kind, ())
            continue
        for name, value in mark.cases.items():
            yield Probe(point, f"{kind}, {name}" if kind else name, function, kind, (value,))
