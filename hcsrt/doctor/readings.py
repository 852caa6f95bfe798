"""The readings of the backend of this process, of its answer, and of Windows."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, TypeVar

from .. import _calls
from .._functions import missing_functions
from .._library import backend as chosen_backend
from .._library import choose
from . import windows

T = TypeVar("T")


@dataclass(frozen=True)
class Readings:
    """All that the findings are concluded from."""

    system: str
    backend: Literal["windows", "emulator"] | Exception
    missing: Mapping[str, str] | Exception | None  # function: the Windows that has it; None without a backend
    answer: str | Exception | None  # the ServiceProperties document; None if HCS could not be asked
    has_psutil: bool
    windows: windows.Readings | None  # None where the emulator takes the place of HCS, or where there is no Windows


def read(limit: float | None, chosen: Callable[[], Literal["windows", "emulator"]] = chosen_backend) -> Readings:
    """Take all readings; HCS has `limit` seconds for its answer. `chosen` returns which is used."""
    backend = _outcome(chosen)
    missing = answer = of_windows = None
    if not isinstance(backend, Exception):
        missing = _outcome(missing_functions)
        query = '{"PropertyTypes": ["Basic"]}'
        answer = _bounded(lambda: _calls.service("HcsGetServiceProperties", query) or "", limit)
    if sys.platform == "win32":
        system = "Windows"
        if backend != "emulator":
            of_windows = windows.read()
    else:
        uname = os.uname()
        system = f"{uname.sysname} {uname.release}"
    return Readings(system, backend, missing, answer, find_spec("psutil") is not None, of_windows)


def choose_windows() -> Literal["windows", "emulator"]:
    """Choose computecore.dll. Raises NotSupportedError if it cannot be loaded, RuntimeError if the emulator is used."""
    choose("windows")
    return chosen_backend()


def _outcome(call: Callable[[], T]) -> T | Exception:
    try:
        return call()
    except Exception as error:
        return error


def _bounded(call: Callable[[], T], limit: float | None) -> T | Exception:
    """Return the outcome of a call that cannot be cancelled, a TimeoutError if there is none in time."""
    outcomes: list[T | Exception] = []
    thread = threading.Thread(target=lambda: outcomes.append(_outcome(call)), name="hcsrt doctor", daemon=True)
    thread.start()
    thread.join(None if limit is None else min(limit, threading.TIMEOUT_MAX))
    return outcomes[0] if outcomes else TimeoutError(f"HCS does not answer within {limit} s")
