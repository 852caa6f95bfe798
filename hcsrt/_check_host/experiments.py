"""What may crash or hang the process that tries it, or leaves callbacks behind: each runs in a process of its own.

An experiment takes and returns what JSON can tell. Its system goes with the process: documents say
ShouldTerminateOnLastHandleClosed.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from ctypes import c_uint32, c_void_p
from typing import Any

import hcsrt

from .. import doctor
from . import processes
from .raw_calls import HANDLE, OPERATION, Call, begin, call, close_process, create_process, parsed, spell
from .raw_hcs import Event, Table, TableInUse, completion, read, whole_event_callback, wide

HOLD = 0.5
"""Seconds that a callback takes where something else is to happen meanwhile."""
PATIENCE = 10.0
"""Seconds in which a callback has to come."""
QUIET = 2.0
"""Seconds without a callback after which none is taken to come any more."""


def run(experiment: Callable[..., Any], *arguments: Any, seconds: float = 120.0) -> dict[str, Any]:
    """Run an experiment in a process of its own, and return what it has returned, or how the process ended."""
    try:
        done = subprocess.run(
            command(experiment, *arguments),
            env=processes.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"hung for seconds": seconds}
    if done.returncode:
        return {"exit code": f"0x{done.returncode & 0xFFFFFFFF:X}", "stderr": done.stderr[-2000:]}
    return json.loads(done.stdout.splitlines()[-1])


def command(experiment: Callable[..., Any], *arguments: Any) -> list[str]:
    return processes.command("experiments", hcsrt.backend(), experiment.__name__, *map(json.dumps, arguments))


class Recorder:
    """An event callback that keeps what it is given."""

    def __init__(self, hold: float = 0.0) -> None:
        self.types: list[str] = []
        self.threads: list[int] = []
        self.documents: list[Any] = []
        self.at_once = self.most_at_once = 0
        self.came = threading.Event()
        self.returned = threading.Event()
        self._hold = hold
        self._lock = threading.Lock()
        self.callback = whole_event_callback(self._take)

    def _take(self, event: Event, context: int | None) -> None:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.types.append(f"0x{event.type:X}")
            self.threads.append(threading.get_native_id())
            self.documents.append(parsed(read(event.data)) if event.data else None)
        self.came.set()
        time.sleep(self._hold)
        with self._lock:
            self.at_once -= 1
        self.returned.set()


def create(table: Table, document: dict[str, Any]) -> int:
    """Create a system, and return its handle."""
    made = call(table, "HcsCreateComputeSystem", f"Hcsrt-{uuid.uuid4()}", json.dumps(document), OPERATION, None, HANDLE)
    assert made.result == 0, made.told()
    assert made.handle is not None
    return made.handle


def start(table: Table, system: int) -> None:
    started = call(table, "HcsStartComputeSystem", system, OPERATION, None)
    assert started.result == 0, started.told()


def terminate(table: Table, system: int) -> Call:
    return call(table, "HcsTerminateComputeSystem", system, OPERATION, None)


def register(table: Table, system: int, recorder: Recorder) -> int:
    return table.HcsSetComputeSystemCallback(system, 0, None, recorder.callback)


# --- operations -----------------------------------------------------------------------------------------------------


def close_with_callback(rounds: int) -> dict[str, Any]:
    """Close operations while their completion callback runs, and right after the kick-off."""
    table = TableInUse()
    running, returned = threading.Event(), threading.Event()

    def hold(operation: int, context: int | None) -> None:
        running.set()
        time.sleep(HOLD)
        returned.set()

    operation = table.HcsCreateOperation(None, completion(hold))
    kicked_off = table.HcsEnumerateComputeSystems(None, operation)
    assert kicked_off == 0, spell(kicked_off)
    came = running.wait(PATIENCE)
    table.HcsCloseOperation(operation)
    waited = returned.is_set()
    returned.wait(PATIENCE if came else 0)

    closed = 0
    before: list[int] = []
    after: list[int] = []

    def count(operation: int, context: int | None) -> None:
        # The context is the number of the round: operations come again at the same address.
        (before if context is None or context > closed else after).append(operation)

    counting = completion(count)
    for number in range(1, rounds + 1):
        operation = table.HcsCreateOperation(number, counting)
        assert table.HcsEnumerateComputeSystems(None, operation) == 0
        table.HcsCloseOperation(operation)
        closed = number
    time.sleep(QUIET)
    return {
        "callback came": came,
        "close waited for the running callback": waited,
        "closed at once": rounds,
        "callbacks before the close returned": len(before),
        "callbacks after the close returned": len(after),
    }


def wait_and_callback() -> dict[str, Any]:
    """Wait on an operation that has a completion callback."""
    table = TableInUse()
    came = threading.Event()
    operation = table.HcsCreateOperation(None, completion(lambda operation, context: came.set()))
    kicked_off = table.HcsEnumerateComputeSystems(None, operation)
    result, document = table.document_of("HcsWaitForOperationResult", operation, int(PATIENCE * 1000))
    had_come = came.is_set()
    seen = {
        "kick-off": spell(kicked_off),
        "wait": spell(result),
        "wait has the document": document is not None,
        "callback had come when the wait returned": had_come,
        "callback came": came.wait(QUIET),
    }
    table.HcsCloseOperation(operation)
    return seen


def completions(rounds: int) -> dict[str, Any]:
    """Count how often a completion callback comes, on which thread, and before its kick-off has returned."""
    table = TableInUse()
    caller = threading.get_native_id()
    on_caller, early, counts = 0, 0, [0] * rounds
    returned = [False] * rounds

    def complete(operation: int, context: int | None) -> None:
        nonlocal on_caller, early
        number = (context or 0) - 1
        counts[number] += 1
        on_caller += threading.get_native_id() == caller
        early += not returned[number]

    callback = completion(complete)
    operations: list[int] = []
    for number in range(rounds):
        operation = table.HcsCreateOperation(number + 1, callback)
        assert table.HcsEnumerateComputeSystems(None, operation) == 0
        returned[number] = True
        operations.append(operation)
    end = time.monotonic() + PATIENCE
    while 0 in counts and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(QUIET)
    seen = {
        "operations": rounds,
        "callbacks that came once": counts.count(1),
        "callbacks that did not come": counts.count(0),
        "on the thread of the call": on_caller,
        "before the kick-off had returned, or while the caller came back from it": early,
    }
    for operation in operations:
        table.HcsCloseOperation(operation)
    return seen


def callback_of_failed_kick_off(documents: list[str]) -> dict[str, Any]:
    """Create systems of documents that HCS refuses, by operations with completion callbacks."""
    table = TableInUse()
    called: list[int] = []
    counting = completion(lambda operation, context: called.append(context or 0))
    told: list[dict[str, Any]] = []
    operations: list[int] = []
    for number, document in enumerate(documents, 1):
        operation = table.HcsCreateOperation(number, counting)
        name, text = wide(f"Hcsrt-{uuid.uuid4()}"), wide(document)
        kicked_off, system = table.handle_of("HcsCreateComputeSystem", name, text, operation, None)
        result = table.wait(operation)
        if system is not None:
            table.HcsCloseComputeSystem(system)
        operations.append(operation)
        told.append({"kick-off": spell(kicked_off), "result": spell(result)})
    time.sleep(QUIET)
    for number, operation in enumerate(operations, 1):
        table.HcsCloseOperation(operation)
        told[number - 1]["callbacks"] = called.count(number)
    return {"creates": told}


def late_callback() -> dict[str, Any]:
    """Set a completion callback after the kick-off, and one after the result."""
    table = TableInUse()
    seen: dict[str, Any] = {}
    for when in ("after the kick-off", "after the result"):
        count: list[int] = []
        operation = table.HcsCreateOperation(None, None)
        assert table.HcsEnumerateComputeSystems(None, operation) == 0
        if when == "after the result":
            assert table.wait(operation) == 0
        callback = completion(lambda operation, context, count=count: count.append(operation))
        code = table.HcsSetOperationCallback(operation, None, callback)
        result = table.wait(operation)
        time.sleep(QUIET)
        seen[when] = {"set": spell(code), "result": spell(result), "callbacks": len(count)}
        table.HcsCloseOperation(operation)
    return seen


def notifications(document: dict[str, Any]) -> dict[str, Any]:
    """Start a system with notifications, and set a callback when that is over."""
    table = TableInUse()
    system = create(table, document)
    recorder, late = Recorder(), Recorder()
    progress = 1  # HcsOperationOptionProgressUpdate
    operation = table.HcsCreateOperationWithNotifications(progress, None, recorder.callback)
    if not operation:
        return {"operation": None}
    kicked_off = table.HcsStartComputeSystem(system, operation, None)
    result = table.wait(operation, 60_000)
    time.sleep(QUIET)
    code = table.HcsSetOperationCallback(operation, None, completion(lambda operation, context: late.came.set()))
    seen = {
        "kick-off": spell(kicked_off),
        "result": spell(result),
        "notifications": [
            {"type": type, "document": document}
            for type, document in zip(recorder.types, recorder.documents, strict=True)
        ],
        "completion callback set when it had completed": spell(code),
        "that callback came": late.came.wait(QUIET),
    }
    table.HcsCloseOperation(operation)
    terminate(table, system)
    table.HcsCloseComputeSystem(system)
    return seen


# --- events ---------------------------------------------------------------------------------------------------------


def threads(document: dict[str, Any], count: int) -> dict[str, Any]:
    """Have many processes exit at once."""
    table = TableInUse()
    system = create(table, document)
    start(table, system)
    recorder = Recorder(hold=HOLD)
    processes: list[Call] = []
    for _ in range(count):
        # It waits for its input, so that it is there when its callback is registered.
        made = create_process(table, system, CommandLine="cmd", CreateStdInPipe=True)
        assert made.result == 0, made.told()
        assert table.HcsSetProcessCallback(made.handle, 0, None, recorder.callback) == 0
        processes.append(made)
    terminated = terminate(table, system)
    end = time.monotonic() + PATIENCE + HOLD * count
    while (recorder.at_once or len(recorder.types) < count) and time.monotonic() < end:
        time.sleep(0.05)
    for made in processes:
        close_process(table, made)
    table.HcsCloseComputeSystem(system)
    return {
        "terminate": spell(terminated.result),
        "processes": count,
        "events": recorder.types,
        "threads": len(set(recorder.threads)),
        "on the thread that called HCS": threading.get_native_id() in recorder.threads,
        "most callbacks at once": recorder.most_at_once,
    }


def register_twice(document: dict[str, Any]) -> dict[str, Any]:
    """Set a second event callback on one handle."""
    table = TableInUse()
    system = create(table, document)
    first, second = Recorder(), Recorder()
    codes = [register(table, system, recorder) for recorder in (first, second)]
    start(table, system)
    terminated = terminate(table, system)
    time.sleep(QUIET)
    table.HcsCloseComputeSystem(system)
    return {
        "first": spell(codes[0]),
        "second": spell(codes[1]),
        "terminate": spell(terminated.result),
        "events of the first": first.types,
        "events of the second": second.types,
    }


def register_after_exit(document: dict[str, Any]) -> dict[str, Any]:
    """Set an event callback when the exit has happened."""
    table = TableInUse()
    system = create(table, document)
    start(table, system)
    seen: dict[str, Any] = {}
    if "Container" in document and sys.platform == "win32":
        made = create_process(table, system, CommandLine="cmd /c exit 4")
        assert made.result == 0, made.told()
        end = time.monotonic() + PATIENCE
        status: Any = {}
        while not status.get("Exited") and time.monotonic() < end:
            time.sleep(0.1)
            status = call(table, "HcsGetProcessProperties", made.handle, OPERATION, None).document or {}
        recorder = Recorder()
        code = table.HcsSetProcessCallback(made.handle, 0, None, recorder.callback)
        seen["process"] = {
            "exited": status.get("Exited"),
            "registered": spell(code),
            "event comes": recorder.came.wait(QUIET),
        }
        close_process(table, made)
    end_seen_elsewhere(table, system)
    recorder = Recorder()
    code = register(table, system, recorder)
    seen["system"] = {"registered": spell(code), "event comes": recorder.came.wait(QUIET)}
    table.HcsCloseComputeSystem(system)
    return seen


def failed_registration(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Set event callbacks that may be refused, and see whether they are called all the same."""
    table = TableInUse()
    system = create(table, document)
    start(table, system)
    first, second, late = Recorder(), Recorder(), Recorder()
    codes = {"first": register(table, system, first), "second": register(table, system, second)}
    end_seen_elsewhere(table, system)
    codes["after the exit"] = register(table, system, late)
    time.sleep(QUIET)
    table.HcsCloseComputeSystem(system)
    time.sleep(QUIET)
    recorders = (first, second, late)
    return [
        {"registration": name, "result": spell(code), "events": recorder.types}
        for (name, code), recorder in zip(codes.items(), recorders, strict=True)
    ]


def end_seen_elsewhere(table: Table, system: int) -> None:
    """Terminate a system and wait for the event of its exit, on a handle of its own."""
    properties = call(table, "HcsGetComputeSystemProperties", system, OPERATION, None)
    assert properties.result == 0, properties.told()
    other = table.open_system(properties.document["Id"])
    recorder = Recorder()
    assert register(table, other, recorder) == 0
    terminated = terminate(table, system)
    assert recorder.came.wait(PATIENCE), terminated.told()
    table.HcsCloseComputeSystem(other)


def close_drains(document: dict[str, Any]) -> dict[str, Any]:
    """Close a system while an event callback runs on the handle."""
    table = TableInUse()
    system = create(table, document)
    recorder = Recorder(hold=HOLD * 2)
    registered = register(table, system, recorder)
    assert registered == 0, spell(registered)
    start(table, system)
    terminated = begin(table, "HcsTerminateComputeSystem", system, OPERATION, None)
    came = recorder.came.wait(PATIENCE)
    begun = time.monotonic()
    table.HcsCloseComputeSystem(system)
    waited = recorder.returned.is_set()
    seconds = time.monotonic() - begun
    events = len(recorder.types)
    time.sleep(QUIET)
    terminated.finish()
    return {
        "callback came": came,
        "close waited for the running callback": waited,
        "close took seconds": round(seconds, 3),
        "callbacks after the close returned": len(recorder.types) - events,
    }


def close_in_callback(document: dict[str, Any]) -> dict[str, Any]:
    """Close a system inside the handle's own event callback."""
    table = TableInUse()
    system = create(table, document)
    closing, closed = threading.Event(), threading.Event()

    def close(event: Event, context: int | None) -> None:
        if not closing.is_set():
            closing.set()
            table.HcsCloseComputeSystem(system)
            closed.set()

    registered = table.HcsSetComputeSystemCallback(system, 0, None, whole_event_callback(close))
    assert registered == 0, spell(registered)
    start(table, system)
    terminated = begin(table, "HcsTerminateComputeSystem", system, OPERATION, None)
    came = closing.wait(PATIENCE)
    returned = closed.wait(PATIENCE)
    # Nothing here can be trusted to end any more, the exit of the interpreter least of all.
    print(json.dumps({"callback came": came, "close returned": returned, "kick-off": spell(terminated.kicked_off)}))
    sys.stdout.flush()
    os._exit(0)


# --- memory ---------------------------------------------------------------------------------------------------------


def is_heap_block(address: int) -> bool | None:
    """Return whether an address is a block of the process heap, as those of LocalAlloc and CoTaskMemAlloc are."""
    if sys.platform != "win32":
        return None
    kernel32 = ctypes.WinDLL("kernel32.dll")
    kernel32.GetProcessHeap.restype = c_void_p
    kernel32.HeapValidate.argtypes = (c_void_p, c_uint32, c_void_p)
    return bool(kernel32.HeapValidate(kernel32.GetProcessHeap(), 0, address))


def event_data(document: dict[str, Any]) -> dict[str, Any]:
    """Find out whose memory the document of an event is: that of HCS, or of whoever gets it."""
    table = TableInUse()
    system = create(table, document)
    addresses: list[int] = []
    inside: list[bool | None] = []

    def look(event: Event, context: int | None) -> None:
        if event.data:
            addresses.append(event.data)
            inside.append(is_heap_block(event.data))

    assert table.HcsSetComputeSystemCallback(system, 0, None, whole_event_callback(look)) == 0
    start(table, system)
    terminated = terminate(table, system)
    time.sleep(QUIET)
    after = [is_heap_block(address) for address in addresses]
    table.HcsCloseComputeSystem(system)
    return {
        "terminate": spell(terminated.result),
        "events with a document": len(addresses),
        "a block of the heap in the callback": inside,
        "a block of the heap after it": after,
    }


def own_copies() -> dict[str, Any]:
    """Ask for the result of one operation more than once."""
    table = TableInUse()
    operation = table.HcsCreateOperation(None, None)
    assert table.HcsEnumerateComputeSystems(None, operation) == 0
    addresses: list[int | None] = []
    codes: list[int] = []
    for function, *arguments in (
        ("HcsWaitForOperationResult", operation, int(PATIENCE * 1000)),
        ("HcsGetOperationResult", operation),
        ("HcsGetOperationResult", operation),
    ):
        text = c_void_p()
        codes.append(getattr(table, function)(*arguments, ctypes.byref(text)))
        addresses.append(text.value)
    given = [address for address in addresses if address is not None]
    for address in set(given):
        table.free_string(address)
    table.HcsCloseOperation(operation)
    return {
        "results": [spell(code) for code in codes],
        "documents": len(given),
        "different documents": len(set(given)),
    }


def service_strings() -> dict[str, Any]:
    """Release the strings of the service calls with LocalFree."""
    table = TableInUse()
    seen: dict[str, Any] = {}
    requests: dict[str, dict[str, Any]] = {
        "HcsGetServiceProperties": {"PropertyTypes": ["Basic"]},
        "HcsModifyServiceSettings": {"PropertyType": "Hcsrt", "Settings": {}},
    }
    for function, document in requests.items():
        text = c_void_p()
        code = getattr(table, function)(wide(json.dumps(document)), ctypes.byref(text))
        address = text.value
        seen[function] = {"result": spell(code), "document": parsed(read(address)) if address else None}
        if address:
            seen[function]["a block of the heap"] = is_heap_block(address)
            table.free_string(address)
            seen[function]["a block of the heap after LocalFree"] = is_heap_block(address)
    return seen


# --- accounts -------------------------------------------------------------------------------------------------------


def account() -> dict[str, Any]:
    """Ask the doctor and HCS as the account that this runs as."""
    findings = {found.name: found for found in doctor.examine(timeout=60)}
    seen: dict[str, Any] = {name: vars(findings[name]) for name in ("account", "hcs") if name in findings}
    table = TableInUse()
    code, _ = table.document_of("HcsGetServiceProperties", None)
    seen["HcsGetServiceProperties"] = spell(code)
    seen["HcsEnumerateComputeSystems"] = spell(call(table, "HcsEnumerateComputeSystems", None, OPERATION).result)
    return seen


if __name__ == "__main__":
    backend, name, *arguments = sys.argv[1:]
    if backend == "emulator":
        hcsrt.emulator.install()
    print(json.dumps(globals()[name](*map(json.loads, arguments))))
