"""A client of computecore.dll in which hcsrt has no part: win32more declares all, from Microsoft's metadata.

    python tests/windows/client.py      prints what it saw as JSON; a traceback and exit code 1 on any surprise

It takes a compute system and two processes from create to close. Only at the end it asks hcsrt's emulator, which is
behind the stand-in computecore.dll of the test bed, what is still alive and what was misused.
"""

import json
import queue
import subprocess
import sys
from collections.abc import Callable
from ctypes import POINTER, GetLastError, WinError, byref, cast, create_string_buffer
from typing import Any

from win32more import FAILED, Byte, UInt32, VoidPtr
from win32more.Windows.Win32.Foundation import (
    ERROR_BROKEN_PIPE,
    ERROR_IO_PENDING,
    GENERIC_ALL,
    HCS_E_SYSTEM_NOT_FOUND,
    PWSTR,
    CloseHandle,
    LocalFree,
)
from win32more.Windows.Win32.Storage.FileSystem import ReadFile, WriteFile
from win32more.Windows.Win32.System import HostComputeSystem as hcs
from win32more.Windows.Win32.System.IO import OVERLAPPED, GetOverlappedResult
from win32more.Windows.Win32.System.Threading import CreateEventW

ID = "win32more-client"
CONTAINER = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Owner": "win32more",
    "ShouldTerminateOnLastHandleClosed": True,
    "Container": {
        "Storage": {
            "Layers": [{"Id": "0d5f6f0a-98c3-5a53-b7c4-3a1e6d2f7b90", "Path": "C:\\layers\\base"}],
            "Path": "\\\\?\\Volume{6f1d2c3b-4a59-4e68-8778-96a5b4c3d2e1}\\",
        }
    },
}
ECHO = "import sys; print(sys.argv[1], sys.stdin.read()); print('done', file=sys.stderr); sys.exit(7)"
SLEEP = "import time; time.sleep(600)"
CONTEXT = 4711
MILLISECONDS = 30_000


def check(result: int) -> None:
    if FAILED(result):
        raise WinError(result)


def text_of(string: Any) -> str | None:
    """Read a string that HCS gave, and free it."""
    text = string.value
    assert LocalFree(cast(string, VoidPtr)) is None
    return text


class Callbacks:
    """What HCS tells by callback; HCS may use a callback as long as its handle is open, so this has to live as long."""

    def __init__(self) -> None:
        self.calls: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.event = hcs.HCS_EVENT_CALLBACK(self._event)
        self.completion = hcs.HCS_OPERATION_COMPLETION(self._completion)

    def _event(self, event: Any, context: int) -> None:
        self.calls.put((event.contents.Type, event.contents.EventData, context))

    def _completion(self, operation: int, context: int) -> None:
        self.calls.put((operation, context))

    def next(self) -> tuple[Any, ...]:
        return self.calls.get(timeout=MILLISECONDS / 1000)


def finish(start: Callable[[Any], int], information: Any = None) -> str | None:
    """Return the document of a call that is started with an operation of its own."""
    operation = hcs.HcsCreateOperation(None, None)
    assert operation
    try:
        check(start(operation))
        string = PWSTR()
        if information is None:
            result = hcs.HcsWaitForOperationResult(operation, MILLISECONDS, byref(string))
        else:
            result = hcs.HcsWaitForOperationResultAndProcessInfo(
                operation, MILLISECONDS, byref(information), byref(string)
            )
        document = text_of(string)
        check(result)
        return document
    finally:
        hcs.HcsCloseOperation(operation)


def transfer(function: Any, handle: int, buffer: Any, size: int) -> int:
    """Bytes that an overlapped read or write has moved; 0 at the end of the pipe."""
    overlapped = OVERLAPPED()
    overlapped.hEvent = CreateEventW(None, True, False, None)
    moved = UInt32()
    try:
        started = function(handle, cast(buffer, POINTER(Byte)), size, None, byref(overlapped))
        pending = started or GetLastError() == ERROR_IO_PENDING
        if pending and GetOverlappedResult(handle, byref(overlapped), byref(moved), True):
            return moved.value
        if GetLastError() == ERROR_BROKEN_PIPE:
            return 0
        raise WinError()
    finally:
        assert CloseHandle(overlapped.hEvent)


def read_to_end(handle: int) -> str:
    buffer = create_string_buffer(4096)
    parts = []
    while size := transfer(ReadFile, handle, buffer, len(buffer)):
        parts.append(buffer.raw[:size])
    assert CloseHandle(handle)
    return b"".join(parts).decode()


def create_process(system: Any, *arguments: str, pipes: bool) -> tuple[Any, Any]:
    parameters = {
        "CommandLine": subprocess.list2cmdline([sys.executable, "-c", *arguments]),
        "Environment": {"PYTHONUTF8": "1"},
        "CreateStdInPipe": pipes,
        "CreateStdOutPipe": pipes,
        "CreateStdErrPipe": pipes,
    }
    process, information = hcs.HCS_PROCESS(), hcs.HCS_PROCESS_INFORMATION()
    finish(
        lambda operation: hcs.HcsCreateProcess(system, json.dumps(parameters), operation, None, byref(process)),
        information,
    )
    return process, information


def talk(system: Any, callbacks: Callbacks) -> dict[str, Any]:
    """Run a process with pipes: it is written to, read from, and ends by itself."""
    process, information = create_process(system, ECHO, "käse und brot", pipes=True)
    check(hcs.HcsSetProcessCallback(process, hcs.HcsEventOptionNone, CONTEXT, callbacks.event))
    sent = "über".encode()
    assert transfer(WriteFile, information.StdInput, create_string_buffer(sent), len(sent)) == len(sent)
    end_of_input = {"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}
    finish(lambda operation: hcs.HcsModifyProcess(process, operation, json.dumps(end_of_input)))
    assert CloseHandle(information.StdInput)
    out, err = read_to_end(information.StdOutput), read_to_end(information.StdError)
    kind, data, context = callbacks.next()
    status = finish(lambda operation: hcs.HcsGetProcessProperties(process, operation, None))
    hcs.HcsCloseProcess(process)
    assert (kind, context) == (hcs.HcsEventProcessExited, CONTEXT)
    assert status is not None
    return {
        "id": information.ProcessId,
        "out": out,
        "err": err,
        "event": json.loads(data),
        "status": json.loads(status),
    }


def kill(system: Any, callbacks: Callbacks) -> dict[str, Any]:
    """Run a process without pipes, open it a second time by its id, and terminate it."""
    process, information = create_process(system, SLEEP, pipes=False)
    handles = [information.StdInput, information.StdOutput, information.StdError]
    check(hcs.HcsSetProcessCallback(process, hcs.HcsEventOptionNone, CONTEXT, callbacks.event))
    other = hcs.HCS_PROCESS()
    check(hcs.HcsOpenProcess(system, information.ProcessId, GENERIC_ALL, byref(other)))
    finish(lambda operation: hcs.HcsTerminateProcess(other, operation, None))
    kind, data, context = callbacks.next()
    hcs.HcsCloseProcess(other)
    hcs.HcsCloseProcess(process)
    assert (kind, context) == (hcs.HcsEventProcessExited, CONTEXT)
    return {"handles": handles, "event": json.loads(data)}


def properties(system: Any, callbacks: Callbacks) -> dict[str, Any]:
    """Return the properties of the system, by an operation whose completion comes by callback."""
    operation = hcs.HcsCreateOperation(CONTEXT, callbacks.completion)
    check(hcs.HcsGetComputeSystemProperties(system, operation, None))
    assert callbacks.next() == (operation, CONTEXT)
    string = PWSTR()
    check(hcs.HcsGetOperationResult(operation, byref(string)))
    assert hcs.HcsGetOperationContext(operation) == CONTEXT
    assert hcs.HcsGetOperationType(operation) == hcs.HcsOperationTypeGetProperties
    hcs.HcsCloseOperation(operation)
    document = text_of(string)
    assert document is not None
    return json.loads(document)


def main() -> None:
    callbacks = Callbacks()
    seen: dict[str, Any] = {}

    system = hcs.HCS_SYSTEM()
    configuration = json.dumps(CONTAINER)
    finish(lambda operation: hcs.HcsCreateComputeSystem(ID, configuration, operation, None, byref(system)))
    check(hcs.HcsSetComputeSystemCallback(system, hcs.HcsEventOptionNone, CONTEXT, callbacks.event))
    finish(lambda operation: hcs.HcsStartComputeSystem(system, operation, None))
    seen["properties"] = properties(system, callbacks)
    seen["talk"] = talk(system, callbacks)
    seen["kill"] = kill(system, callbacks)

    query = json.dumps({"Ids": [ID]})
    listed = finish(lambda operation: hcs.HcsEnumerateComputeSystems(query, operation))
    assert listed is not None
    seen["enumerated"] = [found["Id"] for found in json.loads(listed)]

    finish(lambda operation: hcs.HcsTerminateComputeSystem(system, operation, None))
    kind, data, context = callbacks.next()
    assert (kind, context) == (hcs.HcsEventSystemExited, CONTEXT)
    seen["event"] = json.loads(data)
    hcs.HcsCloseComputeSystem(system)
    assert hcs.HcsOpenComputeSystem(ID, GENERIC_ALL, byref(hcs.HCS_SYSTEM())) == HCS_E_SYSTEM_NOT_FOUND
    assert callbacks.calls.empty()

    from hcsrt import emulator

    print(json.dumps({**seen, "live": emulator.live(), "misuses": emulator.misuses()}))


if __name__ == "__main__":
    # An exception in a callback has nobody else to tell.
    unraisable: list[str] = []
    sys.unraisablehook = lambda args: unraisable.append(repr(args.exc_value))
    main()
    sys.exit("\n".join(unraisable) or None)
