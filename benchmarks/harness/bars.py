"""The bars that hcsrt has to clear, each a ratio, a difference or a size from one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .measure import Series, Spread, difference, ratio
from .names import (
    ASYNCIO,
    AWAITED,
    BARE,
    BURSTS,
    CFFI_ABI,
    CFFI_API,
    CTYPES_CALLBACK,
    CTYPES_FINALIZE,
    CYTHON,
    EMPTY_TESTS,
    GIL_CALLBACK,
    HCSRT,
    HOST,
    IMPORT,
    LOOP,
    NANOBIND,
    NO_FAULTS,
    NO_TABLE,
    PLAIN,
    PROCESSOR_TIME,
    PYBIND11,
    WAITING_POOL,
    WITH_FIXTURE,
    Sweep,
)


@dataclass(frozen=True)
class Bar:
    work: str
    text: str
    """The comparison, as the table words it."""
    limit: float
    at_most: bool
    over: str
    """The contestant above the line of the ratio, or the one whose value counts."""
    under: str | None = None
    minus: bool = False
    """The difference instead of the ratio."""
    unit: str = ""
    scale: float = 1.0
    under_work: str | None = None
    """The work of the one below the line, if it is another one that took its turns in the same rounds."""

    def measured(self, series: dict[tuple[str, str], Series]) -> Spread | None:
        """Return what was measured, or None if one of the two was left out."""
        over = series.get((self.work, self.over))
        if over is None:
            return None
        if self.under is None:
            return Spread.of(over.values)
        under = series.get((self.under_work or self.work, self.under))
        if under is None:
            return None
        return difference(over, under) if self.minus else ratio(over, under)

    def holds(self, spread: Spread) -> bool:
        value = spread.median * self.scale
        return value <= self.limit if self.at_most else value >= self.limit


def own_bars(work: str) -> list[Bar]:
    def times(other: str, factor: float) -> Bar:
        return Bar(work, f"{other} / hcsrt", factor, False, other, HCSRT)

    return [
        times(NANOBIND, 1.0),
        times(PYBIND11, 3.0),
        times(CFFI_API, 4.0),
        times(CFFI_ABI, 4.0),
        times(CTYPES_FINALIZE, 10.0),
    ]


def async_bars(work: str) -> list[Bar]:
    def times(other: str, factor: float) -> Bar:
        return Bar(work, f"hcsrt / {other}", factor, False, f"{HCSRT}, {ASYNCIO}", f"{other}, {ASYNCIO}")

    return [times(LOOP, 0.7), times(GIL_CALLBACK, 6.0), times(CTYPES_CALLBACK, 6.0), times(WAITING_POOL, 10.0)]


def processor_time_bars() -> list[Bar]:
    other, limit = LOOP, 2.0
    return [
        Bar(PROCESSOR_TIME.at(count), f"hcsrt / {other}", limit, True, f"{HCSRT}, {ASYNCIO}", f"{other}, {ASYNCIO}")
        for count in PROCESSOR_TIME.counts
        if count >= 64
    ]


def growth_bar(sweep: Sweep, contestant: str, limit: float) -> Bar:
    """Return the bar on what a sweep costs at the largest count, as a multiple of the cost at the smallest."""
    first, last = sweep.counts[0], sweep.counts[-1]
    text = f"{contestant}: {sweep.growth}"
    return Bar(sweep.at(last), text, limit, True, contestant, contestant, under_work=sweep.at(first))


def bars(machine: Mapping[str, Any]) -> list[Bar]:
    """Return the bars of a build of CPython, on an idle, a busy or a pinned machine."""
    free_threaded = machine["free_threaded"]
    return [
        Bar("own, drop", "hcsrt from Cython / (an object, and the GIL given up once)", 1.3, True, CYTHON, PLAIN),
        *own_bars("own, drop"),
        *own_bars("own, close"),
        Bar("call", "hcsrt, guarded / nanobind, unguarded", 1.15, True, HCSRT, NANOBIND),
        Bar("close 10,000", "hcsrt / a loop of C++", 3.0, True, HCSRT, BARE),
        *(bar for case in BURSTS for bar in async_bars(f"{case}: rate")),
        Bar(f"{BURSTS[0]}: rate", f"{AWAITED} / hcsrt", 0.75, False, f"{AWAITED}, {ASYNCIO}", f"{HCSRT}, {ASYNCIO}"),
        *processor_time_bars(),
        *(
            [Bar("threads", "2 threads / 2 processes", 0.9, False, f"{HCSRT}: 2 threads", f"{HCSRT}: 2 processes")]
            if free_threaded
            else []
        ),
        Bar("stdout, read(64 KB)", "hcsrt / subprocess", 0.9, False, HCSRT, "subprocess"),
        Bar("stdout, capture_output", "hcsrt / subprocess", 0.9, False, HCSRT, "subprocess"),
        Bar("memory", "a handle", 80 if free_threaded else 64, True, f"{HCSRT}: the object alone", unit="B"),
        Bar("import", f"{IMPORT} - bare Python", 15.0, True, IMPORT, "python -c pass", True, "ms", 1e3),
        Bar("a call and faults", f"{NO_FAULTS} - {NO_TABLE}", 10.0, True, NO_FAULTS, NO_TABLE, True, "ns", 1e9),
        Bar("worlds", HOST, 1.0, True, HOST, unit="ms", scale=1e3),
        Bar("worlds, tests", f"{WITH_FIXTURE} - without", 1.0, True, WITH_FIXTURE, EMPTY_TESTS, True, "s"),
    ]


def judged(series: list[Series], machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each bar with what was measured."""
    found = {(one.work, one.contestant): one for one in series}
    rows = []
    for bar in bars(machine):
        spread = bar.measured(found)
        values = spread and [bar.scale * value for value in (spread.median, spread.low, spread.high)]
        rows.append(
            {
                "work": bar.work,
                "what": bar.text,
                "bar": f"{'≤' if bar.at_most else '≥'} {bar.limit:g} {bar.unit}".strip(),
                "measured": values,
                "holds": None if spread is None else bar.holds(spread),
            }
        )
    return rows
