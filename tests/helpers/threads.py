"""The threads of a program, by what they do."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def threads_in(function: Callable[..., Any]) -> int:
    """Count the threads that are inside a function."""

    def is_inside(frame: FrameType | None) -> bool:
        while frame is not None and frame.f_code is not function.__code__:
            frame = frame.f_back
        return frame is not None

    return sum(map(is_inside, sys._current_frames().values()))
