"""Compute systems and their processes: which may do what when, and what comes of it.

Runs on the service's one thread and needs no locks. A verb returns its answer, raises Failure, or returns None and
answers later.
"""

from __future__ import annotations

import json
import time
import uuid
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .._hresults import (
    E_ACCESSDENIED,
    E_FAIL,
    E_HANDLE,
    E_INVALIDARG,
    ERROR_NOT_FOUND,
    ERROR_NOT_SUPPORTED,
    HCS_E_CONNECTION_CLOSED,
    HCS_E_INVALID_STATE,
    HCS_E_PROCESS_ALREADY_STOPPED,
    HCS_E_SYSTEM_ALREADY_EXISTS,
    HCS_E_SYSTEM_ALREADY_STOPPED,
    HCS_E_SYSTEM_NOT_FOUND,
    HCS_E_TERMINATED,
)
from ..errors import NoIsolationWarning
from . import _native, properties, resources, schema
from .failures import Failure, Problem, invalid_argument, invalid_json, not_emulated, signed
from .outbox import Answer, Outbox
from .processes import SIGCONT, SIGHUP, SIGKILL, SIGSTOP, SIGTERM, Launch, Process, signal_number
from .settings import create_file, read_file

_SYSTEM_EXITED = 1
_CRASH_INITIATED = 2
_CRASH_REPORT = 3
_PROCESS_EXITED = 65536

# NMI_HARDWARE_FAILURE: a crash is an injected NMI, and this is what Windows makes of one.
_CRASH_CODE = 0x80
# How a file begins that holds the state of a virtual machine of the emulator.
_SAVED_STATE = b"saved state of the hcsrt emulator\n"

_GRACEFUL, _FORCED, _UNEXPECTED = "GracefulExit", "ForcedExit", "UnexpectedExit"

# Seconds. Longer than clients wait for a shutdown, so that it is they who decide to terminate.
SHUTDOWN_GRACE = 30.0
# Seconds for what programs left behind in their process groups, once the programs themselves are gone.
_LEFTOVER_GRACE = 0.5
# Seconds after which a program that SIGKILL does not end counts as gone.
_KILL_GRACE = 5.0
_STOP_POLL = 0.02


class System:
    """A compute system, from its creation until it has stopped and no handle to it is open."""

    def __init__(self, key: int, scope: str, id: str, document: dict[str, Any], host: System | None) -> None:
        self.key = key
        # The namespace, in which its id is its own; the empty one is that of the calls which name none.
        self.scope = scope
        self.id = id
        self.document = document
        self.host = host
        self.runtime_id: str = str(uuid.uuid4())
        self.state = "Created"
        self.started: datetime | None = None
        self.processes: dict[int, Process] = {}
        self.meter: properties.Meter = properties.Meter()
        # Whether a handle to it is open.
        self.held = True
        # How it ends, as soon as something makes it end.
        self.exit_type: str | None = None
        # AttributionRecords of that end.
        self.attribution: list[dict[str, Any]] = []
        self.shutdown_ticket = 0
        self.terminate_ticket = 0
        # When, on the monotonic clock, waiting for its processes is over.
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
        return self.exit_type in (_FORCED, _UNEXPECTED) or self.state == "Stopped"


class Systems:
    """All compute systems of the service, and the HCS functions upon them."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._variation = outbox.variation
        self._systems: dict[int, System] = {}
        # By namespace and id.
        self._ids: dict[tuple[str, str], System] = {}
        self._stopping: dict[int, System] = {}
        self._polling = False
        self._processes: dict[int, Process] = {}
        self.verbs: dict[str, Callable[[_native.Request], Answer | None]] = {
            "HcsCreateComputeSystem": self._create,
            "HcsCreateComputeSystemInNamespace": self._create,
            "HcsOpenComputeSystem": self._open,
            "HcsOpenComputeSystemInNamespace": self._open,
            "HcsStartComputeSystem": self._start,
            "HcsShutDownComputeSystem": self._shut_down,
            "HcsTerminateComputeSystem": self._terminate,
            "HcsCrashComputeSystem": self._crash,
            "HcsPauseComputeSystem": self._pause,
            "HcsResumeComputeSystem": self._resume,
            "HcsSaveComputeSystem": self._save,
            "HcsModifyComputeSystem": self._modify,
            "HcsEnumerateComputeSystems": self._enumerate,
            "HcsEnumerateComputeSystemsInNamespace": self._enumerate,
            "HcsGetComputeSystemProperties": self._properties,
            "HcsCreateProcess": self._create_process,
            "HcsOpenProcess": self._open_process,
            "HcsGetProcessInfo": self._process_info,
            "HcsGetProcessProperties": self._process_properties,
            "HcsSignalProcess": self._signal_process,
            "HcsTerminateProcess": self._terminate_process,
            "HcsModifyProcess": self._modify_process,
            "ProcessExited": self._process_exited,
            "ProcessLost": self._process_exited,
            "HandlesReleased": self._handles_released,
        }

    # --- compute systems ----------------------------------------------------------------------------------------------

    def _create(self, request: _native.Request) -> Answer:
        document = schema.compute_system(request.text or "")
        scope, id = request.scope or "", request.id or ""
        if (scope, id) in self._ids:
            raise Failure(HCS_E_SYSTEM_ALREADY_EXISTS, f"A compute system with the id {id!r} exists already.")
        host = self._host(scope, document) if "HostedSystem" in document else None
        _expect_saved_state(document.get("VirtualMachine", {}).get("RestoreState", {}))
        system = System(request.system, scope, id, document, host)
        self._systems[system.key] = self._ids[scope, id] = system
        return Answer()

    def _host(self, scope: str, document: dict[str, Any]) -> System:
        host = self._ids.get((scope, document["HostingSystemId"]))
        if host is None:
            raise Failure(HCS_E_SYSTEM_NOT_FOUND, "No compute system has the id in HostingSystemId.")
        if not host.guest_connection or host.state != "Running" or host.stopping:
            raise Failure(HCS_E_INVALID_STATE, f"The compute system {host.id!r} cannot host another one now.")
        return host

    def _open(self, request: _native.Request) -> Answer:
        system = self._ids.get((request.scope or "", request.id or ""))
        if system is None:
            raise Failure(HCS_E_SYSTEM_NOT_FOUND, f"No compute system has the id {request.id!r}.")
        system.held = True
        return Answer(key=system.key)

    def _start(self, request: _native.Request) -> Answer:
        _expect_no_options(request)
        system = self._live_system(request)
        if system.state != "Created":
            raise Failure(HCS_E_INVALID_STATE, "The compute system has been started already.")
        system.state = "Running"
        system.started = datetime.now(UTC)
        return Answer()

    def _shut_down(self, request: _native.Request) -> None:
        options = schema.parse_optional(request.text, "ShutdownOptions")
        system = self._system(request)
        if system.stopping:
            raise _already_stopped()
        if system.state != "Running":
            raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")
        if options.get("Type", "Shutdown") != "Shutdown":
            raise not_emulated(f"a shutdown of type {options['Type']}")
        if system.type == "VirtualMachine":
            services = system.document["VirtualMachine"].get("Services", {})
            ways = {"GuestConnection": system.guest_connection, "IntegrationService": "Shutdown" in services}
            if not (ways[options["Mechanism"]] if "Mechanism" in options else any(ways.values())):
                raise self._no_guest("The virtual machine has no service that could shut it down; terminate it.")
        system.shutdown_ticket = request.ticket
        self._begin_stop(system, _GRACEFUL)

    def _terminate(self, request: _native.Request) -> None:
        _expect_no_options(request)
        system = self._system(request)
        if system.killed:
            raise _already_stopped()
        system.terminate_ticket = request.ticket
        self._begin_stop(system, _FORCED)

    def _crash(self, request: _native.Request) -> Answer:
        schema.parse_optional(request.text, "CrashOptions")
        system = self._running_machine(request)
        report = {"SystemId": system.id, "ActivityId": str(uuid.uuid4()), "CrashParameters": [_CRASH_CODE, 0, 0, 0, 0]}
        self._outbox.emit_in_order(
            system.key, (_CRASH_INITIATED, json.dumps(report)), (_CRASH_REPORT, json.dumps(report | {"Status": 0}))
        )
        # The reference calls it a termination; what a guest does that reboots after its crash is another matter.
        if self._variation.pick(True, False):
            system.attribution = [{"GuestCrash": {"CrashParameters": report["CrashParameters"]}}]
            self._begin_stop(system, _UNEXPECTED)
        return Answer()

    def _pause(self, request: _native.Request) -> Answer:
        options = schema.parse_optional(request.text, "PauseOptions")
        system = self._running_machine(request)
        if options.get("SuspensionLevel", "Suspend") != "Suspend":
            raise not_emulated(f"a suspension of level {options['SuspensionLevel']}")
        for process in system.processes.values():
            process.signal(SIGSTOP)
        system.state = "Paused"
        return Answer()

    def _resume(self, request: _native.Request) -> Answer:
        _expect_no_options(request)
        system = self._machine(request, "Paused")
        for process in system.processes.values():
            process.signal(SIGCONT)
        system.state = "Running"
        return Answer()

    def _save(self, request: _native.Request) -> Answer:
        options = schema.parse_optional(request.text, "SaveOptions")
        system = self._machine(request, "Paused")
        if options.get("SaveType", "ToFile") != "ToFile":
            raise not_emulated(f"a save of type {options['SaveType']}")
        if not options.get("SaveStateFilePath"):
            raise invalid_argument("$.SaveStateFilePath", "a file to save to is needed")
        create_file(options["SaveStateFilePath"], _SAVED_STATE + system.id.encode("utf-8", "surrogatepass"))
        return Answer()

    def _modify(self, request: _native.Request) -> Answer:
        system = self._live_system(request)
        if system.state != "Running":
            raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")
        resources.modify(
            system.document, request.text or "", unknown=self._variation.pick(E_INVALIDARG, ERROR_NOT_FOUND)
        )
        return Answer()

    def _running_machine(self, request: _native.Request) -> System:
        return self._machine(request, "Running")

    def _machine(self, request: _native.Request, state: str) -> System:
        """Return the virtual machine of a request that needs one in this state."""
        system = self._live_system(request)
        if system.type != "VirtualMachine":
            hresult = self._variation.pick(ERROR_NOT_SUPPORTED, HCS_E_INVALID_STATE)
            raise Failure(hresult, "Only a virtual machine can do that.")
        if system.state != state:
            raise Failure(HCS_E_INVALID_STATE, f"The virtual machine is not {state.lower()}.")
        return system

    def _enumerate(self, request: _native.Request) -> Answer:
        query = schema.parse_optional(request.text, "SystemQuery")
        wanted = {
            "Id": query.get("Ids"),
            "Name": query.get("Names"),
            "SystemType": query.get("Types"),
            "Owner": query.get("Owners"),
        }
        found = [
            document
            for document in (
                properties.basic(system) for system in self._ids.values() if system.scope == (request.scope or "")
            )
            if all(not values or document.get(member) in values for member, values in wanted.items())
        ]
        return Answer(json.dumps(found))

    def _properties(self, request: _native.Request) -> Answer:
        system = self._system(request)
        if system.stopping and system.state != "Stopped" and self._variation.sometimes(4):
            raise Failure(E_HANDLE, "The compute system is being stopped.")
        return Answer(properties.of_system(system, request.text, self._variation))

    def _system(self, request: _native.Request) -> System:
        system = self._systems.get(request.system)
        if system is None:
            # The handle of a create that failed leads nowhere, least of all to another system of the same id.
            raise Failure(HCS_E_SYSTEM_NOT_FOUND, "The compute system was not created.")
        return system

    def _live_system(self, request: _native.Request) -> System:
        system = self._system(request)
        if system.state == "Stopped":
            hresult = self._variation.pick(HCS_E_SYSTEM_ALREADY_STOPPED, HCS_E_INVALID_STATE)
            raise Failure(hresult, "The compute system has stopped; only its exit status is left.")
        if system.stopping:
            raise Failure(HCS_E_INVALID_STATE, "The compute system is being stopped.")
        return system

    def _no_guest(self, message: str) -> Failure:
        return Failure(
            self._variation.pick(ERROR_NOT_SUPPORTED, HCS_E_INVALID_STATE, HCS_E_CONNECTION_CLOSED),
            message,
        )

    # --- their end ----------------------------------------------------------------------------------------------------

    def _begin_stop(self, system: System, exit_type: str) -> None:
        """Make the processes of a system end, and the system with the last of them."""
        system.exit_type = exit_type
        for process in system.processes.values():
            if system.killed:
                process.signal(SIGKILL)
                continue
            process.signal(SIGTERM)
            if process.is_console:
                # An interactive shell ignores SIGTERM; that its terminal goes away is what ends it.
                process.signal(SIGHUP)
        system.deadline = time.monotonic() + (_KILL_GRACE if system.killed else SHUTDOWN_GRACE)
        self._stopping[system.key] = system
        self._advance_stop(system)
        self._poll_stops()

    def _poll_stops(self) -> None:
        """Look after the systems that are being stopped, from time to time as long as there are any."""
        if self._stopping and not self._polling:
            self._polling = True
            self._outbox.after(_STOP_POLL, self._advance_stops)

    def _advance_stops(self) -> None:
        self._polling = False
        for system in list(self._stopping.values()):
            self._advance_stop(system)
        self._poll_stops()

    def _advance_stop(self, system: System) -> None:
        """Take the next step of a stop: its end if the processes have ended, more force if they had their time."""
        if system.key not in self._stopping:
            return
        ended = all(process.exited for process in system.processes.values())
        late = time.monotonic() >= system.deadline
        if system.killed:
            if ended or late:
                self._finish_stop(system)
        elif not ended:
            if late:
                self._begin_stop(system, _FORCED)
        else:
            leftovers = [process for process in system.processes.values() if process.signal(0)]
            if leftovers and not late:
                system.deadline = min(system.deadline, time.monotonic() + _LEFTOVER_GRACE)
                return
            for process in leftovers:
                process.signal(SIGKILL)
            self._finish_stop(system)

    def _finish_stop(self, system: System) -> None:
        system.state = "Stopped"
        del self._stopping[system.key]
        del self._ids[system.scope, system.id]
        for process in list(system.processes.values()):
            self._forget_if_unused(process)
        for guest in [other for other in self._ids.values() if other.host is system]:
            if not guest.killed:
                self._begin_stop(guest, _UNEXPECTED)
        status = self._variation.pick(0, signed(HCS_E_TERMINATED)) if system.exit_type == _FORCED else 0
        attribution = {"Attribution": system.attribution} if system.attribution else {}
        exited = json.dumps({"Status": status, "ExitType": system.exit_type, **attribution})
        if self._variation.pick(False, True):
            self._outbox.emit(system.key, _SYSTEM_EXITED, exited)
            self._answer_stop(system)
        else:
            self._answer_stop(system)
            self._outbox.emit(system.key, _SYSTEM_EXITED, exited)
        if not system.held:
            del self._systems[system.key]

    def _answer_stop(self, system: System) -> None:
        if system.shutdown_ticket:
            outcome: Answer | Failure = Answer()
            if system.terminate_ticket and self._variation.pick(False, True):
                outcome = Failure(HCS_E_TERMINATED, "The compute system was terminated while it shut down.")
            self._outbox.answer(system.shutdown_ticket, outcome)
        if system.terminate_ticket:
            self._outbox.answer(system.terminate_ticket, Answer())

    def _handles_released(self, request: _native.Request) -> None:
        if request.process:
            process = self._processes.get(request.process)
            if process is None:
                # Its creation failed; the native half has kept it for the handle's sake.
                _native.forget(request.process)
            else:
                process.held = False
                self._forget_if_unused(process)
            return
        system = self._systems.get(request.system)
        if system is None:
            return
        system.held = False
        if system.state == "Stopped":
            del self._systems[system.key]
        elif system.terminate_on_last_handle_closed and not system.killed:
            self._begin_stop(system, _FORCED)

    # --- processes ----------------------------------------------------------------------------------------------------

    def _create_process(self, request: _native.Request) -> Answer:
        system = self._live_system(request)
        if system.state != "Running":
            raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")
        if not system.runs_processes:
            raise self._no_guest("The virtual machine has no guest connection to create a process through.")
        launch = Launch(request.text or "", linux=system.linux)
        _warn_once()
        for process in list(system.processes.values()):
            self._forget_if_unused(process)
        try:
            pid = _native.spawn(
                request.process,
                launch.argv,
                launch.environment,
                launch.directory,
                launch.stdin,
                launch.stdout,
                launch.stderr,
                launch.console,
            )
        except OSError as error:
            raise launch.failure(error) from None
        process = Process(request.process, pid, system, is_console=launch.is_console)
        self._processes[process.key] = system.processes[process.key] = process
        if "Container" in system.document and self._variation.sometimes(8):
            # Server 2022 reports this for process-isolated containers although the process runs.
            process.info_owed = True
            raise Failure(E_INVALIDARG, "The parameter is incorrect.")
        return Answer(pid=pid)

    def _open_process(self, request: _native.Request) -> Answer:
        system = self._live_system(request)
        for process in system.processes.values():
            if process.pid == request.number and not process.exited:
                process.held = True
                return Answer(key=process.key)
        raise Failure(ERROR_NOT_FOUND, f"The compute system has no process {request.number}.")

    def _process_info(self, request: _native.Request) -> Answer:
        process = self._process(request)
        if process.exited and not process.info_owed and self._variation.pick(True, False):
            raise Failure(HCS_E_PROCESS_ALREADY_STOPPED, "The process has exited.")
        process.info_owed = False
        return Answer(pid=process.pid)

    def _process_properties(self, request: _native.Request) -> Answer:
        _expect_process_status(request.text)
        process = self._process(request)
        if process.exited:
            return Answer(json.dumps(process.status()))
        # The other members of a process that runs mean nothing; Windows has its own words for that.
        rest = self._variation.pick(
            {"ExitCode": 259, "LastWaitResult": 258},
            {"ExitCode": 0, "LastWaitResult": 0},
            {},
        )
        return Answer(json.dumps({"ProcessId": process.pid, "Exited": False, **rest}))

    def _signal_process(self, request: _native.Request) -> Answer:
        process = self._running_process(request)
        if not process.signal(signal_number(request.text, linux=process.system.linux)):
            raise self._gone()
        return Answer()

    def _terminate_process(self, request: _native.Request) -> Answer:
        _expect_no_options(request)
        process = self._running_process(request)
        if process.terminated or not process.signal(SIGKILL):
            raise self._gone()
        process.terminated = True
        return Answer()

    def _modify_process(self, request: _native.Request) -> Answer:
        document = schema.parse(request.text or "", "ProcessModifyRequest")
        operation = document.get("Operation")
        if operation is None:
            raise invalid_json(Problem("$.Operation", "is missing"))
        process = self._running_process(request)
        settings: dict[str, Any] = document.get(operation, {})
        if operation == "CloseHandle":
            if "Handle" not in settings:
                raise invalid_json(Problem("$.CloseHandle.Handle", "is missing"))
            streams = ("StdIn", "StdOut", "StdErr") if settings["Handle"] == "All" else (settings["Handle"],)
            for stream in streams:
                _native.close_stream(process.key, stream)
        else:
            for member in ("Height", "Width"):
                if not settings.get(member):
                    raise invalid_json(Problem(f"$.ConsoleSize.{member}", "a size above zero is needed"))
            if not process.is_console:
                raise invalid_argument("$.ConsoleSize", "the process has no console")
            _native.resize(process.key, settings["Height"], settings["Width"])
        return Answer()

    def _process_exited(self, request: _native.Request) -> None:
        process = self._processes[request.process]
        process.exit_code = request.number
        process.lost = request.function == "ProcessLost"
        # Learn at once whether it left anybody behind: later its pid may be somebody else's.
        process.signal(0)
        self._outbox.emit(process.key, _PROCESS_EXITED, json.dumps(process.status()))
        self._forget_if_unused(process)
        self._advance_stop(process.system)

    def _process(self, request: _native.Request) -> Process:
        process = self._processes.get(request.process)
        if process is None:
            raise Failure(ERROR_NOT_FOUND, "The process was not created.")
        return process

    def _running_process(self, request: _native.Request) -> Process:
        process = self._process(request)
        if process.exited:
            raise self._gone()
        return process

    def _gone(self) -> Failure:
        hresult = self._variation.pick(HCS_E_PROCESS_ALREADY_STOPPED, E_ACCESSDENIED)
        return Failure(hresult, "The process has exited.")

    def _forget_if_unused(self, process: Process) -> None:
        """Drop an ended process that no handle leads to and that left nothing behind for the system's end to kill."""
        if process.held or not process.exited:
            return
        if process.system.state != "Stopped" and process.signal(0):
            return
        del self._processes[process.key]
        del process.system.processes[process.key]
        _native.forget(process.key)


def _expect_saved_state(restore: dict[str, Any]) -> None:
    """Refuse a RestoreState that a virtual machine could not start from."""
    if restore.get("TemplateSystemId"):
        raise not_emulated("a start from a template")
    path = restore.get("SaveStateFilePath")
    if path and not read_file(path).startswith(_SAVED_STATE):
        raise invalid_argument("$.VirtualMachine.RestoreState.SaveStateFilePath", "holds no state that was saved here")


def _already_stopped() -> Failure:
    return Failure(HCS_E_SYSTEM_ALREADY_STOPPED, "The compute system has been stopped, or is being stopped, already.")


def _expect_no_options(request: _native.Request) -> None:
    """Clients send "" or "{}" where the reference wants NULL, and get away with it."""
    if request.text not in (None, "", "{}"):
        raise invalid_argument("$", "the options are reserved and must be NULL")


def _expect_process_status(query: str | None) -> None:
    """A process has one kind of properties; the reference names it as the query's type."""
    if query and schema.load(query) not in ({}, {"PropertyTypes": []}, {"PropertyTypes": ["ProcessStatus"]}):
        raise invalid_json(Problem("$.PropertyTypes", "a process has the property type ProcessStatus only"))


_warned = False


def _warn_once() -> None:
    """Warn before the first real process of this program, or fail if a filter makes the warning an error."""
    global _warned
    if _warned:
        return
    message = (
        "the hcsrt emulator starts real programs of this machine, with your rights and without isolation; "
        "silence this with warnings.simplefilter('ignore', hcsrt.NoIsolationWarning)"
    )
    try:
        # By name and not by stack level: no caller is on the stack of the service's thread.
        warnings.warn_explicit(message, NoIsolationWarning, "hcsrt.emulator", 0, module="hcsrt.emulator")
    except NoIsolationWarning as warning:
        raise Failure(E_FAIL, f"{NoIsolationWarning.__name__}: {warning}.") from None
    _warned = True
