"""Messages and exit codes of the command line itself."""

import textwrap
from shutil import get_terminal_size

from rich.console import Console
from rich.text import Text

TIMED_OUT = 124
FAILED = 125
NOT_INVOKABLE = 126
NOT_FOUND = 127

NARROW = 20
"""The columns that lines are broken for at least."""


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: what a user gave is neither markup nor the name of an emoji."""
    # The width is not rich's own, which prints nothing at all if COLUMNS is 0, and does not ask a dumb terminal.
    width = get_terminal_size().columns
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def complain(error: Exception) -> None:
    tell(" ".join(str(error).split()) or type(error).__name__, "bold red")


def tell(message: str, style: str = "bold") -> None:
    """Print a message of the command line itself on stderr."""
    open_console(stderr=True).print(Text.assemble(("hcsrt:", style), f" {message}"), soft_wrap=True)


def print_text(console: Console, text: str, style: str = "", *, lead: Text | None = None) -> None:
    """Print a text behind a lead, with its lines broken between words on a terminal and nowhere else."""
    lead = lead or Text()
    width = console.width - lead.cell_len
    if console.file.isatty() and width >= NARROW:
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        text = f"\n{' ' * lead.cell_len}".join(lines)
    console.print(Text.assemble(lead, (text, style)), soft_wrap=True)
