"""The calls of HCS as the cores make them, for type checkers: each face makes them in its own way.

Times are in seconds, None is for ever. What is returned is awaited once; in hcsrt.aio, a plain call is the future of
the engine itself.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from .._handles import Handle, OwnedProcess, OwnedSystem
from .._streams import ProcessStart
from .times import Deadline


class Calls(Protocol):
    """The calls of a face. Urgent ones, needed to end something, do not wait behind others that hang in HCS."""

    def call(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        *,
        resources: tuple[tuple[int, str, int], ...] = (),
        identity: int | None = None,
        urgent: bool = False,
    ) -> Awaitable[str | None]:
        """Call an HCS function that takes a handle, an operation and a text; return its document."""
        ...

    def ask(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        kind: type[Any],
        *,
        urgent: bool = False,
    ) -> Awaitable[Any]:
        """Call it as call() does, and return its document as an object of this kind: a dict or a list.

        It is empty if HCS gives no document. Raises HcsError for a document that is no such thing.
        """
        ...

    def service(self, function: str, *texts: str | None, timeout: float | None) -> Awaitable[str | None]:
        """Call an HCS function of the service, which takes texts and no handle; return its document."""
        ...

    def enumerate_systems(
        self, query: str | None, namespace: str | None, timeout: float | None
    ) -> Awaitable[str | None]: ...

    def open_system(
        self, id: str, namespace: str | None, timeout: float | None, *, urgent: bool = False
    ) -> Awaitable[OwnedSystem]: ...

    def open_process(
        self, system: OwnedSystem, pid: int, timeout: float | None, *, urgent: bool = False
    ) -> Awaitable[OwnedProcess]: ...

    def process_info(self, process: OwnedProcess, timeout: float | None) -> Awaitable[ProcessStart]: ...

    def watch(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> Awaitable[None]:
        """Register the event callback of a handle."""
        ...

    def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> Awaitable[bool]:
        """Wait until the exit is latched; return whether it is."""
        ...

    def close(self, handle: OwnedSystem | OwnedProcess, deadline: Deadline) -> Awaitable[None]:
        """Close a handle and wait for that until the deadline."""
        ...

    def discard(self, *handles: Handle | None) -> None:
        """Close the handles of streams without waiting for HCS."""
        ...
