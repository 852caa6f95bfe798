# Made from hcsrt/aio/system.py by `python tools/faces.py write`: change that file instead of this one.
"""Compute systems: containers and virtual machines of the Host Compute Service."""

from __future__ import annotations

import os
from _collections_abc import Callable, Iterable, Mapping

from . import documents
from ._arguments import check_name, check_namespace, is_kept, seconds
from ._blocking import CALLS, finish
from ._blocking.process import attach_process, live_output, run_to_end, start_process
from ._blocking.system import BlockingSystem
from ._facade import aliases
from ._facade.commands import Command, StreamFormat, check_attach, process_parameters, run_pipes
from ._facade.owner import debug
from ._facade.process import expired
from ._facade.requests import Selection
from ._facade.times import CHECK_TIMEOUT, STOP_TIMEOUT, Deadline
from ._handles import OwnedSystem
from ._late import typing
from .documents import dumps
from .events import EventSource
from .process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack, overload

    from ._facade.commands import PopenOptions, RunOptions

__all__ = ["ComputeSystem", "systems"]


class ComputeSystem(BlockingSystem, EventSource[OwnedSystem]):
    """A compute system: made by create() or open(), closed by close() or the end of the `with` block.

    Closing releases the handle and does not stop the system; HCS terminates it with its last handle if its document
    says ShouldTerminateOnLastHandleClosed. Any method may be called from any thread. Once the object is closed, its
    methods raise HandleClosedError, but for those that end what is known to have ended.

    A timeout and Ctrl-C end every wait for HCS, even where it keeps the thread that calls it: on the main thread, and
    where there is a timeout, the call is made on another thread. It goes on there, hcsrt.pending() counts it, and what
    it makes is ended as with on_abandon. Only a thread that acts as somebody else, on Windows, makes its calls itself,
    with its own token: there the wait begins when HCS has taken the call.
    """

    @classmethod
    def create(
        cls,
        id: str,
        document: documents.Given[documents.ComputeSystem],
        *,
        namespace: str | None = None,
        timeout: float | None = None,
        on_abandon: typing.Literal["terminate", "keep"] = "terminate",
    ) -> typing.Self:
        """Create a compute system and do not start it.

        Args:
            id: The name of the system, unique on the host or in its namespace.
            document: A ComputeSystem document, as a mapping or as JSON text.
            namespace: The name of a namespace, None for that of everybody.
            timeout: Seconds, None for ever.
            on_abandon: What becomes of the system if its creation times out, is interrupted or fails halfway.

        Raises:
            InvalidDocumentError: HCS does not accept the document.
            SystemAlreadyExistsError: There is a system with this id.
            AccessDeniedError: This account may not use HCS.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace, HcsSetComputeSystemCallback
        """
        check_name(id, "id")
        check_namespace(namespace)
        text = dumps(document)
        deadline = Deadline(seconds(timeout))
        return finish(cls._create(id, text, namespace, deadline, is_kept(on_abandon)))

    @classmethod
    def open(cls, id: str, *, namespace: str | None = None, timeout: float | None = None) -> typing.Self:
        """Open an existing compute system, whoever has created it.

        Args:
            id: The id that the system was created with.
            namespace: The namespace that it was created in.
            timeout: Seconds, None for ever.

        Raises:
            SystemNotFoundError: There is no system with this id.
            AccessDeniedError: This account may not use HCS.
            OperationTimeoutError: The time is up.

        HCS: HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace, HcsSetComputeSystemCallback
        """
        check_name(id, "id")
        check_namespace(namespace)
        return finish(cls._open(id, namespace, Deadline(seconds(timeout))))

    def close(self) -> None:
        """Close the handle; the system goes on unless its document says otherwise.

        A call that HCS is just being given closes the handle when it returns, maybe after this. A second close does
        nothing.

        HCS: HcsCloseComputeSystem
        """
        finish(self._close())

    def start(
        self,
        options: documents.Given[documents.StartOptions] | None = None,
        *,
        migration_socket: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Start the system.

        Args:
            options: A StartOptions document, for the destination of a live migration.
            migration_socket: The Windows handle of a connected socket, for the same. It stays yours.
            timeout: Seconds, None for ever.

        Raises:
            InvalidStateError: The system was started before.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsStartComputeSystem, HcsAddResourceToOperation
        """
        finish(self._start(options, migration_socket, timeout))
        debug(__name__, "started %r", self)

    def shutdown(
        self, options: documents.Given[documents.ShutdownOptions] | None = None, *, timeout: float | None = None
    ) -> None:
        """Ask the guest to shut down; wait() tells when it has.

        Args:
            options: A ShutdownOptions document, from schema 2.5 on.
            timeout: Seconds, None for ever.

        Raises:
            AlreadyStoppedError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: The guest has nothing that could be asked, or HCS refuses for another reason.

        HCS: HcsShutDownComputeSystem
        """
        finish(self._shutdown(options, timeout))

    def terminate(self, *, timeout: float | None = None) -> None:
        """Switch the system off. It is no error if it has stopped already.

        Args:
            timeout: Seconds, None for ever.

        Raises:
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsTerminateComputeSystem
        """
        finish(self._terminate(timeout))

    def stop(self, grace: float = 10.0, *, timeout: float | None = STOP_TIMEOUT) -> aliases.Rung:
        """Stop the system for certain: shut it down, wait, terminate it if that was not enough, wait.

        A guest that cannot be asked is terminated without waiting.

        Args:
            grace: Seconds for the shutdown; 0 terminates at once.
            timeout: Seconds for the termination after it.

        Returns:
            What has stopped the system: "shutdown", "terminate", or "already-stopped" if nothing had to.

        Raises:
            TimeoutError: The system still runs at the end.
            HcsError: HCS refuses for another reason.

        HCS: HcsShutDownComputeSystem, HcsTerminateComputeSystem
        """
        return finish(self._stop(grace, timeout))

    def crash(
        self, options: documents.Given[documents.CrashOptions] | None = None, *, timeout: float | None = None
    ) -> None:
        """Make the guest of a virtual machine crash, for a dump of it. The machine may or may not exit then.

        Args:
            options: A CrashOptions document, from schema 2.3 on.
            timeout: Seconds, None for ever.

        Raises:
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsCrashComputeSystem
        """
        finish(self._crash(options, timeout))

    def pause(
        self, options: documents.Given[documents.PauseOptions] | None = None, *, timeout: float | None = None
    ) -> None:
        """Pause a running virtual machine. Containers do not pause.

        Args:
            options: A PauseOptions document.
            timeout: Seconds, None for ever.

        Raises:
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsPauseComputeSystem
        """
        finish(self._pause(options, timeout))

    def resume(self, *, timeout: float | None = None) -> None:
        """Let a paused virtual machine go on.

        Args:
            timeout: Seconds, None for ever.

        Raises:
            InvalidStateError: The system is not paused.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsResumeComputeSystem
        """
        finish(self._resume(timeout))

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        save_type: typing.Literal["ToFile", "AsTemplate"] = "ToFile",
        timeout: float | None = None,
    ) -> None:
        """Save the state of a paused virtual machine, which stays paused and has to be terminated.

        Args:
            path: The file to save to. A document with it as VirtualMachine.RestoreState.SaveStateFilePath makes a
                machine that goes on from there.
            save_type: The SaveType of the SaveOptions document.
            timeout: Seconds, None for ever.

        Raises:
            InvalidStateError: The machine is not paused.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsSaveComputeSystem
        """
        finish(self._save(path, save_type, timeout))

    def modify(
        self,
        resource_path: str,
        request_type: typing.Literal["Add", "Remove", "Update"],
        settings: typing.Any = None,
        *,
        guest_request: typing.Any = None,
        identity: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change a resource of the system, by a ModifySettingRequest.

        A virtual machine can be modified once its guest has booted.

        Args:
            resource_path: A path such as "VirtualMachine/ComputeTopology/Memory/SizeInMB"; empty if only the guest is
                asked.
            request_type: What to do with the resource.
            settings: What HCS expects for that path, a value that JSON has a form for; None leaves it out.
            guest_request: The same for the guest.
            identity: The Windows handle of an access token to apply the settings with.
            timeout: Seconds, None for ever.

        Raises:
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsModifyComputeSystem
        """
        finish(self._modify(resource_path, request_type, settings, guest_request, identity, timeout))

    def initialize_live_migration(
        self,
        options: documents.Given[documents.MigrationInitializeOptions] | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Prepare a virtual machine to leave this host.

        Args:
            options: A MigrationInitializeOptions document.
            timeout: Seconds, None for ever.

        Raises:
            NotSupportedError: This Windows has no live migration.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsInitializeLiveMigrationOnSource
        """
        finish(self._initialize_live_migration(options, timeout))

    def start_live_migration(
        self,
        migration_socket: int,
        options: documents.Given[documents.MigrationStartOptions] | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Begin to migrate a virtual machine that was initialized for it.

        Args:
            migration_socket: The Windows handle of a socket connected to the other host. It stays yours, and open.
            options: A MigrationStartOptions document.
            timeout: Seconds, None for ever.

        Raises:
            NotSupportedError: This Windows has no live migration.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsStartLiveMigrationOnSource, HcsAddResourceToOperation
        """
        finish(self._start_live_migration(migration_socket, options, timeout))

    def start_live_migration_transfer(
        self,
        options: documents.Given[documents.MigrationTransferOptions] | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Begin to send the memory of a virtual machine that migrates.

        Args:
            options: A MigrationTransferOptions document.
            timeout: Seconds, None for ever.

        Raises:
            NotSupportedError: This Windows has no live migration.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsStartLiveMigrationTransfer
        """
        finish(self._start_live_migration_transfer(options, timeout))

    def finalize_live_migration(
        self,
        options: documents.Given[documents.MigrationFinalizedOptions] | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """End a live migration, on the host that the virtual machine leaves or on the one that it comes to.

        Args:
            options: A MigrationFinalizedOptions document.
            timeout: Seconds, None for ever.

        Raises:
            NotSupportedError: This Windows has no live migration.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsFinalizeLiveMigration
        """
        finish(self._finalize_live_migration(options, timeout))

    def cancel_live_migration(
        self, options: documents.Given[documents.MigrationCancelOptions] | None = None, *, timeout: float | None = None
    ) -> None:
        """Cancel a live migration; another thread may be waiting for one of its steps meanwhile.

        Args:
            options: A MigrationCancelOptions document.
            timeout: Seconds, None for ever.

        Raises:
            NotSupportedError: This Windows has no live migration.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsCancelLiveMigration
        """
        finish(self._cancel_live_migration(options, timeout))

    def wait(self, timeout: float | None = None) -> documents.SystemExitStatus:
        """Wait for the system to exit, for whatever reason.

        Args:
            timeout: Seconds, None for ever.

        Returns:
            The exit document, a SystemExitStatus: Status, ExitType, Attribution. It has only what HCS tells; after a
            lost exit event, that is ExitType or nothing.

        Raises:
            TimeoutError: The system still runs at the end.
            ServiceDisconnectedError: The service has gone away, and the exit is not known.
            HcsError: HCS has never told whether the system runs, and refuses to for half a minute.

        HCS: HcsSetComputeSystemCallback, HcsGetComputeSystemProperties
        """
        return finish(self._wait(timeout))

    def properties(
        self,
        *types: str,
        query: documents.Given[documents.System_PropertyQuery] | None = None,
        timeout: float | None = None,
    ) -> documents.Properties:
        """Ask for the properties of the system: its Id, SystemType, State and more, and some blocks.

        Args:
            types: The names of blocks, such as "Statistics", "ProcessList", "Memory".
            query: A PropertyQuery document instead of them.
            timeout: Seconds, None for ever.

        Returns:
            The properties. Each block stands under its own name; the error of a block that failed stands under
            PropertyResponses.

        Raises:
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsGetComputeSystemProperties
        """
        return finish(self._properties(types, query, timeout))

    def statistics(self, *, timeout: float | None = None) -> documents.Statistics:
        """Ask for what the running system has used.

        HCS looks at every process of the host for it: do not ask more often than you need.

        Args:
            timeout: Seconds, None for ever.

        Returns:
            A Statistics document: times in 100 ns, sizes in bytes. documents.usage() turns it into seconds and bytes.

        Raises:
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsGetComputeSystemProperties
        """
        return finish(self._block("Statistics", dict, timeout))

    def process_list(self, *, timeout: float | None = None) -> list[documents.ProcessDetails]:
        """Ask for the processes of the running system.

        Args:
            timeout: Seconds, None for ever.

        Returns:
            A list of ProcessDetails: times in 100 ns, which documents.seconds() turns into seconds; sizes in bytes.

        Raises:
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsGetComputeSystemProperties
        """
        return finish(self._block("ProcessList", list, timeout))

    def memory(self, *, timeout: float | None = None) -> documents.MemoryInformationForVm:
        """Ask for the memory of a running virtual machine.

        Args:
            timeout: Seconds, None for ever.

        Returns:
            A MemoryInformationForVm document: sizes in pages of 4 KiB, which documents.bytes_of_pages() turns into
            bytes.

        Raises:
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsGetComputeSystemProperties
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
    ) -> Process[typing.Any]:
        """Open a process of the system that runs already, whoever has started it.

        Args:
            pid: The process id in the guest.
            stdin: PIPE for a new handle of this stream; without it the stream is left alone.
            stdout: The same. The bytes of a pipe go to one of its readers.
            stderr: The same.
            text: As for popen().
            encoding: As for popen().
            errors: As for popen().
            bufsize: As for popen().
            timeout: Seconds, None for ever.

        Returns:
            The process. Its args are empty.

        Raises:
            AlreadyStoppedError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS has no handle for a PIPE, since the process was started without a pipe there or whoever had
                the pipe has closed it; or HCS refuses for another reason.

        HCS: HcsOpenProcess, HcsGetProcessInfo, HcsSetProcessCallback
        """
        deadline = Deadline(seconds(timeout))
        streams = StreamFormat(text, encoding, errors, bufsize)
        wanted = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        pid = check_attach(pid, wanted)
        self._check_pipes(stdin, stdout, stderr)
        return finish(
            attach_process(Process, self._handle, pid, wanted, streams, self._reopen, self._has_windows_guest, deadline)
        )

    if TYPE_CHECKING:

        @overload
        def popen(
            self,
            args: Command,
            *,
            text: typing.Literal[True],
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
            text: typing.Literal[False] | None = None,
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
        ) -> Process[typing.Any]: ...

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
        max_output: int | None = None,
        on_output: Callable[[str, typing.Any], object] | None = None,
        timeout: float | None = None,
    ) -> Process[typing.Any]:
        """Start a process in the running system, as subprocess.Popen does.

        Args:
            args: A list of words, joined for a Windows guest by the rules of subprocess, passed as they are to a Linux
                guest; or a string, which becomes the CommandLine unchanged.
            stdin: PIPE, or None or DEVNULL for a stream that is not connected.
            stdout: The same.
            stderr: The same.
            cwd: A folder in the guest.
            env: Variables to set.
            user: Whom to run as.
            text: As for subprocess.Popen.
            encoding: As for subprocess.Popen.
            errors: As for subprocess.Popen.
            bufsize: As for subprocess.Popen.
            console: True, or the (rows, columns), for a pseudo-terminal, whose output all comes on stdout.
            max_output: The bytes that communicate() keeps of each of stdout and stderr. The rest is read and thrown
                away, and output_cut tells of it; a character that the limit cuts in two goes with it. None keeps
                everything. With max_output or on_output, stdout or stderr has to be PIPE.
            on_output: What to call with "stdout" or "stderr" and each piece of output as it comes, all of it whatever
                max_output is: bytes, or text in text mode. wait() and communicate() call it, on the thread that waits
                in them, and raise what it raises.
            timeout: Seconds until the process has to be there, None for ever.

        Returns:
            The process.

        Raises:
            PathNotFoundError: There is no such program.
            AccessDeniedError: The program may not be run.
            InvalidStateError: The system does not run.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsCreateProcess, HcsSetProcessCallback
        """
        deadline = Deadline(seconds(timeout))
        streams = StreamFormat(text, encoding, errors, bufsize)
        streams.live = live_output(max_output, on_output, streams, stdout, stderr)
        self._check_pipes(stdin, stdout, stderr)
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
        return finish(
            start_process(
                Process, self._handle, parameters, args, streams, self._reopen, self._has_windows_guest, deadline
            )
        )

    if TYPE_CHECKING:

        @overload
        def run(
            self,
            args: Command,
            *,
            text: typing.Literal[True],
            input: str | None = None,
            encoding: str | None = None,
            errors: str | None = None,
            **options: Unpack[RunOptions],
        ) -> expired.CompletedProcess[str]: ...
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
        ) -> expired.CompletedProcess[str]: ...
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
        ) -> expired.CompletedProcess[str]: ...
        @overload
        def run(
            self,
            args: Command,
            *,
            input: bytes | None = None,
            text: typing.Literal[False] | None = None,
            encoding: None = None,
            errors: None = None,
            **options: Unpack[RunOptions],
        ) -> expired.CompletedProcess[bytes]: ...
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
        ) -> expired.CompletedProcess[typing.Any]: ...

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
        max_output: int | None = None,
        on_output: Callable[[str, typing.Any], object] | None = None,
        timeout: float | None = None,
    ) -> expired.CompletedProcess[typing.Any]:
        """Run a command in the system to its end, as subprocess.run() does.

        The process is killed on a timeout, a KeyboardInterrupt and any other failure.

        Args:
            args: As for popen().
            input: What to write to stdin.
            capture_output: Whether stdout and stderr become PIPE; with a console only stdout, where all of its output
                comes. Output without a pipe is thrown away, and never shown on the terminal.
            check: Whether an exit code other than 0 is an error.
            stdin: As for popen().
            stdout: As for popen().
            stderr: As for popen().
            cwd: As for popen().
            env: As for popen().
            user: As for popen().
            text: As for popen().
            encoding: As for popen().
            errors: As for popen().
            bufsize: As for popen().
            console: As for popen().
            max_output: As for popen(). The output_cut of what is returned tells whether there was more.
            on_output: As for popen().
            timeout: Seconds for everything, from the start of the process on; None for ever.

        Returns:
            The args, the exit code, and the output that was captured.

        Raises:
            subprocess.TimeoutExpired: The time is up. This is a TimeoutError too, and has the output so far, as bytes.
            subprocess.CalledProcessError: The exit code is not 0, with check.
            HcsError: As for popen() and Process.communicate().

        HCS: HcsCreateProcess, HcsTerminateProcess
        """
        limit = seconds(timeout)
        deadline = Deadline(limit)
        streams = StreamFormat(text, encoding, errors, bufsize)
        stdin, stdout, stderr = run_pipes(input, streams, capture_output, stdin, stdout, stderr, console)
        return finish(
            run_to_end(
                lambda: self.popen(
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
                    max_output=max_output,
                    on_output=on_output,
                    timeout=deadline.remaining(),
                ),
                args,
                input,
                limit,
                deadline,
                check,
            )
        )

    def duplicate_handle(self) -> OwnedSystem:
        """Open a second handle to this very system, without event callback: one that into_raw() may give away.

        It takes 10 seconds at most.

        Returns:
            The handle, owned by who gets it.

        Raises:
            SystemNotFoundError: The system is gone, even if another one has its id now.
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsOpenComputeSystem, HcsGetComputeSystemProperties
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
) -> list[documents.Properties]:
    """List the compute systems of this host.

    Values are compared exactly, so a system whose Owner HCS does not tell has no owner.

    Args:
        owner: One owner or several; only systems of these. None is any.
        ids: The same for ids.
        types: The same for types.
        namespace: Where to look, None for the namespace of everybody.
        timeout: Seconds, None for ever.

    Returns:
        The properties of each system.

    Raises:
        AccessDeniedError: This account may not use HCS.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace
    """
    limit = seconds(timeout)
    check_namespace(namespace)
    selection = Selection(owner, ids, types)
    if selection.is_empty():
        return []
    return selection.of(finish(CALLS.enumerate_systems(selection.query, namespace, limit)))
