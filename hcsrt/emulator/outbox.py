"""Answers and events on their way out, in an order and at times that a seed varies."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from .._event_types import EVENT_TYPES
from . import _native
from .failures import Failure
from .variation import Variation

SYSTEM_EXITED = EVENT_TYPES["SystemExited"]
CRASH_INITIATED = EVENT_TYPES["SystemCrashInitiated"]
CRASH_REPORT = EVENT_TYPES["SystemCrashReport"]
PROCESS_EXITED = EVENT_TYPES["ProcessExited"]


class Answer(NamedTuple):
    """A successful result: its document, the key of an opened object, the pid of a process."""

    document: str | None = None
    key: int = 0
    pid: int = 0


# A ticket, an HRESULT, a document, the key of an opened object, and a pid.
Reply: TypeAlias = tuple[int, int, str | None, int, int]


class Outbox:
    """Answers, events and timers of the service's thread."""

    def __init__(self, variation: Variation) -> None:
        self.variation = variation
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        # Timers of one instant run in the order in which they were set.
        self._order = itertools.count()
        # A reply that goes out right before the service waits for what comes next, or before what must not overtake it.
        self._held: Reply | None = None

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` on the service's thread in so many seconds."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), action))

    def pause(self) -> float | None:
        """Return the seconds until the next timer is due, None if there is none."""
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def next_due(self) -> Callable[[], None] | None:
        """Remove the next timer that is due and return its action."""
        if self._timers and self._timers[0][0] <= time.monotonic():
            return heapq.heappop(self._timers)[2]
        return None

    def answer(self, ticket: int, outcome: Answer | Failure, *, at_once: bool = False) -> None:
        """Answer a request; unless `at_once`, a seed makes some answers later than those that follow."""
        if not at_once and self.variation.choose("answers") == "late":
            self.after(self.variation.delay(), lambda: self._reply(ticket, outcome))
        else:
            self._reply(ticket, outcome)

    def emit(self, key: int, event_type: int, data: str) -> None:
        """Deliver an event; a seed makes some events late."""
        self.emit_in_order(key, (event_type, data))

    def emit_in_order(self, key: int, *events: tuple[int, str]) -> None:
        """Deliver events that never overtake each other."""

        def deliver() -> None:
            self._let_go()
            for event_type, data in events:
                _native.emit(key, event_type, data)

        if self.variation.choose("events") == "late":
            self.after(self.variation.delay(), deliver)
        else:
            deliver()

    def held(self) -> Reply | None:
        """Return the reply that is still to be given, if there is one, and forget it."""
        held, self._held = self._held, None
        return held

    def _let_go(self) -> None:
        """Give the reply that is still to be given."""
        held = self.held()
        if held is not None:
            ticket, hresult, document, key, pid = held
            _native.reply(ticket, hresult, document, key=key, pid=pid)

    def _reply(self, ticket: int, outcome: Answer | Failure) -> None:
        self._let_go()
        if isinstance(outcome, Answer):
            self._held = ticket, 0, outcome.document, outcome.key, outcome.pid
        elif outcome.terse and self.variation.choose("error_document") == "absent":
            self._held = ticket, outcome.hresult, None, 0, 0
        else:
            self._held = ticket, outcome.hresult, outcome.document(), 0, 0
