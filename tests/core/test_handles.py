"""The contract of the handle core, row by row, and what happens when threads, the collector or a fork meet a handle."""

import _thread
import copy
import gc
import pickle
import random
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import hcsrt
from hcsrt import (
    ComputeSystem,
    HandleBusyError,
    HandleClosedError,
    OwnedOperation,
    OwnedProcess,
    OwnedStdio,
    OwnedSystem,
    SendHandle,
    _calls,
    _handles,
    _watch,
    emulator,
)

from ..helpers import hcs_calls
from ..helpers.children import run_python
from ..helpers.latency import latency
from ..helpers.platforms import catches_signals, fork
from ..helpers.programs import INSTALL, SLEEP

KINDS = [OwnedOperation, OwnedSystem, OwnedProcess, OwnedStdio]


@pytest.fixture
def opened(system: ComputeSystem) -> Iterator[OwnedSystem]:
    """A handle without event callback."""
    handle = _calls.open_system(system.id)
    yield handle
    handle.close()


@pytest.fixture
def watched(opened: OwnedSystem) -> OwnedSystem:
    _watch.watch_system(opened)
    return opened


class InsideCall:
    """A thread that is inside native calls on a watched handle, over and over, until the handle is closed."""

    def __init__(self, handle: OwnedSystem) -> None:
        self.handle = handle
        self.ended_by: BaseException | None = None
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        try:
            _watch.wait_exit(self.handle, 60)
        except HandleClosedError as error:
            self.ended_by = error

    def __enter__(self) -> "InsideCall":
        self.thread.start()
        while "1 inside" not in repr(self.handle):
            time.sleep(0.001)
        return self

    def __exit__(self, *exception: object) -> None:
        self.handle.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


# --- making --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [_handles.Handle, *KINDS, SendHandle])
def test_there_is_no_public_constructor(kind):
    with pytest.raises(TypeError, match="no public constructor"):
        kind()
    with pytest.raises(TypeError, match="no public constructor"):
        kind(4096)


def test_an_empty_view_is_harmless():
    view = SendHandle.__new__(SendHandle)
    assert view.closed
    with pytest.raises(HandleClosedError, match="as_raw"):
        int(view)
    assert "None" in repr(view)


@pytest.mark.parametrize("kind", [_handles.Handle, *KINDS])
def test_an_empty_object_is_harmless(kind):
    handle = kind.__new__(kind)
    assert handle.closed
    handle.close()
    with pytest.raises(HandleClosedError):
        handle.into_raw()
    with pytest.raises(HandleClosedError):
        handle.as_raw()
    assert "empty" in repr(handle)


def test_a_second_init_changes_nothing(opened):
    with pytest.raises(TypeError):
        opened.__init__()
    assert not opened.closed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [0, -1, 1 << 64, 1 << 200])
def test_from_raw_refuses_what_is_no_address(kind, raw):
    with pytest.raises(ValueError, match="raw is"):
        kind.from_raw(raw)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", ["4096", 4096.0, True, None, b"raw"])
def test_from_raw_refuses_what_is_no_int(kind, raw):
    with pytest.raises(TypeError, match="raw must be an int"):
        kind.from_raw(raw)


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_cannot_be_subclassed(kind):
    with pytest.raises(TypeError):
        type("Mine", (kind,), {})


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, pickle.dumps])
def test_no_copies(opened, copier):
    with pytest.raises(TypeError, match="one owner"):
        copier(opened)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copier(opened.as_raw())


@pytest.mark.parametrize("call", [hcs_calls.start_system, hcs_calls.get_system_properties, hcs_calls.terminate_system])
def test_a_bare_int_or_a_view_is_no_handle(opened, call):
    for impostor in (int(opened.as_raw()), opened.as_raw(), None):
        with pytest.raises(TypeError):
            call(impostor)


# --- closing -------------------------------------------------------------------------------------------------------


def test_close_releases_once(opened):
    before = emulator.live()["systems"]
    opened.close()
    opened.close()
    assert opened.closed
    assert emulator.live()["systems"] == before - 1
    with pytest.raises(HandleClosedError, match="The handle of this compute system is closed"):
        hcs_calls.get_system_properties(opened)


def test_with_closes_and_masks_nothing(opened):
    def divide() -> None:
        with opened as same:
            assert same is opened
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        divide()
    assert opened.closed
    with pytest.raises(HandleClosedError), opened:
        pass


@pytest.mark.alone
def test_close_with_a_call_inside_returns_at_once(opened):
    with ThreadPoolExecutor(1) as pool, latency(2, "HcsGetComputeSystemProperties"):
        call = pool.submit(hcs_calls.get_system_properties, opened)
        while "1 inside" not in repr(opened):
            time.sleep(0.001)
        before = time.monotonic()
        opened.close()
        assert time.monotonic() - before < 1.5
        assert opened.closed
        assert call.result(10)


@pytest.mark.alone
def test_close_ends_a_wait_inside(watched):
    with InsideCall(watched) as call:
        before = time.monotonic()
        watched.close()
        assert time.monotonic() - before < 0.09
        assert watched.closed
        with pytest.raises(HandleClosedError):
            hcs_calls.get_system_properties(watched)
    assert isinstance(call.ended_by, HandleClosedError)


def test_the_last_reference_closes(system):
    before = emulator.live()["systems"]
    handle = _calls.open_system(system.id)
    assert emulator.live()["systems"] == before + 1
    del handle
    assert emulator.live()["systems"] == before


def test_the_last_reference_in_another_thread_closes(system):
    before = emulator.live()["systems"]
    handles = [_calls.open_system(system.id)]
    thread = threading.Thread(target=handles.clear)
    thread.start()
    thread.join()
    assert emulator.live()["systems"] == before


def test_a_cycle_is_collected(system):
    before = emulator.live()["systems"]
    cycle: list[object] = [_calls.open_system(system.id)]
    cycle.append(cycle)
    seen = weakref.ref(cycle[0])
    del cycle
    gc.collect()
    assert seen() is None
    assert emulator.live()["systems"] == before


def test_close_all(system):
    before = emulator.live()["systems"]
    handles = [_calls.open_system(system.id) for _ in range(100)]
    with pytest.raises(TypeError, match=r"handles\[100\] must be a handle, not int"):
        _handles.close_all([*handles, 7])
    assert emulator.live()["systems"] == before + 100
    _handles.close_all(iter(handles))
    _handles.close_all(handles)
    assert emulator.live()["systems"] == before
    assert all(handle.closed for handle in handles)


def test_close_beside(system):
    before = emulator.live()["systems"]
    handles = tuple(_calls.open_system(system.id) for _ in range(100))
    assert not _handles.close_beside((*handles, 7))
    assert emulator.live()["systems"] == before + 100
    # On a thread, but none of Python's.
    threads = _thread._count()
    assert _handles.close_beside(handles)
    assert _handles.close_beside(handles)
    assert _handles.close_beside(())
    assert _thread._count() == threads
    assert emulator.live()["systems"] == before
    assert all(handle.closed for handle in handles)


@catches_signals
def test_what_close_beside_is_interrupted_in_goes_on_and_keeps_what_it_needs(system, interrupted, settle):
    with latency(0.3, "HcsCloseComputeSystem"):
        for block in interrupted(0.1):
            handles = tuple(_calls.open_system(system.id) for _ in range(2))
            seen = [weakref.ref(handle) for handle in handles]
            with block:
                _handles.close_beside(handles)
            del handles
            assert _handles.pending() == 1
            assert all(reference() is not None for reference in seen)
            assert settle(lambda: _handles.pending() == 0)
            gc.collect()
            assert all(reference() is None for reference in seen)


@fork
def test_a_child_that_a_signal_handler_forks_meanwhile_waits_for_no_thread():
    program = f"""
import json, os, signal
import hcsrt.emulator
{INSTALL}
from hcsrt import _calls, _handles, _interpose, emulator

document = emulator.container_document(owner="tests", terminate_on_last_handle_closed=False)
system = _calls.create_system("one", json.dumps(document))
children = []
signal.signal(signal.SIGALRM, lambda number, frame: children.append(os.fork()))
with _interpose.waiting("HcsCloseComputeSystem", 0.5):
    handles = tuple(_calls.open_system("one") for _ in range(2))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    assert _handles.close_beside(handles)
    assert all(handle.closed for handle in handles)
    if children == [0]:
        assert _handles.pending() == 0
        os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
system.close()
"""
    done = run_python(program, "-W", "ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")


# --- views and giving away -----------------------------------------------------------------------------------------


def test_a_view_is_its_owner_elsewhere(opened):
    view, twin = opened.as_raw(), opened.as_raw()
    assert view == twin
    assert hash(view) == hash(twin)
    assert view.owner is opened
    assert int(view) != 0
    assert not view.closed
    other = _calls.open_system("tests")
    assert view != other.as_raw()
    other.close()
    opened.close()
    assert view.closed
    assert view == twin
    with pytest.raises(HandleClosedError):
        int(view)
    with pytest.raises(HandleClosedError):
        opened.as_raw()


def test_a_view_keeps_its_owner_alive_and_closes_nothing(system):
    before = emulator.live()["systems"]
    view = _calls.open_system(system.id).as_raw()
    gc.collect()
    assert emulator.live()["systems"] == before + 1
    assert int(view)
    owner = view.owner
    del view
    assert not owner.closed
    owner.close()


def test_a_view_does_not_make_its_owner_busy(opened):
    view = opened.as_raw()
    raw = opened.into_raw()
    with pytest.raises(HandleClosedError):
        int(view)
    OwnedSystem.from_raw(raw).close()


def test_into_raw_and_back(opened):
    raw = int(opened.as_raw())
    assert opened.into_raw() == raw
    assert opened.closed
    opened.close()
    with pytest.raises(HandleClosedError):
        opened.into_raw()
    with OwnedSystem.from_raw(raw) as again:
        assert hcs_calls.get_system_properties(again)


def test_into_raw_of_a_handle_with_a_callback_is_refused(watched):
    with pytest.raises(HandleBusyError, match="event callback"):
        watched.into_raw()
    assert hcs_calls.get_system_properties(watched)


def test_into_raw_with_a_call_inside_is_refused(system):
    with system.popen(SLEEP, stdout=hcsrt.PIPE, bufsize=0) as process:
        handle = process.stdout.handle
        reader = threading.Thread(target=process.stdout.read, args=(1,))
        reader.start()
        while "1 inside" not in repr(handle):
            time.sleep(0.001)
        with pytest.raises(HandleBusyError, match="belongs to a stream"):
            handle.into_raw()
        assert not handle.closed
        process.kill()
        reader.join(10)
        assert not reader.is_alive()


def test_repr_tells_the_state_and_touches_nothing(watched):
    assert repr(watched).startswith("<OwnedSystem open at 0x")
    view = watched.as_raw()
    with InsideCall(watched):
        assert "open, 1 inside" in repr(watched)
        watched.close()
        assert "closing" in repr(watched) or "closed" in repr(watched)
    assert repr(watched).startswith("<OwnedSystem closed at 0x")
    assert "closed" in repr(view)


# --- events --------------------------------------------------------------------------------------------------------


def test_one_callback_a_handle(watched):
    with pytest.raises(HandleBusyError, match="one a handle"):
        _watch.watch_system(watched)


def test_an_unwatched_handle_cannot_wait(opened):
    for call in (_watch.wait_exit, _watch.exit_status, _watch.latch_exit):
        with pytest.raises(ValueError, match="watch_system"):
            call(opened)


def test_the_latch_is_set_once_for_all(watched):
    assert not _watch.wait_exit(watched, 0)
    assert _watch.exit_status(watched) is None
    _watch.latch_exit(watched, '{"Status": 0}')
    _watch.latch_exit(watched, '{"Status": 1}')
    assert _watch.wait_exit(watched)
    assert _watch.exit_status(watched) == ("queried", '{"Status": 0}')


# --- many threads --------------------------------------------------------------------------------------------------


def storm(system_id: str, threads: int, rounds: int) -> tuple[int, list[int]]:
    """Use, close, give away and drop shared handles; returns how many were opened, and those given away."""
    slots = [_calls.open_system(system_id) for _ in range(threads * 2)]
    opened = [len(slots)]
    detached: list[int] = []
    failures: list[BaseException] = []
    barrier = threading.Barrier(threads)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        mine_opened = 0
        barrier.wait()
        try:
            for _ in range(rounds // threads):
                index = chance.randrange(len(slots))
                handle = slots[index]
                action = chance.randrange(12)
                try:
                    if action == 0:
                        handle.close()
                    elif action == 1:
                        detached.append(handle.into_raw())
                    elif action == 2:
                        hcs_calls.get_system_properties(handle)
                    else:
                        int(handle.as_raw())
                except HandleClosedError:
                    slots[index] = _calls.open_system(system_id)
                    mine_opened += 1
                except HandleBusyError:
                    pass
        except BaseException as error:
            failures.append(error)
        opened.append(mine_opened)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    _handles.close_all(slots)
    return sum(opened), detached


@pytest.mark.parametrize("rounds", [4_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_storm(system, rounds):
    before = emulator.live()["systems"]
    opened, detached = storm(system.id, 8, rounds)
    # A handle that was given away is never closed, any other exactly once: a second close is a misuse.
    assert emulator.live()["systems"] - before == len(detached)
    assert opened > len(detached) > 0
    _handles.close_all(map(OwnedSystem.from_raw, detached))
    assert emulator.live()["systems"] == before
    assert emulator.misuses() == []


@pytest.mark.parametrize("users", [1, 4])
def test_one_closer_many_users(system, users):
    def use(handle: OwnedSystem, barrier: threading.Barrier, outcomes: list[str]) -> None:
        barrier.wait()
        try:
            hcs_calls.get_system_properties(handle)
            outcomes.append("used")
        except HandleClosedError:
            outcomes.append("closed")

    for _ in range(30):
        handle = _calls.open_system(system.id)
        barrier = threading.Barrier(users + 1)
        outcomes: list[str] = []
        threads = [threading.Thread(target=use, args=(handle, barrier, outcomes)) for _ in range(users)]
        for thread in threads:
            thread.start()
        barrier.wait()
        handle.close()
        for thread in threads:
            thread.join()
        assert len(outcomes) == users
        assert set(outcomes) <= {"used", "closed"}


# --- processes of the operating system -----------------------------------------------------------------------------


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )


@fork
def test_a_forked_child_releases_nothing():
    done = run_script("""
        import os, warnings
        warnings.simplefilter("ignore")
        import hcsrt
        from hcsrt import _calls, _watch, emulator

        system = hcsrt.ComputeSystem.create("parent", emulator.container_document())
        spare = _calls.open_system("parent")
        child = os.fork()
        if child == 0:
            assert spare.closed
            for call in (spare.as_raw, spare.into_raw, lambda: _calls.call(spare, "HcsGetComputeSystemProperties")):
                try:
                    call()
                except hcsrt.HandleClosedError as error:
                    assert "parent process" in str(error)
                else:
                    os._exit(3)
            spare.close()
            del spare
            assert emulator.misuses() == []
            # A child starts with an HCS of its own.
            with hcsrt.ComputeSystem.create("child", emulator.container_document()) as own:
                own.start()
                code = own.run(["sh", "-c", "exit 5"]).returncode
                own.terminate()
            os._exit(0 if code == 5 and hcsrt.systems(ids="parent") == [] else 4)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), emulator.live()["systems"], emulator.misuses())
        system.start()
        print(system.run(["sh", "-c", "exit 6"]).returncode)
        system.terminate()
        system.close()
        spare.close()
        print(emulator.live()["systems"])
    """)
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["0 2 []", "6", "0", ""]
    assert done.returncode == 0


def test_handles_that_outlive_the_program_do_no_harm():
    done = run_script(f"""
        import hcsrt
        from hcsrt import _calls, _watch, emulator

        {INSTALL}
        system = hcsrt.ComputeSystem.create("a", emulator.container_document())
        handles = [_calls.open_system("a") for _ in range(50)]
        class Late:
            def __del__(self, handles=handles):
                handles.clear()
        import sys
        sys.late = Late()
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
