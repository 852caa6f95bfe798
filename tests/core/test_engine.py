"""The engine on the emulator: each kind of event loop, loops in threads, cancellation at any point, every early end."""

import asyncio
import gc
import json
import os
import random
import re
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import OwnedSystem, _arguments, _calls, _engine, _watch, emulator
from hcsrt._interpose import late
from hcsrt._streams import ProcessStart

from ..helpers import hcs_calls
from ..helpers.latency import hanging
from ..helpers.native import fake_hcs
from ..helpers.platforms import WINDOWS, compiler, fork
from ..helpers.programs import INSTALL, SLEEP, TRUE

Settle = Callable[..., bool]

try:
    import uvloop
except ImportError:
    uvloop = None


class Deaf(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors, as the default one of Windows: a thread has to wake it."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError


LOOPS = {"asyncio": asyncio.new_event_loop, "deaf": Deaf}
if uvloop is not None:
    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.fixture(params=LOOPS)
def new_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


def run(main: Coroutine[Any, Any, Any], new_loop: Callable[[], asyncio.AbstractEventLoop] = LOOPS["asyncio"]) -> Any:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)


@pytest.fixture(autouse=True)
def engine_is_empty(settle: Settle) -> Iterator[None]:
    """Nothing stays in the engine. Before nothing_left_behind looks, which is set up earlier."""
    yield
    gc.collect()
    assert settle(lambda: _engine.in_flight() == 0), _engine.counts()


def command(arguments: list[str], **parameters: Any) -> str:
    return json.dumps({"CommandLine": subprocess.list2cmdline(arguments), **parameters})


async def started(id: str = "engine", **document: Any) -> OwnedSystem:
    system = await _engine.create_system(id, json.dumps(emulator.container_document(**document)))
    await _engine.call(system, "HcsStartComputeSystem")
    return system


async def process_of(system: OwnedSystem, parameters: str) -> ProcessStart:
    """Create a process. Where HCS reports a failure and gives a handle, it is asked whether the process runs."""
    start = await _engine.create_process(system, parameters)
    if start.error is None:
        return start
    try:
        return await _engine.process_info(start.process)
    except hcsrt.HcsError:
        start.close()
        raise start.error from None


async def ended(system: OwnedSystem) -> None:
    await _engine.call(system, "HcsTerminateComputeSystem")
    await _engine.close(system)


# --- the calls ------------------------------------------------------------------------------------------------------


def test_a_system_from_create_to_close(new_loop: Any) -> None:
    async def main() -> None:
        system = await _engine.create_system("engine", json.dumps(emulator.container_document()))
        await _engine.watch(system)
        exit = _engine.wait_exit(system)
        assert await _engine.call(system, "HcsStartComputeSystem") is None
        properties = json.loads(await _engine.call(system, "HcsGetComputeSystemProperties") or "")
        assert properties["State"] == "Running"
        (listed,) = json.loads(await _engine.enumerate_systems() or "")
        assert listed["Id"] == "engine"
        start = await process_of(system, command(SLEEP, CreateStdOutPipe=True))
        assert (start.stdin, start.stderr) == (None, None)
        assert start.stdout is not None
        again = await _engine.open_process(system, start.pid)
        assert (await _engine.process_info(again)).pid == start.pid
        await asyncio.gather(*[_engine.close(handle) for handle in (start.process, start.stdout, again)])
        other = await _engine.open_system("engine")
        assert not exit.done()
        await _engine.call(other, "HcsTerminateComputeSystem")
        assert await exit is None
        assert _watch.exit_status(system)[0] == "exited"  # type: ignore[index]
        await asyncio.gather(_engine.close(system), _engine.close(other))
        assert system.closed
        await _engine.close(system)

    run(main(), new_loop)


def test_what_hcs_answers_is_raised() -> None:
    async def main() -> None:
        with pytest.raises(hcsrt.SystemNotFoundError) as caught:
            await _engine.open_system("nobody")
        assert caught.value.operation == "HcsOpenComputeSystem"
        with pytest.raises(hcsrt.HcsError, match="HcsCreateComputeSystem"):
            await _engine.create_system("bad", "{}")
        system = await started()
        with pytest.raises(hcsrt.InvalidStateError):
            await _engine.call(system, "HcsStartComputeSystem")
        with pytest.raises(hcsrt.SystemAlreadyExistsError):
            await started()
        with pytest.raises(hcsrt.HcsError, match="HcsCreateProcess"):
            await process_of(system, command(["/no/such/program"]))
        with pytest.raises(hcsrt.HcsError):
            await _engine.open_process(system, 999999)
        with pytest.raises(hcsrt.PathNotFoundError):
            await _engine.service("HcsGrantVmAccess", "vm", "C:\\no\\such\\file")
        assert json.loads(await _engine.service("HcsGetServiceProperties", None) or "")
        with pytest.raises(hcsrt.HcsError, match="HcsAddResourceToOperation"):
            await _engine.call(system, "HcsStartLiveMigrationOnSource", resources=[(0, "uri", 1)])
        document = json.dumps(emulator.container_document())
        with pytest.raises(hcsrt.HcsError, match="HcsCreateComputeSystemInNamespace") as caught:
            await _engine.create_system("token", document, namespace="ns", user_token=8)
        assert caught.value.hresult & 0xFFFFFFFF == 0x80004001  # the emulator sees it, and does not emulate it
        with pytest.raises(hcsrt.HcsError, match="E_INVALIDARG"):
            await _engine.create_system("secured", document, security_descriptor=8)
        await ended(system)
        with pytest.raises(hcsrt.HandleClosedError):
            _engine.call(system, "HcsStartComputeSystem")

    run(main())


def test_wrong_arguments_are_refused_at_once() -> None:
    async def main() -> None:
        system = await started()
        for wrong, error in {
            ("HcsNoSuchFunction",): ValueError,
            ("HcsGetProcessInfo",): ValueError,
            ("HcsTerminateProcess",): TypeError,
            ("HcsStartComputeSystem", 5): TypeError,
            ("HcsStartComputeSystem", "a\0b"): ValueError,
        }.items():
            with pytest.raises(error):
                _engine.call(system, *wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="identity"):
            _engine.call(system, "HcsStartComputeSystem", identity=1)
        with pytest.raises(ValueError, match="service"):
            _engine.service("HcsStartComputeSystem", "")
        with pytest.raises(TypeError, match="2 texts"):
            _engine.service("HcsGrantVmAccess", "vm")
        with pytest.raises(ValueError, match="watch"):
            _engine.wait_exit(system)
        with pytest.raises(ValueError, match="namespace"):
            _engine.create_system("a", "{}", user_token=8)
        with pytest.raises(TypeError, match="user_token"):
            _engine.create_system("a", "{}", namespace="ns", user_token="8")  # type: ignore[arg-type]
        await ended(system)

    run(main())
    with pytest.raises(RuntimeError, match="no running event loop"):
        _engine.enumerate_systems()


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), "5", b"5", -(10**400), [], 1j])
def test_a_timeout_that_is_none_is_refused_in_the_words_of_the_facade(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"timeout .*None") as ours:
        _arguments.seconds(value)
    with pytest.raises(ours.type, match=f"^{re.escape(str(ours.value))}$"):
        _calls.Limit(value)


@pytest.mark.parametrize("value", [7, b"text", "a\0b", object()])
def test_a_text_that_is_none_is_refused_in_the_words_of_the_facade(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="text must") as ours:
        _arguments.check_text(value, "text")
    with pytest.raises(ours.type, match=f"^{re.escape(str(ours.value))}$"):
        _calls.service("HcsGetServiceProperties", value)


@pytest.mark.parametrize("value", [-1, 1 << 64, -(1 << 70), "8", 8.0])
def test_a_handle_that_is_none_is_refused_in_the_words_of_the_facade(value: Any, system: hcsrt.ComputeSystem) -> None:
    with pytest.raises((TypeError, ValueError), match=r"identity .*Windows handle") as ours:
        _arguments.check_handle(value, "identity")
    with pytest.raises(ours.type, match=f"^{re.escape(str(ours.value))}$"):
        _calls.call(system.handle, "HcsModifyComputeSystem", "{}", identity=value)


def test_a_failed_call_brings_its_document() -> None:
    async def main() -> None:
        with pytest.raises(hcsrt.HcsError) as caught:
            await _engine.create_system("bad", json.dumps({"Owner": "tests"}))
        assert caught.value.document is not None

    run(main())


def test_calls_in_burst_keep_what_belongs_together(new_loop: Any) -> None:
    async def main() -> None:
        systems = await asyncio.gather(*[started(f"burst-{number}") for number in range(8)])

        async def ask(number: int) -> None:
            answer = await _engine.call(systems[number % 8], "HcsGetComputeSystemProperties")
            assert json.loads(answer or "")["Id"] == f"burst-{number % 8}"

        await asyncio.gather(*map(ask, range(300)))
        await asyncio.gather(*map(ended, systems))

    run(main(), new_loop)


# --- exit and events ------------------------------------------------------------------------------------------------


def test_a_wait_for_the_exit_ends_with_the_handle() -> None:
    async def main() -> None:
        system = await started(terminate_on_last_handle_closed=True)
        await _engine.watch(system)
        waits = [_engine.wait_exit(system) for _ in range(3)]
        waits.pop().cancel()
        await _engine.close(system)
        for wait in waits:
            with pytest.raises(hcsrt.HandleClosedError):
                await wait

    run(main())


def test_an_exit_that_was_is_told_at_once(new_loop: Any) -> None:
    async def main() -> None:
        system = await started()
        await _engine.watch(system)
        with pytest.raises(hcsrt.HandleBusyError):
            await _engine.watch(system)
        await _engine.call(system, "HcsTerminateComputeSystem")
        await asyncio.wait_for(_engine.wait_exit(system), 5)
        await asyncio.wait_for(_engine.wait_exit(system), 5)
        await _engine.close(system)

    run(main(), new_loop)


def test_events_wake_their_reader(new_loop: Any) -> None:
    other_event = 0x2000001

    async def main() -> None:
        system = await started()
        await _engine.watch(system)
        reader = _engine.EventReader(system, 16)
        assert reader.next() is None
        seen = []
        for number in range(20):
            ready = reader.ready()
            with pytest.raises(RuntimeError):
                reader.ready()
            emulator.send_event("engine", other_event, f"{number}")
            await asyncio.wait_for(ready, 5)
            while event := reader.next():
                seen.append(event[1])
        assert seen == [f"{number}" for number in range(20)]
        reader.ready().cancel()
        await asyncio.sleep(0)
        ready = reader.ready()
        await _engine.call(system, "HcsTerminateComputeSystem")
        await asyncio.wait_for(ready, 5)
        assert reader.next() is not None
        with pytest.raises(EOFError):
            reader.next()
        await _engine.close(system)

    run(main(), new_loop)


# --- a service that goes away ---------------------------------------------------------------------------------------

SERVICE_DISCONNECT = 0x2000000


def tell_of_disconnect(id: str) -> None:
    """As when the service has crashed, and answers nothing of what it was asked."""
    emulator.send_event(id, SERVICE_DISCONNECT, "")


@pytest.mark.alone
def test_a_disconnect_fails_what_is_pending_on_its_handle_and_nothing_else(
    new_loop: Any, settle: Settle, plain_order: None
) -> None:
    async def main(place: int) -> None:
        system, other = await started(f"lost-{place}"), await started(f"other-{place}")
        plain = await _engine.open_system(f"lost-{place}")
        await asyncio.gather(_engine.watch(system), _engine.watch(other))
        functions = ["HcsGetComputeSystemProperties", "HcsResumeComputeSystem", "HcsResumeComputeSystem"]
        hanging = [_engine.call(system, function) for function in functions]
        hanging.append(_engine.create_process(system, command(SLEEP, CreateStdInPipe=True)))
        kept = [_engine.call(handle, "HcsGetComputeSystemProperties") for handle in (plain, other)]
        await asyncio.sleep(0.05)
        before = time.monotonic()
        tell_of_disconnect(f"lost-{place}")
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
        took.append(time.monotonic() - before)
        assert [type(outcome) for outcome in outcomes] == [hcsrt.ServiceDisconnectedError] * 4, outcomes
        # HCS may answer yet, as long as nobody has told that it will not.
        assert not any(future.done() for future in kept)
        assert hcsrt.pending() > 0
        # What is asked afterwards is HCS's to answer.
        assert json.loads(await _engine.enumerate_systems() or "")
        for future in kept:
            future.cancel()
        await asyncio.gather(*map(_engine.close, (system, other, plain)))

    took: list[float] = []
    for place in range(3):
        with hanging("HcsGetComputeSystemProperties", "HcsCreateProcess", "HcsResumeComputeSystem"):
            run(main(place), new_loop)
    assert settle(lambda: hcsrt.pending() == 0 and _engine.in_flight() == 0)
    assert min(took) < 0.1


def test_a_disconnect_does_not_overrule_the_answer_of_hcs(plain_order: None) -> None:
    """The service goes away while it carries a call out, and has carried it out."""

    async def main() -> None:
        system = await started()
        await _engine.watch(system)
        for _ in range(20):
            # What its watchers are told and its answers are one behind the other.
            calls = [_engine.call(system, "HcsGetComputeSystemProperties") for _ in range(10)]
            telling = asyncio.gather(*(asyncio.to_thread(tell_of_disconnect, "engine") for _ in range(3)))
            for outcome in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(outcome, hcsrt.ServiceDisconnectedError) or json.loads(outcome)["Id"] == "engine"
            await telling
        await ended(await _engine.open_system("engine"))
        await _engine.close(system)

    run(main())


# --- loops ----------------------------------------------------------------------------------------------------------


def test_loops_in_threads_use_the_same_systems() -> None:
    names = [f"shared-{number}" for number in range(3)]
    created = [_calls.create_system(name, json.dumps(emulator.container_document())) for name in names]
    for system in created:
        hcs_calls.start_system(system)

    async def ask(number: int) -> None:
        system = await _engine.open_system(names[number % 3])
        answers = await asyncio.gather(
            *[_engine.call(handle, "HcsGetComputeSystemProperties") for handle in (system, created[number % 3])]
        )
        assert {json.loads(answer or "")["Id"] for answer in answers} == {names[number % 3]}
        await _engine.close(system)

    async def main() -> None:
        await asyncio.gather(*map(ask, range(30)))

    def blocking() -> None:
        for number in range(30):
            assert names[number % 3] in (hcs_calls.get_system_properties(created[number % 3]) or "")

    with ThreadPoolExecutor() as pool:
        loops = [pool.submit(lambda new_loop=new_loop: run(main(), new_loop)) for new_loop in [*LOOPS.values()] * 2]
        others = [pool.submit(blocking) for _ in range(2)]
        for each in (*loops, *others):
            each.result(60)
    for system in created:
        hcs_calls.terminate_system(system)
        system.close()


class Forgetful(Deaf):
    """Misses the first wake-ups that another thread gives it."""

    missed = 0

    def call_soon_threadsafe(self, callback: Any, *args: Any, **options: Any) -> asyncio.Handle:
        if self.missed < 2:
            self.missed += 1
            return self.call_soon(callback, *args, **options)
        return super().call_soon_threadsafe(callback, *args, **options)


def test_a_loop_that_misses_a_wake_up_is_woken_again() -> None:
    async def main() -> None:
        await asyncio.wait_for(_engine.enumerate_systems(), 60)

    loop = Forgetful()
    before = time.monotonic()
    loop.run_until_complete(main())
    loop.close()
    assert loop.missed == 2
    assert time.monotonic() - before < 30


def test_loops_are_made_in_threads_at_once() -> None:
    start = threading.Barrier(4)

    async def ask() -> None:
        await _engine.enumerate_systems()

    def make() -> None:
        loops = [asyncio.new_event_loop() for _ in range(50)]
        start.wait()
        for loop in loops:
            loop.run_until_complete(ask())
        for loop in loops:
            loop.close()

    with ThreadPoolExecutor() as pool:
        for each in [pool.submit(make) for _ in range(start.parties)]:
            each.result(60)


def test_an_await_in_a_finally_completes_although_the_run_ends(new_loop: Any) -> None:
    cleaned = []

    async def work(system: OwnedSystem) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await ended(system)
            cleaned.append(system)

    async def main() -> None:
        systems = [await started(f"finally-{number}") for number in range(3)]
        for system in systems:
            keep.append(asyncio.ensure_future(work(system)))
        await asyncio.sleep(0)
        raise ZeroDivisionError

    keep: list[Any] = []
    with pytest.raises(ZeroDivisionError):
        run(main(), new_loop)
    assert len(cleaned) == 3


def test_the_engine_has_no_task() -> None:
    async def main() -> None:
        await _engine.enumerate_systems()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())
    run(main(), Deaf)


@pytest.mark.parametrize("moment", range(4))
def test_a_loop_closed_with_calls_in_flight_leaves_nothing(new_loop: Any, moment: int, settle: Settle) -> None:
    loop = new_loop()
    system = _calls.create_system("left", json.dumps(emulator.container_document()))
    hcs_calls.start_system(system)

    async def begin() -> None:
        for number in range(40):
            _engine.call(system, "HcsGetComputeSystemProperties")
            _engine.create_system(f"left-{number}", json.dumps(emulator.container_document()))
            _engine.create_process(system, command(TRUE, CreateStdOutPipe=True))
            _engine.open_system("left")
        if moment:
            await asyncio.sleep([0, 0.002, 0.02][moment - 1])

    task = loop.create_task(begin())
    if moment == 0:
        # No worker has got them yet.
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert task.done()
    else:
        loop.run_until_complete(task)
    loop.close()
    del loop, task
    gc.collect()
    assert settle(lambda: _engine.in_flight() == 0 and hcsrt.pending() == 0, 20)
    hcs_calls.terminate_system(system)
    system.close()
    assert json.loads(_calls.enumerate_systems() or "") == []


def test_a_handle_of_a_closed_loop_is_released(settle: Settle) -> None:
    """Its last reference is the engine's, which nobody drains any more."""

    async def main() -> None:
        system = await started(terminate_on_last_handle_closed=True)
        _engine.call(system, "HcsGetComputeSystemProperties")
        while not asked.met:
            await asyncio.sleep(0.001)

    with late("HcsGetComputeSystemProperties") as asked:
        run(main())
    assert settle(lambda: emulator.live()["systems"] == 0)


# --- cancellation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
def test_a_cancelled_create_leaves_what_it_was_told_to(keep: bool, settle: Settle) -> None:
    document = json.dumps(emulator.container_document(terminate_on_last_handle_closed=False))

    async def main() -> None:
        future = _engine.create_system("abandoned", document, keep=keep)
        while not asked.met:
            await asyncio.sleep(0.001)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future
        await asyncio.sleep(0)
        assert hcsrt.pending() == 1

    with late("HcsCreateComputeSystem") as asked:
        run(main())
    assert settle(lambda: hcsrt.pending() == 0)
    assert [each["Id"] for each in json.loads(_calls.enumerate_systems() or "")] == ["abandoned"] * keep
    if keep:
        with _calls.open_system("abandoned") as system:
            hcs_calls.terminate_system(system)


def test_calls_cancelled_in_several_threads_at_once_do_not_meet(settle: Settle) -> None:
    """In the callbacks of cancelled futures handles are released, and the GIL with them."""
    failures: list[Any] = []
    base = _calls.create_system("shared", json.dumps(emulator.container_document()))

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
        for _ in range(40):
            calls = [_engine.call(_calls.open_system("shared"), "HcsGetComputeSystemProperties") for _ in range(20)]
            for call in calls:
                call.cancel()
            await asyncio.sleep(0.001)

    with ThreadPoolExecutor() as pool:
        for each in [pool.submit(run, main()) for _ in range(3)]:
            each.result(60)
    base.close()
    assert failures == []
    assert settle(lambda: hcsrt.pending() == 0)


@pytest.mark.parametrize("seed", range(6))
def test_calls_cancelled_at_random_points_leave_nothing(new_loop: Any, seed: int, settle: Settle) -> None:
    chance = random.Random(seed)

    async def use(number: int) -> None:
        system = await started(f"random-{seed}-{number}", terminate_on_last_handle_closed=True)
        try:
            start = await _engine.create_process(system, command(SLEEP, CreateStdInPipe=True, CreateStdErrPipe=True))
            start.close()
            await _engine.call(system, "HcsGetComputeSystemProperties")
            await _engine.watch(system)
            await _engine.wait_exit(system)
        finally:
            await _engine.close(system)

    async def main() -> None:
        tasks = [asyncio.ensure_future(use(number)) for number in range(12)]
        for task in chance.sample(tasks, len(tasks)):
            await asyncio.sleep(chance.random() * 0.01)
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes

    run(main(), new_loop)
    assert settle(lambda: hcsrt.pending() == 0)
    assert settle(lambda: json.loads(_calls.enumerate_systems() or "") == [])


def test_a_time_limit_leaves_the_call_to_the_reaper(settle: Settle) -> None:
    async def main() -> None:
        system = await started()
        with late("HcsGetComputeSystemProperties"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await _engine.call(system, "HcsGetComputeSystemProperties")
            assert hcsrt.pending() == 1
        await ended(system)

    run(main())
    assert settle(lambda: hcsrt.pending() == 0)


# --- early ends -----------------------------------------------------------------------------------------------------

PROLOGUE = f"""
import asyncio, gc, json, os, sys, threading, time, warnings
import hcsrt
from hcsrt import _calls, _engine, _interpose, _watch, emulator
warnings.simplefilter("ignore")
{INSTALL}

async def started(id="engine"):
    system = await _engine.create_system(id, json.dumps(emulator.container_document()))
    await _engine.call(system, "HcsStartComputeSystem")
    return system

async def ended(system):
    await _engine.call(system, "HcsTerminateComputeSystem")
    await _engine.close(system)
"""


def script(program: str, *, prologue: str = PROLOGUE, folder: Path | None = None, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", prologue + program],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize(
    "end",
    ["", "loop.close()", "del loop; gc.collect()", "threading.Thread(target=loop.run_forever, daemon=True).start()"],
    ids=["as it is", "closed", "collected", "running"],
)
def test_an_interpreter_ends_with_calls_in_flight(end: str) -> None:
    script(f"""
loop = asyncio.new_event_loop()
async def main():
    global system, futures
    system = await started()
    await _engine.watch(system)
    futures = [_engine.call(system, "HcsGetComputeSystemProperties") for _ in range(50)]
    futures += [_engine.create_system(f"exit-{{n}}", json.dumps(emulator.container_document())) for n in range(20)]
    futures.append(_engine.wait_exit(system))
loop.run_until_complete(main())
{end}
""")


def test_an_interpreter_ends_although_hcs_never_answers() -> None:
    script("""
emulator.reset()
_interpose.silent("HcsGetComputeSystemProperties").__enter__()
async def main():
    global system
    system = await started()
    futures.extend(_engine.call(system, "HcsGetComputeSystemProperties") for _ in range(20))
    await asyncio.sleep(0.05)
futures = []
asyncio.run(main())
""")


def test_what_is_no_loop_is_refused_where_a_thread_would_wake_it() -> None:
    class NoLoop:
        def add_reader(self, *args: object) -> None:
            raise NotImplementedError

        def create_future(self) -> None:
            """Never be called."""

    # Those of other tests end a moment after their loops.
    wakers = {thread for thread in threading.enumerate() if thread.name == "hcsrt waker"}
    asyncio._set_running_loop(NoLoop())  # type: ignore[arg-type]
    try:
        with pytest.raises(AttributeError, match="call_soon_threadsafe"):
            _engine.enumerate_systems()
    finally:
        asyncio._set_running_loop(None)
    assert _engine.in_flight() == 0
    assert not {thread for thread in threading.enumerate() if thread.name == "hcsrt waker"} - wakers


def test_a_loop_that_is_closed_while_a_thread_wakes_it_keeps_no_call(
    system: hcsrt.ComputeSystem, settle: Settle
) -> None:
    class Woken(Deaf):
        """A loop that is closed in the middle of being woken."""

        is_woken = threading.Event()
        has_closed = threading.Event()

        def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
            handle = asyncio.Handle(callback, args, self, context)
            self.is_woken.set()
            assert self.has_closed.wait(10)
            self._ready.append(handle)  # type: ignore[attr-defined]
            return handle

    async def ask() -> None:
        future = _engine.call(system.handle, "HcsGetComputeSystemProperties")
        await asyncio.sleep(0)  # with which it is sent
        assert Woken.is_woken.wait(10)
        future.cancel()

    loop = Woken()
    loop.run_until_complete(ask())
    loop.close()
    Woken.has_closed.set()
    assert settle(lambda: _engine.in_flight() == 0)


@fork
def test_a_forked_child_has_an_engine_of_its_own() -> None:
    script("""
async def main():
    system = await started("parent")
    wait = _engine.create_system("parents", json.dumps(emulator.container_document()))
    child = os.fork()
    if child == 0:
        asyncio.events._set_running_loop(None)
        async def inside():
            own = await started("child")
            assert await _engine.call(own, "HcsGetComputeSystemProperties")
            await ended(own)
        asyncio.run(inside())
        wait.cancel()
        # What has arrived is released on a worker.
        end = time.monotonic() + 5
        while _engine.in_flight() and time.monotonic() < end:
            time.sleep(0.01)
        os._exit(0 if _engine.in_flight() == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
    await _engine.close(await wait)
    await ended(system)
asyncio.run(main())
""")


@pytest.mark.parametrize("completion", ["callback", "wait"])
def test_both_ways_to_complete(completion: str) -> None:
    script(
        """
async def main():
    systems = await asyncio.gather(*[started(f"s{n}") for n in range(10)])
    for _ in range(5):
        await asyncio.gather(*[_engine.call(s, "HcsGetComputeSystemProperties") for s in systems for _ in range(5)])
    futures = [_engine.call(s, "HcsGetComputeSystemProperties") for s in systems]
    for future in futures[::2]:
        future.cancel()
    await asyncio.gather(*futures[1::2])
    await asyncio.gather(*map(ended, systems))
asyncio.run(main())
end = time.monotonic() + 10
while (_engine.in_flight() or hcsrt.pending()) and time.monotonic() < end:
    time.sleep(0.01)
assert _engine.in_flight() == hcsrt.pending() == 0, _engine.counts()
assert not any(emulator.live().values()), emulator.live()
assert emulator.misuses() == []
""",
        HCSRT_COMPLETION=completion,
    )


def test_a_disconnect_ends_what_threads_wait_for() -> None:
    script(
        f"""
async def main():
    system = await started()
    await _engine.watch(system)
    with _interpose.silent("HcsGetComputeSystemProperties"):
        futures = [_engine.call(system, "HcsGetComputeSystemProperties") for _ in range(5)]
        await asyncio.sleep(0.1)
        emulator.send_event("engine", {SERVICE_DISCONNECT}, "")
        outcomes = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 10)
    assert all(isinstance(outcome, hcsrt.ServiceDisconnectedError) for outcome in outcomes), outcomes
    await ended(await _engine.open_system("engine"))
    await _engine.close(system)
asyncio.run(main())
emulator.reset()
end = time.monotonic() + 10
while (_engine.in_flight() or hcsrt.pending()) and time.monotonic() < end:
    time.sleep(0.01)
assert _engine.in_flight() == hcsrt.pending() == 0, _engine.counts()
""",
        HCSRT_COMPLETION="wait",
    )


def test_another_way_to_complete_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import hcsrt._engine"],
        env=os.environ | {"HCSRT_COMPLETION": "perhaps"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "set it to 'callback' or 'wait'" in done.stderr


# --- an HCS that takes long to take a call --------------------------------------------------------------------------

SLOW = """
import asyncio, sys, time
import fake_hcs
from hcsrt import _library
_library.choose("fake_hcs", fake_hcs.table())
import hcsrt
from hcsrt import _engine, _interpose

async def lag(seconds):
    lags = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - before - 0.001)
    return sorted(lags)[int(len(lags) * 0.99)]

def settle():
    end = time.monotonic() + 20
    while (_engine.in_flight() or hcsrt.pending() or fake_hcs.live()) and time.monotonic() < end:
        time.sleep(0.01)
    assert (_engine.in_flight(), hcsrt.pending(), fake_hcs.live()) == (0, 0, 0), _engine.counts()
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    """Runs a program with that HCS."""
    folder = fake_hcs(tmp_path_factory)
    return lambda program: script(program, prologue=SLOW, folder=folder)


@pytest.mark.alone
@compiler
def test_slow_kick_offs_and_closes_run_side_by_side(slow: Callable[[str], None]) -> None:
    slow("""
async def main():
    systems = await asyncio.gather(*[_engine.create_system(str(n), "{}") for n in range(200)])
    fake_hcs.delay(500, 500)
    ticker = asyncio.ensure_future(lag(1.5))
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    await asyncio.gather(*[_engine.call(s, "HcsStartComputeSystem") for s in systems])
    kicked_off = time.perf_counter()
    await asyncio.gather(*map(_engine.close, systems))
    closed = time.perf_counter()
    # One after another they would take 100 seconds each.
    assert kicked_off - began < 3, kicked_off - began
    assert closed - kicked_off < 3, closed - kicked_off
    return await ticker
worst = asyncio.run(main())
settle()
assert worst < 0.05, worst
""")


@compiler
def test_a_terminate_overtakes_all_that_hangs(slow: Callable[[str], None]) -> None:
    slow("""
async def main():
    systems = await asyncio.gather(*[_engine.create_system(str(n), "{}") for n in range(300)])
    with _interpose.waiting("HcsStartComputeSystem") as hang:
        # More than there are workers, and one more of the first system, which its lane holds up.
        hung = [_engine.call(s, "HcsStartComputeSystem") for s in systems]
        behind = _engine.call(systems[0], "HcsShutDownComputeSystem")
        await asyncio.sleep(0.3)
        began = time.perf_counter()
        opened = await asyncio.wait_for(_engine.open_system("again", urgent=True), 5)
        await asyncio.wait_for(_engine.call(opened, "HcsTerminateComputeSystem"), 5)
        await asyncio.wait_for(asyncio.gather(*[_engine.call(s, "HcsTerminateComputeSystem") for s in systems]), 5)
        assert 0 < hang.waiting < 300
        assert not any(future.done() for future in hung) and not behind.done()
        # Those that no worker has got are not made.
        for future in (*hung[150:], behind):
            future.cancel()
        await asyncio.sleep(0)
        assert hcsrt.pending() == 151
    await asyncio.gather(*hung[:150])
    await asyncio.gather(*map(_engine.close, (*systems, opened)))
asyncio.run(main())
settle()
""")


@pytest.mark.alone
@compiler
def test_calls_of_one_lane_keep_their_order(slow: Callable[[str], None]) -> None:
    slow("""
async def main():
    system = await _engine.create_system("order", "{}")
    fake_hcs.delay(5, 0)
    ended = []
    async def one(number, function):
        await _engine.call(system, function)
        ended.append(number)
    changes = ["HcsStartComputeSystem", "HcsShutDownComputeSystem"] * 10
    await asyncio.gather(*[one(number, function) for number, function in enumerate(changes)])
    assert ended == list(range(20)), ended
    began = time.perf_counter()
    await asyncio.gather(*[one(0, "HcsGetComputeSystemProperties") for _ in range(60)])
    assert time.perf_counter() - began < 0.2, "queries wait for one another"
    await _engine.close(system)
asyncio.run(main())
settle()
""")


@compiler
def test_cython_code_hears_of_the_end_on_the_thread_of_hcs(slow: Callable[[str], None]) -> None:
    slow("""
async def main():
    system = await _engine.create_system("cython", "{}")
    answers = await asyncio.gather(*[fake_hcs.properties_with_gil(system) for _ in range(500)])
    assert all('"State":"Running"' in answer for answer in answers)
    await _engine.close(system)
asyncio.run(main())
settle()
""")


# --- how often threads are woken ------------------------------------------------------------------------------------


class CountingSelector(selectors.DefaultSelector):
    """A selector that counts how often its loop waits."""

    waits = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.waits += 1
        return super().select(timeout)


@pytest.mark.skipif(WINDOWS, reason="there a thread wakes the loop, which watches no descriptors")
def test_a_loop_goes_round_twice_for_a_call(hcs_host: emulator.Host, system: hcsrt.ComputeSystem) -> None:
    """Once to hand over the call, with those that it gives back, and once to learn of its end."""
    hcs_host.assume(completion="later", answers="at_once")
    selector = CountingSelector()

    async def main() -> int:
        await _engine.call(system.handle, "HcsGetComputeSystemProperties")
        before = selector.waits
        for _ in range(100):
            await _engine.call(system.handle, "HcsGetComputeSystemProperties")
        return selector.waits - before

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        # Now and then the loop sees the end of a call in the same round in which it has handed it over.
        assert runner.run(main()) <= 210
