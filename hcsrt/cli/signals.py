"""The signals that end ``hcsrt run``, or go on to its command."""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any, Literal

# These ask for an end: the second one terminates the system.
_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
# The others that would end a program that does not handle them, but for those that tell of a fault in itself.
_OTHER_SIGNALS = (
    "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPOLL", "SIGPWR", "SIGSTKFLT",
    "SIGXCPU",
)  # fmt: skip

# What a Windows guest has in the place of signals.
_WINDOWS_NAMES = {
    "SIGINT": "CtrlC",
    "SIGTERM": "CtrlShutdown",
    "SIGHUP": "CtrlClose",
    "SIGQUIT": "CtrlBreak",
    "SIGBREAK": "CtrlBreak",
}
# What a Linux guest has in the place of a signal that only Windows knows.
_LINUX_NUMBERS = {"SIGBREAK": 3}

Event = Literal["exited", "drained", "resized"] | int | Exception


class Interrupted(BaseException):
    """A signal ended hcsrt: before the command ran, because it could not be passed on, or after two had not helped."""

    def __init__(self, number: int) -> None:
        self.number = number


def is_stop_signal(number: int) -> bool:
    """Return whether a signal asks for an end, so that a second one terminates the system."""
    return number in _numbers(_STOP_SIGNALS)


def names_of(number: int) -> tuple[int, str | None]:
    """Return what a signal is called for a Linux guest, and for a Windows guest if that has one like it."""
    try:
        name = signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return number, None
    return _LINUX_NUMBERS.get(name, number), _WINDOWS_NAMES.get(name)


class Signals:
    """A catcher of the signals that would end hcsrt.

    While the system is being set up they do so at once. Once the command runs they are put among its events, so that
    no exception comes in between; only the third that asks for an end says that asking has not helped. While the system
    is being stopped, only those that ask for an end interrupt that.
    """

    def __init__(self) -> None:
        self.phase: Literal["setup", "command", "stop"] = "setup"
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        for number in (*_numbers(_STOP_SIGNALS), *_numbers(_OTHER_SIGNALS), *_real_time_signals()):
            # A signal that we were started with ignored (nohup, a shell's background job) stays ignored.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def forward_resize(self) -> None:
        if sys.platform != "win32":
            self._before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._resized)

    @contextmanager
    def stopping(self) -> Generator[None, None, None]:
        before, self.phase = self.phase, "stop"
        try:
            yield
        finally:
            self.phase = before

    def _resized(self, number: int, frame: FrameType | None) -> None:
        self.events.put("resized")

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        asks_for_an_end = is_stop_signal(number)
        if self.phase == "command":
            self._count += asks_for_an_end
            if not asks_for_an_end or self._count <= 2:
                self.events.put(int(number))
                return
        if asks_for_an_end or self.phase == "setup":
            raise Interrupted(number)


def _numbers(names: tuple[str, ...]) -> list[int]:
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _real_time_signals() -> range:
    first, last = getattr(signal, "SIGRTMIN", 0), getattr(signal, "SIGRTMAX", -1)
    return range(first, last + 1)
