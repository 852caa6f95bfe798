"""Where handles are made, which is remembered for those who ask for it."""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from hcsrt import ComputeSystem, Handle, OwnedOperation, OwnedSystem, aio
from hcsrt._handles import for_caller, remember_makers, remembered_makers
from hcsrt.operations import create_operation

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def remembering() -> Iterator[None]:
    remember_makers(True)
    depth = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(16)
    yield
    sys.set_coroutine_origin_tracking_depth(depth)
    remember_makers(False)
    assert remembered_makers() == []


def makers_of(handle: Handle) -> list[str]:
    """Return the names of the functions that have made a handle, from the inside out."""
    ((frames, _),) = [(frames, origin) for found, frames, origin in remembered_makers() if found is handle]
    return [code.co_name for code, _ in frames]


def origin_of(handle: Handle) -> list[str]:
    """Return the names of the functions in which the coroutine of the task was made, from the inside out."""
    ((_, origin),) = [(frames, origin) for found, frames, origin in remembered_makers() if found is handle]
    return [name for _, _, name in origin or ()]


def test_a_blocking_call_is_remembered_where_it_was_made(document: Document) -> None:
    def make() -> ComputeSystem:
        # On the main thread another thread makes the call for this one.
        return ComputeSystem.create("made", document)

    def make_in_thread() -> None:
        made.append(ComputeSystem.open("made"))

    made: list[ComputeSystem] = []
    with make() as system:
        assert "make" in makers_of(system.handle)
        thread = threading.Thread(target=make_in_thread)
        thread.start()
        thread.join()
        assert "make_in_thread" in makers_of(made[0].handle)
        made[0].close()
        system.terminate()


def test_a_process_and_its_streams_are_remembered_where_they_were_made(system: ComputeSystem) -> None:
    def start() -> Any:
        return system.popen(["cmd", "/c", "exit"] if sys.platform == "win32" else ["true"], stdout=-1)

    with start() as process:
        kinds = [type(handle).__name__ for handle, frames, _ in remembered_makers() if names_in(frames, "start")]
        assert kinds.count("OwnedProcess") == 1
        assert kinds.count("OwnedStdio") >= 1
        process.wait()


def names_in(frames: list[tuple[Any, int]], name: str) -> bool:
    return name in [code.co_name for code, _ in frames]


def test_an_operation_by_hand_is_remembered_where_it_was_made() -> None:
    with create_operation() as operation:
        assert makers_of(operation)[0] == "test_an_operation_by_hand_is_remembered_where_it_was_made"
    adopted = OwnedOperation.from_raw(create_operation().into_raw())
    assert makers_of(adopted)[0] == "test_an_operation_by_hand_is_remembered_where_it_was_made"
    adopted.close()


def test_what_is_awaited_is_remembered_where_it_is_awaited(document: Document) -> None:
    async def make() -> aio.ComputeSystem:
        return await aio.ComputeSystem.create("made", document)

    async def main() -> None:
        async with await make() as system:
            assert makers_of(system.handle).index("make") < makers_of(system.handle).index("main")
            await system.terminate()

    asyncio.run(main())


def test_what_a_task_makes_is_remembered_where_the_task_was_made(document: Document) -> None:
    async def main() -> None:
        task = make_task()
        async with await task as system:
            assert "make_task" not in makers_of(system.handle)
            assert "make_task" in origin_of(system.handle)
            await system.terminate()

    def make_task() -> asyncio.Task[aio.ComputeSystem]:
        return asyncio.create_task(aio.ComputeSystem.create("made", document))

    asyncio.run(main())


def test_only_what_is_not_released_is_remembered(document: Document) -> None:
    with ComputeSystem.create("made", document) as system:
        assert system.handle in [handle for handle, _, _ in remembered_makers()]
        system.terminate()
    assert system.handle not in [handle for handle, _, _ in remembered_makers()]
    with create_operation() as operation:
        address = operation.into_raw()
        assert remembered_makers() == []
    OwnedOperation.from_raw(address).close()


def test_nothing_is_kept_alive(document: Document) -> None:
    class Local:
        pass

    def make(local: Local) -> OwnedOperation:
        return create_operation()

    local = Local()
    reference = weakref.ref(local)
    operation = make(local)
    del local
    gc.collect()
    assert reference() is None
    assert makers_of(operation)[0] == "make"
    del operation
    gc.collect()
    assert remembered_makers() == []


def test_records_of_handles_that_are_gone_are_dropped() -> None:
    gc.collect()
    for _ in range(5):
        kept = [create_operation() for _ in range(1000)]
        assert len(remembered_makers()) == 1000
    assert {type(handle) for handle, _, _ in remembered_makers()} == {OwnedOperation}
    for operation in kept:
        operation.close()


def test_who_asks_for_nothing_gets_nothing(document: Document) -> None:
    remember_makers(False)
    with ComputeSystem.create("made", document) as system:
        assert isinstance(system.handle, OwnedSystem)
        assert remembered_makers() == []
        assert for_caller(print) is print
        system.terminate()
