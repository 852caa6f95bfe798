"""The command line: ``hcsrt run`` runs one command in a compute system, ``hcsrt doctor`` finds out whether HCS can be
used, ``hcsrt errors`` explains an HRESULT.

The exit codes of ``hcsrt run`` are those of ``docker run``: the command's own, 124 when the time was up, 125 when hcsrt
itself failed, 126 when the command cannot be invoked and 127 when it cannot be found.
"""

import contextlib
import errno
import json
import math
import os
import secrets
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from io import RawIOBase
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO, Any, Literal, cast

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

import hcsrt

from .. import _hresults as hresults
from .._facade import Deadline
from ..doctor import Status, examine, usable
from ..documents import dumps, loads
from ..errors import HcsError, NoIsolationWarning, OperationTimeoutError, explain
from ..process import DEVNULL, PIPE, Process
from ..system import ComputeSystem

TIMED_OUT = 124
FAILED = 125
NOT_INVOKABLE = 126
NOT_FOUND = 127

# What creating a process says is wrong with its program.
_EXIT_CODES = {
    hresults.ERROR_FILE_NOT_FOUND: NOT_FOUND,
    hresults.ERROR_PATH_NOT_FOUND: NOT_FOUND,
    hresults.E_ACCESSDENIED: NOT_INVOKABLE,
    hresults.ERROR_BAD_EXE_FORMAT: NOT_INVOKABLE,
    hresults.ERROR_DIRECTORY: NOT_INVOKABLE,
}

_CHUNK = 64 * 1024
# A queue that is waited on without a limit would not let signal handlers run on Windows.
_SLICE = 0.2
# How long nothing may come from a command that has exited and whose output is still open, held by what it left running.
_DRAIN = 1.0
_STOP_GRACE = 5.0
_REQUEST_TIMEOUT = 5.0
_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_Sink = Callable[[memoryview], object]
_Event = Literal["exited", "drained", "resized"] | int | Exception


@dataclass
class _Job:
    """What ``hcsrt run`` was asked to do."""

    id: str
    document: dict[str, Any]
    command: tuple[str, ...]
    cwd: str | None
    environment: dict[str, str]
    interactive: bool
    terminal: bool


@dataclass
class _Report:
    """What came of it: the document that ``--json`` prints."""

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


class _Interrupted(BaseException):
    """A signal ended hcsrt before the command ran, or after two had not helped."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Signals:
    """Catches the signals that ask the command to stop.

    While the system is being set up they end hcsrt at once. Once the command runs they are put among its events, so
    that no exception comes in between; only the third one says that asking has not helped.
    """

    def __init__(self) -> None:
        self.deferred = False
        self.events: SimpleQueue[_Event] = SimpleQueue()
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Signals":
        for name in _STOP_SIGNALS:
            number = getattr(signal, name, None)
            # Whoever started us with a signal ignored (nohup, a shell's background job) wants it ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def forward_resize(self) -> None:
        if sys.platform != "win32":
            self._before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._resized)

    def _resized(self, number: int, frame: FrameType | None) -> None:
        self.events.put("resized")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if not self.deferred or self._count > 2:
            raise _Interrupted(number)
        self.events.put(number)


def _run(job: _Job, report: _Report, signals: _Signals, deadline: Deadline, *, live: bool) -> int:
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
                console=_console_size() if job.terminal else False,
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
            stack.enter_context(_raw_terminal())
        signals.deferred = True
        with report.timed("run"):
            sinks = (_writer_to(1), _writer_to(2)) if live else (report.stdout.extend, report.stderr.extend)
            _supervise(system, process, signals.events, deadline, sinks)
        report.exit_code = process.returncode
        return _exit_status(report.exit_code)


def _supervise(
    system: ComputeSystem,
    process: Process[bytes],
    events: SimpleQueue[_Event],
    deadline: Deadline,
    sinks: tuple[_Sink, _Sink],
) -> None:
    """Return when the process has exited and its output has been passed on."""
    sources = (process.stdout, process.stderr)
    pumps = [_Pump(source, sink, events) for source, sink in zip(sources, sinks, strict=True) if source is not None]
    for pump in pumps:
        _in_background(pump.run)
    flowing = len(pumps)
    if process.stdin is not None:
        _in_background(_feed, process.stdin)
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
                    process.resize_console(*_console_size(), timeout=_REQUEST_TIMEOUT)
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


def _next_event(events: SimpleQueue[_Event], deadline: Deadline) -> _Event | None:
    """The next event, or None once the deadline has passed."""
    while True:
        remaining = deadline.remaining()
        try:
            return events.get(timeout=_SLICE if remaining is None else min(_SLICE, remaining))
        except Empty:
            if remaining is not None and remaining <= _SLICE:
                return None


def _in_background(function: Callable[..., None], *args: object) -> None:
    threading.Thread(target=function, args=args, daemon=True).start()


def _report_exit(process: Process[bytes], events: SimpleQueue[_Event]) -> None:
    try:
        process.wait()
    except Exception as error:
        events.put(error)
    else:
        events.put("exited")


class _Pump:
    """Passes on what comes from one stream of the command."""

    def __init__(self, source: IO[bytes], sink: _Sink, events: SimpleQueue[_Event]) -> None:
        self._source = cast(RawIOBase, source)
        self._sink = sink
        self._events = events
        self._is_reading = True
        self._has_moved = False

    def run(self) -> None:
        buffer = memoryview(bytearray(_CHUNK))
        try:
            # Closing the source tells the command that nobody reads any more, as the end of a pipeline would.
            with self._source:
                while count := self._source.readinto(buffer):
                    self._is_reading = False
                    self._sink(buffer[:count])
                    self._has_moved = self._is_reading = True
        except BrokenPipeError:
            pass
        except Exception as error:
            self._events.put(error)
            return
        self._is_reading = True
        self._events.put("drained")

    def is_idle(self) -> bool:
        """Whether nothing has come since this was asked last; a slow reader of ours is not the command's silence."""
        has_moved, self._has_moved = self._has_moved, False
        return self._is_reading and not has_moved


def _feed(target: IO[bytes]) -> None:
    # The command may stop reading, close its end or exit at any time; its exit code tells what came of it.
    with contextlib.suppress(OSError, ValueError), target:
        while chunk := _read_from(0):
            view = memoryview(chunk)
            while view:
                view = view[target.write(view) :]


def _read_from(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:  # whoever shares the terminal or pipe with us made it non-blocking
            select.select([fd], [], [])


def _writer_to(fd: int) -> _Sink:
    def write(data: memoryview) -> None:
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                select.select([], [fd], [])
            except OSError as error:
                # So the C runtime of Windows reports a pipe whose reader has gone.
                if sys.platform == "win32" and error.errno == errno.EINVAL:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
                raise

    return write


def _open_closed_descriptors() -> None:
    """Point stdin, stdout and stderr to the null device where they are closed, before a pipe gets such a number."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _console_size() -> tuple[int, int]:
    """Rows and columns of the local terminal."""
    for fd in (0, 1, 2):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            return size.lines, size.columns
    return 24, 80


@contextlib.contextmanager
def _raw_terminal() -> Generator[None, None, None]:
    """Passes each key to the command: its own terminal echoes, edits lines and turns Ctrl-C into a signal."""
    if sys.platform == "win32" or not os.isatty(0):
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _stop(system: ComputeSystem, report: _Report) -> None:
    with report.timed("stop"):
        try:
            system.stop(grace=_STOP_GRACE)
        except (HcsError, TimeoutError) as error:
            # The command's own outcome counts for more than what went wrong after it.
            report.error = report.error or error


def _wait_until_nothing_pends() -> None:
    """Gives the reaper time to end what an interrupted call was still creating."""
    end = time.monotonic() + _STOP_GRACE
    while hcsrt.pending() and time.monotonic() < end:
        time.sleep(0.01)


def _exit_status(code: int | None) -> int:
    """The exit code as this operating system can carry it: Windows has 32 bits, POSIX 8, and failure stays failure."""
    if code is None:
        return FAILED
    if sys.platform == "win32":
        return code - (1 << 32) if code >= 1 << 31 else code
    return code if code < 256 else code & 0xFF or 255


def _complain(error: Exception) -> None:
    message = " ".join(str(error).split()) or type(error).__name__
    try:
        Console(stderr=True, highlight=False).print(f"[bold red]hcsrt:[/] {escape(message)}", soft_wrap=True)
    except OSError:
        _discard_output_to(2)


def _discard_output_to(fd: int) -> None:
    """Let what is left in a stream's buffer go; failing to write it would give Python an exit code of its own."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, fd)
    os.close(null)


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        try:
            backend: str = hcsrt.backend()
        except (OSError, ValueError) as error:
            backend = f"none, {error}"
        click.echo(f"hcsrt {hcsrt.__version__} (backend: {backend})")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and the backend, and exit.",
)
def command_line() -> None:
    """Run commands in compute systems of the Windows Host Compute Service, or of its emulator."""


class _WrongUsage(click.UsageError):
    exit_code = FAILED  # the usual 2 might be the command's


class _RunCommand(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _WrongUsage(error.format_message(), ctx) from None


def _parse_environment(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    environment: dict[str, str] = {}
    for value in values:
        name, separator, content = value.partition("=")
        if not name or not separator:
            raise click.BadParameter("expected KEY=VALUE")
        environment[name] = content
    return environment


def _refuse_empty(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value == "":
        raise click.BadParameter("must not be empty")
    return value


def _refuse_endless(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("expected a finite number of seconds")
    return value


def _read_document(source: str | None, owner: str | None) -> dict[str, Any]:
    """The compute system document of ``--document``, or the emulator's own."""
    if source is None:
        if hcsrt.backend() == "windows":
            raise ValueError(
                "--document is needed: a JSON file that describes a compute system, for a container at least "
                "Container.Storage with its Layers and scratch Path"
            )
        return hcsrt.emulator.container_document(owner=owner or "hcsrt")
    with click.open_file(source, encoding="utf-8-sig") as file:
        document: dict[str, Any] = loads(dumps(file.read(), argument=f"--document {source}"))
    if owner is not None:
        document["Owner"] = owner
    # Nothing of a run outlives it, even if hcsrt is killed.
    document.setdefault("ShouldTerminateOnLastHandleClosed", True)
    return document


@command_line.command(cls=_RunCommand, context_settings={"allow_interspersed_args": False})
@click.option(
    "--id", "id_", metavar="ID", callback=_refuse_empty, help="Id of the compute system; a new one by default."
)
@click.option("--owner", metavar="NAME", callback=_refuse_empty, help="Owner of the compute system; hcsrt by default.")
@click.option("--document", metavar="FILE|-", help="JSON document of the compute system; - reads it from stdin.")
@click.option("--cwd", metavar="DIR", help="Working directory of the command.")
@click.option(
    "-e",
    "environment",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_parse_environment,
    help="Set an environment variable; may be repeated.",
)
@click.option("-i", "interactive", is_flag=True, help="Forward stdin to the command.")
@click.option("-t", "terminal", is_flag=True, help="Give the command a pseudo-terminal.")
@click.option(
    "--timeout",
    metavar="S",
    type=click.FloatRange(min=0),
    callback=_refuse_endless,
    help="Seconds that everything may take; exit code 124.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with output, exit code and timings.")
@click.argument("command", metavar="COMMAND [ARG]...", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    id_: str | None,
    owner: str | None,
    document: str | None,
    cwd: str | None,
    environment: dict[str, str],
    interactive: bool,
    terminal: bool,
    timeout: float | None,
    as_json: bool,
    command: tuple[str, ...],
) -> None:
    """Run a command in a compute system of its own and exit with its exit code.

    The system is created and started first, and stopped when the command has exited. The first Ctrl-C goes to the
    command, the second terminates the system.
    """
    if interactive and document == "-":
        raise _WrongUsage("-i and --document - both want stdin")
    if terminal and as_json:
        raise _WrongUsage("-t is for a person, --json for a program: choose one")
    _open_closed_descriptors()
    if interactive and terminal and not os.isatty(0):
        # No end of file gets through a pseudo-terminal: the command would wait for more for ever.
        raise _WrongUsage("-t with -i needs a terminal on stdin; leave out -t")
    if sys.platform != "win32":
        # Whoever started us may ignore it, and the kernel then throws the exit codes of the emulator's programs away.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    warnings.simplefilter("ignore", NoIsolationWarning)
    report = _Report(id_ or f"hcsrt-{secrets.token_hex(6)}")
    deadline = Deadline(timeout)
    try:
        with _Signals() as signals:
            system = _read_document(document, owner)
            job = _Job(report.id, system, command, cwd, environment, interactive, terminal)
            if hcsrt.backend() == "emulator" and os.isatty(2):
                click.echo("hcsrt: emulated compute system: the command runs on this machine, not isolated", err=True)
            code = _run(job, report, signals, deadline, live=not as_json)
    except _Interrupted as interrupted:
        code = 128 + interrupted.number
    except Exception as error:
        report.timed_out = isinstance(error, TimeoutError) and deadline.passed()
        report.error = TimeoutError(f"timed out after {timeout:g} s") if report.timed_out else error
        code = TIMED_OUT if report.timed_out else FAILED
    if as_json:
        text = json.dumps(report.as_document(), indent=2)
        try:
            _writer_to(1)(memoryview(f"{text}\n".encode()))
        except OSError as error:
            _complain(error)
            code = FAILED
    elif report.error is not None:
        _complain(report.error)
    sys.exit(code)


_STATUS_STYLES: dict[Status, str] = {"ok": "green", "warning": "yellow", "error": "bold red", "unknown": "cyan"}


@command_line.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: hcsrt, backend, usable, findings.")
def doctor(as_json: bool) -> None:
    """Find out whether HCS can be used from here, and what to do if it cannot.

    Where the emulator takes the place of HCS, as on Linux and macOS, the emulator is examined. The exit code is 0 if
    HCS or the emulator can be used, even if not for everything, and 1 if it cannot.
    """
    findings = examine()
    try:
        backend = hcsrt.backend()
    except (OSError, ValueError, ImportError):
        backend = None
    if as_json:
        document = {
            "hcsrt": hcsrt.__version__,
            "backend": backend,
            "usable": usable(findings),
            "findings": [asdict(finding) for finding in findings],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            table.add_row(Text(finding.status, _STATUS_STYLES[finding.status]), finding.name, Text(finding.found))
            if finding.remedy is not None:
                table.add_row("", "", Text(f"Remedy: {finding.remedy}", "bold"))
        name = "The emulator" if backend == "emulator" else "HCS"
        console = Console(highlight=False)
        console.print(table)
        console.print(f"{name} can be used." if usable(findings) else f"{name} cannot be used: see the errors.")
    sys.exit(0 if usable(findings) else 1)


# A negative number is a spelling of an HRESULT here, not an unknown option.
@command_line.command(context_settings={"ignore_unknown_options": True})
@click.argument("code", metavar="CODE|NAME")
def errors(code: str) -> None:
    """Explain an HRESULT of the Host Compute Service: its number in any spelling, or its name."""
    try:
        explanation = explain(code)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    console = Console(highlight=False)
    title = f"0x{explanation.hresult & 0xFFFFFFFF:08X} ({explanation.hresult})"
    if explanation.symbol:
        title = f"{explanation.symbol} {title}"
    console.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    console.print(escape(explanation.meaning), soft_wrap=True)
    if explanation.hint:
        console.print(f"Hint: {escape(explanation.hint)}", soft_wrap=True)
    if explanation.hresult < 0:
        console.print(f"Raised as hcsrt.{explanation.exception}", soft_wrap=True)


def main() -> None:
    """Run the command line and exit; what nobody foresaw is a failure of hcsrt, told in one line."""
    try:
        command_line(prog_name="hcsrt")
    except Exception as error:
        _complain(error)
        _discard_output_to(1)
        sys.exit(FAILED)
