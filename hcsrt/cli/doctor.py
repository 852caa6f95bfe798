"""The command ``hcsrt doctor``: whether HCS can be used from here."""

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import hcsrt

from ..doctor import Status, examine, usable

_STATUS_STYLES: dict[Status, str] = {"ok": "green", "warning": "yellow", "error": "bold red", "unknown": "cyan"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: hcsrt, backend, usable, findings.")
def doctor(as_json: bool) -> None:
    """Find out whether HCS can be used from here, and what to do if it cannot.

    Where the emulator takes the place of HCS, as on Linux and macOS, the emulator is examined. The exit code is 0 if
    HCS or the emulator can be used, even if not for everything, and 1 if it cannot.
    """
    findings = examine()
    try:
        backend = hcsrt.backend()
    except (OSError, ValueError, ImportError):
        backend = None
    if as_json:
        document = {
            "hcsrt": hcsrt.__version__,
            "backend": backend,
            "usable": usable(findings),
            "findings": [asdict(finding) for finding in findings],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            table.add_row(Text(finding.status, _STATUS_STYLES[finding.status]), finding.name, Text(finding.found))
            if finding.remedy is not None:
                table.add_row("", "", Text(f"Remedy: {finding.remedy}", "bold"))
        name = "The emulator" if backend == "emulator" else "HCS"
        console = Console(highlight=False)
        console.print(table)
        console.print(f"{name} can be used." if usable(findings) else f"{name} cannot be used: see the errors.")
    sys.exit(0 if usable(findings) else 1)
