"""Command lines are taken apart as CommandLineToArgvW does it."""

import subprocess

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hcsrt.emulator.commandline import split


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("program", ["program"]),
        ("program ", ["program"]),
        ("a b\tc", ["a", "b", "c"]),
        (r'a "b c" d', ["a", "b c", "d"]),
        (r'a "" b', ["a", "", "b"]),
        (r'a b"c d"e f', ["a", "bc de", "f"]),
        (r'a "b c', ["a", "b c"]),
        ("a b\nc", ["a", "b\nc"]),
        # Backslashes matter before a quotation mark only.
        (r"a b\c\\d", ["a", r"b\c\\d"]),
        (r"a \"b c\"", ["a", '"b', 'c"']),
        (r'a "b\\" c', ["a", "b\\", "c"]),
        (r"a b\\\"c", ["a", r"b\"c"]),
        (r'a "b \"c\" d"', ["a", 'b "c" d']),
        (r'a "b\\\\" c', ["a", "b\\\\", "c"]),
        # A pair of marks inside a quoted part is one plain mark, with which the quoted part ends.
        (r'a "b""c d" e', ["a", 'b"c', "d e"]),
        (r'a """b"""', ["a", '"b"']),
        (r'a """"', ["a", '"']),
        # The program has rules of its own: no escapes, an end at the closing mark or at the first blank.
        (r'"C:\Program Files\x\" y', ["C:\\Program Files\\x\\", "y"]),
        (r'"a b"c d', ["a b", "c", "d"]),
        (r'a"b c" d', ['a"b', "c d"]),
        ("a\nb c", ["a", "\nb", "c"]),
        (" a b", ["", "a", "b"]),
        ("", [""]),
    ],
)
def test_rules(line: str, expected: list[str]) -> None:
    assert split(line) == expected


programs = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"'), min_size=1)
argument = st.text(st.one_of(st.sampled_from('"\\ \t'), st.characters(exclude_categories=["Cs"])))


@given(programs, st.lists(argument))
def test_undoes_list2cmdline(program: str, arguments: list[str]) -> None:
    # A program's own rules have no way to write these.
    assume(not any(character <= " " and character not in " \t" for character in program))
    assume(not (program.endswith("\\") and any(blank in program for blank in " \t")))
    assert split(subprocess.list2cmdline([program, *arguments])) == [program, *arguments]


@given(st.text(st.sampled_from('a"\\ \t')))
def test_takes_any_line(line: str) -> None:
    parts = split(line)
    assert len(parts) >= 1
    assert "".join(parts).count("a") == line.count("a")
