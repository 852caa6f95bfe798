"""The outcomes of a command, apart from the rest because subprocess is slow to import."""

from __future__ import annotations

import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, AnyStr

    from .commands import Command
else:
    AnyStr = object  # all that is needed of it; typing is slow to import too


class TimeoutExpired(subprocess.TimeoutExpired, TimeoutError):
    """The TimeoutExpired of subprocess, and a TimeoutError like every other timeout of hcsrt."""

    def __init__(self, cmd: Command, timeout: float, output: bytes | None = None, stderr: bytes | None = None) -> None:
        super().__init__(cmd, timeout, output, stderr)  # pyright: ignore[reportArgumentType]
        # For pickle: TimeoutError would leave the args empty.
        self.args = (cmd, timeout)


class CompletedProcess(subprocess.CompletedProcess[AnyStr]):
    """The CompletedProcess of subprocess.

    Attributes:
        output_cut: Whether there was more output than max_output lets stdout and stderr have.
    """

    def __init__(self, args: Command, returncode: int, stdout: Any, stderr: Any, output_cut: bool) -> None:
        super().__init__(args, returncode, stdout, stderr)
        self.output_cut: bool = output_cut
