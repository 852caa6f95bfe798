"""What the emulator varies, as hcsrt/emulator/assumptions.py has its rows, and the files that are made of these."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
ROWS = "hcsrt/emulator/assumptions.py"
SWITCHES = "hcsrt/native/emulator/switches.h"
PAGE = "docs/explanation/emulator.md"

_FIELDS = ("name", "choices", "about", "one_in", "native", "probe")
_SWITCHES = re.compile(r"#define HCSRT_SWITCHES\(ROW\) (?:\\\n +ROW\(.*\) ?)+\n")
_TABLE = re.compile(r"^\| name \| what \| choices \|\n(?:\|.*\n)+", re.MULTILINE)


def rows() -> Iterator[dict[str, Any]]:
    """Yield the rows, without importing hcsrt, which may not be built."""
    tree = ast.parse((REPOSITORY / ROWS).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Assumption":
            row = dict.fromkeys(_FIELDS)
            row.update(zip(_FIELDS, map(ast.literal_eval, node.args), strict=False))
            row.update({keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg})
            yield row


def _switches() -> str:
    lines = [f"    ROW({row['name']}, {len(row['choices'])}, {row['one_in'] or 0})" for row in rows() if row["native"]]
    return "#define HCSRT_SWITCHES(ROW) \\\n" + " \\\n".join(lines) + "\n"


def _table() -> str:
    """Return the table for readers: rare choices are marked as that."""
    lines = ["| name | what | choices |\n|---|---|---|\n"]
    for row in rows():
        plain, *others = (f"`{choice}`" for choice in row["choices"])
        seldom = f"; once in {row['one_in']} times " if row["one_in"] else "; "
        lines.append(f"| `{row['name']}` | {row['about']} | {plain}{seldom}{' or '.join(others)} |\n")
    return "".join(lines)


def _replaced(path: str, pattern: re.Pattern[str], made: str) -> str:
    text, count = pattern.subn(lambda _: made, (REPOSITORY / path).read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{path}: {count} places for what {ROWS} makes, and there has to be one")
    return text


def generated() -> dict[str, str]:
    """Return the header and the page with the rows in them, by their paths in the repository."""
    return {SWITCHES: _replaced(SWITCHES, _SWITCHES, _switches()), PAGE: _replaced(PAGE, _TABLE, _table())}
