"""Event loops to run tests on, and a decorator that runs an asynchronous test on each."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

try:
    import uvloop
except ImportError:  # there is none for Windows
    LOOPS = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

# For mirrored tests of the blocking face, and what runs alone: asyncio's loop, and the others with the slow tests.
MIRRORED = [
    pytest.param(new_loop, id=name, marks=() if name == "asyncio" else pytest.mark.slow)
    for name, new_loop in LOOPS.items()
]

each_loop = pytest.mark.parametrize("loop_factory", LOOPS.values(), ids=LOOPS)


def is_awaited(function: object) -> bool:
    """Return whether what a function returns is to be awaited."""
    # CPython 3.11 has the mark of asyncio alone for a function that returns a coroutine of another type.
    return inspect.iscoroutinefunction(function) or hasattr(function, "_is_coroutine")


def asynchronous(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a test that is a coroutine run on each kind of loop."""

    def run(loop_factory: Any, **fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(test(**fixtures))

    signature = inspect.signature(test)
    loop = inspect.Parameter("loop_factory", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), loop])  # type: ignore[attr-defined]
    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    run.pytestmark = getattr(test, "pytestmark", [])  # type: ignore[attr-defined]
    return each_loop(run)
