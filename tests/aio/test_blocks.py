"""Blocks of what is made or opened, with and without `await` before it."""

import asyncio
import gc
import inspect
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, aio

from ..helpers.loops import asynchronous, is_awaited
from ..helpers.programs import CAT, SLEEP

Document = dict[str, Any]


@asynchronous
async def test_a_block_needs_no_await_before_it(document: Document) -> None:
    async with aio.ComputeSystem.create("tests", document) as system:
        assert type(system) is aio.ComputeSystem
        await system.start()
        async with system.popen(CAT, stdin=PIPE, stdout=PIPE, text=True) as process:
            process.stdin.write("hello\n")
            assert (await process.stdout.readline()).strip() == "hello"
        assert process.closed
        assert process.returncode == 0
        process = await system.popen(SLEEP)
        async with system.open_process(process.pid) as again:
            await again.kill()
        await process.close()
        async with aio.ComputeSystem.open("tests") as opened:
            assert opened.id == "tests"
        assert opened.closed
        await system.stop(grace=0)
    assert system.closed


@asynchronous
async def test_an_error_of_a_block_that_is_not_awaited_first_is_that_of_its_making(document: Document) -> None:
    with pytest.raises(hcsrt.SystemNotFoundError):
        async with aio.ComputeSystem.open("missing"):
            raise AssertionError("it was entered")
    with pytest.raises(TypeError, match=r"^document has to be"):
        async with aio.ComputeSystem.create("tests", 12):  # type: ignore[arg-type]
            raise AssertionError("it was entered")
    with pytest.raises(LookupError):
        async with aio.ComputeSystem.create("tests", document) as system:
            raise LookupError
    assert system.closed
    hcsrt.reap("tests")


@asynchronous
async def test_what_needs_no_await_is_still_a_coroutine(document: Document) -> None:
    creating = asyncio.create_task(aio.ComputeSystem.create("tests", document))
    await asyncio.sleep(0)
    assert "ComputeSystem.create" in repr(creating)
    system = await creating
    first, second = await asyncio.gather(aio.ComputeSystem.open("tests"), aio.ComputeSystem.open("tests"))
    await aio.close_all([system, first, second])
    cancelled = asyncio.ensure_future(aio.ComputeSystem.open("tests"))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    thrown = aio.ComputeSystem.open("tests")
    with pytest.raises(LookupError):
        thrown.throw(LookupError())
    closed = aio.ComputeSystem.open("tests")
    closed.close()
    with pytest.raises(RuntimeError, match="cannot reuse"):
        await closed
    hcsrt.reap("tests")


def drop(thing: object) -> None:
    del thing
    gc.collect()


@asynchronous
async def test_what_is_never_awaited_is_told_by_its_name(document: Document) -> None:
    with pytest.warns(RuntimeWarning, match=r"coroutine 'ComputeSystem\.create' was never awaited"):
        drop(aio.ComputeSystem.create("tests", document))


@pytest.mark.parametrize("name", ["create", "open", "popen", "open_process"])
def test_it_is_called_as_a_coroutine_function_is(name: str) -> None:
    function = getattr(aio.ComputeSystem, name)
    assert is_awaited(function)
    assert function.__doc__
    assert function.__qualname__ == f"ComputeSystem.{name}"
    assert "timeout" in inspect.signature(function).parameters
