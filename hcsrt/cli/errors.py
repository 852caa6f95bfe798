"""The command ``hcsrt errors``: what an HRESULT means."""

import click
from rich.console import Console
from rich.markup import escape

from ..errors import explain


# A negative number is a spelling of an HRESULT here, not an unknown option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("code", metavar="CODE|NAME")
def errors(code: str) -> None:
    """Explain an HRESULT of the Host Compute Service: its number in any spelling, or its name."""
    try:
        explanation = explain(code)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    console = Console(highlight=False)
    title = f"0x{explanation.hresult & 0xFFFFFFFF:08X} ({explanation.hresult})"
    if explanation.symbol:
        title = f"{explanation.symbol} {title}"
    console.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    console.print(escape(explanation.meaning), soft_wrap=True)
    if explanation.hint:
        console.print(f"Hint: {escape(explanation.hint)}", soft_wrap=True)
    if explanation.hresult < 0:
        console.print(f"Raised as hcsrt.{explanation.exception}", soft_wrap=True)
