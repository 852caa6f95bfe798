"""The bars that hcsrt has to clear, each a ratio of two figures that were taken in turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .conditions import named
from .measure import Series, Spread, ratio
from .names import (
    ALIVE,
    ALIVE_VERBS,
    ASYNCIO,
    AWAITED,
    BARE,
    BLOCK,
    BURSTS,
    CFFI_ABI,
    CFFI_API,
    CTYPES_CALLBACK,
    CTYPES_FINALIZE,
    CYTHON,
    GIL_CALLBACK,
    HCSRT,
    IMPORT,
    IMPORT_AIO,
    IMPORT_ASYNCIO,
    IMPORT_SUBPROCESS,
    LOOP,
    NANOBIND,
    NO_FAULTS,
    NO_TABLE,
    OWNER,
    PLAIN,
    PROCESSOR_TIME,
    PYBIND11,
    RUN_TRUE,
    SUBPROCESS,
    WAITING_POOL,
    WITH_FIXTURE,
    WITH_TMP_PATH,
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
    """The contestant above the line of the ratio."""
    under: str
    under_work: str | None = None
    """The work of the one below the line, if it is another one that took its turns in the same rounds."""

    def measured(self, series: dict[tuple[str, str], Series]) -> Spread | None:
        """Return what was measured, or None if one of the two was left out."""
        over = series.get((self.work, self.over))
        under = series.get((self.under_work or self.work, self.under))
        return ratio(over, under) if over and under else None

    def holds(self, spread: Spread) -> bool:
        return spread.median <= self.limit if self.at_most else spread.median >= self.limit


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


def asyncio_bar(work: str, one: str, other: str, limit: float, at_most: bool = False) -> Bar:
    return Bar(work, f"{one} / {other}", limit, at_most, f"{one}, {ASYNCIO}", f"{other}, {ASYNCIO}")


def burst_bars(work: str) -> list[Bar]:
    limits = {LOOP: 0.7, GIL_CALLBACK: 6.0, CTYPES_CALLBACK: 6.0, WAITING_POOL: 10.0}
    return [asyncio_bar(work, HCSRT, other, limit) for other, limit in limits.items()]


def async_bars(condition: str) -> list[Bar]:
    works = [f"{case}: rate" for case in BURSTS]
    rates = [bar for work in works for bar in burst_bars(work)]
    rates.append(asyncio_bar(works[0], AWAITED, HCSRT, 0.75))
    # Beside other work the rates are those of the scheduler, which gives each thread its share.
    of_condition = {
        "": rates,
        "pinned": [asyncio_bar(work, HCSRT, GIL_CALLBACK, 4.0) for work in works],
    }
    times = [
        asyncio_bar(PROCESSOR_TIME.at(count), HCSRT, LOOP, 2.0, True) for count in PROCESSOR_TIME.counts if count >= 64
    ]
    return [*of_condition.get(condition, []), *times]


def growth_bar(sweep: Sweep, contestant: str, limit: float) -> Bar:
    """Return the bar on what a sweep costs at the largest count, as a multiple of the cost at the smallest."""
    first, last = sweep.counts[0], sweep.counts[-1]
    text = f"{contestant}: {last:,} / {first:,} {sweep.of}"
    return Bar(sweep.at(last), text, limit, True, contestant, contestant, under_work=sweep.at(first))


def clock_bars(free_threaded: bool) -> list[Bar]:
    """Return the bars on what the clock on the wall has timed: they are for a machine on which nothing else runs."""
    two_threads = Bar("threads", "2 threads / 2 processes", 0.9, False, f"{HCSRT}: 2 threads", f"{HCSRT}: 2 processes")
    return [
        *([two_threads] if free_threaded else []),
        Bar("stdout, read(64 KB)", "hcsrt / subprocess", 0.9, False, HCSRT, SUBPROCESS),
        Bar("stdout, capture_output", "hcsrt / subprocess", 0.9, False, HCSRT, SUBPROCESS),
        Bar("worlds", f"{BLOCK} / {RUN_TRUE}", 0.5, True, BLOCK, RUN_TRUE),
    ]


def bars(machine: Mapping[str, Any]) -> list[Bar]:
    """Return the bars of a build of CPython, on an idle, a busy or a pinned machine."""
    condition = named(machine)
    return [
        Bar("own, drop", "hcsrt from Cython / (an object, and the GIL given up once)", 1.3, True, CYTHON, PLAIN),
        *own_bars("own, drop"),
        *own_bars("own, close"),
        Bar("call", "hcsrt, guarded / nanobind, unguarded", 1.15, True, HCSRT, NANOBIND),
        Bar("close 10,000", "hcsrt / a loop of C++", 3.0, True, HCSRT, BARE),
        Bar("hand over", "hcsrt, a view / nanobind", 1.0, True, HCSRT, NANOBIND),
        Bar("hand over", "hcsrt, the owner itself / nanobind", 1.05, True, OWNER, NANOBIND),
        *async_bars(condition),
        *([] if condition else clock_bars(machine["free_threaded"])),
        *(growth_bar(sweep, verb, 1.2) for sweep in ALIVE.values() for verb in ALIVE_VERBS),
        Bar("memory", "a handle / nanobind's", 0.7, True, f"{HCSRT}: the object alone", NANOBIND),
        Bar("import", f"{IMPORT} / {IMPORT_SUBPROCESS}", 1.0, True, IMPORT, IMPORT_SUBPROCESS),
        Bar("import", f"{IMPORT_AIO} / {IMPORT_ASYNCIO}", 1.1, True, IMPORT_AIO, IMPORT_ASYNCIO),
        Bar("worlds, tests", "with hcs_host / with tmp_path", 1.1, True, WITH_FIXTURE, WITH_TMP_PATH),
        Bar("a call and faults", f"{NO_FAULTS} / {NO_TABLE}", 1.1, True, NO_FAULTS, NO_TABLE),
    ]


def judged(series: list[Series], machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each bar with what was measured."""
    found = {(one.work, one.contestant): one for one in series}
    rows = []
    for bar in bars(machine):
        spread = bar.measured(found)
        rows.append(
            {
                "work": bar.work,
                "what": bar.text,
                "bar": f"{'≤' if bar.at_most else '≥'} {bar.limit:g}",
                "measured": spread and [spread.median, spread.low, spread.high],
                "holds": None if spread is None else bar.holds(spread),
            }
        )
    return rows
