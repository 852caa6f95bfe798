"""The job of ``hcsrt run``: a compute system, one process in it, and the end of both."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import hcsrt

from .. import _hresults as hresults
from .._facade.times import Deadline
from ..errors import HcsError, OperationTimeoutError
from ..process import DEVNULL, PIPE, Process
from ..system import ComputeSystem
from .output import FAILED, NOT_FOUND, NOT_INVOKABLE
from .signals import Event, Signals
from .streams import Pump, Sink, console_size, feed, raw_terminal, writer_to

# By the error that creating a process fails with if its program cannot run.
_EXIT_CODES = {
    hresults.ERROR_FILE_NOT_FOUND: NOT_FOUND,
    hresults.ERROR_PATH_NOT_FOUND: NOT_FOUND,
    hresults.E_ACCESSDENIED: NOT_INVOKABLE,
    hresults.ERROR_BAD_EXE_FORMAT: NOT_INVOKABLE,
    hresults.ERROR_DIRECTORY: NOT_INVOKABLE,
}

# A queue that is waited on without a limit would not let signal handlers run on Windows.
_SLICE = 0.2
# Seconds without output until that of an exited command is over: what it left running may hold its pipes open.
_DRAIN = 1.0
_STOP_GRACE = 5.0
_REQUEST_TIMEOUT = 5.0


@dataclass
class Job:
    """The job that ``hcsrt run`` was given."""

    id: str
    document: dict[str, Any]
    command: tuple[str, ...]
    cwd: str | None
    environment: dict[str, str]
    interactive: bool
    terminal: bool


@dataclass
class Report:
    """The outcome of a job: the document that ``--json`` prints."""

    id: str
    pid: int | None = None
    exit_code: int | None = None
    timed_out: bool = False
    error: Exception | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    timings: dict[str, float] = field(default_factory=dict[str, float])

    @contextlib.contextmanager
    def timed(self, phase: str) -> Generator[None, None, None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.timings[phase] = round(time.monotonic() - start, 6)

    def as_document(self) -> dict[str, Any]:
        error = self.error
        return {
            "id": self.id,
            "pid": self.pid,
            "exit_code": self.exit_code,
            "timed_out": self.timed_out,
            "error": error
            and {
                "type": type(error).__name__,
                "message": str(error),
                "hresult": getattr(error, "hresult", None),
                "symbol": getattr(error, "symbol", None),
                "hint": getattr(error, "hint", None),
            },
            "stdout": self.stdout.decode(errors="backslashreplace"),
            "stderr": self.stderr.decode(errors="backslashreplace"),
            "timings": self.timings,
        }


def carry_out(job: Job, report: Report, signals: Signals, deadline: Deadline, *, live: bool) -> int:
    """Carry out a job, from creating the system to its end, and return the exit code of hcsrt."""
    with report.timed("total"), contextlib.ExitStack() as stack:
        stack.callback(_wait_until_nothing_pends)
        with report.timed("create"):
            system = stack.enter_context(
                ComputeSystem.create(job.id, job.document, timeout=deadline.remaining(), on_abandon="terminate")
            )
        stack.callback(_stop, system, report)
        with report.timed("start"):
            system.start(timeout=deadline.remaining())
        try:
            process = system.popen(
                job.command,
                stdin=PIPE if job.interactive else DEVNULL,
                stdout=PIPE,
                stderr=DEVNULL if job.terminal else PIPE,
                cwd=job.cwd,
                env=job.environment,
                bufsize=0,
                console=console_size() if job.terminal else False,
                timeout=deadline.remaining(),
            )
        except HcsError as error:
            if isinstance(error, OperationTimeoutError):
                raise
            report.error = error
            return _EXIT_CODES.get(error.hresult & 0xFFFFFFFF, FAILED)
        stack.callback(process.close)
        report.pid = process.pid
        if job.terminal:
            signals.forward_resize()
        if job.interactive and job.terminal:
            stack.enter_context(raw_terminal())
        signals.deferred = True
        with report.timed("run"):
            sinks = (writer_to(1), writer_to(2)) if live else (report.stdout.extend, report.stderr.extend)
            _supervise(system, process, signals.events, deadline, sinks)
        report.exit_code = process.returncode
        return _exit_status(report.exit_code)


def _supervise(
    system: ComputeSystem,
    process: Process[bytes],
    events: SimpleQueue[Event],
    deadline: Deadline,
    sinks: tuple[Sink, Sink],
) -> None:
    """Return when the process has exited and its output has been passed on."""
    sources = (process.stdout, process.stderr)
    pumps = [Pump(source, sink, events) for source, sink in zip(sources, sinks, strict=True) if source is not None]
    for pump in pumps:
        _in_background(pump.run)
    flowing = len(pumps)
    if process.stdin is not None:
        _in_background(feed, process.stdin)
    _in_background(_report_exit, process, events)

    exited = asked_to_stop = False
    while not exited or flowing:
        match _next_event(events, deadline):
            case "exited":
                exited = True
                deadline = Deadline(_DRAIN)
            case "drained":
                flowing -= 1
            case "resized":
                with contextlib.suppress(HcsError):  # the process may be gone
                    process.resize_console(*console_size(), timeout=_REQUEST_TIMEOUT)
            case int() as number:
                if asked_to_stop:
                    system.terminate(timeout=_REQUEST_TIMEOUT)
                else:
                    asked_to_stop = True
                    name = "CtrlC" if number == signal.SIGINT else "CtrlShutdown"
                    with contextlib.suppress(HcsError):  # the second one needs no answer of the process
                        process.send_signal(name, timeout=_REQUEST_TIMEOUT)
            case Exception() as error:
                raise error
            case None if not exited:
                system.terminate(timeout=_REQUEST_TIMEOUT)
                raise TimeoutError
            case None if all(pump.is_idle() for pump in pumps):
                # What the command left behind holds its output open: it ends with the system.
                system.stop(grace=_STOP_GRACE)
                deadline = Deadline(None)
            case None:
                deadline = Deadline(_DRAIN)


def _next_event(events: SimpleQueue[Event], deadline: Deadline) -> Event | None:
    """Return the next event, or None once the deadline has passed."""
    while True:
        remaining = deadline.remaining()
        try:
            return events.get(timeout=_SLICE if remaining is None else min(_SLICE, remaining))
        except Empty:
            if remaining is not None and remaining <= _SLICE:
                return None


def _in_background(function: Callable[..., None], *args: object) -> None:
    threading.Thread(target=function, args=args, daemon=True).start()


def _report_exit(process: Process[bytes], events: SimpleQueue[Event]) -> None:
    try:
        process.wait()
    except Exception as error:
        events.put(error)
    else:
        events.put("exited")


def _stop(system: ComputeSystem, report: Report) -> None:
    with report.timed("stop"):
        try:
            system.stop(grace=_STOP_GRACE)
        except (HcsError, TimeoutError) as error:
            # An earlier error counts for more than what went wrong after it.
            report.error = report.error or error


def _wait_until_nothing_pends() -> None:
    """Give the reaper time to end what an interrupted call was still creating."""
    end = time.monotonic() + _STOP_GRACE
    while hcsrt.pending() and time.monotonic() < end:
        time.sleep(0.01)


def _exit_status(code: int | None) -> int:
    """Return the exit code as this system can report it: in 32 bits on Windows, 8 on POSIX. Failure stays failure."""
    if code is None:
        return FAILED
    if sys.platform == "win32":
        return code - (1 << 32) if code >= 1 << 31 else code
    return code if code < 256 else code & 0xFF or 255
