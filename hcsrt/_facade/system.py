"""The half of a compute system that both faces share."""

from __future__ import annotations

from .. import _hresults as hresults
from .. import documents
from .._arguments import seconds
from .._handles import OwnedSystem
from ..errors import (
    AlreadyStoppedError,
    HandleClosedError,
    HcsError,
    OperationTimeoutError,
    ServiceDisconnectedError,
    SystemNotFoundError,
    error_from,
)
from .owner import ExitOwner, debug, exit_status, latch_exit
from .requests import (
    advised,
    exit_document,
    migration_resources,
    modify_request,
    options_text,
    query_text,
    save_options,
)
from .times import CHECK_TIMEOUT, EVENT_PATIENCE, Deadline, query_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable
    from typing import Any, TypeAlias

    from .aliases import Rung

    Options: TypeAlias = documents.Given[Any] | None

_PROPERTIES = "HcsGetComputeSystemProperties"


class SystemCore(ExitOwner[OwnedSystem]):
    """The half of a compute system that both faces share."""

    _made_of = (OwnedSystem,)
    _made_by = "create() makes a compute system, and open() opens one that exists"
    _instead = "send its id, and open() it there"

    def __init__(self, handle: OwnedSystem, id: str, namespace: str | None = None) -> None:
        super().__init__(handle)
        self._id = id
        self._namespace = namespace
        self._runtime_id: str | None = None
        self._guest_os: str | None = None
        self._exit: documents.SystemExitStatus | None = None

    @property
    def _name(self) -> str:
        return f"system {self._id!r}"

    @property
    def id(self) -> str:
        """The id that the system was created or opened with."""
        return self._id

    @property
    def namespace(self) -> str | None:
        """The namespace that the system was created or opened in; None for that of everybody."""
        return self._namespace

    async def _set_up(self, deadline: Deadline) -> None:
        await self._calls.watch(self._handle, deadline.remaining())
        await self._query_exit(deadline)
        self._is_given = True

    async def _start(self, options: Options, migration_socket: int | None, timeout: float | None) -> None:
        text = options_text(options)
        resources = migration_resources(migration_socket)
        with advised("StartOptions", text):
            await self._calls.call(self._handle, "HcsStartComputeSystem", text, seconds(timeout), resources=resources)

    async def _shutdown(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("ShutdownOptions", text):
            await self._calls.call(self._handle, "HcsShutDownComputeSystem", text, seconds(timeout))
        self._expect_exit()

    async def _terminate(self, timeout: float | None) -> None:
        deadline = Deadline(seconds(timeout))
        try:
            await self._calls.call(self._handle, "HcsTerminateComputeSystem", None, deadline.remaining())
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        except HandleClosedError:
            if self._exit is None:
                raise
        else:
            self._expect_exit()

    async def _crash(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("CrashOptions", text):
            await self._calls.call(self._handle, "HcsCrashComputeSystem", text, seconds(timeout))
        self._expect_exit()

    async def _pause(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("PauseOptions", text):
            await self._calls.call(self._handle, "HcsPauseComputeSystem", text, seconds(timeout))

    async def _resume(self, timeout: float | None) -> None:
        await self._calls.call(self._handle, "HcsResumeComputeSystem", None, seconds(timeout))

    async def _save(self, path: str | os.PathLike[str] | None, save_type: str, timeout: float | None) -> None:
        text = save_options(path, save_type)
        with advised("SaveOptions", text):
            await self._calls.call(self._handle, "HcsSaveComputeSystem", text, seconds(timeout))

    async def _modify(
        self,
        resource_path: str,
        request_type: str,
        settings: Any,
        guest_request: Any,
        identity: int | None,
        timeout: float | None,
    ) -> None:
        request = modify_request(resource_path, request_type, settings, guest_request)
        with advised("ModifySettingRequest", request):
            await self._calls.call(self._handle, "HcsModifyComputeSystem", request, seconds(timeout), identity=identity)

    async def _initialize_live_migration(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("MigrationInitializeOptions", text):
            await self._calls.call(self._handle, "HcsInitializeLiveMigrationOnSource", text, seconds(timeout))

    async def _start_live_migration(self, migration_socket: int, options: Options, timeout: float | None) -> None:
        function = "HcsStartLiveMigrationOnSource"
        text = options_text(options)
        resources = migration_resources(migration_socket)
        with advised("MigrationStartOptions", text):
            await self._calls.call(self._handle, function, text, seconds(timeout), resources=resources)

    async def _start_live_migration_transfer(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("MigrationTransferOptions", text):
            await self._calls.call(self._handle, "HcsStartLiveMigrationTransfer", text, seconds(timeout))

    async def _finalize_live_migration(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("MigrationFinalizedOptions", text):
            await self._calls.call(self._handle, "HcsFinalizeLiveMigration", text, seconds(timeout))

    async def _cancel_live_migration(self, options: Options, timeout: float | None) -> None:
        text = options_text(options)
        with advised("MigrationCancelOptions", text):
            await self._calls.call(self._handle, "HcsCancelLiveMigration", text, seconds(timeout))

    async def _stop(self, grace: float, timeout: float | None) -> Rung:
        grace_period = Deadline(seconds(grace, "grace"))
        limit = seconds(timeout)
        try:
            return await self._climb(grace_period, limit)
        except HandleClosedError:
            # Another thread or task may have seen the exit first, and closed this object.
            if self._exit is None:
                raise
            return "already-stopped"

    async def _climb(self, grace_period: Deadline, limit: float | None) -> Rung:
        stopped_by: Rung = "already-stopped"
        if self._has_exited():
            return stopped_by
        if not grace_period.passed():
            if await self._ask_to_shut_down(grace_period):
                stopped_by = "shutdown"
            if self._has_exited():
                return stopped_by
        debug("hcsrt.system", "terminating %r", self)
        deadline = Deadline(limit)
        try:
            await self._terminate_on_new_handle(deadline)
        except SystemNotFoundError:
            # Its exit event tells more than that it is gone.
            if not await self._calls.wait_exit(self._handle, deadline.within(EVENT_PATIENCE)):
                latch_exit(self._handle)
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        else:
            stopped_by = "terminate"
        self._expect_exit()
        if not await self._wait_exit(deadline):
            raise TimeoutError(f"compute system {self._id!r} was terminated, but has not exited within {limit} s")
        return stopped_by

    async def _ask_to_shut_down(self, grace_period: Deadline) -> bool:
        """Shut down and wait for the exit, if there is hope for one; return whether HCS has accepted this shutdown."""
        accepted = False
        try:
            try:
                await self._calls.call(self._handle, "HcsShutDownComputeSystem", None, grace_period.remaining())
                accepted = True
            except OperationTimeoutError:
                accepted = True
            except (AlreadyStoppedError, SystemNotFoundError):
                pass  # HCS says the same of a system that somebody else is stopping
            self._expect_exit()
            await self._wait_exit(grace_period)
        except HcsError as error:
            debug("hcsrt.system", "%r cannot be shut down: %s", self, error)
        return accepted

    async def _wait(self, timeout: float | None) -> documents.SystemExitStatus:
        limit = seconds(timeout)
        deadline = Deadline(limit)
        document = self._exit
        try:
            if document is None:
                if not await self._wait_exit(deadline):
                    raise TimeoutError(f"compute system {self._id!r} has not exited within {limit} s")
                self._exit = document = await self._learn_exit(deadline)
        except HandleClosedError:
            # Another thread or task may have seen the exit first, and closed this object.
            document = self._exit
            if document is None:
                raise
        return document.copy()

    def _properties(
        self, types: tuple[str, ...], query: documents.Given[Any] | None, timeout: float | None
    ) -> Awaitable[documents.Properties]:
        if types or query is not None:
            return self._properties_of(query_text(types, query), timeout)
        # No coroutine stands before the question that is asked most.
        return self._calls.ask(self._handle, _PROPERTIES, None, None if timeout is None else seconds(timeout), dict)

    async def _properties_of(self, query: str | None, timeout: float | None) -> documents.Properties:
        with advised("System_PropertyQuery", query):
            return await self._calls.ask(self._handle, _PROPERTIES, query, seconds(timeout), dict)

    async def _block(self, name: str, kind: type[Any], timeout: float | None) -> Any:
        """Ask for one block of the properties; raise an error if HCS leaves it out."""
        query = query_text((name,), None)
        properties: dict[str, Any] = await self._calls.ask(self._handle, _PROPERTIES, query, seconds(timeout), dict)
        value = properties.get(name)
        if isinstance(value, kind):
            return value
        responses: dict[str, dict[str, dict[str, Any]]] = properties.get("PropertyResponses", {})
        error = responses.get(name, {}).get("Error") or {"ErrorMessage": f"The answer of HCS has no {name}"}
        raise error_from(error.get("Error", hresults.ERROR_INVALID_DATA), _PROPERTIES, error)

    async def _reopen(self, deadline: Deadline) -> OwnedSystem:
        """Open a second handle to this very system. Its processes do so even after the close of this object."""
        if self._runtime_id is None:
            self._note(await self._ask(self._handle, deadline.within(CHECK_TIMEOUT), urgent=True))
        handle = await self._calls.open_system(self._id, self._namespace, deadline.remaining(), urgent=True)
        try:
            properties = await self._ask(handle, deadline.within(CHECK_TIMEOUT), urgent=True)
            if properties.get("RuntimeId") != self._runtime_id:
                reason = f"Another compute system has the id {self._id!r} now"
                raise error_from(hresults.HCS_E_SYSTEM_NOT_FOUND, "HcsOpenComputeSystem", {"ErrorMessage": reason})
        except BaseException:
            await self._calls.close(handle, deadline)
            raise
        return handle

    async def _terminate_on_new_handle(self, deadline: Deadline) -> None:
        """Terminate on another handle, whatever still hangs on ours."""
        handle = None
        if self._runtime_id is not None:
            try:
                # Half the time, or a question that hangs would leave none for the termination.
                handle = await self._reopen(Deadline(deadline.within(2 * CHECK_TIMEOUT) / 2))
            except (AlreadyStoppedError, SystemNotFoundError, ServiceDisconnectedError):
                raise
            except HcsError as error:
                debug("hcsrt.system", "opening %r once more failed: %s", self, error)
        try:
            # Only a handle that was checked may stand in for ours: another system may have the id now.
            checked = self._handle if handle is None else handle
            await self._calls.call(checked, "HcsTerminateComputeSystem", None, deadline.remaining())
        finally:
            if handle is not None:
                await self._calls.close(handle, deadline)

    async def _ask(self, handle: OwnedSystem, timeout: float | None, *, urgent: bool = False) -> documents.Properties:
        return await self._calls.ask(handle, _PROPERTIES, None, timeout, dict, urgent=urgent)

    def _note(self, properties: documents.Properties) -> None:
        """Keep the properties that do not change."""
        self._runtime_id = self._runtime_id or properties.get("RuntimeId")
        guest_os = properties.get("RuntimeOsType")
        if guest_os in ("Windows", "Linux"):
            self._guest_os = guest_os

    async def _has_linux_guest(self, deadline: Deadline) -> bool:
        if self._guest_os is None:
            # A virtual machine may not tell before its guest has booted.
            try:
                self._note(await self._ask(self._handle, deadline.within(CHECK_TIMEOUT)))
            except HcsError as error:
                debug("hcsrt.system", "asking %r for its operating system failed: %s", self, error)
        return self._guest_os == "Linux"

    def _has_windows_guest(self) -> bool:
        return self._guest_os == "Windows"

    async def _ask_exit(self, timeout: float) -> documents.SystemExitStatus | None:
        deadline = Deadline(timeout)
        try:
            properties = await self._ask(self._handle, timeout)
        except (OperationTimeoutError, ServiceDisconnectedError):
            raise
        except HcsError:
            # HCS refuses questions about a system that is going away in several ways. Its id tells whether it is gone.
            await self._calls.close(await self._reopen(deadline), deadline)
            raise
        self._note(properties)
        exit_type = properties.get("ExitType")
        if exit_type == "None":  # the word of HCS for a system that has not exited
            exit_type = None
        # Stopped alone may be true of a system that has never run.
        if properties.get("State") == "Stopped" or (properties.get("Stopped") is True and exit_type):
            return {"ExitType": exit_type} if exit_type else {}
        return None

    def _latched(self) -> documents.SystemExitStatus | None:
        """Return the exit document of the latch: empty if nothing but the exit is known, None without an exit."""
        status = exit_status(self._handle)
        return exit_document(status[1]) if status is not None and self._has_exited() else None

    def _keep_exit(self) -> None:
        """Keep the exit document of the latch, before the handle is closed."""
        if not self._exit:
            document = self._latched()
            # Without an exit nothing is stored: another thread may be storing one.
            if document is not None:
                self._exit = document

    async def _learn_exit(self, deadline: Deadline) -> documents.SystemExitStatus:
        """Find the exit document once the latch is set."""
        document: documents.SystemExitStatus | None = self._latched()
        if document is None:
            # The service went away. What it says now, if it is back, is the last chance.
            try:
                document = await self._ask_exit(query_timeout(deadline))
            except (AlreadyStoppedError, SystemNotFoundError):
                document = {}
            except HcsError as error:
                debug("hcsrt.system", "asking for the exit of %r failed: %s", self, error)
        if document is None:
            raise error_from(hresults.HCS_E_SERVICE_DISCONNECT, "HcsSetComputeSystemCallback")
        return document
