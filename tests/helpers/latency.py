"""An HCS that keeps the threads that call it, or does not complete what they ask for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hcsrt import _interpose


@contextmanager
def latency(seconds: float, *functions: str) -> Iterator[None]:
    """Let calls of these functions take so long at least, or until the end of the block."""
    with ExitStack() as stack:
        for function in functions:
            stack.enter_context(_interpose.waiting(function, seconds))
        yield


@contextmanager
def hanging(*functions: str) -> Iterator[None]:
    """Let no call of these functions complete within the block; HCS hears only of those that create something."""
    with ExitStack() as stack:
        for function in functions:
            stack.enter_context((_interpose.late if "Create" in function else _interpose.silent)(function))
        yield
