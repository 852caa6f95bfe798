"""Calls every function and type of the extension modules of hcsrt with every wrong and half-made thing.

    python tests/helpers/wrong_calls --seed 1 --record /tmp/record

Whatever they are given they have to raise, or to do what they are for: a crash, a hang, a SystemError, an error that
nobody gets, or a handle that stays is a fault. The last call stands in the file `--record`, whatever becomes of this
process. The same seed makes the same calls.
"""

import argparse
import asyncio
import contextlib
import copy
import faulthandler
import gc
import importlib.util
import io
import itertools
import mmap
import operator
import os
import pickle
import random
import signal
import sys
import threading
import time
import warnings
import weakref
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

try:
    import resource
except ImportError:
    resource = None  # on Windows

import targets
import values
import world as worlds

import hcsrt
from hcsrt import _engine, _handles, _interpose, emulator, operations
from hcsrt.emulator import _native
from hcsrt.emulator.world import serve

RECORD_SIZE = 1 << 12
INTERRUPT_SECONDS = 0.05
"""Seconds after which a call that waits is interrupted, as by Ctrl-C."""

SETTLE_SECONDS = 5.0
"""Seconds that closed and abandoned things may take to be gone."""

ADDRESS = "adopts the address of a live handle: any number but 0 is one, by contract"
LEFT_OUT = {
    f"hcsrt._handles.{kind}.from_raw": ADDRESS
    for kind in ("OwnedOperation", "OwnedSystem", "OwnedProcess", "OwnedStdio")
}
"""What is not called with each value, and why: here with no int from which it would make a handle."""

NOT_MADE = {
    "hcsrt._functions.Function": "a row of the table, which no function gives out",
    "hcsrt._handles.Handle": "the base of the handles, which none is",
    "hcsrt._streams._Stdio": "the base of the streams, which none is",
    "hcsrt._calls._Call": "lives only as long as the call that makes it",
    "hcsrt._calls._Aside": "lives only as long as the call that makes it; it has no methods",
    "hcsrt._calls._Place": "where a thread waits, which no function gives out; it has no methods",
    "hcsrt.emulator._native.Request": "what the service takes from its queue; it has no methods",
}
"""Types of which there are half-made objects only, and why."""

LAST = ("hcsrt._calls._at_exit",)
"""What ends something for good, so that it is called at the end."""
RESTARTS = {
    f"hcsrt.emulator._native.{name}"
    for name in ("start", "start_at_next_call", "stop", "clear", "configure", "assume", "record_misuse")
}
"""What changes the emulator as a whole where it succeeds."""
ANNOUNCES = ("hcsrt._handles.announce", "hcsrt._calls.Claim.abandon")
"""What counts calls that go on without anybody waiting, and leaves it to its caller to count them out."""
STARTER = "hcsrt.emulator._native.serve_on_demand"
"""Has the next service started by what it is given, whatever that does."""
TAKES = "hcsrt.emulator._native.take"
"""Makes the service's thread of whoever calls it."""


class Interrupted(BaseException):
    """A call has waited for long enough."""


class Record:
    """The last call, in a file that this process need not live to write."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(b"\n" * RECORD_SIZE)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), RECORD_SIZE)

    def write(self, text: str) -> None:
        line = text.encode("ascii", "backslashreplace")[: RECORD_SIZE - 1]
        self._map[: len(line) + 1] = line + b"\n"


class Runner:
    """Makes the calls, each on new objects, and notes what goes wrong.

    Args:
        seed: Decides which values are tried where not all are.
        record: Gets each call before it is made.
        share: The share of the wrong values that is tried in each place.
        patience: The seconds that a call may take which does not react to an interrupt.
    """

    def __init__(self, seed: int, record: Record, share: float, patience: float) -> None:
        self.seed = seed
        self.record = record
        self.share = share
        self.patience = patience
        self.armed = 0.0
        self.calls = 0
        self.raised = 0
        self.skipped = 0
        self.interrupted = 0
        self.faults: list[str] = []
        self.last = ""
        self.begun = 0.0
        self.inside = False
        self.again: Callable[[], Any] | None = None
        self.rng = random.Random(seed)
        self.world = worlds.World(self.rng)
        signal.signal(signal.SIGINT, self.interrupt)
        threading.Thread(target=self.watch, daemon=True).start()
        sys.unraisablehook = self.unraisable
        self.world.loop.set_exception_handler(self.loop_error)

    # --- what goes wrong --------------------------------------------------------------------------------------------

    def fault(self, text: str) -> None:
        self.faults.append(text)
        print(f"FAULT: {text}", flush=True)

    def unraisable(self, report: Any) -> None:
        # A buffer of io's tells of its last flush since CPython 3.13, and did not before.
        if isinstance(report.object, io.BufferedIOBase):
            return
        if not isinstance(report.exc_value, (values.Hostile, Interrupted)):
            self.fault(f"{self.last}: nobody gets {report.exc_value!r}, raised in {report.object!r}")

    def loop_error(self, loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, (values.Hostile, Interrupted)):
            self.fault(f"{self.last}: the event loop tells of {context}")

    def interrupt(self, number: int, frame: object) -> None:
        if self.inside and time.monotonic() - self.begun >= INTERRUPT_SECONDS:
            raise Interrupted

    def watch(self) -> None:
        """Interrupt calls that wait, and end this process if one does not react."""
        while True:
            time.sleep(INTERRUPT_SECONDS / 5)
            took = time.monotonic() - self.begun
            if not self.inside or took < INTERRUPT_SECONDS:
                continue
            if took > self.patience:
                print(f"FAULT: hangs: {self.last}", flush=True)
                faulthandler.dump_traceback(all_threads=True)
                os._exit(3)
            signal.raise_signal(signal.SIGINT)

    # --- one call ---------------------------------------------------------------------------------------------------

    async def invoke(self, name: str, call: Callable[[], Any], arguments: str = "") -> bool:
        """Make a call and give back what came of it; return whether it did not raise."""
        self.calls += 1
        self.last = f"{name}({arguments})"
        self.record.write(f"call {self.calls}: {self.last}")
        self.begun = time.monotonic()
        if self.begun > self.armed + self.patience / 2:
            # With the GIL held, the thread that watches could not tell of a hang.
            self.armed = self.begun
            faulthandler.dump_traceback_later(self.patience * 2, exit=True)
        self.again = None if self.calls % 2 else call
        result = None
        # Now and then there is no event loop, or one that is none.
        loop: Any = self.world.loop
        if name.startswith("hcsrt._engine") and self.calls % 4 == 0:
            loop = None if self.calls % 8 else self.no_loop(self.calls // 8)
        try:
            asyncio._set_running_loop(loop)
            try:
                self.inside = True
                result = call()
            finally:
                self.inside = False
        except SystemError as error:
            self.fault(f"{self.last}: {error!r}")
        except Interrupted:
            self.interrupted += 1
        except BaseException as error:
            self.raised += 1
            # Its frames would keep the arguments.
            error.__traceback__ = None
            return False
        finally:
            self.inside = False
            asyncio._set_running_loop(self.world.loop)
            self.again = None
            self.world.dispose(result)
            del result
            self.world.close_handed()
        if self.world.futures:
            await self.world.settle()
        return True

    def no_loop(self, number: int) -> Any:
        """Return something in place of an event loop."""
        act = ("raise", "lie", "close", "call again")[number % 4]
        harm = {"close": self.world.close_handed, "call again": self.call_again}.get(act, lambda: None)
        return values.hostile(object, act, harm)

    def call_again(self) -> None:
        """Make the same call once more, from the middle of it."""
        again, self.again = self.again, None
        if again is not None:
            self.world.dispose(again())

    # --- functions --------------------------------------------------------------------------------------------------

    async def function(self, target: targets.Function, wrong: list[values.Value]) -> None:
        rng = self.rng = self.world.rng = random.Random(f"{self.seed} {target.name}")
        await self.signature(target.name, target.call, target.parameters, wrong, rng, self.many(wrong))

    def many(self, wrong: list[values.Value]) -> int:
        return max(1, round(len(wrong) * self.share))

    async def signature(
        self,
        name: str,
        function: Callable[..., Any],
        parameters: targets.Parameters | None,
        wrong: list[values.Value],
        rng: random.Random,
        each: int,
        make: Callable[[], Any] | None = None,
    ) -> None:
        """Call a function with `each` wrong values in each place, several at once, and too few and too many.

        Args:
            name: What to call it in the record.
            function: The function.
            parameters: What it takes; None if nobody knows.
            wrong: The values.
            rng: What decides.
            each: How many values.
            make: Makes the first argument anew for each call.
        """
        known = parameters or targets.Parameters(["?"] * 3)
        places = [*known.positional, *([known.rest] * 2 if known.rest else ())]

        if name in LEFT_OUT:
            wrong = [value for value in wrong if not is_address(value)]

        def some() -> Iterable[values.Value]:
            return wrong if each >= len(wrong) else rng.sample(wrong, each)

        async def attempt(positional: list[values.Value], named: dict[Any, values.Value]) -> None:
            told = [value.name for value in positional] + [f"{key}={value.name}" for key, value in named.items()]
            self.record.write(f"before call {self.calls + 1}: making the arguments of {name}({', '.join(told)})")
            try:
                first = [] if make is None else [make()]
                given = [value.make() for value in positional]
                others = {key: value.make() for key, value in named.items()}
            except (hcsrt.HcsError, hcsrt.HandleClosedError, values.Hostile):
                self.skip()
                return
            if await self.invoke(name, lambda: function(*first, *given, **others), ", ".join(told)):
                self.after(name, first)

        def right(place: str) -> values.Value:
            return values.Value(f"right {place}", lambda: self.world.right(place))

        # Each wrong value in each place, the others right.
        for index in range(len(places)):
            for value in some():
                await attempt([value if i == index else right(other) for i, other in enumerate(places)], {})
        for place in known.keyword:
            for value in some():
                await attempt([right(other) for other in known.positional], {place: value})
        # All of them wrong, by place and by name.
        for _ in range(max(2, each // 3)):
            count = rng.choice([len(places), known.needed, rng.randint(0, len(places) + 2)])
            named = rng.sample(known.keyword, rng.randint(0, len(known.keyword)))
            await attempt(rng.choices(wrong, k=count), {key: rng.choice(wrong) for key in named})
        # Right ones.
        for count in {known.needed, len(places)}:
            for _ in range(8):
                await attempt([right(place) for place in places[:count]], {})
        # Too few, too many, twice, and under names that are none.
        null = values.Value("None", lambda: None)
        rights = [right(place) for place in places]
        for count in (0, 1, len(places) - 1, len(places) + 1, len(places) + 50):
            if count >= 0:
                await attempt([null] * count, {})
        for key in ("", "self", "\0", "\ud800", "nothing", *known.positional):
            await attempt(rights, {key: null})
        if known.positional:
            await attempt([], {key: right(key) for key in known.positional})
            await attempt([], {key: rng.choice(wrong) for key in known.positional})
        strange = values.hostile(str, "raise", lambda: None)
        await self.invoke(name, lambda: function(**{strange: None}), "**{<str that would raise>: None}")
        await self.invoke(name, lambda: function(**{1: None}), "**{1: None}")
        await self.invoke(
            name, lambda: function(*values.PLAIN["a generator that raises"]()), "*<generator that raises>"
        )

    def skip(self) -> None:
        """Repair what a call has ended, so that the arguments of another one could not be made."""
        self.skipped += 1
        self.world.repair()

    def after(self, name: str, first: list[Any]) -> None:
        """Undo what a call has changed as a whole."""
        if name.endswith(".__enter__"):
            first[0].__exit__(None, None, None)
        if name == STARTER:
            _native.serve_on_demand(serve)
        if name in RESTARTS:
            self.world.restart()

    # --- types ------------------------------------------------------------------------------------------------------

    def states(self, target: targets.Type) -> dict[str, Callable[[], Any]]:
        """Return what makes objects of a type: half made in two ways, whole, closed, without its attributes."""
        kind = target.type
        found: dict[str, Callable[[], Any]] = {}
        if isinstance(values.half(kind), kind):
            found["half"] = lambda: values.half(kind)
        if isinstance(values.half_subclass(kind), kind):
            found["half a subclass"] = lambda: values.half_subclass(kind)
        live = self.world.live.get(target.name)
        if live is None:
            if target.name not in NOT_MADE:
                self.fault(f"nothing makes a {target.name}: add it to World.live, or to NOT_MADE with the reason")
            return found
        found["live"] = live
        if hasattr(kind, "close"):
            found["closed"] = lambda: values.closed(live())
        if getattr(live(), "__dict__", None):
            found["emptied"] = lambda: emptied(live())
        self.world.close_handed()
        return found

    async def type(self, target: targets.Type, wrong: list[values.Value]) -> None:
        rng = self.rng = self.world.rng = random.Random(f"{self.seed} {target.name}")
        kind = target.type
        few = 1 + self.many(wrong) // 80
        await self.signature(target.name, kind, target.init, wrong, rng, self.many(wrong))
        await self.signature(f"{target.name}.__new__", kind.__new__, targets.Parameters(["type"]), wrong, rng, few)
        subclass = values.half_subclass(kind)
        if isinstance(subclass, kind):
            await self.signature(f"(subclass of {target.name})", type(subclass), target.init, wrong, rng, few)
        for state, make in self.states(target).items():
            name = f"({state} {target.name})"
            for operation, call in OPERATIONS.items():
                await self.on(make, f"{operation} {name}", call)
            for operation, binary in BINARY.items():
                for value in rng.sample(wrong, few):
                    await self.on(make, f"{operation} {name}", binary, value)
            for member in target.members:
                await self.member(target, name, make, member, wrong, rng, few)

    async def on(self, make: Callable[[], Any], name: str, call: Callable[..., Any], *others: values.Value) -> None:
        """Call a function with a new object and further values."""
        self.record.write(f"before call {self.calls + 1}: making the arguments of {name}")
        try:
            given = [make(), *(value.make() for value in others)]
        except (hcsrt.HcsError, hcsrt.HandleClosedError, values.Hostile):
            self.skip()
            return
        await self.invoke(name, lambda: call(*given), ", ".join(value.name for value in others))

    async def member(
        self,
        target: targets.Type,
        name: str,
        make: Callable[[], Any],
        member: str,
        wrong: list[values.Value],
        rng: random.Random,
        few: int,
    ) -> None:
        """Get, set and delete an attribute, and call it if it is a method."""
        await self.on(make, f"{name}.{member}", lambda it: getattr(it, member))
        await self.on(make, f"del {name}.{member}", lambda it: delattr(it, member))
        for value in rng.sample(wrong, 2):
            await self.on(make, f"set {name}.{member}", lambda it, other: setattr(it, member, other), value)
        # What an object has from its very base is tried with fewer values.
        own = any(member in vars(base) for base in target.type.__mro__ if base is not object)
        attribute = getattr(target.type, member, None)
        if member in ("__class__", "__new__", "__doc__") or not callable(attribute):
            return

        def call(it: Any, *arguments: Any, **named: Any) -> Any:
            if f"{target.name}.{member}" in ANNOUNCES:
                return self.counted_out(getattr(it, member))(*arguments, **named)
            result = getattr(it, member)(*arguments, **named)
            # Its caller has to release the handle.
            return type(it).from_raw(result) if member == "into_raw" else result

        qualified = f"{target.type.__name__}.{member}"
        parameters = targets.parameters_of(attribute, target.stubs, qualified, is_method=True)
        await self.signature(f"{name}.{member}", call, parameters, wrong, rng, few if own else 2, make)

    # --- all of it --------------------------------------------------------------------------------------------------

    async def module(self, module: ModuleType, wrong: list[values.Value], only: str, parts: int) -> tuple[int, int]:
        """Call what a module has, or one part of it, and return how many functions and types that is."""

        def is_wanted(each: targets.Function | targets.Type) -> bool:
            return is_within(each.name, only) and (zlib.crc32(each.name.encode()) + self.seed) % parts == 0

        functions = [each for each in targets.functions_of(module) if is_wanted(each)]
        for function in sorted(functions, key=lambda each: each.name in LAST):
            self.world.repair()
            if function.name == TAKES:
                function.call = self.taking(function.call)
            if function.name in ANNOUNCES:
                function.call = self.counted_out(function.call)
            await self.function(function, wrong)
        types = [each for each in targets.types_of(module) if is_wanted(each)]
        for each in types:
            self.world.repair()
            await self.type(each, wrong)
        return len(functions), len(types)

    def counted_out(self, announce: Callable[..., Any]) -> Callable[..., Any]:
        """Let a function that counts calls be followed by their end."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.inside = False
            # A call that ends meanwhile would be counted out in the place of what is announced.
            settled(lambda: not hcsrt.pending(), SETTLE_SECONDS)
            before = hcsrt.pending()
            try:
                return announce(*arguments, **named)
            finally:
                while extra := hcsrt.pending() - before:
                    _handles.announce(max(min(-extra, (1 << 63) - 1), 1 - (1 << 63)))

        return call

    def taking(self, take: Callable[..., Any]) -> Callable[..., Any]:
        """Let another thread be the service, which ends with the service if it takes too long."""

        def taking(*arguments: Any, **named: Any) -> Any:
            # Nothing interrupts what another thread waits for.
            self.inside = False
            raised: list[BaseException] = []

            def run() -> None:
                try:
                    take(*arguments, **named)
                except BaseException as error:
                    raised.append(error)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join(INTERRUPT_SECONDS / 2)
            if thread.is_alive():
                _native.stop(False)
                thread.join()
                self.world.restart()
            for error in raised:
                raise error

        return taking

    def finish(self) -> None:
        """Close everything, and find out what stays."""
        self.last = "the end"
        self.record.write("the end")
        faulthandler.dump_traceback_later(self.patience * 2 + worlds.ANSWER_SECONDS, exit=True)
        self.world.drop()
        self.world.loop.run_until_complete(self.world.settle())
        self.world.loop.close()
        gc.collect()
        if not settled(self.is_clean, SETTLE_SECONDS):
            self.fault(f"there stay {left_behind()}")
        if self.skipped > self.calls / 50:
            self.fault(f"of {self.skipped} calls the arguments could not be made")
        for text in emulator.misuses():
            self.fault(f"misuse: {text}")
        # Blocks that were left more often than entered would leave the table of this process to others.
        with _interpose.counting() as counts:
            operations.create_operation().close()
        if counts["HcsCreateOperation"] != 1:
            self.fault("calls of HCS are not counted any more")

    def is_clean(self) -> bool:
        if not left_behind():
            return True
        # It makes a call of its own, which would be counted for a moment: the next look tells.
        self.world.collect_calls()
        return False

    def wrong(self, modules: list[ModuleType]) -> list[values.Value]:
        types = {each.name: each.type for module in modules for each in targets.types_of(module)}
        world = self.world
        harms = {"close": world.close_handed, "collect": lambda: None, "call again": self.call_again}
        harms["collect"] = lambda: void(gc.collect(0))
        names = [values.Value(repr(name), lambda name=name: name) for name in world.functions]
        return names + values.values(types, harms, world.live)


def void(value: object) -> None:
    """Throw a value away."""


def emptied(it: Any) -> Any:
    vars(it).clear()
    return it


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    **{each.__name__: each for each in (repr, str, hash, bool, len, int, float, complex, bytes, next, dir, vars, abs)},
    **{each.__name__: each for each in (memoryview, reversed, format, callable, sys.getsizeof, round, aiter, anext)},
    **{each.__name__: each for each in (operator.index, operator.neg, operator.invert, operator.length_hint)},
    **{each.__name__: each for each in (copy.copy, copy.deepcopy, weakref.ref, gc.get_referents, os.fspath, open)},
    **{f"pickle {protocol}": lambda it, protocol=protocol: pickle.dumps(it, protocol) for protocol in range(6)},
    "three of": lambda it: list(itertools.islice(it, 3)),
    "call": lambda it: it(),
    "with": lambda it: _within(it),
    "await": lambda it: it.__await__(),
    "collect": lambda it: gc.collect(0),
    "BufferedReader": lambda it: io.BufferedReader(it).read(1),
    "BufferedWriter": lambda it: io.BufferedWriter(it).write(b"x"),
    "TextIOWrapper": lambda it: io.TextIOWrapper(it).read(1),
    "again from": lambda it: type(it)(it),
    "state of": lambda it: it.__getstate__(),
    "__class__ object": lambda it: object.__reduce_ex__(it, 2),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    **{each.__name__: each for each in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)},
    **{each.__name__: each for each in (operator.add, operator.mul, operator.and_, operator.contains)},
    **{each.__name__: each for each in (operator.getitem, operator.delitem, isinstance, divmod, pow)},
    "set item": lambda it, other: operator.setitem(it, other, other),
    "swapped eq": lambda it, other: other == it,
    "call": lambda it, other: it(other),
    "set state": lambda it, other: it.__setstate__(other),
    "init": lambda it, other: it.__init__(other),
    "init twice": lambda it, other: (it.__init__(other), it.__init__(other)),
}


def _within(it: Any) -> None:
    with it:
        repr(it)


def is_within(name: str, outer: str) -> bool:
    """Return whether a name is the other one, or that of something in it; everything is in ""."""
    return not outer or name == outer or name.startswith(outer + ".")


def is_address(value: values.Value) -> bool:
    """Return whether a value is an int that a pointer can be."""
    return value.name.isdigit() and 0 < int(value.name) < 1 << 64


def strangers(modules: list[ModuleType], names: set[str]) -> set[str]:
    """Return those of the names that nothing in the modules has."""
    functions = {each.name for module in modules for each in targets.functions_of(module)}
    types = [each for module in modules for each in targets.types_of(module)]
    members = {f"{each.name}.{member}" for each in types for member in each.members}
    return names - functions - members - {each.name for each in types}


def left_behind() -> dict[str, int]:
    counts = {"pending": hcsrt.pending(), "leaked": _handles.leaked(), "in flight": _engine.in_flight()}
    counts |= emulator.live()
    return {name: count for name, count in counts.items() if count}


def settled(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether the condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def before_a_backend(runner: Runner, wrong: list[values.Value]) -> None:
    """Give wrong backends to a process that has none yet."""
    from hcsrt import _library

    capsules = [value for value in wrong if value.name not in ("None",)]
    for value in capsules:
        runner.record.write(f"hcsrt._library.choose('other', {value.name}), before there is a backend")
        with contextlib.suppress(Exception):
            _library.choose("other", value.make())
            runner.fault(f"{value.name} was taken for a backend")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--share", type=float, default=1.0, help="the share of the wrong values that is tried")
    parser.add_argument("--parts", type=int, default=1, help="call only one of so many parts, which the seed decides")
    parser.add_argument("--patience", type=float, default=30.0, help="the seconds until a call hangs")
    parser.add_argument("--memory", type=int, default=8, help="GiB for all of it; 0 for a build with AddressSanitizer")
    parser.add_argument("--only", default="", help="a module, a type or a function, to call nothing else")
    parser.add_argument("--module", type=Path, help="the file of another module, which is called instead")
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    faulthandler.enable()
    warnings.simplefilter("ignore")
    if options.memory and resource is not None:
        # What asks for the memory of a whole machine is refused, however much this one has.
        resource.setrlimit(resource.RLIMIT_AS, (options.memory << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    begun = time.monotonic()
    runner = Runner(options.seed, Record(options.record), options.share, options.patience)
    modules = targets.extension_modules(hcsrt)
    for name in strangers(modules, {*LEFT_OUT, *NOT_MADE, *LAST, *RESTARTS, *ANNOUNCES, STARTER, TAKES}):
        runner.fault(f"{name} is named here, and is no more")
    wrong = runner.wrong(modules)
    plain = [value for value in wrong if value.name in values.PLAIN]
    before_a_backend(runner, plain)
    runner.world.build()
    if options.module is not None:
        spec = importlib.util.spec_from_file_location(options.module.stem, options.module)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        modules = [module]
    functions = types = 0
    seconds: dict[str, float] = {}
    for module in modules:
        start = time.monotonic()
        counts = runner.world.loop.run_until_complete(runner.module(module, wrong, options.only, options.parts))
        functions, types = functions + counts[0], types + counts[1]
        seconds[module.__name__] = time.monotonic() - start
    runner.finish()
    took = time.monotonic() - begun
    for name, each in seconds.items():
        print(f"{name} {each:.1f} s")
    print(
        f"{runner.calls} calls, {runner.raised} raised, {runner.interrupted} interrupted, {runner.skipped} skipped, "
        f"{len(modules)} modules, {functions} functions, {types} types, {len(wrong)} wrong values, {took:.1f} s, "
        f"{len(runner.faults)} faults"
    )
    return 1 if runner.faults else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.exit(status)
