# Made from hcsrt/aio/process.py by `python tools/faces.py write`: change that file instead of this one.
"""Processes inside a compute system, with the conventions of subprocess."""

from __future__ import annotations

from . import documents
from ._blocking import finish
from ._blocking.process import BlockingProcess
from ._facade import AnyStr
from ._facade.commands import DEVNULL, PIPE, STDOUT, resize_request
from ._facade.times import Deadline
from ._handles import OwnedProcess
from .events import EventSource

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Process"]


class Process(BlockingProcess[AnyStr], EventSource[OwnedProcess]):
    """A process in a compute system, as ComputeSystem.popen() starts it and ComputeSystem.open_process() opens it.

    It has the names of subprocess.Popen with their meaning, but for this. A stream that is no PIPE is not connected:
    there is nothing that a process in another system could inherit. The object owns a handle, which the end of the
    `with` block or close() releases; neither kills the process. kill() and terminate() are the same, as on Windows. An
    exit code that HCS does not tell is an error, never a number.

    Children of the process may hold its pipes open after it has exited. Who reads stdout or stderr as a file then waits
    for them too, as with subprocess; communicate() and run() do not, nor do the streams of hcsrt.aio. The close() of a
    stream, or of the process, ends the reads of other threads in it: they raise ValueError, as for a closed file.

    With max_output or on_output the object reads the output itself, and there is no stdout and no stderr for others.
    wait() and communicate() read it to its end then, one of them at a time; while nobody is in either, the process is
    held back once its pipes are full. close() and the end of the block read nothing.

    Attributes:
        pid: The process id in the guest.
        args: The command as it was given, empty if the process was opened.
        stdin: A file where a pipe was asked for, else None.
        stdout: The same; None also with max_output or on_output.
        stderr: The same.
        returncode: The exit code, 0 to 0xFFFFFFFF, once poll(), wait() or communicate() has seen it.
    """

    def close(self) -> None:
        """Close the streams and the handle; this does not kill the process.

        What is buffered for stdin is written first, for at most 5 seconds. A second close does nothing.

        HCS: HcsCloseProcess
        """
        finish(self._close())

    def poll(self) -> int | None:
        """Return the exit code if the process has exited, else None.

        Now and then this asks HCS, which may have lost the exit event, and takes up to 0.1 seconds.

        Raises:
            HcsError: The process has exited, and HCS does not tell how.

        HCS: HcsGetProcessProperties
        """
        return finish(self._returncode_by(Deadline(0)))

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit and return the exit code.

        A process that has filled a pipe waits for a reader, which this is not unless popen() was given max_output or
        on_output: communicate() is one.

        Args:
            timeout: Seconds, None for ever.

        Raises:
            subprocess.TimeoutExpired: The process still runs at the end. This is a TimeoutError too.
            HcsError: The process has exited, and HCS does not tell how; or HCS has never told whether it runs, and
                refuses to for half a minute.
            ServiceDisconnectedError: The service has gone away, and the exit is not known.

        HCS: HcsGetProcessProperties
        """
        return finish(self._wait(timeout))

    def communicate(
        self, input: AnyStr | None = None, timeout: float | None = None
    ) -> tuple[AnyStr | None, AnyStr | None]:
        """Write input to stdin and close it, read stdout and stderr to their end at the same time, wait for the exit.

        Children of the process may hold its pipes open after it has exited. Reading then ends when nothing has come for
        1 second, and 10 seconds after the exit at the latest.

        Args:
            input: What to write.
            timeout: Seconds, None for ever.

        Returns:
            What was read from stdout and stderr, None where there is no pipe. With max_output each has at most so many
            bytes; output_cut tells whether there were more.

        Raises:
            subprocess.TimeoutExpired: The time is up. It has the output so far, as bytes. Another communicate() then
                goes on, and nothing is lost.
            HcsError: As for wait(), or HCS refuses to close stdin.

        HCS: HcsGetProcessProperties
        """
        return finish(self._communicate(input, timeout))

    def kill(self, *, timeout: float | None = None) -> None:
        """End the process at once, without waiting for its exit. It is no error if it has exited already.

        Args:
            timeout: Seconds, None for ever.

        Raises:
            OperationTimeoutError: The time is up.
            AccessDeniedError: HCS does not allow it.

        HCS: HcsTerminateProcess
        """
        finish(self._kill(timeout))

    def terminate(self, *, timeout: float | None = None) -> None:
        """Kill the process, as kill() does; send_signal() asks a process to end.

        Args:
            timeout: Seconds, None for ever.

        HCS: HcsTerminateProcess
        """
        finish(self._kill(timeout))

    def send_signal(self, signal: str | int, *, timeout: float | None = None) -> None:
        """Send a signal. It is no error if the process has exited already, as for Popen.send_signal().

        Args:
            signal: For a Windows guest "CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff" or "CtrlShutdown"; for a Linux
                guest its number.
            timeout: Seconds, None for ever.

        Raises:
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsSignalProcess
        """
        finish(self._signal(signal, timeout))

    def resize_console(self, height: int, width: int, *, timeout: float | None = None) -> None:
        """Change the size of the emulated console.

        Args:
            height: Rows.
            width: Columns.
            timeout: Seconds, None for ever.

        Raises:
            HcsError: The process has no console, or has exited.

        HCS: HcsModifyProcess
        """
        finish(self._modify(resize_request(height, width), timeout))

    def properties(self, *, timeout: float | None = None) -> documents.ProcessStatus:
        """Ask for the properties of the process.

        Args:
            timeout: Seconds, None for ever.

        Returns:
            A ProcessStatus document. Its ExitCode means something only if Exited is true and LastWaitResult 0.

        Raises:
            OperationTimeoutError: The time is up.
            HcsError: HCS refuses for another reason.

        HCS: HcsGetProcessProperties
        """
        return finish(self._properties(timeout))

    def modify(self, request: documents.Given[documents.ProcessModifyRequest], *, timeout: float | None = None) -> None:
        """Change the process by a ProcessModifyRequest: the size of its console, or the end of its standard streams.

        Args:
            request: A document such as {"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}.
            timeout: Seconds, None for ever.

        Raises:
            HcsError: The process has exited, or HCS refuses for another reason.
            OperationTimeoutError: The time is up.

        HCS: HcsModifyProcess
        """
        finish(self._modify(request, timeout))

    def duplicate_handle(self) -> OwnedProcess:
        """Open a second handle to this process, without event callback: one that into_raw() may give away.

        It takes 10 seconds at most.

        Returns:
            The handle, owned by who gets it.

        Raises:
            HcsError: The process is gone.
            OperationTimeoutError: The time is up.

        HCS: HcsOpenProcess, HcsGetProcessProperties
        """
        return finish(self._duplicate())
