"""The HCS functions on the processes of compute systems."""

from __future__ import annotations

import json
import warnings
from typing import Any

from .._hresults import E_FAIL, E_INVALIDARG, ERROR_NOT_FOUND, HCS_E_INVALID_STATE, HCS_E_PROCESS_ALREADY_STOPPED
from ..errors import NoIsolationWarning
from . import _native, schema
from .failures import Failure, Problem, invalid_argument, invalid_json
from .launch import Launch
from .model import Model, Process
from .outbox import PROCESS_EXITED, Answer, Outbox
from .signals import SIGKILL, signal_number
from .stopping import Stopping
from .verbs import expect_no_options, verb

# What both platforms tell of a program that was killed.
_KILLED = 128 + SIGKILL
# The exit code that a process of a Windows guest has after HcsTerminateProcess.
_ERROR_PROCESS_ABORTED = 1067
# The exit codes of a program that reads where there is no memory: of a Windows guest, and of a Linux one (SIGSEGV).
_ACCESS_VIOLATION, _SEGMENTATION_FAULT = 0xC0000005, 128 + 11
# The other members of a process that runs mean nothing; Windows has its own words for that.
_WHILE_RUNNING: dict[str, dict[str, int]] = {
    "259": {"ExitCode": 259, "LastWaitResult": 258},
    "0": {"ExitCode": 0, "LastWaitResult": 0},
    "absent": {},
}


class Processes:
    """The HCS functions on processes, and the news of their ends."""

    def __init__(self, model: Model, stopping: Stopping, outbox: Outbox) -> None:
        self._model = model
        self._stopping = stopping
        self._outbox = outbox
        self._variation = outbox.variation

    @verb("HcsCreateProcess")
    def _create_process(self, request: _native.Request) -> Answer:
        system = self._model.live_system_of(request)
        if system.state != "Running":
            raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")
        if not system.runs_processes:
            raise self._model.no_guest("The virtual machine has no guest connection to create a process through.")
        launch = Launch(request.text or "", linux=system.linux)
        if system.id not in accepted:
            _warn_once()
        for process in list(system.leftovers.values()):
            self._model.forget_if_unused(process)
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
        self._model.add_process(process)
        if "Container" in system.document and self._variation.choose("process_in_container") != "succeeds":
            # Server 2022 reports this for process-isolated containers although the process runs.
            process.info_owed = True
            raise Failure(E_INVALIDARG, "The parameter is incorrect.")
        return Answer(pid=pid)

    @verb("HcsOpenProcess", at_once=True)
    def _open_process(self, request: _native.Request) -> Answer:
        system = self._model.live_system_of(request)
        process = system.pids.get(request.number)
        if process is None or process.exited:
            raise Failure(ERROR_NOT_FOUND, f"The compute system has no process {request.number}.")
        process.held = True
        return Answer(key=process.key)

    @verb("HcsGetProcessInfo")
    def _process_info(self, request: _native.Request) -> Answer:
        process = self._model.process_of(request)
        if process.exited and not process.info_owed and self._variation.choose("info_of_exited_process") != "succeeds":
            raise Failure(HCS_E_PROCESS_ALREADY_STOPPED, "The process has exited.")
        process.info_owed = False
        return Answer(pid=process.pid)

    @verb("HcsGetProcessProperties")
    def _process_properties(self, request: _native.Request) -> Answer:
        _expect_process_status(request.text)
        process = self._model.process_of(request)
        if process.exited:
            return Answer(json.dumps(process.status()))
        rest = _WHILE_RUNNING[self._variation.choose("exit_code_while_running")]
        return Answer(json.dumps({"ProcessId": process.pid, "Exited": False, **rest}))

    @verb("HcsSignalProcess")
    def _signal_process(self, request: _native.Request) -> Answer:
        process = self._model.running_process_of(request)
        if not process.signal(signal_number(request.text, linux=process.system.linux)):
            raise self._model.gone()
        return Answer()

    @verb("HcsTerminateProcess")
    def _terminate_process(self, request: _native.Request) -> Answer:
        expect_no_options(request)
        process = self._model.running_process_of(request)
        if process.terminated or not process.signal(SIGKILL):
            raise self._model.gone()
        process.terminated = True
        return Answer()

    @verb("ProcessCrashed")
    def _crash(self, request: _native.Request) -> None:
        process = self._model.processes.get(request.process)
        if process is not None and not process.exited:
            process.crashed = True
            process.signal(SIGKILL)

    @verb("HcsModifyProcess")
    def _modify_process(self, request: _native.Request) -> Answer:
        document = schema.parse(request.text or "", "ProcessModifyRequest")
        operation: str = document["Operation"]
        process = self._model.running_process_of(request)
        settings: dict[str, Any] = document[operation]
        if operation == "CloseHandle":
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

    @verb("ProcessExited")
    def _process_exited(self, request: _native.Request) -> None:
        process = self._model.processes[request.process]
        process.exit_code = _exit_code(process, request.number)
        process.system.running -= 1
        process.lost = request.lost
        if process.lost:
            process.system.meter.lose(process.pid)
        # Asks at once whether anything of its group is left: later its pid may be another process's.
        process.signal(0)
        self._outbox.emit(process.key, PROCESS_EXITED, json.dumps(process.status()))
        self._model.forget_if_unused(process)
        self._stopping.advance(process.system)


def _exit_code(process: Process, code: int) -> int:
    """Return the exit code that a guest has for a program of this machine, whichever machine that is."""
    if process.crashed and code == _KILLED:
        return _SEGMENTATION_FAULT if process.system.linux else _ACCESS_VIOLATION
    if process.terminated and code == _KILLED and not process.system.linux:
        return _ERROR_PROCESS_ABORTED
    return code


def _expect_process_status(query: str | None) -> None:
    """Refuse a query for anything but ProcessStatus, the one kind of properties of a process."""
    if query and schema.load(query) not in ({}, {"PropertyTypes": []}, {"PropertyTypes": ["ProcessStatus"]}):
        raise invalid_json(Problem("$.PropertyTypes", "a process has the property type ProcessStatus only"))


accepted: set[str] = set()
"""The ids of systems whose creator has said that it knows of the missing isolation."""

_warned = False
# Where the program has started a process last: the file, the line and the name of the module.
_place: tuple[str, int, str] = ("hcsrt.emulator", 0, "hcsrt.emulator")


def has_warned() -> bool:
    """Return whether the warning of no isolation was given."""
    return _warned


def started_at(file: str, line: int, module: str | None) -> None:
    """Note which line of the program is about to start a process."""
    global _place
    _place = (file, line, module or "<unknown>")


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
        file, line, module = _place
        warnings.warn_explicit(message, NoIsolationWarning, file, line, module=module)
    except NoIsolationWarning as warning:
        raise Failure(E_FAIL, f"{NoIsolationWarning.__name__}: {warning}.") from None
    except BaseException:
        # That of a closed sys.stderr, or of a warnings.showwarning. What is only told decides nothing.
        pass
    _warned = True
