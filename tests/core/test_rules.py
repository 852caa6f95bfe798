"""The rules for calls of HCS as blocks: each is in use once at a time."""

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import hcsrt
from hcsrt import aio, operations
from hcsrt._hresults import E_FAIL, HCS_E_OPERATION_NOT_STARTED
from hcsrt._interpose import failing, late, missing, silent

from ..helpers.loops import asynchronous


def test_a_rule_is_one_block_at_a_time() -> None:
    rule = failing("HcsGetServiceProperties", E_FAIL)
    with pytest.raises(RuntimeError, match="is not in use"):
        rule.__exit__()
    with rule:
        with pytest.raises(RuntimeError, match="is in use already"):
            rule.__enter__()
        with pytest.raises(hcsrt.HcsError, match="E_FAIL"):
            hcsrt.service.properties()
    hcsrt.service.properties()
    with rule, pytest.raises(hcsrt.HcsError, match="E_FAIL"):
        hcsrt.service.properties()


def test_a_function_is_missing_until_the_last_block_ends() -> None:
    with missing("HcsGetServiceProperties"):
        with missing("HcsGetServiceProperties"):
            pass
        with pytest.raises(hcsrt.NotSupportedError):
            hcsrt.service.properties()
    hcsrt.service.properties()


@pytest.mark.parametrize("function", ["free_string", "HcsCreateOperation", "HcsGetOperationResult"])
def test_what_every_call_needs_cannot_be_missing(system: hcsrt.ComputeSystem, function: str) -> None:
    with pytest.raises(ValueError, match=f"{function} cannot be missing"), missing(function):
        pass
    assert system.properties()["State"] == "Running"


@pytest.mark.parametrize("outer", [late, silent])
def test_a_call_that_fails_within_a_block_is_not_withheld(system: hcsrt.ComputeSystem, outer: Any) -> None:
    function = "HcsGetComputeSystemProperties"
    with operations.create_operation() as operation, outer(function):
        with failing(function, E_FAIL), pytest.raises(hcsrt.HcsError, match="E_FAIL"):
            operations.kick_off(operation, function, system.handle)
        # Of the first call nothing is left that could come, or keep the operation from another one.
        with pytest.raises(hcsrt.HcsError) as caught:
            operations.operation_result(operation)
        assert caught.value.hresult & 0xFFFFFFFF == HCS_E_OPERATION_NOT_STARTED


def test_the_end_of_a_block_gives_out_nothing_of_the_next(system: hcsrt.ComputeSystem) -> None:
    over = threading.Event()

    def others() -> None:
        while not over.is_set():
            with late("HcsSaveComputeSystem"):
                pass

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(others)
        try:
            for _ in range(60):
                with operations.create_operation() as operation:
                    with late("HcsGetComputeSystemProperties"):
                        operations.kick_off(operation, "HcsGetComputeSystemProperties", system.handle)
                        with pytest.raises(hcsrt.OperationTimeoutError):
                            operations.wait_operation(operation, 0.02)
                    operations.wait_operation(operation, 10)
        finally:
            over.set()
        running.result(10)


@pytest.mark.parametrize(
    ("rule", "function"),
    [
        (functools.partial(failing, hresult=E_FAIL), "HcsCloseProcess"),
        (late, "HcsGetServiceProperties"),
        (silent, "HcsOpenProcess"),
        (silent, "HcsCreateProcess"),
        (silent, "HcsCreateComputeSystem"),
    ],
)
def test_a_rule_that_a_function_cannot_have_is_refused(rule: Any, function: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be one for {function}"), rule(function):
        pass


def test_a_call_that_hcs_never_completes(system: hcsrt.ComputeSystem, settle: Callable[..., bool]) -> None:
    with silent("HcsGetComputeSystemProperties") as rule:
        with pytest.raises(hcsrt.OperationTimeoutError):
            system.properties(timeout=0.05)
        assert (rule.met, hcsrt.pending()) == (1, 1)
    with ThreadPoolExecutor(1) as pool:
        with silent("HcsGetComputeSystemProperties") as rule:
            asking = pool.submit(system.properties)
            assert settle(lambda: rule.met == 1)
        with pytest.raises(hcsrt.HcsError) as caught:
            asking.result(10)
    assert caught.value.hresult & 0xFFFFFFFF == HCS_E_OPERATION_NOT_STARTED
    assert system.properties()["State"] == "Running"


@asynchronous
async def test_a_future_of_a_call_that_hcs_never_completes(document: dict[str, Any]) -> None:
    async with await aio.ComputeSystem.create("silent", document) as system:
        with silent("HcsStartComputeSystem") as rule:
            starting = asyncio.ensure_future(system.start())
            while not rule.met:
                await asyncio.sleep(0.01)
            assert (await system.properties())["State"] == "Created"
        with pytest.raises(hcsrt.HcsError) as caught:
            await starting
        assert caught.value.hresult & 0xFFFFFFFF == HCS_E_OPERATION_NOT_STARTED
        await system.start()
        await system.terminate()


@asynchronous
async def test_a_call_that_completes_late(document: dict[str, Any]) -> None:
    with late("HcsCreateComputeSystem"):
        creating = asyncio.ensure_future(aio.ComputeSystem.create("late", document))
        while "late" not in [found["Id"] for found in await aio.systems()]:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert not creating.done()
    async with await creating as system:
        await system.terminate()


def test_an_operation_keeps_its_own_callback_and_context(system: hcsrt.ComputeSystem) -> None:
    with late("HcsGetComputeSystemProperties"), operations.create_operation() as operation:
        operations.set_operation_context(operation, 5)
        operations.kick_off(operation, "HcsGetComputeSystemProperties", system.handle)
        assert operations.operation_context(operation) == 5
        with pytest.raises(TimeoutError):
            operations.wait_operation(operation, 0.05)
