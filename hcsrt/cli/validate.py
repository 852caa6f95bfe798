"""The command ``hcsrt validate``: whether JSON files are documents that HCS takes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console
from rich.text import Text

from .._facade.times import Deadline
from ..documents.checking import check
from ..documents.problems import Problem
from .output import complain, open_console, print_text, tell
from .places import Place, Places, place_of_offset
from .streams import NoUtf8Error, read_in_time, text_of
from .types import better_type, type_named

if TYPE_CHECKING:
    Host = Literal["windows", "emulator"]

_WRONG, _UNREADABLE = 1, 2
_STYLES = {"error": "bold red", "warning": "yellow"}
_INDENT = Text("    ")


def _parse_schema(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\d{1,4}\.\d{1,4}", value, re.ASCII):
        raise click.BadParameter("expected a version such as 2.1")
    return value


def _parse_type(context: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        return type_named(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _refuse_twice(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if value.count("-") > 1:
        raise click.BadParameter("- is stdin, which can be read once only")
    return value


@dataclass(frozen=True)
class _Finding:
    """A problem of a file, and where it is; place is None where no text has it."""

    file: str
    problem: Problem
    place: Place | None

    def as_document(self) -> dict[str, Any]:
        line, column = self.place or (None, None)
        problem = self.problem
        return {
            "file": self.file,
            "line": line,
            "column": column,
            "path": problem.path,
            "kind": problem.kind,
            "severity": problem.severity,
            "text": problem.text,
            "fact": problem.fact,
        }


@click.command()
@click.option(
    "--type",
    "type_",
    metavar="TYPE",
    default="ComputeSystem",
    callback=_parse_type,
    help="Type of the document; ComputeSystem by default.",
)
@click.option(
    "--schema",
    metavar="VERSION",
    callback=_parse_schema,
    help="Refuse members and values newer than this schema version, such as 2.1. Without it, those of any version are "
    "accepted.",
)
@click.option(
    "--host",
    type=click.Choice(["windows", "emulator"]),
    default="windows",
    show_default=True,
    help="What is to run the document. For the emulator, host paths are those of this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the problems as one JSON document.")
@click.argument("files", metavar="FILE|-...", nargs=-1, required=True, callback=_refuse_twice)
def validate(type_: str, schema: str | None, host: Host, as_json: bool, files: tuple[str, ...]) -> None:
    """Check JSON files against the schemas of HCS and HCN, and against rules that no schema has.

    Give - to read stdin. Each problem is printed with its place and what to do about it. The exit code is 0 if there is
    no error, even if there are warnings, 1 if there are errors, and 2 if a file cannot be read.
    """
    console = None if as_json else open_console()
    findings: list[_Finding] = []
    is_unreadable = False
    for file in files:
        name = "stdin" if file == "-" else _shown(file)
        try:
            data = read_in_time(None if file == "-" else file, Deadline(None))
        except (OSError, ValueError, MemoryError) as error:
            reason = "too large for the memory" if isinstance(error, MemoryError) else error
            complain(OSError(f"{name}: {getattr(error, 'strerror', None) or reason}"))
            is_unreadable = True
            continue
        found = sorted(_findings(name, data, type_, schema, host), key=lambda finding: finding.place or Place(0, 0))
        findings += found
        if console is not None:
            _print(console, name, found)
    if as_json:
        click.echo(json.dumps({"problems": [finding.as_document() for finding in findings]}, indent=2))
    has_errors = any(finding.problem.severity == "error" for finding in findings)
    sys.exit(_UNREADABLE if is_unreadable else _WRONG if has_errors else 0)


def _findings(file: str, data: bytes, type_: str, schema: str | None, host: Host) -> Iterator[_Finding]:
    """Yield the problems of a file."""
    try:
        text = text_of(data)
    except NoUtf8Error as error:
        yield _Finding(file, Problem("$", "json", str(error)), place_of_offset(error.before, len(error.before)))
        return
    if not text or text.isspace():
        yield _Finding(file, Problem("$", "json", "the file is empty: a JSON object is expected"), Place(1, 1))
        return
    problems = check(text, type_, schema=schema, host=host)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        # The place is told with it, and the advice for those who gave a path in place of a text is not for files.
        yield _Finding(file, Problem("$", "json", f"not JSON: {error.msg}"), Place(error.lineno, error.colno))
        return
    except (ValueError, RecursionError):
        yield from (_Finding(file, problem, None) for problem in problems)
        return
    if any(problem.kind == "unknown" for problem in problems) and (other := better_type(value, type_)):
        tell(f"{file} looks like the type {other}: try --type {other}")
    places = Places(text, {problem.path for problem in problems})
    for problem in problems:
        # Of names that an object has twice the first are those that have no effect.
        place = places.first(problem.path) if problem.kind == "ignored" else places.last(problem.path)
        yield _Finding(file, problem, place)


def _print(console: Console, file: str, findings: list[_Finding]) -> None:
    for finding in findings:
        problem = finding.problem
        place = ":".join(map(str, (file, *(finding.place or ()))))
        head = Text.assemble((place, "bold"), ": ", (problem.severity, _STYLES[problem.severity]), ": ")
        head.append(_shown(problem.path), "cyan")
        text = _shown(problem.text)
        if problem.fact:
            text += f" [{_shown(problem.fact)}]"
        if console.file.isatty():
            console.print(Text.assemble(head, ":"), soft_wrap=True)
            print_text(console, text, lead=_INDENT)
        else:
            print_text(console, text, lead=Text.assemble(head, ": "))
    counts = {name: sum(finding.problem.severity == name for finding in findings) for name in _STYLES}
    told = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    print_text(console, f"{file}: {', '.join(told) or 'no problems'}")


def _shown(text: str) -> str:
    """Return text without what would steer a terminal or break a line."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
