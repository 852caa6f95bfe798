"""The job of ``hcsrt run``: a compute system, one process in it, and the end of both."""

import contextlib
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any

import hcsrt

from .. import _hresults as hresults
from .._facade.owner import debug
from .._facade.times import DRAIN_LIMIT, DRAIN_QUIET, STOP_TIMEOUT, Deadline
from ..errors import HcsError, OperationTimeoutError
from ..process import DEVNULL, PIPE, Process
from ..system import ComputeSystem
from .output import FAILED, NOT_FOUND, NOT_INVOKABLE
from .signals import Event, Interrupted, Signals, is_stop_signal, names_of
from .streams import Pump, Sink, console_size, feed, lossy_writer_to, raw_terminal, writer_to
from .waiting import SLICE, get_from, in_background

# By the error that creating a process fails with if its program cannot run.
_EXIT_CODES = {
    hresults.ERROR_FILE_NOT_FOUND: NOT_FOUND,
    hresults.ERROR_PATH_NOT_FOUND: NOT_FOUND,
    hresults.E_ACCESSDENIED: NOT_INVOKABLE,
    hresults.ERROR_BAD_EXE_FORMAT: NOT_INVOKABLE,
    hresults.ERROR_DIRECTORY: NOT_INVOKABLE,
}

_STOP_GRACE = 5.0
_REQUEST_TIMEOUT = 5.0
# Seconds that a system may take to be terminated, however little of --timeout is left.
_SHORTEST_STOP = 5.0


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
            # A system may be stopped for the sake of the output first, and then for certain.
            self.timings[phase] = round(self.timings.get(phase, 0.0) + time.monotonic() - start, 6)

    def as_document(self) -> dict[str, Any]:
        error = self.error
        stdout, stdout_base64 = _text_or_base64(self.stdout)
        stderr, stderr_base64 = _text_or_base64(self.stderr)
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
            "stdout": stdout,
            "stderr": stderr,
            "stdout_base64": stdout_base64,
            "stderr_base64": stderr_base64,
            "timings": self.timings,
        }


def _text_or_base64(data: bytearray) -> tuple[str | None, str | None]:
    """Return bytes as text if they are UTF-8, else in base64, so that no reader takes one for the other."""
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, b64encode(data).decode()


def carry_out(job: Job, report: Report, signals: Signals, deadline: Deadline, *, live: bool) -> int:
    """Carry out a job, from creating the system to its end, and return the exit code of hcsrt."""
    with report.timed("total"), contextlib.ExitStack() as stack:
        stack.callback(_wait_until_nothing_pends)
        with report.timed("create"):
            system = ComputeSystem.create(job.id, job.document, timeout=deadline.remaining(), on_abandon="terminate")
            stack.callback(_close, system)
        stop = partial(_stop, system, report, signals, deadline)
        stack.callback(stop)
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
        stack.callback(_close, process)
        report.pid = process.pid
        if job.terminal:
            signals.forward_resize()
        if job.interactive and job.terminal:
            stack.enter_context(raw_terminal())
        signals.phase = "command"
        with report.timed("run"):
            sinks = (writer_to(1), lossy_writer_to(2)) if live else (report.stdout.extend, report.stderr.extend)
            _supervise(system, process, signals.events, deadline, sinks, stop)
        report.exit_code = process.returncode
        return _exit_status(report.exit_code)


def _supervise(
    system: ComputeSystem,
    process: Process[bytes],
    events: SimpleQueue[Event],
    deadline: Deadline,
    sinks: tuple[Sink, Sink],
    stop: Callable[[], None],
) -> None:
    """Return when the process has exited and its output has been passed on."""
    sources = (process.stdout, process.stderr)
    pumps = [Pump(source, sink, events) for source, sink in zip(sources, sinks, strict=True) if source is not None]
    for pump in pumps:
        in_background(pump.run)
    flowing = len(pumps)
    if process.stdin is not None:
        in_background(feed, process.stdin)
    in_background(_report_exit, process, events)

    drain: _Drain | None = None
    asked_to_stop = is_stopped = False
    while drain is None or flowing:
        match get_from(events, deadline if drain is None else Deadline(SLICE)):
            case "exited":
                drain = _Drain(pumps, deadline)
            case "drained":
                flowing -= 1
            case "resized":
                _resize(process, deadline)
            case int() as number:
                if asked_to_stop and is_stop_signal(number):
                    _terminate(system)
                elif not _pass_on(process, number, deadline):
                    raise Interrupted(number)
                asked_to_stop = asked_to_stop or is_stop_signal(number)
            case Exception() as error:
                raise error
            case None:
                pass
        # After each event: a storm of them must not keep the time from being up.
        if drain is None:
            if deadline.passed():
                _terminate(system)
                raise TimeoutError
        elif drain.is_over():
            if is_stopped:
                debug("hcsrt.cli", "%r has exited, and what holds its output open is out of reach", process)
                return
            # What the command left behind holds its output open: it ends with the system.
            stop()
            is_stopped = True
            drain = _Drain(pumps, deadline)


class _Drain:
    """The time that the output of an exited command has to come to its end, though something may hold it open.

    It has that of communicate(), but for this: our own reader may take as long as it likes if there is no --timeout,
    and once the time of --timeout is up, an output that is silent is over.
    """

    def __init__(self, pumps: list[Pump], deadline: Deadline) -> None:
        self._pumps = pumps
        self._deadline = deadline
        self._looked = time.monotonic()
        self._quiet = 0.0
        self._total = 0.0

    def is_over(self) -> bool:
        """Return whether the output counts as complete."""
        seconds = time.monotonic() - self._looked
        if seconds < SLICE:
            return False
        self._looked += seconds
        flows = {pump.look() for pump in self._pumps}
        is_late = self._deadline.passed()
        if "stuck" in flows:
            if is_late:
                raise TimeoutError
            self._quiet = 0.0
            return False
        self._quiet = 0.0 if "moving" in flows else self._quiet + seconds
        self._total += seconds
        return self._quiet >= (SLICE if is_late else DRAIN_QUIET) or self._total >= (
            DRAIN_QUIET if is_late else DRAIN_LIMIT
        )


def _resize(process: Process[bytes], deadline: Deadline) -> None:
    try:
        process.resize_console(*console_size(), timeout=deadline.within(_REQUEST_TIMEOUT))
    except Exception as error:
        # The process may be gone, or the terminal have a size that no console has: neither is its end.
        debug("hcsrt.cli", "%r does not get the size of the terminal: %s", process, error)


def _pass_on(process: Process[bytes], number: int, deadline: Deadline) -> bool:
    """Send a signal on to the command; return False if its guest has none like it."""
    of_linux, of_windows = names_of(number)
    try:
        process.send_signal(of_linux, timeout=deadline.within(_REQUEST_TIMEOUT))
        return True
    except OperationTimeoutError:
        return True  # it may get there yet
    except (HcsError, ValueError):
        if of_windows is None:
            return False
    with contextlib.suppress(HcsError):  # the next one needs no answer of the process
        process.send_signal(of_windows, timeout=deadline.within(_REQUEST_TIMEOUT))
    return True


def _terminate(system: ComputeSystem) -> None:
    """Terminate the system for a reason that counts for more than an error of this; it is stopped afterwards."""
    try:
        system.terminate(timeout=_REQUEST_TIMEOUT)
    except HcsError as error:
        debug("hcsrt.cli", "terminating %r failed: %s", system, error)


def _report_exit(process: Process[bytes], events: SimpleQueue[Event]) -> None:
    try:
        process.wait()
    except Exception as error:
        events.put(error)
    else:
        events.put("exited")


def _stop(system: ComputeSystem, report: Report, signals: Signals, deadline: Deadline) -> None:
    """Stop the system, at once if the time of --timeout is up or a signal asks for it."""
    with report.timed("stop"):
        try:
            with signals.stopping():
                system.stop(deadline.within(_STOP_GRACE), timeout=max(deadline.within(STOP_TIMEOUT), _SHORTEST_STOP))
        except Interrupted:
            _terminate(system)
        except (HcsError, TimeoutError) as error:
            # An earlier error counts for more than what went wrong after it.
            report.error = report.error or error


def _close(owner: ComputeSystem | Process[bytes]) -> None:
    """Close in the time of a request: no HCS that hangs keeps the exit code back."""
    closed: SimpleQueue[None] = SimpleQueue()

    def close() -> None:
        owner.close()
        closed.put(None)

    try:
        in_background(close)
    except Exception as error:
        debug("hcsrt.cli", "no thread closes %r: %s", owner, error)
        owner.close()
    else:
        get_from(closed, Deadline(_REQUEST_TIMEOUT))


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
