"""Functions that do what none may, to see that it is found, and one that may: each does it when it is given None."""

import asyncio
import contextlib
import ctypes
import faulthandler
import os
import sys
import threading

from hcsrt import _calls, _engine, _handles, operations

_kept = []


class _Loses:
    def __del__(self):
        raise LookupError("lost")


def crash(it):
    if it is None:
        # On Windows, ctypes would make an exception of it.
        faulthandler._sigsegv()


def abort(it):
    if it is None:
        os.abort()


def hang(it):
    if it is None:
        # Without the GIL, and deaf to what Python would be told meanwhile.
        if sys.platform == "win32":
            ctypes.WinDLL("kernel32").Sleep(60_000)
        else:
            ctypes.CDLL(None).sleep(60)


def hang_with_the_gil(it):
    if it is None:
        sum(range(1 << 62))


def leak(it):
    if it is None:
        _kept.append(operations.create_operation())


def miscount(it):
    if it is None:
        _handles.announce(1)


def misuse(it):
    if it is None:
        raw = operations.create_operation().into_raw()
        for _ in range(2):
            _handles.OwnedOperation.from_raw(raw).close()


def break_python(it):
    if it is None:
        ctypes.pythonapi.PyErr_BadInternalCall()


def lose(it):
    if it is None:
        _Loses()


def close_a_loop(it):
    """Close a loop with calls under way, which nobody collects any more but the next loop."""
    if it is None:
        _calls._at_exit()
        # On a thread, where no interrupt keeps the loop from its close.
        thread = threading.Thread(target=_begin_and_close)
        thread.start()
        thread.join()


def _begin_and_close():
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(_begin_calls())


async def _begin_calls():
    for _ in range(7):
        _engine.service("HcsGetServiceProperties", None)
