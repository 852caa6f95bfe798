"""The service's knowledge: compute systems, their processes, and which of them a request is about.

Used on the service's one thread; it needs no locks.
"""

from __future__ import annotations

from datetime import datetime
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
        self.meter: Meter = Meter()
        # Whether a handle to it is open, and whether one ever was.
        self.held = self.opened = True
        # The ExitType, once something makes it end.
        self.exit_type: str | None = None
        # The AttributionRecords of its end.
        self.attribution: list[dict[str, Any]] = []
        self.shutdown_ticket = 0
        self.terminate_ticket = 0
        # The end of the wait for its processes, on the monotonic clock.
        self.deadline: float = 0.0

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
        # The systems that have not stopped, by namespace and id.
        self.ids: dict[tuple[str, str], System] = {}
        self.processes: dict[int, Process] = {}

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
        if process.system.state != "Stopped" and process.signal(0):
            return
        del self.processes[process.key]
        del process.system.processes[process.key]
        process.system.meter.keep(*process.account())
        _native.forget(process.key)
