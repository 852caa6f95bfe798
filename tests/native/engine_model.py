"""Every interleaving of the steps that native/engine.cpp takes with one call, and of what HCS and its owner may do.

A thread of the model is a generator; each `yield` is a place where any other thread may go on. Schedules are replayed
from the start, depth first, and a state that was seen before is not walked again. What a thread does between two yields
is one atomic access in the C++, or touches nothing that others see.

A mutation is a named change of the protocol. Each has to be caught: tests/native/test_engine_model.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

LIVE, HELD, COMPLETED, ABANDONED, LOST = 1, 2, 4, 8, 16
CLOSED = "closed"

# By the kind of the scenarios in which they make a difference.
MUTATIONS_OF = {
    "call": {
        "the callback ignores the generation": "a late callback completes the slot's next call",
        "the callback ignores that the call has completed": "a second callback pushes it again",
        "the callback pushes a call that is held": "it arrives before its kick-off has returned",
        "the holder lets go without looking": "what came meanwhile is lost",
        "a failed kick-off lets go of the call": "the callback pushes it again",
        "who asks does not hold the call": "it is asked for when its operation is closed",
        "who asks does not look when letting go": "what came meanwhile is lost",
        "who cancels takes a call that is held": "the worker goes on with it",
        "who cancels does not take the call": "the callback pushes a call that is gone",
        "the guard is left after letting go": "the handle's owner is gone by then",
        "the lists forget the closed port": "the call is never collected",
        "a call that arrives late is not abandoned": "whoever collects it settles a future of a closed loop",
        "the closed port keeps its pending calls": "nobody asks for them any more",
        "a push does not keep the port": "the wake-up goes to a closed descriptor",
        "the wake-up is cleared after the list is taken": "a call stays on the list",
        "a call that was not made is made": "it was abandoned",
        "an abandoned call is closed, not handed over": "what it creates is lost",
        "the slot keeps its generation": "a late callback completes the slot's next call",
        "who loses a call ignores the generation": "the slot's next call fails",
        "who lets go does not look for a loss": "the call is given up late, if anybody looks once more",
        "who is told of a loss leaves a call alone that nobody holds": "HCS never answers, nobody gives it up",
        "a lost call is closed, not handed over": "what it creates is lost",
    },
    "made again": {
        "who cancels gives up where a call is made again": "HCS never answers, nobody gives it up",
        "who closes a port gives up where a call is made again": "HCS never answers, nobody gives it up",
        "who loses a call gives up where it is made again": "HCS never answers, nobody gives it up",
    },
    "waiter": {
        "who waits does not look for a cancellation": "HCS never answers, and the thread waits for ever",
        "who waits does not look for a loss": "HCS never answers, and the thread waits for ever",
        "who waits does not hold the call": "its operation is closed meanwhile",
        "who waits keeps the guard": "the handle cannot be closed as long as its call takes",
    },
    "news": {
        "who waits for news does not look once more": "those that came meanwhile wake nobody",
        "news are counted after they are told": "who is just about to wait sees no news, and nobody wakes it",
        "who takes news reads their count afterwards": "it counts what it has not seen",
        "a wait for news is held": "the signal is noted, and nobody acts on it",
        "a wait for news is live too late": "the signal finds nothing",
    },
}
MUTATIONS = {name: why for each in MUTATIONS_OF.values() for name, why in each.items()}

Thread = Generator["Callable[[], bool] | None", None, Any]


class Violation(Exception):
    pass


@dataclass(frozen=True)
class Scenario:
    """How HCS answers, and what the owner of the call does meanwhile."""

    answer: str  # see ANSWERS
    cancel: bool
    close_port: bool
    close_handle: bool
    ask: bool
    again: bool  # the slot is used for a second call, whose callback is its own
    lose: bool = False  # the service tells the handle that it is gone
    wait: bool = False  # a thread waits for the operation, and HCS has no callback to call

    @property
    def kind(self) -> str:
        if self.wait:
            return "waiter"
        return "made again" if self.answer.startswith("refused") else "news" if self.answer == "news" else "call"

    @property
    def size(self) -> int:
        return self.cancel + self.close_port + self.close_handle + self.ask + self.again + self.lose

    def __str__(self) -> str:
        names = ("wait", "cancel", "close_port", "close_handle", "ask", "again", "lose")
        parts = [name for name in names if getattr(self, name)]
        return " + ".join([self.answer, *parts])


class World:
    """One slot, one port, one handle."""

    def __init__(self, scenario: Scenario, mutation: str | None) -> None:
        self.scenario, self.mutation = scenario, mutation
        self.generation, self.flags = 1, LIVE | HELD
        self.stage = "make"
        self.inbox: tuple[str, ...] = ("make",)
        self.arrived: tuple[int, ...] | str = ()
        self.signal = False
        self.port_references = 2  # the loop's and the call's
        self.port_open = True
        self.orphans = 0
        self.fetched = False
        # The operation of each use of the slot: what HCS does with it, and who may use it.
        uses = MOST_WAITS if scenario.answer == "news" else 2
        self.running = ["no"] * uses
        self.owner = ["nobody"] * uses
        self.created = ["nobody"] * uses
        self.tickets = [0] * uses  # the generation in the context of its callback
        self.use = 0
        # The handle: calls inside, and whether the object that has the guard is still there.
        self.inside, self.closing, self.released = 1, False, False
        self.object_alive = True
        self.abandoned_before_made = False
        self.over = [0] * uses  # completed, or gone
        self.freed = 0
        self.port_closed = False
        self.look = False  # the supervisor is to look for calls that are lost
        self.cancelling = False
        self.refused = False
        # The events that a reader has not taken, how many news there were, and the wait that they are told to.
        self.queued, self.count, self.told_to = 0, 0, -1
        self.taken = 0
        self.asleep = False
        if scenario.answer == "news":
            self.use, self.flags, self.inbox, self.inside, self.port_references = -1, 0, (), 0, 1

    def has(self, mutation: str) -> bool:
        return self.mutation == mutation

    def check(self, fine: bool, what: str) -> None:
        if not fine:
            raise Violation(what)

    def state(self) -> tuple[Any, ...]:
        return tuple(tuple(v) if isinstance(v, list) else v for v in vars(self).values())

    # --- steps that several threads take ---------------------------------------------------------------------------

    def use_operation(self, use: int) -> None:
        self.check(self.owner[use] == "engine", "an operation is used by who does not own it")

    def hand_over(self) -> None:
        """To the reaper, which closes the operation and ends what was created."""
        if self.owner[self.use] == "engine" and not self.fetched:
            to = "nobody" if self.has("an abandoned call is closed, not handed over") else "reaper"
            self.owner[self.use] = "reaper"
            if self.created[self.use] == "engine":
                self.created[self.use] = to
            self.fetched = True

    def arrive(self) -> Thread:
        """Push, wake if the list was empty, and drop the call's reference to the port."""
        if self.has("a push does not keep the port"):
            self.drop_port()
            yield None
        if self.arrived == CLOSED:
            if not self.has("the lists forget the closed port"):
                self.forward()
        else:
            self.check(not self.arrived, "a call is on a list twice")
            self.check(bool(self.flags & LIVE), "a free slot arrives")
            self.arrived = (self.generation,)
            yield None
            self.check(self.port_open, "a wake-up is written to a closed descriptor")
            self.signal = True
        yield None
        if not self.has("a push does not keep the port"):
            self.drop_port()

    def drop_port(self) -> None:
        self.port_references -= 1
        self.check(self.port_references >= 0, "a port is dropped too often")
        if not self.port_references:
            self.port_open = False

    def forward(self) -> None:
        if not self.has("a call that arrives late is not abandoned"):
            self.withdraw(self.generation)
        self.stage = "orphan"
        self.check(not self.inbox, "a call is in the inbox twice")
        self.inbox = (*self.inbox, "orphan")

    def let_go(self, look: bool = True) -> bool:
        """One compare-and-swap, which fails if a flag was set meanwhile."""
        noted = COMPLETED | ABANDONED
        if not self.has("who lets go does not look for a loss"):
            noted |= LOST
        if look and self.flags & noted:
            return False
        self.flags &= ~HELD
        return True

    def settle(self) -> Thread:
        before = self.flags
        self.flags |= COMPLETED
        yield None
        if before & ABANDONED:
            self.hand_over()
        elif before & LOST and not self.fetch():
            if self.has("a lost call is closed, not handed over"):
                self.owner[self.use], self.created[self.use] = "closed", "nobody"
                self.fetched = True
            else:
                self.hand_over()
        yield from self.arrive()

    def fetch(self) -> bool:
        if not self.fetched:
            self.use_operation(self.use)
            self.fetched = self.running[self.use] == "done"
        return self.fetched

    def dispose(self) -> None:
        """By a worker: all that is HCS's and that nobody has taken."""
        use = self.use
        self.hand_over()
        if self.created[use] == "engine":
            self.created[use] = "closed"
        if self.owner[use] == "engine":
            self.owner[use] = "closed"

    def withdraw(self, generation: int) -> bool:
        """One compare-and-swap. True: the call belongs to the caller."""
        if self.generation != generation or self.flags & ABANDONED:
            return False
        if self.stage == "make" and self.running[self.use] == "no":
            self.abandoned_before_made = True
        held = self.flags & (HELD | COMPLETED)
        if self.has("who cancels takes a call that is held"):
            held = self.flags & COMPLETED
        if held:
            self.flags |= ABANDONED
            return False
        self.flags |= ABANDONED
        if not self.has("who cancels does not take the call"):
            self.flags |= HELD | COMPLETED
        return True

    def let_object_go(self) -> None:
        """Python drops what is behind the request."""
        self.object_alive = False
        self.check(not self.inside or self.use > 0, "the owner goes while its call is inside")

    def finished(self) -> bool:
        if self.scenario.answer == "news":
            return self.freed == self.use + 1 and (self.port_closed or self.taken == EVENTS)
        return self.freed == (2 if self.scenario.again else 1)


# --- threads --------------------------------------------------------------------------------------------------------


def callback(world: World, use: int, generation: int) -> Thread:
    seen = (world.generation, world.flags)
    while True:
        yield None
        ignores = world.has("the callback ignores the generation")
        if (seen[0] != generation and not ignores) or not seen[1] & LIVE:
            return
        if seen[1] & COMPLETED and not world.has("the callback ignores that the call has completed"):
            return
        now = (world.generation, world.flags)
        if now == seen:
            break
        seen = now
    world.flags |= COMPLETED
    world.check(world.use == use, "a callback completes the slot's next call")
    yield None
    if not seen[1] & HELD or world.has("the callback pushes a call that is held"):
        yield from world.arrive()


def hcs(world: World, use: int) -> Thread:
    """What HCS does with an operation once it has it."""
    answer = world.scenario.answer if use == 0 else "later"
    yield lambda: world.running[use] != "no" or world.finished()
    if world.running[use] == "no":
        return
    if answer in ("inline", "fails", "fails and calls back"):
        # The worker completes it; a callback may come late all the same.
        if answer == "fails and calls back":
            yield from callback(world, use, world.tickets[use])
        return
    if answer == "too early":
        yield from callback(world, use, world.tickets[use])
    if answer in ("hangs", "refused and hangs"):
        return
    world.running[use] = "done"
    yield None
    if answer in ("never", "too early", "refused") or world.scenario.wait:
        return
    yield from callback(world, use, world.tickets[use])
    if answer == "twice":
        yield from callback(world, use, world.tickets[use])


def late_callback(world: World) -> Thread:
    """HCS has refused a callback, and calls it all the same."""
    yield lambda: world.refused or world.finished()
    if world.refused:
        yield from callback(world, 0, 1)


def worker(world: World) -> Thread:
    while not world.finished():
        yield lambda: bool(world.inbox) or world.finished()
        if not world.inbox:
            return
        (stage,) = world.inbox
        world.inbox = ()
        if stage == "make":
            yield from make(world)
            continue
        yield None
        world.dispose()
        yield None
        if stage == "orphan":
            world.orphans += 1
            continue
        if not world.has("the slot keeps its generation"):
            world.generation += 1
        world.flags = 0
        world.freed += 1


def make(world: World) -> Thread:
    use = world.use
    answer = world.scenario.answer if use == 0 else "later"
    unwanted = world.flags & ABANDONED and not world.has("a call that was not made is made")
    unwanted = unwanted or world.flags & LOST
    yield None
    if unwanted:
        world.fetched = True
    else:
        if world.abandoned_before_made and world.has("a call that was not made is made"):
            raise Violation("an abandoned call is made")
        if answer.startswith("refused"):
            # It is made again, with an operation that has no callback.
            world.refused = True
            yield None
            world.generation += 1
            world.flags = (world.flags & ~COMPLETED) | HELD
        world.tickets[use] = world.generation
        world.owner[use] = "engine"
        world.running[use] = "yes"
        world.created[use] = "engine"
        yield None
        if answer == "inline":
            world.running[use] = "done"
            if not world.scenario.wait:
                yield from callback(world, use, world.tickets[use])
        if answer.startswith("fails"):
            world.running[use] = "done"
            world.use_operation(use)
            world.fetched = True
    late = world.has("the guard is left after letting go") or world.has("who waits keeps the guard")
    if not late:
        leave(world)
    yield None
    if world.scenario.wait and not world.fetched:
        yield from wait_for(world)
    if world.fetched:
        if world.has("a failed kick-off lets go of the call"):
            world.flags &= ~HELD
            yield from world.arrive()
        else:
            yield from world.settle()
    elif not world.let_go(look=not world.has("the holder lets go without looking")):
        yield from world.settle()
    if late:
        yield None
        leave(world)


def wait_for(world: World) -> Thread:
    """The worker waits for the operation. It holds the call, and looks now and then whether it is still to wait."""
    world.check(not world.inside or world.use > 0, "a guard is kept while its call is waited for")
    noted = ABANDONED | LOST
    if world.has("who waits does not look for a cancellation"):
        noted = LOST
    if world.has("who waits does not look for a loss"):
        noted = ABANDONED
    if world.has("who waits does not hold the call"):
        world.flags &= ~HELD
    while not world.fetched and not world.flags & noted:
        world.use_operation(world.use)
        yield lambda: world.running[world.use] == "done" or bool(world.flags & noted)
        world.fetch()


def leave(world: World) -> None:
    if world.use:
        return
    world.check(world.object_alive, "the guard of a handle that is gone is left")
    world.inside -= 1
    if world.closing and not world.inside:
        world.check(not world.released, "a handle is released twice")
        world.released = True


def poller(world: World) -> Thread:
    """Asks once at any time, and then whenever nothing but the answer is missing."""
    early = world.scenario.ask
    deaf = world.has("who is told of a loss leaves a call alone that nobody holds")

    def may_ask() -> bool:
        answered = world.running[world.use] == "done"
        return (world.flags == LIVE and (early or answered)) or (world.look and not deaf) or world.finished()

    while True:
        yield may_ask
        if world.finished():
            return
        world.look = False
        seen = (world.generation, world.flags)
        yield None
        if seen[1] == LIVE | LOST and (world.generation, world.flags) == seen:
            world.flags |= HELD
            yield None
            yield from world.settle()
            continue
        if world.has("who asks does not hold the call"):
            early = False
            if seen[1] == LIVE:
                world.use_operation(world.use)
            continue
        if (world.generation, world.flags) != seen or seen[1] != LIVE:
            continue
        early = False
        world.flags |= HELD
        yield None
        if world.fetch():
            yield None
            yield from world.settle()
        else:
            yield None
            if not world.let_go(look=not world.has("who asks does not look when letting go")):
                yield from world.settle()


def loop(world: World) -> Thread:
    """Drains the port when it is woken."""
    uses = 2 if world.scenario.again else 1
    while not world.port_closed:
        world.asleep = True
        yield lambda: not world.cancelling and (world.signal or world.port_closed or sum(world.over) == uses)
        if world.port_closed or sum(world.over) == uses:
            return
        world.asleep = False
        late = world.has("the wake-up is cleared after the list is taken")
        if not late:
            world.signal = False
        yield None
        if world.port_closed or world.arrived == CLOSED:
            return
        arrived, world.arrived = world.arrived, ()
        yield None
        if arrived:
            yield from drain(world)
        if late:
            yield None
            world.signal = False


def drain(world: World) -> Thread:
    """What the loop does with the call that it has taken from its port."""
    if not world.fetch():
        # HCS has called back too early: the call is pending again.
        world.port_references += 1
        world.flags = (world.flags & ~COMPLETED) | HELD
        yield None
        if not world.let_go():
            yield from world.settle()
        return
    receive(world)
    yield None
    give_back(world)
    if world.scenario.again and world.use == 0:
        yield lambda: world.freed == 1
        submit_again(world)


def receive(world: World) -> None:
    """The completion in Python: it takes what it wants, and lets go of the handle."""
    use = world.use
    world.check(not world.over[use], "a call completes twice")
    world.over[use] = 1
    world.told_to = -1
    if not world.flags & ABANDONED and world.created[use] == "engine":
        world.created[use] = "taken"
    if use == 0:
        world.let_object_go()


def give_back(world: World) -> None:
    world.stage = "release"
    world.check(not world.inbox, "a call is in the inbox twice")
    world.inbox = ("release",)


def submit_again(world: World) -> None:
    world.use = 1
    world.fetched = False
    world.stage = "make"
    world.port_references += 1
    world.flags = LIVE | HELD
    world.inbox = ("make",)


def canceller(world: World) -> Thread:
    """On the loop's thread, and so never between two steps of a drain: what was received is not cancelled."""
    yield lambda: world.asleep
    use = world.use
    if world.port_closed or use < 0 or world.over[use]:
        return
    world.cancelling = True
    generation = world.generation
    if world.scenario.answer == "news":
        world.told_to = -1
        yield None
    elif world.scenario.kind == "made again":
        # Only a call that is made again has another generation by now.
        yield None
        if not world.has("who cancels gives up where a call is made again"):
            generation = world.generation
    if world.withdraw(generation):
        world.hand_over()
        world.drop_port()
        world.over[use] = 1
        world.let_object_go()
        give_back(world)
    world.cancelling = False


def port_closer(world: World) -> Thread:
    """Also on the loop's thread: after a drain, never inside."""
    yield lambda: world.asleep and not world.cancelling
    world.port_closed = True
    arrived, world.arrived = world.arrived, CLOSED
    yield None
    if arrived and arrived != CLOSED:
        world.forward()
    elif not world.has("the closed port keeps its pending calls"):
        while True:
            generation = world.generation
            live = world.flags & LIVE
            yield None
            if live and world.withdraw(generation):
                world.hand_over()
                world.drop_port()
                yield None
                world.forward()
                break
            # Another generation may be that of a call that was made again.
            given_up = world.has("who closes a port gives up where a call is made again")
            if not live or world.generation == generation or given_up:
                break
    yield None
    world.drop_port()


def collector(world: World) -> Thread:
    """Whoever has Python, once the loop is gone."""
    while True:
        yield lambda: world.orphans > 0 or world.finished()
        if not world.orphans:
            return
        world.orphans -= 1
        world.check(bool(world.flags & ABANDONED), "a future of a closed loop is settled")
        if not world.over[world.use]:
            receive(world)
        give_back(world)


def handle_closer(world: World) -> Thread:
    yield None
    if not world.object_alive:
        return
    world.closing = True
    if not world.inside:
        world.released = True


def loser(world: World) -> Thread:
    """HCS tells the handle of the first call that the service is gone: the calls of that handle are marked."""
    yield None
    while True:
        generation, live = world.generation, world.flags & LIVE
        yield None
        if not live:
            return
        if world.use and not world.has("who loses a call ignores the generation"):
            return
        yield None
        if world.generation == generation or world.has("who loses a call ignores the generation"):
            break
        # The slot's next call, or the same one that was made again.
        if world.has("who loses a call gives up where it is made again"):
            return
    if world.flags & LIVE:
        world.flags |= LOST
        world.check(world.use == 0, "a call of another handle is lost")
        yield None
        world.look = True


# --- a wait for news ------------------------------------------------------------------------------------------------

EVENTS = 2
MOST_WAITS = 6  # one that is cancelled, and those that news wake which were taken already


def teller(world: World) -> Thread:
    """A thread of HCS that tells of events."""
    for _ in range(EVENTS):
        yield None
        world.queued += 1
        yield None
        if world.has("news are counted after they are told"):
            yield from tell(world)
            world.count += 1
            continue
        world.count += 1
        yield None
        yield from tell(world)


def tell(world: World) -> Thread:
    """Signals the wait that there is, if any; once."""
    use, world.told_to = world.told_to, -1
    yield None
    if use >= 0:
        yield from callback(world, use, world.tickets[use])


def reader(world: World) -> Thread:
    """Takes all events on the loop's thread; where there is none, it waits for news with a call that nobody makes."""
    while world.taken < EVENTS:
        seen = world.count
        yield None
        if world.queued:
            world.queued -= 1
            world.taken += 1
            continue
        yield None
        if world.has("who takes news reads their count afterwards"):
            seen = world.count
        yield from expect(world, seen)
        use = world.use
        while not world.over[use]:
            world.asleep = True
            yield lambda: not world.cancelling and (world.signal or world.port_closed or bool(world.over[world.use]))
            if world.port_closed:
                return
            world.asleep = False
            world.signal = False
            yield None
            arrived, world.arrived = world.arrived, ()
            yield None
            if arrived:
                receive(world)
                yield None
                give_back(world)
        yield lambda: world.freed == world.use + 1
    world.asleep = True


def expect(world: World, seen: int) -> Thread:
    world.use += 1
    use = world.use
    world.fetched, world.stage = True, "make"
    world.port_references += 1
    world.tickets[use] = world.generation
    live = LIVE | HELD if world.has("a wait for news is held") else LIVE
    late = world.has("a wait for news is live too late")
    if not late:
        world.flags = live
    yield None
    world.told_to = use
    yield None
    if late:
        world.flags = live
    if world.count != seen and not world.has("who waits for news does not look once more"):
        yield from tell(world)


def threads_of(world: World) -> list[Thread]:
    scenario = world.scenario
    if scenario.answer == "news":
        threads = [worker(world), reader(world), teller(world)]
    else:
        threads = [worker(world), loop(world), hcs(world, 0)]
    if scenario.kind == "made again":
        threads.append(late_callback(world))
    if scenario.again:
        threads.append(hcs(world, 1))
    if scenario.ask or scenario.lose:
        threads.append(poller(world))
    if scenario.lose:
        threads.append(loser(world))
    if scenario.cancel:
        threads.append(canceller(world))
    if scenario.close_port:
        threads += [port_closer(world), collector(world)]
    if scenario.close_handle:
        threads.append(handle_closer(world))
    return threads


# --- the walk -------------------------------------------------------------------------------------------------------


def place_of(thread: Thread) -> tuple[Any, ...]:
    """Where a thread stands and what it has read."""
    place: list[Any] = []
    inner: Any = thread
    while inner is not None and inner.gi_frame is not None:
        frame = inner.gi_frame
        kept = tuple(v for v in frame.f_locals.values() if isinstance(v, (int, str, tuple, type(None))))
        place.append((frame.f_lineno, kept))
        inner = inner.gi_yieldfrom
    return tuple(place)


@dataclass
class Run:
    world: World
    threads: list[Thread]
    waits: list[Callable[[], bool] | None]
    done: list[bool]

    def step(self, index: int) -> None:
        try:
            self.waits[index] = next(self.threads[index])
        except StopIteration:
            self.done[index] = True

    def ready(self) -> list[int]:
        return [
            index
            for index, done in enumerate(self.done)
            if not done and ((wait := self.waits[index]) is None or wait())
        ]


def start(scenario: Scenario, mutation: str | None) -> Run:
    world = World(scenario, mutation)
    threads = threads_of(world)
    return Run(world, threads, [None] * len(threads), [False] * len(threads))


def check_end(run: Run) -> None:
    world = run.world
    uses = range(world.use + 1)
    stuck = [thread.__name__ for thread, done in zip(run.threads, run.done, strict=True) if not done]
    world.check(not stuck, f"stuck: {', '.join(stuck)}")
    world.check(world.finished(), "the slot was not freed")
    world.check(all(world.over[use] == 1 for use in uses), "a call neither completed nor went")
    world.check(world.inside == 0, "the guard was not left")
    world.check(all(world.owner[use] in ("closed", "reaper", "nobody") for use in uses), "an operation stays open")
    for use in uses:
        lost = world.owner[use] != "nobody" and world.created[use] == "nobody"
        world.check(world.created[use] != "engine" and not lost, "what was created has no owner")
    expected = 0 if world.port_closed else 1
    world.check(world.port_references == expected, "the port is kept or dropped too often")
    world.check(not world.closing or world.released, "the handle was not released")


def walk(scenario: Scenario, mutation: str | None = None) -> int:
    """The number of states; raises Violation."""
    try:
        return walk_all(scenario, mutation)
    except Violation as violation:
        raise Violation(f"{violation}; {scenario}") from None


def walk_all(scenario: Scenario, mutation: str | None) -> int:
    seen: set[Any] = set()
    schedules: list[list[int]] = [[]]
    while schedules:
        schedule = schedules.pop()
        run = start(scenario, mutation)
        for index in schedule:
            run.step(index)
        while True:
            state = (run.world.state(), tuple(map(place_of, run.threads)), tuple(run.done))
            if state in seen:
                break
            seen.add(state)
            ready = run.ready()
            if not ready:
                check_end(run)
                break
            schedules += [[*schedule, index] for index in ready[1:]]
            schedule = [*schedule, ready[0]]
            run.step(ready[0])
    return len(seen)


ANSWERS = [
    "later",
    "inline",
    "twice",
    "never",
    "too early",
    "hangs",
    "fails",
    "fails and calls back",
    "refused",
    "refused and hangs",
    "news",
]


def scenarios(answer: str | None = None, most: int = 2) -> list[Scenario]:
    """The smallest first; those of one answer, and with at most so much going on beside it, if asked for."""
    chosen = [each for each in all_scenarios() if answer in (None, each.answer) and each.size <= most]
    # A slot that is used again finds in few states what the others cannot.
    return sorted(chosen, key=lambda scenario: (scenario.size, not scenario.again))


def all_scenarios() -> Iterator[Scenario]:
    for answer, cancel, close_port, close_handle, ask, lose in product(ANSWERS, *[(False, True)] * 5):
        # Three at once find nothing more, in a hundred times the states; nor do two while a call is made again.
        beside = cancel + close_port + close_handle + lose
        if beside + ask > 2 or (answer == "refused and hangs" and beside > 1):
            continue
        if answer == "news":
            if not (close_handle or ask or lose):
                yield Scenario(answer, cancel, close_port, False, False, False)
            continue
        ends = answer not in ("hangs", "refused and hangs") or cancel or close_port or lose
        # Without its callback a call completes only because it is asked for.
        must_ask = answer in ("never", "too early", "refused")
        # Who looks for lost calls asks for others anyway.
        asks = ask == must_ask if lose or answer == "refused and hangs" else ask >= must_ask
        if ends and asks:
            yield Scenario(answer, cancel, close_port, close_handle, ask, False, lose)
        # Who waits is who asks.
        if ends and not ask and answer in ("later", "inline", "fails", "hangs"):
            yield Scenario(answer, cancel, close_port, close_handle, False, False, lose, wait=True)
    for answer in ("later", "twice", "fails and calls back", "inline"):
        yield Scenario(answer, False, False, False, False, True)
        yield Scenario(answer, False, False, False, True, True)
        yield Scenario(answer, False, False, False, False, True, True)


def main() -> int:
    try:
        states = [walk(scenario) for scenario in scenarios()]
    except Violation as violation:
        print(f"violation: {violation}")
        return 1
    print(f"{len(states)} scenarios, {sum(states)} states, no violation")
    missed = [mutation for mutation in MUTATIONS if not catches(mutation)]
    print(f"{len(MUTATIONS)} mutations, not caught: {', '.join(missed) or 'none'}")
    return bool(missed)


def catches(mutation: str) -> bool:
    """Whether some scenario finds the mutation."""
    for scenario in scenarios():
        if mutation in MUTATIONS_OF[scenario.kind]:
            try:
                walk(scenario, mutation)
            except Violation:
                return True
    return False


if __name__ == "__main__":
    sys.exit(main())
