"""Worlds: what this process finds behind the functions of HCS, from its first compute system to the end of them all.

One world follows another. Engine workers, the reaper and code without the GIL belong to no context that could tell them
apart, so there is one at a time, and worlds side by side need a process each.
"""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._arguments import check_name, check_namespace, check_text, did_you_mean, integer, path_text
from .._arguments import seconds as checked_seconds
from .._event_types import EVENT_TYPES
from .._interpose import set_fault_hook
from .._late import Late
from .._library import choose
from ..faults import Fault, Faults
from . import _native, assumptions, volumes
from .contents import Saved, SavedSystem, read, written
from .service import Service
from .variation import Variation, check_seed

if TYPE_CHECKING:
    from . import sweep as sweeping
    from .model import System
else:

    def _sweeping():
        from . import sweep

        return sweep

    # It needs asyncio, which takes longer to import than the emulator.
    sweeping = Late(_sweeping)

# Seconds for calls that nobody waits for any more to be over, once their world has ended.
_AFTERMATH = 1.0
# Seconds between two looks, the first time and at most.
_FIRST_LOOK, _LAST_LOOK = 0.001, 0.02

_locks: dict[int, threading.Lock] = {}


class World:
    """What belongs to one world: its seed, what is assumed in it, and the service that runs it, if one does."""

    def __init__(self, seed: int | None, assumed: dict[str, str], host: Host | None = None) -> None:
        # Of the process that it is the world of.
        self.epoch: int = _native.epoch()
        self.seed = seed
        self.assumed = assumed
        self.host = host
        self.met: dict[str, set[str]] = {}
        # What its first service begins with.
        self.saved: Saved | None = None
        self.service: Service | None = None

    def new_service(self) -> Service:
        """Return a service for this world, which does not run yet."""
        service = Service(Variation(self.seed, self.assumed, self.met))
        if self.saved is not None:
            service.contents.fill(self.saved)
            self.saved = None
        return service

    def running(self) -> Service | None:
        """Return the service if it has not gone."""
        return None if self.service is None or self.service.gone else self.service

    def configure(self) -> None:
        """Tell native code what varies in this world."""
        rows = ((assumptions.ASSUMPTIONS[name], choice) for name, choice in self.assumed.items())
        _native.configure(self.seed, {row.name: row.choices.index(choice) for row, choice in rows if row.native})

    def note_native(self) -> None:
        """Take over which choices of native code were met."""
        for name, row in assumptions.ASSUMPTIONS.items():
            bits = _native.met(name) if row.native else 0
            if bits:
                met = self.met.setdefault(name, set())
                met.update(choice for number, choice in enumerate(row.choices) if bits >> number & 1)


# The world of this process, and those that its parents had at the forks, by epoch.
_worlds: dict[int, World] = {}


def current() -> World:
    """Return the world of this process; that of a forked child begins empty, without a Host, and varies as before."""
    epoch = _native.epoch()
    world = _worlds.get(epoch)
    if world is not None:
        return world
    inherited = _worlds[max(_worlds)] if _worlds else World(None, {})
    return _worlds.setdefault(epoch, World(inherited.seed, dict(inherited.assumed)))


def service() -> Service | None:
    """Return the service of this process, if one runs: a forked child has neither the thread nor the systems."""
    return current().running()


def install(seed: int | None = None) -> None:
    """Choose the emulator for this process; on Windows this, or a `Host`, is the only way to get it.

    Args:
        seed: That of `reset`.

    Raises:
        RuntimeError: The process uses another HCS already, or a seed is given to an emulator that runs.
        TypeError: The seed is no int.
        ValueError: The seed has more than 1024 bits.
    """
    check_seed(seed)
    with _lock():
        world = current()
        before = world.seed
        if seed is not None:
            if world.service is not None:
                raise RuntimeError("the emulator runs already; reset(seed) starts it afresh")
            world.seed = seed
    try:
        choose("emulator")
    except BaseException:
        world.seed = before
        raise


def reset(seed: int | None = None) -> None:
    """End every compute system with its processes and start afresh; handles from before lead nowhere any more.

    A `Host` stays installed, with what is assumed in it and without its faults.

    Args:
        seed: Varies what HCS leaves open: order and time of answers and events, and which of several documented errors
            is given. None gives one plain order.

    Raises:
        RuntimeError: The thread of the old service does not end.
        TypeError: The seed is no int.
        ValueError: The seed has more than 1024 bits.
    """
    check_seed(seed)
    with _lock():
        before = current()
        fresh = World(seed, before.assumed, before.host)
        fresh.met = before.met
        if before.host is not None:
            before.host.faults.clear()
        _replace(before, fresh, starts=True)


def send_event(
    system: str,
    type: str | int,
    data: object = None,
    *,
    namespace: str | None = None,
    pid: int | None = None,
) -> None:
    """Report an event to the open handles of a compute system, for what the emulator never reports by itself.

    Nothing but the event happens: nothing exits or disconnects because its handles are told so. As any event it reaches
    callbacks on threads of HCS, before those that come after this returns.

    Args:
        system: The id of the compute system. One that has exited is found as long as a handle to it is open.
        type: The name of its type, as `hcsrt.Event.type` has it, or any number.
        data: The document of the event: text, which may be no JSON, None for no document, or what JSON can tell.
        namespace: Where the system is, None for the namespace of calls that name none.
        pid: The process whose handles are told, None for those of the system.

    Raises:
        LookupError: There is no such system or process.
        RuntimeError: The service does not run.
        TypeError: An argument has the wrong type.
        ValueError: There is no event type of that name, a number or text is out of range, or the data are nothing that
            JSON can tell.
    """
    check_name(system, "system")
    check_namespace(namespace)
    if isinstance(type, str):
        number = EVENT_TYPES.get(type)  # type: ignore[call-overload]
        if number is None:
            near = did_you_mean(type, EVENT_TYPES)
            raise ValueError(f"type is {type!r}; give a number, or one of {', '.join(EVENT_TYPES)}{near}")
    else:
        number = integer(type, "type", "the name or the number of a type")
        if not 0 <= number < 1 << 32:
            raise ValueError(f"type is {number}; give a number of 32 bits")
    if isinstance(data, str):
        check_text(data, "data")
    elif data is not None:
        try:
            data = json.dumps(data, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"data is no JSON: {error}") from None
    number_of_process = None if pid is None else integer(pid, "pid")
    event = {"namespace": namespace or "", "id": system, "pid": number_of_process, "type": number, "data": data}
    result, problem = _native.report_event(json.dumps(event))
    if result:
        raise RuntimeError(f"the service of the emulator does not run ({result:#x}): start it, by any call of HCS")
    if problem is not None:
        raise LookupError(problem)


def serve() -> None:
    """Start a service if this process has none."""
    with _lock():
        world = current()
        if world.running() is None:
            if world.service is None:
                world.configure()
            # Whoever has called this tells if it fails.
            service = world.new_service()
            service.start()
            world.service = service


def _replace(before: World, fresh: World, *, starts: bool) -> None:
    """End a world and begin another."""
    # First, since it may fail for want of what it needs.
    service = fresh.new_service() if starts else None
    if before.service is not None and not before.service.stop():
        raise RuntimeError("the thread of the emulator's service does not end")
    _follow(before, fresh)
    if service is not None:
        _start(fresh, service)
    else:
        _native.start_at_next_call()


def _follow(before: World, fresh: World) -> None:
    before.note_native()
    _native.clear()
    volumes.clear()
    _worlds[fresh.epoch] = fresh
    fresh.configure()


def _start(world: World, service: Service) -> None:
    try:
        service.start()
    except BaseException:
        _native.start_at_next_call()
        raise
    world.service = service


def _lock() -> threading.Lock:
    """Return the lock of this process: another thread of a parent may hold that of the parent at the fork."""
    return _locks.setdefault(_native.epoch(), threading.Lock())


class Host:
    """A world of its own for a block of a program: a host that has nothing on it yet, and on which the emulator runs.

    ::

        with Host(seed=7, state_before_start="absent") as host:
            ...
        assert host.left_behind() == {}

    While a Host is installed, all of the process finds it behind the functions of HCS. At the end of the block its
    compute systems end with their processes, and handles from it lead nowhere any more. A Host is installed once, and
    one at a time. It belongs to its process: a forked child has none.

    Args:
        seed: That of `reset`: varies what HCS leaves open. None gives one plain order.
        chaos: What goes wrong at random, by the seed, as the method `chaos` takes it: "swarm", or None for nothing.
        assumptions: What the seed is not to choose, as `assume` takes it.

    Raises:
        TypeError: The seed is no int, or there is no assumption of a name.
        ValueError: A choice is none of those that there are, the seed has more than 1024 bits, or there is chaos
            without a seed.
    """

    def __init__(self, seed: int | None = None, *, chaos: str | None = None, **assumptions: str | None) -> None:
        check_seed(seed)
        self._assumed: dict[str, str] = {}
        self._seed = seed
        self._met: dict[str, set[str]] = {}
        self._epoch = _native.epoch()
        # What there is on it from the beginning.
        self._saved = Saved(None, {}, [], [], [])
        # What was there at its end.
        self._end: tuple[dict[str, int], list[str]] | None = None
        self._begun = False
        self._faults = Faults(0 if seed is None else seed)
        self._service = HostService(self)
        self._chaos: str | None = None
        self.assume(**assumptions)
        if chaos is not None:
            self.chaos(chaos)

    def __repr__(self) -> str:
        state = "installed" if self._is_installed() else "ended" if self._begun else "not installed yet"
        chaos = "" if self._chaos is None else f" chaos={self._chaos!r}"
        faults = f" {len(self._faults)} faults" if self._faults else ""
        return f"<Host seed={self.seed}{chaos}{faults} {state}>"

    def __enter__(self) -> Host:
        """Install this host in place of the world of this process, all of whose systems end.

        Raises:
            RuntimeError: The process uses `computecore.dll` already, another Host is installed, or this one was before.
        """
        try:
            choose("emulator")
        except RuntimeError as error:
            raise RuntimeError(
                f"a Host cannot be installed: {error}. Enter it before the first call of HCS, or in another process"
            ) from None
        with _lock():
            before = current()
            if self._begun:
                raise RuntimeError("a Host is installed only once: make another one")
            if before.host is not None:
                raise RuntimeError(
                    "another Host is installed: leave that one first, or run this one in a process of its own"
                )
            if self._epoch != _native.epoch():
                raise RuntimeError("the Host was made before the fork of this process: make one here")
            world = World(self._seed, self._assumed, self)
            world.met = self._met
            world.saved = self._saved
            self._begun = True
            try:
                _replace(before, world, starts=True)
                # In place before anything of this world is used.
                self._faults.__enter__()
            except BaseException:
                if current() is world:
                    self._leave()
                else:
                    self._begun = False
                raise
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all that is on this host; the process has a plain world again.

        Raises:
            RuntimeError: The thread of the emulator's service does not end.
        """
        # A forked child that leaves the block has another world.
        if self._epoch != _native.epoch():
            return
        with _lock():
            if current().host is self:
                self._leave()
        _wait(lambda: not _native.pending(), _AFTERMATH)

    def _leave(self) -> None:
        world = current()
        self._end = self.live(), _native.misuses()
        plain = World(None, {})
        try:
            if self._faults.active:
                # What hangs goes on, in the world that it is of.
                self._faults.__exit__(None, None, None)
            _replace(world, plain, starts=False)
        finally:
            if current() is world:
                # After a Ctrl-C, or with a thread that does not end. No request reaches that any more, and nobody hears
                # what it says.
                _native.stop(for_good=True)
                _follow(world, plain)
                _native.start_at_next_call()

    def _is_installed(self) -> bool:
        return current().host is self

    @staticmethod
    def installed() -> Host | None:
        """Return the Host that is installed in this process, if there is one."""
        return current().host

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Host:
        """Make a host of a file that `save` has written, or that was written by hand.

        Its compute systems are there from the beginning of the block, in the states that the file tells, and without
        the processes that they had. No handle leads to them until one is opened. A system whose document says that it
        ends with its last handle ends when the last of those that were opened to it closes.

        Args:
            path: The file.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file holds no world; the error names each place of it that is wrong.
        """
        name = path_text(path, "path")
        saved = read(name)
        host = cls(saved.seed, **saved.assumptions)
        host._take(saved, name)
        return host

    def _take(self, saved: Saved, path: str) -> None:
        """Begin with the contents of a file."""
        self._saved = saved
        for number, fault in enumerate(saved.faults):
            try:
                self.faults.add(fault)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path} holds no world for the emulator:\n$.faults[{number}]: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what is on this host to a file, as JSON.

        The file holds the seed, what is assumed, the CPU groups, the faults, and the compute systems: of each its
        namespace, id, document and state. Systems that are being stopped are left out, and so are all processes with
        their environments, and the `Cookie` of a Container Credential Guard. Anything else that a document holds is
        written as it is.

        Args:
            path: The file; it is replaced as a whole if it exists.

        Raises:
            OSError: The file cannot be written.
            RuntimeError: The block of the Host has ended.
        """
        name = path_text(path, "path")
        text = written(self._contents())
        draft = f"{name}.{os.getpid()}.tmp"
        try:
            with open(draft, "x", encoding="utf-8") as file:
                file.write(text)
            os.replace(draft, name)
        except BaseException:
            with suppress(OSError):
                os.remove(draft)
            raise

    def _contents(self) -> Saved:
        """Return what is on this host."""
        if self._begun and not self._is_installed():
            raise RuntimeError("the block of the Host has ended, and nothing is left of its world: save it before")
        systems, groups = self._saved.systems, self._saved.cpu_groups
        if self._begun:
            # HCS itself may be down; then there is nothing.
            _, document = _native.ask_world()
            told: dict[str, list[dict[str, Any]]] = json.loads(document) if document else {}
            systems = [SavedSystem(**system) for system in told.get("systems", [])]
            groups = told.get("cpu_groups", [])
        return Saved(self.seed, dict(self._assumed), systems, groups, self._faults.to_list())

    @property
    def seed(self) -> int | None:
        """The seed of its world, or None for the plain order."""
        world = current()
        return world.seed if world.host is self else self._seed

    @property
    def faults(self) -> Faults:
        """What goes wrong on this host, from the beginning of the block to its end."""
        return self._faults

    @property
    def service(self) -> HostService:
        """The service of HCS on this host, which can be stopped and started."""
        return self._service

    @property
    def assumptions(self) -> dict[str, str | None]:
        """The choice that is assumed for each thing that HCS leaves open, by its name; None: it is left to the seed."""
        return {name: self._assumed.get(name) for name in assumptions.ASSUMPTIONS}

    def assume(self, **choices: str | None) -> None:
        """Decide what the seed is not to choose; at any time, for what comes from now on.

        Args:
            choices: The choice for each name; None leaves it to the seed again.

        Raises:
            TypeError: There is no assumption of a name.
            ValueError: A choice is none of those that there are.
        """
        numbers = {name: assumptions.number_of(name, choice) for name, choice in choices.items()}
        with _lock():
            for name, choice in choices.items():
                if choice is None:
                    self._assumed.pop(name, None)
                else:
                    self._assumed[name] = choice
                if assumptions.ASSUMPTIONS[name].native and self._is_installed():
                    _native.assume(name, numbers[name])

    def chaos(self, chaos: str = "swarm", *, seed: int | None = None) -> list[Fault]:
        """Let things go wrong at random, at any time: a mix of faults that a program has to live with.

        "swarm" is for many runs with a seed each. Each kind of fault is switched on for one run in four, and has a rate
        of its own there; some of what HCS leaves open is then the same for the whole run. So each run is a different
        mix. No fault has a call hang for ever.

        `Host.faults` has these faults as data, and `Host.assumptions` what is assumed: `clear` and `assume` end the
        chaos, and the data repeat it without a seed.

        Args:
            chaos: "swarm".
            seed: What it depends on; None for the seed of the host.

        Returns:
            The faults.

        Raises:
            TypeError: The seed is no int.
            ValueError: There is no chaos of that name, neither has a seed, or that has more than 1024 bits.
        """
        check_seed(seed)
        if chaos != "swarm":
            raise ValueError(f"chaos is {chaos!r}; give 'swarm'")
        seed = self.seed if seed is None else seed
        if seed is None:
            raise ValueError("chaos needs a seed: give the Host one")
        from .chaos import swarm, unknowns

        self._chaos = chaos
        self.assume(**{name: choice for name, choice in unknowns(seed).items() if name not in self._assumed})
        return [self._faults.add(fault) for fault in swarm(seed)]

    def met(self) -> dict[str, set[str]]:
        """Return which choices the program has met so far, by the names of assumptions.

        What is missing here was never asked for: the program does not depend on it, or was not tried where it does.
        """
        with _lock():
            if self._is_installed():
                current().note_native()
            return {name: set(self._met[name]) for name in assumptions.ASSUMPTIONS if name in self._met}

    def send_event(
        self,
        system: str,
        type: str | int,
        data: object = None,
        *,
        namespace: str | None = None,
        pid: int | None = None,
    ) -> None:
        """Report an event to the open handles of a compute system of this host, as `hcsrt.emulator.send_event` does.

        Raises:
            RuntimeError: The host is not installed, or its service does not run.
        """
        if not self._is_installed():
            raise RuntimeError("the Host is not installed: it reports events within its block")
        send_event(system, type, data, namespace=namespace, pid=pid)

    def live(self) -> dict[str, int]:
        """Return how many things were given out and not released yet; after the block, what was there at its end.

        Returns:
            A count each for "operations", "systems", "processes", "strings" and "stdio" (handles), and for "pending":
            what `hcsrt.pending` returns.
        """
        if self._end is not None:
            return dict(self._end[0])
        if not self._is_installed():
            return {}
        return {**_native.live(), "pending": _native.pending()}

    def misuses(self) -> list[str]:
        """Return what callers did that could crash or corrupt the real HCS, and failures of the emulator itself.

        After the block, what had been done by its end.
        """
        if self._end is not None:
            return list(self._end[1])
        return _native.misuses() if self._is_installed() else []

    def left_behind(self) -> dict[str, int]:
        """Return those counts of `live` that are not zero: an empty dict when all is clean."""
        return {name: count for name, count in self.live().items() if count}

    def systems(self) -> list[str]:
        """Return the ids of the compute systems that have not stopped, in alphabetical order, of whatever namespace."""
        return sorted(system.id for system in self._running())

    def _running(self) -> list[System]:
        running = service() if self._is_installed() else None
        return [] if running is None else running.model.all_live_systems()

    @staticmethod
    def sweep(
        function: Callable[[], Any],
        *,
        seed: int | None = None,
        limit: float = 30.0,
        settle: float = 5.0,
        failures: Mapping[str, Sequence[str | int]] | None = None,
        **assumptions: str | None,
    ) -> sweeping.Sweep:
        """Run a program again and again, each time on a host of its own on which another call of HCS fails.

        ::

            for run in Host.sweep(run_manager):
                run.expect_clean()

        In the first run nothing fails, and its calls are counted. Then each of them fails in runs of its own: before
        HCS gets it, when it completes, and because the service goes away; it alone, and with all that follow it.

        Args:
            function: The program, which is called without arguments on a thread of its own. If it returns a coroutine,
                asyncio.run() runs that.
            seed: The seed of each host.
            limit: Seconds after which a run counts as hanging, and is ended.
            settle: Seconds that what cleans up in the background may take after a run.
            failures: The HRESULTs that a function fails with, by the name of the function, as `Site.fail` takes them,
                in place of those that this module knows.
            assumptions: What the seed is not to choose, as `assume` takes it.

        Returns:
            The runs, each made when it is asked for.

        Raises:
            TypeError: An argument has the wrong type, or there is no assumption of a name.
            ValueError: An argument is out of range, or a choice is none of those that there are.
        """

        def new_host() -> Host:
            return Host(seed, **assumptions)

        return sweeping.Sweep(function, new_host, seed=seed, limit=limit, settle=settle, failures=failures)

    def settle(self, seconds: float | None = 5.0) -> bool:
        """Wait for what cleans up in the background: calls that nobody waits for, and handles nobody refers to.

        It waits for compute systems that are being stopped as well.

        Args:
            seconds: The longest wait; None waits for ever.

        Returns:
            Whether nothing is left behind.
        """
        limit = checked_seconds(seconds, "seconds")
        if self._is_settled():
            return True
        gc.collect()
        return _wait(self._is_settled, limit)

    def _is_settled(self) -> bool:
        # Where no handle is left, the service may yet have to hear of the last close.
        return not self.left_behind() and not any(
            each.stopping or (each.opened and each.terminate_on_last_handle_closed) for each in self._running()
        )


def host_of(saved: Saved, path: str, seed: int | None, chaos: str | None, assumed: Mapping[str, str]) -> Host:
    """Make a host of what a file holds, with another seed, with chaos, and with more that is assumed.

    Raises:
        TypeError: There is no assumption of a name.
        ValueError: A choice is none of those that there are, a fault of the file is none, or there is no such chaos.
    """
    host = Host(seed, chaos=chaos, **{**saved.assumptions, **assumed})
    host._take(saved, path)  # pyright: ignore[reportPrivateUsage]
    return host


class HostService:
    """The service of HCS on a host, which can crash and come back."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def stop(self) -> None:
        """Crash: pending calls fail, watchers get the event ServiceDisconnect, and each system ends with its processes.

        Each call then fails with ServiceDisconnectedError, until `start`. Handles stay open, and have to be closed.

        Raises:
            RuntimeError: The host is not installed, or the thread of the service does not end.
        """
        with _lock():
            world = self._world()
            if world.service is not None:
                if not world.service.stop(for_good=False):
                    raise RuntimeError("the thread of the emulator's service does not end")
                world.service = None
            else:
                _native.stop(for_good=False)

    def start(self) -> None:
        """Be back, with no compute system; handles from before the crash lead nowhere.

        Raises:
            RuntimeError: The host is not installed, or there are no threads for a service.
        """
        with _lock():
            world = self._world()
            if world.running() is None:
                _start(world, world.new_service())

    def _world(self) -> World:
        world = current()
        if world.host is not self._host:
            raise RuntimeError(
                "the Host is not installed: its service runs between the beginning and the end of its block"
            )
        return world


def _wait(condition: Callable[[], bool], seconds: float | None) -> bool:
    """Return whether a condition comes true in time."""
    end = None if seconds is None else time.monotonic() + seconds
    pause = _FIRST_LOOK
    while not condition():
        if end is not None and time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LAST_LOOK)
    return True


# Not at the fork: whoever forks may be about to execute another program, and must not wait for us.
_native.serve_on_demand(serve)
set_fault_hook(_native.fault_hook())
