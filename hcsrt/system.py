"""Compute systems: containers and virtual machines of the Host Compute Service."""

from __future__ import annotations

from . import _calls
from ._blocking import CALLS, Blocking, aside, close_aside, finish
from ._calls import Limit
from ._facade.arguments import check_name, check_namespace, is_kept
from ._facade.commands import StreamFormat, process_parameters, run_pipes
from ._facade.owner import debug
from ._facade.requests import (
    Selection,
    in_namespace,
)
from ._facade.system import SystemCore
from ._facade.times import (
    CHECK_TIMEOUT,
    CLEANUP_TIMEOUT,
    SHORT_CLEANUP,
    STOP_TIMEOUT,
    Deadline,
    cleanup_time,
    seconds,
)
from ._handles import OwnedSystem
from .documents import dumps
from .errors import HandleClosedError, HcsError, OperationTimeoutError
from .process import attach_process, kill_quietly, run_to_end, start_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import Any, Literal, Self, Unpack, overload

    from ._facade.commands import Command, PopenOptions, RunOptions
    from ._facade.system import Rung
    from .process import Process

__all__ = ["ComputeSystem", "systems"]


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

        def end(handle: OwnedSystem) -> None:
            _abandon(handle, id, keep)

        try:
            # A list has what was made even if a KeyboardInterrupt comes right after the call, before any assignment.
            limit = Limit(deadline.remaining())
            given = (id, text, limit, keep)
            function = in_namespace("HcsCreateComputeSystem", namespace)
            if namespace is None:
                aside(function, limit, _calls.create_system, *given, results=made, discard=end)
            else:
                aside(function, limit, _calls.create_system_in_namespace, namespace, *given, results=made, discard=end)
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
        handle = finish(CALLS.open_system(id, namespace, deadline.remaining()))
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
        finish(self._start(options, migration_socket, timeout))
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
        finish(self._crash(options, timeout))

    def pause(self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None) -> None:
        """Let a running virtual machine stand still.

        options: a PauseOptions document. timeout: seconds. Raises InvalidStateError, OperationTimeoutError, HcsError;
        containers do not pause. HcsPauseComputeSystem.
        """
        finish(self._pause(options, timeout))

    def resume(self, *, timeout: float | None = None) -> None:
        """Let a paused virtual machine go on.

        timeout: seconds. Raises InvalidStateError, OperationTimeoutError, HcsError. HcsResumeComputeSystem.
        """
        finish(self._resume(timeout))

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
        finish(self._save(path, save_type, timeout))

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
        finish(self._modify(resource_path, request_type, settings, guest_request, identity, timeout))

    def initialize_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Prepare a virtual machine to leave this host.

        options: a MigrationInitializeOptions document. timeout: seconds. Raises NotSupportedError on a Windows that
        has no live migration, OperationTimeoutError, HcsError. HcsInitializeLiveMigrationOnSource.
        """
        finish(self._initialize_live_migration(options, timeout))

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
        finish(self._start_live_migration(migration_socket, options, timeout))

    def start_live_migration_transfer(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Begin to send the memory of a virtual machine that migrates.

        options: a MigrationTransferOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsStartLiveMigrationTransfer.
        """
        finish(self._start_live_migration_transfer(options, timeout))

    def finalize_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """End a live migration, on the host that the virtual machine leaves or on the one that it comes to.

        options: a MigrationFinalizedOptions document. timeout: seconds. Raises as initialize_live_migration().
        HcsFinalizeLiveMigration.
        """
        finish(self._finalize_live_migration(options, timeout))

    def cancel_live_migration(
        self, options: Mapping[str, Any] | str | None = None, *, timeout: float | None = None
    ) -> None:
        """Give a live migration up; another thread may be waiting for one of its steps meanwhile.

        options: None, as long as Microsoft describes no document for them. timeout: seconds. Raises as
        initialize_live_migration(). HcsCancelLiveMigration.
        """
        finish(self._cancel_live_migration(options, timeout))

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
    limit = seconds(timeout)
    check_namespace(namespace)
    selection = Selection(owner, ids, types)
    if selection.is_empty():
        return []
    return selection.of(finish(CALLS.enumerate_systems(selection.query, namespace, limit)))


def _abandon(handle: OwnedSystem, id: str, keep: bool, patience: float = CLEANUP_TIMEOUT) -> None:
    """Give up a system that was created and could not be set up."""
    try:
        if not keep:
            finish(CALLS.call(handle, "HcsTerminateComputeSystem", None, patience))
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "terminating %r, which could not be set up, failed: %s", id, error)
    finally:
        close_aside(handle, patience)
