"""hcsrt.aio where it is about asyncio: the mirror of the facade, loops, cancellation, the end of a program."""

import asyncio
import copy
import gc
import inspect
import pickle
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from itertools import count
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, _engine, _watch, aio, emulator
from hcsrt._facade import times
from hcsrt._hresults import E_FAIL
from hcsrt._interpose import counting, failing, late, silent, waiting
from hcsrt.faults import Faults

from ..helpers.latency import hanging, latency
from ..helpers.limits import limits
from ..helpers.loops import MIRRORED, asynchronous, each_loop, is_awaited
from ..helpers.platforms import win32
from ..helpers.programs import CAT, SLEEP, TRUE, exists, guest

Document = dict[str, Any]
Verbs = dict[str, Callable[[Any], Any]]
Settle = Callable[..., bool]
Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]


@asynccontextmanager
async def running(document: Document, id: str = "tests") -> Any:
    async with await aio.ComputeSystem.create(id, document) as system:
        await system.start()
        yield system
        await system.stop(grace=0)


def ids() -> list[str]:
    return [item["Id"] for item in hcsrt.systems()]


# --- the mirror -------------------------------------------------------------------------------------------------------


def public(thing: Any) -> set[str]:
    return set(getattr(thing, "__all__", None) or (name for name in dir(thing) if not name.startswith("_")))


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", ["ComputeSystem", "Process", "Events", "service"])
def test_every_name_of_the_facade_is_there_with_the_same_parameters(name: str) -> None:
    blocking = getattr(hcsrt, name)
    awaited = getattr(aio, name)
    assert public(blocking) <= public(awaited)
    for member in public(blocking):
        if callable(getattr(blocking, member)):
            assert parameters(getattr(awaited, member)) == parameters(getattr(blocking, member)), member


@pytest.mark.parametrize("popen", [subprocess.Popen, asyncio.subprocess.Process])
def test_a_process_has_the_methods_of_those_of_the_standard_library(popen: type) -> None:
    methods = {name for name in public(popen) if inspect.isroutine(getattr(popen, name))}
    assert methods <= public(aio.Process) & public(hcsrt.Process)


@pytest.mark.parametrize("name", ["systems", "stop_all", "statistics_of", "reap", "close_all"])
def test_every_function_is_there_with_the_same_parameters(name: str) -> None:
    assert parameters(getattr(aio, name)) == parameters(getattr(hcsrt, name))
    assert inspect.iscoroutinefunction(getattr(aio, name))


def test_what_is_iterated_or_used_in_a_block_is_so_in_both() -> None:
    for name in ("ComputeSystem", "Process", "Events"):
        blocking, awaited = getattr(hcsrt, name), getattr(aio, name)
        for special in ("iter", "next", "enter", "exit"):
            assert hasattr(awaited, f"__a{special}__") == hasattr(blocking, f"__{special}__"), (name, special)


def test_every_name_of_the_facade_that_waits_is_there() -> None:
    """What is not here is the same for both: errors, handles, the package."""
    waits = {name for name in hcsrt.__all__ if inspect.isroutine(getattr(hcsrt, name))}
    waits -= {"backend", "get_include", "pending"}
    assert waits <= set(aio.__all__)
    for name in ("DEVNULL", "PIPE", "STDOUT", "Event"):
        assert getattr(aio, name) == getattr(hcsrt, name)


def test_what_blocks_in_the_facade_is_a_coroutine() -> None:
    for kind in (aio.ComputeSystem, aio.Process):
        plain = {name for name in public(kind) if callable(getattr(kind, name))} - {
            name for name in public(kind) if is_awaited(getattr(kind, name))
        }
        assert plain == {"events"}


def test_the_facade_does_not_import_asyncio() -> None:
    code = (
        "import sys, hcsrt; from hcsrt import *; assert not {'asyncio', 'hcsrt.aio'} & sys.modules.keys(); "
        "hcsrt.aio.systems"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# --- systems and processes --------------------------------------------------------------------------------------------


@asynchronous
async def test_many_systems_at_once(document: Document) -> None:
    made = await asyncio.gather(*(aio.ComputeSystem.create(f"many-{n}", document) for n in range(8)))
    await asyncio.gather(*(system.start() for system in made))
    statistics = await aio.statistics_of(made)
    assert all(isinstance(item, dict) for item in statistics)
    assert await aio.stop_all(made, grace=0) == ["terminate"] * 8
    assert await aio.stop_all(made) == ["already-stopped"] * 8
    assert all(isinstance(item, hcsrt.HcsError) for item in await aio.statistics_of(made))
    for system in made:
        await system.close()
    with pytest.raises(TypeError, match=r"systems\[0\] must be a ComputeSystem, not str"):
        await aio.stop_all(["x"])  # type: ignore[list-item]


@asynchronous
async def test_close_all_closes_all_kinds(document: Document) -> None:
    async with running(document) as system:
        process = await system.popen(SLEEP, stdout=PIPE)
        handles = [await system.duplicate_handle() for _ in range(4)]
        again = await aio.ComputeSystem.open(system.id)
        items = [process, *handles, again, handles[0]]
        wrong: Any = [*items, "x"]
        with pytest.raises(TypeError, match=r"items\[7\] must be a ComputeSystem, a Process or a handle, not str"):
            await aio.close_all(wrong)
        assert not any(item.closed for item in items)
        assert await aio.close_all(iter(items)) == [None] * len(items)
        assert all(item.closed for item in items)
        assert await aio.close_all(items) == [None] * len(items)
        assert await aio.close_all([]) == []
        assert not system.closed


@pytest.mark.parametrize("turns", range(3))
@asynchronous
async def test_cancelled_bulk_verbs_leave_no_coroutine_behind(turns: int, document: Document) -> None:
    async with running(document) as system:
        again = await aio.ComputeSystem.open(system.id)
        for verb in (aio.statistics_of, aio.close_all, aio.stop_all):
            task = asyncio.ensure_future(verb([again] * 2))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gc.collect()
        task = asyncio.ensure_future(aio.reap("tests"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await again.close()


@asynchronous
async def test_any_loop_may_call_a_system(document: Document) -> None:
    async with running(document) as system:

        def elsewhere() -> Any:
            async def main() -> Any:
                asking = asyncio.gather(*(system.properties() for _ in range(8)))
                with pytest.raises(TimeoutError):
                    await system.wait(timeout=0.01)
                return await asking

            return asyncio.run(main())

        here = asyncio.gather(*(system.properties() for _ in range(8)))
        for properties in [*await asyncio.to_thread(elsewhere), *await here]:
            assert properties["Id"] == system.id


@asynchronous
async def test_reap_ends_what_an_owner_has_left() -> None:
    mine = emulator.container_document(owner="mine", terminate_on_last_handle_closed=False)
    theirs = emulator.container_document(owner="theirs", terminate_on_last_handle_closed=False)
    async with await aio.ComputeSystem.create("left", mine), await aio.ComputeSystem.create("other", theirs) as other:
        assert await aio.reap("mine") == {"left": "terminate"}
        assert [item["Id"] for item in await aio.systems()] == ["other"]
        await other.terminate()


@asynchronous
async def test_the_service_answers() -> None:
    assert "Properties" in await aio.service.properties("Basic")
    with pytest.raises(hcsrt.NotSupportedError):
        await aio.service.submit_wer_report({})


@asynchronous
async def test_a_conversation_by_lines(document: Document) -> None:
    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        for number in range(20):
            process.stdin.write(b"%d\n" % number)
            await process.stdin.drain()
            assert await process.stdout.readline() == b"%d\n" % number
        process.stdin.write_eof()
        assert process.stdin.is_closing()
        await process.stdin.wait_closed()
        assert await process.stdout.readline() == b""
        assert process.stdout.at_eof()
        assert await process.wait() == 0


@asynchronous
async def test_readers_have_the_methods_of_asyncio(document: Document) -> None:
    async with running(document) as system:
        async with await system.popen(guest("out('ab'); out('cd;ef'); out('gh')"), stdout=PIPE) as process:
            assert await process.stdout.readexactly(2) == b"ab"
            assert await process.stdout.readuntil(b";") == b"\ncd;"
            assert [line async for line in process.stdout] == [b"ef\n", b"gh\n"]
            with pytest.raises(asyncio.IncompleteReadError):
                await process.stdout.readexactly(1)
        command = guest("out('äb'); out('cd;ef'); out('gh')")
        async with await system.popen(command, stdout=PIPE, encoding="utf-8") as process:
            assert await process.stdout.readexactly(2) == "äb"
            wrong: Any
            for wrong in ((";", "\n"), b";", 7):
                kind = type(wrong).__name__
                with pytest.raises(TypeError, match=f"separator must be a str, not {kind}: the streams are in text"):
                    await process.stdout.readuntil(wrong)
            assert await process.stdout.readuntil(";") == "\ncd;"
            assert await process.stdout.read(1) == "e"
            assert [line async for line in process.stdout] == ["f\n", "gh\n"]
            assert await process.stdout.read() == ""
            assert process.stdout.at_eof()
            with pytest.raises(asyncio.IncompleteReadError):
                await process.stdout.readuntil()
        async with await system.popen(guest("out('x' * 99)"), stdout=PIPE, bufsize=10) as process:
            with pytest.raises(ValueError, match="the 10 that bufsize"):
                await process.stdout.readline()


TEXT: dict[str, Any] = {"bytes": {}, "text": {"encoding": "utf-8"}}
each_kind = pytest.mark.parametrize("options", TEXT.values(), ids=TEXT)


@each_kind
@asynchronous
async def test_a_line_has_a_limit_and_is_dropped_beyond_it(options: Document, document: Document) -> None:
    async with running(document) as system:
        command = guest("out('short'); out('y' * 99)")
        async with await system.popen(command, stdout=PIPE, bufsize=20, **options) as process:
            assert len(await process.stdout.readline()) == 6
            with pytest.raises(asyncio.LimitOverrunError, match="the 20 that bufsize"):
                await process.stdout.readuntil()
            assert len(await process.stdout.readexactly(30)) == 30
            with pytest.raises(ValueError, match="the 20 that bufsize"):
                await process.stdout.readline()
            assert len(await process.stdout.read()) < 70
            with pytest.raises(ValueError, match=f"eparator .* at least one.?{'character' if options else 'byte'}"):
                await process.stdout.readuntil("" if options else b"")


@asynchronous
async def test_text_costs_as_much_for_each_byte_however_much_it_is(document: Document) -> None:
    async def read(size: int) -> float:
        async with await system.popen(guest(f"write(b'x' * {size})"), stdout=PIPE, encoding="utf-8") as process:
            before = time.process_time()
            assert len(await process.stdout.read()) == size
            return time.process_time() - before

    async with running(document) as system:
        await read(1 << 20)
        # Windows counts the time of a process in ticks of 1/64 s.
        least = max(min([await read(4 << 20) for _ in range(3)]), 1 / 64)
        assert await read(64 << 20) < 16 * least * 4


@each_kind
@asynchronous
async def test_a_cancelled_read_loses_nothing(options: Document, document: Document) -> None:
    command = guest("write(b'a' * 300_000); read_line(); write(b'b' * 300_000)")
    async with running(document) as system:
        starting = system.popen(command, stdin=PIPE, stdout=PIPE, **options)
        async with await starting as process:
            for reading in (process.stdout.read(), process.stdout.readexactly(600_000), process.stdout.read()):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(reading, 0.2)
            process.stdin.write("\n" if options else b"\n")
            process.stdin.close()
            assert await process.stdout.read(3) == ("aaa" if options else b"aaa")
            rest = await process.stdout.read()
            assert (len(rest), rest.count("b" if options else b"b")) == (599_997, 300_000)
            assert process.stdout.at_eof()
            assert process.stdout.exception() is None
            assert process.stdin.get_extra_info("socket", 7) == 7


@pytest.mark.parametrize("close", ["close", "abort", "of the process"])
@asynchronous
async def test_a_pipe_has_a_number_until_it_is_closed(close: str, document: Document) -> None:
    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        pipe, end = process.stdin.get_extra_info("pipe"), process.stdin._end
        assert pipe.fileno() == end.fileno() >= 0
        if close == "of the process":
            await process.close()
        else:
            getattr(process.stdin.transport, close)()
            with suppress(ConnectionError):
                await process.stdin.wait_closed()
        with pytest.raises(ValueError, match="closed"):
            pipe.fileno()
        # What a loop asks is told, as by a socket.
        assert end.fileno() == -1


@each_kind
@asynchronous
async def test_only_one_task_reads_at_a_time(options: Document, document: Document) -> None:
    command = guest("write(b'abc'); read_line(); out('def')")
    async with running(document) as system:
        starting = system.popen(command, stdin=PIPE, stdout=PIPE, **options)
        async with await starting as process:
            stdout, line_end = process.stdout, "\n" if options else b"\n"
            assert len(await stdout.read(1)) == 1
            for read in (stdout.read, lambda: stdout.readexactly(6), stdout.readuntil, stdout.readline):
                reading = asyncio.ensure_future(read())
                await asyncio.sleep(0.01)
                for second in (
                    stdout.read(1),
                    stdout.read(),
                    stdout.readexactly(1),
                    stdout.readuntil(),
                    stdout.readline(),
                    anext(stdout),
                ):
                    with pytest.raises(RuntimeError, match=r"\(\) while another task reads from <hcsrt"):
                        await second
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
            last = asyncio.ensure_future(stdout.read())
            await asyncio.sleep(0.01)
            process.stdin.write(line_end)
            assert await last == ("bcdef\n" if options else b"bcdef\n")


@asynchronous
async def test_a_process_logs_under_the_name_of_its_public_module(
    document: Document, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.1)
    async with running(document) as system:
        with caplog.at_level("DEBUG", "hcsrt"):
            await system.run(guest("spawn('sleep(60)')"), capture_output=True)
    (told,) = [record for record in caplog.records if "holds its pipes open" in record.getMessage()]
    assert told.name == "hcsrt.aio.process"


@each_kind
@asynchronous
async def test_a_child_that_keeps_the_pipe_does_not_keep_a_reader(
    options: Document, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.4)
    async with running(document) as system:
        command = guest("out('mine'); spawn('sleep(60)'); exit(3)")
        async with await system.popen(command, stdout=PIPE, stderr=PIPE, **options) as process:
            assert len([line async for line in process.stdout]) == 1
            assert len(await process.stderr.read()) == 0
            # Nobody has waited, nor polled.
            assert process.returncode == 3
            assert "returncode=3" in repr(process)


@pytest.mark.alone
@asynchronous
async def test_what_a_child_writes_soon_after_the_exit_reaches_a_reader(
    document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.8)
    begun = str(tmp_path / "begun")
    child = f"tell({begun!r})\nfor i in 1, 2, 3: sleep(0.3); out(i)\nsleep(60)"
    command = guest(f"spawn({child!r}); wait_for(argv[0]); out('mine')", begun)
    async with running(document) as system, await system.popen(command, stdout=PIPE) as process:
        assert await process.stdout.read() == b"mine\n1\n2\n3\n"


@asynchronous
async def test_a_child_that_goes_on_writing_does_not_keep_a_reader(
    document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(times, "DRAIN_LIMIT", 1.0)
    begun = str(tmp_path / "begun")
    child = f"for n in range(4): out(7)\ntell({begun!r})\nwhile True: out(7); sleep(0.05)"
    command = guest(f"spawn({child!r}); wait_for(argv[0]); out('mine')", begun)
    async with running(document) as system, await system.popen(command, stdout=PIPE) as process:
        lines = [line async for line in process.stdout]
        assert lines.count(b"mine\n") == 1
        assert lines.count(b"7\n") > 3


@each_kind
@pytest.mark.parametrize("verb", ["read", "communicate"])
@asynchronous
async def test_who_reads_late_gets_all_that_the_process_has_written(
    verb: str, options: Document, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.1)
    monkeypatch.setattr(times, "DRAIN_LIMIT", 0.2)
    async with running(document) as system:
        # More than a reader takes before somebody asks for it, less than would keep the process from its end.
        command = guest("spawn('sleep(60)'); write(b'x' * 100_000); exit(0)")
        async with await system.popen(command, stdout=PIPE, bufsize=4096, **options) as process:
            assert await process.wait(timeout=10) == 0
            await asyncio.sleep(0.5)
            output = await process.stdout.read() if verb == "read" else (await process.communicate())[0]
            assert len(output) == 100_000


@asynchronous
async def test_a_reader_that_does_not_read_holds_the_process_back(document: Document, tmp_path: Any) -> None:
    count = tmp_path / "count"
    code = "f = open(argv[0], 'wb', 0)\nfor n in range(64): write(bytes(1 << 16)); f.write(b'.')"
    async with running(document) as system, await system.popen(guest(code, str(count)), stdout=PIPE) as process:
        before, written = -1, 0
        while not written or written > before:
            await asyncio.sleep(0.2)
            before, written = written, count.stat().st_size if count.exists() else 0
        assert written < 32
        assert len(await process.stdout.read()) == 64 << 16


@asynchronous
async def test_a_writer_of_bytes_takes_no_text(document: Document) -> None:
    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        for write in (process.stdin.write, process.stdin.writelines):
            with pytest.raises(TypeError, match="data must be bytes, not str: the streams are not in text mode"):
                write("x")
        process.stdin.writelines([b"1", bytearray(b"2"), memoryview(b"3")])
        assert await process.communicate() == (b"123", None)


@asynchronous
async def test_a_writer_is_held_back_by_a_process_that_does_not_read(document: Document) -> None:
    async with running(document) as system, await system.popen(SLEEP, stdin=PIPE) as process:
        process.stdin.write(bytes(1 << 20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.stdin.drain(), 0.2)
        await process.kill()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await process.stdin.drain()


@asynchronous
async def test_the_buffer_of_a_writer_has_limits_that_can_be_set(document: Document, tmp_path: Any) -> None:
    code = "while not os.path.exists(argv[0]): sleep(0.01)\nwhile os.read(0, 1 << 16): pass"
    command = guest(code, str(tmp_path / "go"))
    async with running(document) as system, await system.popen(command, stdin=PIPE) as process:
        stdin, transport = process.stdin, process.stdin.transport
        assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)
        for limits, expected in {(None, 3): (3, 12), (100, None): (25, 100), (0, None): (0, 0), (9, 9): (9, 9)}.items():
            transport.set_write_buffer_limits(*limits)
            assert transport.get_write_buffer_limits() == expected
        with pytest.raises(ValueError, match=r"high \(1\) must be >= low \(2\)"):
            transport.set_write_buffer_limits(high=1, low=2)
        assert transport.get_write_buffer_size() == 0
        await stdin.drain()
        stdin.write(bytes(1 << 20))
        assert transport.get_write_buffer_size() > 600_000
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stdin.drain(), 0.1)
        # What is there is no longer too much, although nobody has read any of it.
        transport.set_write_buffer_limits(high=1 << 21, low=1 << 20)
        await stdin.drain()
        assert transport.get_write_buffer_size() > 600_000
        transport.set_write_buffer_limits(high=600_000, low=300_000)
        draining = asyncio.ensure_future(stdin.drain())
        await asyncio.sleep(0.1)
        assert not draining.done()
        (tmp_path / "go").touch()
        await draining
        assert 0 < transport.get_write_buffer_size() <= 300_000
        transport.set_write_buffer_limits()
        assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)


@asynchronous
async def test_input_that_nobody_reads_is_no_error_of_asyncio(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By which asyncio's own protocol retrieves the error, unless the collector comes to the future first.
    monkeypatch.delattr(asyncio.StreamReaderProtocol, "__del__")
    async with running(document) as system:
        for _ in range(5):
            process = await system.popen(TRUE, stdin=PIPE)
            await process.wait()
            await process.communicate(b"input")
            await process.close()
            del process
        gc.collect()


@asynchronous
async def test_close_lets_a_reader_go(document: Document) -> None:
    async with running(document) as system:
        process = await system.popen(SLEEP, stdout=PIPE)
        reading = asyncio.ensure_future(process.stdout.read())
        await asyncio.sleep(0.05)
        await process.kill()
        await process.close()
        assert await asyncio.wait_for(reading, 5) == b""


@asynchronous
async def test_close_does_not_wait_for_ever_for_what_nobody_reads(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "CLOSE_TIMEOUT", 0.2)
    async with running(document) as system:
        process = await system.popen(SLEEP, stdin=PIPE)
        process.stdin.write(bytes(1 << 20))
        await asyncio.wait_for(process.close(), 5)


@asynchronous
async def test_events_arrive_and_end_with_the_exit(document: Document) -> None:
    async with running(document) as system:
        readers = [system.events() for _ in range(3)]

        async def types(reader: aio.Events) -> list[Any]:
            return [event.type async for event in reader]

        reading = [asyncio.ensure_future(types(reader)) for reader in readers]
        await asyncio.sleep(0.05)
        await system.stop(grace=0)
        assert await asyncio.gather(*reading) == [["SystemExited"]] * 3
        assert await system.events().get()  # who comes late gets it too


@asynchronous
async def test_events_time_out_and_close(document: Document) -> None:
    async with running(document) as system:
        async with system.events() as events:
            with pytest.raises(TimeoutError):
                await events.get(timeout=0.05)
            waiting = [asyncio.ensure_future(events.get()) for _ in range(2)]
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [None, None]
        with pytest.raises(ValueError, match="maxsize"):
            system.events(maxsize=0)


@asynchronous
async def test_nothing_waits_on_for_readers_that_were_cancelled(document: Document) -> None:
    """A call that waits for news keeps its reader, and in a quiet system they may be long in coming."""

    async def read(events: aio.Events) -> None:
        async for _ in events:
            pass

    async with running(document) as system:
        before = _engine.in_flight()
        for _ in range(10):
            reading = asyncio.ensure_future(read(system.events()))
            await asyncio.sleep(0.001)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(system.events().get(), 0.001)
        # A worker of its own gives each back.
        while _engine.in_flight() > before:
            await asyncio.sleep(0.001)


@asynchronous
async def test_a_reader_takes_over_from_one_that_was_just_cancelled(document: Document) -> None:
    async with running(document) as system:
        events = system.events()
        reading = asyncio.ensure_future(events.get())
        await asyncio.sleep(0.01)

        async def take_over() -> Any:
            # The step after the one in which the last reader has gone; the loop has not told the engine of it yet.
            reading.cancel()
            await asyncio.sleep(0)
            return await events.get()

        other = asyncio.ensure_future(take_over())
        await asyncio.sleep(0.01)
        await system.terminate()
        event = await asyncio.wait_for(other, 5)
        assert event is not None
        assert event.type == "SystemExited"


@asynchronous
async def test_an_exit_whose_event_is_lost_is_found(document: Document, lost_events: None) -> None:
    async with running(document) as system:
        reading = asyncio.ensure_future(system.events().get())
        await system.terminate()
        assert (await system.wait(timeout=5)).get("ExitType") == "ForcedExit"
        assert (await asyncio.wait_for(reading, 5)).type == "SystemExited"


@asynchronous
async def test_stop_gets_past_a_start_that_hangs(document: Document, settle: Settle) -> None:
    async with await aio.ComputeSystem.create("hangs", document) as system:
        with silent("HcsStartComputeSystem"):
            with pytest.raises(hcsrt.OperationTimeoutError):
                await system.start(timeout=0.05)
            starting = asyncio.ensure_future(system.start())
            await asyncio.sleep(0.05)
            assert await asyncio.wait_for(system.stop(timeout=5), 5) == "terminate"
            starting.cancel()
            await asyncio.wait([starting])
            assert hcsrt.pending()
    assert settle(lambda: hcsrt.pending() == 0)


# --- cancellation -----------------------------------------------------------------------------------------------------


@asynchronous
async def test_a_cancelled_create_leaves_no_system(document: Document, settle: Settle) -> None:
    with late("HcsCreateComputeSystem"):
        creating = asyncio.ensure_future(aio.ComputeSystem.create("cancelled", document))
        while ids() != ["cancelled"]:
            await asyncio.sleep(0.01)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating
    assert settle(lambda: hcsrt.pending() == 0 and ids() == [])


@pytest.mark.parametrize(("on_abandon", "left"), [("terminate", []), ("keep", ["half"])])
@asynchronous
async def test_a_create_that_cannot_be_set_up_leaves_what_it_was_told_to(
    on_abandon: Any, left: list[str], document: Document, settle: Settle
) -> None:
    refused = failing("HcsSetComputeSystemCallback", E_FAIL)
    with refused, pytest.raises(hcsrt.HcsError, match="HcsSetComputeSystemCallback"):
        await aio.ComputeSystem.create("half", document, on_abandon=on_abandon)
    assert settle(lambda: ids() == left)
    for id in left:
        with hcsrt.ComputeSystem.open(id) as system:
            system.terminate()


@asynchronous
async def test_a_process_that_cannot_be_set_up_is_ended(document: Document, settle: Settle) -> None:
    async with running(document) as system:
        refused = failing("HcsSetProcessCallback", E_FAIL)
        with refused, pytest.raises(hcsrt.HcsError, match="HcsSetProcessCallback"):
            await system.popen(SLEEP, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert await asyncio.to_thread(settle, lambda: emulator.live()["processes"] == 0)


@asynchronous
async def test_a_cancelled_run_kills_its_process(document: Document, tmp_path: Any) -> None:
    told = tmp_path / "pid"
    code = "open(argv[0] + '~', 'w').write(str(os.getpid())); os.rename(argv[0] + '~', argv[0]); sleep(60)"
    async with running(document) as system:
        run = asyncio.ensure_future(system.run(guest(code, str(told)), capture_output=True))
        while not told.exists():
            await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        while exists(int(told.read_text())):
            await asyncio.sleep(0.01)


@asynchronous
async def test_a_cancelled_communicate_loses_nothing(document: Document, tmp_path: Any) -> None:
    gate = tmp_path / "gate"
    command = guest("out('a'); out(read_line()); wait_for(argv[0]); out(read_line())", str(gate))
    async with running(document) as system, await system.popen(command, stdin=PIPE, stdout=PIPE) as process:
        process.stdin.write(b"b\n")
        communicating = asyncio.ensure_future(process.communicate(b"c\n"))
        await asyncio.sleep(0.05)
        communicating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await communicating
        gate.touch()
        assert await process.communicate() == (b"a\nb\nc\n", None)


@pytest.mark.parametrize("seed", range(4))
@asynchronous
async def test_anything_may_be_cancelled_at_any_point(seed: int, document: Document, settle: Settle) -> None:
    """A life of a system and its processes, cut off at points that come closer than its steps take."""
    generator = random.Random(seed)
    made: list[str] = []

    async def life(number: int) -> None:
        async with await aio.ComputeSystem.create(f"life-{number}", document) as system:
            made.append(system.id)
            try:
                await system.start()
                done = await system.run(CAT, input=b"x" * 100_000, capture_output=True)
                assert len(done.stdout) == 100_000
                async with await system.popen(SLEEP, stdin=PIPE, stdout=PIPE) as process:
                    await process.kill()
                    await process.wait()
            finally:
                await system.stop(grace=0)

    for number in range(25):
        living = asyncio.ensure_future(life(number))
        await asyncio.wait((living,), timeout=generator.random() * 0.1)
        living.cancel()
        await asyncio.wait((living,))
        if not living.cancelled():
            living.result()
    # A stop that was cancelled itself leaves its system; a create does not.
    assert await asyncio.to_thread(settle, lambda: hcsrt.pending() == 0 and set(ids()) <= set(made))
    await aio.reap("tests")


@asynchronous
async def test_a_duplicate_leaves_no_other_handle_behind(document: Document, settle: Settle) -> None:
    def handles() -> tuple[int, int]:
        return emulator.live()["systems"], emulator.live()["processes"]

    async with running(document) as system, await system.popen(SLEEP) as process:
        for _ in range(20):
            duplicate = await process.duplicate_handle()
            assert handles() == (1, 2)
            await aio.close_all([duplicate])
            assert handles() == (1, 1)
        generator = random.Random(7)
        for _ in range(100):
            duplicating = asyncio.ensure_future(process.duplicate_handle())
            await asyncio.wait((duplicating,), timeout=generator.random() * 0.004)
            if not duplicating.cancel():
                await aio.close_all([duplicating.result()])
            await asyncio.wait((duplicating,))
            await asyncio.sleep(0)
            # In this order: what is not counted any more is gone.
            is_quiet = hcsrt.pending() == 0
            assert not is_quiet or handles() == (1, 1)
            assert await asyncio.to_thread(settle, lambda: hcsrt.pending() == 0)
        await process.kill()


@asynchronous
async def test_kill_keeps_its_timeout_where_the_process_cannot_be_opened_again(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "KILL_PATIENCE", 0.05)
    async with await aio.ComputeSystem.create("tests", document) as system:
        await system.start()
        process = await system.popen(SLEEP)
        with silent("HcsTerminateProcess"), waiting("HcsOpenProcess"):
            with pytest.raises(hcsrt.OperationTimeoutError, match="HcsOpenProcess"):
                await asyncio.wait_for(process.kill(timeout=0.3), 5)
            assert hcsrt.pending()
        await process.kill()
        await process.close()
        await system.terminate()


# --- loops ------------------------------------------------------------------------------------------------------------


@each_loop
def test_several_loops_in_threads_drive_the_same_systems_as_threads_do(loop_factory: Any, system: Any) -> None:
    failures: list[BaseException] = []

    def attempt(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    async def program(number: int) -> None:
        async with await aio.ComputeSystem.open(system.id) as own:
            for _ in range(5):
                runs = [own.run(CAT, input=b"%d" % number, capture_output=True) for _ in range(3)]
                for done in await asyncio.gather(*runs):
                    assert done.stdout == b"%d" % number
                assert (await own.properties())["State"] == "Running"

    def loop(number: int) -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(program(number))

    def thread() -> None:
        for _ in range(5):
            assert system.run(CAT, input=b"sync", capture_output=True).stdout == b"sync"
            assert system.statistics()

    works = [lambda n=n: loop(n) for n in range(3)] + [thread] * 3  # type: ignore[misc]
    threads = [threading.Thread(target=attempt, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []


BOUND: dict[str, Callable[[Any, Any], Any]] = {
    "stdout.read": lambda process, events: process.stdout.read(),
    "stdout.readexactly": lambda process, events: process.stdout.readexactly(1),
    "stdout.readuntil": lambda process, events: process.stdout.readuntil(b";"),
    "stdout.readline": lambda process, events: process.stdout.readline(),
    "stdout in a loop": lambda process, events: anext(process.stdout),
    "stdin.write": lambda process, events: process.stdin.write(b"x"),
    "stdin.writelines": lambda process, events: process.stdin.writelines([b"x"]),
    "stdin.drain": lambda process, events: process.stdin.drain(),
    "stdin.close": lambda process, events: process.stdin.close(),
    "stdin.write_eof": lambda process, events: process.stdin.write_eof(),
    "stdin.wait_closed": lambda process, events: process.stdin.wait_closed(),
    "communicate": lambda process, events: process.communicate(),
    "the end of a block": lambda process, events: process.__aexit__(None, None, None),
    "events.get": lambda process, events: events.get(),
    "events in a loop": lambda process, events: anext(events),
    "close": lambda process, events: process.close(),
    "events.close": lambda process, events: events.close(),
}
"""What belongs to one event loop."""
FREE: list[Callable[[aio.ComputeSystem, aio.Process[bytes]], Any]] = [
    lambda system, process: process.properties(),
    lambda system, process: process.poll(),
    lambda system, process: process.send_signal("CtrlC"),
    lambda system, process: process.kill(),
    lambda system, process: process.wait(timeout=10),
    lambda system, process: process.events().get(timeout=10),
    lambda system, process: system.run(CAT, input=b"x", capture_output=True),
]
"""What may be awaited on any, here in this order."""


async def attempt(call: Callable[..., Any], *given: Any) -> None:
    result = call(*given)
    if inspect.isawaitable(result):
        await result


@each_loop
@pytest.mark.parametrize("end", ["running", "closed"])
# The Proactor's own, of a loop that was closed before what reads there.
@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
def test_what_belongs_to_one_loop_says_so_on_another(end: str, loop_factory: Any, document: Document) -> None:
    own = loop_factory()
    stop = threading.Event()

    async def begin() -> Any:
        system = await aio.ComputeSystem.create("tests", document)
        await system.start()
        process = await system.popen(CAT, stdin=PIPE, stdout=PIPE)
        events = system.events()
        reading = asyncio.ensure_future(events.get())
        await asyncio.sleep(0.01)
        if end == "closed":
            reading.cancel()
            await asyncio.wait((reading,))
        return system, process, events, reading

    async def elsewhere() -> None:
        names = dict(BOUND)
        if end == "closed":
            # Nobody else could close them any more.
            for closes in ("close", "the end of a block", "events.close"):
                del names[closes]
        for name, call in names.items():
            with pytest.raises(RuntimeError, match="is bound to") as caught:
                await asyncio.wait_for(attempt(call, process, events), 5)
            message = str(caught.value)
            assert message.startswith("<hcsrt.aio."), name
            assert ("closed" if end == "closed" else "run_coroutine_threadsafe()") in message, name
            assert ("events()" if name.startswith("events") else "open_process()") in message, name
        for free in FREE:
            await asyncio.wait_for(free(system, process), 10)
        assert process.returncode is not None
        if end == "closed":
            await process.close()
            await process.close()
            await events.close()
            assert await events.get() is None

    async def finish() -> None:
        assert await asyncio.wait_for(reading, 10)
        await process.close()
        await system.close()

    system, process, events, reading = own.run_until_complete(begin())
    runner = threading.Thread(target=lambda: own.run_until_complete(asyncio.to_thread(stop.wait)))
    if end == "closed":
        own.close()
    else:
        runner.start()
    try:
        with asyncio.Runner(loop_factory=loop_factory) as other:
            other.run(elsewhere())
            other.run(system.stop(grace=0))
            if end == "closed":
                other.run(system.close())
    finally:
        stop.set()
        if end == "running":
            runner.join()
            own.run_until_complete(finish())
            own.run_until_complete(own.shutdown_default_executor())
            own.close()


@win32
def test_a_loop_without_pipes_has_all_but_the_streams(document: Document) -> None:
    async def main() -> None:
        async with running(document) as system:
            assert (await system.run(guest("exit(3)"))).returncode == 3
            async with await system.popen(SLEEP) as process, system.events() as events:
                for name in ("stdin", "stdout", "stderr"):
                    for starting in (
                        system.popen(SLEEP, **{name: PIPE}),
                        system.open_process(process.pid, **{name: PIPE}),
                    ):
                        with pytest.raises(NotImplementedError, match="ProactorEventLoop"):
                            await starting
                assert emulator.live()["processes"] == 1
                await process.kill()
                await process.wait()
                await system.terminate()
                assert await events.get(timeout=10)
            await system.wait(timeout=10)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(main())


@each_loop
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_with_everything_open_leaves_nothing(
    loop_factory: Any, document: Document, settle: Settle
) -> None:
    loop = loop_factory()

    async def begin() -> list[Any]:
        system = await aio.ComputeSystem.create("open", document)
        await system.start()
        process = await system.popen(CAT, stdin=PIPE, stdout=PIPE)
        process.stdin.write(bytes(1 << 20))
        return [system, process, system.events()]

    left = loop.run_until_complete(begin())
    loop.close()
    left.clear()
    assert settle(lambda: not emulator.live()["processes"])
    with hcsrt.ComputeSystem.open("open") as system:
        system.terminate()


@each_loop
@pytest.mark.parametrize("moment", [0, 0.002, 0.01, 0.1])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_loop_that_is_closed_while_everything_is_awaited_leaves_nothing(
    moment: float, loop_factory: Any, document: Document, settle: Settle
) -> None:
    """Some wait for an exit, which comes when nobody drains the loop any more; no task gets to its end."""
    loop = loop_factory()
    # Tells of each task that it was destroyed.
    loop.set_exception_handler(lambda loop, context: None)

    async def begin() -> list[Any]:
        system = await aio.ComputeSystem.create("open", document)
        await system.start()
        process = await system.popen(SLEEP, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        process.stdin.write(bytes(1 << 20))
        waits = [
            system.wait(),
            system.events().get(),
            process.events().get(),
            process.wait(),
            process.stdout.read(),
            process.stdin.drain(),
            process.communicate(),
            system.run(SLEEP, capture_output=True),
            aio.ComputeSystem.open("open"),
            *(system.properties() for _ in range(20)),
        ]
        creating = asyncio.ensure_future(aio.ComputeSystem.create("late", document))
        starting = [asyncio.ensure_future(system.popen(SLEEP, stdin=PIPE, stdout=PIPE)) for _ in range(5)]
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        await asyncio.sleep(moment)
        return [system, process, creating, starting, tasks]

    left = loop.run_until_complete(begin())
    pid, created, started = left[1].pid, left[2].done(), sum(one.done() for one in left[3])
    loop.close()
    with hcsrt.ComputeSystem.open("open") as system:
        with system.open_process(pid) as process:
            process.kill()
            process.wait(timeout=10)
        left.clear()
        del loop

        def is_left() -> tuple[int, list[str]]:
            # A task whose call is collected only now is garbage only then.
            gc.collect()
            return len(system.process_list()), sorted(ids())

        # What somebody had got, and then dropped, goes on; all else has ended.
        assert settle(lambda: is_left() == (started, ["late"] * created + ["open"])), is_left()
        assert settle(lambda: _engine.in_flight() == hcsrt.pending() == 0)
        hcsrt.reap("tests")


@each_loop
@pytest.mark.parametrize("thing", ["system", "process"])
# The collector may come to the object, which warns then, before it comes to the coroutine.
@pytest.mark.filterwarnings("ignore:unclosed <hcsrt.aio:ResourceWarning")
def test_a_block_whose_loop_was_closed_ends_without_a_word(
    thing: str, loop_factory: Any, document: Document, capfd: pytest.CaptureFixture[str]
) -> None:
    loop = loop_factory()
    loop.set_exception_handler(lambda loop, context: None)  # it tells of the task that was destroyed
    inside = asyncio.Event()

    async def work() -> None:
        async with await aio.ComputeSystem.create("tests", document) as system:
            await system.start()
            if thing == "process":
                async with await system.popen(SLEEP):
                    inside.set()
                    await asyncio.sleep(60)
            inside.set()
            await asyncio.sleep(60)

    task = loop.create_task(work())
    loop.run_until_complete(inside.wait())
    loop.close()
    del task, loop
    gc.collect()
    assert hcsrt.reap("tests") == {"tests": "terminate"}
    assert capfd.readouterr().err == ""


@each_loop
def test_loops_come_and_go_while_others_work(loop_factory: Any, system: Any, settle: Settle) -> None:
    """Each is closed with calls in flight of a system that all of them use."""
    failures: list[BaseException] = []

    async def work(own: aio.ComputeSystem) -> list[Any]:
        for _ in range(10):
            assert (await own.run(CAT, input=b"x", capture_output=True)).stdout == b"x"
        return []

    async def leave(own: aio.ComputeSystem) -> list[Any]:
        asked = [_engine.call(own.handle, "HcsGetComputeSystemProperties") for _ in range(20)]
        own.events().get().close()
        return [*asked, _engine.wait_exit(own.handle)]

    def thread(main: Callable[[aio.ComputeSystem], Any], times: int) -> None:
        async def opened() -> list[Any]:
            async with await aio.ComputeSystem.open(system.id) as own:
                return await main(own)

        try:
            for _ in range(times):
                loop = loop_factory()
                left = loop.run_until_complete(opened())
                loop.close()
                # What has ended by the close of the handle has an error, which nobody else asks for.
                errors = [future.exception() for future in left if future.done()]
                assert all(isinstance(error, (hcsrt.HcsError, hcsrt.HandleClosedError)) for error in errors if error)
        except BaseException as error:
            failures.append(error)

    works = [(work, 1)] * 3 + [(leave, 30)] * 3
    threads = [threading.Thread(target=thread, args=each) for each in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    gc.collect()
    assert settle(lambda: _engine.in_flight() == hcsrt.pending() == 0)


@each_loop
def test_an_await_in_finally_completes_while_the_program_ends(loop_factory: Any, document: Document) -> None:
    ended: list[str] = []

    async def background(started: asyncio.Event) -> None:
        async with await aio.ComputeSystem.create("background", document) as system:
            await system.start()
            process = await system.popen(CAT, stdin=PIPE, stdout=PIPE)
            try:
                started.set()
                await system.wait()
            finally:
                stdout, _ = await process.communicate(b"last words")
                ended.append(stdout.decode())
                await process.close()
                ended.append(await system.stop())

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.ensure_future(background(started))
        await started.wait()
        assert not task.done()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    assert ended == ["last words", "shutdown"]


async def last_words(system: aio.ComputeSystem, file: Any, end: str) -> None:
    """Have a process write to a file what is more than a pipe takes."""
    file.touch()
    save = guest("open(argv[0], 'wb').write(sys.stdin.buffer.read())", str(file))
    process = await system.popen(save, stdin=PIPE)
    if end == "close":
        process.stdin.write(bytes(300_000))
        await process.close()
    else:
        async with process:
            process.stdin.write(bytes(300_000))
        assert process.returncode == 0


ENDS = pytest.mark.parametrize("end", ["close", "end of the block"])


@ENDS
@asynchronous
async def test_what_a_cancelled_task_still_writes_is_written(
    end: str, document: Document, tmp_path: Any, settle: Settle
) -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await last_words(system, tmp_path / "copy", end)

    async with running(document) as system:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(settle, lambda: (tmp_path / "copy").read_bytes() == bytes(300_000))


@ENDS
def test_what_a_program_still_writes_after_ctrl_c_is_written(
    end: str, system: hcsrt.ComputeSystem, tmp_path: Any, settle: Settle
) -> None:
    async def clean_up() -> None:
        async with await aio.ComputeSystem.open(system.id) as again:
            await last_words(again, tmp_path / "copy", end)

    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        asyncio.run(clean_up())
    assert settle(lambda: (tmp_path / "copy").read_bytes() == bytes(300_000))


@each_loop
def test_a_generator_that_is_left_alone_ends_with_the_program(loop_factory: Any, document: Document) -> None:
    """Its `finally` runs once every task has ended, while the runner closes what generators there are."""
    ended: list[Any] = []

    async def lines() -> Any:
        # Without running(), which is such a generator itself: the runner would close it at the same time.
        async with await aio.ComputeSystem.create("tests", document) as system:
            await system.start()
            async with await system.popen(guest("out(1); sleep(60)"), stdout=PIPE) as process:
                events = process.events()
                try:
                    async for line in process.stdout:
                        yield line
                finally:
                    await process.kill()
                    ended.append((await events.get(timeout=10)).type)
                    ended.append(await process.stdout.read())
                    ended.append(await system.stop(grace=0))

    async def main() -> Any:
        generator = lines()
        assert await anext(generator) == b"1\n"
        return generator

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        kept = runner.run(main())
    assert ended == ["ProcessExited", b"", "terminate"]
    del kept


async def unread(system: aio.ComputeSystem) -> aio.Process[bytes]:
    """A process that does not read, with more for its stdin than a pipe takes."""
    process = await system.popen(SLEEP, stdin=PIPE)
    process.stdin.write(bytes(1 << 20))
    return process


async def drained(system: aio.ComputeSystem) -> None:
    async with await unread(system) as process:
        await process.stdin.drain()


async def closed_stdin(system: aio.ComputeSystem) -> None:
    async with await unread(system) as process:
        process.stdin.close()
        await process.stdin.wait_closed()


async def closed_process(system: aio.ComputeSystem) -> None:
    await (await unread(system)).close()


async def end_of_a_block(system: aio.ComputeSystem) -> None:
    async with await unread(system):
        pass


async def closed_system(system: aio.ComputeSystem) -> None:
    await (await aio.ComputeSystem.open(system.id)).close()


async def closed_handles(system: aio.ComputeSystem) -> None:
    await aio.close_all([await system.duplicate_handle()])


WAITS: dict[str, Callable[[aio.ComputeSystem, aio.Process[bytes]], Any]] = {
    "system.wait": lambda system, process: system.wait(),
    "system.wait with a timeout": lambda system, process: system.wait(timeout=60),
    "system.start": lambda system, process: system.start(),
    "events": lambda system, process: system.events().get(),
    "process.wait": lambda system, process: process.wait(),
    "process.communicate": lambda system, process: process.communicate(),
    "process.stdout.read": lambda system, process: process.stdout.read(),  # type: ignore[union-attr]
    "run": lambda system, process: system.run(SLEEP, capture_output=True),
    "process.stdin.drain": lambda system, process: drained(system),
    "process.stdin.wait_closed": lambda system, process: closed_stdin(system),
    "process.close": lambda system, process: closed_process(system),
    "process.close, slow": lambda system, process: closed_process(system),
    "the end of a block": lambda system, process: end_of_a_block(system),
    "popen": lambda system, process: system.popen(SLEEP),
    "create": lambda system, process: aio.ComputeSystem.create("other", emulator.container_document()),
    "open": lambda system, process: aio.ComputeSystem.open(system.id),
    "system.close": lambda system, process: closed_system(system),
    "system.stop": lambda system, process: system.stop(grace=60),
    "service.properties": lambda system, process: aio.service.properties("Basic"),
    "systems": lambda system, process: aio.systems(),
    "stop_all": lambda system, process: aio.stop_all([system], grace=60),
    "statistics_of": lambda system, process: aio.statistics_of([system]),
    "close_all": lambda system, process: closed_handles(system),
    "reap": lambda system, process: aio.reap("tests"),
}
HANGS = {
    "system.start": ["HcsStartComputeSystem"],
    "popen": ["HcsCreateProcess"],
    "create": ["HcsCreateComputeSystem"],
    "system.stop": ["HcsShutDownComputeSystem"],
    "systems": ["HcsEnumerateComputeSystems"],
    "stop_all": ["HcsShutDownComputeSystem"],
    "statistics_of": ["HcsGetComputeSystemProperties"],
    "reap": ["HcsTerminateComputeSystem"],
}
"""What HCS never answers in such a wait."""
BLOCKS = {
    "process.close, slow": ["HcsModifyProcess", "HcsCloseProcess"],
    "open": ["HcsOpenComputeSystem"],
    "system.close": ["HcsCloseComputeSystem"],
    "service.properties": ["HcsGetServiceProperties"],
    "close_all": ["HcsCloseComputeSystem"],
}
"""What keeps the thread that calls it for longer than until the Ctrl-C."""


@pytest.mark.parametrize("loop_factory", MIRRORED)
@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_every_wait(
    wait: str, loop_factory: Any, document: Document, interrupted: Interrupted, settle: Settle, plain_order: None
) -> None:
    async def begin() -> tuple[aio.ComputeSystem, aio.Process[bytes]]:
        system = await aio.ComputeSystem.create("tests", document)
        await system.start()
        return system, await system.popen(SLEEP, stdout=PIPE)

    async def wait_for_it() -> None:
        try:
            with hanging(*HANGS.get(wait, ())):
                await WAITS[wait](system, process)
        finally:
            assert await system.properties()
            ends.append(wait)

    async def end() -> None:
        await process.kill()
        await process.close()
        await system.stop(grace=0)
        await system.close()

    ends: list[str] = []
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        system, process = runner.run(begin())
        with latency(0.6, *BLOCKS.get(wait, ())):
            for block in interrupted(0.15):
                with block:
                    # Which puts a handler of its own in for that of Python.
                    runner.run(wait_for_it())
                assert ends.pop() == wait
        runner.run(end())
    assert settle(lambda: hcsrt.pending() == 0 and _engine.in_flight() == 0)


@pytest.mark.slow
@each_loop
def test_ctrl_c_does_not_wait_for_a_kill_that_takes_long(
    loop_factory: Any, document: Document, interrupted: Interrupted, settle: Settle, tmp_path: Any
) -> None:
    told = tmp_path / "pid"
    numbers = count()

    async def main() -> None:
        async with running(document, f"tests-{next(numbers)}") as system:
            await system.run(guest("open(argv[0], 'w').write(str(os.getpid())); sleep(60)", str(told)))

    with latency(1.0, "HcsTerminateProcess", "HcsCloseProcess", "HcsCloseComputeSystem"):
        for seconds in limits(0.5, lambda: told.exists() and told.read_text()):
            for block in interrupted(seconds):
                with block, asyncio.Runner(loop_factory=loop_factory) as runner:
                    runner.run(main())
                pending = hcsrt.pending()
                assert settle(lambda: hcsrt.pending() == 0)
        assert pending
        assert not exists(int(told.read_text()))
    hcsrt.reap("tests")


@pytest.mark.parametrize(("insist", "times"), [(False, 1), (True, 2)])
@asynchronous
async def test_a_call_that_insists_is_made_though_nobody_wants_it(
    insist: bool, times: int, document: Document, settle: Settle
) -> None:
    async with running(document) as system, await system.popen(SLEEP) as process:
        with counting() as calls, latency(0.3, "HcsTerminateProcess"):
            first = _engine.call(process.handle, "HcsTerminateProcess")
            # It waits for the first, and is cancelled before that has returned.
            _engine.call(process.handle, "HcsTerminateProcess", insist=insist).cancel()
            await first
            assert await asyncio.to_thread(settle, lambda: hcsrt.pending() == 0)
            assert calls["HcsTerminateProcess"] == times


@win32
@asynchronous
async def test_a_write_that_fails_at_once_is_told_by_drain(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(end: object, data: bytes) -> None:
        raise BrokenPipeError("nobody reads")

    async with running(document) as system, await system.popen(CAT, stdin=PIPE) as process:
        monkeypatch.setattr(asyncio.get_running_loop()._proactor, "send", send, raising=False)
        process.stdin.write(b"x")
        with pytest.raises(ConnectionError):
            await process.stdin.drain()
        monkeypatch.undo()


@win32
@asynchronous
async def test_a_read_that_fails_is_told_to_the_reader(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(number: int) -> Callable[..., Any]:
        def receive(end: object, buffer: bytearray) -> None:
            raise OSError(None, "the pipe is gone", None, number)

        return receive

    async with running(document) as system:
        for number, expected in ((233, nullcontext()), (5, pytest.raises(PermissionError))):
            monkeypatch.setattr(asyncio.get_running_loop()._proactor, "recv_into", failing(number), raising=False)
            async with await system.popen(SLEEP, stdout=PIPE) as process:
                with expected:
                    assert await asyncio.wait_for(process.stdout.read(), 10) == b""
                await process.kill()
        monkeypatch.undo()


@asynchronous
async def test_nothing_that_owns_a_handle_can_be_copied(document: Document) -> None:
    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        events = system.events()
        for owner in (system, process, process.stdin, process.stdout, events):
            for copier in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match=f"{type(owner).__name__} cannot be copied or pickled"):
                    copier(owner)
        assert await process.communicate(b"x") == (b"x", None)


@asynchronous
async def test_what_is_dropped_unclosed_warns_and_is_closed(document: Document) -> None:
    async with running(document) as system:
        process = await system.popen(CAT, stdin=PIPE, stdout=PIPE)
        with pytest.warns(ResourceWarning, match=r"unclosed <hcsrt.aio.Process \d+ running>"):
            del process
        again = await aio.ComputeSystem.open(system.id)
        with pytest.warns(ResourceWarning, match="unclosed <hcsrt.aio.ComputeSystem 'tests'>"):
            del again
        while emulator.live()["stdio"]:
            await asyncio.sleep(0.01)


@asynchronous
@pytest.mark.filterwarnings("ignore:unclosed <hcsrt.aio.Process:ResourceWarning")
async def test_a_stream_outlives_its_process(document: Document, tmp_path: Any, settle: Settle) -> None:
    async def stdout(system: aio.ComputeSystem) -> Any:
        return (await system.popen(guest("out('a'); sleep(0.2); out('b')"), stdout=PIPE, text=True)).stdout

    saved = tmp_path / "copy"
    saved.touch()
    async with running(document) as system:
        assert [line async for line in await stdout(system)] == ["a\n", "b\n"]
        assert await (await stdout(system)).read() == "a\nb\n"
        save = guest("open(argv[0], 'wb').write(sys.stdin.buffer.read())", str(saved))
        stdin = (await system.popen(save, stdin=PIPE)).stdin
        stdin.write(b"1\n")
        await stdin.drain()
        stdin.write(bytes(300_000))
        stdin.close()
        await stdin.wait_closed()
        assert await asyncio.to_thread(settle, lambda: saved.read_bytes() == b"1\n" + bytes(300_000))


@asynchronous
@pytest.mark.filterwarnings("ignore:unclosed <hcsrt.aio.Process:ResourceWarning")
async def test_a_stream_that_is_dropped_is_closed(document: Document) -> None:
    async with running(document) as system:
        process = await system.popen(SLEEP, stdin=PIPE, stdout=PIPE)
        streams = [process.stdin, process.stdout]
        del process
        await asyncio.sleep(0.05)
        assert emulator.live()["stdio"] == 2
        await asyncio.to_thread(streams.clear)
        while emulator.live()["stdio"]:
            await asyncio.sleep(0.01)


@pytest.mark.alone
@asynchronous
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_what_is_dropped_unclosed_is_not_closed_by_who_drops_it(document: Document) -> None:
    async with running(document) as system:
        process = await system.popen(SLEEP)
        again = await aio.ComputeSystem.open(system.id)
        with latency(0.5, "HcsCloseComputeSystem", "HcsCloseProcess"):
            before = time.monotonic()
            del again, process
            assert time.monotonic() - before < 0.4
            assert hcsrt.pending() == 2


class Hasty(asyncio.SelectorEventLoop):
    """A loop whose timers are early, as those of uvloop are by a millisecond."""

    early = 0.05

    def call_at(self, when: float, callback: Any, *args: Any, **options: Any) -> asyncio.TimerHandle:
        return super().call_at(when - self.early, callback, *args, **options)


def test_a_wait_that_ends_early_is_no_busy_loop(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float | None] = []
    wait_exit = _watch.wait_exit

    def look(handle: Any, timeout: float | None) -> bool:
        looks.append(timeout)
        return wait_exit(handle, timeout)

    async def main() -> None:
        async with running(document) as system, await system.popen(SLEEP) as process:
            monkeypatch.setattr(_watch, "wait_exit", look)
            with pytest.raises(subprocess.TimeoutExpired):
                await process.wait(timeout=0.3)
            monkeypatch.undo()
            await process.kill()

    monkeypatch.setattr(Hasty, "early", 0.0015)
    with asyncio.Runner(loop_factory=Hasty) as runner:
        runner.run(main())
    assert 0 < len(looks) < 6


def test_a_timeout_lasts_where_timers_are_early(document: Document) -> None:
    async def main() -> None:
        async with running(document) as system:
            with silent("HcsGetComputeSystemProperties"):
                before = time.monotonic()
                with pytest.raises(hcsrt.OperationTimeoutError):
                    await system.properties(timeout=0.2)
                # Not the difference: it is rounded.
                assert time.monotonic() >= before + 0.2

    with asyncio.Runner(loop_factory=Hasty) as runner:
        runner.run(main())


@pytest.mark.alone
@asynchronous
async def test_nothing_blocks_the_loop(document: Document, faults: Faults, plain_order: None) -> None:
    """While every call takes its time, a ticker goes on; three times, as other programs need the processors too."""
    for name in ("HcsCreateComputeSystem", "HcsStartComputeSystem", "HcsCreateProcess", "HcsGetProcessProperties"):
        faults.on(name).delay(0.05)
        faults.on(f"completion:{name}").delay(0.05)

    async def tick(lags: list[float]) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            lags.append(time.monotonic() - before)

    worst = []
    for number in range(3):
        lags: list[float] = []
        ticking = asyncio.ensure_future(tick(lags))
        async with running(document, f"tests-{number}") as system:
            await asyncio.gather(*(system.run(TRUE, capture_output=True) for _ in range(5)))
        ticking.cancel()
        worst.append(sorted(lags)[len(lags) * 99 // 100])
    assert min(worst) < 0.05


@asynchronous
async def test_an_error_of_hcs_arrives_with_its_document(document: Document, faults: Faults) -> None:
    async with running(document) as system:
        # Of a call that has failed at once, and of one that fails later.
        for site in ("HcsGetComputeSystemProperties", "completion:HcsGetComputeSystemProperties"):
            refused = faults.on(site).fail("E_FAIL", {"ErrorMessage": "by the test"})
            with refused, pytest.raises(hcsrt.HcsError, match="by the test") as caught:
                await system.properties()
            assert caught.value.operation == "HcsGetComputeSystemProperties"
            assert caught.value.document == {"ErrorMessage": "by the test"}
