"""Rare cases that tests have to meet: a run that never does has not tested what it seems to test."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .._arguments import check_name, integer
from . import _native


class Sometimes:
    """What has been met in this process, by name; call `sometimes` for each place where the case may come.

    A forked child has what its parent had, and goes on alone from there.
    """

    def __init__(self) -> None:
        self._met: dict[str, int] = {}
        # Callers may be on any threads; a fork may happen while one of them is inside.
        self._locks: dict[int, threading.Lock] = {}

    def __repr__(self) -> str:
        never = len(self.never())
        return f"<sometimes: {len(self._met) - never} cases met, {never} never>"

    def __call__(self, name: str, condition: object = True) -> None:
        """Note that the program has come to a place where something may be the case, and whether it is.

        ::

            sometimes("a container was there already", error.hresult == hresults.HCS_E_SYSTEM_ALREADY_EXISTS)

        It is cheap, and does nothing else: it may stay in the code under test.

        Args:
            name: What may be the case.
            condition: Whether it is; anything that is true or false.

        Raises:
            TypeError: The name is no text.
            ValueError: The name is empty.
        """
        self._add(name, 1 if condition else 0)

    def report(self) -> dict[str, int]:
        """Return how often each case was met, by name; 0 for one that was only named.

        Of a place that the program never came to nothing is known: name it beforehand, with False.
        """
        with self._lock():
            return dict(self._met)

    def never(self) -> list[str]:
        """Return the names of the cases that were never met."""
        return [name for name, count in self.report().items() if not count]

    def merge(self, report: Mapping[str, int]) -> None:
        """Add what another process has met.

        Args:
            report: What `report()` has returned there.

        Raises:
            TypeError: A name is no text, or a count is no int.
            ValueError: A name is empty, or a count is negative.
        """
        if not isinstance(report, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"report must be a mapping, as report() has returned it, not {type(report).__name__}")
        for name, count in report.items():
            check_name(name, "a name in report")
            if integer(count, f"the count of {name!r}") < 0:
                raise ValueError(f"the count of {name!r} is {count}: give what report() has returned")
        for name, count in report.items():
            self._add(name, count)

    def clear(self) -> None:
        """Forget all names."""
        with self._lock():
            self._met.clear()

    def _add(self, name: str, count: int) -> None:
        check_name(name, "name")
        with self._lock():
            self._met[name] = self._met.get(name, 0) + count

    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(_native.epoch(), threading.Lock())


sometimes: Sometimes = Sometimes()
"""The cases of this process."""
