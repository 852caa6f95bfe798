"""Every function and type of the extension modules is called with every wrong and half-made thing: nothing crashes.

tests/helpers/wrong_calls makes the calls, in a process of its own.
"""

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hcsrt import _handles, _interpose, _library, _streams

from ..helpers.platforms import WINDOWS

PROGRAM = Path(__file__).parents[1] / "helpers" / "wrong_calls"

LIMIT_SECONDS = 280

Search = Callable[..., tuple[int, str]]


@pytest.fixture
def search(tmp_path: Path, request: pytest.FixtureRequest) -> Search:
    """Return a function that makes the calls, and returns the exit code and what was told, the last call too."""

    def search(*options: object) -> tuple[int, str]:
        record = tmp_path / "record"
        seed = request.config.option.hcs_seed
        command = [sys.executable, PROGRAM, "--record", record, "--seed", seed, *options]
        with subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
        ) as program:
            try:
                told, _ = program.communicate(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                told = f"{program.communicate()[0]}\nwas not done after {LIMIT_SECONDS} s"
        return program.returncode, f"{told}\nlast: {record.read_text('ascii').splitlines()[0]}"

    return search


@pytest.mark.slow
def test_nothing_crashes_hangs_or_leaks(search: Search) -> None:
    # Under Wine the same calls take ten times as long.
    code, told = search("--share", 0.1, "--parts", 4 if WINDOWS else 1)
    print(told)
    assert code == 0, told


@pytest.mark.slow
def test_nothing_crashes_hangs_or_leaks_whatever_value_is_given(search: Search) -> None:
    code, told = search()
    print(told)
    assert code == 0, told


@pytest.mark.parametrize(
    ("function", "found"),
    [
        ("crash", ": planted.crash(None)"),
        ("abort", ": planted.abort(None)"),
        pytest.param("hang", "FAULT: hangs: planted.hang(None)", marks=pytest.mark.slow),
        pytest.param("hang_with_the_gil", ": planted.hang_with_the_gil(None)", marks=pytest.mark.slow),
        pytest.param("leak", "FAULT: there stay {'operations': ", marks=pytest.mark.slow),
        pytest.param("miscount", "FAULT: there stay {'pending': ", marks=pytest.mark.slow),
        ("misuse", "FAULT: misuse: HcsCloseOperation: handle "),
        ("break_python", "FAULT: planted.break_python(None): SystemError"),
        ("lose", "FAULT: planted.lose(None): nobody gets LookupError('lost')"),
    ],
)
def test_a_planted_fault_is_found(search: Search, function: str, found: str) -> None:
    patience = ("--patience", 2) if "hang" in function else ()
    code, told = search("--module", PROGRAM / "planted.py", "--only", f"planted.{function}", *patience)
    assert code != 0, told
    assert found in told


def test_calls_that_only_another_loop_collects_are_no_fault(search: Search) -> None:
    code, told = search("--module", PROGRAM / "planted.py", "--only", "planted.close_a_loop")
    assert code == 0, told


def test_what_is_left_out_exists() -> None:
    program = runpy.run_path(str(PROGRAM), run_name="wrong_calls")
    modules = [_handles, _interpose, _library, _streams]
    assert program["strangers"](modules, set(program["LEFT_OUT"])) == set()
    gone = {"hcsrt._handles.OwnedSystem.from_pointer", "hcsrt._handles.OwnedMachine"}
    assert program["strangers"](modules, gone | {"hcsrt._handles.Handle.close", "hcsrt._library.choose"}) == gone
