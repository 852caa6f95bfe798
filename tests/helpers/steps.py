"""Interruptions of a function, one before each of its steps."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any


@contextmanager
def interrupted_at(step: int, function: Callable[..., Any], *modules: ModuleType) -> Iterator[Callable[[], bool]]:
    """Raise KeyboardInterrupt before an instruction of a function, or of what it calls in these modules.

    Yields a function that tells whether that instruction was reached.
    """
    left = step
    files = [module.__file__ for module in modules]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files:
            return None
        caller: FrameType | None = frame
        while caller is not None and caller.f_code is not function.__code__:
            caller = caller.f_back
        if caller is None:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lambda: left <= 0
    finally:
        sys.settrace(before)
