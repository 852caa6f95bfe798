"""Sweeps: a program runs again and again, and each time HCS fails at another of its calls.

It is how SQLite is tested: what no test thinks of, the fault at the third call of a clean-up, comes by itself. Only
calls that the program makes when nothing fails are made to fail, and not those that it makes only after a failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, cast

from .. import _interpose
from .._arguments import check_name
from .._arguments import seconds as checked_seconds
from ..errors import HcsError
from ..faults import Fault, Faults, Firing
from . import plausible

# Seconds that a program which hangs has to end, once its service is gone.
_GRACE = 5.0


class SweptService(Protocol):
    """What a sweep needs of the service of a host."""

    def stop(self) -> None: ...


class SweptHost(Protocol):
    """What a sweep needs of a host."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def service(self) -> SweptService: ...
    @property
    def assumptions(self) -> dict[str, str | None]: ...
    def settle(self, seconds: float | None) -> bool: ...
    def left_behind(self) -> dict[str, int]: ...
    def misuses(self) -> list[str]: ...
    def systems(self) -> list[str]: ...


class Run:
    """One run of a program in a world of its own, in which at most one thing fails."""

    def __init__(self, fault: Fault | None, *, seed: int | None, function: str, number: int, lasting: bool) -> None:
        self.fault: Fault | None = fault
        """What failed; None in the first run, in which nothing does."""
        self.seed: int | None = seed
        """The seed of its world."""
        self.assumptions: dict[str, str] = {}
        """What was assumed in its world."""
        self.function: str = function
        """The function of HCS that failed, empty in the first run."""
        self.number: int = number
        """Which call of the function that was, from 1; 0 in the first run."""
        self.lasting: bool = lasting
        """Whether all that followed failed, too."""
        self.fired: list[Firing] = []
        """What the fault has met: nothing, if the program did not come to that call this time."""
        self.calls: int | None = None
        """How many calls of HCS that can fail it has made; counted in the first run only."""
        self.result: Any = None
        """What the program has returned."""
        self.error: BaseException | None = None
        """The exception that the program has ended with. The local variables of its traceback are gone."""
        self.hung: bool = False
        """Whether the program had not ended in time."""
        self.threads: str = ""
        """Where its threads and its tasks then were, as tracebacks."""
        self.is_stuck: bool = False
        """Whether it did not even end with its world, so that it is still there."""
        self.left_behind: dict[str, int] = {}
        """What it has left behind, as `Host.left_behind` counts it."""
        self.misuses: list[str] = []
        """What it did that could crash or corrupt the real HCS."""
        self.systems: list[str] = []
        """The ids of the compute systems that still ran when it had ended."""
        self.unclosed: list[str] = []
        """What of hcsrt it did not close, and the garbage collector had to."""
        self.unhandled: list[str] = []
        """What the event loop of its coroutine has complained about."""

    def __repr__(self) -> str:
        return f"<Run {self._where()}: {'; '.join(self.problems()) or 'clean'}>"

    def _where(self) -> str:
        if self.fault is None:
            return "in which nothing fails"
        calls = f"calls {self.number} and later" if self.lasting else f"call {self.number}"
        error = self.fault.to_dict().get("error", "")
        return f"with {self.fault.action}({error}) at {self.fault.site}, {calls}"

    def problems(self, *errors: type[BaseException]) -> list[str]:
        """Return what is wrong with the run, a sentence each; nothing if it is clean.

        Args:
            errors: Exceptions of the program's own, with which it may end where something fails.
        """
        found: list[str] = []
        if self.hung:
            stuck = ", nor when its world was at an end" if self.is_stuck else ""
            found.append(f"the program did not end in time{stuck}. Its threads were here:\n{self.threads}")
        elif self.error is not None and not self._is_expected(self.error, errors):
            found.append(f"the program ended with {_told(self.error)}")
        if self.calls == 0:
            found.append("the program has called no function of HCS that can fail: does it do what it is to do?")
        if self.left_behind:
            counts = ", ".join(f"{count} {name}" for name, count in self.left_behind.items())
            found.append(f"the program has left behind: {counts}")
        if self.systems and not (self.lasting and self.function in plausible.ENDING):
            found.append(f"these compute systems still run: {', '.join(self.systems)}")
        found += [f"the program did not close what it had: {text}" for text in self.unclosed]
        found += [f"the event loop was told of an error that nobody handles: {text}" for text in self.unhandled]
        found += [f"a call that could crash or corrupt the real HCS: {text}" for text in self.misuses]
        return found

    def _is_expected(self, error: BaseException, errors: tuple[type[BaseException], ...]) -> bool:
        if members := _members(error):
            return isinstance(error, errors) or all(self._is_expected(each, errors) for each in members)
        return isinstance(error, (HcsError, TimeoutError, *errors)) and self.fault is not None

    def expect_clean(self, *errors: type[BaseException]) -> None:
        """Raise an AssertionError that tells what is wrong, if anything is.

        A program may end with a HcsError or a TimeoutError where something fails, or with a group of these. A compute
        system may still run where no call that could end it works any more.

        Args:
            errors: Exceptions of the program's own, with which it may end as well.
        """
        problems = self.problems(*errors)
        if problems:
            lines = [f"in the run {self._where()}:", *(f"* {problem}" for problem in problems)]
            if self.fault is not None:
                given = "".join(f", {name}={choice!r}" for name, choice in self.assumptions.items())
                lines.append(f"repeat it with: Host(seed={self.seed}{given}), and faults.add({self.fault.to_dict()})")
            # What a program that hung has ended with comes from the end of its world.
            raise AssertionError("\n".join(lines)) from (None if self.hung else self.error)


class Sweep:
    """The runs of a program, made one after the other as they are asked for. `Host.sweep` returns one."""

    def __init__(
        self,
        function: Callable[[], Any],
        new_host: Callable[[], SweptHost],
        *,
        seed: int | None,
        limit: float,
        settle: float,
        failures: Mapping[str, Sequence[str | int]] | None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"function must be callable without arguments, not {type(function).__name__}")
        self._function = function
        self._new_host = new_host
        # For what that checks.
        new_host()
        self._seed = seed
        self._limit = checked_seconds(limit, "limit")
        self._settle = checked_seconds(settle, "settle")
        self._failures: dict[str, list[str | int]] = {}
        if failures is not None and not isinstance(failures, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"failures must be a mapping of functions to HRESULTs, not {type(failures).__name__}")
        for name, errors in (failures or {}).items():
            check_name(name, "a function of failures")
            if isinstance(errors, (str, bytes, Mapping)) or not isinstance(errors, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"failures[{name!r}] must be a list of HRESULTs, not {type(errors).__name__}")
            self._failures[name] = list(errors)
            for error in self._failures[name]:
                Fault.from_dict({"site": name, "action": "fail", "error": error})
        self.sites: int = 0
        """The number of calls of HCS at which the program may see a failure, known after the first run."""
        self.runs: int = 0
        """The number of runs so far."""
        self.met: int = 0
        """The number of sites at which something has failed so far."""

    def __repr__(self) -> str:
        return f"<Sweep of {getattr(self._function, '__qualname__', self._function)!s}: {self.report()}>"

    def report(self) -> str:
        """Return how many sites there are, at how many something failed, and how many runs there were."""
        return f"{self.sites} sites, of which {self.met} have failed, in {self.runs} runs"

    def __iter__(self) -> Iterator[Run]:
        """Make the runs: one in which nothing fails, and those of each site.

        Raises:
            RuntimeError: Another Host is installed, or a program that hangs does not end with its world, so that no run
                after it would have a world of its own.
        """
        for run in self._all_runs():
            yield run
            if run.is_stuck:
                raise RuntimeError("the program still runs after the end of its world: the sweep cannot go on")

    def _all_runs(self) -> Iterator[Run]:
        self.runs = self.met = 0
        first, counts = self._run(None, "", 0, lasting=False)
        self.sites = sum(counts.values())
        yield first
        for function, count in counts.items():
            for number in range(1, count + 1):
                has_met = False
                for fault, lasting in self._faults(function, number):
                    run, _ = self._run(fault, function, number, lasting=lasting)
                    if run.fired and not has_met:
                        has_met = True
                        self.met += 1
                    yield run

    def _faults(self, function: str, number: int) -> Iterator[tuple[Fault, bool]]:
        """Yield what may fail at a site, once and for good, and whether it is for good."""
        own = plausible.failures(function)
        errors = self._failures.get(function) or ([own[0], plausible.DISCONNECTED] if own else [])
        kinds: list[dict[str, Any]] = [{"site": function, "action": "fail", "error": error} for error in errors]
        kinds += [{"site": f"completion:{function}", "action": "fail", "error": error} for error in errors[:1]]
        once = {"nth": number}
        lasting = {"when": [["count", ">=", number]]}
        for kind in kinds:
            for selectors in (once, lasting):
                fault = plausible.fault(**kind, **selectors)
                if fault is not None:
                    yield fault, selectors is lasting
        # The service is back at once, or never.
        for back_after in (0.0, None):
            fault = plausible.fault(site=function, action="disconnect", back_after=back_after, **once)
            if fault is not None:
                yield fault, back_after is None

    def _run(self, fault: Fault | None, function: str, number: int, *, lasting: bool) -> tuple[Run, dict[str, int]]:
        """Make a run; return the calls of each function that can fail in it, too, if nothing fails."""
        self.runs += 1
        run = Run(fault, seed=self._seed, function=function, number=number, lasting=lasting)
        counts: dict[str, int] = {}
        with self._new_host() as host:
            run.assumptions = {name: choice for name, choice in host.assumptions.items() if choice is not None}
            if fault is not None:
                host.faults.add(fault)
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always", ResourceWarning)
                with _interpose.counting() as calls:
                    _Program(self._function, run, host, self._limit).run()
                    if fault is None:
                        counts = {name: calls[name] for name in plausible.functions() if calls[name]}
                        run.calls = sum(counts.values())
                gc.collect()
                self._note_rest(host, run)
            if fault is not None:
                run.fired = fault.fired
        for warning in warned:
            if warning.category is ResourceWarning and type(warning.source).__module__.startswith("hcsrt."):
                # Where that was found says nothing of who has forgotten it.
                run.unclosed.append(str(warning.message))
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return run, counts

    def _note_rest(self, host: SweptHost, run: Run) -> None:
        """Note what a program has left behind, after the time for what cleans up in the background."""
        host.settle(self._settle)
        run.left_behind = host.left_behind()
        run.misuses = host.misuses()
        run.systems = host.systems()


class _Program:
    """A program on a thread of its own, so that it can be left alone if it hangs."""

    def __init__(self, function: Callable[[], Any], run: Run, host: SweptHost, limit: float | None) -> None:
        self._function = function
        self._run = run
        self._host = host
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def run(self) -> None:
        """Run the program to its end, or until it has hung for long enough."""
        # It has the context of who sweeps, as if it was called there.
        thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._call,), name="hcsrt-sweep", daemon=True
        )
        thread.start()
        thread.join(self._limit)
        if thread.is_alive():
            self._run.hung = True
            self._run.threads = self._where(thread)
            self._end_world()
            thread.join(_GRACE)
            self._run.is_stuck = thread.is_alive()

    def _call(self) -> None:
        try:
            result = self._function()
            if inspect.iscoroutine(result):
                result = asyncio.run(self._noted(result))
            elif inspect.isgenerator(result) or inspect.isasyncgen(result):
                # Nothing of it has run, and the sweep would find nothing wrong.
                raise TypeError("function has returned a generator, which nobody runs: return a coroutine, or call it")
            self._run.result = result
        except BaseException as error:
            # What the variables of its frames refer to is what the program has left behind, unless they are forgotten.
            _forget_variables(error)
            self._run.error = error

    async def _noted(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._loop.set_exception_handler(self._note)
        return await coroutine

    def _note(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        said = "" if error is None else f": {_told(error)}"
        self._run.unhandled.append(f"{context.get('message')}{said}")

    def _end_world(self) -> None:
        """Let whatever waits for HCS go on, and cancel the task that waits for anything else."""
        self._host.faults.clear()
        self._host.service.stop()
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._task.cancel)

    def _where(self, thread: threading.Thread) -> str:
        names = {each.ident: each.name for each in threading.enumerate()}
        texts: list[str] = []
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        # First that of the program itself. The one that sweeps waits for it.
        for ident in sorted(frames, key=lambda ident: ident != thread.ident):
            if ident != threading.get_ident():
                stack = "".join(traceback.format_stack(frames[ident]))
                texts.append(f"thread {names.get(ident, ident)}:\n{stack}")
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # a task came or went meanwhile
                texts += [f"task {task.get_name()}:\n{_stack(task)}" for task in asyncio.all_tasks(self._loop)]
        return "\n".join(texts)


def _stack(task: asyncio.Task[Any]) -> str:
    """Return where a task waits, down to the innermost coroutine: its own stack has only the outermost."""
    lines: list[str] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            lines += traceback.format_list(
                [traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)]
            )
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return "".join(lines)


def _told(error: BaseException) -> str:
    """Return the type of an exception and what it says, if it can say anything."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return f"{type(error).__name__}, which raises an error when it is asked for its text"


def _members(error: BaseException) -> Sequence[BaseException]:
    """Return the members of a group of errors, nothing for an error that is no group."""
    if not isinstance(error, BaseExceptionGroup):
        return ()
    return cast("BaseExceptionGroup[BaseException]", error).exceptions


def _forget_variables(error: BaseException, seen: set[int] | None = None) -> None:
    """Clear the variables in the traceback of an error and in those of all that came before it."""
    seen = set() if seen is None else seen
    if id(error) in seen:
        return
    seen.add(id(error))
    traceback.clear_frames(error.__traceback__)
    for other in (error.__cause__, error.__context__, *_members(error)):
        if other is not None:
            _forget_variables(other, seen)
