"""The service's knowledge: compute systems, their processes, and which of them a request is about.

Used on the service's one thread; it needs no locks.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from math import inf
from typing import Any

from .._hresults import (
    ERROR_NOT_FOUND,
    HCS_E_INVALID_STATE,
    HCS_E_SYSTEM_NOT_FOUND,
)
from . import _native
from .failures import Failure, signed
from .usage import Meter, Usage
from .variation import Variation

GRACEFUL, FORCED, UNEXPECTED = "GracefulExit", "ForcedExit", "UnexpectedExit"


class Process:
    """A process of a compute system: a real program, from its start until nobody can ask for it any more."""

    __slots__ = (
        "crashed",
        "exit_code",
        "group_gone",
        "held",
        "info_owed",
        "is_console",
        "key",
        "lost",
        "pid",
        "system",
        "terminated",
    )

    def __init__(self, key: int, pid: int, system: System, *, is_console: bool) -> None:
        self.key: int = key
        self.pid: int = pid
        self.system: System = system
        self.is_console: bool = is_console
        self.exit_code: int | None = None
        # Whether its exit code went to somebody else: this process ignores SIGCHLD, or waits for all its children.
        self.lost: bool = False
        # Whether its process group is empty: other processes may have its pid then.
        self.group_gone: bool = False
        self.terminated: bool = False
        # Whether a fault has ended it as a crash does.
        self.crashed: bool = False
        # Whether a handle to it is open.
        self.held: bool = True
        # Whether its creator was told of a failure and has yet to fetch what a success would have given.
        self.info_owed: bool = False

    @property
    def exited(self) -> bool:
        """Whether the program has ended."""
        return self.exit_code is not None

    def signal(self, number: int) -> bool:
        """Send a signal, 0 for none, to its process group; False if nobody is left there."""
        if self.group_gone:
            return False
        reached = _native.signal(self.key, number)
        self.group_gone = self.exited and not reached
        return reached

    def account(self) -> tuple[Usage, int]:
        """Return what the system has counted for it, and its peak of memory."""
        usage, peak = _native.usage(self.key)
        return Usage(*usage), peak

    def status(self) -> dict[str, object]:
        """Return the ProcessStatus of an ended process."""
        result = signed(ERROR_NOT_FOUND) if self.lost else 0
        return {"ProcessId": self.pid, "Exited": True, "ExitCode": self.exit_code, "LastWaitResult": result}


class System:
    """A compute system, from its creation until it has stopped and no handle to it is open."""

    def __init__(
        self, key: int, scope: str, id: str, document: dict[str, Any], host: System | None, runtime_id: str
    ) -> None:
        self.key = key
        # The namespace, in which its id is its own; the empty one is that of the calls which name none.
        self.scope = scope
        self.id = id
        self.document = document
        # Resources that it was given and that have no place in a document, in the same form.
        self.beside: dict[str, Any] = {}
        self.host = host
        self.runtime_id = runtime_id
        self.state = "Created"
        self.started: datetime | None = None
        self.processes: dict[int, Process] = {}
        # The newest of them with each pid.
        self.pids: dict[int, Process] = {}
        # How many of them have not ended.
        self.running: int = 0
        # Those that have ended without a handle, and have left something behind in their groups.
        self.leftovers: dict[int, Process] = {}
        # The systems that it hosts and that have not stopped.
        self.guests: dict[int, System] = {}
        self.meter: Meter = Meter()
        # Whether a handle to it is open, and whether one ever was.
        self.held = self.opened = True
        # The ExitType, once something makes it end.
        self.exit_type: str | None = None
        # The AttributionRecords of its end.
        self.attribution: list[dict[str, Any]] = []
        self.shutdown_ticket = 0
        self.terminate_ticket = 0
        # The end of the wait for its processes, and the next look at them, on the monotonic clock.
        self.deadline: float = 0.0
        self.look_at: float = inf

    @property
    def type(self) -> str:
        """The SystemType."""
        return "VirtualMachine" if "VirtualMachine" in self.document else "Container"

    @property
    def owner(self) -> str | None:
        """The owner that the document names."""
        return self.document.get("Owner")

    @property
    def hosting_id(self) -> str | None:
        """The id of the virtual machine that hosts this system."""
        return self.document.get("HostingSystemId")

    @property
    def terminate_on_last_handle_closed(self) -> bool:
        """Whether the last close ends it."""
        return bool(self.document.get("ShouldTerminateOnLastHandleClosed"))

    @property
    def guest_connection(self) -> bool:
        """Whether it is a virtual machine whose guest the service can talk to."""
        return "GuestConnection" in self.document.get("VirtualMachine", {})

    @property
    def linux(self) -> bool:
        """Whether its guest takes command lines and signals as Linux guests do."""
        machine = self.host or self
        return "LinuxKernelDirect" in machine.document.get("VirtualMachine", {}).get("Chipset", {})

    @property
    def runs_processes(self) -> bool:
        """Whether processes can be created in it."""
        return self.type == "Container" or self.guest_connection

    @property
    def stopping(self) -> bool:
        """Whether it is on its way down, or there already."""
        return self.exit_type is not None

    @property
    def killed(self) -> bool:
        """Whether it is being ended by force, or has stopped: there is no more that could be done to end it."""
        return self.exit_type in (FORCED, UNEXPECTED) or self.state == "Stopped"


class Model:
    """All compute systems and processes of the service."""

    def __init__(self, variation: Variation) -> None:
        self.variation = variation
        self.systems: dict[int, System] = {}
        # The same by namespace and id, which those that have stopped may have had before: the newest comes last.
        self._named: dict[tuple[str, str], dict[int, System]] = {}
        # The systems that have not stopped, by namespace, and by id in there.
        self._live: dict[str, dict[str, System]] = {}
        # The same by namespace and owner, of those that have one.
        self._owned: dict[tuple[str, str], dict[int, System]] = {}
        self.processes: dict[int, Process] = {}

    def add_system(self, system: System) -> None:
        """Add a new compute system."""
        self.systems[system.key] = system
        self._named.setdefault((system.scope, system.id), {})[system.key] = system
        self._live.setdefault(system.scope, {})[system.id] = system
        if system.owner is not None:
            self._owned.setdefault((system.scope, system.owner), {})[system.key] = system
        if system.host is not None:
            system.host.guests[system.key] = system

    def end_system(self, system: System) -> None:
        """Let another system have the id of one that has stopped."""
        live = self._live[system.scope]
        del live[system.id]
        if not live:
            del self._live[system.scope]
        if system.owner is not None:
            owned = self._owned[system.scope, system.owner]
            del owned[system.key]
            if not owned:
                del self._owned[system.scope, system.owner]
        if system.host is not None:
            system.host.guests.pop(system.key, None)

    def forget_system(self, system: System) -> None:
        """Drop a system that has stopped and has no handle any more."""
        del self.systems[system.key]
        named = self._named[system.scope, system.id]
        del named[system.key]
        if not named:
            del self._named[system.scope, system.id]

    def live_system(self, scope: str, id: str) -> System | None:
        """Return the system with that id that has not stopped."""
        return self._live.get(scope, {}).get(id)

    def live_systems(self, scope: str) -> Collection[System]:
        """Return the systems of a namespace that have not stopped, the oldest first."""
        return self._live.get(scope, {}).values()

    def owned_systems(self, scope: str, owner: str) -> Collection[System]:
        """Return the systems of an owner in a namespace that have not stopped, the oldest first."""
        return self._owned.get((scope, owner), {}).values()

    def all_live_systems(self) -> list[System]:
        """Return the systems of all namespaces that have not stopped. On any thread."""
        return [system for live in list(self._live.values()) for system in list(live.values())]

    def newest_system(self, scope: str, id: str) -> System | None:
        """Return the newest system with that id, which may have stopped."""
        named = self._named.get((scope, id))
        return None if named is None else named[next(reversed(named))]

    def add_process(self, process: Process) -> None:
        """Add a new process to its system."""
        self.processes[process.key] = process.system.processes[process.key] = process
        process.system.pids[process.pid] = process
        process.system.running += 1

    def system_of(self, request: _native.Request) -> System:
        system = self.systems.get(request.system)
        if system is None:
            # The handle of a failed create leads nowhere, and never to another system of the same id.
            raise Failure(HCS_E_SYSTEM_NOT_FOUND, "The compute system was not created.")
        return system

    def live_system_of(self, request: _native.Request) -> System:
        system = self.system_of(request)
        if system.state == "Stopped":
            hresult = self.variation.hresult("call_on_stopped_system")
            raise Failure(hresult, "The compute system has stopped; only its exit status is left.")
        if system.stopping:
            raise Failure(HCS_E_INVALID_STATE, "The compute system is being stopped.")
        return system

    def process_of(self, request: _native.Request) -> Process:
        process = self.processes.get(request.process)
        if process is None:
            raise Failure(ERROR_NOT_FOUND, "The process was not created.")
        return process

    def running_process_of(self, request: _native.Request) -> Process:
        process = self.process_of(request)
        if process.exited:
            raise self.gone()
        return process

    def no_guest(self, message: str) -> Failure:
        return Failure(self.variation.hresult("no_guest"), message)

    def gone(self) -> Failure:
        return Failure(self.variation.hresult("call_on_exited_process"), "The process has exited.")

    def forget_if_unused(self, process: Process) -> None:
        """Drop an ended process without handles, unless it left something behind that the system's end has to kill."""
        if process.held or not process.exited:
            return
        system = process.system
        if system.state != "Stopped" and process.signal(0):
            system.leftovers[process.key] = process
            return
        del self.processes[process.key]
        del system.processes[process.key]
        system.leftovers.pop(process.key, None)
        if system.pids.get(process.pid) is process:
            del system.pids[process.pid]
        system.meter.keep(*process.account())
        _native.forget(process.key)
