"""The blocking face, made from hcsrt.aio: the surface that both share is written once.

    python tools/faces.py write    makes hcsrt/{bulk,events,process,service,system}.py
    python tools/faces.py check    fails if one of them is not as written

The awaited face is the one that is written: the other follows from it by leaving things away, as psycopg does it. So a
signature or docstring is written in one file, while type checkers, help() and editors see plain Python in both. The
syntax tree tells what to change, and the text is changed at these places: so comments stay, which a tree written out
would not have. Then ruff formats the text; the `lint` extra has it, and nothing else is needed.

`async def` becomes `def`. `await f(...)` becomes a plain call if f is a public name of the face, as in `await
self.popen(...)`, and `finish(f(...))` otherwise: what is private is a coroutine that never suspends. Names and modules
are mapped by NAMES and MODULES, the words of docstrings by WORDS; a docstring with nothing in common stands in
DOCSTRINGS. What differs between the faces is written by hand, in hcsrt/aio/_*.py and hcsrt/_blocking.
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
FACES = ("bulk", "events", "process", "service", "system")
WIDTH = 120
HEADER = "# Made from hcsrt/aio/{face}.py by `python tools/faces.py write`: change that file instead of this one.\n"

# Functions whose calls lose their `await`. Public methods lose it too: their names tell.
FUNCTIONS = {"systems"}
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
# Sentences and words of docstrings, each of them found at least once.
WORDS = {
    "times out, is cancelled or fails halfway": "times out, is interrupted or fails halfway",
    "If this is cancelled, hcsrt.pending() counts the handle until it is closed. A second close": "A second close",
    "another task may be waiting": "another thread may be waiting",
    "a cancellation and any other failure": "a KeyboardInterrupt and any other failure",
    "as asyncio.create_subprocess_exec() does": "as subprocess.Popen does",
    "bufsize: The bytes that a reader takes ahead, and the longest line that it reads, in characters in text mode; "
    "64 Ki unless given.": "bufsize: As for subprocess.Popen.",
    "\nNotImplementedError: A PIPE is wanted and the event loop has none, as a SelectorEventLoop on Windows.": "",
    "What stdin has taken is written first": "What is buffered for stdin is written first",
    "A second close does nothing. If this is cancelled, the handles are closed without waiting for anything; "
    "hcsrt.pending() counts them until they are. A process with pipes is closed on its own event loop; once that is "
    "closed, on any.": "A second close does nothing.",
    "and nothing is lost, nor if this is cancelled.": "and nothing is lost.",
    "in an `async for` loop": "in a `for` loop",
    "of any task": "of any thread within 0.1 seconds",
    "grace: Seconds for the shutdown of each.": "grace: Seconds for the shutdown of each, counted from when its turn "
    "comes. Up to 64 are stopped side by side.",
}
# The docstrings that have nothing in common, by the name of what they are about: None is the module.
DOCSTRINGS: dict[tuple[str, str | None], str] = {
    ("bulk", None): "Verbs on many things at once: each gives a result or an error for every one of them.",
    ("events", None): "Events: what HCS tells of a compute system or a process without being asked.",
    ("process", None): "Processes inside a compute system, with the conventions of subprocess.",
    ("service", None): """\
        The Host Compute Service itself: its properties and settings, and the files that virtual machines need.

        HCS takes and answers each of these calls in one go: one that is interrupted, or whose time is up, goes on to
        its end. On the main thread, and where there is a timeout, it is made on another thread, if this one does not
        impersonate.
        """,
    ("system", None): "Compute systems: containers and virtual machines of the Host Compute Service.",
    ("events", "Events"): """\
        The events of a compute system or process, as events() of either gives them.

        An iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or this
        one, is closed. Any method may be called from any thread; threads that share one share its events.
        """,
    ("process", "Process"): """\
        A process in a compute system, as ComputeSystem.popen() starts it and ComputeSystem.open_process() opens it.

        It has the names of subprocess.Popen with their meaning, but for this. A stream that is no PIPE is not
        connected: there is nothing that a process in another system could inherit. The object owns a handle, which the
        end of the `with` block or close() releases; neither kills the process. kill() and terminate() are the same, as
        on Windows. An exit code that HCS does not tell is an error, never a number.

        Children of the process may hold its pipes open after it has exited. Who reads stdout or stderr as a file then
        waits for them too, as with subprocess; communicate() and run() do not, nor do the streams of hcsrt.aio.

        Attributes:
            pid: The process id in the guest.
            args: The command as it was given, empty if the process was opened.
            stdin: A file where a pipe was asked for, else None.
            stdout: The same.
            stderr: The same.
            returncode: The exit code, 0 to 0xFFFFFFFF, once poll(), wait() or communicate() has seen it.
        """,
    ("system", "ComputeSystem"): """\
        A compute system: made by create() or open(), closed by close() or the end of the `with` block.

        Closing releases the handle and does not stop the system; HCS terminates it with its last handle if its document
        says ShouldTerminateOnLastHandleClosed. Any method may be called from any thread. Once the object is closed, its
        methods raise HandleClosedError, but for those that end what is known to have ended.

        A timeout and Ctrl-C end every wait for HCS, even where it keeps the thread that calls it: on the main thread,
        and where there is a timeout, the call is made on another thread. It goes on there, hcsrt.pending() counts it,
        and what it makes is ended as with on_abandon. Only a thread that acts as somebody else, on Windows, makes its
        calls itself, with its own token: there the wait begins when HCS has taken the call.
        """,
}


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
        self.used_words: set[str] = set()
        self.used_docstrings: set[tuple[str, str | None]] = set()

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
        self._docstring(node, None)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._docstring(node, node.name)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._docstring(node, node.name)
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
        self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str | None
    ) -> None:
        text = ast.get_docstring(node)
        if text is None:
            return
        expression = node.body[0]
        key = (self._face, name)
        if key in DOCSTRINGS:
            self.used_docstrings.add(key)
            text = textwrap.dedent(DOCSTRINGS[key]).strip()
        else:
            text = self._with_words(text)
        indent = " " * expression.col_offset
        lines = wrapped(text, WIDTH - len(indent))
        if len(lines) == 1:
            written = f'"""{lines[0]}"""'
        else:
            rest = "\n".join(indent + line if line else "" for line in lines[1:])
            written = f'"""{lines[0]}\n{rest}\n{indent}"""'
        self._replace(self._start(expression), self._end(expression), written)

    def _with_words(self, text: str) -> str:
        items = unwrapped(text)
        joined = "\n".join(items)
        for words, others in WORDS.items():
            # A newline stands for the begin of an item, with its indentation.
            pattern = rf"\n *{re.escape(words[1:])}" if words.startswith("\n") else re.escape(words)
            joined, count = re.subn(pattern, lambda _, others=others: others, joined)
            if count:
                self.used_words.add(words)
        return joined


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
    """Format a module as ruff does, with its imports sorted and those that it does not need left away."""
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
    words: set[str] = set()
    docstrings: set[tuple[str, str | None]] = set()
    for face in FACES:
        converter = Converter(face, (PACKAGE / "aio" / f"{face}.py").read_text("utf-8"))
        path = PACKAGE / f"{face}.py"
        made[path] = formatted(converter.convert(), path)
        words |= converter.used_words
        docstrings |= converter.used_docstrings
    stale = [*(WORDS.keys() - words), *map(str, DOCSTRINGS.keys() - docstrings)]
    if stale:
        raise SystemExit("hcsrt.aio has these words no more:\n" + "\n".join(stale))
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
        print("change hcsrt/aio and run `python tools/faces.py write`", file=sys.stderr)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
