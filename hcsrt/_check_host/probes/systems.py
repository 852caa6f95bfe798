"""What HCS tells of systems at each point of their lives, and which codes it has for calls that come too late.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import ctypes
import json
import threading
import time
from typing import Any, cast

import hcsrt

from ... import PIPE, ComputeSystem, HcsError, OperationTimeoutError, SystemAlreadyExistsError, _watch
from ..bench import START_TIMEOUT, Bench, new_id
from ..probe import probe
from ..raw_calls import HANDLE, OPERATION, TIMED_OUT, begin, call, parsed, spell
from ..raw_hcs import GENERIC_ALL, wide
from ..settings import NAMESPACE

PATIENCE = 60.0


def properties(at: Bench, handle: int) -> Any:
    """Return what HCS says of a system, its code if it says nothing."""
    made = call(at.table, "HcsGetComputeSystemProperties", handle, OPERATION, None)
    return made.document if made.result == 0 else spell(made.result)


def member(answer: Any, name: str) -> Any:
    """Return a member of what HCS says, its code if it says nothing."""
    return cast("dict[str, Any]", answer).get(name) if isinstance(answer, dict) else answer


@probe(both_kinds=True)
def create_taken_id(at: Bench) -> None:
    document = at.document()
    created = at.create(document)
    table = at.table
    before = created.properties()
    made = call(table, "HcsCreateComputeSystem", created.id, json.dumps(document), OPERATION, None, HANDLE)
    told = made.told() | {"handle given": made.handle is not None}
    if made.handle is not None:
        told["the handle leads to"] = properties(at, made.handle)
        table.HcsCloseComputeSystem(made.handle)
    at.seen("a create with an id that is taken", told)
    with at.raises(SystemAlreadyExistsError):
        ComputeSystem.create(created.id, document)
    after = created.properties()
    assert after.get("RuntimeId") == before.get("RuntimeId"), "the first system has become another one"


@probe(both_kinds=True)
def calls_after_exit(at: Bench) -> None:
    running = at.start()
    table = at.table
    handle = int(running.handle.as_raw())
    running.terminate()
    running.wait(PATIENCE)
    told: dict[str, Any] = {
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
    at.seen("calls on a system that has exited", told)
    running.terminate()
    rung = running.stop()
    assert rung == "already-stopped", "stop() does not know that the system is gone"
    with at.raises(HcsError):
        running.start()


@probe(both_kinds=True)
def terminate_while_shutting_down(at: Bench) -> None:
    running = at.start()
    table = at.table
    handle = int(running.handle.as_raw())
    begun = [
        begin(table, function, handle, OPERATION, None)
        for function in ("HcsShutDownComputeSystem", "HcsShutDownComputeSystem", "HcsTerminateComputeSystem")
    ]
    told = [made.finish().told() for made in begun]
    at.seen("a shutdown, a second one and a terminate, none waited for", told)
    running.stop(grace=0, timeout=PATIENCE)
    at.seen("the exit document after them", running.wait(PATIENCE))
    listed = hcsrt.systems(ids=running.id)
    assert listed == [], "the system is still listed"


@probe(both_kinds=True)
def runtime_id(at: Bench) -> None:
    created = at.create()
    handle = int(created.handle.as_raw())

    told: dict[str, Any] = {"created": member(properties(at, handle), "RuntimeId")}
    created.start(timeout=START_TIMEOUT)
    told["running"] = member(properties(at, handle), "RuntimeId")
    told["listed"] = [member(item, "RuntimeId") for item in hcsrt.systems(ids=created.id)]
    with created.duplicate_handle() as other:
        told["on another handle"] = member(properties(at, int(other.as_raw())), "RuntimeId")
    created.terminate()
    created.wait(PATIENCE)
    told["stopped"] = member(properties(at, handle), "RuntimeId")
    at.seen("the RuntimeId of a system", told)
    # hcsrt tells a system from another one with its id by this.
    assert told["on another handle"] == told["running"], "one system has two of them"


@probe(both_kinds=True)
def properties_before_start(at: Bench) -> None:
    created = at.create()
    at.seen("the properties of a system that was not started", properties(at, int(created.handle.as_raw())))
    with ComputeSystem.open(created.id) as opened:
        for system in (created, opened):
            with at.raises(TimeoutError):
                system.wait(2.5)


@probe(both_kinds=True)
def runtime_os_type(at: Bench) -> None:
    created = at.create()
    handle = int(created.handle.as_raw())
    told: dict[str, Any] = {"created": member(properties(at, handle), "RuntimeOsType")}
    created.start(timeout=START_TIMEOUT)
    told["running"] = member(properties(at, handle), "RuntimeOsType")
    listed = hcsrt.systems(ids=created.id)
    told["listed"] = [item.get("RuntimeOsType") for item in listed]
    at.seen("RuntimeOsType", told)
    ids = [item["Id"] for item in listed]
    assert ids == [created.id], "systems(ids=) finds others"


@probe()
def arguments_of_a_windows_guest(at: Bench) -> None:
    container = at.container()
    done = container.run(["cmd", "/c", "echo", "two words", "&", "exit", "3"], stdout=PIPE, timeout=PATIENCE)
    at.seen("what a list of arguments becomes in a Windows guest", done.stdout.decode("ascii", "replace").strip())
    assert done.returncode == 3, "the guest does not get the arguments"


@probe(both_kinds=True)
def enumeration(at: Bench) -> None:
    created = at.create()
    id, owner = created.id, at.settings.owner
    told: dict[str, Any] = {}
    queries: dict[str, dict[str, list[str]] | None] = {
        "no query": None,
        "the id": {"Ids": [id]},
        "the start of the id": {"Ids": [id[:-4]]},
        "the id in upper case": {"Ids": [id.upper()]},
        "the owner": {"Owners": [owner]},
        "the start of the owner": {"Owners": [owner[:-4]]},
        "the owner in upper case": {"Owners": [owner.upper()]},
        "an empty list of ids": {"Ids": []},
    }
    for name, query in queries.items():
        result, listed = at.listed(id, query)
        told[name] = {"found": bool(listed), "owner": listed[0].get("Owner") if listed else None}
        told[name]["result"] = spell(result)
    at.seen("what an enumeration finds, and whether it tells the Owner", told)
    found = {query: [item["Id"] for item in hcsrt.systems(ids=query)] for query in (id, id[:-4], id.upper())}
    assert found == {id: [id], id[:-4]: [], id.upper(): []}, "systems(ids=) compares otherwise"
    others = [item["Id"] for item in hcsrt.systems(owner=owner[:-4])]
    assert id not in others, "systems(owner=) compares otherwise"


@probe()
def terminate_past_hung_start(at: Bench) -> None:
    table = at.table
    document = at.vm_document()
    # Its start waits for a guest to connect, and there is none.
    document["VirtualMachine"]["GuestConnection"] = {}
    told: dict[str, Any] = {}

    system = at.create(document)
    outcome: list[str] = []

    def start() -> None:
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
    rung = system.stop(grace=0, timeout=PATIENCE)
    told["hcsrt"] = {"start": outcome, "stopped by": rung, "seconds": round(time.monotonic() - begun, 3)}

    system = at.create(document)
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
    at.seen("a terminate while the start hangs", told)
    assert told["hcsrt"]["stopped by"] == "terminate", "stop() does not get through"


@probe(both_kinds=True, cases={"NULL": None, "empty": "", "object": "{}"})
def reserved_options(at: Bench, options: str | None) -> None:
    created = at.create()
    handle = int(created.handle.as_raw())
    told = {
        function: spell(call(at.table, function, handle, OPERATION, options).result)
        for function in ("HcsStartComputeSystem", "HcsTerminateComputeSystem")
    }
    at.seen(f"reserved options: {json.dumps(options)}", told)
    if options is None:  # what hcsrt passes
        assert set(told.values()) == {"S_OK (0x00000000)"}, "NULL is refused"


@probe(both_kinds=True)
def namespaces(at: Bench) -> None:
    at.need("HcsCreateComputeSystemInNamespace")
    document = at.document()
    table = at.table
    id = new_id()
    options = ctypes.create_string_buffer(48)  # HCS_CREATE_OPTIONS_1 with nothing but its version
    ctypes.c_uint32.from_buffer(options).value = 0x00010000
    made = call(
        table,
        "HcsCreateComputeSystemInNamespace",
        NAMESPACE,
        id,
        json.dumps(document),
        OPERATION,
        ctypes.cast(options, ctypes.c_void_p),
        HANDLE,
    )
    told: dict[str, Any] = {"create": made.told()}
    for function, place in (("HcsOpenComputeSystem", []), ("HcsOpenComputeSystemInNamespace", [wide(NAMESPACE)])):
        code, handle = table.handle_of(function, *place, wide(id), GENERIC_ALL)
        told[function] = spell(code)
        if handle is not None:
            table.HcsCloseComputeSystem(handle)
    query = json.dumps({"Ids": [id]})
    for function, place in (
        ("HcsEnumerateComputeSystems", []),
        ("HcsEnumerateComputeSystemsInNamespace", [NAMESPACE]),
    ):
        listed = call(table, function, *place, query, OPERATION)
        told[function] = {"result": spell(listed.result), "found": len(listed.document or [])}
    if made.handle is not None:
        call(table, "HcsTerminateComputeSystem", made.handle, OPERATION, None)
        table.HcsCloseComputeSystem(made.handle)
    at.seen("a system in a namespace, with and without its name", told)


@probe()
def crash(at: Bench) -> None:
    table = at.table
    system = at.start(at.vm_document())
    made = call(table, "HcsCrashComputeSystem", int(system.handle.as_raw()), OPERATION, '{"Type":"CrashGuest"}')
    told = made.told() | {"exits within 10 s": _watch.wait_exit(system.handle, 10)}
    told["properties then"] = properties(at, int(system.handle.as_raw()))
    at.seen("a virtual machine whose guest is made to crash", told)
    system.stop(grace=0)
    system.wait(PATIENCE)


@probe()
def modify_before_boot(at: Bench) -> None:
    table = at.table
    system = at.start(at.vm_document())
    request = {"ResourcePath": "VirtualMachine/ComputeTopology/Memory/SizeInMB", "RequestType": "Update"}
    told: list[Any] = []
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
    at.seen("a modify of a machine that has just started, and 2 and 4 s later", told)
    assert system.properties()["Id"] == system.id, "the machine is another one"


@probe(both_kinds=True)
def failed_property(at: Bench) -> None:
    running = at.start()
    table = at.table
    told: dict[str, Any] = {}
    queries: tuple[dict[str, Any], ...] = (
        {"PropertyTypes": ["Statistics", "ProcessList"]},
        {"PropertyTypes": ["Memory", "GuestConnection"]},
        {"Queries": {"Memory": {}, "Hcsrt": {}}},
    )
    for query in queries:
        text = json.dumps(query)
        told[text] = call(table, "HcsGetComputeSystemProperties", int(running.handle.as_raw()), OPERATION, text).told()
    at.seen("properties, some of which this system cannot have", told)
    assert running.properties()["Id"] == running.id, "the system is another one"


@probe(both_kinds=True)
def native_wait_times_out(at: Bench) -> None:
    at.need("HcsWaitForComputeSystemExit")
    running = at.start()
    table = at.table
    handle = int(running.handle.as_raw())
    begun = time.monotonic()
    code, document = table.document_of("HcsWaitForComputeSystemExit", handle, 200)
    told = {"code": spell(code), "document": parsed(document), "seconds": round(time.monotonic() - begun, 3)}
    running.terminate()
    code, document = table.document_of("HcsWaitForComputeSystemExit", handle, 60_000)
    told["after the exit"] = {"code": spell(code), "document": parsed(document)}
    at.seen("HcsWaitForComputeSystemExit with 200 ms, and after the exit", told)
    running.wait(PATIENCE)
