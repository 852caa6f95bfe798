"""The half of a compute system that only the blocking face has: how it is made, closed, and left with a block."""

# What a class here keeps private, the others use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from .. import _calls
from .._calls import Limit
from .._facade.owner import debug
from .._facade.requests import advised
from .._facade.system import SystemCore
from .._facade.times import CLEANUP_TIMEOUT, SHORT_CLEANUP, Deadline, cleanup_time
from .._functions import in_namespace
from .._handles import OwnedSystem
from .._late import types, typing
from ..errors import HandleClosedError, HcsError
from . import CALLS, BlockingOwner, aside, close_aside, finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import partial

    from .process import BlockingProcess
else:
    # The module around it is slow to import.
    from _functools import partial


class BlockingSystem(BlockingOwner[OwnedSystem], SystemCore):
    """A compute system: made by create() or open(), closed by close() or the end of the `with` block.

    Closing releases the handle and does not stop the system; HCS terminates it with its last handle if its document
    says ShouldTerminateOnLastHandleClosed. Any method may be called from any thread. Once the object is closed, its
    methods raise HandleClosedError, but for those that end what is known to have ended.

    A timeout and Ctrl-C end every wait for HCS, even where it keeps the thread that calls it: on the main thread, and
    where there is a timeout, the call is made on another thread. It goes on there, hcsrt.pending() counts it, and what
    it makes is ended as with on_abandon. Only a thread that acts as somebody else, on Windows, makes its calls itself,
    with its own token: there the wait begins when HCS has taken the call.
    """

    def __repr__(self) -> str:
        return f"<hcsrt.ComputeSystem {self._id!r}{' closed' if self.closed else ''}>"

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._close_within(SHORT_CLEANUP if exception_type is KeyboardInterrupt else None)

    @classmethod
    async def _create(
        cls, id: str, document: str, namespace: str | None, deadline: Deadline, keep: bool
    ) -> typing.Self:
        made: list[OwnedSystem] = []
        objects: list[typing.Self] = []

        def end(handle: OwnedSystem) -> None:
            _end(handle, id, keep)

        try:
            # A list has what was made even if a KeyboardInterrupt comes right after the call, before any assignment.
            limit = Limit(deadline.remaining())
            function = in_namespace("HcsCreateComputeSystem", namespace)
            create = partial(_calls.create_system, keep=keep)
            with advised("ComputeSystem", document):
                aside(function, limit, create, id, document, namespace, limit, results=made, discard=end)
            objects.extend(map(cls, made, [id], [namespace]))
            await objects[0]._set_up(deadline)
            return objects[0]
        except BaseException as error:
            for handle in made:
                _end(handle, id, keep, cleanup_time(error))
            raise

    @classmethod
    async def _open(cls, id: str, namespace: str | None, deadline: Deadline) -> typing.Self:
        handle = await CALLS.open_system(id, namespace, deadline.remaining())
        objects: list[typing.Self] = []
        try:
            objects.extend(map(cls, [handle], [id], [namespace]))  # as in _create()
            await objects[0]._set_up(deadline)
            return objects[0]
        except BaseException as error:
            close_aside(handle, cleanup_time(error))
            raise

    async def _close(self) -> None:
        self._close_within(None)

    def _close_within(self, timeout: float | None) -> None:
        try:
            self._keep_exit()
        except HandleClosedError:
            return
        close_aside(self._handle, timeout)

    @staticmethod
    def _check_pipes(*streams: int | None) -> None:
        """Do nothing: the pipes of the blocking face belong to no loop."""


class Ending:
    """The end of a system of one's own, and of the process in it, that a block leads to whatever happens in it."""

    process: BlockingProcess[typing.Any] | None = None

    def __init__(self, system: BlockingSystem, timeout: float | None) -> None:
        """Without a timeout, which is that of the block, its closes are waited for as long as they take."""
        self._system = system
        self._patience = None if timeout is None else CLEANUP_TIMEOUT

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        patience = SHORT_CLEANUP if exception_type is KeyboardInterrupt else self._patience
        try:
            if exception is not None:
                _end(self._system.handle, self._system.id, False, cleanup_time(exception))
        finally:
            try:
                if self.process is not None:
                    self.process._close_all(at_once=exception is not None, timeout=patience)
            finally:
                self._system._close_within(patience)


def _end(handle: OwnedSystem, id: str, keep: bool, timeout: float = CLEANUP_TIMEOUT) -> None:
    """End a system that was created and that nobody will own."""
    try:
        if not keep:
            finish(CALLS.call(handle, "HcsTerminateComputeSystem", None, timeout))
    except (HcsError, HandleClosedError) as error:
        debug("hcsrt.system", "terminating %r, which could not be set up, failed: %s", id, error)
    finally:
        close_aside(handle, timeout)
