"""What an operation does when its call fails, is too slow, or has a callback.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import asyncio
import json
import time
from typing import Any

import hcsrt

from ... import HcsError, OperationTimeoutError, _calls, _engine, aio, documents
from .. import experiments
from ..bench import Bench, new_id
from ..probe import probe
from ..raw_calls import HANDLE, OPERATION, TIMED_OUT, begin, call, failed, parsed, spell

VERSION = {"Major": 2, "Minor": 1}
BAD_DOCUMENTS = {
    "no JSON": "{",
    "an empty object": "{}",
    "a number for an object": json.dumps({"SchemaVersion": VERSION, "Container": 1}),
    "two kinds of system": json.dumps({"SchemaVersion": VERSION, "Container": {}, "VirtualMachine": {}}),
}


@probe(cases=BAD_DOCUMENTS)
def failed_kick_off(at: Bench, document: str) -> None:
    table = at.table
    id = new_id()
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
    at.seen("a create that fails: where it says so, and what its operation has then", told)
    assert failed(made.result), "a create that was to fail has not"
    with at.raises(HcsError) as caught:
        _calls.create_system(id, document, timeout=60)
    raised = caught.error
    assert raised.hresult & 0xFFFFFFFF == made.result, "hcsrt raises another code"
    assert (raised.document is None) == (made.document is None), "hcsrt has asked for the document otherwise"


@probe()
def timeout_then_result(at: Bench) -> None:
    table = at.table
    timed_out = begin(table, "HcsEnumerateComputeSystems", None, OPERATION)
    first = timed_out.wait(0)
    told: dict[str, Any] = {"wait of 0 ms": spell(first), "wait after it": spell(timed_out.wait())}
    told["document of the second wait"] = timed_out.document is not None
    again = table.HcsEnumerateComputeSystems(None, timed_out.operation)
    told["kick-off of the operation again"] = spell(again)
    timed_out.kicked_off = again
    told["its result"] = spell(timed_out.finish().result)
    at.seen("an operation after a wait that timed out", told)
    assert first in (0, TIMED_OUT), "a wait of 0 ms ends with another code"
    too_slow = 0
    for _ in range(20):
        try:
            _calls.enumerate_systems(timeout=0)
        except OperationTimeoutError:
            too_slow += 1
    at.seen("enumerations of 20 that took longer than no time", too_slow)
    end = time.monotonic() + 30
    while hcsrt.pending() and time.monotonic() < end:
        time.sleep(0.01)
    assert hcsrt.pending() == 0, "calls that timed out are pending for ever"


@probe()
def close_with_callback(at: Bench) -> None:
    at.seen("HcsCloseOperation and the completion callback", experiments.run(experiments.close_with_callback, 100))


@probe()
def wait_and_callback(at: Bench) -> None:
    at.seen("a wait and a completion callback on one operation", experiments.run(experiments.wait_and_callback))


@probe(both_kinds=True)
def kick_off_time(at: Bench) -> None:
    document = at.document()
    table = at.table
    id = new_id()
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
    at.seen("how long a kick-off takes, and the codes of calls that succeed", told)
    # What hcsrt takes for success is one: the system has gone through all of its states.
    assert not any(failed(done.result) for done in calls.values()), "a call fails that has to succeed"
    listed = hcsrt.systems(ids=id)
    assert listed == [], "the system is still listed"


@probe(both_kinds=True)
def completions(at: Bench) -> None:
    document = at.document()
    at.seen("completion callbacks", experiments.run(experiments.completions, 200))

    async def rounds() -> list[documents.Properties]:
        async with await aio.ComputeSystem.create(new_id(), document) as system:
            await system.start()
            asked = await asyncio.gather(*(system.properties() for _ in range(200)))
            await system.stop(grace=0)
            return asked

    before = _engine.counts()
    answers = asyncio.run(rounds())
    assert len(answers) == 200
    end = time.monotonic() + 30
    while _engine.in_flight() and time.monotonic() < end:
        time.sleep(0.01)
    after = _engine.counts()
    at.seen("completions in hcsrt.aio", {name: after[name] - before[name] for name in ("stale", "repeated", "asked")})
    assert after["in_flight"] == 0, "calls of hcsrt.aio are under way for ever"


@probe()
def callback_of_failed_kick_off(at: Bench) -> None:
    told = experiments.run(experiments.callback_of_failed_kick_off, list(BAD_DOCUMENTS.values()))
    at.seen("creates that fail, and their completion callbacks", told)


@probe()
def late_callback(at: Bench) -> None:
    at.seen("a completion callback that is set late", experiments.run(experiments.late_callback))


@probe(both_kinds=True)
def notifications(at: Bench) -> None:
    document = at.document()
    at.need("HcsCreateOperationWithNotifications")
    at.seen("an operation with notifications", experiments.run(experiments.notifications, document))


@probe()
def properties(at: Bench) -> None:
    table = at.table
    at.need("HcsGetOperationProperties")
    # Should they hold what the call has found, that is nobody else's.
    made = begin(table, "HcsEnumerateComputeSystems", json.dumps({"Owners": [at.settings.owner]}), OPERATION)
    made.wait()
    code, document = table.document_of("HcsGetOperationProperties", made.operation, None)
    table.HcsCloseOperation(made.operation)
    at.seen("the properties of an operation", {"result": spell(code), "document": parsed(document)})
