"""The costs of the emulator, which are in no other figure."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Callable

import hcsrt
from hcsrt import emulator

from ..harness.measure import Effort, Series, clocked, interleaved, timed


def measure(effort: Effort) -> list[Series]:
    program = shutil.which("true")
    if program is None:
        print("emulator: no program that ends at once here", file=sys.stderr)
        return []
    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install()
    document = emulator.container_document(owner="benchmark")
    with hcsrt.ComputeSystem.create("benchmark", document) as system:
        system.start()

        def life() -> None:
            with hcsrt.ComputeSystem.create("one", document) as one:
                one.start()
                one.run(program)
                one.stop(grace=0)

        actions: dict[str, Callable[[], object]] = {
            "properties": system.properties,
            "run": lambda: system.run(program),
            "create, start, run, stop": life,
        }
        turns = {name: timed(loop_of(action), effort.batch) for name, action in actions.items()}
        return interleaved("emulator", "s", turns, max(2, effort.rounds // 3))


def loop_of(action: Callable[[], object]) -> Callable[[int], float]:
    def loop(n: int) -> float:
        return clocked(lambda: [action() for _ in range(n)])

    return loop
