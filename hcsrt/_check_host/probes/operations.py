"""What an operation does when its call fails, is too slow, or has a callback."""

import asyncio
import json
import time
import uuid

import experiments
import pytest
from conftest import need
from raw_calls import HANDLE, OPERATION, TIMED_OUT, begin, call, failed, parsed, spell

import hcsrt
from hcsrt import HcsError, OperationTimeoutError, _calls, _engine, aio

VERSION = {"Major": 2, "Minor": 1}
BAD_DOCUMENTS = {
    "no JSON": "{",
    "an empty object": "{}",
    "a number for an object": json.dumps({"SchemaVersion": VERSION, "Container": 1}),
    "two kinds of system": json.dumps({"SchemaVersion": VERSION, "Container": {}, "VirtualMachine": {}}),
}


@pytest.mark.parametrize("document", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_failed_kick_off(document, table, seen):
    id = f"Hcsrt-{uuid.uuid4()}"
    made = begin(table, "HcsCreateComputeSystem", id, document, OPERATION, None, HANDLE)
    made.wait()
    told = made.told() | {"handle given": made.handle is not None}
    told["type of the operation"] = table.HcsGetOperationType(made.operation)
    if failed(made.kicked_off):
        code, _ = table.document_of("HcsGetOperationResult", made.operation)
        told["result asked for again"] = spell(code)
    table.HcsCloseOperation(made.operation)
    if made.handle is not None:
        table.HcsCloseComputeSystem(made.handle)
    seen("a create that fails: where it says so, and what its operation has then", told)
    assert failed(made.result)
    with pytest.raises(HcsError) as caught:
        _calls.create_system(id, document, timeout=60)
    assert caught.value.hresult & 0xFFFFFFFF == made.result
    assert (caught.value.document is None) == (made.document is None)


def test_timeout_then_result(table, seen):
    timed_out = begin(table, "HcsEnumerateComputeSystems", None, OPERATION)
    first = timed_out.wait(0)
    told = {"wait of 0 ms": spell(first), "wait after it": spell(timed_out.wait())}
    told["document of the second wait"] = timed_out.document is not None
    again = table.HcsEnumerateComputeSystems(None, timed_out.operation)
    told["kick-off of the operation again"] = spell(again)
    timed_out.kicked_off = again
    told["its result"] = spell(timed_out.finish().result)
    seen("an operation after a wait that timed out", told)
    assert first == 0 or first == TIMED_OUT
    too_slow = 0
    for _ in range(20):
        try:
            _calls.enumerate_systems(timeout=0)
        except OperationTimeoutError:
            too_slow += 1
    seen("enumerations of 20 that took longer than no time", too_slow)
    end = time.monotonic() + 30
    while hcsrt.pending() and time.monotonic() < end:
        time.sleep(0.01)
    assert hcsrt.pending() == 0


def test_close_with_callback(seen):
    seen("HcsCloseOperation and the completion callback", experiments.run(experiments.close_with_callback, 100))


def test_wait_and_callback(seen):
    seen("a wait and a completion callback on one operation", experiments.run(experiments.wait_and_callback))


def test_kick_off_time(document, table, seen):
    id = f"Hcsrt-{uuid.uuid4()}"
    made = call(table, "HcsCreateComputeSystem", id, json.dumps(document), OPERATION, None, HANDLE)
    calls = {"HcsCreateComputeSystem": made}
    assert made.handle is not None, made.told()
    for function in ("HcsStartComputeSystem", "HcsGetComputeSystemProperties", "HcsTerminateComputeSystem"):
        calls[function] = call(table, function, made.handle, OPERATION, None)
    table.HcsCloseComputeSystem(made.handle)
    calls["HcsEnumerateComputeSystems"] = call(table, "HcsEnumerateComputeSystems", None, OPERATION)
    told = {
        function: {
            "kick-off in seconds": round(done.kick_off_seconds, 4),
            "result after it in seconds": round(done.seconds, 4),
            "codes": [spell(done.kicked_off), spell(done.result)],
        }
        for function, done in calls.items()
    }
    seen("how long a kick-off takes, and the codes of calls that succeed", told)
    # What hcsrt takes for success is one: the system has gone through all of its states.
    assert not any(failed(done.result) for done in calls.values())
    assert hcsrt.systems(ids=id) == []


def test_completions(document, seen):
    seen("completion callbacks", experiments.run(experiments.completions, 200))

    async def rounds():
        async with await aio.ComputeSystem.create(f"Hcsrt-{uuid.uuid4()}", document) as system:
            await system.start()
            asked = await asyncio.gather(*(system.properties() for _ in range(200)))
            await system.stop(grace=0)
            return asked

    before = _engine.counts()
    assert len(asyncio.run(rounds())) == 200
    end = time.monotonic() + 30
    while _engine.in_flight() and time.monotonic() < end:
        time.sleep(0.01)
    after = _engine.counts()
    seen("completions in hcsrt.aio", {name: after[name] - before[name] for name in ("stale", "repeated", "asked")})
    assert after["in_flight"] == 0


def test_late_callback(seen):
    seen("a completion callback that is set late", experiments.run(experiments.late_callback))


def test_notifications(document, table, seen):
    need(table, "HcsCreateOperationWithNotifications")
    seen("an operation with notifications", experiments.run(experiments.notifications, document))


def test_properties(table, seen):
    need(table, "HcsGetOperationProperties")
    made = begin(table, "HcsEnumerateComputeSystems", None, OPERATION)
    made.wait()
    code, document = table.document_of("HcsGetOperationProperties", made.operation, None)
    table.HcsCloseOperation(made.operation)
    seen("the properties of an operation", {"result": spell(code), "document": parsed(document)})
