"""The command ``hcsrt errors``: what an HRESULT means."""

import json

import click

from .._addresses import page_of_error
from ..errors import explain
from .output import open_console, print_text


# A negative number is a spelling of an HRESULT here, not an unknown option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document: symbol, hresult, code, meaning, hint, exception, page.",
)
@click.argument("code", metavar="CODE|NAME")
def errors(code: str, as_json: bool) -> None:
    """Explain an HRESULT of the Host Compute Service: its number in any spelling, or its name."""
    try:
        explanation = explain(code)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    number = f"0x{explanation.hresult & 0xFFFFFFFF:08X}"
    exception = explanation.exception if explanation.hresult < 0 else None
    page = page_of_error(explanation.symbol)
    if as_json:
        document = {
            "symbol": explanation.symbol,
            "hresult": explanation.hresult,
            "code": number,
            "meaning": explanation.meaning,
            "hint": explanation.hint,
            "exception": exception,
            "page": page,
        }
        click.echo(json.dumps(document, indent=2))
        return
    console = open_console()
    title = f"{number} ({explanation.hresult})"
    print_text(console, f"{explanation.symbol} {title}" if explanation.symbol else title, "bold")
    print_text(console, explanation.meaning)
    if explanation.hint:
        print_text(console, f"Hint: {explanation.hint}")
    if exception:
        print_text(console, f"Raised as hcsrt.{exception}")
    if page:
        print_text(console, f"More: {page}")
