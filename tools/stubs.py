"""The docstrings of the stubs, taken from the Cython modules that they describe: each text is written once.

    python tools/stubs.py write    makes the docstrings of hcsrt/**/*.pyi those of the .pyx beside
    python tools/stubs.py check    fails if one of the stubs is not as written

Signatures are written in the stub, by hand: a .pyx does not have the types that a type checker needs. Names have to
agree: what a stub defines is in the .pyx, and what the .pyx defines is in the stub if it is public.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "hcsrt"
NO_CODE = {tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER}
# What Python calls the constructor of Cython.
CONSTRUCTORS = {"__init__", "__new__"}
# Stands for the block of a function, and for all that Python does not see.
HIDDEN = ""


def statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each logical line of a Cython module, with the number of blocks around it."""
    depth = 0
    words: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type == tokenize.NEWLINE:
            yield depth, words
            words = []
        elif token.type not in NO_CODE:
            words.append(token.string)


def definitions(text: str) -> dict[str, str | None]:
    """Return what a Cython module defines for Python, as "name" or "Class.name", each with its docstring as written."""
    found: dict[str, str | None] = {}
    # The names of the blocks around a statement; None is an `if` and the like.
    blocks: list[str | None] = []
    opened: str | None = None
    defined: str | None = None
    for depth, words in statements(text):
        if depth > len(blocks):
            blocks.append(opened)
        del blocks[depth:]
        if defined is not None and words[0].endswith('"""'):
            found[defined] = words[0]
        opened = defined = None
        if HIDDEN in blocks:
            continue
        prefix = "".join(f"{name}." for name in blocks if name)
        is_c = words[0] in ("cdef", "cpdef")
        match words[1:] if is_c or words[0] == "async" else words:
            case ["class", name, *_]:
                opened = name
                defined = prefix + name
            case ["def", name, *_]:
                opened = HIDDEN
                defined = prefix + name
            case ["readonly" | "public", *rest] if is_c:
                # A string is the name in C, after the one in Python; several names may have one type.
                names = [word for word in rest if not word.endswith('"')]
                ends = [place - 1 for place, word in enumerate(names) if word == ","] + [-1]
                found |= dict.fromkeys(prefix + names[end] for end in ends)
            case _ if is_c and words[-1] == ":":
                opened = HIDDEN
        if defined in found:
            # The setter of a property, whose docstring is that of the getter.
            defined = None
        elif defined is not None:
            found[defined] = None
    return found


class Writer(ast.NodeVisitor):
    """A writer that gives the definitions of a stub the docstrings of its Cython module."""

    def __init__(self, source: str, docstrings: dict[str, str | None]) -> None:
        self._lines = source.encode().splitlines(keepends=True)
        self._tree = ast.parse(source)
        self._docstrings = docstrings
        self._path: list[str] = []
        self._changes: list[tuple[int, int, str]] = []
        self.names: set[str] = set()

    def written(self) -> str:
        self.visit(self._tree)
        data = b"".join(self._lines)
        for start, end, text in sorted(self._changes, reverse=True):
            data = data[:start] + text.encode() + data[end:]
        return data.decode()

    # Columns of the syntax tree count bytes of UTF-8.
    def _at(self, line: int, column: int) -> int:
        return sum(map(len, self._lines[: line - 1])) + column

    def _definition(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._path.append(node.name)
        name = ".".join(self._path)
        self.names.add(name)
        docstring = self._docstrings.get(name)
        first = node.body[0]
        start = self._at(first.lineno, first.col_offset)
        indent = " " * 4 * len(self._path)
        assert first.end_lineno is not None
        assert first.end_col_offset is not None
        end = self._at(first.end_lineno, first.end_col_offset)
        if isinstance(first, ast.Expr):
            # A docstring or an ellipsis.
            rest = "" if len(node.body) > 1 else "..."
            self._changes.append((start, end, rest if docstring is None else f"\n{indent}{docstring}"))
        elif docstring is not None:
            decorators: list[ast.expr] = getattr(first, "decorator_list", [])
            line = min([first.lineno, *(decorator.lineno for decorator in decorators)])
            self._changes.append((self._at(line, 0), self._at(line, 0), f"{indent}{docstring}\n\n"))
        if isinstance(node, ast.ClassDef):
            self.generic_visit(node)
        self._path.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._definition(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._definition(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._definition(node)


def disagreements(stub: set[str], module: set[str]) -> list[str]:
    """Return a line for each name that only one of a stub and its Cython module has."""
    found: list[str] = []
    for name in sorted(stub - module):
        owner, _, last = name.rpartition(".")
        if not (last in CONSTRUCTORS and f"{owner}.__cinit__" in module):
            found.append(f"{name} is in the stub alone")
    # Special methods are those of `object`, or of a base class of the stub, unless the stub says more.
    hidden = {name for name in module if any(part.startswith("_") for part in name.split("."))}
    found += [f"{name} is in the Cython module alone" for name in sorted(module - stub - hidden)]
    return found


def formatted(text: str, path: Path) -> str:
    return subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(path), "-"],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        cwd=PACKAGE.parent,
    ).stdout


def stubs() -> dict[Path, str]:
    """Return the stubs as they should be."""
    made: dict[Path, str] = {}
    errors: list[str] = []
    for module in sorted(PACKAGE.rglob("*.pyx")):
        path = module.with_suffix(".pyi")
        found = definitions(module.read_text("utf-8"))
        if not path.exists():
            # Some modules have nothing but C for others.
            if found:
                errors.append(f"{path.relative_to(PACKAGE.parent).as_posix()} is missing")
            continue
        if path.with_suffix(".pxd").exists():
            # The attributes of classes that other Cython modules use.
            found = definitions(path.with_suffix(".pxd").read_text("utf-8")) | found
        writer = Writer(path.read_text("utf-8"), found)
        made[path] = formatted(writer.written(), path)
        name = path.relative_to(PACKAGE.parent).as_posix()
        errors += [f"{name}: {line}" for line in disagreements(writer.names, found.keys())]
    if errors:
        raise SystemExit("\n".join(errors))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["write", "check"])
    command = parser.parse_args().command
    differs = False
    for path, text in stubs().items():
        before = path.read_text("utf-8")
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
        print("change the .pyx and run `python tools/stubs.py write`", file=sys.stderr)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
