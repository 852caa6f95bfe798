"""The command ``hcsrt schema``: what the types of documents have."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .output import NARROW, open_console, print_text
from .types import FAMILIES, Row, Type, json_schema, member_named, named_in, reached, type_named, type_names, type_of

_WORD_IN_NAME = re.compile(r"_|(?<=[a-z])(?=[A-Z])")


@click.command()
@click.option(
    "--search",
    metavar="TEXT",
    help="Find names and descriptions that contain this text; with TYPE, only in it and the types below it.",
)
@click.option("--json-schema", "as_json_schema", is_flag=True, help="Print the JSON Schema, for editors.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document in place of the text.")
@click.argument("name", metavar="[TYPE[.MEMBER...]]", required=False)
def schema(name: str | None, search: str | None, as_json_schema: bool, as_json: bool) -> None:
    """Show what documents of HCS and HCN may have in them.

    Without TYPE these are the types of documents; with one, its members with their types, the schema version that first
    has them, and what they are. MEMBER leads on to the type of a member: ComputeSystem.VirtualMachine.Devices.
    """
    if as_json_schema and (as_json or search is not None):
        raise click.UsageError("--json-schema goes with neither --json nor --search")
    if search == "":
        raise click.BadParameter("expected a text", param_hint="--search")
    try:
        way, type_ = _follow(name) if name is not None else ([], None)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if as_json_schema:
        _print_json(_json_schema_of(way, type_))
    elif search is not None:
        names = type_names() if name is None else reached([type_.name] if type_ is not None else [])
        _search(search, map(type_of, names), as_json)
    elif name is None:
        _list(as_json)
    else:
        _describe(way, type_, as_json)


def _follow(name: str) -> tuple[list[Row], Type | None]:
    """Return the members that a name leads along, and the type at its end, or None if that has no members."""
    first, *members = name.split(".")
    way: list[Row] = []
    type_: Type | None = type_of(type_named(first))
    for member in members:
        if type_ is None:
            raise ValueError(f"{way[-1]} is {way[-1].type or 'a value'}, which has no members")
        way.append(member_named(type_, member))
        names = named_in(way[-1].type or "")
        type_ = type_of(names[-1]) if names else None
    return way, type_


def _list(as_json: bool) -> None:
    types = [type_of(name) for name in type_names()]
    if as_json:
        _print_json({"types": [type_.summary() for type_ in types]})
        return
    console = open_console()
    for family, words in FAMILIES.items():
        print_text(console, f"{family}: {words}", "bold")
        rows = [(type_.name, type_.kind, type_.description) for type_ in types if type_.family == family]
        _print_table(console, ("type", "kind", "description"), rows)
        console.print()
    print_text(
        console, "'hcsrt schema TYPE' shows one type, 'hcsrt schema --search TEXT' searches names and descriptions."
    )


def _describe(way: list[Row], type_: Type | None, as_json: bool) -> None:
    row = way[-1] if way else None
    if as_json:
        _print_json({"member": row and row.as_document(), "type": type_ and type_.as_document()})
        return
    console = open_console()
    if row is not None:
        _print_rows(console, [(str(row), row)])
    if row is not None and type_ is not None:
        console.print()
    if type_ is not None:
        print_text(console, type_.description, lead=Text.assemble((type_.name, "bold"), ": "))
        if type_.rows:
            console.print()
            _print_rows(console, [(row.name, row) for row in type_.rows])


def _search(text: str, types: Iterable[Type], as_json: bool) -> None:
    wanted = text.casefold()
    begins = re.compile(rf"\b{re.escape(wanted)}")

    def rank_of(thing: Type | Row) -> int | None:
        """Return how likely a thing is what was meant: 0 is best; None if it is not."""
        name, description = thing.name.casefold(), thing.description.casefold()
        if wanted not in name and wanted not in description:
            return None
        # "Nat" means OutboundNat, and a NAT network, rather than a Destination.
        if begins.search(_WORD_IN_NAME.sub(" ", thing.name).casefold()) or name.startswith(wanted):
            return 0
        return 1 if begins.search(description) else 2

    ranks = [(rank_of(thing), thing) for type_ in types for thing in (type_, *type_.rows)]
    found = [thing for best in range(3) for rank, thing in ranks if rank == best]
    if as_json:
        _print_json({"found": [thing.summary() for thing in found]})
    elif found:
        _print_rows(open_console(), [(str(thing), thing) for thing in found])
    else:
        raise click.ClickException(f"nothing has {text!r} in its name or description")
    sys.exit(0 if found else 1)


def _json_schema_of(way: list[Row], type_: Type | None) -> dict[str, Any]:
    """Return a JSON Schema with no more definitions than it needs; that of a compute system has them all."""
    whole = json_schema()
    if type_ is None and not way:
        return whole
    definitions = whole["$defs"]
    if way:
        definition = definitions[way[-1].owner].get("properties", {}).get(way[-1].name, {"const": way[-1].name})
    else:
        assert type_ is not None
        definition = {"$ref": f"#/$defs/{type_.name}"}
    title = str(way[-1]) if way else type_.name if type_ is not None else ""
    names = reached(named_in(way[-1].type or "") if way else [title])
    return {
        "$schema": whole["$schema"],
        "title": title,
        **definition,
        **({"$defs": {name: definitions[name] for name in names}} if names else {}),
    }


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2))


def _print_rows(console: Console, rows: list[tuple[str, Type | Row]]) -> None:
    columns = ("name", "type", "since", "facts", "description")
    _print_table(console, columns, [(name, *thing.cells()) for name, thing in rows])


def _print_table(console: Console, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table without its empty columns; the last one is broken between words on a terminal."""
    used = [number for number in range(len(columns)) if any(row[number] for row in rows)]
    cells = [[row[number] for number in used] for row in rows]
    heads = [columns[number] for number in used]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    if console.file.isatty():
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline")
        # Names and types stay whole where the last column has room all the same.
        is_wide = sum(widths[:-1]) + 2 * len(widths) + NARROW <= console.width
        for number, head in enumerate(heads):
            table.add_column(head, overflow="fold", no_wrap=is_wide and number + 1 < len(heads))
        for row in cells:
            table.add_row(*map(Text, row))
        console.print(table)
        return
    for row in (heads, *cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_text(console, line.rstrip())
