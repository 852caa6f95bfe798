"""Messages and exit codes of the command line itself."""

import os

from rich.console import Console
from rich.markup import escape

TIMED_OUT = 124
FAILED = 125
NOT_INVOKABLE = 126
NOT_FOUND = 127


def complain(error: Exception) -> None:
    message = " ".join(str(error).split()) or type(error).__name__
    try:
        Console(stderr=True, highlight=False).print(f"[bold red]hcsrt:[/] {escape(message)}", soft_wrap=True)
    except OSError:
        discard_output_to(2)


def discard_output_to(fd: int) -> None:
    """Discard what is left in a stream's buffer: if it could not be written, Python would choose the exit code."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, fd)
    os.close(null)
