"""Compute systems for asyncio: containers and virtual machines of the Host Compute Service."""

from __future__ import annotations

from .. import _engine
from .._facade.arguments import check_name, check_namespace, is_kept
from .._facade.commands import PIPE, StreamFormat, process_parameters, run_pipes
from .._facade.owner import debug
from .._facade.requests import (
    Selection,
)
from .._facade.system import SystemCore
from .._facade.times import CHECK_TIMEOUT, STOP_TIMEOUT, Deadline, seconds
from .._handles import OwnedSystem
from ..documents import dumps
from ..errors import HandleClosedError, OperationTimeoutError
from ._calls import (
    CALLS,
    Awaiting,
    abandon,
    discard,
    has_lost_loop,
    is_told_to_stop,
    made,
    terminate_and_discard,
    wait_before_parting,
    wait_closed,
)
from ._pipes import check_loop
from .process import attach_process, run_to_end, start_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    import os
    from collections.abc import Iterable, Mapping
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import Any, Literal, Self, Unpack, overload

    from .._facade.commands import Command, PopenOptions, RunOptions
    from .._facade.system import Rung
    from .process import Process

__all__ = ["ComputeSystem", "systems"]


class ComputeSystem(Awaiting[OwnedSystem], SystemCore):
    """A compute system: made by create() or open(), closed by close() or the end of the `async with` block.

    It is hcsrt.ComputeSystem with methods that are awaited, also to make one:

        async with await ComputeSystem.create("web-1", document) as system:
            await system.start()

    Any event loop may call its methods, several loops at once too; a reader of events, and a process with pipes, belong
    to one loop. Cancelling a method is safe at any point: what it would have made is ended, and a call that HCS has got
    already goes on without anybody waiting. Closing releases the handle and does not stop the system; HCS terminates it
    with its last handle if its document says ShouldTerminateOnLastHandleClosed. Once the object is closed, its methods
    raise HandleClosedError.
    """

    @classmethod
    async def create(
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
        the system if creating it times out, is cancelled or fails halfway.
        Raises InvalidDocumentError, SystemAlreadyExistsError, AccessDeniedError, OperationTimeoutError, HcsError.
        HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace.
        """
        check_name(id, "id")
        check_namespace(namespace)
        text = dumps(document)
        deadline = Deadline(seconds(timeout))
        keep = is_kept(on_abandon)
        creating = _engine.create_system(id, text, keep, namespace, timeout=deadline.remaining())
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
    async def open(cls, id: str, *, namespace: str | None = None, timeout: float | None = None) -> Self:
        """Open an existing compute system, whoever has created it.

        namespace: the one that it was created in. timeout: seconds. Raises SystemNotFoundError, AccessDeniedError,
        OperationTimeoutError.
        HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace.
        """
        check_name(id, "id")
        check_namespace(namespace)
        deadline = Deadline(seconds(timeout))
        handle = await CALLS.open_system(id, namespace, deadline.remaining())
        try:
            system = cls(handle, id, namespace)
            await system._set_up(deadline)
            return system
        except BaseException:
            discard(handle)
            raise

    def __repr__(self) -> str:
        return f"<hcsrt.aio.ComputeSystem {self._id!r}{' closed' if self.closed else ''}>"

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the handle, and wait until it is closed unless a cancellation or Ctrl-C leads here."""
        if has_lost_loop():
            discard(self._handle)
            return
        closing = self._start_closing()
        if is_told_to_stop(exception_type):
            abandon(closing)
        await wait_closed(closing)

    async def close(self) -> None:
        """Close the handle; the system goes on unless its document says otherwise.

        A call that is being handed over to HCS meanwhile closes it when it is done, maybe after this has returned. If
        this is cancelled, hcsrt.pending() counts the handle until it is closed. A second close does nothing.
        HcsCloseComputeSystem.
        """
        await wait_closed(self._start_closing())

    def _start_closing(self) -> list[asyncio.Future[None]]:
        """Close the handle; the future is done when it is closed."""
        try:
            self._keep_exit()
        except HandleClosedError:
            return []
        return [_engine.close(self._handle)]

    async def start(
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
        await self._start(options, migration_socket, timeout)
        debug(__name__, "started %r", self)

    async def shutdown(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Ask the guest to shut down; wait() tells when it has.

        options: a ShutdownOptions document, from schema 2.5 on. timeout: seconds. Raises AlreadyStoppedError,
        OperationTimeoutError, HcsError if the guest has nothing that could be asked. HcsShutDownComputeSystem.
        """
        await self._shutdown(options, timeout)

    async def terminate(self, *, timeout: float | None = None) -> None:
        """Switch the system off; that it has stopped already is success.

        timeout: seconds. Raises OperationTimeoutError, HcsError. HcsTerminateComputeSystem.
        """
        await self._terminate(timeout)

    async def stop(self, grace: float = 10.0, *, timeout: float | None = STOP_TIMEOUT) -> Rung:
        """Stop the system for certain: shut it down, wait, terminate it if that was not enough, wait.

        grace: seconds for the shutdown, 0 terminates at once. timeout: seconds for the termination after it. Returns
        what has stopped it: "shutdown", "terminate", or "already-stopped" if nothing had to. A guest that cannot be
        asked is terminated without waiting. Raises TimeoutError if the system still runs at the end, HcsError.
        HcsShutDownComputeSystem, HcsTerminateComputeSystem.
        """
        return await self._stop(grace, timeout)

    async def crash(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Make the guest of a virtual machine crash, for a dump of it; whether the machine exits then is open.

        options: a CrashOptions document, from schema 2.3 on. timeout: seconds. Raises InvalidStateError,
        OperationTimeoutError, HcsError. HcsCrashComputeSystem.
        """
        await self._crash(options, timeout)

    async def pause(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Let a running virtual machine stand still.

        options: a PauseOptions document. timeout: seconds. Raises InvalidStateError, OperationTimeoutError, HcsError;
        containers do not pause. HcsPauseComputeSystem.
        """
        await self._pause(options, timeout)

    async def resume(self, *, timeout: float | None = None) -> None:
        """Let a paused virtual machine go on.

        timeout: seconds. Raises InvalidStateError, OperationTimeoutError, HcsError. HcsResumeComputeSystem.
        """
        await self._resume(timeout)

    async def save(
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
        await self._save(path, save_type, timeout)

    async def modify(
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
        await self._modify(resource_path, request_type, settings, guest_request, identity, timeout)

    async def initialize_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Prepare a virtual machine to leave this host.

        options: a MigrationInitializeOptions document. timeout: seconds. Raises NotSupportedError on a Windows that
        has no live migration, OperationTimeoutError, HcsError. HcsInitializeLiveMigrationOnSource.
        """
        await self._initialize_live_migration(options, timeout)

    async def start_live_migration(
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
        await self._start_live_migration(migration_socket, options, timeout)

    async def start_live_migration_transfer(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Begin to send the memory of a virtual machine that migrates.

        options: a MigrationTransferOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsStartLiveMigrationTransfer.
        """
        await self._start_live_migration_transfer(options, timeout)

    async def finalize_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """End a live migration, on the host that the virtual machine leaves or on the one that it comes to.

        options: a MigrationFinalizedOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsFinalizeLiveMigration.
        """
        await self._finalize_live_migration(options, timeout)

    async def cancel_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Give a live migration up; another task may be waiting for one of its steps meanwhile.

        options: None, as long as Microsoft describes no document for them. timeout: seconds. Raises as
        initialize_live_migration(). HcsCancelLiveMigration.
        """
        await self._cancel_live_migration(options, timeout)

    async def wait(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for the system to exit, for whatever reason, and return its exit document.

        timeout: seconds, None for ever. The document is a SystemExitStatus: Status, ExitType, Attribution. It has
        only what HCS tells, which after a lost exit event is ExitType or nothing. Raises TimeoutError,
        ServiceDisconnectedError. HcsSetComputeSystemCallback, HcsGetComputeSystemProperties.
        """
        return await self._wait(timeout)

    async def properties(
        self, *types: str, query: Mapping[str, Any] | str | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """What HCS tells of the system: its Id, SystemType, State and more, and the blocks asked for.

        types: names such as "Statistics", "ProcessList", "Memory". query: a PropertyQuery document instead of them.
        timeout: seconds. Each block stands under its own name; the error of a block that failed stands under
        PropertyResponses. Raises OperationTimeoutError, HcsError. HcsGetComputeSystemProperties.
        """
        return await self._properties(types, query, timeout)

    async def statistics(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What the running system has used: a Statistics document, times in 100 ns, sizes in bytes.

        HCS looks at every process of the host for it: do not ask more often than you need. timeout: seconds. Raises
        InvalidStateError, OperationTimeoutError, HcsError. HcsGetComputeSystemProperties.
        """
        return await self._block("Statistics", dict, timeout)

    async def process_list(self, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """The processes of the running system, as a list of ProcessDetails: times in 100 ns, sizes in bytes.

        timeout: seconds. Raises as statistics(). HcsGetComputeSystemProperties.
        """
        return await self._block("ProcessList", list, timeout)

    async def memory(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The memory of a running virtual machine: a MemoryInformationForVm document, sizes in pages of 4 KiB.

        timeout: seconds. Raises as statistics(). HcsGetComputeSystemProperties.
        """
        return await self._block("Memory", dict, timeout)

    async def open_process(
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
        return await attach_process(self._handle, pid, wanted, streams, self._reopen, self._has_windows_guest, deadline)

    if TYPE_CHECKING:

        @overload
        async def popen(
            self,
            args: Command,
            *,
            text: Literal[True],
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[str]: ...
        @overload
        async def popen(
            self,
            args: Command,
            *,
            encoding: str,
            text: bool | None = None,
            errors: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[str]: ...
        @overload
        async def popen(
            self,
            args: Command,
            *,
            errors: str,
            text: bool | None = None,
            encoding: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[str]: ...
        @overload
        async def popen(
            self,
            args: Command,
            *,
            text: Literal[False] | None = None,
            encoding: None = None,
            errors: None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[bytes]: ...
        @overload
        async def popen(
            self,
            args: Command,
            *,
            text: bool | None = None,
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[PopenOptions],
        ) -> Process[Any]: ...

    async def popen(
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
        """Start a process in the running system and return it, as asyncio.create_subprocess_exec() does.

        args: a list of words, joined for a Windows guest by the rules of subprocess, passed as they are to a Linux
        guest; or a string, which becomes the CommandLine unchanged. stdin, stdout, stderr: PIPE, or None or DEVNULL
        for a stream that is not connected. cwd: a folder in the guest. env: variables to set. user:
        whom to run as. text, encoding, errors: as for subprocess.Popen. bufsize: the bytes that a reader takes ahead,
        and the longest line that it reads, in characters in text mode; 64 Ki unless given. console: True or its
        (rows, columns) for a pseudo-terminal, whose output all comes on stdout. timeout: seconds until the process has
        to be there. Raises PathNotFoundError, AccessDeniedError, InvalidStateError, OperationTimeoutError, HcsError;
        NotImplementedError for a PIPE on an event loop without pipes, as a SelectorEventLoop on Windows is.
        HcsCreateProcess.
        """
        deadline = Deadline(seconds(timeout))
        streams = StreamFormat(text, encoding, errors, bufsize)
        if PIPE in (stdin, stdout, stderr):
            check_loop()
        parameters = await process_parameters(
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
        return await start_process(
            self._handle, parameters, args, streams, self._reopen, self._has_windows_guest, deadline
        )

    if TYPE_CHECKING:

        @overload
        async def run(
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
        async def run(
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
        async def run(
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
        async def run(
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
        async def run(
            self,
            args: Command,
            *,
            input: str | bytes | None = None,
            text: bool | None = None,
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[RunOptions],
        ) -> CompletedProcess[Any]: ...

    async def run(
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
        cancellation and any other failure.
        Raises subprocess.TimeoutExpired, which is a TimeoutError here, with the output so far, as bytes;
        subprocess.CalledProcessError; HcsError as popen() and Process.communicate() do.
        """
        limit = seconds(timeout)
        deadline = Deadline(limit)
        stdin, stdout, stderr = run_pipes(input, capture_output, stdin, stdout, stderr, console)
        try:
            process = await self.popen(
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
            from .._facade.expired import TimeoutExpired

            raise TimeoutExpired(args, limit) from error
        return await run_to_end(process, input, limit, deadline, check)

    async def duplicate_handle(self) -> OwnedSystem:
        """Open a second handle to this very system, without event callback: one that into_raw() may give away.

        Raises SystemNotFoundError if the system is gone, even where another one has its id now; OperationTimeoutError
        after CHECK_TIMEOUT (10 s); HcsError. HcsOpenComputeSystem, HcsGetComputeSystemProperties.
        """
        self._check_open()
        return await self._reopen(Deadline(CHECK_TIMEOUT))


async def systems(
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
    limit = seconds(timeout)
    check_namespace(namespace)
    selection = Selection(owner, ids, types)
    if selection.is_empty():
        return []
    return selection.of(await CALLS.enumerate_systems(selection.query, namespace, limit))


def _terminate(handle: OwnedSystem) -> asyncio.Future[str | None] | None:
    """End a system that nobody will own."""
    return terminate_and_discard(handle, "HcsTerminateComputeSystem")
