"""The end of compute systems: by a shutdown, by force, or because nobody holds them any more."""

from __future__ import annotations

import json
import time
from math import inf

from .._hresults import HCS_E_TERMINATED
from .failures import Failure, signed
from .model import FORCED, UNEXPECTED, Model, System
from .outbox import SYSTEM_EXITED, Answer, Outbox
from .signals import SIGHUP, SIGKILL, SIGTERM

# Seconds. Longer than clients wait for a shutdown, so that these decide to terminate.
SHUTDOWN_GRACE = 30.0
# Seconds for what programs left behind in their process groups, once the programs themselves are gone.
_LEFTOVER_GRACE = 0.5
# Seconds after which a program that SIGKILL does not end counts as gone.
_KILL_GRACE = 5.0
_STOP_POLL = 0.02


class Stopping:
    """The systems that are on their way down, and what is left to do for them."""

    def __init__(self, model: Model, outbox: Outbox) -> None:
        self._model = model
        self._outbox = outbox
        self._stopping: dict[int, System] = {}

    def begin(self, system: System, exit_type: str) -> None:
        """Make the processes of a system end, and the system with the last of them."""
        system.exit_type = exit_type
        for process in system.processes.values():
            if system.killed:
                process.signal(SIGKILL)
                continue
            process.signal(SIGTERM)
            if process.is_console:
                # An interactive shell ignores SIGTERM; that its terminal goes away is what ends it.
                process.signal(SIGHUP)
        system.deadline = time.monotonic() + (_KILL_GRACE if system.killed else SHUTDOWN_GRACE)
        self._stopping[system.key] = system
        self.advance(system)

    def _look_in(self, seconds: float, system: System) -> None:
        """Advance a system again in so many seconds, unless that is to happen sooner."""
        at = time.monotonic() + max(seconds, 0.0)
        if at >= system.look_at:
            return
        system.look_at = at
        # Not the system: it may have stopped long before.
        key = system.key

        def look() -> None:
            system = self._stopping.get(key)
            if system is not None and system.look_at == at:
                system.look_at = inf
                self.advance(system)

        self._outbox.after(seconds, look)

    def advance(self, system: System) -> None:
        """Take the next step of a stop: its end if the processes have ended, more force if they had their time."""
        if system.key not in self._stopping:
            return
        self._step(system)
        if system.key not in self._stopping:
            return
        # Its processes tell of their ends; of what these have left behind nobody tells.
        waits_for_leftovers = not system.killed and not system.running
        self._look_in(_STOP_POLL if waits_for_leftovers else system.deadline - time.monotonic(), system)

    def _step(self, system: System) -> None:
        ended = not system.running
        late = time.monotonic() >= system.deadline
        if system.killed:
            if ended or late:
                self._finish(system)
        elif not ended:
            if late:
                self.begin(system, FORCED)
        else:
            leftovers = [process for process in system.processes.values() if process.signal(0)]
            if leftovers and not late:
                system.deadline = min(system.deadline, time.monotonic() + _LEFTOVER_GRACE)
                return
            for process in leftovers:
                process.signal(SIGKILL)
            self._finish(system)

    def _finish(self, system: System) -> None:
        system.state = "Stopped"
        del self._stopping[system.key]
        self._model.end_system(system)
        for process in list(system.processes.values()):
            self._model.forget_if_unused(process)
        for guest in list(system.guests.values()):
            if not guest.killed:
                self.begin(guest, UNEXPECTED)
        status = 0
        if system.exit_type == FORCED:
            status = signed(self._outbox.variation.hresult("forced_exit_status"))
        attribution = {"Attribution": system.attribution} if system.attribution else {}
        exited = json.dumps({"Status": status, "ExitType": system.exit_type, **attribution})
        if self._outbox.variation.choose("exit_event") == "before_the_result":
            self._outbox.emit(system.key, SYSTEM_EXITED, exited)
            self._answer(system)
        else:
            self._answer(system)
            self._outbox.emit(system.key, SYSTEM_EXITED, exited)
        if not system.held:
            self._model.forget_system(system)

    def _answer(self, system: System) -> None:
        if system.shutdown_ticket:
            outcome: Answer | Failure = Answer()
            if system.terminate_ticket and self._outbox.variation.choose("overtaken_shutdown") != "succeeds":
                outcome = Failure(HCS_E_TERMINATED, "The compute system was terminated while it shut down.")
            self._outbox.answer(system.shutdown_ticket, outcome)
        if system.terminate_ticket:
            self._outbox.answer(system.terminate_ticket, Answer())
