"""The signals that end ``hcsrt run``, or go on to its command."""

import signal
import sys
from queue import SimpleQueue
from types import FrameType
from typing import Any, Literal

_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

Event = Literal["exited", "drained", "resized"] | int | Exception


class Interrupted(BaseException):
    """A signal ended hcsrt before the command ran, or after two had not helped."""

    def __init__(self, number: int) -> None:
        self.number = number


class Signals:
    """A catcher of the signals that ask the command to stop.

    While the system is being set up they end hcsrt at once. Once the command runs they are put among its events, so
    that no exception comes in between; only the third one says that asking has not helped.
    """

    def __init__(self) -> None:
        self.deferred = False
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        for name in _STOP_SIGNALS:
            number = getattr(signal, name, None)
            # A signal that we were started with ignored (nohup, a shell's background job) stays ignored.
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
            raise Interrupted(number)
        self.events.put(number)
