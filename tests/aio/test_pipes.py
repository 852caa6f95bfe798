"""The pipes and handles of hcsrt.aio where something fails, is interrupted, or has lost its loop."""

import asyncio
from typing import Any

import pytest

from hcsrt import PIPE, _engine
from hcsrt._facade.times import Deadline
from hcsrt._hresults import E_FAIL
from hcsrt._interpose import failing
from hcsrt.aio import _calls as aio_calls
from hcsrt.aio import _pipes, _process, streams

from ..helpers.loops import asynchronous
from ..helpers.platforms import WINDOWS
from ..helpers.programs import CAT, SLEEP
from ..helpers.steps import interrupted_at
from .test_aio import Document, running

watched = pytest.mark.skipif(WINDOWS, reason="a Proactor watches no descriptors")

DATA = b"0123456789" * 50_000


class Reluctant:
    """The loop of a transport, which refuses once to watch its descriptor."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._refusals = [OSError("no space left on device")]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def add_reader(self, *arguments: Any) -> None:
        if self._refusals:
            raise self._refusals.pop()
        self._loop.add_reader(*arguments)

    def add_writer(self, *arguments: Any) -> None:
        if self._refusals:
            raise self._refusals.pop()
        self._loop.add_writer(*arguments)


@watched
@asynchronous
@pytest.mark.slow
async def test_communicate_that_was_interrupted_at_any_step_goes_on_or_says_so(document: Document) -> None:
    start = _process.AwaitedProcess._start_communication
    outcomes = set()
    async with running(document) as system:
        step, was_interrupted = 0, True
        while was_interrupted:
            step += 1
            async with await system.popen(["cat"], stdin=PIPE, stdout=PIPE) as process:
                was_interrupted = False
                with interrupted_at(step, start, _process, streams) as came:
                    try:
                        await process.communicate(b"data")
                    except KeyboardInterrupt:
                        was_interrupted = True
                assert was_interrupted == came()
                try:
                    assert await process.communicate(b"data", timeout=10) == (b"data", None)
                    outcomes.add("all")
                except ValueError as error:
                    outcomes.add(str(error))
                    if "has sent its input already" in str(error):
                        assert await process.communicate(timeout=10) == (b"data", None)
    assert step > 50
    assert outcomes == {
        "all",
        "an earlier communicate() has sent its input already",
        "an earlier communicate() was interrupted: it is not known whether its input was sent",
    }


@watched
@asynchronous
async def test_a_writer_that_the_loop_would_not_watch_goes_on_with_the_next_write(document: Document) -> None:
    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        process.stdin.transport._loop = Reluctant(asyncio.get_running_loop())
        with pytest.raises(OSError, match="no space left"):
            process.stdin.write(DATA)
        assert await process.communicate(b"end", timeout=20) == (DATA + b"end", None)


@watched
@asynchronous
async def test_a_reader_that_the_loop_would_not_watch_goes_on_when_it_is_asked_again(document: Document) -> None:
    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        transport = process.stdout._transport
        transport.pause_reading()
        transport._loop = Reluctant(asyncio.get_running_loop())
        with pytest.raises(OSError, match="no space left"):
            transport.resume_reading()
        assert not transport.is_reading()
        assert await process.communicate(DATA, timeout=20) == (DATA, None)


@asynchronous
async def test_a_pipe_is_closed_although_hcs_cannot_be_told(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = _engine.call

    def fail(handle: Any, function: str, *arguments: Any, **options: Any) -> Any:
        if function == "HcsModifyProcess":
            raise MemoryError("no memory for a call")
        return call(handle, function, *arguments, **options)

    async with running(document) as system, await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        monkeypatch.setattr(_pipes._engine, "call", fail)
        with pytest.raises(MemoryError):
            process.stdin.close()
        monkeypatch.undo()
        async with asyncio.timeout(20):
            await process.stdin.wait_closed()
            assert await process.wait() == 0


@asynchronous
async def test_a_pipe_is_closed_although_the_question_about_its_process_is_cancelled(document: Document) -> None:
    async with running(document) as system, await system.popen(SLEEP, stdin=PIPE) as process:
        with failing("HcsModifyProcess", E_FAIL):
            process.stdin.close()
            end = process.stdin._end
            while end._checking is None:
                await asyncio.sleep(0)
            end._checking.cancel()
            async with asyncio.timeout(20):
                await process.stdin.wait_closed()
        await process.kill()


def test_a_handle_is_closed_without_an_error_after_the_loop(document: Document) -> None:
    async def duplicate() -> Any:
        async with running(document) as system, await system.popen(SLEEP) as process:
            handle = await process.duplicate_handle()
            await process.kill()
            return handle

    handle = asyncio.run(duplicate())
    # As in the `finally` of a coroutine that nobody awaits any more.
    with pytest.raises(StopIteration):
        aio_calls.CALLS.close(handle, Deadline(1)).send(None)
    assert handle.closed
