from collections.abc import Callable
from typing import final

class Stopped(Exception):
    """The native half went down; the service has nothing more to do."""

@final
class Request:
    """One item of the service's queue."""

    @property
    def function(self) -> str: ...
    @property
    def ticket(self) -> int: ...
    @property
    def system(self) -> int: ...
    @property
    def process(self) -> int: ...
    @property
    def scope(self) -> str | None: ...
    @property
    def id(self) -> str | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def number(self) -> int: ...
    @property
    def lost(self) -> bool: ...

def take(
    service: int, timeout: float | None, first: tuple[int, int, str | None, int, int] | None = None
) -> Request | None:
    """Return the next item for a service, or None if none came within `timeout` seconds (None: for ever).

    `first` is a reply to give before that: its ticket, HRESULT, document, key and pid. Raises Stopped once the native
    half went down, or has another service.
    """

def reply(ticket: int, hresult: int, document: str | None = None, *, key: int = 0, pid: int = 0) -> None:
    """Answer the item with that ticket; a second answer is ignored."""

def emit(key: int, event_type: int, data: str | None = None) -> None:
    """Deliver an event to each open handle of that system or process that has a callback."""

def spawn(
    process: int,
    argv: list[bytes],
    environment: list[bytes],
    directory: bytes | None,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    console: tuple[int, int] | None = None,
) -> int:
    """Start a program in a session of its own and return its pid; its end comes as a ProcessExited item.

    `argv` and `environment` are bytes; a program without a slash is looked up on the PATH of `environment`. On Windows
    `argv` is the program and its command line. `console` is (rows, columns) for a pseudo-terminal, or None. Raises
    OSError; its `filename` is the directory or the program.
    """

def signal(process: int, number: int) -> bool:
    """Send a signal to the group of a process; False if nobody is left in it."""

def members(process: int) -> list[int]:
    """Return the pids in the group of a process; on Windows only, elsewhere a group keeps no list."""

def usage(process: int) -> tuple[tuple[int, int, int, int, int, int], int]:
    """Return what a process has used, by the system's own accounting: times in 100 ns, and bytes.

    On POSIX that is known once the program has ended, with what it waited for; on Windows it is that of its whole job.
    The last figure is the most memory of one program, on Windows of the job.
    """

def resize(process: int, rows: int, columns: int) -> None:
    """Set the size of a process's pseudo-terminal, if it has one."""

def close_stream(process: int, name: str) -> bool:
    """Close a standard stream ("StdIn", "StdOut", "StdErr") of a process, whoever holds our end of it."""

def forget(process: int) -> None:
    """Drop a process for good; pipe ends that nobody asked for are closed."""

def configure(seed: int | None, assumed: dict[str, int]) -> None:
    """Vary what HCS leaves open by this seed, None for the plain order; make the choices of these numbers by name."""

def switches() -> list[tuple[str, int, int | None]]:
    """Return the choices of native code: for each its name, how many there are, and the odds of `Assumption.one_in`."""

def assume(name: str, choice: int | None) -> None:
    """Have native code make a choice by its number, whatever the seed; None: leave it to the seed again."""

def met(name: str) -> int:
    """Return the numbers of the choices of native code that were met, as bits of one number."""

def serve_on_demand(function: Callable[[], object]) -> None:
    """Have a function called, on a thread of its own, to start a service where a call finds none: in a forked child."""

def epoch() -> int:
    """Return the epoch of this process; a forked child has another one."""

def start() -> int:
    """Let calls reach the queue, and return the number of the service that takes them from there."""

def serves(service: int) -> bool:
    """Return whether the service with this number has not gone."""

def start_at_next_call() -> None:
    """Tell that there is no service: calls that came since start() fail, and the next one has one started."""

def stop(for_good: bool) -> None:
    """Go down as a service that crashed: calls fail, watchers hear of it, programs are killed. Runs no Python.

    for_good: whether the world ends with it.
    """

def clear() -> None:
    """Forget everything; handles from before answer as those of a service that went away."""

def ask_world() -> tuple[int, str | None]:
    """Have the service answer a request "World", what is on its host, and return the HRESULT and the document."""

def report_event(text: str) -> tuple[int, str | None]:
    """Have the service answer a request "Event", and return the HRESULT and why nobody was told, None if they were."""

def visited() -> int:
    """Return how many entries of lists were looked at for events, and for the streams of processes, since the start.

    What is looked at belongs to the system or process that it is about, however many others there are.
    """

def new_key() -> int:
    """Return a number for a compute system that no call has created."""

def live() -> dict[str, int]:
    """Return how many handles and strings were given out and not released yet."""

def pending() -> int:
    """Return what hcsrt.pending returns, for whose module the emulator is too far down the house."""

def misuses() -> list[str]:
    """Return what callers did that would have crashed, or corrupted, the real HCS."""

def record_misuse(text: str) -> None:
    """Add to misuses()."""

def fault_hook() -> object:
    """Return what faults can ask of the emulator, in a capsule for hcsrt._interpose."""

def backend() -> object:
    """Return the emulator's hcsrt_backend, in a capsule for hcsrt._library."""
