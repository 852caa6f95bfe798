"""Through the facade: what comes of calls whose outcome has a code that HCS also uses for something else."""

import asyncio
from typing import Any

import pytest

import hcsrt
from hcsrt import aio, operations
from hcsrt.faults import Faults

from ..helpers.programs import CAT, SLEEP

TIMEOUT = "HCS_E_OPERATION_TIMEOUT"


@pytest.fixture
def late() -> Any:
    """Let each start of a system and each kill of a process fail because something in HCS has timed out."""
    with Faults() as faults:
        faults.on("completion:HcsStartComputeSystem").fail(TIMEOUT, document=True)
        faults.on("completion:HcsTerminateProcess").fail(TIMEOUT)
        yield faults


def test_a_call_that_fails_with_a_timeout_has_failed(document: dict[str, Any], late: Faults) -> None:
    # Not one whose time is over: without a limit that would be waited for ever.
    with hcsrt.ComputeSystem.create("tests", document) as system:
        with pytest.raises(hcsrt.OperationTimeoutError) as caught:
            system.start()
        assert caught.value.document is not None
        operation = operations.create_operation()
        with system.popen(SLEEP) as process, operation:
            operations.kick_off(operation, "HcsTerminateProcess", process.handle)
            with pytest.raises(hcsrt.OperationTimeoutError):
                operations.wait_operation(operation)
        system.stop(grace=0)


def test_a_call_that_fails_with_a_timeout_has_failed_with_asyncio(document: dict[str, Any], late: Faults) -> None:
    async def main() -> None:
        async with aio.ComputeSystem.create("tests", document) as system:
            with pytest.raises(hcsrt.OperationTimeoutError):
                await system.start()
            await system.stop(grace=0)

    asyncio.run(main())


def test_a_process_whose_creation_fails_falsely_has_its_pipes(plain_order: None, document: dict[str, Any]) -> None:
    with hcsrt.ComputeSystem.create("tests", document) as system, Faults() as faults:
        system.start()
        faults.on("completion:HcsCreateProcess").fail("E_INVALIDARG")
        # It runs when HCS is asked for it: it waits for its input.
        assert system.run(CAT, input=b"there\n", capture_output=True).stdout == b"there\n"
        system.stop(grace=0)
