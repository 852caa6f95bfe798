"""Worlds: one Host is installed at a time, and what outlives its world leads nowhere."""

import asyncio
import contextlib
import gc
import itertools
import json
import random
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from ctypes import byref, c_void_p
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import ComputeSystem, ServiceDisconnectedError, aio, emulator, operations
from hcsrt._check_host.raw_hcs import FOREVER, Table
from hcsrt._hresults import HCS_E_SERVICE_DISCONNECT
from hcsrt._watch import wait_system_exit
from hcsrt.emulator import Host, world
from hcsrt.emulator.service import Service
from hcsrt.faults import Faults

from ..helpers.platforms import WINDOWS, emulator_by_name, fork, linux, posix_shell
from ..helpers.programs import CAT, SLEEP, TRUE, guest, is_alive

pytestmark = emulator_by_name

HAS_ENDED = "world of the emulator that this is of has ended"
MACHINE = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Owner": "tests",
    "VirtualMachine": {"GuestConnection": {}},
}
CHANGES = 40
"""How often worlds change while threads use what is of them."""


@pytest.fixture
def document() -> dict[str, Any]:
    return emulator.container_document("tests", terminate_on_last_handle_closed=False)


def running(id: str, document: dict[str, Any]) -> ComputeSystem:
    system = ComputeSystem.create(id, document)
    system.start()
    return system


def gone(pid: int) -> None:
    """Wait for the end of a program."""
    end = time.monotonic() + 20
    while is_alive(pid):
        assert time.monotonic() < end
        time.sleep(0.005)


def script(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own, and expect success and silence of it."""
    text = "import hcsrt, os\nfrom hcsrt.emulator import Host\n" + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done


# --- the block --------------------------------------------------------------------------------------------------------


def test_a_host_is_installed_for_a_block(document: dict[str, Any]) -> None:
    host = Host(seed=3)
    assert Host.installed() is None
    assert host.live() == {}
    with host as entered:
        assert entered is host is Host.installed()
        assert host.seed == 3
        with running("one", document) as system:
            assert [each["Id"] for each in hcsrt.systems()] == ["one"]
            assert host.left_behind() == {"systems": 1}
            system.terminate()
        assert host.settle()
    assert Host.installed() is None
    assert host.left_behind() == {}
    assert set(host.live()) == {"operations", "systems", "processes", "strings", "stdio", "pending"}


def test_a_host_tells_the_systems_of_every_namespace_that_have_not_stopped(document: dict[str, Any]) -> None:
    host = Host()
    assert host.systems() == []
    with host, running("web", document) as system, ComputeSystem.create("db", document, namespace="there") as other:
        assert host.systems() == ["db", "web"]
        system.terminate()
        assert host.systems() == ["db"]
        other.terminate()
        assert host.systems() == []
    assert host.systems() == []


@pytest.mark.parametrize(
    ("seed", "error", "told"),
    [
        ("7", TypeError, "seed must be an int or None, not str"),
        (True, TypeError, "seed must be an int or None, not bool"),
        # The service would end of what Python does not write as text.
        pytest.param(1 << 16609, ValueError, "seed has 16610 bits; give an int of at most 1024", id="huge"),
    ],
)
def test_a_seed_that_cannot_be(seed: Any, error: type[Exception], told: str) -> None:
    for take in (Host, emulator.reset, emulator.install, lambda seed: Host().chaos(seed=seed)):
        with pytest.raises(error, match=told):
            take(seed)


def test_a_host_is_made_without_a_thread() -> None:
    before = threading.active_count()
    hosts = [Host(seed) for seed in range(100)]
    assert threading.active_count() == before
    assert {repr(host) for host in hosts[:1]} == {"<Host seed=0 not installed yet>"}


def test_a_host_is_installed_once_and_alone() -> None:
    host = Host()
    with host:
        with pytest.raises(RuntimeError, match="make another one"):
            host.__enter__()
        with pytest.raises(RuntimeError, match="leave that one first"), Host():
            pass
        assert Host.installed() is host
    with pytest.raises(RuntimeError, match="make another one"), host:
        pass
    assert Host.installed() is None


def test_a_block_that_fails_ends_its_world(document: dict[str, Any]) -> None:
    host = Host()
    left: list[ComputeSystem] = []
    with pytest.raises(KeyError), host:  # noqa: PT012
        left.append(running("one", document))
        raise KeyError
    assert Host.installed() is None
    assert host.left_behind() == {"systems": 1}
    assert hcsrt.systems() == []
    left[0].close()


def test_a_host_that_cannot_start_leaves_a_plain_world(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="thread"), Host():
            pass
    assert Host.installed() is None
    assert hcsrt.systems() == []
    with Host():
        assert hcsrt.systems() == []


@pytest.mark.parametrize("outcome", [False, KeyboardInterrupt])
def test_a_service_that_does_not_end_keeps_no_host(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, document: dict[str, Any]
) -> None:
    def stop(service: Service, *, for_good: bool = True) -> bool:
        if outcome is not False:
            raise outcome
        return False

    host = Host()
    with monkeypatch.context() as patch, pytest.raises(outcome or RuntimeError), host:  # noqa: PT012
        system = running("one", document)
        patch.setattr(Service, "stop", stop)
    assert Host.installed() is None
    with pytest.raises(ServiceDisconnectedError, match=HAS_ENDED):
        system.properties()
    system.close()
    with Host():
        assert hcsrt.systems() == []


def test_the_world_after_a_host_is_plain_and_starts_with_its_first_call(document: dict[str, Any]) -> None:
    with Host(seed=5, close_of_handle="late"):
        pass
    assert (world.current().seed, world.current().assumed) == (None, {})
    assert world.service() is None
    with running("one", document) as system:
        assert world.service() is not None
        system.terminate()


def test_a_host_ends_what_was_there_before(document: dict[str, Any]) -> None:
    before = running("one", document)
    with Host() as host:
        assert hcsrt.systems() == []
        assert host.left_behind() == {}
        with pytest.raises(ServiceDisconnectedError, match=HAS_ENDED):
            before.properties()
        before.close()
        assert host.misuses() == []


def test_the_end_of_a_world_ends_its_programs(document: dict[str, Any]) -> None:
    with Host():
        system = running("one", document)
        process = system.popen(SLEEP)
        pid = process.pid
    gone(pid)
    process.close()
    system.close()


def test_a_process_with_another_hcs_cannot_enter_a_host() -> None:
    done = script("""
        from hcsrt import _library
        from hcsrt.emulator import _native
        _library.choose("other", _native.backend())
        try:
            Host().__enter__()
        except RuntimeError as error:
            print(error)
        assert Host.installed() is None
    """)
    assert "uses the other backend already" in done.stdout
    assert "before the first call of HCS, or in another process" in done.stdout


@fork
def test_a_forked_child_has_no_host() -> None:
    script("""
        with Host(seed=4, state_before_start="Created") as host:
            with hcsrt.ComputeSystem.create("one", hcsrt.emulator.container_document()):
                child = os.fork()
                if not child:
                    with host.__class__() as own:
                        assert hcsrt.systems() == [] and Host.installed() is own
                    assert Host.installed() is None and host.live() == {}
                    try:
                        host.service.stop()
                    except RuntimeError:
                        os._exit(0)
                    os._exit(1)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                assert [system["Id"] for system in hcsrt.systems()] == ["one"]
    """)


@fork
def test_a_child_leaves_the_block_of_its_parent_without_harm() -> None:
    script("""
        child = None
        try:
            with Host(seed=4) as host:
                child = os.fork()
                if not child:
                    assert hcsrt.emulator.world.current().seed == 4
                    raise LookupError
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                assert Host.installed() is host
        except LookupError:
            hcsrt.systems()
            os._exit(0)
    """)


# --- what outlives its world ------------------------------------------------------------------------------------------


def test_what_outlives_its_world_leads_nowhere_and_says_so(document: dict[str, Any]) -> None:
    with Host(seed=1):
        system = running("one", document)
        process = system.popen(CAT, stdin=hcsrt.PIPE, stdout=hcsrt.PIPE)
    with Host(seed=2) as host:
        again = running("one", document)
        for call in (system.properties, system.start, system.terminate, process.kill, lambda: system.popen(TRUE)):
            with pytest.raises(ServiceDisconnectedError, match=HAS_ENDED):
                call()
        for call in (system.wait, process.wait, process.poll):
            with pytest.raises(ServiceDisconnectedError):
                call()
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert host.left_behind() == {"systems": 1}
        process.close()
        system.close()
        assert host.left_behind() == {"systems": 1}
        assert again.properties()["State"] == "Running"
        again.terminate()
        again.close()
        assert host.misuses() == []


def test_what_outlives_its_world_leads_nowhere_in_asyncio(document: dict[str, Any]) -> None:
    async def main() -> None:
        with Host():
            system = await aio.ComputeSystem.create("one", document)
            await system.start()
            process = await system.popen(CAT, stdin=hcsrt.PIPE)
            waits = asyncio.ensure_future(system.wait()), asyncio.ensure_future(process.wait())
            await asyncio.sleep(0)
        for wait in waits:
            with pytest.raises(ServiceDisconnectedError):
                await asyncio.wait_for(wait, 20)
        with Host() as host:
            with pytest.raises(ServiceDisconnectedError, match=HAS_ENDED):
                await system.properties()
            await process.close()
            await system.close()
            assert host.settle()
            assert host.misuses() == []

    asyncio.run(main())


def test_operations_of_an_ended_world_are_closed_without_harm(document: dict[str, Any]) -> None:
    with Host():
        unused = operations.create_operation()
        used = operations.create_operation()
        system = running("one", document)
        operations.kick_off(used, "HcsGetComputeSystemProperties", system.handle)
    with Host() as host:
        for operation in (unused, used):
            with pytest.raises(ServiceDisconnectedError):
                operations.wait_operation(operation, 5)
            operation.close()
        system.close()
        assert (host.left_behind(), host.misuses()) == ({}, [])


def errors_of_calls_at_the_end(document: dict[str, Any]) -> list[Any]:
    """End a world while calls are pending in it, and return what they raise."""
    told: list[Any] = []

    def waits(call: Callable[[], object]) -> None:
        try:
            told.append(call())
        except Exception as error:
            told.append(error)

    with Host():
        system = running("one", document)
        process = system.popen(SLEEP)
        asked = threading.Semaphore(0)
        unanswered(asked, "HcsGetComputeSystemProperties", "HcsModifyComputeSystem", "HcsOpenComputeSystem")
        calls: list[Callable[[], object]] = [
            system.properties,
            lambda: system.modify("Container/Memory/SizeInMB", "Update", 64),
            lambda: ComputeSystem.open("one"),
            lambda: wait_system_exit(system.handle, None),
            system.wait,
            process.wait,
        ]
        threads = [threading.Thread(target=waits, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for _ in range(3):
            assert asked.acquire(timeout=20)
    for thread in threads:
        thread.join(20)
    assert not [thread for thread in threads if thread.is_alive()]
    assert {type(error) for error in told} == {ServiceDisconnectedError}
    assert len(told) == len(calls)
    process.close()
    system.close()
    assert hcsrt.pending() == 0
    return told


def test_calls_that_are_pending_at_the_end_fail_and_say_why(document: dict[str, Any]) -> None:
    # A thread that comes to wait only after the end finds nothing of what its operation had to say.
    for _ in range(20):
        told = errors_of_calls_at_the_end(document)
        if len([error for error in told if HAS_ENDED in str(error)]) >= 2:
            return
    pytest.fail(f"nobody said why: {told}")


def test_what_is_told_late_does_not_count_for_the_next_world(document: dict[str, Any]) -> None:
    """Many threads wait for exits and for results as their world ends: some wake up in the next one."""
    hcs = Table()
    told: list[tuple[int, int | None]] = []

    def waits(function: str, *arguments: int) -> None:
        text = c_void_p()
        code = getattr(hcs, function)(*arguments, FOREVER, byref(text))
        told.append((code & 0xFFFFFFFF, text.value))

    threads: list[threading.Thread] = []
    handles: list[int] = []
    operations: list[int] = []
    with Host():
        system = running("one", document)
        asked = threading.Semaphore(0)
        unanswered(asked, "HcsGetComputeSystemProperties")
        for _ in range(30):
            handles.append(hcs.open_system("one"))
            operations.append(hcs.HcsCreateOperation(None, None))
            assert hcs.HcsGetComputeSystemProperties(handles[-1], operations[-1], None) == 0
            threads.append(threading.Thread(target=waits, args=("HcsWaitForComputeSystemExit", handles[-1])))
            threads.append(threading.Thread(target=waits, args=("HcsWaitForOperationResult", operations[-1])))
        for thread in threads:
            thread.start()
        time.sleep(0.05)  # most of them wait by now
    with Host() as host:
        hcsrt.systems()
        for thread in threads:
            thread.join(10)
        assert [thread for thread in threads if thread.is_alive()] == []
        assert {code for code, _ in told} == {HCS_E_SERVICE_DISCONNECT}
        assert host.left_behind() == {}
        for _, text in told:
            hcs.free_string(text)
        for handle in handles:
            hcs.HcsCloseComputeSystem(handle)
        for operation in operations:
            hcs.HcsCloseOperation(operation)
        system.close()
        assert (host.left_behind(), host.misuses()) == ({}, [])


def unanswered(asked: threading.Semaphore, *functions: str) -> None:
    """Let the service of this world answer some functions no more."""
    service = world.service()
    assert service is not None
    for function in functions:
        service.verbs[function] = lambda request: asked.release()


def test_what_hangs_at_the_end_goes_on(document: dict[str, Any]) -> None:
    def asks() -> None:
        with contextlib.suppress(ServiceDisconnectedError):
            hcsrt.systems()

    with Host() as host:
        fault = host.faults.on("HcsEnumerateComputeSystems").hang()
        thread = threading.Thread(target=asks)
        thread.start()
        while not fault.waiting:
            time.sleep(0.001)
    thread.join(20)
    assert not thread.is_alive()
    assert hcsrt.pending() == 0


def use(document: dict[str, Any], kept: list[Any], rng: random.Random) -> None:
    """Do something with a new handle or one of any world; then close it, drop one or keep all."""
    thing = rng.choice(kept) if kept and rng.random() < 0.7 else None
    # A ValueError comes from a stream that another thread has closed.
    with contextlib.suppress(hcsrt.HcsError, hcsrt.HandleClosedError, TimeoutError, ValueError):
        if thing is None:
            thing = ComputeSystem.create(f"{threading.get_ident()}-{rng.random()}", document)
            kept.append(thing)
        rng.choice(actions(thing, kept))()
    ending = rng.random()
    if ending < 0.2 and thing is not None:
        thing.close()
    elif ending < 0.6 and len(kept) > 4:
        with contextlib.suppress(IndexError):
            kept.pop(rng.randrange(len(kept)))


def actions(thing: Any, kept: list[Any]) -> list[Callable[[], object]]:
    if isinstance(thing, hcsrt.OwnedOperation):
        return [
            lambda: operations.operation_result(thing),
            lambda: operations.wait_operation(thing, 0.01),
            lambda: operations.operation_id(thing),
        ]
    if isinstance(thing, hcsrt.Process):
        return [thing.poll, thing.kill, lambda: thing.wait(timeout=0.01), lambda: thing.stdout and thing.stdout.read(1)]
    return [
        thing.start,
        thing.properties,
        thing.terminate,
        lambda: thing.wait(timeout=0.01),
        lambda: thing.shutdown(timeout=0.001),
        lambda: kept.append(ComputeSystem.open(thing.id)),
        lambda: kept.append(thing.popen(TRUE, stdout=hcsrt.PIPE)),
        hcsrt.systems,
        lambda: kept.append(operations.create_operation()),
    ]


async def use_in_asyncio(document: dict[str, Any], kept: list[Any], rng: random.Random) -> None:
    """The same in an event loop, where calls are cancelled too."""
    with contextlib.suppress(hcsrt.HcsError, hcsrt.HandleClosedError, TimeoutError):
        if not kept or rng.random() < 0.4:
            kept.append(await aio.ComputeSystem.create(f"{threading.get_ident()}-{rng.random()}", document))
        system = rng.choice(kept)
        call = rng.choice((system.start, system.properties, system.terminate, system.wait, system.shutdown))()
        await asyncio.wait_for(call, rng.choice((0.001, 0.01)))
    if rng.random() < 0.2 and kept:
        await kept.pop().close()
    if rng.random() < 0.4 and len(kept) > 4:
        kept.pop(0)


def goes_wrong(faults: Faults, number: int) -> None:
    """Have calls and events of a world held back: until it ends, or beyond that if nobody takes care."""
    if number % 2:
        faults.on("event:*", probability=0.3).delay(0.02, jitter=0.05)
        faults.on("completion:HcsGetComputeSystemProperties", probability=0.3).reorder()
        faults.on("completion:HcsTerminateComputeSystem", probability=0.3).delay(0.02)
        faults.on("HcsStartComputeSystem", probability=0.2).hang()
    if number % 5 == 2:
        faults.on("HcsTerminateComputeSystem", nth=5).disconnect(back_after=0.01)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_threads_use_what_they_have_while_worlds_change() -> None:
    """Eight threads, half of them with event loops, close, drop and use handles of any world."""
    document = emulator.container_document("tests")
    over = threading.Event()
    failed: list[BaseException] = []
    shared: list[Any] = []  # whose handles several threads use and close at once

    def watched(body: Callable[[random.Random], None]) -> Callable[[int], None]:
        def run(number: int) -> None:
            rng = random.Random(number)
            try:
                body(rng)
            except BaseException as error:
                failed.append(error)

        return run

    @watched
    def blocking(rng: random.Random) -> None:
        own: list[Any] = []
        while not over.is_set():
            use(document, rng.choice((own, shared)), rng)

    @watched
    def in_asyncio(rng: random.Random) -> None:
        async def main() -> None:
            kept: list[Any] = []
            while not over.is_set():
                await asyncio.gather(*(use_in_asyncio(document, kept, rng) for _ in range(3)))
            for system in kept:
                await system.close()

        asyncio.run(main())

    threads = [
        threading.Thread(target=run, args=(number,))
        for number, run in zip(range(8), itertools.cycle((blocking, in_asyncio)), strict=False)
    ]
    misuses: list[str] = []
    for thread in threads:
        thread.start()
    try:
        for number in range(CHANGES):
            with Host(number) as host:
                goes_wrong(host.faults, number)
                time.sleep(0.05)
                misuses += host.misuses()
                if number % 3 == 0:
                    emulator.reset(number)
                if number % 3 == 1:
                    host.service.stop()
                    time.sleep(0.01)
                    host.service.start()
            time.sleep(0.01)
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()]
    assert failed == []
    with Host() as host:
        shared.clear()
        gc.collect()
        assert host.settle(), host.left_behind()
        assert host.misuses() == misuses == []
    assert hcsrt.pending() == 0


# --- faults, reset and the service ------------------------------------------------------------------------------------


def test_faults_are_in_force_in_the_block_alone(document: dict[str, Any]) -> None:
    host = Host()
    host.faults.on("HcsEnumerateComputeSystems").fail("HCS_E_OPERATION_TIMEOUT")
    hcsrt.systems()
    with host, pytest.raises(hcsrt.OperationTimeoutError):
        hcsrt.systems()
    hcsrt.systems()


def test_a_reset_keeps_the_host_and_what_is_assumed(document: dict[str, Any]) -> None:
    with Host(seed=1, state_before_start="Created") as host:
        host.faults.on("HcsEnumerateComputeSystems").fail("HCS_E_OPERATION_TIMEOUT")
        before = running("one", document)
        emulator.reset(9)
        assert Host.installed() is host
        assert host.seed == 9
        assert repr(host) == "<Host seed=9 installed>"
        assert host.assumptions["state_before_start"] == "Created"
        assert list(host.faults) == []
        assert hcsrt.systems() == []
        with ComputeSystem.create("machine", MACHINE) as machine:
            assert machine.properties()["State"] == "Created"
            machine.terminate()
        before.close()


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_service_crashes_and_comes_back(seed: int | None, document: dict[str, Any]) -> None:
    with Host(seed, handle_of_crashed_service="disconnected") as host:
        system = running("one", document)
        process = system.popen(SLEEP)
        pid = process.pid
        events = system.events()
        host.service.stop()
        assert [event.type for event in events] == ["ServiceDisconnect"]
        for call in (system.properties, hcsrt.systems):
            with pytest.raises(ServiceDisconnectedError):
                call()
        host.service.stop()  # it is down
        host.service.start()
        host.service.start()  # it is up
        assert hcsrt.systems() == []
        with pytest.raises(ServiceDisconnectedError, match="has gone"):
            system.properties()
        with running("one", document) as again:
            assert again.properties()["State"] == "Running"
            again.terminate()
        assert host.left_behind() == {"systems": 1, "processes": 1}
        process.close()
        system.close()
        assert host.settle()
        assert host.misuses() == []
    gone(pid)


def test_a_crash_of_the_service_fails_what_is_pending(document: dict[str, Any]) -> None:
    async def main(host: Host) -> None:
        system = await aio.ComputeSystem.create("one", document)
        await system.start()
        process = await system.popen(SLEEP)
        waits = [asyncio.ensure_future(call()) for call in (system.wait, process.wait)]
        await asyncio.sleep(0.01)
        host.service.stop()
        host.service.start()
        for wait in waits:
            with pytest.raises(ServiceDisconnectedError):
                await asyncio.wait_for(wait, 20)
        await process.close()
        await system.close()

    with Host() as host:
        asyncio.run(main(host))
        assert host.settle()
        assert host.misuses() == []


def test_the_service_of_a_host_that_is_not_installed_cannot_be_stopped() -> None:
    with pytest.raises(RuntimeError, match="not installed"):
        Host().service.stop()


def test_a_process_crashes(document: dict[str, Any]) -> None:
    kernel = {"Chipset": {"LinuxKernelDirect": {"KernelFilePath": "C:\\kernel"}}, "GuestConnection": {}}
    with Host() as host, running("windows", document) as windows:
        host.faults.on("process").crash()
        with windows.popen(SLEEP) as process:
            assert process.wait(20) == 0xC0000005
        with running("linux", MACHINE | {"VirtualMachine": kernel}) as machine, machine.popen(SLEEP) as process:
            assert process.wait(20) == 128 + 11
            machine.terminate()
        assert windows.properties()["State"] == "Running"
        windows.terminate()


def test_a_guest_crashes(document: dict[str, Any]) -> None:
    with Host() as host, running("machine", MACHINE) as machine, running("container", document) as container:
        process = machine.popen(SLEEP)
        events = machine.events()
        with host.faults.on("HcsGetComputeSystemProperties", nth=1).crash():
            machine.properties()
            exit = machine.wait(20)
        assert exit["ExitType"] == "UnexpectedExit"
        assert list(exit["Attribution"][0]) == ["GuestCrash"]
        assert [event.type for event in events] == ["SystemCrashInitiated", "SystemCrashReport", "SystemExited"]
        assert process.wait(20) != 0
        process.close()
        with host.faults.on("HcsStartComputeSystem").crash(), ComputeSystem.create("new", document) as new:
            new.start()  # the guest is there, and crashes at once
            assert new.wait(20)["ExitType"] == "UnexpectedExit"
        assert container.properties()["State"] == "Running"
        container.terminate()


@pytest.mark.parametrize("after", [0, 5, 200_000])
def test_an_output_is_cut(after: int, document: dict[str, Any]) -> None:
    program = guest("write(b'x' * 100000); write(b'y' * 100000); exit(3)")
    with Host() as host, running("one", document) as system:
        host.faults.on("stream:stdout", nth=1).cut(after=after)
        done = system.run(program, stdout=hcsrt.PIPE)
        if not WINDOWS:  # which loses what was not read yet, whatever `after` says
            assert done.stdout == (b"x" * 100_000 + b"y" * 100_000)[:after]
        # It notices as soon as it writes more.
        assert (done.returncode == 3) == (after == 200_000) or WINDOWS
        assert len(system.run(program, stdout=hcsrt.PIPE).stdout) == 200_000
        system.terminate()


@posix_shell
@pytest.mark.parametrize("after", [0, 5, 100])
def test_an_input_is_cut(after: int, document: dict[str, Any]) -> None:
    with Host() as host, running("one", document) as system:
        host.faults.on("stream:stdin").cut(after=after)
        assert system.run(CAT, input=b"0123456789", stdout=hcsrt.PIPE).stdout == b"0123456789"[:after]
        system.terminate()


@linux
def test_what_cuts_a_stream_leaves_nothing_open(document: dict[str, Any]) -> None:
    with Host() as host, running("one", document) as system:
        host.faults.on("stream:stdout").cut(after=1 << 20)
        system.run(TRUE, stdout=hcsrt.PIPE)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            with system.popen(SLEEP, stdout=hcsrt.PIPE) as process:
                assert process.stdout is not None
                process.stdout.close()
                process.kill()
                process.wait(20)
        end = time.monotonic() + 20
        while len(list(Path("/proc/self/fd").iterdir())) > before:
            assert time.monotonic() < end
            time.sleep(0.005)
        system.terminate()


def test_a_fault_stops_the_service_and_has_it_back(document: dict[str, Any]) -> None:
    with Host() as host:
        system = running("one", document)
        host.faults.on("HcsEnumerateComputeSystems", nth=1).disconnect(back_after=0.05)
        with contextlib.suppress(ServiceDisconnectedError):
            hcsrt.systems()
        end = time.monotonic() + 20
        while True:
            try:
                assert hcsrt.systems() == []
                break
            except ServiceDisconnectedError:
                assert time.monotonic() < end
                time.sleep(0.005)
        with pytest.raises(ServiceDisconnectedError, match="has gone"):
            system.properties()
        system.close()
        with running("one", document) as again:
            again.terminate()
        assert host.settle()
        assert host.misuses() == []


def test_who_opens_a_system_uses_it_before_its_creator_knows_of_it(document: dict[str, Any]) -> None:
    with Host(seed=1, answers="late") as host:
        for number in range(20):
            maker = threading.Thread(target=lambda id=f"shared{number}": ComputeSystem.create(id, document).close())
            maker.start()
            opened = None
            while opened is None:
                with contextlib.suppress(hcsrt.SystemNotFoundError):
                    opened = ComputeSystem.open(f"shared{number}")
            opened.properties()
            opened.close()
            maker.join()
        assert host.misuses() == []


@pytest.mark.parametrize("back_after", [0, 0.01])
def test_a_service_is_back_after_a_call_that_took_longer(back_after: float) -> None:
    with Host() as host:
        disconnect = host.faults.on("HcsGetServiceProperties", nth=1).disconnect(back_after)
        host.faults.on("HcsGetServiceProperties", nth=1).delay(0.2)
        hcsrt.service.properties()
        assert disconnect.fired
        end = time.monotonic() + 20
        while True:
            try:
                hcsrt.service.properties()
                break
            except ServiceDisconnectedError:
                assert time.monotonic() < end
                time.sleep(0.005)


def test_a_service_goes_away_with_a_call_that_another_fault_keeps_from_it() -> None:
    with Host() as host:
        for action in ("fail", "answer"):
            with host.faults.on("HcsGetServiceProperties", nth=1).disconnect():
                site = host.faults.on("HcsGetServiceProperties", nth=1)
                site.fail("E_ABORT") if action == "fail" else site.answer({"Properties": []})
                with pytest.raises(hcsrt.HcsError, match="E_ABORT") if action == "fail" else contextlib.nullcontext():
                    hcsrt.service.properties()
                with pytest.raises(ServiceDisconnectedError):
                    hcsrt.service.properties()
            host.service.start()
            host.faults.clear()
            hcsrt.service.properties()


def test_a_service_that_a_fault_has_stopped_is_started_by_the_host(document: dict[str, Any]) -> None:
    with Host() as host:
        with ComputeSystem.create("one", document) as system, contextlib.suppress(ServiceDisconnectedError):
            host.faults.on("HcsStartComputeSystem").disconnect()
            system.start()
        for _ in range(3):
            with pytest.raises(ServiceDisconnectedError):
                hcsrt.systems()
        assert world.service() is None
        host.service.start()
        assert hcsrt.systems() == []
        with ComputeSystem.create("one", document) as system, contextlib.suppress(ServiceDisconnectedError):
            system.start()
    assert hcsrt.systems() == []


def test_settle_waits_for_what_cleans_up_in_the_background(document: dict[str, Any]) -> None:
    with Host() as host:
        with running("one", document) as system:
            delay = host.faults.on("HcsTerminateComputeSystem").delay(0.1)
            with pytest.raises(hcsrt.OperationTimeoutError):
                system.terminate(timeout=0.001)
        assert host.left_behind() != {}
        assert not host.settle(0)
        assert host.settle()
        delay.remove()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_settle_tells_of_what_stays(document: dict[str, Any]) -> None:
    with Host() as host:
        system = ComputeSystem.create("one", document)
        assert not host.settle(0.02)
        assert host.left_behind() == {"systems": 1}
        cycle: list[Any] = [system]
        cycle.append(cycle)
        del system, cycle
        assert host.settle()
    with pytest.raises(ValueError, match="seconds"):
        host.settle(-1)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "world.json"


def states() -> dict[str, str]:
    return {system["Id"]: system["State"] for system in hcsrt.systems()}


def test_a_world_is_saved_and_loaded(file: Path, document: dict[str, Any]) -> None:
    with Host(seed=6, state_before_start="Created", close_of_handle="at_once") as host:
        host.faults.on("HcsSaveComputeSystem", nth=2).fail("HCS_E_OPERATION_TIMEOUT")
        with (
            running("container", document) as container,
            ComputeSystem.create("new", document),
            ComputeSystem.create("elsewhere", document, namespace="there"),
            running("machine", MACHINE) as machine,
            running("gone", document) as gone,
        ):
            gone.terminate()
            machine.pause()
            assert container.run(TRUE, env={"PASSWORD": "swordfish"}).returncode == 0
            group = {"GroupId": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "LogicalProcessors": [0]}
            hcsrt.service.modify("CpuGroup", {"Operation": "CreateGroup", "OperationDetails": group})
            host.save(file)
            now = states()
    assert now == {"container": "Running", "new": "Created", "machine": "Paused"}
    assert "swordfish" not in file.read_text("utf-8")
    assert [path.name for path in file.parent.iterdir()] == [file.name]

    loaded = Host.load(file)
    loaded.save(file.with_name("again"))
    with loaded:
        assert (loaded.seed, loaded.assumptions["state_before_start"]) == (6, "Created")
        assert [fault.to_dict() for fault in loaded.faults] == [fault.to_dict() for fault in host.faults]
        assert states() == now
        assert loaded.left_behind() == {}
        assert len(hcsrt.service.properties("CpuGroup")["Properties"][0]["CpuGroups"]) == 1
        loaded.save(file.with_name("once more"))
        with ComputeSystem.open("elsewhere", namespace="there") as system:
            assert system.properties()["State"] == "Created"
            system.start()
            assert system.run(TRUE).returncode == 0
    saved = [json.loads(path.read_text("utf-8")) for path in file.parent.iterdir()]
    assert saved[0] == saved[1] == saved[2]


def test_a_loaded_system_ends_with_the_last_handle_that_was_opened(file: Path) -> None:
    with Host() as host, running("one", emulator.container_document("tests")):
        host.save(file)
    with Host.load(file) as host:
        # Nobody has opened it, so nothing is to end.
        assert host.settle(0)
        first, second = ComputeSystem.open("one"), ComputeSystem.open("one")
        first.close()
        assert states() == {"one": "Running"}
        second.close()
        assert host.settle(20)
        assert states() == {}


def hosted_container() -> dict[str, Any]:
    return {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "HostingSystemId": "machine",
        "HostedSystem": {
            "SchemaVersion": {"Major": 2, "Minor": 1},
            "Container": emulator.container_document()["Container"],
        },
    }


def test_hosted_systems_are_loaded_with_their_machine(file: Path) -> None:
    hosted = hosted_container()
    with Host() as host, running("machine", MACHINE), running("hosted", hosted):
        host.save(file)
    content = json.loads(file.read_text("utf-8"))
    content["systems"].reverse()
    file.write_text(json.dumps(content), "utf-8")
    with Host.load(file), ComputeSystem.open("hosted") as system, ComputeSystem.open("machine") as machine:
        machine.terminate()
        assert system.wait(timeout=20)["ExitType"] == "UnexpectedExit"
    content["systems"][1]["state"] = "Paused"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match=r"systems\[0\].document.HostingSystemId: names no virtual machine"):
        Host.load(file)


def test_a_cookie_is_not_saved(file: Path, document: dict[str, Any]) -> None:
    document["Container"]["ContainerCredentialGuard"] = {"Cookie": "swordfish", "RpcEndpoint": "here"}
    with Host() as host, ComputeSystem.create("one", document):
        host.save(file)
    assert "swordfish" not in file.read_text("utf-8")
    (system,) = json.loads(file.read_text("utf-8"))["systems"]
    assert system["document"]["Container"]["ContainerCredentialGuard"] == {"RpcEndpoint": "here"}


def test_a_cookie_of_a_hosted_container_is_not_saved(file: Path) -> None:
    hosted = hosted_container()
    hosted["HostedSystem"]["Container"]["ContainerCredentialGuard"] = {"Cookie": "swordfish", "RpcEndpoint": "here"}
    with Host() as host, running("machine", MACHINE), ComputeSystem.create("one", hosted):
        host.save(file)
    assert "swordfish" not in file.read_text("utf-8")
    (saved,) = [each for each in json.loads(file.read_text("utf-8"))["systems"] if each["id"] == "one"]
    assert saved["document"]["HostedSystem"]["Container"]["ContainerCredentialGuard"] == {"RpcEndpoint": "here"}


def test_a_host_without_its_service_has_nothing_to_save(file: Path, document: dict[str, Any]) -> None:
    with Host() as host, ComputeSystem.create("one", document):
        host.service.stop()
        host.save(file)
    assert json.loads(file.read_text("utf-8"))["systems"] == []
    with pytest.raises(RuntimeError, match="save it before"):
        host.save(file)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Host().save(tmp_path / "nowhere" / "world.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        Host().save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


SYSTEM = {"id": "one", "state": "Created", "document": emulator.container_document()}
GROUP = {"GroupId": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "Affinity": {}, "GroupProperties": []}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "$: not JSON: Expecting property name"),
        ("{\xff".encode("latin-1"), "it is no text in UTF-8: 'utf-8' codec can't decode byte 0xff in position 1"),
        ('{"format": 1, "seed": 1, "seed": 2}', "$.seed: is there twice"),
        ([], "$: the file of a world is an object"),
        ({}, "$.format: is None; this hcsrt reads files of format 1"),
        ({"format": 2, "seed": "x"}, "$.format: is 2"),
        ({"format": 1, "seeds": 1}, "$.seeds: is unknown; the members here are format, seed, "),
        ({"format": 1, "seeds": 1}, "faults; did you mean 'seed'?"),
        ({"format": 1, "seed": True}, "$.seed: is neither a whole number nor null"),
        ({"format": 1, "seed": 1 << 1024}, "$.seed: seed has 1025 bits; give an int of at most 1024"),
        ({"format": 1, "assumptions": []}, "$.assumptions: is no object"),
        (
            {"format": 1, "assumptions": {"exit_evnt": "x"}},
            "$.assumptions.exit_evnt: there is no assumption 'exit_evnt'",
        ),
        ({"format": 1, "assumptions": {"exit_event": "x"}}, "choose 'after_the_result' or 'before_the_result'"),
        ({"format": 1, "assumptions": {"exit_event": None}}, "$.assumptions.exit_event: is null"),
        ({"format": 1, "assumptions": {"exit_event": ["x"]}}, "$.assumptions.exit_event: exit_event is ['x']"),
        ({"format": 1, "systems": {}}, "$.systems: is no array"),
        ({"format": 1, "systems": [1]}, "$.systems[0]: is no object"),
        ({"format": 1, "systems": [SYSTEM | {"id": ""}]}, "$.systems[0].id: is no id"),
        ({"format": 1, "systems": [SYSTEM | {"namespace": None}]}, "$.systems[0].namespace: is no text"),
        ({"format": 1, "systems": [SYSTEM, SYSTEM]}, "$.systems[1].id: is that of another system, too: 'one'"),
        ({"format": 1, "systems": [SYSTEM | {"name": "x"}]}, "$.systems[0].name: is unknown"),
        ({"format": 1, "systems": [SYSTEM | {"state": "Paused"}]}, "$.systems[0].state: is 'Paused'; give Created or"),
        ({"format": 1, "systems": [SYSTEM | {"document": "{}"}]}, "$.systems[0].document: is no object"),
        ({"format": 1, "systems": [SYSTEM | {"document": {"Layers": {}}}]}, "$.systems[0].document.Layers"),
        ({"format": 1, "cpu_groups": 1}, "$.cpu_groups: is no array"),
        ({"format": 1, "cpu_groups": [{}]}, "$.cpu_groups[0].GroupId: is missing"),
        ({"format": 1, "cpu_groups": [GROUP | {"GroupId": 1}]}, "$.cpu_groups[0].GroupId: a GUID is expected"),
        ({"format": 1, "cpu_groups": [GROUP, GROUP]}, "$.cpu_groups[1].GroupId: is that of another group"),
        ({"format": 1, "faults": {}}, "$.faults: is no array"),
        ({"format": 1, "faults": [{"site": "HcsNothing", "action": "drop"}]}, "$.faults[0]: "),
        ({"format": 1, "faults": [3]}, "$.faults[0]: "),
    ],
)
def test_a_file_that_holds_no_world_is_refused_with_the_place(file: Path, content: object, told: str) -> None:
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match=r"world\.json holds no world") as caught:
        Host.load(file)
    assert told in str(caught.value)
    assert Host.installed() is None


def test_a_file_may_begin_with_the_mark_of_windows_editors(file: Path) -> None:
    file.write_text('{"format": 1, "seed": 5}', "utf-8-sig")
    assert Host.load(file).seed == 5


def test_a_file_of_hand_is_short(file: Path) -> None:
    file.write_text(json.dumps({"format": 1, "systems": [SYSTEM]}), "utf-8")
    with Host.load(str(file)) as host:
        assert (host.seed, states()) == (None, {"one": "Created"})
    with pytest.raises(FileNotFoundError):
        Host.load(file.with_name("other"))
    with pytest.raises(TypeError, match="path must be"):
        Host.load(3)  # type: ignore[arg-type]


def test_a_guest_crashes_at_a_call_that_fails_and_is_done() -> None:
    """The creation of a process that runs although HCS says that it has failed."""
    where = {"failed_call": "at_its_kick_off", "completion": "inside_the_call"}
    with Host(process_in_container="E_INVALIDARG", **where) as host:
        system = ComputeSystem.create("web", emulator.container_document())
        system.start()
        crash = host.faults.on("HcsCreateProcess").crash()
        assert system.run(SLEEP, timeout=60).returncode != 0
        assert len(crash.fired) == 1
        system.wait(timeout=60)
        assert host.systems() == []
        system.close()
