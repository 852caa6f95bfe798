"""The error of a command that takes too long, apart from the rest because subprocess is slow to import."""

from __future__ import annotations

import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .commands import Command


class TimeoutExpired(subprocess.TimeoutExpired, TimeoutError):
    """The TimeoutExpired of subprocess, and a TimeoutError like every other timeout of hcsrt."""

    def __init__(self, cmd: Command, timeout: float, output: bytes | None = None, stderr: bytes | None = None) -> None:
        super().__init__(cmd, timeout, output, stderr)  # pyright: ignore[reportArgumentType]
        # For pickle: TimeoutError would leave the args empty.
        self.args = (cmd, timeout)
