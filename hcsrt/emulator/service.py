"""The service of the emulator: one thread that takes requests from one queue and answers them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .._hresults import E_UNEXPECTED
from . import _native
from .failures import Failure, not_emulated
from .outbox import Answer, Outbox, Variation
from .settings import Host
from .systems import Systems

# Their callers wait inside the call. An opened handle has to be bound before it can be the last one that closes.
_OPENING = ("HcsOpenComputeSystem", "HcsOpenComputeSystemInNamespace", "HcsOpenProcess")


class Service:
    """A compute service with nothing in it yet, running on a thread of its own from `start` until `stop`."""

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._outbox = Outbox(Variation(seed))
        self._systems = Systems(self._outbox)
        self._host = Host()
        self._thread = threading.Thread(target=self._run, name="hcsrt-emulator", daemon=True)

    def start(self) -> None:
        """Let requests in and begin to answer them."""
        _native.configure(self._seed)
        _native.start()
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Go down as a service that crashed; return whether the thread ended within `timeout` seconds."""
        _native.stop()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                request = _native.take(self._outbox.pause())
            except _native.Stopped:
                return
            while action := self._outbox.next_due():
                self._guard(action)
            if request is not None:
                self._serve(request)

    def _serve(self, request: _native.Request) -> None:
        outcome = self._guard(lambda: self._outcome(request))
        if outcome is not None and request.ticket:
            self._outbox.answer(request.ticket, outcome, at_once=self._is_synchronous(request.function))

    def _is_synchronous(self, function: str) -> bool:
        return function in _OPENING or function in self._host.verbs

    def _outcome(self, request: _native.Request) -> Answer | Failure | None:
        verb = self._systems.verbs.get(request.function) or self._host.verbs.get(request.function)
        try:
            if verb is None:
                raise not_emulated(request.function)
            return verb(request)
        except Failure as failure:
            return failure

    def _guard(self, action: Callable[[], Answer | Failure | None]) -> Answer | Failure | None:
        """Return what `action` returns; a bug in it is recorded, told to the caller, and leaves the service alive."""
        try:
            return action()
        except Exception:
            import traceback

            report = traceback.format_exc()
            _native.record_misuse(f"the emulator's service failed: {report}")
            return Failure(E_UNEXPECTED, report)
