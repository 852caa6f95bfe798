"""Arguments arrive as they were given, by the rules that Windows itself has for command lines."""

import ctypes
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hcsrt import ComputeSystem
from hcsrt.emulator.commandline import split

# Half a surrogate pair is no character, and a NUL ends a command line.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
text = st.text(st.one_of(st.sampled_from('"\\ \t*%'), characters))
# A program's own rules have no way to write others.
programs = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"'), min_size=1)


@pytest.fixture(scope="module")
def command_line_to_argv() -> Callable[[str], list[str]]:
    """CommandLineToArgvW of shell32."""
    if sys.platform != "win32":
        pytest.skip("CommandLineToArgvW is a function of Windows")
    function = ctypes.WinDLL("shell32").CommandLineToArgvW
    function.argtypes = [ctypes.c_wchar_p, ctypes.POINTER(ctypes.c_int)]
    function.restype = ctypes.POINTER(ctypes.c_wchar_p)
    local_free = ctypes.WinDLL("kernel32").LocalFree
    local_free.argtypes = [ctypes.c_void_p]

    def command_line_to_argv(line: str) -> list[str]:
        count = ctypes.c_int()
        argv = function(line, ctypes.byref(count))
        assert argv
        try:
            return argv[: count.value]
        finally:
            local_free(argv)

    return command_line_to_argv


def other_in_wine(line: str) -> bool:
    """Whether Wine goes on with the program where Windows ends it: at a control character that is no tab."""
    wine = hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
    return wine and not line.startswith('"') and any(character < " " for character in re.split("[ \t]", line)[0])


def test_every_short_line_is_taken_apart_as_windows_does(command_line_to_argv: Callable[[str], list[str]]) -> None:
    lines = ("".join(line) for length in range(1, 8) for line in itertools.product('a"\\ ', repeat=length))
    assert [line for line in lines if split(line) != command_line_to_argv(line)] == []


# Of an empty command line CommandLineToArgvW makes the name of the program that calls it.
@given(line=text.filter(bool))
def test_a_line_is_taken_apart_as_windows_does(command_line_to_argv: Callable[[str], list[str]], line: str) -> None:
    assume(not other_in_wine(line))
    assert split(line) == command_line_to_argv(line)


@given(program=programs.filter(lambda program: not program.endswith("\\")), arguments=st.lists(text))
def test_windows_gets_the_arguments_back(
    command_line_to_argv: Callable[[str], list[str]], program: str, arguments: list[str]
) -> None:
    line = subprocess.list2cmdline([program, *arguments])
    assert command_line_to_argv(line) == split(line) == [program, *arguments]


PROGRAM = "import json, sys; print(json.dumps(sys.argv[1:]))"


def test_a_process_gets_its_arguments(system: ComputeSystem) -> None:
    @settings(max_examples=20, deadline=None)
    @given(st.lists(text, max_size=50))
    def arrive(arguments: list[str]) -> None:
        done = system.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, check=True, timeout=60)
        assert json.loads(done.stdout) == arguments

    arrive()
