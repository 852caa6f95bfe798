"""What the table of faults costs a call: no table, one without faults, and faults that the call does not meet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import thread_time

from hcsrt.faults import Faults

from ..harness import library
from ..harness.measure import Effort, Series, clocked, interleaved, timed
from ..harness.names import NO_FAULTS, NO_TABLE
from .handles import cython_contestant

ELSEWHERE = "a fault for another function"
UNMET = "a fault for other numbers of the call"


def other() -> Faults:
    faults = Faults()
    faults.on("HcsSaveComputeSystem").fail("E_FAIL")
    return faults


def unmet() -> Faults:
    faults = Faults()
    faults.on("HcsGetOperationId", when=[["count", "==", 0]]).delay(0)
    return faults


TABLES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    NO_TABLE: nullcontext,
    NO_FAULTS: Faults,
    ELSEWHERE: other,
    UNMET: unmet,
}


def measure(effort: Effort) -> list[Series]:
    library.install()
    cython = cython_contestant()
    if cython is None:
        return []
    operation = cython.new_operation()

    def loop_with(table: Callable[[], AbstractContextManager[object]]) -> Callable[[int], float]:
        def loop(n: int) -> float:
            with table():
                return clocked(lambda: cython.call(n, operation), thread_time)

        return loop

    turns = {name: timed(loop_with(table), effort.batch) for name, table in TABLES.items()}
    return interleaved("a call and faults", "s", turns, effort.rounds)
