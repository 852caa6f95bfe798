"""hcsrt.aio.run(): what the blocking face promises, and what only asyncio knows."""

import asyncio
import time

import pytest

import hcsrt
from hcsrt import aio, emulator

from ..facade import test_once
from ..helpers import portal as portal_module
from ..helpers.loops import MIRRORED
from ..helpers.programs import SLEEP, guest

ABOUT_THREADS = "about an interrupt of a thread that blocks"
EXCEPT = {
    "test_ctrl_c_ends_a_run": ABOUT_THREADS,
    "test_a_coroutine_function_is_for_the_other_face": "about what this face takes",
    "test_what_only_returns_a_coroutine_is_for_the_other_face_too": "about what this face takes",
}
globals().update({n: t for n, t in vars(test_once).items() if n.startswith("test_") and n not in EXCEPT})
nothing_runs = test_once.nothing_runs


@pytest.fixture(params=MIRRORED)
def portal(request):
    with portal_module.portal(request.param) as portal:
        yield portal


@pytest.fixture(autouse=True)
def face(portal, monkeypatch):
    monkeypatch.setattr(test_once, "run", portal_module.function(portal, aio.run))


def awaited(args, **options):
    return aio.run(args, document=emulator.container_document(), isolation="none", **options)


def test_on_output_may_be_a_coroutine_function():
    pieces = []

    async def show(name, data):
        await asyncio.sleep(0.01)
        pieces.append((name, data, asyncio.current_task()))

    async def main():
        result = await awaited(guest("write(b'out')"), on_output=show, timeout=30)
        assert pieces == [("stdout", b"out", asyncio.current_task())]
        return result.stdout

    assert asyncio.run(main()) == b"out"


@pytest.mark.alone
@pytest.mark.parametrize("seconds", [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3])
def test_a_cancelled_run_leaves_nothing(seconds, settle):
    async def main():
        task = asyncio.create_task(awaited(SLEEP))
        await asyncio.sleep(seconds)
        task.cancel()
        before = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - before < 2

    asyncio.run(main())
    assert settle(lambda: not hcsrt.pending())


def test_a_cancelled_on_output_leaves_nothing(settle):
    async def main():
        async def show(name, data):
            task.cancel()
            await asyncio.sleep(60)

        task = asyncio.create_task(awaited(guest("write(b'out'); sleep(60)"), on_output=show))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert settle(lambda: not hcsrt.pending())


# asyncio's own transports of Windows say so in any case when their loop was closed before.
@pytest.mark.filterwarnings("ignore:unclosed transport <_Proactor:ResourceWarning")
def test_a_run_whose_loop_is_closed_leaves_nothing(settle):
    loop = asyncio.new_event_loop()
    run = awaited(SLEEP)
    task = loop.create_task(run)
    loop.run_until_complete(asyncio.sleep(0.5))
    loop.close()
    run.close()
    task._log_destroy_pending = False
    del task
    assert settle(lambda: not hcsrt.pending())


def test_many_run_at_once():
    async def main():
        return await asyncio.gather(*(awaited(guest(f"write(b'{n}')"), timeout=60) for n in range(8)))

    assert [result.stdout for result in asyncio.run(main())] == [b"%d" % n for n in range(8)]
