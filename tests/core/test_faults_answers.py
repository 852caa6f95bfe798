"""Answers and documents that a fault puts in the place of HCS's own."""

import asyncio
import json

import pytest

import hcsrt
from hcsrt import PIPE, _calls, _engine, emulator, operations
from hcsrt._interpose import counting
from hcsrt.faults import Fault, Faults

from ..helpers import hcs_calls
from ..helpers.children import run_python
from ..helpers.programs import CAT, INSTALL

DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


def test_an_answered_call_never_gets_to_hcs(faults, system):
    with faults.on("HcsTerminateComputeSystem").answer() as fault:
        _calls.call(system.handle, "HcsTerminateComputeSystem")
        assert system.properties()["State"] == "Running"
        assert len(fault.fired) == 1
    with faults.on("HcsGetComputeSystemProperties", times=1).answer({"State": "Elsewhere"}):
        assert system.properties() == {"State": "Elsewhere"}
        assert system.properties()["State"] == "Running"


def test_the_first_fault_of_a_process_may_be_an_answer():
    program = f"""
import hcsrt
from hcsrt.faults import Faults
{INSTALL}
with Faults() as faults:
    faults.on("HcsEnumerateComputeSystems").answer([])
    print(hcsrt.systems(timeout=30))
"""
    done = run_python(program)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.parametrize("completion", ["later", "inside_the_call", "before_the_call_returns"])
def test_an_answered_call_completes_for_every_way_to_wait(completion, hcs_host, system):
    hcs_host.assume(completion=completion)
    hcs_host.faults.on("HcsGetComputeSystemProperties").answer("no JSON")

    async def main():
        handle = await _engine.open_system(system.id)
        told = await asyncio.gather(*(_engine.call(handle, "HcsGetComputeSystemProperties") for _ in range(50)))
        await _engine.close(handle)
        return told

    assert asyncio.run(main()) == ["no JSON"] * 50
    for _ in range(50):
        assert _calls.call(system.handle, "HcsGetComputeSystemProperties") == "no JSON"
    with operations.create_operation() as operation:
        for _ in range(2):
            operations.kick_off(operation, "HcsGetComputeSystemProperties", system.handle)
            assert operations.wait_operation(operation, 10) == "no JSON"
        hcs_host.faults.clear()
        operations.kick_off(operation, "HcsGetComputeSystemProperties", system.handle)
        assert json.loads(operations.wait_operation(operation, 10))["State"] == "Running"


def test_an_answer_may_be_late_lost_or_a_failure(faults, system):
    faults.on("HcsGetComputeSystemProperties").answer({"State": "Elsewhere"})
    with faults.on("completion:HcsGetComputeSystemProperties").hang() as hang:
        with pytest.raises(hcsrt.OperationTimeoutError):
            system.properties(timeout=0.05)
        hang.release()
    refusal = faults.on("completion:HcsGetComputeSystemProperties").fail("E_ACCESSDENIED")
    with refusal, pytest.raises(hcsrt.AccessDeniedError):
        system.properties()
    with faults.on("completion:HcsGetComputeSystemProperties").delay(0.05):
        assert system.properties() == {"State": "Elsewhere"}


def test_a_call_without_an_operation_is_answered_too(faults):
    faults.on("HcsGetServiceProperties").answer([1, {"a": None}])
    assert json.loads(hcs_calls.service_properties(None)) == [1, {"a": None}]
    with counting() as calls, faults.on("HcsGrantVmAccess").answer():
        hcs_calls.grant_vm_access("vm", "/no/such/file")
        assert calls["HcsGrantVmAccess"] == 1


def test_a_completion_keeps_its_result_and_has_another_document(faults, system, plain_order):
    faults.on("completion:HcsGetComputeSystemProperties", when=[["document", "contains", "Memory"]]).rewrite({"a": 1})
    assert "State" in system.properties()
    faults.on("completion:HcsGetComputeSystemProperties").rewrite("x")
    with pytest.raises(hcsrt.HcsError, match="not a JSON object"):
        system.properties()
    rewritten = faults.on("completion:HcsPauseComputeSystem").rewrite({"ErrorMessage": "by the test"})
    with rewritten, pytest.raises(hcsrt.HcsError, match="by the test"):
        system.pause()


def test_a_rewritten_failure_is_a_failure(faults, system):
    faults.on("completion:HcsGetComputeSystemProperties").fail("E_FAIL")
    faults.on("completion:HcsGetComputeSystemProperties").rewrite({"ErrorMessage": "by the test"})
    with pytest.raises(hcsrt.HcsError, match="by the test") as caught:
        system.properties()
    assert caught.value.symbol == "E_FAIL"


def test_what_a_process_gives_is_kept_with_another_document(faults, system):
    faults.on("completion:HcsCreateProcess").rewrite({"a": 1})
    with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        assert process.communicate(b"x", timeout=30) == (b"x", None)


@pytest.mark.parametrize(("given", "data"), [(None, None), ("no JSON", "no JSON"), ({"a": 1}, {"a": 1})])
def test_an_event_has_another_document(given, data, faults, system):
    faults.on("event:SystemCrashReport").rewrite(given)
    with system.events() as events:
        emulator.send_event(system.id, "SystemCrashReport", {"b": 2})
        emulator.send_event(system.id, "SystemCrashInitiated", {"b": 2})
        told = events.get(10), events.get(10)
    assert [event.data for event in told] == [data, {"b": 2}]


def test_an_event_is_rewritten_twice_and_told_late(faults, system):
    faults.on("event:*").rewrite({"a": 1})
    faults.on("event:*").duplicate()
    faults.on("event:*").rewrite({"a": 2})
    with faults.on("event:*").hang() as hang, system.events() as events:
        emulator.send_event(system.id, "SystemCrashReport")
        with pytest.raises(TimeoutError):
            events.get(0.05)
        hang.release()
        assert [events.get(10).data for _ in range(2)] == [{"a": 2}] * 2


@pytest.mark.parametrize(
    ("site", "action", "document", "error", "message"),
    [
        ("HcsCreateProcess", "answer", None, ValueError, "'HcsCreateProcess' cannot answer"),
        ("HcsOpenComputeSystem", "answer", None, ValueError, "cannot answer"),
        ("HcsCloseProcess", "answer", None, ValueError, "cannot answer"),
        ("HcsGrantVmAccess", "answer", {}, ValueError, "HcsGrantVmAccess answers without a document"),
        ("HcsPauseComputeSystem", "rewrite", None, ValueError, "cannot rewrite"),
        ("process", "rewrite", None, ValueError, "cannot rewrite"),
        ("event:*", "answer", None, ValueError, "cannot answer"),
        ("event:*", "rewrite", object(), ValueError, "document is no JSON"),
        ("event:*", "rewrite", {"a": [float("nan")]}, ValueError, "document is no JSON"),
        ("event:*", "rewrite", DEEP, ValueError, "document is no JSON"),
        ("HcsPauseComputeSystem", "answer", "a\0b", ValueError, "document must not contain a NUL"),
    ],
)
def test_what_has_no_document_is_refused(site, action, document, error, message):
    with pytest.raises(error, match=message):
        getattr(Faults().on(site), action)(document)


def test_documents_are_data():
    faults = Faults()
    for site in (faults.on("HcsPauseComputeSystem"), faults.on("HcsPauseComputeSystem", nth=2)):
        site.answer()
        site.answer({"a": [1, None]})
    faults.on("event:SystemExited").rewrite([])
    faults.on("completion:HcsPauseComputeSystem").rewrite("x")
    assert [Fault.from_dict(json.loads(json.dumps(each))) for each in faults.to_list()] == list(faults)
    assert faults.to_list()[1] == {"site": "HcsPauseComputeSystem", "action": "answer", "document": {"a": [1, None]}}
