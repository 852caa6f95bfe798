"""A model of what is documented of compute systems and processes, by which random walks judge every answer.

It is written from the documentation alone, and knows nothing of the emulator. Where that leaves open what comes of a
call, a thing of the model is in several states at once; each answer leaves those in which it may come.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from hcsrt import _hresults as codes

OK = 0
TIMED_OUT = "TimeoutError"
CLOSED = "HandleClosedError"

Code = int | str
"""What comes of a call: 0, an HRESULT, or the name of an exception that no HRESULT is behind."""

CREATED, RUNNING, PAUSED, STOPPED = "Created", "Running", "Paused", "Stopped"
SHUTTING_DOWN, TERMINATING = "shutting down", "terminating"
ENDING = (SHUTTING_DOWN, TERMINATING)
OVER = (*ENDING, STOPPED)

GRACEFUL, FORCED, UNEXPECTED = "GracefulExit", "ForcedExit", "UnexpectedExit"

MOST_SHUTDOWN = 20.0
"""Seconds after which a shutdown that programs resist may have become a terminate: less than the emulator's 30."""

ENOUGH = 10.0
"""Seconds in which every program that does not resist has ended, on a machine however busy."""


class State(NamedTuple):
    """What a compute system may be in."""

    phase: str
    exit: str | None = None
    """The ExitType that its end has or will have."""
    crashed: bool = False
    """Whether its guest was made to crash, so that it may exit by itself."""

    def named(self, phase: str, exit: str | None = None) -> State:
        return self._replace(phase=phase, exit=exit or self.exit)


class ProcessState(NamedTuple):
    """What a process may be in; the code is that of an exit which has happened or comes for certain."""

    phase: str
    code: int | None = None


ALIVE = ProcessState("alive")
DYING, GONE = "dying", "gone"

CHOICES: dict[str, dict[str, Code]] = {
    "call_on_stopped_system": {
        "HCS_E_SYSTEM_ALREADY_STOPPED": codes.HCS_E_SYSTEM_ALREADY_STOPPED,
        "HCS_E_INVALID_STATE": codes.HCS_E_INVALID_STATE,
    },
    "properties_while_stopping": {"given": OK, "E_HANDLE": codes.E_HANDLE},
    "overtaken_shutdown": {"succeeds": OK, "HCS_E_TERMINATED": codes.HCS_E_TERMINATED},
    "no_guest": {
        "ERROR_NOT_SUPPORTED": codes.ERROR_NOT_SUPPORTED,
        "HCS_E_INVALID_STATE": codes.HCS_E_INVALID_STATE,
        "HCS_E_CONNECTION_CLOSED": codes.HCS_E_CONNECTION_CLOSED,
    },
    "forced_exit_status": {"S_OK": OK, "HCS_E_TERMINATED": codes.HCS_E_TERMINATED},
    "state_before_start": {"absent": "absent", "Created": "Created"},
    "owner_in_answers": {"given": "given", "absent": "absent"},
    "container_as_machine": {
        "ERROR_NOT_SUPPORTED": codes.ERROR_NOT_SUPPORTED,
        "HCS_E_INVALID_STATE": codes.HCS_E_INVALID_STATE,
    },
    "crashed_guest": {"exits": "exits", "runs_on": "runs_on"},
    "handle_of_crashed_service": {
        "disconnected": codes.HCS_E_SERVICE_DISCONNECT,
        "not_found": codes.HCS_E_SYSTEM_NOT_FOUND,
    },
    "unknown_resource": {"E_INVALIDARG": codes.E_INVALIDARG, "ERROR_NOT_FOUND": codes.ERROR_NOT_FOUND},
    "call_on_exited_process": {
        "HCS_E_PROCESS_ALREADY_STOPPED": codes.HCS_E_PROCESS_ALREADY_STOPPED,
        "E_ACCESSDENIED": codes.E_ACCESSDENIED,
    },
}
"""The rows of docs/explanation/emulator.md of which a walk can tell, each with the plain choice first."""

Moves = dict[Code, set[State]]
ProcessMoves = dict[Code, set[ProcessState]]


GONE_CODES = frozenset({codes.HCS_E_SYSTEM_ALREADY_STOPPED, codes.HCS_E_SYSTEM_NOT_FOUND})
"""What tells the facade that a system has gone, which is no error where that was wanted."""


class Trouble(NamedTuple):
    """What faults have done to a call."""

    failed: frozenset[int] = frozenset()
    """What the call failed with; HCS never got it."""
    completed: frozenset[int] = frozenset()
    """What HCS said at its completion, though it has done what it was asked for."""
    beside: frozenset[int] = frozenset()
    """What other calls failed with that the facade makes for it."""
    times_out: bool = False
    """Whether its time may be over before HCS has done it."""

    def codes(self) -> frozenset[int]:
        return self.failed | self.completed | self.beside


NO_TROUBLE = Trouble()


class Surprise(AssertionError):
    """HCS has answered what the documentation does not allow."""

    last: ClassVar[Surprise | None] = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        Surprise.last = self


def stay(state: State, allowed: Iterable[Code]) -> Moves:
    """Return the moves of calls that change nothing."""
    return {code: {state} for code in allowed}


def add(moves: dict[Code, set[Any]], code: Code, states: Iterable[Any]) -> None:
    moves.setdefault(code, set()).update(states)


def troubled(moves: Mapping[Code, set[Any]], state: Any, trouble: Trouble) -> dict[Code, set[Any]]:
    """Return the moves of a call that faults have met."""
    made: dict[Code, set[Any]] = {}
    done = moves.get(OK, set())
    for code in trouble.failed:
        add(made, code, {state})
    if not trouble.failed:
        for code, states in moves.items():
            # A refusal may come at the kick-off, before any completion.
            if code != OK or not trouble.completed:
                add(made, code, states)
            for other in trouble.completed:
                add(made, other, states)
    for code in trouble.beside:
        add(made, code, {state} | done)
    if trouble.times_out:
        add(made, codes.HCS_E_OPERATION_TIMEOUT, {state} | done)
    return made


class World:
    """What the documentation leaves open, and what a host has."""

    def __init__(
        self,
        *,
        plain: bool,
        assumed: Mapping[str, str] | None = None,
        killed: int,
        aborted: int,
        interrupted: int,
        asked: int,
    ) -> None:
        """Know what is assumed, and exit codes.

        Args:
            plain: Whether there is no seed.
            assumed: What a Host assumes.
            killed: The code of a process that was killed because its system ended.
            aborted: The code of one that was terminated itself.
            interrupted: The code of one that Ctrl-C has ended.
            asked: The code of one that a shutdown has ended.
        """
        self.aborted = aborted
        self.plain = plain
        self.assumed = assumed or {}
        self.met: Counter[tuple[str, str, Code]] = Counter()
        self.killed = killed
        self.interrupted = interrupted
        self.asked = asked
        self.systems: list[System] = []
        self.busy = False
        """Whether calls go on that nobody waits for any more."""
        self.has_service = True
        self.hasty = False
        """Whether the facade waits so shortly for signs of an exit that it may miss them."""

    def choices(self, name: str) -> set[Code]:
        """Return what HCS may do: what is assumed; else without a seed the first choice, and with one each of them."""
        row = CHOICES[name]
        if name in self.assumed:
            return {row[self.assumed[name]]}
        return set(list(row.values())[: 1 if self.plain else None])

    def holders(self, id: str, namespace: str | None) -> list[System]:
        """Return the systems that may have an id."""
        named = [system for system in self.systems if (system.id, system.namespace) == (id, namespace)]
        return [system for system in named if any(state.phase != STOPPED for state in system.possible())]

    def create(self, system: System, code: Code, trouble: Trouble = NO_TROUBLE, *, refused: bool = False) -> None:
        """Judge the creation of a system by a document that HCS refuses, or accepts."""
        holders = self.holders(system.id, system.namespace)
        moves: dict[Code, set[str]] = {}
        if holders:
            add(moves, codes.HCS_E_SYSTEM_ALREADY_EXISTS, {"none"})
        if refused:
            add(moves, codes.HCS_E_INVALID_JSON, {"none"})
        elif all(holder.may_be(STOPPED) for holder in holders):
            add(moves, OK, {"made"})
        moves = troubled(self._served(moves, "none"), "none", trouble)
        expect(code, moves, f"create of {system.id!r} with {holders}")
        if code == OK:
            for holder in holders:
                holder.learn(lambda state: state.phase == STOPPED)
            self.systems.append(system)
        elif "made" in moves[code]:
            # What a failed or abandoned creation makes is terminated.
            system.handles = 0
            system.is_abandoned = True
            self.systems.append(system)
        if code == codes.HCS_E_OPERATION_TIMEOUT:
            self.busy = True

    def _served(self, moves: dict[Code, set[str]], nothing: str) -> dict[Code, set[str]]:
        return moves if self.has_service else {codes.HCS_E_SERVICE_DISCONNECT: {nothing}}

    def open(self, id: str, namespace: str | None, code: Code, trouble: Trouble = NO_TROUBLE) -> None:
        """Judge an attempt to open a system."""
        holders = self.holders(id, namespace)
        moves: dict[Code, set[str]] = {}
        if holders:
            add(moves, OK, {"there"})
        if all(holder.may_be(STOPPED) for holder in holders):
            add(moves, codes.HCS_E_SYSTEM_NOT_FOUND, {"not"})
        moves = troubled(self._served(moves, "unknown"), "unknown", trouble)
        expect(code, moves, f"open of {id!r} with {holders}")
        for holder in holders:
            if moves[code] == {"there"}:
                holder.learn(lambda state: state.phase != STOPPED)
            elif moves[code] == {"not"}:
                holder.learn(lambda state: state.phase == STOPPED)
        if code == codes.HCS_E_OPERATION_TIMEOUT:
            self.busy = True

    def lost_codes(self) -> set[Code]:
        """Return what is said of handles whose service has crashed."""
        return self.choices("handle_of_crashed_service") if self.has_service else {codes.HCS_E_SERVICE_DISCONNECT}

    def settled(self) -> None:
        """Know that nothing goes on in the background any more."""
        self.busy = False
        for system in self.systems:
            system.settled()

    def lose_service(self) -> None:
        """Let all systems end with the service; their handles lead nowhere."""
        for system in self.systems:
            system.lost()
        self.systems.clear()
        self.has_service = False

    def enumerated(
        self, found: list[Mapping[str, Any]], namespace: str | None, wanted: Callable[[System], bool]
    ) -> None:
        """Judge the list of systems."""
        ids = [item["Id"] for item in found]
        expect(len(set(ids)), {len(ids)}, f"ids listed twice in {ids}")
        known = [system for system in self.systems if system.namespace == namespace and wanted(system)]
        for id in ids:
            if not any(system.id == id and not system.is_certainly(STOPPED) for system in known):
                raise Surprise(f"{id!r} is listed, but not there: {known}")
        for system in known:
            others = [other for other in self.holders(system.id, namespace) if other is not system]
            if system.id not in ids:
                system.learn(lambda state: state.phase == STOPPED)
            elif not others:
                system.learn(lambda state: state.phase != STOPPED)


class System:
    """A compute system of the model."""

    def __init__(
        self,
        world: World,
        id: str,
        namespace: str | None = None,
        *,
        is_machine: bool = False,
        has_guest: bool = True,
        shuts_down: bool = True,
        ends_with_handles: bool = False,
        owner: str = "walks",
    ) -> None:
        self.world = world
        self.id = id
        self.namespace = namespace
        self.is_machine = is_machine
        self.has_guest = has_guest
        self.shuts_down = shuts_down
        self.ends_with_handles = ends_with_handles
        self.owner = owner
        self.states = {State(CREATED)}
        self.handles = 1
        self.processes: list[Process] = []
        self.shares: set[str] = set()
        self.unsure: set[str] = set()
        """Shares that may be there or not."""
        self.asked_at: float | None = None
        self.late: set[tuple[Any, ...]] = set()
        """Calls that may still do what they were to do, with their arguments."""
        self.is_abandoned = False
        """Whether it belongs to a creation that nobody waits for any more."""
        self.has_crashed = False
        """Whether somebody has tried to make its guest crash."""
        self.is_lost = False
        """Whether the service that ran it has gone."""

    def __repr__(self) -> str:
        marks = "".join(f", {name[3:]}" for name in ("is_abandoned", "is_lost") if getattr(self, name))
        late = f", late {sorted(map(str, self.late))}" if self.late else ""
        return f"<{self.id!r} {sorted(self.states, key=repr)}{late}{marks}>"

    # --- what it may be in ---------------------------------------------------------------------------------------

    def possible(self) -> set[State]:
        """Return the states that it may be in by now, after what happens by itself."""
        if self.is_abandoned:
            self.states = {State(CREATED), State(TERMINATING, FORCED), State(STOPPED, FORCED)}
            return self.states
        if self.late:
            self._go_on()
        for state in list(self.states):
            if state.phase == TERMINATING or (state.phase == SHUTTING_DOWN and not self._resists()):
                self.states.add(state.named(STOPPED))
            if state.crashed and state.phase not in OVER:
                self.states.add(State(STOPPED, UNEXPECTED))
        return self.states

    def _go_on(self) -> None:
        """Let calls that nobody waits for any more do what they were to do."""
        before: set[State] = set()
        while self.states != before:
            before = set(self.states)
            for verb, *arguments in self.late:
                phase = SHUTTING_DOWN if verb == "shutdown" else TERMINATING
                for state in before:
                    after: set[State] = getattr(self, f"_{verb}")(state, *arguments).get(OK, set())
                    self.states |= after
                    if state.phase not in OVER:
                        self.states |= {ended.named(phase) for ended in after if ended.phase == STOPPED}

    def settled(self) -> None:
        self.possible()
        self.late.clear()
        for process in self.processes:
            process.possible()
            process.late.clear()
        if self.is_abandoned:
            self.is_abandoned = False
            self.states = {State(TERMINATING, FORCED), State(STOPPED, FORCED)}
        if self.handles == 0:
            self._last_closed()

    def lost(self) -> None:
        self.is_lost = True
        for process in self.processes:
            process.ends_with(self.world.killed, certain=False)

    def _resists(self) -> bool:
        """Return whether a program in it holds up a shutdown."""
        if self.asked_at is None or time.monotonic() - self.asked_at > MOST_SHUTDOWN:
            return False
        return any(process.resists and process.states == {ALIVE} for process in self.processes)

    def may_be(self, *phases: str) -> bool:
        return any(state.phase in phases for state in self.possible())

    def is_certainly(self, *phases: str) -> bool:
        return all(state.phase in phases for state in self.possible())

    def learn(self, holds: Callable[[State], bool]) -> None:
        """Keep the states that agree with what was seen."""
        left = {state for state in self.possible() if holds(state)}
        if not left:
            raise Surprise(f"what was seen is impossible for {self!r}")
        if not self.is_abandoned:
            self._become(left)

    def _become(self, states: set[State]) -> None:
        self.states = states
        for process in self.processes:
            process.possible()

    # --- calls ----------------------------------------------------------------------------------------------------

    def call(self, verb: str, code: Code, *arguments: Any, trouble: Trouble = NO_TROUBLE) -> None:
        """Judge a call on a handle that is open, and go where it leads."""
        states = self.possible()
        if self.is_lost:
            expect(code, self._when_lost(verb, trouble), f"{verb} of {self!r}")
            return
        phases = {state.phase for state in states}
        if len(phases) == 1 and trouble == NO_TROUBLE:
            self.world.met[verb, next(iter(phases)), code] += 1
        moves: Moves = {}
        for state in states:
            for answer, after in self._answers(verb, state, arguments, trouble).items():
                add(moves, answer, after)
        expect(code, moves, f"{verb}{arguments} of {self!r} in {trouble}")
        self._become(moves[code])
        if code == codes.HCS_E_OPERATION_TIMEOUT and trouble.times_out:
            self.world.busy = True
            self.late.add((verb, *arguments))

    def _answers(self, verb: str, state: State, arguments: Iterable[Any], trouble: Trouble) -> Moves:
        moves: Moves = getattr(self, f"_{verb}")(state, *arguments)
        if state.crashed and state.phase not in OVER:
            # It may be just going away.
            moves = dict(moves)
            for code in self._going():
                add(moves, code, {state})
        made = troubled(moves, state, trouble)
        if verb == "terminate":
            # What tells that the system has gone is no error, nor any other once it has.
            for code in trouble.codes():
                add(
                    made,
                    OK,
                    made[code] if code in GONE_CODES else {after for after in made[code] if after.phase in OVER},
                )
        if verb == "create_process" and trouble.completed and not trouble.failed:
            # The facade asks whether the process runs all the same.
            add(made, OK, moves.get(OK, set()))
        return {code: states for code, states in made.items() if states}

    def _when_lost(self, verb: str, trouble: Trouble) -> set[Code]:
        allowed: set[Code] = self.world.lost_codes() | trouble.codes()
        if trouble.times_out:
            allowed.add(codes.HCS_E_OPERATION_TIMEOUT)
        if verb == "terminate" and (self.may_be(*OVER) or allowed & GONE_CODES):
            allowed.add(OK)
        return allowed

    def _going(self) -> set[Code]:
        """Return what calls on a system say that is about to stop, of which nothing is documented."""
        return {codes.HCS_E_SYSTEM_ALREADY_STOPPED, codes.HCS_E_INVALID_STATE, codes.E_HANDLE}

    def _over(self, state: State) -> Moves:
        """Return what any call says that a system which stops or has stopped does not take."""
        if state.phase == STOPPED:
            stopped = self.world.choices("call_on_stopped_system")
            return stay(state, stopped)
        return stay(state, self._going())

    def _by_phase(self, state: State, moves: Mapping[str, Moves], *refused: str) -> Moves:
        """Return the moves of the phase, a refusal in those named, and the usual answers once it stops."""
        if state.phase in moves:
            return dict(moves[state.phase])
        if state.phase in refused:
            return stay(state, {codes.HCS_E_INVALID_STATE})
        return self._over(state)

    def _start(self, state: State) -> Moves:
        return self._by_phase(state, {CREATED: {OK: {state.named(RUNNING)}}}, RUNNING, PAUSED)

    def _pause(self, state: State) -> Moves:
        moves = self._by_phase(state, {RUNNING: {OK: {state.named(PAUSED)}}}, CREATED, PAUSED)
        return self._of_machines(state, moves)

    def _resume(self, state: State) -> Moves:
        moves = self._by_phase(state, {PAUSED: {OK: {state.named(RUNNING)}}}, CREATED, RUNNING)
        return self._of_machines(state, moves)

    def _save(self, state: State) -> Moves:
        moves = self._by_phase(state, {PAUSED: {OK: {state}}}, CREATED, RUNNING)
        return self._of_machines(state, moves)

    def _save_as_template(self, state: State) -> Moves:
        moves = self._by_phase(state, {PAUSED: stay(state, {codes.E_NOTIMPL})}, CREATED, RUNNING)
        return self._of_machines(state, moves) | stay(state, {codes.E_NOTIMPL})

    def _crash(self, state: State) -> Moves:
        crashed = state._replace(crashed=True)
        # An exit may come a little later.
        runs_on = "runs_on" in self.world.choices("crashed_guest")
        exits = {State(STOPPED, UNEXPECTED), crashed if runs_on else State(TERMINATING, UNEXPECTED)}
        moves = self._by_phase(state, {RUNNING: {OK: exits}}, CREATED, PAUSED)
        return self._of_machines(state, moves)

    def _of_machines(self, state: State, moves: Moves) -> Moves:
        """Return the moves of a call that containers refuse; which reason comes first is not documented."""
        if self.is_machine:
            return moves
        refused = self.world.choices("container_as_machine")
        if state.phase == RUNNING:
            return stay(state, refused)
        return stay(state, refused | (set(moves) - {OK}))

    def _shutdown(self, state: State, mechanism: str | None = None) -> Moves:
        if state.phase in OVER:
            # The second one, even while the first is under way.
            return stay(state, {codes.HCS_E_SYSTEM_ALREADY_STOPPED})
        answers: Moves = {}
        if state.phase != RUNNING:
            answers = stay(state, {codes.HCS_E_INVALID_STATE})
        if not self._can_shut_down(mechanism):
            return answers | stay(state, self._unreachable())
        if state.phase == RUNNING:
            answers[OK] = {state.named(STOPPED, GRACEFUL)}
            # What a program resists goes on after the time that the caller gives it.
            answers[codes.HCS_E_OPERATION_TIMEOUT] = {state.named(SHUTTING_DOWN, GRACEFUL)}
        return answers

    def _can_shut_down(self, mechanism: str | None) -> bool:
        if not self.is_machine:
            return True
        return {"GuestConnection": self.has_guest, "IntegrationService": self.shuts_down}.get(
            mechanism or "", self.has_guest or self.shuts_down
        )

    def _unreachable(self) -> set[Code]:
        return self.world.choices("no_guest")

    def _terminate(self, state: State) -> Moves:
        """Return the moves of the facade's terminate(), for which it is no error if the system has stopped."""
        if state.phase in (TERMINATING, STOPPED):
            return {OK: {state}}
        return {OK: {state.named(STOPPED, FORCED)}}

    def _native_terminate(self, state: State) -> Moves:
        if state.phase in (TERMINATING, STOPPED):
            return stay(state, {codes.HCS_E_SYSTEM_ALREADY_STOPPED})
        return {OK: {state.named(STOPPED, FORCED)}}

    def _modify(self, state: State, answer: set[Code]) -> Moves:
        moves = self._by_phase(state, {RUNNING: stay(state, answer)}, CREATED, PAUSED)
        # Whether the request or the state is looked at first is not documented.
        return moves if OK in answer else moves | stay(state, answer)

    def _create_process(self, state: State) -> Moves:
        if self.is_machine and not self.has_guest:
            return self._by_phase(state, {RUNNING: {}}, CREATED, PAUSED) | stay(state, self._unreachable())
        return self._by_phase(state, {RUNNING: {OK: {state}}}, CREATED, PAUSED)

    def _refused_process(self, state: State, answer: set[Code]) -> Moves:
        """Return the moves of a process that cannot be started, even where processes can."""
        moves = self._create_process(state)
        moves.pop(OK, None)
        return moves | stay(state, answer)

    def _open_process(self, state: State, answer: set[Code]) -> Moves:
        moves = self._create_process(state)
        if OK in moves:
            return stay(state, answer)
        return moves | stay(state, {codes.ERROR_NOT_FOUND})

    def _properties(self, state: State) -> Moves:
        if state.phase in ENDING:
            return stay(state, self.world.choices("properties_while_stopping"))
        return {OK: {state}}

    def _wrong_properties(self, state: State) -> Moves:
        # Whether the query or the state is looked at first is not documented.
        return (self._over(state) if state.phase in OVER else {}) | stay(state, {codes.HCS_E_INVALID_JSON})

    def _statistics(self, state: State) -> Moves:
        # Of a stopped system HCS tells nothing but its exit, and the facade that there are no statistics.
        moves = self._by_phase(state, {RUNNING: {OK: {state}}}, CREATED, PAUSED, STOPPED)
        return moves | {OK: {state}} if state.phase in ENDING else moves

    def _memory(self, state: State) -> Moves:
        if not self.is_machine:
            refused = {codes.ERROR_NOT_SUPPORTED, codes.E_NOTIMPL, codes.HCS_E_INVALID_STATE}
            return (self._over(state) if state.phase in OVER else {}) | stay(state, refused)
        moves = self._by_phase(state, {phase: {OK: {state}} for phase in (CREATED, RUNNING, PAUSED)}, STOPPED)
        if state.phase in (CREATED, PAUSED):
            moves[codes.HCS_E_INVALID_STATE] = {state}
        return moves | {OK: {state}} if state.phase in ENDING else moves

    def told(self, properties: Mapping[str, Any]) -> None:
        """Judge the properties that a handle tells."""
        expect(properties.get("Id"), {self.id}, f"Id of {self!r}")
        expect(
            properties.get("SystemType"), {"VirtualMachine" if self.is_machine else "Container"}, f"type of {self!r}"
        )
        state, exit = properties.get("State"), properties.get("ExitType")

        def holds(possible: State) -> bool:
            if possible.phase in ENDING:
                return True
            if possible.phase == STOPPED:
                return state == STOPPED and exit == possible.exit
            if exit is not None:
                return False
            if self.is_machine and possible.phase == CREATED:
                return ("absent" if state is None else state) in self.world.choices("state_before_start")
            return state == possible.phase

        self.learn(holds)

    def closed(self) -> None:
        """Close a handle, maybe the last."""
        self.handles -= 1
        if self.handles == 0 and not self.is_lost and not self.is_abandoned:
            if self.world.busy:
                # A call that goes on may keep the handle, or another one, a little longer.
                self.late.add(("last_close",))
            else:
                self._last_closed()

    def _last_closed(self) -> None:
        if self.ends_with_handles:
            self._become({after for state in self.possible() for after in self._last_close(state)[OK]})

    def _last_close(self, state: State) -> Moves:
        return {OK: {state if state.phase in OVER or not self.ends_with_handles else state.named(TERMINATING, FORCED)}}

    def exited(self, document: Mapping[str, Any], *, complete: bool) -> None:
        """Judge what a wait for the exit tells; a handle from before the end has everything."""
        exit = document.get("ExitType")
        if complete or exit is not None:
            self.learn(lambda state: state.phase in OVER and state.exit == exit)
        else:
            self.learn(lambda state: state.phase in OVER)
        if complete:
            forced = self.world.choices("forced_exit_status")
            status = document["Status"] & 0xFFFFFFFF
            expect(status, forced if exit == FORCED else {0}, f"Status of {document}")
        self._become({state.named(STOPPED) for state in self.states})

    def stopped(self, rung: str, grace: float) -> None:
        """Judge what stop() says has stopped the system."""
        after: set[State] = set()
        allowed: set[str] = set()
        for state in self.possible():
            answers: dict[str, State] = {}
            if state.phase in (TERMINATING, STOPPED):
                answers["already-stopped"] = state.named(STOPPED)
            elif state.phase == SHUTTING_DOWN:
                answers["already-stopped"] = state.named(STOPPED)
                answers["terminate"] = state.named(STOPPED, FORCED)
            else:
                asks = grace > 0 and state.phase == RUNNING and self._can_shut_down(None)
                if asks:
                    answers["shutdown"] = state.named(STOPPED, GRACEFUL)
                if not asks or grace < ENOUGH or any(process.resists for process in self.processes):
                    answers["terminate"] = state.named(STOPPED, FORCED)
                if state.crashed:
                    answers["already-stopped"] = State(STOPPED, UNEXPECTED)
            allowed.update(answers)
            if rung in answers:
                after.add(answers[rung])
        expect(rung, allowed, f"stop({grace}) of {self!r}")
        if grace > 0 and self.may_be(RUNNING):
            # Before the terminate, the shutdown may have ended some.
            for process in self.processes:
                if not process.resists:
                    process.ends_with(self.world.asked, certain=False)
        self._become(after)

    def stopped_in_trouble(self) -> None:
        """Know that stop() has done all of it, a part, or nothing."""
        states = self.possible()
        ends = {State(STOPPED, exit, state.crashed) for state in states for exit in (GRACEFUL, FORCED)}
        self.late |= {("shutdown",), ("native_terminate",)}
        self.world.busy = True
        self._become(states | ends)

    # --- calls whose result is collected later --------------------------------------------------------------------

    def kicked_off(self, verb: str, code: Code, trouble: Trouble = NO_TROUBLE) -> set[Code]:
        """Judge the kick-off of a shutdown or terminate; return what its result may be."""
        states = self.possible()
        if self.is_lost:
            allowed = self._when_lost(verb, trouble)
            expect(code, allowed | {OK}, f"kick-off of {verb} of {self!r}")
            return allowed
        moves: Moves = {}
        for state in states:
            for answer, after in self._answers(verb, state, (), trouble).items():
                add(moves, answer, after)
        # It begins, and ends later; what it fails with comes at once, or in its result.
        expect(code, {OK, *moves}, f"kick-off of {verb} of {self!r} in {trouble}")
        if code != OK:
            self._become(moves[code])
            return set()
        phase = SHUTTING_DOWN if verb == "shutdown" else TERMINATING
        after = {state for answers in moves.values() for state in answers}
        self._become(
            {state.named(phase) if state.phase == STOPPED and state not in states else state for state in after}
        )
        allowed = set(moves)
        if verb == "shutdown" and OK in moves:
            allowed |= self.world.choices("overtaken_shutdown")
        return allowed

    def collected(self, verb: str, code: Code) -> None:
        """Know that a call has completed that was kicked off."""
        if code == OK and not self.is_lost:
            self.learn(lambda state: state.phase in OVER)
            self._become({state.named(STOPPED) for state in self.states})


class Process:
    """A process of the model."""

    def __init__(
        self, system: System, *, pid: int, ends_with: int | None = None, resists: bool = False, reads: bool = False
    ) -> None:
        """Know the code that the program ends with by itself, if it resists a shutdown, and if it reads its stdin."""
        self.system = system
        self.world = system.world
        self.pid = pid
        self.resists = resists
        self.reads = reads
        self.states = {ALIVE} if ends_with is None else {ProcessState(DYING, ends_with)}
        self.late: set[tuple[Any, ...]] = set()
        """Calls that may still do what they were to do, with their arguments."""
        system.processes.append(self)

    def __repr__(self) -> str:
        return f"<process {self.pid} {sorted(self.states, key=repr)} in {self.system!r}>"

    def possible(self) -> set[ProcessState]:
        """Return the states that it may be in by now, after what happens by itself and to its system."""
        around = self.system.possible()
        certain = all(state.phase in OVER for state in around)
        for exit in {state.exit for state in around if state.phase in OVER}:
            if exit == GRACEFUL and not self.resists:
                self.ends_with(self.world.asked, certain=certain)
            elif exit == GRACEFUL:
                if any(state.phase == STOPPED for state in around):
                    self.ends_with(self.world.killed, certain=all(state.phase == STOPPED for state in around))
            else:
                self.ends_with(self.world.killed, certain=certain)
        for verb, *arguments in self.late:
            for state in list(self.states):
                self.states |= getattr(self, f"_{verb}")(state, *arguments).get(OK, set())
        self._go_on()
        return self.states

    def _go_on(self) -> None:
        self.states |= {ProcessState(GONE, state.code) for state in self.states if state.phase == DYING}

    def may_have_gone(self) -> None:
        """Know that it may never have been, or was killed, or runs."""
        self.states |= {ProcessState(GONE, self.world.killed)}

    def is_certainly(self, *phases: str) -> bool:
        return all(state.phase in phases for state in self.possible())

    def ends_with(self, code: int, *, certain: bool = True) -> None:
        """Let something end the process, unless it has ended by itself before."""
        self._go_on()
        ended = {state if state.phase == GONE else ProcessState(DYING, code) for state in self.states}
        before = {state for state in self.states if state.phase == DYING or not certain}
        self.states = ended | before

    def learn(self, holds: Callable[[ProcessState], bool]) -> None:
        left = {state for state in self.possible() if holds(state)}
        if not left:
            raise Surprise(f"what was seen is impossible for {self!r}")
        self.states = left

    def told(self, code: int | None) -> None:
        """Judge the exit code that was told, or None."""
        if code is None:
            self.learn(lambda state: state.phase != GONE)
        else:
            self.learn(lambda state: state.phase == GONE and state.code == code)

    def opened(self) -> set[Code]:
        """Return what an attempt to open it may say where its system runs."""
        allowed: set[Code] = set()
        for state in self.possible():
            allowed.add(codes.ERROR_NOT_FOUND if state.phase == GONE else OK)
        return allowed

    def call(self, verb: str, code: Code, *arguments: Any, trouble: Trouble = NO_TROUBLE) -> None:
        """Judge a call on a handle that is open, and go where it leads."""
        moves: ProcessMoves = {}
        for state in self.possible():
            for answer, after in self._answers(verb, state, arguments, trouble).items():
                add(moves, answer, after)
        if self.system.is_lost:
            self._when_lost(verb, moves)
        expect(code, moves, f"{verb}{arguments} of {self!r} in {trouble}")
        self.states = moves[code]
        if code == codes.HCS_E_OPERATION_TIMEOUT and trouble.times_out:
            self.system.world.busy = True
            self.late.add((verb, *arguments))

    def _answers(self, verb: str, state: ProcessState, arguments: Iterable[Any], trouble: Trouble) -> ProcessMoves:
        made = troubled(getattr(self, f"_{verb}")(state, *arguments), state, trouble)
        if verb in ("kill", "signal"):
            if self.world.hasty and state.phase != ALIVE.phase:
                for code in self.world.choices("call_on_exited_process") - {codes.HCS_E_PROCESS_ALREADY_STOPPED}:
                    add(made, code, {state})
            for code in trouble.codes():
                gone = {after for after in made[code] if after.phase != ALIVE.phase}
                add(made, OK, made[code] if code in GONE_CODES | {codes.HCS_E_PROCESS_ALREADY_STOPPED} else gone)
        return {code: states for code, states in made.items() if states}

    def _when_lost(self, verb: str, moves: ProcessMoves) -> None:
        for code in self.world.lost_codes():
            add(moves, codes.ERROR_NOT_FOUND if code == codes.HCS_E_SYSTEM_NOT_FOUND else code, self.states)
        if verb not in ("kill", "signal"):
            moves.pop(OK, None)

    def _end(self, state: ProcessState, code: int) -> set[ProcessState]:
        """Return what it is in once something ends it, unless it has ended by itself before."""
        return {state} if state.phase == GONE else {state, ProcessState(DYING, code)} - {ALIVE}

    def _kill(self, state: ProcessState) -> ProcessMoves:
        return self._while_paused(state, {OK: self._end(state, self.world.aborted)})

    def _signal(self, state: ProcessState) -> ProcessMoves:
        return self._while_paused(state, {OK: self._end(state, self.world.interrupted)})

    def _while_paused(self, state: ProcessState, moves: ProcessMoves) -> ProcessMoves:
        if self.system.may_be(PAUSED):
            add(moves, codes.HCS_E_INVALID_STATE, {state})
        return moves

    def _close_stdin(self, state: ProcessState) -> ProcessMoves:
        moves: ProcessMoves = {}
        if state.phase != ALIVE.phase:
            for code in self.world.choices("call_on_exited_process"):
                add(moves, code, {state})
        if state.phase != GONE:
            add(moves, OK, self._end(state, 0) if self.reads else {state})
        return moves

    def _properties(self, state: ProcessState) -> ProcessMoves:
        return {OK: {state}}


def expect(seen: Any, allowed: Iterable[Any], what: str) -> None:
    """Raise Surprise unless what was seen is allowed."""
    allowed = set(allowed)
    if seen not in allowed:
        shown = ", ".join(sorted(map(spelt, allowed)))
        raise Surprise(f"{what}: {spelt(seen)}, allowed: {shown}")


def spelt(code: object) -> str:
    if not isinstance(code, int) or code == 0:
        return str(code)
    names = [name for name, value in vars(codes).items() if value == code]
    return names[0] if names else f"{code:#010x}"
