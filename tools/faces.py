"""The blocking face, made from hcsrt.aio: the surface that both share is written once.

    python tools/faces.py write    makes hcsrt/{bulk,events,once,process,service,system}.py
    python tools/faces.py check    fails if one of them is not as written

The awaited face is the one that is written: the other follows from it by leaving things out, as psycopg does it. So a
signature or docstring is written in one file, while type checkers, help() and editors see plain Python in both. The
syntax tree tells what to change, and the text is changed at these places: so comments stay, which a tree written out
would not have. Then ruff formats the text; the `lint` extra has it, and nothing else is needed.

`async def` becomes `def`. `await f(...)` becomes a plain call if f is a public name of the face, as in `await
self.popen(...)`, and `finish(f(...))` otherwise: what is private is a coroutine that never suspends. Names and modules
are mapped by NAMES and MODULES, whole sentences of docstrings by SENTENCES; a class with a half of its own in
hcsrt/_blocking has the docstring of that. What differs between the faces is written by hand, in hcsrt/aio/_*.py and
hcsrt/_blocking.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import subprocess
import sys
import textwrap
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "hcsrt"
FACES = ("bulk", "events", "once", "process", "service", "system")
WIDTH = 120
HEADER = "# Made from hcsrt/aio/{face}.py by `python tools/faces.py write`: change that file instead of this one.\n"

# Functions whose calls lose their `await`. Public methods lose it too: their names tell.
FUNCTIONS = {"systems"}
# Decorators of hcsrt.aio that the blocking face has no use for, and no import of.
DECORATORS = {"opening"}
# Modules of hcsrt.aio, as they are imported there.
MODULES = {
    "_bulk": "_blocking.bulk",
    "_calls": "_blocking",
    "_events": "_blocking",
    "_process": "_blocking.process",
    "_system": "_blocking.system",
}
NAMES = {
    "AwaitedEvents": "BlockingEvents",
    "AwaitedOwner": "BlockingOwner",
    "AwaitedProcess": "BlockingProcess",
    "AwaitedSystem": "BlockingSystem",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
# Classes of hcsrt/_blocking that hold the docstrings of the public classes made of them, each with its file.
HALVES = {
    "BlockingEvents": "__init__.py",
    "BlockingProcess": "process.py",
    "BlockingSystem": "system.py",
}
# Whole sentences of docstrings, what stands there and what becomes of it. Each is found at least once; an item that
# loses all of its sentences goes.
SENTENCES = [
    (
        "Verbs on many things at once, for asyncio: each gives a result or an error for every one of them.",
        "Verbs on many things at once: each gives a result or an error for every one of them.",
    ),
    (
        "Events for asyncio: what HCS tells of a compute system or a process without being asked.",
        "Events: what HCS tells of a compute system or a process without being asked.",
    ),
    (
        "Processes inside a compute system for asyncio, with the conventions of asyncio.subprocess.",
        "Processes inside a compute system, with the conventions of subprocess.",
    ),
    (
        "The Host Compute Service itself, for asyncio: its properties and settings, and the files that virtual "
        "machines need.",
        "The Host Compute Service itself: its properties and settings, and the files that virtual machines need.",
    ),
    (
        "HCS tracks none of these calls with an operation: one that is cancelled, or whose time is up, goes on in "
        "HCS to its end.",
        "HCS takes and answers each of these calls in one go: one that is interrupted, or whose time is up, goes "
        "on to its end. On the main thread, and where there is a timeout, it is made on another thread, if this "
        "one does not impersonate.",
    ),
    (
        "Compute systems for asyncio: containers and virtual machines of the Host Compute Service.",
        "Compute systems: containers and virtual machines of the Host Compute Service.",
    ),
    (
        "Take no more events, and end the iteration of any task.",
        "Take no more events, and end the iteration of any thread within 0.1 seconds.",
    ),
    (
        "Read the events that HCS tells from now on, in an `async for` loop or by get().",
        "Read the events that HCS tells from now on, in a `for` loop or by get().",
    ),
    (
        "What stdin has taken is written first, for at most 5 seconds.",
        "What is buffered for stdin is written first, for at most 5 seconds.",
    ),
    (
        "If this is cancelled, the handles are closed without waiting for anything; hcsrt.pending() counts them "
        "until they are. A process with pipes is closed on its own event loop; once that is closed, on any.",
        "",
    ),
    (
        "If this is cancelled, hcsrt.pending() counts the handle until it is closed.",
        "",
    ),
    (
        "Cancel a live migration; another task may be waiting for one of its steps meanwhile.",
        "Cancel a live migration; another thread may be waiting for one of its steps meanwhile.",
    ),
    (
        "Start a process in the running system, as asyncio.create_subprocess_exec() does.",
        "Start a process in the running system, as subprocess.Popen does.",
    ),
    (
        "The process is killed on a timeout, a cancellation and any other failure.",
        "The process is killed on a timeout, a KeyboardInterrupt and any other failure.",
    ),
    (
        "on_abandon: What becomes of the system if its creation times out, is cancelled or fails halfway.",
        "on_abandon: What becomes of the system if its creation times out, is interrupted or fails halfway.",
    ),
    (
        "bufsize: The bytes that a reader takes ahead, and the longest line that it reads, in characters in text "
        "mode; 64 Ki unless given.",
        "bufsize: As for subprocess.Popen.",
    ),
    (
        "Another communicate() then goes on, and nothing is lost, nor if this is cancelled.",
        "Another communicate() then goes on, and nothing is lost.",
    ),
    (
        "One command for asyncio, from its document to its result.",
        "One command, from its document to its result.",
    ),
    (
        "When the time is up, and if the task is cancelled or an error comes from anywhere, the system is terminated "
        "with all that runs in it, and closed.",
        "When the time is up, and if a KeyboardInterrupt or an error comes from anywhere, the system is terminated "
        "with all that runs in it, and closed.",
    ),
    (
        "It is called in this task, and what it raises ends the run and is raised.",
        "It is called on this thread, and what it raises ends the run and is raised.",
    ),
    (
        "It may be a coroutine function, which is awaited.",
        "",
    ),
    (
        "wait() and communicate() call it, in the task that waits for them, and raise what it raises.",
        "wait() and communicate() call it, on the thread that waits in them, and raise what it raises.",
    ),
    (
        "NotImplementedError: A PIPE is wanted and the event loop has none, as a SelectorEventLoop on Windows.",
        "",
    ),
]


class Converter(ast.NodeVisitor):
    """The changes that make a module of the awaited face one of the blocking face."""

    def __init__(self, face: str, source: str) -> None:
        self._face = face
        self._source = source
        # Columns of the syntax tree count bytes of UTF-8.
        self._lines = [line.encode() for line in source.splitlines(keepends=True)]
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._changes: list[tuple[int, int, str]] = []
        self.used_sentences: set[str] = set()

    def convert(self) -> str:
        self.visit(ast.parse(self._source))
        data = self._source.encode()
        for start, end, text in sorted(self._changes, reverse=True):
            data = data[:start] + text.encode() + data[end:]
        text = data.decode()
        docstring_end = text.index("from __future__ import annotations\n") + len("from __future__ import annotations\n")
        if "finish(" in text:
            text = f"{text[:docstring_end]}\nfrom ._blocking import finish\n{text[docstring_end:].lstrip()}"
        return HEADER.format(face=self._face) + text

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._at(node.end_lineno, node.end_col_offset)

    def _replace(self, start: int, end: int, text: str) -> None:
        self._changes.append((start, end, text))

    def _replace_word(self, start: int, end: int, word: str, text: str) -> None:
        """Replace the one occurrence of a word between two places."""
        found = [*re.finditer(rf"\b{re.escape(word)}\b".encode(), self._source.encode()[start:end])]
        self._replace(start + found[0].start(), start + found[0].end(), text)

    # --- statements

    def visit_Module(self, node: ast.Module) -> None:
        self._docstring(node)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = {NAMES.get(part.id) for base in node.bases for part in ast.walk(base) if isinstance(part, ast.Name)}
        half = next((name for name in HALVES if name in bases), None)
        self._docstring(node, None if half is None else docstring_of(half))
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._docstring(node)
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Name) and decorator.id in DECORATORS:
                line = decorator.lineno
                self._replace(self._starts[line - 1], self._starts[line], "")
        if node.name in NAMES:
            self._replace_word(self._start(node), self._start(node.body[0]), node.name, NAMES[node.name])
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._without_async(node)
        self.visit_FunctionDef(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self._without_async(node)
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._without_async(node)
        self.generic_visit(node)

    def _without_async(self, node: ast.stmt) -> None:
        start = self._start(node)
        assert self._source.encode()[start:].startswith(b"async ")
        self._replace(start, start + len("async "), "")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level in (0, 1, 2), "a module of hcsrt.aio imports from hcsrt"
        if {name.name for name in node.names} <= DECORATORS:
            self._replace(self._start(node), self._end(node), "")
            return
        if node.level:
            module = node.module or ""
            module = MODULES.get(module, module) if node.level == 1 else module
            start = self._start(node)
            end = start + self._source.encode()[start:].index(b" import ")
            self._replace(start, end, f"from .{module}")
        for name in node.names:
            if name.name in NAMES:
                self._replace(self._start(name), self._end(name), NAMES[name.name])  # type: ignore[arg-type]

    # --- expressions

    def visit_Await(self, node: ast.Await) -> None:
        start, inside = self._start(node), self._start(node.value)
        if self._blocks(node.value):
            self._replace(start, inside, "")
        else:
            self._replace(start, inside, "finish(")
            self._replace(self._end(node.value), self._end(node.value), ")")
        self.generic_visit(node)

    @staticmethod
    def _blocks(value: ast.expr) -> bool:
        """Return whether what is awaited blocks in the other face: a call of one of its public names."""
        if not isinstance(value, ast.Call):
            return False
        function = value.func
        if isinstance(function, ast.Name):
            return function.id in FUNCTIONS
        # CALLS belongs to the room below the face.
        is_below = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
        if is_below and function.value.id == "CALLS":  # type: ignore[attr-defined]
            return False
        return isinstance(function, ast.Attribute) and not function.attr.startswith("_")

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in NAMES:
            self._replace(self._start(node), self._end(node), NAMES[node.id])

    # --- docstrings

    def _docstring(
        self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, other: str | None = None
    ) -> None:
        text = ast.get_docstring(node)
        if text is None:
            return
        expression = node.body[0]
        text = other or self._with_sentences(text)
        indent = " " * expression.col_offset
        lines = wrapped(text, WIDTH - len(indent))
        if len(lines) == 1:
            written = f'"""{lines[0]}"""'
        else:
            rest = "\n".join(indent + line if line else "" for line in lines[1:])
            written = f'"""{lines[0]}\n{rest}\n{indent}"""'
        self._replace(self._start(expression), self._end(expression), written)

    def _with_sentences(self, text: str) -> str:
        items: list[str] = []
        for item in unwrapped(text):
            pieces = sentences(item.strip())
            for words, others in SENTENCES:
                pieces = self._with_sentence(pieces, words, others)
            if pieces or not item:
                items.append(item[: len(item) - len(item.lstrip())] + " ".join(pieces))
        return "\n".join(items)

    def _with_sentence(self, pieces: list[str], words: str, others: str) -> list[str]:
        wanted = sentences(words)
        for start in range(len(pieces) - len(wanted) + 1):
            end = start + len(wanted)
            if pieces[start:end] == wanted:
                self.used_sentences.add(words)
                return pieces[:start] + sentences(others) + pieces[end:]
        return pieces


def sentences(text: str) -> list[str]:
    """Split what stands on one line; the name before the text of an argument belongs to its first sentence."""
    return re.split(r"(?<=[.!?]) +", text) if text else []


def docstring_of(half: str) -> str:
    """Return the docstring of a class of hcsrt/_blocking."""
    tree = ast.parse((PACKAGE / "_blocking" / HALVES[half]).read_text("utf-8"))
    (node,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == half]
    text = ast.get_docstring(node)
    assert text is not None, f"{half} has no docstring, which is that of a public class"
    return text


SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:")


def unwrapped(text: str) -> list[str]:
    """Join the lines of each paragraph and each item of a docstring; what is indented otherwise is code, and stays."""
    items: list[str] = []
    section = ""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            section = "" if items and not items[-1] else section
            items.append("")
        elif line in SECTIONS:
            section = line
            items.append(line)
        elif indent == 0:
            section = ""
            if items and items[-1] and not items[-1].startswith(" "):
                items[-1] += f" {line}"
            else:
                items.append(line)
        elif section and (indent > 4 or (section == "Returns:" and items[-1] != section)):
            items[-1] += f" {line.strip()}"
        else:
            items.append(line)
    return items


def wrapped(text: str, width: int) -> list[str]:
    """Wrap each line of an unwrapped docstring, the items of a section with a hanging indent."""
    lines: list[str] = []
    section = ""
    for item in unwrapped(text):
        section = item if item in SECTIONS else "" if item and not item.startswith(" ") else section
        if not item or item in SECTIONS or (item.startswith(" ") and not section):
            lines.append(item)
            continue
        indent = len(item) - len(item.lstrip())
        hanging = " " * (indent + 4 if section in ("Args:", "Attributes:", "Raises:") else indent)
        lines += textwrap.wrap(
            item.strip(),
            width,
            initial_indent=" " * indent,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def formatted(text: str, path: Path) -> str:
    """Format a module as ruff does, with its imports sorted and those that it does not need left out."""
    for command in (
        ["check", "--select", "I,F401", "--fix-only", "--quiet"],
        ["format", "--quiet"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=PACKAGE.parent,
        )
        text = done.stdout
    return text


def faces() -> dict[Path, str]:
    """Make the modules of the blocking face."""
    made: dict[Path, str] = {}
    used: set[str] = set()
    for face in FACES:
        converter = Converter(face, (PACKAGE / "aio" / f"{face}.py").read_text("utf-8"))
        path = PACKAGE / f"{face}.py"
        made[path] = formatted(converter.convert(), path)
        used |= converter.used_sentences
    stale = [words for words, _ in SENTENCES if words not in used]
    if stale:
        raise SystemExit("no docstring of hcsrt.aio has these sentences any more:\n" + "\n".join(stale))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["write", "check"])
    command = parser.parse_args().command
    differs = False
    for path, text in faces().items():
        before = path.read_text("utf-8") if path.exists() else ""
        if before == text:
            continue
        if command == "write":
            path.write_text(text, "utf-8", newline="\n")
            continue
        differs = True
        name = path.relative_to(PACKAGE.parent).as_posix()
        sys.stdout.writelines(
            difflib.unified_diff(before.splitlines(True), text.splitlines(True), name, f"{name} as it should be")
        )
    if differs:
        print("change hcsrt/aio or hcsrt/_blocking and run `python tools/faces.py write`", file=sys.stderr)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
