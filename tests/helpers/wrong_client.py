"""A client of the raw table that makes mistakes on purpose, and what tells of them.

On a real HCS a client like this may crash its process. The emulator says what was wrong, and goes on.
"""

import json
import re
import threading
from collections.abc import Callable
from ctypes import byref
from subprocess import list2cmdline
from typing import Any

from hcsrt import emulator
from hcsrt._check_host.raw_hcs import (
    FOREVER,
    GENERIC_ALL,
    Event,
    ProcessInformation,
    Table,
    TableInUse,
    completion,
    whole_event_callback,
    wide,
)
from hcsrt._codes import SYMBOLS
from hcsrt._hresults import HCS_E_OPERATION_TIMEOUT, S_OK
from hcsrt.emulator import Host
from hcsrt.faults import Fault

PATIENCE = 10.0
"""Seconds that whatever has to happen may take."""
GLIMPSE = 0.2
"""Seconds after which what cannot happen has not happened."""
TRIES = 200
"""How often something is tried that has to come in between two others; on an idle machine it does the first time."""

SYSTEM_EXITED = 1
SERVICE_DISCONNECT = 0x2000000


def symbol(hresult: int) -> str:
    """Return how an HRESULT is called."""
    return SYMBOLS.get(hresult, f"{hresult:#x}")


class Contexts:
    """What callbacks of a client use: memory that it has to free once, and no callback may use after that."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._allocated: set[int] = set()
        self._last = 0

    def allocate(self) -> int:
        self._last += 1
        self._allocated.add(self._last)
        return self._last

    def free(self, context: int | None) -> None:
        if context not in self._allocated:
            self._client.sees("a context freed twice")
        else:
            self._allocated.remove(context)

    def use(self, context: int | None) -> None:
        if context not in self._allocated:
            self._client.sees("a freed context")

    def __bool__(self) -> bool:
        return bool(self._allocated)


class Client:
    """A client of the raw table. What its methods do is right; a test adds the mistake."""

    def __init__(self, host: Host, *, faulty: bool) -> None:
        self.host = host
        # Nothing stands between a client and the referee unless it has to.
        self.hcs: Table = TableInUse() if faulty else Table()
        self.contexts = Contexts(self)
        self._seen: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._ends: list[Callable[[], object]] = []
        self._amends: list[Callable[[], object]] = []
        self._ids = 0

    # --- what tells of a mistake --------------------------------------------------------------------------------------

    def sees(self, what: str) -> None:
        """Note what a test of the client's own would find wrong."""
        self._seen.add(f"seen: {what}")

    def expects(self, function: str, result: int) -> None:
        """Note what HCS says if that is no success."""
        if result != S_OK:
            self._seen.add(f"refused: {function} {symbol(result)}")

    def signs(self, *, wrong: bool) -> set[str]:
        """Return all that tells of mistakes: of the referee's, of what is left behind, and of what was seen."""
        self._wait(lambda: not self._left(), 0.0 if wrong else PATIENCE)
        whistled = {re.sub(r": handle \S+ ", ": ", text.partition("; ")[0]) for text in emulator.misuses()}
        return self._seen | self._left() | {f"misuse: {text}" for text in whistled}

    def _left(self) -> set[str]:
        return {f"left: {name}={count}" for name, count in emulator.live().items() if count}

    def hangs(self, call: Callable[[], object], *, wrong: bool) -> None:
        """Note that a call does not return, on a thread of its own, until the host is gone or `at_end` was made."""
        thread = self.start(call)
        thread.join(GLIMPSE if wrong else PATIENCE)
        if thread.is_alive():
            self.sees("a wait without end")

    def start(self, call: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=call, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def at_end(self, call: Callable[[], object]) -> None:
        """Have something done before the last look, such as to let go on what hangs."""
        self._ends.append(call)

    def makes_amends(self, call: Callable[[], object]) -> None:
        """Have something done that was a mistake to leave out, after the last look."""
        self._amends.append(call)

    def end(self) -> None:
        """Do what was to be done before the last look."""
        while self._ends:
            self._ends.pop(0)()

    def make_amends(self) -> None:
        """Do what was to be done after the last look."""
        while self._amends:
            self._amends.pop(0)()

    def join(self) -> None:
        """Wait for the threads, which nothing keeps any more."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    @staticmethod
    def _wait(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
        """Return whether a condition comes true in time."""
        event = threading.Event()
        tries = int(seconds / 0.005)
        while not condition():
            if not tries:
                return False
            tries -= 1
            event.wait(0.005)
        return True

    wait_until = _wait

    # --- calls --------------------------------------------------------------------------------------------------------

    def operation(self, callback: Any = None, context: int | None = None) -> int:
        return self.hcs.HcsCreateOperation(context, callback)

    def fail(self, function: str, error: str, *, nth: int | None = None) -> Fault:
        """Have the calls of a function fail until the fault is removed, or only one of them."""
        return self.host.faults.on(function, nth=nth).fail(error)

    def hang(self, site: str) -> Fault:
        """Have the calls of a function not return, or with "completion:" in front not complete, until it is removed."""
        return self.host.faults.on(site).hang()

    def outcome(self, operation: int, milliseconds: int = FOREVER) -> tuple[int, str | None]:
        """Return the result of a call and its document."""
        return self.hcs.document_of("HcsWaitForOperationResult", operation, milliseconds)

    def call(self, function: str, *arguments: Any) -> tuple[int, str | None]:
        """Make a call whose second argument is an operation; return its result and its document."""
        operation = self.operation()
        result = getattr(self.hcs, function)(arguments[0], operation, *arguments[1:])
        said, document = self.outcome(operation)
        self.hcs.HcsCloseOperation(operation)
        return result or said, document

    def verb(self, function: str, handle: int, text: str | None = None) -> tuple[int, str | None]:
        """Make a call on a handle with options or a document."""
        return self.call(function, handle, wide(text) if text is not None else None)

    def new_id(self) -> str:
        self._ids += 1
        return f"hazards-{self._ids}"

    def begin_create(self, operation: int, id: str | None = None, document: Any = None) -> int:
        """Kick off the create of a system and return its handle."""
        document = emulator.container_document() if document is None else document
        text = document if isinstance(document, str) else json.dumps(document)
        arguments = (wide(id or self.new_id()), wide(text), operation, None)
        result, handle = self.hcs.handle_of("HcsCreateComputeSystem", *arguments)
        assert result == S_OK
        assert handle is not None
        return handle

    def create(self, id: str | None = None, document: Any = None) -> int:
        """Create a system and return its handle."""
        operation = self.operation()
        system = self.begin_create(operation, id, document)
        assert self.outcome(operation)[0] == S_OK
        self.hcs.HcsCloseOperation(operation)
        return system

    def started(self, id: str | None = None, document: Any = None) -> int:
        """Create and start a system and return its handle."""
        system = self.create(id, document)
        assert self.verb("HcsStartComputeSystem", system)[0] == S_OK
        return system

    def close(self, *systems: int) -> None:
        for system in systems:
            self.hcs.HcsCloseComputeSystem(system)

    def listen(self, handle: int, callback: Callable[[Event, int | None], None], context: int | None = None) -> None:
        """Set the event callback of a system."""
        function = whole_event_callback(callback)
        assert self.hcs.HcsSetComputeSystemCallback(handle, 0, context, function) == S_OK

    def completion(self, function: Callable[[int, int | None], None]) -> Any:
        """Return a completion callback, which gets the operation and the context."""
        return completion(function)

    def event_callback(self, function: Callable[[Event, int | None], None]) -> Any:
        """Return an event callback, which gets the event and the context."""
        return whole_event_callback(function)

    def begin_process(self, system: int, arguments: list[str], operation: int, **parameters: Any) -> int:
        """Kick off the create of a process and return its handle."""
        text = json.dumps({"CommandLine": list2cmdline(arguments), **parameters})
        result, process = self.hcs.handle_of("HcsCreateProcess", system, wide(text), operation, None)
        assert result == S_OK
        assert process is not None
        return process

    def process(self, system: int, arguments: list[str], **parameters: Any) -> tuple[int, ProcessInformation]:
        """Create a process and return its handle, and what the call has given beside it."""
        operation, info = self.operation(), ProcessInformation()
        process = self.begin_process(system, arguments, operation, **parameters)
        wait = ("HcsWaitForOperationResultAndProcessInfo", operation, FOREVER, byref(info))
        assert self.hcs.document_of(*wait)[0] == S_OK
        self.hcs.HcsCloseOperation(operation)
        return process, info

    def close_streams(self, info: ProcessInformation) -> None:
        for stream in (info.std_input, info.std_output, info.std_error):
            if stream is not None:
                assert self.hcs.close_handle(stream)

    def end_process(self, process: int, *, closes: bool = True) -> None:
        """Terminate a process, wait for its exit, and close its handle."""
        assert self.verb("HcsTerminateProcess", process)[0] == S_OK
        self.wait_for_exit(process)
        if closes:
            self.hcs.HcsCloseProcess(process)

    def wait_for_exit(self, process: int) -> None:
        assert self.hcs.document_of("HcsWaitForProcessExit", process, FOREVER)[0] == S_OK

    def state(self, system: int) -> str:
        result, document = self.verb("HcsGetComputeSystemProperties", system)
        assert result == S_OK
        return json.loads(document or "")["State"]

    def systems(self) -> set[str]:
        """Return the ids of all systems of the host."""
        operation = self.operation()
        assert self.hcs.HcsEnumerateComputeSystems(None, operation) == S_OK
        result, document = self.outcome(operation)
        self.hcs.HcsCloseOperation(operation)
        assert result == S_OK
        return {system["Id"] for system in json.loads(document or "")}

    def while_inside(self, system: int, action: Callable[[], None]) -> None:
        """Do something on another thread while a call on a handle is inside; needs calls that complete inside."""
        caller, met = threading.get_ident(), False
        for _ in range(TRIES):
            done = threading.Event()

            def completed(_operation: int, _context: int | None, done: threading.Event = done) -> None:
                nonlocal met
                if threading.get_ident() == caller:
                    met = True
                    self.start(action).join(PATIENCE)
                done.set()

            operation = self.operation(completion(completed))
            assert self.hcs.HcsGetComputeSystemProperties(system, operation, None) == S_OK
            assert done.wait(PATIENCE)
            self.hcs.HcsCloseOperation(operation)
            if met:
                return
        raise AssertionError("no call has completed inside")


def again(seen: Callable[[], object], attempt: Callable[[], object]) -> None:
    """Try something until it has come in between."""
    for _ in range(TRIES):
        attempt()
        if seen():
            return


__all__ = [
    "FOREVER",
    "GENERIC_ALL",
    "HCS_E_OPERATION_TIMEOUT",
    "PATIENCE",
    "SERVICE_DISCONNECT",
    "SYSTEM_EXITED",
    "Client",
    "again",
    "symbol",
]
