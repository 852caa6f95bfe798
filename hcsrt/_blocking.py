"""The synchronous face: calls of HCS that block, and what its compute systems and processes have in common."""

from __future__ import annotations

from . import _calls
from ._facade import EVENTS_MAXSIZE, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from ._facade import Calls, Owner
    from ._handles import OwnedProcess, OwnedSystem
    from .events import Events

    Mixin = Owner[Any]
else:
    Mixin = object


class BlockingCalls:
    """The functions of _calls as coroutines that never suspend."""

    def close(self, handle: OwnedSystem | OwnedProcess) -> None:
        handle.close()

    async def watch_system(self, handle: OwnedSystem) -> None:
        _calls.watch_system(handle)

    async def watch_process(self, handle: OwnedProcess) -> None:
        _calls.watch_process(handle)

    async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool:
        return _calls.wait_exit(handle, timeout)

    async def open_system(self, id: str, namespace: str | None, timeout: float | None) -> OwnedSystem:
        # HCS tracks no operation here that could be waited for only so long.
        return _calls.open_system(id, namespace)

    async def system_properties(self, handle: OwnedSystem, query: str | None, timeout: float | None) -> str | None:
        return _calls.system_properties(handle, query, timeout)

    async def shutdown_system(self, handle: OwnedSystem, options: str | None, timeout: float | None) -> None:
        _calls.shutdown_system(handle, options, timeout)

    async def terminate_system(self, handle: OwnedSystem, timeout: float | None) -> None:
        _calls.terminate_system(handle, None, timeout)

    async def open_process(self, system: OwnedSystem, pid: int) -> OwnedProcess:
        return _calls.open_process(system, pid)

    async def process_properties(self, handle: OwnedProcess, timeout: float | None) -> str | None:
        return _calls.process_properties(handle, None, timeout)

    async def signal_process(self, handle: OwnedProcess, options: str, timeout: float | None) -> None:
        _calls.signal_process(handle, options, timeout)

    async def modify_process(self, handle: OwnedProcess, request: str, timeout: float | None) -> None:
        _calls.modify_process(handle, request, timeout)

    async def terminate_process(self, handle: OwnedProcess, timeout: float | None) -> None:
        _calls.terminate_process(handle, None, timeout)


class Blocking(Mixin):
    """An owner whose methods block."""

    _calls: Calls = BlockingCalls()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def events(self, *, maxsize: int = EVENTS_MAXSIZE, timeout: float | None = None) -> Events:
        """The events that HCS tells from now on, for a `for` loop or get(); every reader gets each of them.

        maxsize: how many events may wait for this reader. What comes when so many wait is dropped, and counted by
        `lost` of the next event. The exit and ServiceDisconnect are never dropped; one of them is the last event, and
        comes at once if it has happened before. timeout: seconds, from now on, after which a loop over the events
        raises TimeoutError. Raises HandleClosedError.
        """
        from .events import Events

        return Events(self._handle, self._wait_for, maxsize, seconds(timeout))
