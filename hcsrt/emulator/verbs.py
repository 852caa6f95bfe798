"""The table of what the service answers: functions of HCS and news of the native half, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from . import _native
from .failures import invalid_argument
from .outbox import Answer

Verb = Callable[[_native.Request], Answer | None]
M = TypeVar("M", bound=Callable[..., Answer | None])


def verb(*names: str, at_once: bool = False) -> Callable[[M], M]:
    """Mark a method that answers these functions.

    It returns its answer, raises Failure, or returns None and answers later. `at_once` is for functions whose callers
    wait inside the call, and that no other answer may overtake.
    """

    def mark(method: M) -> M:
        setattr(method, "_names", names)  # noqa: B010
        setattr(method, "_at_once", at_once)  # noqa: B010
        return method

    return mark


def table_of(*owners: object) -> tuple[dict[str, Verb], frozenset[str]]:
    """Return the marked methods of these objects by the functions that they answer, and those that answer at once."""
    verbs: dict[str, Verb] = {}
    at_once: set[str] = set()
    for owner in owners:
        for attribute, method in vars(type(owner)).items():
            names: tuple[str, ...] = getattr(method, "_names", ())
            for name in names:
                verbs[name] = getattr(owner, attribute)
            if names and getattr(method, "_at_once", False):
                at_once.update(names)
    return verbs, frozenset(at_once)


def expect_no_options(request: _native.Request) -> None:
    """Refuse options where the reference wants NULL; clients send "" or "{}" too, and get away with it."""
    if request.text not in (None, "", "{}"):
        raise invalid_argument("$", "the options are reserved and must be NULL")
