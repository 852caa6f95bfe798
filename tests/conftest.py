"""The surroundings of every test: the emulator, varied by a seed, and a check of what the test leaves behind."""

import asyncio
import faulthandler
import gc
import importlib.util
import itertools
import logging
import os
import random
import signal
import sys
import sysconfig
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import hcsrt
from hcsrt import ComputeSystem, _engine, emulator
from hcsrt._facade import times
from hcsrt.emulator import Host
from hcsrt.faults import Fault, Faults

from .helpers.turns import Turns

# How long an example takes depends on the machine, and is not tested.
hypothesis.settings.register_profile("hcsrt", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("hcsrt")

FAULTS = pytest.StashKey[Faults]()
STDERR = pytest.StashKey[int]()
TURNS = pytest.StashKey[Turns]()
LOCK = pytest.StashKey[Path]()

# Tests start a thousand Pythons, each of which would compile hcsrt anew. This process has read the variable by now.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# An unbuffered sys.stdout of CPython takes a write for whole that another thread's fork has cut short.
os.environ.pop("PYTHONUNBUFFERED", None)

# An hcsrt that was installed in place before it had the plugin has no entry point for it.
pytest_plugins = [] if entry_points(group="pytest11", name="hcsrt") else ["hcsrt.pytest_plugin"]

collect_ignore = ["real_windows"]  # a suite of its own, for a real HCS: python -m pytest tests/real_windows

SETTLE_SECONDS = 5.0
"""Seconds that closed and abandoned things may take to be gone: the reaper ends calls that nobody waits for."""
PROMPT = 0.2
"""Seconds within which a Ctrl-C ends any wait."""
HANG_SECONDS = 30.0
"""Seconds after its time limit until a test that does not react to it ends the run."""
LAST_LOOK = 5.0
"""Seconds before the time limit of a hanging test at which the run tells what that test waits for."""
TESTS_BETWEEN_FREEZES = 20
"""Tests after which what is there is kept from the garbage collection behind each test, which would visit it all."""
TESTS = itertools.count()
STAND_IN = importlib.util.find_spec("hcsrt_stand_in") is not None
"""Whether the emulator is behind a computecore.dll in System32, that of tools/windows, and hcsrt takes it for HCS."""
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


CORES = os.cpu_count() or 1
# Most of the ordinary tests wait most of their time; those with full counts do not.
WORKERS = 3 * CORES
WORKERS_OF_FULL_COUNTS = 2 * CORES


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run folders of tests in several processes, unless -n says otherwise.

    Not in addopts, which would need xdist even with -p no:xdist. A file or a test that is named runs in one process,
    where it can be watched.
    """
    option = config.option
    # A pytest that a test starts is told, as xdist tells its own processes, that there are enough.
    if "PYTEST_XDIST_WORKER" in os.environ or getattr(option, "numprocesses", 0) is not None:
        return
    watched = option.usepdb or option.collectonly or option.capture == "no"
    if not watched and all(Path(argument).is_dir() for argument in config.args):
        option.numprocesses = WORKERS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> None:
    """Leave the choice to xdist, but hand the tests out in their order, two at a time."""
    if config.option.maxschedchunk is None:
        config.option.maxschedchunk = 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return WORKERS_OF_FULL_COUNTS


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of xdist what it shares with the others."""
    node.workerinput["hcs_seed"] = node.config.option.hcs_seed
    node.workerinput["hcsrt_lock"] = str(node.config.stash[LOCK])


def pytest_configure(config: pytest.Config) -> None:
    shared: dict[str, Any] = getattr(config, "workerinput", {})
    if config.option.hcs_seed is None:
        config.option.hcs_seed = shared.get("hcs_seed", random.randrange(1 << 31))
    # The processes of a run share the file, and so do runs that are given the same one.
    lock = os.environ.get("HCSRT_TESTS_LOCK") or shared.get("hcsrt_lock")
    if lock is None:
        folder = tempfile.TemporaryDirectory(prefix="hcsrt-tests-")
        config.add_cleanup(folder.cleanup)
        lock = os.path.join(folder.name, "turns")
    config.stash[LOCK] = Path(lock)
    config.stash[TURNS] = turns = Turns(Path(lock))
    config.add_cleanup(turns.close)
    # A copy, since the output of tests is captured, and what ends the whole run has to be seen.
    config.stash[STDERR] = os.dup(2)
    config.addinivalue_line("filterwarnings", "ignore::hcsrt.NoIsolationWarning")
    if not STAND_IN:
        emulator.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[STDERR])


def pytest_report_header(config: pytest.Config) -> str:
    return f"hcsrt: backend {hcsrt.backend()}, --hcs-seed={config.option.hcs_seed}"


def runs_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None or "interrupted" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    # What a test drops by mistake warns, and warnings are errors here; some are about what becomes of it.
    session.add_marker(pytest.mark.hcs(may_drop=True))
    if hasattr(config, "workerinput"):
        # Tests of native code compute, the others wait: mixed, they share the processors best.
        computing = [item for item in items if item.path.parent.name == "native"]
        waiting = [item for item in items if item.path.parent.name != "native"]
        place = {item: number / len(group) for group in (computing, waiting) for number, item in enumerate(group)}
        items.sort(key=place.__getitem__)
    # Tests that run alone come last: each waits until the tests of the other processes are over.
    items.sort(key=runs_alone)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    # What exists by now stays. Frozen, it does not cost time in the garbage collection after each test.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    # Outside the time limit of the test: its wait for others does not count.
    with item.config.stash[TURNS].turn(alone=runs_alone(item)):
        return (yield from protocol(item))


def protocol(item: pytest.Item) -> Generator[None, object, object]:
    marker = item.get_closest_marker("timeout")
    limit = float(marker.args[0] if marker and marker.args else item.config.getini("timeout") or 0)
    faulthandler.dump_traceback_later(limit + HANG_SECONDS, exit=True, file=item.config.stash[STDERR])
    try:
        with looked_at(item, limit - LAST_LOOK):
            return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def looked_at(item: pytest.Item, seconds: float) -> Iterator[None]:
    """Tell what the engine, the emulator and the event loops have to do if a test is not over by then.

    On Windows, where a test that hangs ends the whole run. Elsewhere some tests fork, and warn of other threads.
    """

    def tell() -> None:
        loops = [
            (loop, vars(loop).get("_ready"), vars(loop).get("_scheduled"), vars(loop).get("_self_reading_future"))
            for loop in gc.get_objects()
            if isinstance(loop, asyncio.BaseEventLoop) and not loop.is_closed()
        ]
        told = f"\n{item.nodeid} hangs: {left_behind()}, engine {_engine.counts()}, event loops {loops}\n"
        os.write(item.config.stash[STDERR], told.encode())

    timer = threading.Timer(seconds, tell)
    if sys.platform == "win32" and seconds > 0:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def left_behind() -> dict[str, int]:
    counts = {"pending calls": hcsrt.pending(), **emulator.live()}
    return {name: count for name, count in counts.items() if count}


def settled(condition: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> bool:
    """Return whether the condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def asyncio_errors() -> Iterator[list[str]]:
    """Yield what asyncio logs as errors. A test that expects one takes it out; any that is left fails the test."""
    errors: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # As text: the traceback of a record would keep objects of the test alive.
            errors.append(self.format(record))

    handler = Keep(logging.ERROR)
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    yield errors
    logger.removeHandler(handler)


@pytest.fixture
def hcs_seed(request: pytest.FixtureRequest) -> int | None:
    """Return the seed of a test's world: derived from that of the run, and the same whichever tests run beside it."""
    of_run = request.config.option.hcs_seed
    if of_run == "plain" or "plain_order" in request.fixturenames:
        return None
    return zlib.crc32(f"{of_run} {request.node.nodeid}".encode())


if STAND_IN:

    @pytest.fixture
    def hcs_host() -> None:
        pytest.skip("there the emulator is behind computecore.dll, where no Host can be installed")


def has_host(item: pytest.Item, seed: int | None) -> bool:
    """Return whether a Host is installed around a test that has not asked for one.

    Around one half of them, by their seeds. The others find the functions of HCS as programs do: without the table of
    the Host's faults around them, which would catch callbacks that come too late. Tests of a module that imports Host
    install those that they need.
    """
    module: Any = item.module  # type: ignore[attr-defined]
    return not STAND_IN and vars(module).get("Host") is not Host and (seed or 0) % 2 == 0


@pytest.fixture(autouse=True)
def nothing_left_behind(
    request: pytest.FixtureRequest, hcs_seed: int | None, asyncio_errors: list[str]
) -> Iterator[None]:
    with ExitStack() as stack:
        if "hcs_host" in request.fixturenames or has_host(request.node, hcs_seed):
            # It verifies afterwards what the test leaves behind, and tells who has made it.
            request.node.stash[FAULTS] = request.getfixturevalue("hcs_host").faults
        else:
            emulator.reset(hcs_seed)
            if "faults" in request.fixturenames:
                # Before there is any handle: they know nothing of those from before.
                request.node.stash[FAULTS] = stack.enter_context(Faults(hcs_seed or 0))
        yield
    gc.collect()
    settled(lambda: not left_behind())
    if Host.installed() is None:
        assert left_behind() == {}
        assert emulator.misuses() == []
    assert asyncio_errors == []
    # What is there now, such as modules that a test was the first to import, has nothing of HCS in it. In a
    # free-threaded Python tests of the engine were seen to fail with it.
    if not FREE_THREADED and next(TESTS) % TESTS_BETWEEN_FREEZES == 0:
        gc.freeze()


@pytest.fixture
def faults(nothing_left_behind: None, request: pytest.FixtureRequest) -> Faults:
    """Return faults in force: those of the Host, or others of whatever HCS there is."""
    return request.node.stash[FAULTS]


@pytest.fixture
def document() -> dict[str, Any]:
    """Return a container that outlives its handles, so that nothing but a test's own calls can end it."""
    return emulator.container_document(owner="tests", terminate_on_last_handle_closed=False)


@pytest.fixture
def system(document: dict[str, Any]) -> Iterator[ComputeSystem]:
    """Yield a running compute system."""
    with ComputeSystem.create("tests", document) as system:
        system.start()
        yield system
        if not system.closed:
            system.stop(grace=0)


@pytest.fixture
def plain_order() -> None:
    """Vary nothing: a call that HCS answers late then never completes before it has returned to its caller."""


@pytest.fixture
def settle() -> Callable[..., bool]:
    """Return a function that tells whether a condition comes true within some seconds."""
    return settled


@pytest.fixture
def lost_events(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Lose all events; who waits for one asks soon."""
    monkeypatch.setattr(times, "FIRST_QUERY", 0.05)
    return faults.on("event:*").drop()


@contextmanager
def interrupt_after(seconds: float, took: list[float]) -> Iterator[None]:
    """Interrupt the block with Ctrl-C, and add to `took` how long it then took to end."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        if sys.platform == "win32":
            # A Ctrl-C runs the handler on a thread of its own there, and os.kill() would just end us.
            signal.raise_signal(signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, send)
    # A shell's background job starts with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
        took.append(time.monotonic() - sent[0])
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupted() -> Callable[[float], Iterator[AbstractContextManager[None]]]:
    """Return a function that yields blocks to interrupt after some seconds; the last has ended within PROMPT.

    A second and a third block come only if the one before took longer, as other programs may need the processors.
    """

    def interrupted(seconds: float) -> Iterator[AbstractContextManager[None]]:
        took: list[float] = []
        while len(took) < 3 and (not took or took[-1] >= PROMPT):
            yield interrupt_after(seconds, took)
        assert min(took) < PROMPT, took

    return interrupted
