"""The command ``hcsrt doctor``: whether HCS can be used from here."""

import json
import sys
from dataclasses import asdict

import click
from rich.text import Text

import hcsrt

from ..doctor import Status, examine, usable
from .output import open_console, print_text

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
        console = open_console()
        status_width = max(len(finding.status) for finding in findings)
        name_width = max(len(finding.name) for finding in findings)
        for finding in findings:
            status = (finding.status.ljust(status_width), _STATUS_STYLES[finding.status])
            lead = Text.assemble(status, f"  {finding.name.ljust(name_width)}  ")
            print_text(console, finding.found, lead=lead)
            if finding.remedy is not None:
                print_text(console, f"Remedy: {finding.remedy}", "bold", lead=Text(" " * lead.cell_len))
        name = "The emulator" if backend == "emulator" else "HCS"
        print_text(console, f"{name} can be used." if usable(findings) else f"{name} cannot be used: see the errors.")
    sys.exit(0 if usable(findings) else 1)
