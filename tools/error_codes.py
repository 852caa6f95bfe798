"""The page of all error codes, made of hcsrt/_codes.py, hcsrt/_hresults.py and the classes of hcsrt/errors.py."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = "docs/reference/errors.md"

OPENING = """\
# Errors

<!-- Made by `tools/facts.py write` of hcsrt/_codes.py, hcsrt/_hresults.py and hcsrt/errors.py; edit those. -->

Find a code here by its number in any spelling or by its symbol, and read what it means and what to do about it. In a
terminal, `hcsrt errors CODE` tells the same, and from Python {py:func}`hcsrt.errors.explain`.

An error of hcsrt is an {py:exc}`hcsrt.HcsError` or one of its subclasses. It has the code as `hresult`, a signed
number, the `symbol`, the HCS function as `operation`, the error document of HCS as `document`, and what to do as
`hint`. [Exceptions](python.md#exceptions) lists the classes. A code that is not on this page is raised all the same, as
an {py:exc}`hcsrt.HcsError` that says which part of Windows speaks.
"""

# The parts of the page: a title, and the beginnings of the symbols in it; the last one has the rest.
PARTS = (
    ("Compute systems, their processes and operations", ("HCS_", "ERROR_VMCOMPUTE_")),
    ("Networks, and the guest's side of them", ("HCN_", "GCN_")),
    ("Windows in general", ("",)),
)
# What Markdown would read as its own.
SPECIAL = re.compile(r"([\\`*\[\]<>$#])")


def load() -> tuple[ModuleType, ModuleType, ModuleType]:
    """Return _codes, _hresults and errors of the source tree, whether or not hcsrt is built there or installed."""
    package = ModuleType("hcsrt")
    package.__path__ = [str(REPOSITORY / "hcsrt")]
    sys.modules["hcsrt"] = package
    codes, hresults, errors = (import_module(f"hcsrt.{name}") for name in ("_codes", "_hresults", "errors"))
    return codes, hresults, errors


def escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def sentence(text: str) -> str:
    return escaped(text if text.endswith(".") else f"{text}.")


def page() -> str:
    """Return the text of the page."""
    codes, hresults, errors = load()
    names: dict[int, list[str]] = {}
    for name, value in vars(hresults).items():
        if isinstance(value, int):
            names.setdefault(value, []).append(name)
    left = sorted(codes.MEANINGS)
    blocks = [OPENING]
    for title, beginnings in PARTS:
        here = [code for code in left if codes.SYMBOLS[code].startswith(beginnings)]
        left = [code for code in left if code not in here]
        blocks.append(f"## {title}\n")
        blocks += (entry(code, names[code], codes, errors) for code in here)
    return "\n".join(blocks)


def entry(code: int, names: list[str], codes: ModuleType, errors: ModuleType) -> str:
    """Return the section of a code, with an anchor for each of its symbols and index entries for all its spellings."""
    explanation = errors.explain(code)
    symbol, *others = names
    twin = code ^ 0x40000000
    spellings = [f"0x{code:08X}"]
    if code & 0xFFFF0000 == 0x80370000:
        # HCS says the same with either number.
        spellings.append(f"0x{twin:08X}")
        others += [] if twin not in codes.SYMBOLS else [codes.SYMBOLS[twin]]
    decimals = [str(number) for number in dict.fromkeys((explanation.hresult, code))]
    lines = [
        *(f"({name})=" for name in (symbol, *others)),
        f"### {spellings[0]} {escaped(symbol)}",
        "",
        f"```{{index}} {', '.join((*spellings, *decimals, symbol, *others))}\n```",
        "",
        sentence(explanation.meaning),
        "",
    ]
    if explanation.hint:
        lines += [f"**What to do:** {sentence(explanation.hint)}", ""]
    if codes.ON_EMULATOR.get(code):
        lines += [f"On the emulator: {sentence(codes.ON_EMULATOR[code])}", ""]
    for (special, function), hint in codes.HINTS.items():
        if special == code:
            lines += [f"From {escaped(function)}: {sentence(hint)}", ""]
    if explanation.hresult < 0:
        lines.append(f"- Raised as {{py:exc}}`hcsrt.{explanation.exception}`")
    lines.append(f"- Also written {', '.join(f'`{word}`' for word in (*decimals, *spellings[1:], *others))}")
    return "\n".join(lines) + "\n"


def generated() -> dict[str, str]:
    """Return the text of the page, by its path in the repository."""
    return {PAGE: page()}
