"""Operations by hand, and waits for an exit without event callback: the calls that the facade has no use for."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

import hcsrt
from hcsrt import _watch, emulator, operations
from hcsrt._handles import OwnedOperation, close_all
from hcsrt._interpose import late

from ..helpers.programs import guest

Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]

PROPERTIES = "HcsGetComputeSystemProperties"

HCS_E_OPERATION_NOT_STARTED = 0x80370115
HCS_E_OPERATION_ALREADY_STARTED = 0x80370116
HCS_E_OPERATION_PENDING = 0x80370117


@pytest.fixture(params=[None, *range(8)])
def any_seed(request: pytest.FixtureRequest) -> int | None:
    emulator.reset(request.param)
    return request.param


@pytest.fixture
def operation() -> Iterator[OwnedOperation]:
    with operations.create_operation() as operation:
        yield operation


def fails(hresult: int, call: Callable[..., object], *arguments: Any) -> None:
    with pytest.raises(hcsrt.HcsError) as caught:
        call(*arguments)
    assert caught.value.hresult & 0xFFFFFFFF == hresult


# --- one operation ----------------------------------------------------------------------------------------------------


def test_an_operation_is_used_for_one_call_after_another(
    any_seed: int | None, document: dict[str, Any], operation: OwnedOperation
) -> None:
    with hcsrt.ComputeSystem.create("tests", document) as system:
        fails(HCS_E_OPERATION_NOT_STARTED, operations.operation_result, operation)
        fails(HCS_E_OPERATION_NOT_STARTED, operations.wait_operation, operation)
        operations.kick_off(operation, "HcsStartComputeSystem", system.handle)
        assert operations.wait_operation(operation, 10) is None
        operations.kick_off(operation, PROPERTIES, system.handle, '{"PropertyTypes": []}')
        assert json.loads(operations.wait_operation(operation, 10) or "")["State"] == "Running"
        assert json.loads(operations.operation_result(operation) or "")["State"] == "Running"
        operations.kick_off(operation, "HcsTerminateComputeSystem", system.handle)
        operations.wait_operation(operation, 10)


def test_a_call_goes_on_while_nobody_waits(system: hcsrt.ComputeSystem, operation: OwnedOperation) -> None:
    with late(PROPERTIES):
        operations.kick_off(operation, PROPERTIES, system.handle)
        fails(HCS_E_OPERATION_PENDING, operations.operation_result, operation)
        fails(HCS_E_OPERATION_ALREADY_STARTED, operations.kick_off, operation, PROPERTIES, system.handle)
        for timeout in (0, 0.05):
            with pytest.raises(hcsrt.OperationTimeoutError):
                operations.wait_operation(operation, timeout)
    assert operations.wait_operation(operation, 10)


def test_what_fails_later_is_told_by_the_result(
    any_seed: int | None, document: dict[str, Any], operation: OwnedOperation
) -> None:
    with hcsrt.ComputeSystem.create("tests", document) as system:
        with pytest.raises(hcsrt.InvalidDocumentError, match="Weather") as caught:  # noqa: PT012
            # Where HCS fails the call at once, its document comes with the error of the kick-off.
            operations.kick_off(operation, PROPERTIES, system.handle, '{"PropertyTypes": ["Weather"]}')
            operations.wait_operation(operation, 10)
        assert caught.value.document is not None
        system.terminate()


def test_an_operation_closed_before_the_end_of_its_call_hurts_nobody(system: hcsrt.ComputeSystem) -> None:
    with late(PROPERTIES), operations.create_operation() as operation:
        operations.kick_off(operation, PROPERTIES, system.handle)
    for call in (
        operations.operation_result,
        operations.operation_id,
        operations.operation_type,
        operations.cancel_operation,
    ):
        with pytest.raises(hcsrt.HandleClosedError):
            call(operation)
    with pytest.raises(hcsrt.HandleClosedError):
        operations.kick_off(operation, PROPERTIES, system.handle)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("HcsCreateProcess", ValueError, "HcsCreateProcess is not called with a handle and one text"),
        ("HcsMakeCoffee", ValueError, "'HcsMakeCoffee' is no function of HCS"),
        ("HcsGetOperationResult", ValueError, "HcsGetOperationResult is not called with"),
        ("HcsSignalProcess", TypeError, "HcsSignalProcess is called on an OwnedProcess, not on OwnedSystem"),
    ],
)
def test_only_calls_that_create_nothing_are_kicked_off_by_hand(
    function: str, error: type[Exception], message: str, system: hcsrt.ComputeSystem, operation: OwnedOperation
) -> None:
    with pytest.raises(error, match=message):
        operations.kick_off(operation, function, system.handle)
    assert operations.operation_type(operation) == -1


def test_a_kick_off_on_a_closed_system_is_refused(document: dict[str, Any], operation: OwnedOperation) -> None:
    with hcsrt.ComputeSystem.create("tests", document) as system:
        system.terminate()
    with pytest.raises(hcsrt.HandleClosedError):
        operations.kick_off(operation, PROPERTIES, system.handle)


@pytest.mark.parametrize("handle", ["8", 8.0, -1, 1 << 64])
def test_the_handle_of_a_resource_is_checked(handle: Any, operation: OwnedOperation) -> None:
    with pytest.raises((TypeError, ValueError), match="handle "):
        operations.add_resource(operation, 4, "hcs:/a", handle)


# --- the first of several ---------------------------------------------------------------------------------------------


def test_the_first_operation_that_ends_is_found(any_seed: int | None, document: dict[str, Any]) -> None:
    several = [operations.create_operation() for _ in range(4)]
    with hcsrt.ComputeSystem.create("tests", document) as system:
        for operation in several:
            operations.kick_off(operation, PROPERTIES, system.handle)
        left = list(several)
        while left:
            first = operations.wait_first(left, 10)
            assert first is not None
            assert json.loads(operations.operation_result(first) or "")["Id"] == "tests"
            left.remove(first)
        system.terminate()
    close_all(several)


@pytest.mark.alone
def test_the_callback_wakes_whoever_waits_for_the_first(system: hcsrt.ComputeSystem) -> None:
    found: list[tuple[OwnedOperation | None, float]] = []

    def wait() -> None:
        found.append((operations.wait_first([operation], 20), time.monotonic()))

    with late(PROPERTIES):
        operation = operations.create_operation()
        operations.kick_off(operation, PROPERTIES, system.handle)
        waiter = threading.Thread(target=wait)
        waiter.start()
        # Within a slice of a wait on a thread that is not the main one, which a callback cuts short.
        time.sleep(0.2)
    opened = time.monotonic()
    waiter.join(20)
    [(first, when)] = found
    assert first is operation
    operation.close()
    assert when - opened < 0.5


def test_none_ends_in_time(system: hcsrt.ComputeSystem, operation: OwnedOperation) -> None:
    with late(PROPERTIES):
        operations.kick_off(operation, PROPERTIES, system.handle)
        for timeout in (0, 0.05):
            assert operations.wait_first([operation], timeout) is None
    assert operations.wait_first([], 0.01) is None
    with pytest.raises(ValueError, match="operations must not be empty without a timeout"):
        operations.wait_first([])


def test_an_operation_closed_meanwhile_ends_the_wait(system: hcsrt.ComputeSystem, operation: OwnedOperation) -> None:
    with late(PROPERTIES):
        operations.kick_off(operation, PROPERTIES, system.handle)
        closer = threading.Timer(0.1, operation.close)
        closer.start()
        with pytest.raises(hcsrt.HandleClosedError):
            operations.wait_first([operation], 20)
        closer.join()


def test_ctrl_c_ends_the_waits_for_operations(
    system: hcsrt.ComputeSystem, operation: OwnedOperation, interrupted: Interrupted
) -> None:
    with late(PROPERTIES):
        operations.kick_off(operation, PROPERTIES, system.handle)
        for block in interrupted(0.15):
            with block:
                operations.wait_operation(operation)
        for block in interrupted(0.15):
            with block:
                operations.wait_first([operation])


# --- exits without event callback -------------------------------------------------------------------------------------


def test_an_exit_is_waited_for_natively(any_seed: int | None, document: dict[str, Any]) -> None:
    with hcsrt.ComputeSystem.create("tests", document) as system:
        system.start()
        with system.popen(guest("read_line(); exit(3)"), stdin=hcsrt.PIPE) as process:
            for wait, handle in (
                (_watch.wait_process_exit, process.handle),
                (_watch.wait_system_exit, system.handle),
            ):
                for timeout in (0, 0.01):
                    with pytest.raises(hcsrt.OperationTimeoutError):
                        wait(handle, timeout)
            process.stdin.close()
            status = json.loads(_watch.wait_process_exit(process.handle, 10) or "")
            assert (status["Exited"], status["ExitCode"]) == (True, 3)
        system.terminate()
        assert json.loads(_watch.wait_system_exit(system.handle, 10) or "")["ExitType"] == "ForcedExit"


def test_close_ends_a_native_wait(document: dict[str, Any]) -> None:
    with hcsrt.ComputeSystem.create("tests", document) as system, hcsrt.ComputeSystem.open("tests") as other:
        closer = threading.Timer(0.1, other.close)
        closer.start()
        before = time.monotonic()
        with pytest.raises(hcsrt.HandleClosedError):
            _watch.wait_system_exit(other.handle, 20)
        assert time.monotonic() - before < 2
        closer.join()
        system.terminate()


def test_ctrl_c_ends_a_native_wait(system: hcsrt.ComputeSystem, interrupted: Interrupted) -> None:
    for block in interrupted(0.15):
        with block:
            _watch.wait_system_exit(system.handle)
