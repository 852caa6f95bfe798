"""The tables of docs/unverified.md, of the points that `python -m hcsrt.check_host` has its probes for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
POINTS = "hcsrt/_check_host/points.json"
PAGE = "docs/unverified.md"

_HEAD = "| not known | what hcsrt does | to be settled by |\n|---|---|---|\n"
_TABLE = re.compile(r"^## (?P<room>.+)\n\n\| not known \|.*\n(?:\|.*\n)+", re.MULTILINE)


def _row(point: dict[str, Any]) -> str:
    settled_by = ", ".join(f"`{probe}`" for probe in point["probes"]) or point["never"]
    return f"| {point['unknown']} | {point['answer']} | {settled_by} |\n"


def generated() -> dict[str, str]:
    """Return the page with the tables as the points have them, by its path in the repository."""
    points = json.loads((REPOSITORY / POINTS).read_text(encoding="utf-8"))
    rows: dict[str, str] = {}
    for point in points:
        rows[point["room"]] = rows.get(point["room"], "") + _row(point)

    def table(match: re.Match[str]) -> str:
        return f"## {match['room']}\n\n{_HEAD}{rows.pop(match['room'])}"

    text = _TABLE.sub(table, (REPOSITORY / PAGE).read_text(encoding="utf-8"))
    if rows:
        raise SystemExit(f"{PAGE}: no table for {', '.join(rows)}")
    return {PAGE: text}
