"""Measurements: values of several contestants, taken in turns, so that each can be set against another."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, TypeVar

from .names import Sweep

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Effort:
    """The extent of a measurement."""

    processes: int
    """Processes that measure each work, one after the other."""
    rounds: int
    """Turns that each contestant gets in a process."""
    batch: float
    """Seconds that a turn lasts at least."""
    tries: int
    """Attempts at a turn that other programs disturb, where that counts most."""
    handles: int
    """Handles and systems that are kept for their memory."""
    stream: int
    """Bytes that a process writes to its stdout in a turn."""
    launches: int
    """Starts of an interpreter."""
    alive: int = 10_000
    """Compute systems that live at once at most."""
    whole: bool = True
    """Whether every case is measured, or only the one or two that tell most."""


EFFORTS = {
    "tiny": Effort(processes=1, rounds=2, batch=0.0001, tries=1, handles=1_000, stream=1 << 16, launches=2, alive=100),
    "quick": Effort(
        processes=2,
        rounds=10,
        batch=0.004,
        tries=1,
        handles=50_000,
        stream=1 << 25,
        launches=12,
        alive=1_000,
        whole=False,
    ),
    "full": Effort(processes=5, rounds=20, batch=0.01, tries=6, handles=100_000, stream=1 << 27, launches=40),
}


@dataclass
class Series:
    """The values of one contestant at one work; the i-th was taken in the same round as the i-th of the others."""

    work: str
    contestant: str
    unit: str
    """"s" for each repetition, "/s", "B", "B/s" or "instructions"."""
    values: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Spread:
    """A median with its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        ordered = sorted(values)
        if len(ordered) == 1:
            return cls(ordered[0], ordered[0], ordered[0])
        low, median, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(median, low, high)


def ratio(numerator: Series, denominator: Series) -> Spread:
    """Return the spread of the ratios of values taken in the same round."""
    pairs = zip(numerator.values, denominator.values, strict=True)
    # A process need not grow for a few objects.
    return Spread.of(a / b if b else math.inf for a, b in pairs)


def beginning_with(number: int, names: Iterable[KeyT]) -> list[KeyT]:
    """Return the names in the same order, beginning with another one in each round."""
    names = list(names)
    first = number % len(names)
    return names[first:] + names[:first]


def in_turns(turns: Mapping[KeyT, Callable[[], ValueT]], rounds: int) -> Iterator[tuple[KeyT, ValueT]]:
    """Give each contestant a turn in each round; each round begins with another one."""
    for number in range(rounds):
        for name in beginning_with(number, turns):
            yield name, turns[name]()


def interleaved(work: str, unit: str, turns: Mapping[str, Callable[[], float]], rounds: int) -> list[Series]:
    series = {name: Series(work, name, unit) for name in turns}
    for name, value in in_turns(turns, rounds):
        series[name].values.append(value)
    return list(series.values())


def swept(
    sweep: Sweep, turns_at: Callable[[int], AbstractContextManager[Mapping[str, Callable[[], float]]]], rounds: int
) -> list[Series]:
    """Give each contestant a turn at each count in each round: growth, too, is a ratio within a round.

    turns_at() makes whatever there has to be so many of, and removes it after the turns.
    """
    series: dict[tuple[int, str], Series] = {}
    for number in range(rounds):
        for count in beginning_with(number, sweep.counts):
            with turns_at(count) as turns:
                for name in beginning_with(number, turns):
                    one = series.setdefault((count, name), Series(sweep.at(count), name, sweep.unit))
                    one.values.append(turns[name]())
    return list(series.values())


def repetitions(loop: Callable[[int], float], seconds: float) -> int:
    """Return how many repetitions take at least so long, even at the best of times. Finding out warms up."""
    n = 1
    while (taken := min(loop(n) for _ in range(3))) < seconds:
        n *= 2 if taken < seconds / 4 else 1 + round(seconds / taken)
    return n


def timed(loop: Callable[[int], float], seconds: float) -> Callable[[], float]:
    """Return a turn that gives the seconds of one repetition."""
    n = repetitions(loop, seconds)
    return lambda: loop(n) / n


def clocked(action: Callable[[], object], clock: Callable[[], float] = perf_counter) -> float:
    begin = clock()
    action()
    return clock() - begin


def keep_to_processor(number: int) -> None:
    """Keep this thread on one of the processors that it may use, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[number % len(usable)]})


@contextmanager
def one_processor() -> Iterator[None]:
    """Keep this process from moving between processors, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    # The last one, because interrupts go to the first.
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
