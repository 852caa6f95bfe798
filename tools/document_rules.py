"""The page of all rules that documents are held to, from the rules themselves."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "hcsrt/documents"
PAGE = "docs/reference/document-rules.md"

_HEAD = """\
# Rules of documents

What `hcsrt.documents.check`, `hcsrt validate` and the emulator want of a document beyond its [types](documents.md), and
where it is known from. An *error* is refused by HCS or HCN, and by the emulator. A *warning* is accepted but is hardly
what the author of the document wants, is refused by some versions or in some cases only, or is sent by no known client.
What is *ignored* is accepted and has no effect.

"Microsoft's schema reference" is that of the documents of HCS, "Microsoft's HNS schema" that of HCN; hcsshim and WSL
are programs of Microsoft whose source is public; ZLayer, AspireHcs and hcsctl are programs of others. What hcsrt's
authors have not seen on Windows themselves is all of it; the points in most doubt are among
[what nobody has seen on Windows yet](../unverified.md).

<!-- Made by `python tools/documents.py write` of the rules in hcsrt/documents/rules. -->
"""

_TITLES = {
    "compute_system": "Compute systems",
    "container": "Containers",
    "storage": "Layers",
    "vm": "Virtual machines",
    "process": "Processes",
    "requests": "Requests and queries",
    "guest": "Requests for a guest",
    "network": "Networks",
    "common": "The registry and Hyper-V sockets",
}
_FOUND = {"error": "error", "warning": "warning", "ignored": "ignored", "check": "error"}
_CALL = re.compile(r"look\.(error|warning|ignored|check)\(")
# Functions that rules leave the saying to.
_HELPERS = re.compile(r"\b(_settings|_details|_operation|_known|first_schema)\(look")


def _rules(root: Path) -> Any:
    """Return the rules by their structs, without importing hcsrt: its extension modules may not be built."""
    name = "_hcsrt_documents"
    package = ModuleType(name)
    package.__path__ = [str(root / PACKAGE)]
    sys.modules[name] = package
    return importlib.import_module(f"{name}.rulebook")


def _found_as(function: Any) -> str:
    """Return what a rule's findings are, as its source has them."""
    source = inspect.getsource(function)
    helpers = _HELPERS.findall(source)
    for helper in helpers:
        called = inspect.getsource(getattr(inspect.getmodule(function), helper))
        source += called
        helpers += _HELPERS.findall(called.partition("\n")[2])
    calls = set(_CALL.findall(source))
    # Of a rule that is made for each of several sources, each that is made does one of the two.
    certain = inspect.getclosurevars(function).nonlocals.get("certain")
    if certain is not None:
        calls.discard("warning" if certain else "error")
    found = {_FOUND[call] for call in calls}
    return ", ".join(word for word in ("error", "warning", "ignored") if word in found)


def _cell(text: str) -> str:
    return re.sub(r"([|<>*\\{}])", r"\\\1", text)


def _rows(module: str, registered: dict[str, list[Any]]) -> Iterator[str]:
    """Yield the rows of the rules of a module, in the order of their definition."""
    structs: dict[Any, list[str]] = {}
    facts: dict[Any, str] = {}
    for struct, rules in registered.items():
        for rule in rules:
            if rule.look_at.__module__.endswith(f".rules.{module}"):
                structs.setdefault(rule.look_at, []).append(struct)
                facts[rule.look_at] = rule.fact
    # One that is made for each of several structs is one row.
    rows: dict[tuple[str, str], tuple[int, Any]] = {}
    merged: dict[tuple[str, str], list[str]] = {}
    for function, names in structs.items():
        key = (function.__name__, facts[function])
        line = function.__code__.co_firstlineno
        if key not in rows or line < rows[key][0]:
            rows[key] = (line, function)
        merged.setdefault(key, []).extend(names)
    for key, (_, function) in sorted(rows.items(), key=lambda item: item[1][0]):
        types = ", ".join(f"`{struct}`" for struct in sorted(set(merged[key])))
        yield f"| {types} | {_cell(function.__doc__)} | {_found_as(function)} | {_cell(key[1])} |"


def generated(root: Path) -> dict[str, str]:
    """Return the page, by its path in the repository."""
    rulebook = _rules(root)
    registered = importlib.import_module(f"{rulebook.__package__}.rules").registered()
    lines = [_HEAD]
    for module in rulebook.MODULES:
        name = module.__name__.rsplit(".", 1)[-1]
        lines += [f"## {_TITLES[name]}", "", "| type | rule | found as | known from |", "|---|---|---|---|"]
        lines += [*_rows(name, registered), ""]
    return {PAGE: "\n".join(lines)}
