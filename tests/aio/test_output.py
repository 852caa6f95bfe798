"""Output that is read live through hcsrt.aio: what the blocking face promises, and what only asyncio knows."""

import asyncio
import subprocess
from contextlib import suppress

import pytest

import hcsrt
from hcsrt import PIPE, aio
from hcsrt._facade.times import Deadline
from hcsrt.aio import _process

from ..facade import test_output
from ..helpers import portal as portal_module
from ..helpers.limits import limits
from ..helpers.loops import MIRRORED
from ..helpers.programs import SLEEP, guest

ABOUT_FILES = "about streams that are files"
EXCEPT = {
    "test_close_ends_the_reads_of_other_threads": ABOUT_FILES,
    "test_ctrl_c_in_a_wait_loses_no_output": "about an interrupt of a thread that blocks",
    "test_a_process_that_is_dropped_leaves_no_thread_behind": "about threads",
    "test_a_stream_that_is_not_read_closes_as_ever": ABOUT_FILES,
}
globals().update({n: t for n, t in vars(test_output).items() if n.startswith("test_") and n not in EXCEPT})


@pytest.fixture(params=MIRRORED)
def portal(request):
    with portal_module.portal(request.param) as portal:
        yield portal


@pytest.fixture
def system(portal, document):
    with portal_module.compute_system(portal).create("tests", document) as system:
        system.start()
        yield system
        if not system.closed:
            system.stop(grace=0)


async def started():
    system = await aio.ComputeSystem.create("awaited", hcsrt.emulator.container_document())
    await system.start()
    return system


def test_on_output_may_be_a_coroutine_function():
    pieces = []

    async def show(name, data):
        await asyncio.sleep(0.01)
        pieces.append((name, data, asyncio.current_task()))

    async def main():
        async with (
            await started() as system,
            await system.popen(
                guest("write(b'hi'); write(b'ho', 2)"), stdout=PIPE, stderr=PIPE, on_output=show
            ) as process,
        ):
            assert await process.communicate(timeout=30) == (b"hi", b"ho")
            assert {task for _, _, task in pieces} == {asyncio.current_task()}

    asyncio.run(main())
    assert sorted(piece[:2] for piece in pieces) == [("stderr", b"ho"), ("stdout", b"hi")]


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_a_timeout_cancels_an_on_output_that_waits(encoding):
    ends = []

    async def hang(name, data):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ends.append((name, data))
            raise

    async def main():
        async with (
            await started() as system,
            await system.popen(
                guest("write(b'hi'); sleep(60)"), stdout=PIPE, on_output=hang, encoding=encoding
            ) as process,
        ):
            for timeout in limits(0.5, lambda: ends):
                with pytest.raises(subprocess.TimeoutExpired) as caught:
                    await process.communicate(timeout=timeout)
            assert caught.value.stdout == b"hi"
            await process.kill()

    asyncio.run(main())
    assert ends == [("stdout", "hi" if encoding else b"hi")]


def test_a_timer_that_is_early_ends_no_on_output_before_its_time():
    class Hasty(asyncio.SelectorEventLoop):
        """A loop whose timers are early by as much as those of uvloop."""

        def call_at(self, when, callback, *args, context=None):
            return super().call_at(when - 0.001, callback, *args, context=context)

    async def main():
        deadline = Deadline(0.05)
        assert not await _process._wait_within(asyncio.sleep(60), deadline)
        assert deadline.passed()

    with asyncio.Runner(loop_factory=Hasty) as runner:
        for _ in range(5):
            runner.run(main())


def test_a_timeout_that_on_output_raises_is_its_own():
    async def raise_own(name, data):
        raise TimeoutError("mine")

    async def main():
        async with (
            await started() as system,
            await system.popen(guest("write(b'hi'); sleep(60)"), stdout=PIPE, on_output=raise_own) as process,
        ):
            with pytest.raises(TimeoutError, match="mine"):
                await process.communicate(timeout=30)
            await process.kill()

    asyncio.run(main())


def test_a_cancelled_wait_loses_no_output():
    pieces = []

    async def main():
        async with (
            await started() as system,
            await system.popen(
                guest("for n in range(50): write(b'%d,' % n); sleep(.01)"),
                stdout=PIPE,
                on_output=lambda name, data: pieces.append(data),
            ) as process,
        ):
            while process.returncode is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 0.05)
            return await process.communicate(timeout=30)

    expected = b"".join(b"%d," % n for n in range(50))
    assert asyncio.run(main()) == (expected, None)
    assert b"".join(pieces) == expected


def test_an_on_output_that_waits_for_itself_is_told():
    async def main():
        async def show(name, data):
            await process.wait()

        async with await started() as system:
            process = await system.popen(guest("write(b'hi'); sleep(60)"), stdout=PIPE, on_output=show)
            async with process:
                with pytest.raises(RuntimeError, match="on_output waits for"):
                    await process.communicate(timeout=30)
                await process.kill()

    asyncio.run(main())


def test_it_belongs_to_its_loop():
    async def wait(process):
        await process.wait()

    async def main():
        async with await started() as system:
            process = await system.popen(SLEEP, stdout=PIPE, max_output=1)
            async with process:
                with pytest.raises(RuntimeError, match="different event loop"):
                    await asyncio.to_thread(lambda: asyncio.run(wait(process)))
                await process.kill()

    asyncio.run(main())
