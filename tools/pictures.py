"""Draw the pictures of README.md into docs/pictures.

    python -m tools.pictures

layers.svg shows how hcsrt is built, performance.svg some of the figures that docs/explanation/performance keeps, and
terminal.svg what hcsrt prints in a terminal, recorded from a run on this machine. Each has its colours for light and
for dark pages, and is as wide as a phone. tests/package/test_pictures.py holds them to what they show.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
FIGURES = ROOT / "docs" / "explanation" / "performance" / "figures.json"

WIDTH = 360
MARGIN = 8
SANS = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
MONOSPACE = "ui-monospace, 'SF Mono', Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

# Of a terminal, by their numbers there: on a light page, and on a dark one.
COLOURS = {
    1: ("#cf222e", "#ff7b72"),
    2: ("#116329", "#3fb950"),
    3: ("#7d4e00", "#d29922"),
    4: ("#0969da", "#58a6ff"),
    6: ("#1b7c83", "#39c5cf"),
}


def rules(scheme: int) -> str:
    return "\n".join(f".colour{number} {{ fill: {colours[scheme]}; }}" for number, colours in COLOURS.items())


STYLE = f"""
text {{ font: 12px {SANS}; fill: #1f2328; }}
.title {{ font-size: 13px; font-weight: 600; }}
.name {{ font-family: {MONOSPACE}; }}
.bold {{ font-weight: 700; }}
.quiet {{ fill: #59636e; }}
.page {{ fill: #ffffff; stroke: #d1d9e0; }}
.yours {{ fill: none; stroke: #818b98; stroke-dasharray: 4 3; }}
.face {{ fill: #ddf4ff; stroke: #54aeff; }}
.core {{ fill: #b6e3ff; stroke: #0969da; }}
.table {{ fill: #f6f8fa; stroke: #818b98; }}
.backend {{ fill: #dafbe1; stroke: #4ac26b; }}
.bar {{ fill: #afb8c1; }}
.ours {{ fill: #0969da; }}
.line {{ fill: none; stroke: #59636e; }}
.spread {{ stroke: #1f2328; }}
{rules(0)}
@media (prefers-color-scheme: dark) {{
text {{ fill: #f0f6fc; }}
.quiet {{ fill: #9198a1; }}
.page {{ fill: #0d1117; stroke: #3d444d; }}
.yours {{ stroke: #9198a1; }}
.face {{ fill: #0c2d6b; stroke: #388bfd; }}
.core {{ fill: #0d419d; stroke: #79c0ff; }}
.table {{ fill: #151b23; stroke: #9198a1; }}
.backend {{ fill: #033a16; stroke: #2ea043; }}
.bar {{ fill: #656c76; }}
.ours {{ fill: #4493f8; }}
.line {{ stroke: #9198a1; }}
.spread {{ stroke: #f0f6fc; }}
{rules(1)}
}}
"""


def page(height: float, title: str, parts: Iterable[str]) -> str:
    """Return a picture on a page of its own, so that it can be read on a page of any colour."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}"'
            f' width="{WIDTH * 3 // 2}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="6"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    styled = f' class="{style}"' if style else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:g}" y="{y:g}"{styled}{anchored}>{escape(words, quote=False)}</text>'


# How hcsrt is built

LINE = 16


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    return f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"/>'


def written(x: float, y: float, lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Write lines, each with its style, one below the other with x in their middle."""
    for number, (words, style) in enumerate(lines):
        yield text(x, y + number * LINE, words, style, "middle")


def arrow(x: float, y: float, length: float) -> str:
    return f'<path class="line" d="M{x:g} {y:g}v{length:g}m-3 -4l3 4l3 -4"/>'


def layers() -> str:
    """Draw what stands upon what, from the program down to the backends."""
    inner = WIDTH - 2 * MARGIN
    third = (inner - 2 * MARGIN) / 3
    half = (inner - MARGIN) / 2
    left = [MARGIN + number * (third + MARGIN) for number in range(3)]
    middle = [x + third / 2 for x in left]
    parts: list[str] = []

    top, height = MARGIN, 44
    for number, (title, line) in enumerate(
        [("Your program", ("or hcsrt run")), ("Your program", "with asyncio"), ("Your package", "in Cython or C++")]
    ):
        parts.append(box(left[number], top, third, height, "yours"))
        parts += written(middle[number], top + 18, [(title, "title"), (line, "")])
    parts += [arrow(x, top + height + 2, 14) for x in middle]

    top += height + 18
    height = 62
    for number, (title, lines) in enumerate(
        [("hcsrt", ["ComputeSystem", "Process, run"]), ("hcsrt.aio", ["the same names,", "with await"])]
    ):
        parts.append(box(left[number], top, third, height, "face"))
        style = "" if "." in title else "name"
        parts += written(middle[number], top + 19, [(title, "title name"), *((line, style) for line in lines)])

    # The core comes up to the Cython code, which needs no face.
    below = top + height + MARGIN
    depth = 62
    parts.append(
        f'<path class="core" stroke-linejoin="round" d="M{MARGIN} {below:g}H{left[2]:g}V{top:g}H{WIDTH - MARGIN}'
        f'V{below + depth:g}H{MARGIN}Z"/>'
    )
    parts += written(middle[2], top + 19, [("cimport", "title name"), ("calls without", ""), ("the GIL", "")])
    parts += written(
        WIDTH / 2,
        below + 19,
        [
            ("Core", "title"),
            ("owned handles, calls, events, streams:", ""),
            ("any thread may use and close them at any time", ""),
        ],
    )

    top = below + depth + MARGIN
    height = 26
    parts.append(box(MARGIN, top, inner, height, "table"))
    parts += written(WIDTH / 2, top + 17, [("one table of the functions of HCS", "")])

    top += height + MARGIN
    height = 62
    for x, title, lines in (
        (MARGIN, ("computecore.dll", "title name"), ["on Windows: containers", "and virtual machines"]),
        (MARGIN + half + MARGIN, ("The emulator", "title"), ["anywhere: processes of", "this machine, not isolated"]),
    ):
        parts.append(box(x, top, half, height, "backend"))
        parts += written(x + half / 2, top + 19, [title, *((line, "") for line in lines)])

    return page(top + height + MARGIN, "How hcsrt is built", parts)


# Figures of docs/explanation/performance

WORK = "async, 1024 in flight, 0 ms, 1024 B, 1 thread completes: rate"
CONTESTANTS = {
    "the loop alone": "the event loop alone, without any call",
    "hcsrt": "hcsrt",
    "the callback takes the GIL": "a binding whose callback takes the GIL",
    "ctypes, a callback": "ctypes with a callback",
    "64 threads that wait": "a pool of 64 threads that wait",
}


def performance(figures: str) -> str:
    """Draw the operations a second of those who can be told apart, from the text of the figures."""
    run = json.loads(figures)["gil"]
    measured = {name: run["works"][WORK][f"{name}, asyncio"] for name in CONTESTANTS}
    scale = (WIDTH - 2 * MARGIN - 52) / max(spread[-1] for _, *spread in measured.values())
    parts = [text(MARGIN + 4, 24, "Operations a second, with 1,024 in flight", "title")]
    top = 46
    for name, (_, median, low, high) in measured.items():
        parts.append(text(MARGIN + 4, top, CONTESTANTS[name], "title" if name == "hcsrt" else ""))
        style = "ours" if name == "hcsrt" else "bar"
        parts.append(
            f'<rect class="{style}" x="{MARGIN + 4}" y="{top + 5}" width="{median * scale:.1f}" height="12" rx="1"/>'
        )
        parts.append(
            f'<path class="spread" d="M{MARGIN + 4 + low * scale:.1f} {top + 11}H{MARGIN + 4 + high * scale:.1f}"/>'
        )
        end = MARGIN + 10 + max(median, high) * scale
        parts.append(text(round(end, 1), top + 15, f"{median / 1000:.3g} k", "title" if name == "hcsrt" else ""))
        top += 37
    machine = run["machine"]
    parts.append(text(MARGIN + 4, top + 2, f"medians and quartiles; asyncio of {machine['python']}", "quiet"))
    processors = f"on {machine['processors']} x {machine['processor']}"
    parts.append(text(MARGIN + 4, top + 2 + LINE, processors, "quiet"))
    return page(top + 14 + LINE, "Operations a second beside other ways to wait for HCS", parts)


# What hcsrt prints in a terminal

COLUMNS = 48
COMMANDS = (
    "hcsrt run -- echo hello",
    "hcsrt run -q --timeout 1 -- sleep 60; echo $?",
    "hcsrt doctor",
)

# Of the environment, what might keep hcsrt from its colours, its width or the emulator.
UNWANTED = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "HCSRT_BACKEND")


def printed(command: str) -> str:
    """Return what a command prints in a terminal of COLUMNS columns. It is one for sh, and needs a POSIX system."""
    import pty
    import termios

    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    environment |= {"TERM": "xterm-256color", "PYTHON": sys.executable}
    ours, terminal = pty.openpty()
    try:
        termios.tcsetwinsize(terminal, (24, COLUMNS))
        script = f'hcsrt() {{ "$PYTHON" -m hcsrt "$@"; }}\n{command}'
        process = subprocess.Popen(
            ["sh", "-c", script],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
        )
    finally:
        os.close(terminal)
    output = bytearray()
    with process, open(ours, "rb", buffering=0) as reader:
        try:
            while chunk := reader.read(65536):
                output += chunk
        except OSError:
            pass  # Linux's way to say that nobody has the terminal any more
    return output.decode().replace("\r\n", "\n")


def terminal(session: Iterable[tuple[str, str]]) -> str:
    """Draw commands and what they have printed, with its colours, broken into lines as a terminal does it."""
    from rich.console import Console
    from rich.text import Text

    lines: list[Text] = []
    for command, output in session:
        lines.append(Text.assemble(("$ ", "blue"), (command, "bold")))
        lines += map(Text.from_ansi, output.splitlines())
    rows = [line[start : start + COLUMNS] for line in lines for start in range(0, max(1, len(line)), COLUMNS)]
    console = Console(file=io.StringIO())
    advance = (WIDTH - 2 * MARGIN) / COLUMNS
    parts: list[str] = []
    for number, row in enumerate(rows):
        column = 0
        for words, style, _ in row.render(console):
            styles = ["name"]
            if style is not None and style.bold:
                styles.append("bold")
            if style is not None and style.color is not None:
                assert style.color.number in COLOURS, style
                styles.append(f"colour{style.color.number}")
            spaced = escape(words, quote=False).replace(" ", "&#160;")
            parts.append(
                f'<text class="{" ".join(styles)}"'
                f' x="{MARGIN + column * advance:.1f}" y="{MARGIN + 13 + number * LINE}"'
                f' textLength="{len(words) * advance:.1f}">{spaced}</text>'
            )
            column += len(words)
    return page(len(rows) * LINE + 2 * MARGIN + 4, "hcsrt in a terminal", parts)


def recorded() -> Iterator[tuple[str, str]]:
    for command in COMMANDS:
        yield command, printed(command)


def main() -> None:
    if sys.argv[1:]:
        sys.exit("usage: python -m tools.pictures (tests/package/test_pictures.py compares the pictures)")
    FOLDER.mkdir(exist_ok=True)
    pictures = {
        "layers": layers(),
        "performance": performance(FIGURES.read_text("utf-8")),
        "terminal": terminal(recorded()),
    }
    for name, picture in pictures.items():
        (FOLDER / f"{name}.svg").write_text(picture, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
