"""The service of the emulator: one thread that takes requests from one queue and answers them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .._arguments import check_threads
from .._hresults import E_OUTOFMEMORY, E_UNEXPECTED
from . import _native, imports
from .contents import Contents
from .failures import Failure, not_emulated
from .model import Model
from .outbox import Answer, Outbox
from .processes import Processes
from .settings import Settings
from .stopping import Stopping
from .systems import Systems
from .variation import Variation
from .verbs import Verb, table_of


class Service:
    """A compute service with nothing in it yet, running on a thread of its own from `start` until `stop`."""

    def __init__(self, variation: Variation) -> None:
        imports.get_ready()
        # Of the process that it serves; a forked child has another one.
        self.epoch: int = _native.epoch()
        self._number = 0
        self._outbox = Outbox(variation)
        self.model: Model = Model(variation)
        stopping = Stopping(self.model, self._outbox)
        settings = Settings(variation)
        self.contents: Contents = Contents(self.model, settings, variation)
        parts = (
            Systems(self.model, stopping, self._outbox),
            Processes(self.model, stopping, self._outbox),
            settings,
            self.contents,
        )
        self.verbs: dict[str, Verb]
        self.verbs, self._at_once = table_of(*parts)
        self._thread = threading.Thread(target=self._run, name="hcsrt-emulator", daemon=True)

    def start(self) -> None:
        """Let requests in and begin to answer them. Raises RuntimeError if there are no threads to do so."""
        check_threads()
        self._number = _native.start()
        try:
            self._thread.start()
        except BaseException:
            # After a Ctrl-C the thread may be there all the same. Then it ends, now or before it serves anybody.
            self.epoch = 0
            if self._thread.is_alive():
                self.stop()
            raise

    @property
    def gone(self) -> bool:
        """Whether it went down, as by a fault that has no thread of Python."""
        return not _native.serves(self._number)

    def stop(self, timeout: float = 5.0, *, for_good: bool = True) -> bool:
        """Go down as a service that crashed; return whether the thread ended within `timeout` seconds.

        for_good: whether the world ends with it.
        """
        _native.stop(for_good)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while _native.epoch() == self.epoch:
            try:
                request = _native.take(self._number, self._outbox.pause(), self._outbox.held())
            except _native.Stopped:
                return
            while action := self._outbox.next_due():
                self._guard(action)
            if request is not None:
                self._serve(request)

    def _serve(self, request: _native.Request) -> None:
        outcome = self._guard(lambda: self._outcome(request))
        if outcome is not None and request.ticket:
            self._outbox.answer(request.ticket, outcome, at_once=request.function in self._at_once)

    def _outcome(self, request: _native.Request) -> Answer | Failure | None:
        verb = self.verbs.get(request.function)
        try:
            if verb is None:
                raise not_emulated(request.function)
            return verb(request)
        except Failure as failure:
            return failure
        except MemoryError:
            return Failure(E_OUTOFMEMORY, "Not enough memory.")

    def _guard(self, action: Callable[[], Answer | Failure | None]) -> Answer | Failure | None:
        """Return what `action` returns. A bug in it is recorded and told to the caller; the service goes on."""
        try:
            return action()
        except BaseException as error:
            report = _report(error)
            _native.record_misuse(f"the emulator's service failed: {report}")
            return Failure(E_UNEXPECTED, report)


def _report(error: BaseException) -> str:
    """Return an error with its traceback, without the modules that Python has for that: they import others later on."""
    lines = ["Traceback (most recent call last):"]
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}')
        trace = trace.tb_next
    try:
        said = str(error)
    except Exception:
        said = "<no text>"
    return "\n".join([*lines, f"{type(error).__name__}: {said}"])
