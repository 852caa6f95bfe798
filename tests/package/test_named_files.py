"""What a message or a docstring of the installed package names, its user has: no page and no file of the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "hcsrt"
NAMED = re.compile(r"\b(?:docs|examples|tests|tools|benchmarks|native)/\w|\bREADME|\bCHANGELOG|\b[\w-]+\.(?:md|rst)\b")

_CYTHON = re.compile(
    r'"""(?P<a>(?:\\.|[^\\])*?)"""|\'\'\'(?P<b>(?:\\.|[^\\])*?)\'\'\''
    r'|"(?P<c>(?:\\.|[^"\\\n])*)"|\'(?P<d>(?:\\.|[^\'\\\n])*)\'|#[^\n]*',
    re.DOTALL,
)
_CPP = re.compile(r'"(?P<a>(?:\\.|[^"\\\n])*)"|/\*.*?\*/|//[^\n]*', re.DOTALL)


def strings_of(name: str, text: str) -> Iterator[str]:
    """Yield the strings of a source file, which its user may get to see; no comments."""
    if name.endswith((".py", ".pyi")):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
        return
    pattern = _CPP if name.endswith((".cpp", ".h")) else _CYTHON
    for match in pattern.finditer(text):
        yield from (string for string in match.groups() if string is not None)


def named_in(name: str, text: str) -> list[str]:
    lines = (line for string in strings_of(name, text) for line in string.splitlines())
    includes = re.compile(r"[\w/]+\.h(?:pp)?")
    return [line.strip() for line in lines if NAMED.search(line) and not includes.fullmatch(line)]


SUFFIXES = (".py", ".pyi", ".pyx", ".pxd", ".h", ".cpp")
FILES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES)


def test_there_is_something_to_read() -> None:
    found = {path.suffix: len([*strings_of(path.name, path.read_text("utf-8"))]) for path in FILES}
    assert set(found) == set(SUFFIXES)
    assert len(FILES) > 150


def test_no_string_names_a_file_of_the_sources() -> None:
    named = {path.relative_to(PACKAGE).as_posix(): named_in(path.name, path.read_text("utf-8")) for path in FILES}
    assert {path: lines for path, lines in named.items() if lines} == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", '"""Do it.\n\n    See docs/how-to/run.md.\n"""'),
        ("a.py", 'hint = f"{1} of README.md"'),
        ("a.pyx", "def f():\n    '''See examples/manager.py.'''"),
        ("a.pyx", 'raise ValueError("emulator.md tells more")'),
        ("a.cpp", 'fail("see docs/abi.md");'),
    ],
)
def test_a_name_is_found(name: str, text: str) -> None:
    assert len(named_in(name, text)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "# docs/internals/house.md tells why\nx = 1"),
        ("a.pyx", "# see README.md\nx = 1"),
        ("a.h", "/* docs/abi.md */ // tests/native\n"),
    ],
)
def test_a_comment_may_name_anything(name: str, text: str) -> None:
    assert named_in(name, text) == []
