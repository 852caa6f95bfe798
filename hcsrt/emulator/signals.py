"""Signals of processes: their numbers, and what a document calls them."""

from __future__ import annotations

import signal
import sys
from typing import cast

from . import schema
from .failures import Problem, invalid_argument, invalid_json

# The numbers that every POSIX system gives them. Windows has no signals: there SIGSTOP and SIGCONT suspend and resume
# what is in a job, SIGKILL ends it, and so does each of the others, with the exit code of a Ctrl-C that nobody handles.
SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM = 1, 2, 3, 9, 15
if sys.platform == "win32":
    SIGCONT, SIGSTOP = 18, 19
else:
    SIGCONT, SIGSTOP = signal.SIGCONT, signal.SIGSTOP
_SIGNALS = range(1, 65) if sys.platform == "win32" else signal.valid_signals()

# Mapped as programs for both Windows and POSIX do: CtrlBreak makes a Java VM print its threads as SIGQUIT does, and
# libuv reports a closed console as SIGHUP.
_WINDOWS_SIGNALS = {
    "CtrlC": SIGINT,
    "CtrlBreak": SIGQUIT,
    "CtrlClose": SIGHUP,
    "CtrlLogOff": SIGHUP,
    "CtrlShutdown": SIGTERM,
}


def signal_number(text: str | None, *, linux: bool) -> int:
    """Return the signal that a SignalProcessOptions document asks for; for a Linux guest it holds the number itself."""
    if not text:
        raise invalid_argument("$", "options with a Signal are needed")
    if not linux:
        name = schema.parse(text, "SignalProcessOptions").get("Signal")
        if name is None:
            raise invalid_json(Problem("$.Signal", "is missing"))
        return _WINDOWS_SIGNALS[name]
    options = schema.load(text)
    number: object = cast("dict[str, object]", options).get("Signal") if isinstance(options, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number not in _SIGNALS:
        raise invalid_json(Problem("$.Signal", "the number of a signal is expected"))
    return number
