"""Compute systems: containers and virtual machines of the Host Compute Service."""

from __future__ import annotations

from . import _calls
from ._blocking import Blocking, aside, close_aside, tracked
from ._calls import Limit
from ._facade import (
    CLEANUP_TIMEOUT,
    EVENT_PATIENCE,
    INVALID_DATA,
    SERVICE_DISCONNECT,
    SHORT_CLEANUP,
    SYSTEM_NOT_FOUND,
    Deadline,
    Owner,
    answer,
    check_handle,
    check_name,
    check_text,
    cleanup_time,
    debug,
    exit_document,
    finish,
    in_namespace,
    path_text,
    query_text,
    query_timeout,
    seconds,
)
from ._handles import OwnedSystem
from .documents import dumps, plain
from .errors import (
    AlreadyStoppedError,
    HandleClosedError,
    HcsError,
    OperationTimeoutError,
    ServiceDisconnectedError,
    SystemNotFoundError,
    error_from,
)
from .process import (
    StreamFormat,
    attach_process,
    kill_quietly,
    process_parameters,
    run_pipes,
    run_to_end,
    start_process,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import Any, Literal, Self, TypeAlias, TypedDict, Unpack, overload

    from ._facade import AnswerT
    from .process import Command, Process

    Rung: TypeAlias = Literal["already-stopped", "shutdown", "terminate"]

    class PopenOptions(TypedDict, total=False):
        stdin: int | None
        stdout: int | None
        stderr: int | None
        cwd: str | os.PathLike[str] | None
        env: Mapping[str, str] | None
        user: str | None
        bufsize: int
        console: bool | tuple[int, int]
        timeout: float | None

    class RunOptions(PopenOptions, total=False):
        capture_output: bool
        check: bool


__all__ = ["ComputeSystem", "systems"]

STOP_TIMEOUT = 30.0
"""Seconds that terminating a system may take in stop(), unless it is told otherwise."""
CHECK_TIMEOUT = 10.0
"""Seconds that asking a system what it is may take, before something else is done with it."""

# HCS_RESOURCE_TYPE, and the name under which the service looks for the socket of a live migration.
_SOCKET = 4
_MIGRATION_SOCKET = "hcs:/VirtualMachine/LiveMigrationSocket"

_REQUEST_TYPES = ("Add", "Remove", "Update")


class SystemCore(Owner[OwnedSystem]):
    """What a compute system does in either face."""

    def __init__(self, handle: OwnedSystem, id: str, namespace: str | None = None) -> None:
        super().__init__(handle)
        self._id = id
        self._namespace = namespace
        self._runtime_id: str | None = None
        self._guest_os: str | None = None
        self._exit: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The id that the system was created or opened with."""
        return self._id

    @property
    def namespace(self) -> str | None:
        """The namespace that the system was created or opened in; None for that of everybody."""
        return self._namespace

    async def _set_up(self, deadline: Deadline) -> None:
        await self._calls.watch_system(self._handle, deadline.remaining())
        await self._query_exit(deadline)
        self._is_given = True

    async def _shutdown(self, options: Mapping[str, Any] | str | None, timeout: float | None) -> None:
        await self._calls.shutdown_system(self._handle, options_text(options), seconds(timeout))
        self._expect_exit()

    async def _terminate(self, timeout: float | None) -> None:
        deadline = Deadline(seconds(timeout))
        try:
            await self._calls.terminate_system(self._handle, deadline.remaining())
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        except HandleClosedError:
            if self._exit is None:
                raise
        else:
            self._expect_exit()

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
        debug(__name__, "terminating %r", self)
        deadline = Deadline(limit)
        try:
            await self._terminate_on_new_handle(deadline)
        except SystemNotFoundError:
            # Its exit event tells more than that it is gone.
            if not await self._calls.wait_exit(self._handle, deadline.within(EVENT_PATIENCE)):
                _calls.latch_exit(self._handle)
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
        """Shut down and wait for the exit, if there is hope for one; whether it was this shutdown that HCS accepted."""
        accepted = False
        try:
            try:
                await self._calls.shutdown_system(self._handle, None, grace_period.remaining())
                accepted = True
            except OperationTimeoutError:
                accepted = True
            except (AlreadyStoppedError, SystemNotFoundError):
                pass  # HCS says the same of a system that somebody else is stopping
            self._expect_exit()
            await self._wait_exit(grace_period)
        except HcsError as error:
            debug(__name__, "%r cannot be shut down: %s", self, error)
        return accepted

    async def _wait(self, timeout: float | None) -> dict[str, Any]:
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
        return dict(document)

    async def _properties(
        self, types: tuple[str, ...], query: Mapping[str, Any] | str | None, timeout: float | None
    ) -> dict[str, Any]:
        return await self._ask(self._handle, query_text(types, query), seconds(timeout))

    async def _block(self, name: str, kind: type[AnswerT], timeout: float | None) -> AnswerT:
        """One block of the properties; that HCS left it out is an error, never an empty block."""
        operation = "HcsGetComputeSystemProperties"
        properties = await self._properties((name,), None, timeout)
        value = properties.get(name)
        if isinstance(value, kind):
            return value
        responses: dict[str, dict[str, dict[str, Any]]] = properties.get("PropertyResponses", {})
        error = responses.get(name, {}).get("Error") or {"ErrorMessage": f"The answer of HCS has no {name}"}
        raise error_from(error.get("Error", INVALID_DATA), operation, error)

    async def _reopen(self, deadline: Deadline) -> OwnedSystem:
        """What duplicate_handle() does; processes do it even when this object is closed."""
        if self._runtime_id is None:
            self._note(await self._ask(self._handle, None, deadline.within(CHECK_TIMEOUT), urgent=True))
        handle = await self._calls.open_system(self._id, self._namespace, deadline.remaining())
        try:
            properties = await self._ask(handle, None, deadline.within(CHECK_TIMEOUT), urgent=True)
            if properties.get("RuntimeId") != self._runtime_id:
                reason = f"Another compute system has the id {self._id!r} now"
                raise error_from(SYSTEM_NOT_FOUND, "HcsOpenComputeSystem", {"ErrorMessage": reason})
        except BaseException:
            await self._calls.close(handle, deadline)
            raise
        return handle

    async def _terminate_on_new_handle(self, deadline: Deadline) -> None:
        """Terminate past whatever HCS may still be doing on our handle."""
        handle = None
        if self._runtime_id is not None:
            try:
                # Half the time, or a question that hangs would leave none for the termination.
                handle = await self._reopen(Deadline(deadline.within(2 * CHECK_TIMEOUT) / 2))
            except (AlreadyStoppedError, SystemNotFoundError, ServiceDisconnectedError):
                raise
            except HcsError as error:
                debug(__name__, "opening %r once more failed: %s", self, error)
        try:
            # Only a handle that was checked may stand in for ours: another system may have the id now.
            await self._calls.terminate_system(self._handle if handle is None else handle, deadline.remaining())
        finally:
            if handle is not None:
                await self._calls.close(handle, deadline)

    async def _ask(
        self, handle: OwnedSystem, query: str | None, timeout: float | None, *, urgent: bool = False
    ) -> dict[str, Any]:
        text = await self._calls.system_properties(handle, query, timeout, urgent)
        return answer(text, "HcsGetComputeSystemProperties", dict)

    def _note(self, properties: dict[str, Any]) -> None:
        """Keep what does not change."""
        self._runtime_id = self._runtime_id or properties.get("RuntimeId")
        if properties.get("RuntimeOsType") in ("Windows", "Linux"):
            self._guest_os = properties["RuntimeOsType"]

    async def _has_linux_guest(self, deadline: Deadline) -> bool:
        if self._guest_os is None:
            # A virtual machine may not tell before its guest has booted.
            try:
                self._note(await self._ask(self._handle, None, deadline.within(CHECK_TIMEOUT)))
            except HcsError as error:
                debug(__name__, "asking %r for its operating system failed: %s", self, error)
        return self._guest_os == "Linux"

    def _has_windows_guest(self) -> bool:
        return self._guest_os == "Windows"

    async def _ask_exit(self, timeout: float) -> dict[str, Any] | None:
        deadline = Deadline(timeout)
        try:
            properties = await self._ask(self._handle, None, timeout)
        except (OperationTimeoutError, ServiceDisconnectedError):
            raise
        except HcsError:
            # HCS refuses questions about a system that is going in more than one way. Its id tells whether it is gone.
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

    def _latched(self) -> dict[str, Any] | None:
        """The exit document that the latch holds; empty if the exit is all that is known, None without an exit."""
        status = _calls.exit_status(self._handle)
        return exit_document(status[1]) if status is not None and self._has_exited() else None

    def _keep_exit(self) -> None:
        """Keep what the latch holds of the exit, the handle being about to be closed."""
        if not self._exit:
            document = self._latched()
            # Without an exit nothing is stored: another thread may be storing one.
            if document is not None:
                self._exit = document

    async def _learn_exit(self, deadline: Deadline) -> dict[str, Any]:
        """Find the exit document, the latch being set."""
        document = self._latched()
        if document is None:
            # The service went away. What it says now, if it is back, is the last chance.
            try:
                document = await self._ask_exit(query_timeout(deadline))
            except (AlreadyStoppedError, SystemNotFoundError):
                document = {}
            except HcsError as error:
                debug(__name__, "asking for the exit of %r failed: %s", self, error)
        if document is None:
            raise error_from(SERVICE_DISCONNECT, "HcsSetComputeSystemCallback")
        return document


class ComputeSystem(Blocking[OwnedSystem], SystemCore):
    """A compute system: made by create() or open(), closed by close() or the end of the `with` block.

    Closing releases the handle and does not stop the system; HCS terminates it with its last handle if its document
    says ShouldTerminateOnLastHandleClosed. Any method may be called from any thread. Once the object is closed, its
    methods raise HandleClosedError, but for those that end what is known to have ended.

    A timeout and Ctrl-C end every wait for HCS, even where it keeps the thread that calls it: on the main thread, and
    where there is a timeout, the call is made on another thread. It goes on there, hcsrt.pending() counts it, and what
    it makes is given up as with on_abandon. Only a thread that acts as somebody else, on Windows, makes its calls
    itself, with its own token: there the wait begins when HCS has taken the call.
    """

    @classmethod
    def create(
        cls,
        id: str,
        document: Mapping[str, Any] | str,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
        on_abandon: Literal["terminate", "keep"] = "terminate",
    ) -> Self:
        """Create a compute system and do not start it.

        id: its name, unique on the host or in its namespace. document: a ComputeSystem document as a mapping or JSON
        text. namespace: its name, None for the namespace of everybody. timeout: seconds. on_abandon: what becomes of
        the system if creating it times out, is interrupted or fails halfway.
        Raises InvalidDocumentError, SystemAlreadyExistsError, AccessDeniedError, OperationTimeoutError, HcsError.
        HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace.
        """
        check_name(id, "id")
        check_namespace(namespace)
        text = dumps(document)
        deadline = Deadline(seconds(timeout))
        keep = is_kept(on_abandon)
        made: list[OwnedSystem] = []
        objects: list[Self] = []

        def drop(handle: OwnedSystem) -> None:
            _abandon(handle, id, keep)

        try:
            # A list has what was made even if a KeyboardInterrupt comes right after the call, before any assignment.
            limit = Limit(deadline.remaining())
            given = (id, text, limit, keep)
            function = in_namespace("HcsCreateComputeSystem", namespace)
            if namespace is None:
                aside(function, limit, _calls.create_system, *given, results=made, drop=drop)
            else:
                aside(function, limit, _calls.create_system_in_namespace, namespace, *given, results=made, drop=drop)
            objects.extend(map(cls, made, [id], [namespace]))
            finish(objects[0]._set_up(deadline))
            return objects[0]
        except BaseException as error:
            for handle in made:
                _abandon(handle, id, keep, cleanup_time(error))
            raise

    @classmethod
    def open(cls, id: str, *, namespace: str | None = None, timeout: float | None = None) -> Self:
        """Open an existing compute system, whoever has created it.

        namespace: the one that it was created in. timeout: seconds. Raises SystemNotFoundError, AccessDeniedError,
        OperationTimeoutError.
        HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace.
        """
        check_name(id, "id")
        check_namespace(namespace)
        deadline = Deadline(seconds(timeout))
        handle = finish(cls._calls.open_system(id, namespace, deadline.remaining()))
        objects: list[Self] = []
        try:
            objects.extend(map(cls, [handle], [id], [namespace]))  # as in create()
            finish(objects[0]._set_up(deadline))
            return objects[0]
        except BaseException as error:
            close_aside(handle, cleanup_time(error))
            raise

    def __repr__(self) -> str:
        return f"<hcsrt.ComputeSystem {self._id!r}{' closed' if self.closed else ''}>"

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._let_go(SHORT_CLEANUP if exception_type is KeyboardInterrupt else None)

    def close(self) -> None:
        """Close the handle; the system goes on unless its document says otherwise.

        A call that is being handed over to HCS meanwhile closes it when it is done, maybe after this has returned. A
        second close does nothing. HcsCloseComputeSystem.
        """
        self._let_go(None)

    def _let_go(self, timeout: float | None) -> None:
        try:
            self._keep_exit()
        except HandleClosedError:
            return
        close_aside(self._handle, timeout)

    def start(
        self,
        options: Mapping[str, Any] | str | None = None,
        *,
        migration_socket: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Start the system.

        options, migration_socket: what the destination of a live migration needs, a StartOptions document and the
        Windows handle of a connected socket, which stays yours. timeout: seconds. Raises InvalidStateError if it was
        started before, OperationTimeoutError, HcsError. HcsStartComputeSystem, HcsAddResourceToOperation.
        """
        text = options_text(options)
        resources = migration_resources(migration_socket)
        self._track("HcsStartComputeSystem", _calls.start_system, timeout, text, after=resources)
        debug(__name__, "started %r", self)

    def shutdown(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Ask the guest to shut down; wait() tells when it has.

        options: a ShutdownOptions document, from schema 2.5 on. timeout: seconds. Raises AlreadyStoppedError,
        OperationTimeoutError, HcsError if the guest has nothing that could be asked. HcsShutDownComputeSystem.
        """
        finish(self._shutdown(options, timeout))

    def terminate(self, *, timeout: float | None = None) -> None:
        """Switch the system off; that it has stopped already is success.

        timeout: seconds. Raises OperationTimeoutError, HcsError. HcsTerminateComputeSystem.
        """
        finish(self._terminate(timeout))

    def stop(self, grace: float = 10.0, *, timeout: float | None = STOP_TIMEOUT) -> Rung:
        """Stop the system for certain: shut it down, wait, terminate it if that was not enough, wait.

        grace: seconds for the shutdown, 0 terminates at once. timeout: seconds for the termination after it. Returns
        what has stopped it: "shutdown", "terminate", or "already-stopped" if nothing had to. A guest that cannot be
        asked is terminated without waiting. Raises TimeoutError if the system still runs at the end, HcsError.
        HcsShutDownComputeSystem, HcsTerminateComputeSystem.
        """
        return finish(self._stop(grace, timeout))

    def crash(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Make the guest of a virtual machine crash, for a dump of it; whether the machine exits then is open.

        options: a CrashOptions document, from schema 2.3 on. timeout: seconds. Raises InvalidStateError,
        OperationTimeoutError, HcsError. HcsCrashComputeSystem.
        """
        self._track("HcsCrashComputeSystem", _calls.crash_system, timeout, options_text(options))
        self._expect_exit()

    def pause(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Let a running virtual machine stand still.

        options: a PauseOptions document. timeout: seconds. Raises InvalidStateError, OperationTimeoutError, HcsError;
        containers do not pause. HcsPauseComputeSystem.
        """
        self._track("HcsPauseComputeSystem", _calls.pause_system, timeout, options_text(options))

    def resume(self, *, timeout: float | None = None) -> None:
        """Let a paused virtual machine go on.

        timeout: seconds. Raises InvalidStateError, OperationTimeoutError, HcsError. HcsResumeComputeSystem.
        """
        self._track("HcsResumeComputeSystem", _calls.resume_system, timeout, None)

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        save_type: Literal["ToFile", "AsTemplate"] = "ToFile",
        timeout: float | None = None,
    ) -> None:
        """Save the state of a paused virtual machine, which stays paused and has to be terminated.

        path: the file to save to; a document with it as VirtualMachine.RestoreState.SaveStateFilePath makes a machine
        that goes on from there. timeout: seconds. Raises InvalidStateError if the machine is not paused,
        OperationTimeoutError, HcsError. HcsSaveComputeSystem.
        """
        self._track("HcsSaveComputeSystem", _calls.save_system, timeout, save_options(path, save_type))

    def modify(
        self,
        resource_path: str,
        request_type: Literal["Add", "Remove", "Update"],
        settings: Any = None,
        *,
        guest_request: Any = None,
        identity: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change a resource of the system, by a ModifySettingRequest.

        resource_path: such as "VirtualMachine/ComputeTopology/Memory/SizeInMB"; empty if only the guest is asked.
        settings, guest_request: what HCS expects for that path, values that JSON has a form for; None leaves them
        out. identity: the Windows handle of an access token to apply the settings with. timeout: seconds. A virtual
        machine can be modified once its guest has booted. Raises InvalidStateError, OperationTimeoutError, HcsError.
        HcsModifyComputeSystem.
        """
        request = modify_request(resource_path, request_type, settings, guest_request)
        self._track("HcsModifyComputeSystem", _calls.modify_system, timeout, request, identity)

    def initialize_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Prepare a virtual machine to leave this host.

        options: a MigrationInitializeOptions document. timeout: seconds. Raises NotSupportedError on a Windows that
        has no live migration, OperationTimeoutError, HcsError. HcsInitializeLiveMigrationOnSource.
        """
        self._track(
            "HcsInitializeLiveMigrationOnSource",
            _calls.initialize_live_migration_on_source,
            timeout,
            options_text(options),
        )

    def start_live_migration(
        self,
        migration_socket: int,
        options: Mapping[str, Any] | str | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Begin to migrate a virtual machine that was initialized for it.

        migration_socket: the Windows handle of a socket connected to the other host, which stays yours and open.
        options: a MigrationStartOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsStartLiveMigrationOnSource, HcsAddResourceToOperation.
        """
        resources = migration_resources(migration_socket)
        self._track(
            "HcsStartLiveMigrationOnSource",
            _calls.start_live_migration_on_source,
            timeout,
            options_text(options),
            after=resources,
        )

    def start_live_migration_transfer(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Begin to send the memory of a virtual machine that migrates.

        options: a MigrationTransferOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsStartLiveMigrationTransfer.
        """
        self._track(
            "HcsStartLiveMigrationTransfer", _calls.start_live_migration_transfer, timeout, options_text(options)
        )

    def finalize_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """End a live migration, on the host that the virtual machine leaves or on the one that it comes to.

        options: a MigrationFinalizedOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsFinalizeLiveMigration.
        """
        self._track("HcsFinalizeLiveMigration", _calls.finalize_live_migration, timeout, options_text(options))

    def cancel_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Give a live migration up; another thread may be waiting for one of its steps meanwhile.

        options: None, as long as Microsoft describes no document for them. timeout: seconds. Raises as
        initialize_live_migration(). HcsCancelLiveMigration.
        """
        self._track("HcsCancelLiveMigration", _calls.cancel_live_migration, timeout, options_text(options))

    def wait(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for the system to exit, for whatever reason, and return its exit document.

        timeout: seconds, None for ever. The document is a SystemExitStatus: Status, ExitType, Attribution. It has
        only what HCS tells, which after a lost exit event is ExitType or nothing. Raises TimeoutError,
        ServiceDisconnectedError. HcsSetComputeSystemCallback, HcsGetComputeSystemProperties.
        """
        return finish(self._wait(timeout))

    def properties(
        self, *types: str, query: Mapping[str, Any] | str | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """What HCS tells of the system: its Id, SystemType, State and more, and the blocks asked for.

        types: names such as "Statistics", "ProcessList", "Memory". query: a PropertyQuery document instead of them.
        timeout: seconds. Each block stands under its own name; the error of a block that failed stands under
        PropertyResponses. Raises OperationTimeoutError, HcsError. HcsGetComputeSystemProperties.
        """
        return finish(self._properties(types, query, timeout))

    def statistics(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What the running system has used: a Statistics document, times in 100 ns, sizes in bytes.

        HCS looks at every process of the host for it: do not ask more often than you need. timeout: seconds. Raises
        InvalidStateError, OperationTimeoutError, HcsError. HcsGetComputeSystemProperties.
        """
        return finish(self._block("Statistics", dict, timeout))

    def process_list(self, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """The processes of the running system, as a list of ProcessDetails: times in 100 ns, sizes in bytes.

        timeout: seconds. Raises as statistics(). HcsGetComputeSystemProperties.
        """
        return finish(self._block("ProcessList", list, timeout))

    def memory(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The memory of a running virtual machine: a MemoryInformationForVm document, sizes in pages of 4 KiB.

        timeout: seconds. Raises as statistics(). HcsGetComputeSystemProperties.
        """
        return finish(self._block("Memory", dict, timeout))

    def open_process(
        self,
        pid: int,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        bufsize: int = -1,
        timeout: float | None = None,
    ) -> Process[Any]:
        """Open a process of the system that runs already, whoever has started it.

        pid: its process id in the guest. stdin, stdout, stderr: PIPE for a new handle of that stream; the bytes of a
        pipe go to one of its readers. Without PIPE the streams are left alone. text, encoding, errors, bufsize: as for
        popen(). timeout: seconds. args of the process is empty. Raises AlreadyStoppedError, OperationTimeoutError,
        HcsError also where HCS has no handle for a PIPE: the process was started without a pipe there, or whoever had
        the pipe has closed it. HcsOpenProcess, HcsGetProcessInfo.
        """
        deadline = Deadline(seconds(timeout))
        streams = StreamFormat(text, encoding, errors, bufsize)
        wanted = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        return attach_process(self._handle, pid, wanted, streams, self._reopen, self._has_windows_guest, deadline)

    if TYPE_CHECKING:

        @overload
        def popen(
            self,
            args: Command,
            *,
            text: Literal[True],
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[str]: ...
        @overload
        def popen(
            self,
            args: Command,
            *,
            encoding: str,
            text: bool | None = None,
            errors: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[str]: ...
        @overload
        def popen(
            self,
            args: Command,
            *,
            errors: str,
            text: bool | None = None,
            encoding: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[str]: ...
        @overload
        def popen(
            self,
            args: Command,
            *,
            text: Literal[False] | None = None,
            encoding: None = None,
            errors: None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[bytes]: ...
        @overload
        def popen(
            self,
            args: Command,
            *,
            text: bool | None = None,
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[Any]: ...

    def popen(
        self,
        args: Command,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        bufsize: int = -1,
        console: bool | tuple[int, int] = False,
        timeout: float | None = None,
    ) -> Process[Any]:
        """Start a process in the running system and return it, as subprocess.Popen does.

        args: a list of words, joined for a Windows guest by the rules of subprocess, passed as they are to a Linux
        guest; or a string, which becomes the CommandLine unchanged. stdin, stdout, stderr: PIPE, or None or DEVNULL
        for a stream that is not connected. cwd: a folder in the guest. env: variables to set. user:
        whom to run as. text, encoding, errors, bufsize: as for subprocess.Popen. console: True or its (rows, columns)
        for a pseudo-terminal, whose output all comes on stdout. timeout: seconds until the process has to be there.
        Raises PathNotFoundError, AccessDeniedError, InvalidStateError, OperationTimeoutError, HcsError.
        HcsCreateProcess.
        """
        deadline = Deadline(seconds(timeout))
        streams = StreamFormat(text, encoding, errors, bufsize)
        parameters = finish(
            process_parameters(
                args,
                is_linux=lambda: self._has_linux_guest(deadline),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env=env,
                user=user,
                console=console,
            )
        )
        return start_process(self._handle, parameters, args, streams, self._reopen, self._has_windows_guest, deadline)

    if TYPE_CHECKING:

        @overload
        def run(
            self,
            args: Command,
            *,
            text: Literal[True],
            input: str | None = None,
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[RunOptions],
        ) -> CompletedProcess[str]: ...
        @overload
        def run(
            self,
            args: Command,
            *,
            encoding: str,
            input: str | None = None,
            text: bool | None = None,
            errors: str | None = None,
            **options: Unpack[RunOptions],
        ) -> CompletedProcess[str]: ...
        @overload
        def run(
            self,
            args: Command,
            *,
            errors: str,
            input: str | None = None,
            text: bool | None = None,
            encoding: str | None = None,
            **options: Unpack[RunOptions],
        ) -> CompletedProcess[str]: ...
        @overload
        def run(
            self,
            args: Command,
            *,
            input: bytes | None = None,
            text: Literal[False] | None = None,
            encoding: None = None,
            errors: None = None,
            **options: Unpack[RunOptions],
        ) -> CompletedProcess[bytes]: ...
        @overload
        def run(
            self,
            args: Command,
            *,
            input: str | bytes | None = None,
            text: bool | None = None,
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[RunOptions],
        ) -> CompletedProcess[Any]: ...

    def run(
        self,
        args: Command,
        *,
        input: str | bytes | None = None,
        capture_output: bool = False,
        check: bool = False,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        bufsize: int = -1,
        console: bool | tuple[int, int] = False,
        timeout: float | None = None,
    ) -> CompletedProcess[Any]:
        """Run a command in the system to its end, as subprocess.run() does.

        input: what to write to stdin. capture_output: stdout and stderr become PIPE; with a console only stdout, where
        all of its output comes. check: an exit code other than 0 is an error. timeout: seconds for everything, from
        starting the process on. The other parameters are those of popen(). The process is killed on a timeout, a
        KeyboardInterrupt and any other failure.
        Raises subprocess.TimeoutExpired, which is a TimeoutError here, with the output so far, as bytes;
        subprocess.CalledProcessError; HcsError as popen() and Process.communicate() do.
        """
        limit = seconds(timeout)
        deadline = Deadline(limit)
        stdin, stdout, stderr = run_pipes(input, capture_output, stdin, stdout, stderr, console)
        try:
            process = self.popen(
                args,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env=env,
                user=user,
                text=text,
                encoding=encoding,
                errors=errors,
                bufsize=bufsize,
                console=console,
                timeout=deadline.remaining(),
            )
        except OperationTimeoutError as error:
            if limit is None:
                raise
            from ._facade.expired import TimeoutExpired

            raise TimeoutExpired(args, limit) from error
        try:
            return run_to_end(process, input, limit, deadline, check)
        except BaseException as error:
            kill_quietly(process, cleanup_time(error))
            if isinstance(error, KeyboardInterrupt):
                process._let_go(at_once=True)  # pyright: ignore[reportPrivateUsage]
            raise
        finally:
            process.close()

    def duplicate_handle(self) -> OwnedSystem:
        """Open a second handle to this very system, without event callback: one that into_raw() may give away.

        Raises SystemNotFoundError if the system is gone, even where another one has its id now; OperationTimeoutError
        after CHECK_TIMEOUT (10 s); HcsError. HcsOpenComputeSystem, HcsGetComputeSystemProperties.
        """
        self._check_open()
        return finish(self._reopen(Deadline(CHECK_TIMEOUT)))


def systems(
    *,
    owner: str | Iterable[str] | None = None,
    ids: str | Iterable[str] | None = None,
    types: str | Iterable[str] | None = None,
    namespace: str | None = None,
    timeout: float | None = None,
) -> list[dict[str, Any]]:
    """The compute systems of this host, as a list of their properties.

    owner, ids, types: only systems with one of these; a string is one value, None is any. Values are compared
    exactly, so a system whose Owner HCS does not tell has no owner. namespace: look there. timeout: seconds. Raises
    AccessDeniedError, OperationTimeoutError, HcsError.
    HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace.
    """
    limit = Limit(seconds(timeout))
    check_namespace(namespace)
    selection = Selection(owner, ids, types)
    if selection.is_empty():
        return []
    function = in_namespace("HcsEnumerateComputeSystems", namespace)
    return selection.of(aside(function, limit, _calls.enumerate_systems, selection.query, limit, namespace))


class Selection:
    """Compute systems with certain owners, ids and types."""

    def __init__(
        self,
        owner: str | Iterable[str] | None,
        ids: str | Iterable[str] | None,
        types: str | Iterable[str] | None,
    ) -> None:
        query: dict[str, list[str]] = {}
        self._wanted: dict[str, list[str]] = {}
        for argument, key, field, value in (
            ("owner", "Owners", "Owner", owner),
            ("ids", "Ids", "Id", ids),
            ("types", "Types", "SystemType", types),
        ):
            if value is not None:
                query[key] = self._wanted[field] = _values(value, argument)
        self.query: str | None = dumps(query) if query else None

    def is_empty(self) -> bool:
        """Whether there is nothing to ask HCS for."""
        return not all(self._wanted.values())

    def of(self, text: str | None) -> list[dict[str, Any]]:
        """The systems in an answer of HCS that are wanted; how it matches itself is not documented."""
        found = answer(text, "HcsEnumerateComputeSystems", list)
        return [item for item in found if all(item.get(field) in values for field, values in self._wanted.items())]


def check_namespace(namespace: str | None) -> None:
    if namespace is not None:
        check_name(namespace, "namespace")


def is_kept(on_abandon: Literal["terminate", "keep"]) -> bool:
    if on_abandon not in ("terminate", "keep"):
        raise ValueError(f"on_abandon must be 'terminate' or 'keep', not {on_abandon!r}")
    return on_abandon == "keep"


def migration_resources(migration_socket: int | None) -> tuple[tuple[int, str, int], ...]:
    """What the operation of a live migration needs."""
    check_handle(migration_socket, "migration_socket")
    return () if migration_socket is None else ((_SOCKET, _MIGRATION_SOCKET, migration_socket),)


def save_options(path: str | os.PathLike[str] | None, save_type: str) -> str:
    """A SaveOptions document."""
    options: dict[str, Any] = {"SaveType": save_type}
    if path is not None:
        options["SaveStateFilePath"] = path_text(path, "path")
    return dumps(options)


def modify_request(resource_path: str, request_type: str, settings: Any, guest_request: Any) -> str:
    """A ModifySettingRequest."""
    check_text(resource_path, "resource_path")
    if request_type not in _REQUEST_TYPES:
        raise ValueError(f"request_type must be one of {', '.join(_REQUEST_TYPES)}, not {request_type!r}")
    request = {"ResourcePath": resource_path, "RequestType": request_type}
    for name, argument, value in (
        ("Settings", "settings", settings),
        ("GuestRequest", "guest_request", guest_request),
    ):
        if value is not None:
            request[name] = plain(value, argument)
    return dumps(request)


def options_text(options: Mapping[str, Any] | str | None) -> str | None:
    return None if options is None else dumps(options, argument="options")


def _values(value: str | Iterable[str], argument: str) -> list[str]:
    if isinstance(value, (bytes, bytearray)):
        raise TypeError(f"{argument} must be text or a list of it, not bytes: decode it first")
    try:
        values = [value] if isinstance(value, str) else list(value)
    except TypeError:
        raise TypeError(f"{argument} must be a str or a list of them, not {type(value).__name__}") from None
    for index, item in enumerate(values):
        check_name(item, argument if isinstance(value, str) else f"{argument}[{index}]")
    return values


def _abandon(handle: OwnedSystem, id: str, keep: bool, patience: float = CLEANUP_TIMEOUT) -> None:
    """Give up a system that was created and could not be set up."""
    try:
        if not keep:
            tracked("HcsTerminateComputeSystem", patience, _calls.terminate_system, handle, None)
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "terminating %r, which could not be set up, failed: %s", id, error)
    finally:
        close_aside(handle, patience)
