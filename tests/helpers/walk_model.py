"""A model of what is documented of compute systems and processes, by which random walks judge every answer.

It is written from the documentation alone, and knows nothing of the emulator. Where that leaves open what comes of a
call, a thing of the model is in several states at once; each answer leaves those in which it may come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

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
    "state_before_start": {"Created": "Created", "absent": "absent"},
    "owner_in_answers": {"given": "given", "absent": "absent"},
    "container_as_machine": {
        "ERROR_NOT_SUPPORTED": codes.ERROR_NOT_SUPPORTED,
        "HCS_E_INVALID_STATE": codes.HCS_E_INVALID_STATE,
    },
    "crashed_guest": {"exits": "exits", "runs_on": "runs_on"},
    "unknown_resource": {"E_INVALIDARG": codes.E_INVALIDARG, "ERROR_NOT_FOUND": codes.ERROR_NOT_FOUND},
    "call_on_exited_process": {
        "HCS_E_PROCESS_ALREADY_STOPPED": codes.HCS_E_PROCESS_ALREADY_STOPPED,
        "E_ACCESSDENIED": codes.E_ACCESSDENIED,
    },
}
"""The rows of docs/explanation/emulator.md of which a walk can tell, each with the plain choice first."""

Moves = dict[Code, set[State]]
ProcessMoves = dict[Code, set[ProcessState]]


class Surprise(AssertionError):
    """HCS has answered what the documentation does not allow."""


def stay(state: State, allowed: Iterable[Code]) -> Moves:
    """Return the moves of calls that change nothing."""
    return {code: {state} for code in allowed}


class World:
    """What the documentation leaves open, and what a host has."""

    def __init__(
        self, *, plain: bool, assumed: Mapping[str, str] | None = None, killed: int, interrupted: int, asked: int
    ) -> None:
        """Know what is assumed, and the codes of a process that was killed, that Ctrl-C and a shutdown have ended."""
        self.plain = plain
        self.assumed = assumed or {}
        self.met: set[tuple[str, str, Code]] = set()
        self.killed = killed
        self.interrupted = interrupted
        self.asked = asked
        self.systems: list[System] = []

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

    def create(self, system: System, code: Code, *, refused: bool = False) -> None:
        """Judge the creation of a system by a document that HCS refuses, or accepts."""
        holders = self.holders(system.id, system.namespace)
        allowed: set[Code] = set()
        if holders:
            allowed.add(codes.HCS_E_SYSTEM_ALREADY_EXISTS)
        if refused:
            allowed.add(codes.HCS_E_INVALID_JSON)
        elif all(holder.may_be(STOPPED) for holder in holders):
            allowed.add(OK)
        expect(code, allowed, f"create of {system.id!r} with {holders}")
        if code == OK:
            for holder in holders:
                holder.learn(lambda state: state.phase == STOPPED)
            self.systems.append(system)

    def open(self, id: str, namespace: str | None, code: Code) -> None:
        """Judge an attempt to open a system."""
        holders = self.holders(id, namespace)
        allowed: set[Code] = {OK} if holders else set()
        if all(holder.may_be(STOPPED) for holder in holders):
            allowed.add(codes.HCS_E_SYSTEM_NOT_FOUND)
        expect(code, allowed, f"open of {id!r} with {holders}")
        for holder in holders:
            holder.learn(lambda state: (state.phase != STOPPED) == (code == OK))

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
        self.asked_at: float | None = None

    def __repr__(self) -> str:
        return f"<{self.id!r} {sorted(self.states, key=repr)}>"

    # --- what it may be in ---------------------------------------------------------------------------------------

    def possible(self) -> set[State]:
        """Return the states that it may be in by now, after what happens by itself."""
        for state in list(self.states):
            if state.phase == TERMINATING or (state.phase == SHUTTING_DOWN and not self._resists()):
                self.states.add(state.named(STOPPED))
            if state.crashed and state.phase not in OVER:
                self.states.add(State(STOPPED, UNEXPECTED))
        return self.states

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
        self._become(left)

    def _become(self, states: set[State]) -> None:
        self.states = states
        for process in self.processes:
            process.possible()

    # --- calls ----------------------------------------------------------------------------------------------------

    def call(self, verb: str, code: Code, *arguments: Any) -> None:
        """Judge a call on a handle that is open, and go where it leads."""
        moves: Callable[..., Moves] = getattr(self, f"_{verb}")
        after: set[State] = set()
        allowed: set[Code] = set()
        phases = {state.phase for state in self.possible()}
        if len(phases) == 1:
            self.world.met.add((verb, *phases, code))
        for state in self.possible():
            for answer, states in moves(state, *arguments).items():
                allowed.add(answer)
                if answer == code:
                    after |= states
            if state.crashed and state.phase not in OVER:
                # It may be just going away.
                allowed |= self._going()
                if code in self._going():
                    after.add(state)
        expect(code, allowed, f"{verb}{arguments} of {self!r}")
        self._become(after)

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
        others = set(moves) - {OK} if state.phase != RUNNING else set()
        return stay(state, refused | others)

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
        if self.handles == 0 and self.ends_with_handles:
            states = {state if state.phase in OVER else state.named(TERMINATING, FORCED) for state in self.possible()}
            self._become(states)

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
        self._go_on()
        return self.states

    def _go_on(self) -> None:
        self.states |= {ProcessState(GONE, state.code) for state in self.states if state.phase == DYING}

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

    def modified(self, code: Code, ends_with: int | None) -> None:
        """Judge the close of its stdin, at whose end it may exit."""
        allowed: set[Code] = set()
        for state in self.possible():
            if state.phase != ALIVE:
                allowed |= self.world.choices("call_on_exited_process")
            if state.phase != GONE:
                allowed.add(OK)
        expect(code, allowed, f"modify of {self!r}")
        self.learn(lambda state: state.phase != GONE if code == OK else state.phase != ALIVE)
        if code == OK and ends_with is not None:
            self.ends_with(ends_with)


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
