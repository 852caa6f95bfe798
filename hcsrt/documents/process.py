# `tools/documents.py write` makes this file.
"""Documents of processes."""

from typing import Literal, TypeAlias, TypedDict

__all__ = [
    "CloseHandle",
    "ConsoleSize",
    "ModifyOperation",
    "ProcessModifyRequest",
    "ProcessParameters",
    "ProcessSignal",
    "ProcessStatus",
    "SignalProcessOptions",
    "StdHandle",
]

ModifyOperation: TypeAlias = Literal["ConsoleSize", "CloseHandle"]
"""What a `ProcessModifyRequest` does; it decides which other member the request needs.

* `ConsoleSize`: Resize the console.
* `CloseHandle`: Close one standard stream, or all of them.
"""

ProcessSignal: TypeAlias = Literal["CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown"]
"""A console control signal for a process in a Windows guest.

* `CtrlC`: Ctrl+C was pressed.
* `CtrlBreak`: Ctrl+Break was pressed.
* `CtrlClose`: The console was closed.
* `CtrlLogOff`: The user is logging off.
* `CtrlShutdown`: The system is shutting down.
"""

StdHandle: TypeAlias = Literal["StdIn", "StdOut", "StdErr", "All"]
"""A standard stream of a process.

* `All`: All three streams.
"""


class CloseHandle(TypedDict, total=False):
    """Which standard stream of a process to close, in a `ProcessModifyRequest`."""

    Handle: StdHandle
    """Stream to close, or `All`.

    Schema 2.0.
    """


class ConsoleSize(TypedDict, total=False):
    """Size to give the console of a running process. In `ProcessParameters` the size is an array, height first."""

    Height: int
    """Number of rows.

    Schema 2.0.
    """

    Width: int
    """Number of columns.

    Schema 2.0.
    """


class ProcessParameters(TypedDict, total=False):
    """What to run in a compute system, and how, given to `HcsCreateProcess`."""

    ApplicationName: str
    """Executable to run.

    Schema 2.0.
    """

    CommandLine: str
    """Command line, with the program first.

    Schema 2.0.
    """

    CommandArgs: list[str]
    """Arguments as a list, in place of `CommandLine`; for Linux guests only.

    Schema 2.0.
    """

    User: str
    """Account that the process runs as.

    Schema 2.0.
    """

    WorkingDirectory: str
    """Directory that the process starts in, as a path in the guest.

    Schema 2.0.
    """

    Environment: dict[str, str]
    """Environment variables and their values.

    Schema 2.0.
    """

    RestrictedToken: bool
    """Whether the process runs with low privileges.

    Schema 2.0.
    """

    EmulateConsole: bool
    """Whether the process gets a console; `CreateStdErrPipe` has no effect then.

    Schema 2.0.
    """

    CreateStdInPipe: bool
    """Whether to create a pipe for standard input.

    Schema 2.0.
    """

    CreateStdOutPipe: bool
    """Whether to create a pipe for standard output.

    Schema 2.0.
    """

    CreateStdErrPipe: bool
    """Whether to create a pipe for standard error; ignored with `EmulateConsole`.

    Schema 2.0.
    """

    ConsoleSize: list[int]
    """Height and width of the console, in this order.

    2 items. Schema 2.0.
    """

    UseExistingLogin: bool
    """Whether to run the process in a session that the user already has.

    Schema 2.0.
    """

    UseLegacyConsole: bool
    """Whether to use the legacy console in place of `conhost`.

    Schema 2.0.
    """


class ProcessStatus(TypedDict, total=False):
    """Whether and how a process has exited."""

    ProcessId: int
    """Process id.

    Schema 2.1.
    """

    Exited: bool
    """Whether the process has exited.

    Schema 2.1.
    """

    ExitCode: int
    """Exit code; valid only if `Exited` is true and `LastWaitResult` is 0.

    Schema 2.1.
    """

    LastWaitResult: int
    """HRESULT of waiting for the exit; 0 if that succeeded.

    Schema 2.1.
    """


class SignalProcessOptions(TypedDict, total=False):
    """Options of `HcsSignalProcess`."""

    Signal: ProcessSignal
    """Signal to send; the names are for processes of Windows guests.

    Schema 2.1.
    """


class ProcessModifyRequest(TypedDict, total=False):
    """Change to a running process, given to `HcsModifyProcess`."""

    Operation: ModifyOperation
    """What to change; names the member that has the details.

    Schema 2.0.
    """

    ConsoleSize: ConsoleSize
    """New size of the console, for the operation `ConsoleSize`.

    Schema 2.0.
    """

    CloseHandle: CloseHandle
    """Stream to close, for the operation `CloseHandle`.

    Schema 2.0.
    """
