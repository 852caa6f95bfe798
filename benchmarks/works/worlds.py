"""What worlds of the emulator cost: a Host, the life of a container on one, and the fixture of pytest for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import hcsrt
from hcsrt import emulator
from hcsrt.emulator import Host

from ..harness.measure import Effort, Series, clocked, interleaved, timed
from ..harness.names import BLOCK, EMPTY_TESTS, HOST, RUN_TRUE, WITH_FIXTURE, WITH_TMP_PATH
from .emulated import LIFE, loop_of
from .footprint import children_time

WORLDS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    f"{LIFE}: no Host": nullcontext,
    f"{LIFE}: on a Host": Host,
}


def enter() -> None:
    with Host():
        pass


def measure(effort: Effort) -> list[Series]:
    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install()
    program = shutil.which("true")
    if program is None:
        print("worlds: no program that ends at once here", file=sys.stderr)
        return []
    actions: dict[str, Callable[[], object]] = {
        HOST: Host,
        BLOCK: enter,
        RUN_TRUE: partial(subprocess.run, [program], check=True),
    }
    turns = {name: timed(loop_of(action), effort.batch) for name, action in actions.items()}
    series = interleaved("worlds", "s", turns, effort.rounds)
    document = emulator.container_document(owner="benchmark")

    def life() -> None:
        with hcsrt.ComputeSystem.create("one", document) as one:
            one.start()
            one.run([program])
            one.stop(grace=0)

    def loop_on(world: Callable[[], AbstractContextManager[object]]) -> Callable[[int], float]:
        def loop(n: int) -> float:
            with world():
                life()  # which has the service started
                return loop_of(life)(n)

        return loop

    lives = {name: timed(loop_on(world), effort.batch) for name, world in WORLDS.items()}
    return series + interleaved("worlds, a life", "s", lives, max(2, effort.rounds // 3))


def measure_fixture(effort: Effort) -> list[Series]:
    """Measure 500 tests in a run of pytest, with the fixture and without."""
    turns: dict[str, Callable[[], float]] = {}
    # An hcsrt that was installed in place before it had the plugin has no entry point for it.
    plugin = [] if entry_points(group="pytest11", name="hcsrt") else ["-p", "hcsrt.pytest_plugin"]
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (
            (EMPTY_TESTS, "number"),
            (WITH_FIXTURE, "hcs_host, number"),
            (WITH_TMP_PATH, "tmp_path, number"),
        ):
            path = Path(folder, f"test_{len(turns)}.py")
            path.write_text(
                f"import pytest\n@pytest.mark.parametrize('number', range(500))\ndef test({arguments}): pass\n",
                encoding="utf-8",
            )
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, *plugin]
            run = partial(subprocess.run, [*command, str(path)], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            turns[name] = partial(clocked, run, children_time)
        return interleaved("worlds, tests", "s", turns, max(2, effort.launches // 4))
