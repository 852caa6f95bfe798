"""The half of a compute system that only hcsrt.aio has: how it is made, closed, and left with a block."""

# What a class here keeps private, the others use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from types import TracebackType

from .. import _engine
from .._facade.commands import PIPE
from .._facade.requests import advised
from .._facade.system import SystemCore
from .._functions import in_namespace
from .._handles import OwnedSystem
from .._late import typing
from ..errors import HandleClosedError
from ._calls import (
    CALLS,
    PARTING_TIMEOUT,
    AwaitedOwner,
    abandon,
    cannot_wait,
    close_handle,
    discard,
    is_told_to_stop,
    made,
    started,
    terminate_and_discard,
    wait_before_parting,
    wait_closed,
)
from ._pipes import check_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

    from .._facade.times import Deadline
    from ._process import AwaitedProcess


class AwaitedSystem(AwaitedOwner[OwnedSystem], SystemCore):
    """A compute system whose methods are awaited."""

    def __repr__(self) -> str:
        return f"<hcsrt.aio.ComputeSystem {self._id!r}{' closed' if self.closed else ''}>"

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the handle, and wait until it is closed unless a cancellation or Ctrl-C leads here."""
        closing = self._start_closing()
        if is_told_to_stop(exception_type):
            abandon(closing)
        await wait_closed(closing)

    @classmethod
    async def _create(
        cls, id: str, document: str, namespace: str | None, deadline: Deadline, keep: bool
    ) -> typing.Self:
        function = in_namespace("HcsCreateComputeSystem", namespace)
        creating = started(function, _engine.create_system, id, document, namespace, deadline.remaining(), keep=keep)
        with advised("ComputeSystem", document):
            handle = await made(creating, discard if keep else _terminate)
        try:
            system = cls(handle, id, namespace)
            await system._set_up(deadline)
            return system
        except BaseException as error:
            if keep:
                discard(handle)
            else:
                await wait_before_parting(_terminate(handle), error)
            raise

    @classmethod
    async def _open(cls, id: str, namespace: str | None, deadline: Deadline) -> typing.Self:
        handle = await CALLS.open_system(id, namespace, deadline.remaining())
        try:
            system = cls(handle, id, namespace)
            await system._set_up(deadline)
            return system
        except BaseException:
            discard(handle)
            raise

    async def _close(self) -> None:
        await wait_closed(self._start_closing())

    def _start_closing(self) -> list[asyncio.Future[None]]:
        """Close the handle; the future is done when it is closed. There is none where nobody can wait for it."""
        try:
            self._keep_exit()
        except HandleClosedError:
            return []
        if cannot_wait():
            discard(self._handle)
            return []
        return [close_handle(self._handle)]

    @staticmethod
    def _check_pipes(*streams: int | None) -> None:
        """Raise NotImplementedError if the loop has no pipes and one of the streams is to be one."""
        if PIPE in streams:
            check_loop()


class Ending:
    """The end of a system of one's own, and of the process in it, that a block leads to whatever happens in it."""

    def __init__(self, system: AwaitedSystem, timeout: float | None) -> None:
        """Without a timeout, which is that of the block, its closes are waited for as long as they take."""
        # Nobody else has the two: if the loop is closed now, they may be collected before the block ends.
        system._is_given = False
        self._system = system
        self._patience = None if timeout is None else PARTING_TIMEOUT
        self._process: AwaitedProcess[typing.Any] | None = None

    @property
    def process(self) -> AwaitedProcess[typing.Any] | None:
        return self._process

    @process.setter
    def process(self, process: AwaitedProcess[typing.Any]) -> None:
        process._is_given = False
        self._process = process

    async def __aenter__(self) -> typing.Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        closing = [] if self._process is None else self._process._start_closing()
        if exception is None:
            closing += self._system._start_closing()
            await wait_closed(closing, self._patience)
            return
        try:
            await wait_before_parting(_terminate(self._system.handle), exception)
            if not isinstance(exception, GeneratorExit):
                await wait_closed(closing, 0.0 if is_told_to_stop(exception_type) else PARTING_TIMEOUT)
        finally:
            abandon(closing)


def _terminate(handle: OwnedSystem) -> asyncio.Future[str | None] | None:
    """End a system that nobody will own."""
    return terminate_and_discard(handle, "HcsTerminateComputeSystem")
