"""What HCS tells of systems at each point of their lives, and which codes it has for calls that come too late."""

import ctypes
import json
import threading
import time

import pytest
from conftest import OWNER, START_TIMEOUT, need, new_id
from raw_calls import HANDLE, OPERATION, TIMED_OUT, begin, call, parsed, spell
from raw_hcs import GENERIC_ALL, wide

import hcsrt
from hcsrt import PIPE, ComputeSystem, HcsError, OperationTimeoutError, SystemAlreadyExistsError, _watch

PATIENCE = 60.0


def properties(table, handle):
    """What HCS says of a system; the code if it says none."""
    made = call(table, "HcsGetComputeSystemProperties", handle, OPERATION, None)
    return made.document if made.result == 0 else spell(made.result)


def member(answer, name):
    """A member of what HCS says; the code if it says nothing."""
    return answer.get(name) if isinstance(answer, dict) else answer


def test_create_taken_id(created, document, table, seen):
    before = created.properties()
    made = call(table, "HcsCreateComputeSystem", created.id, json.dumps(document), OPERATION, None, HANDLE)
    told = made.told() | {"handle given": made.handle is not None}
    if made.handle is not None:
        told["the handle leads to"] = properties(table, made.handle)
        table.HcsCloseComputeSystem(made.handle)
    seen("a create with an id that is taken", told)
    with pytest.raises(SystemAlreadyExistsError):
        ComputeSystem.create(created.id, document)
    assert created.properties().get("RuntimeId") == before.get("RuntimeId")


def test_calls_after_exit(running, table, seen):
    handle = int(running.handle.as_raw())
    running.terminate()
    running.wait(PATIENCE)
    told = {
        function: call(table, function, handle, OPERATION, None).told()
        for function in (
            "HcsGetComputeSystemProperties",
            "HcsStartComputeSystem",
            "HcsShutDownComputeSystem",
            "HcsTerminateComputeSystem",
        )
    }
    made = begin(table, "HcsCreateProcess", handle, '{"CommandLine":"cmd"}', OPERATION, None, HANDLE)
    made.finish(with_info=True)
    told["HcsCreateProcess"] = made.told() | {"handle given": made.handle is not None}
    if made.handle is not None:
        table.HcsCloseProcess(made.handle)
    code, other = table.handle_of("HcsOpenComputeSystem", wide(running.id), GENERIC_ALL)
    told["HcsOpenComputeSystem"] = spell(code)
    if other is not None:
        table.HcsCloseComputeSystem(other)
    told["listed"] = bool(hcsrt.systems(ids=running.id))
    seen("calls on a system that has exited", told)
    running.terminate()
    assert running.stop() == "already-stopped"
    with pytest.raises(HcsError):
        running.start()


def test_terminate_while_shutting_down(running, table, seen):
    handle = int(running.handle.as_raw())
    begun = [
        begin(table, function, handle, OPERATION, None)
        for function in ("HcsShutDownComputeSystem", "HcsShutDownComputeSystem", "HcsTerminateComputeSystem")
    ]
    told = [made.finish().told() for made in begun]
    seen("a shutdown, a second one and a terminate, none waited for", told)
    running.stop(grace=0, timeout=PATIENCE)
    seen("the exit document after them", running.wait(PATIENCE))
    assert hcsrt.systems(ids=running.id) == []


def test_runtime_id(created, table, seen):
    handle = int(created.handle.as_raw())

    def runtime_id(answer):
        return member(answer, "RuntimeId")

    told = {"created": runtime_id(properties(table, handle))}
    created.start(timeout=START_TIMEOUT)
    told["running"] = runtime_id(properties(table, handle))
    told["listed"] = [runtime_id(item) for item in hcsrt.systems(ids=created.id)]
    with created.duplicate_handle() as other:
        told["on another handle"] = runtime_id(properties(table, int(other.as_raw())))
    created.terminate()
    created.wait(PATIENCE)
    told["stopped"] = runtime_id(properties(table, handle))
    seen("the RuntimeId of a system", told)
    # hcsrt tells a system from another one with its id by this.
    assert told["on another handle"] == told["running"]


def test_properties_before_start(created, table, seen):
    seen("the properties of a system that was not started", properties(table, int(created.handle.as_raw())))
    with ComputeSystem.open(created.id) as opened:
        for system in (created, opened):
            with pytest.raises(TimeoutError):
                system.wait(2.5)


def test_runtime_os_type(created, table, seen):
    handle = int(created.handle.as_raw())
    told = {"created": member(properties(table, handle), "RuntimeOsType")}
    created.start(timeout=START_TIMEOUT)
    told["running"] = member(properties(table, handle), "RuntimeOsType")
    listed = hcsrt.systems(ids=created.id)
    told["listed"] = [item.get("RuntimeOsType") for item in listed]
    seen("RuntimeOsType", told)
    assert [item["Id"] for item in listed] == [created.id]


def test_arguments_of_a_windows_guest(container, seen):
    done = container.run(["cmd", "/c", "echo", "two words", "&", "exit", "3"], stdout=PIPE, timeout=PATIENCE)
    seen("what a list of arguments becomes in a Windows guest", done.stdout.decode("ascii", "replace").strip())
    assert done.returncode == 3


def test_enumerate(created, table, seen):
    id = created.id
    told = {}
    for name, query in {
        "no query": None,
        "the id": {"Ids": [id]},
        "the start of the id": {"Ids": [id[:-4]]},
        "the id in upper case": {"Ids": [id.upper()]},
        "the owner": {"Owners": [OWNER]},
        "the start of the owner": {"Owners": [OWNER[:-4]]},
        "the owner in upper case": {"Owners": [OWNER.upper()]},
        "an empty list of ids": {"Ids": []},
    }.items():
        made = call(table, "HcsEnumerateComputeSystems", query and json.dumps(query), OPERATION)
        found = [item for item in made.document or [] if item.get("Id") == id]
        told[name] = {"found": bool(found), "owner": found[0].get("Owner") if found else None}
        told[name]["result"] = spell(made.result)
    seen("what an enumeration finds, and whether it tells the Owner", told)
    assert [item["Id"] for item in hcsrt.systems(ids=id)] == [id]
    assert hcsrt.systems(ids=id[:-4]) == []
    assert hcsrt.systems(ids=id.upper()) == []
    assert id not in [item["Id"] for item in hcsrt.systems(owner=OWNER[:-4])]


def test_terminate_past_hung_start(new_vm_document, new_system, table, seen):
    document = new_vm_document()
    # Its start waits for a guest to connect, and there is none.
    document["VirtualMachine"]["GuestConnection"] = {}
    told = {}

    system = new_system(document)
    outcome = []

    def start():
        try:
            system.start(timeout=3)
            outcome.append("started")
        except OperationTimeoutError:
            outcome.append("hung")
        except HcsError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(PATIENCE)
    begun = time.monotonic()
    told["hcsrt"] = {"start": outcome, "stopped by": system.stop(grace=0, timeout=PATIENCE)}
    told["hcsrt"]["seconds"] = round(time.monotonic() - begun, 3)

    system = new_system(document)
    handle = int(system.handle.as_raw())
    started = begin(table, "HcsStartComputeSystem", handle, OPERATION, None)
    hangs = started.wait(3000) == TIMED_OUT
    begun = time.monotonic()
    terminated = call(table, "HcsTerminateComputeSystem", handle, OPERATION, None)
    told["terminate on the same handle"] = {
        "start hangs": hangs,
        "terminate": spell(terminated.result),
        "seconds": round(time.monotonic() - begun, 3),
    }
    system.stop(grace=0, timeout=PATIENCE)
    told["terminate on the same handle"]["the start then"] = spell(started.finish().result)
    seen("a terminate while the start hangs", told)
    assert told["hcsrt"]["stopped by"] == "terminate"


@pytest.mark.parametrize("options", [None, "", "{}"], ids=["NULL", "empty", "object"])
def test_reserved_options(created, options, table, seen):
    handle = int(created.handle.as_raw())
    told = {
        function: spell(call(table, function, handle, OPERATION, options).result)
        for function in ("HcsStartComputeSystem", "HcsTerminateComputeSystem")
    }
    seen(f"reserved options: {json.dumps(options)}", told)
    if options is None:  # what hcsrt passes
        assert set(told.values()) == {"S_OK (0x00000000)"}


def test_namespaces(document, table, seen):
    need(table, "HcsCreateComputeSystemInNamespace")
    namespace, id = "hcsrt-tests", new_id()
    options = ctypes.create_string_buffer(48)  # HCS_CREATE_OPTIONS_1 with nothing but its version
    ctypes.c_uint32.from_buffer(options).value = 0x00010000
    made = call(
        table,
        "HcsCreateComputeSystemInNamespace",
        namespace,
        id,
        json.dumps(document),
        OPERATION,
        ctypes.cast(options, ctypes.c_void_p),
        HANDLE,
    )
    told = {"create": made.told()}
    for function, place in (("HcsOpenComputeSystem", []), ("HcsOpenComputeSystemInNamespace", [wide(namespace)])):
        code, handle = table.handle_of(function, *place, wide(id), GENERIC_ALL)
        told[function] = spell(code)
        if handle is not None:
            table.HcsCloseComputeSystem(handle)
    query = json.dumps({"Ids": [id]})
    for function, place in (
        ("HcsEnumerateComputeSystems", []),
        ("HcsEnumerateComputeSystemsInNamespace", [namespace]),
    ):
        listed = call(table, function, *place, query, OPERATION)
        told[function] = {"result": spell(listed.result), "found": len(listed.document or [])}
    if made.handle is not None:
        call(table, "HcsTerminateComputeSystem", made.handle, OPERATION, None)
        table.HcsCloseComputeSystem(made.handle)
    seen("a system in a namespace, with and without its name", told)


def test_crash(new_vm_document, new_system, table, seen):
    system = new_system(new_vm_document())
    system.start(timeout=START_TIMEOUT)
    made = call(table, "HcsCrashComputeSystem", int(system.handle.as_raw()), OPERATION, '{"Type":"CrashGuest"}')
    told = made.told() | {"exits within 10 s": _watch.wait_exit(system.handle, 10)}
    told["properties then"] = properties(table, int(system.handle.as_raw()))
    seen("a virtual machine whose guest is made to crash", told)
    system.stop(grace=0)
    assert isinstance(system.wait(PATIENCE), dict)


def test_modify_before_boot(new_vm_document, new_system, table, seen):
    system = new_system(new_vm_document())
    system.start(timeout=START_TIMEOUT)
    request = {"ResourcePath": "VirtualMachine/ComputeTopology/Memory/SizeInMB", "RequestType": "Update"}
    told = []
    for _ in range(3):
        made = call(
            table,
            "HcsModifyComputeSystem",
            int(system.handle.as_raw()),
            OPERATION,
            json.dumps(request | {"Settings": 1536}),
            None,
        )
        told.append(made.told())
        time.sleep(2)
    seen("a modify of a machine that has just started, and 2 and 4 s later", told)
    assert system.properties()["Id"] == system.id


def test_failed_property(running, table, seen):
    told = {}
    for query in (
        {"PropertyTypes": ["Statistics", "ProcessList"]},
        {"PropertyTypes": ["Memory", "GuestConnection"]},
        {"Queries": {"Memory": {}, "Hcsrt": {}}},
    ):
        text = json.dumps(query)
        told[text] = call(table, "HcsGetComputeSystemProperties", int(running.handle.as_raw()), OPERATION, text).told()
    seen("properties, some of which this system cannot have", told)
    assert running.properties()["Id"] == running.id


def test_native_wait_times_out(running, table, seen):
    need(table, "HcsWaitForComputeSystemExit")
    handle = int(running.handle.as_raw())
    begun = time.monotonic()
    code, document = table.document_of("HcsWaitForComputeSystemExit", handle, 200)
    told = {"code": spell(code), "document": parsed(document), "seconds": round(time.monotonic() - begun, 3)}
    running.terminate()
    code, document = table.document_of("HcsWaitForComputeSystemExit", handle, 60_000)
    told["after the exit"] = {"code": spell(code), "document": parsed(document)}
    seen("HcsWaitForComputeSystemExit with 200 ms, and after the exit", told)
    assert isinstance(running.wait(PATIENCE), dict)
