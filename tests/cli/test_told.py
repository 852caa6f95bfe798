"""What the command line tells people, and that telling it changes nothing else."""

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..helpers.platforms import WINDOWS, backend_variable, posix_shell, pseudo_terminal
from ..helpers.programs import TRUE, guest
from .program import HCSRT, INSTALL, MAIN, NOTE, hcsrt, lines, run

# The isolation that is missing


def test_a_pipe_is_told_once_that_nothing_is_isolated(tmp_path: Path) -> None:
    done = hcsrt("run", "--", *guest("out('out'); err('err'); exit(7)"), folder=tmp_path)
    assert (done.returncode, done.stdout, lines(done.stderr)) == (7, b"out\n", [NOTE, "err"])


def test_a_file_is_told_once_that_nothing_is_isolated(tmp_path: Path) -> None:
    with open(tmp_path / "log", "wb") as log:
        code = subprocess.run([*HCSRT, "run", "--", *TRUE], stderr=log, cwd=tmp_path, timeout=60).returncode
    assert (code, (tmp_path / "log").read_text()) == (0, f"{NOTE}\n")


@pseudo_terminal
def test_a_terminal_is_told_once_that_nothing_is_isolated(terminals: Any) -> None:
    terminal = terminals("run", "--", "true")
    assert terminal.finish() == 0
    assert terminal.seen.decode() == f"{NOTE}\r\n"


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_tells_nothing_of_it(tmp_path: Path, option: str) -> None:
    done = hcsrt("run", option, "--", *guest("err('err'); exit(7)"), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"err\n")


def test_quiet_does_not_silence_errors(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--", "no-such-program", folder=tmp_path)
    assert (done.returncode, len(lines(done.stderr))) == (127, 1)


def test_with_json_stdout_is_one_document_all_the_same(tmp_path: Path) -> None:
    done = hcsrt("run", "--json", "--", *guest("err('err')"), folder=tmp_path)
    assert lines(done.stderr) == [NOTE]
    assert json.loads(done.stdout)["stderr"] == "err\n"


# Streams that take nothing


def unread(name: str, folder: Path, program: list[str], **options: Any) -> tuple[int, bytes]:
    """Return what comes of a program one of whose streams is a pipe that nobody reads: its exit code and the other."""
    reading, writing = os.pipe()
    os.close(reading)
    other = "stdout" if name == "stderr" else "stderr"
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, name: writing, other: subprocess.PIPE}
    try:
        done = subprocess.run(program, cwd=folder, timeout=60, **streams, **options)
    finally:
        os.close(writing)
    return done.returncode, getattr(done, other)


def full(name: str, folder: Path, program: list[str], **options: Any) -> tuple[int, bytes]:
    """Return the same of a program one of whose streams is a device that is full."""
    other = "stdout" if name == "stderr" else "stderr"
    with open("/dev/full", "wb") as device:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, name: device, other: subprocess.PIPE}
        done = subprocess.run(program, cwd=folder, timeout=60, **streams, **options)
    return done.returncode, getattr(done, other)


def closed(name: str, folder: Path, program: list[str], **options: Any) -> tuple[int, bytes]:
    """Return the same of a program one of whose streams is closed."""
    script = f"exec {shlex.join(program)} {'2>&-' if name == 'stderr' else '>&-'}"
    done = subprocess.run(
        ["sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, timeout=60, **options
    )
    return done.returncode, done.stdout if name == "stderr" else done.stderr


Broken = Callable[..., tuple[int, bytes]]
FULL = pytest.mark.skipif(WINDOWS or not os.path.exists("/dev/full"), reason="there is no device that is always full")
BROKEN = [unread, pytest.param(full, marks=FULL), pytest.param(closed, marks=posix_shell)]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "--", *guest("exit(3)")], 3),
        (["run", "--json", "--", *guest("exit(3)")], 3),
        (["run", "--timeout", "0.5", "--", *guest("sleep(60)")], 124),
        (["run", "--no-such-option"], 125),
        (["run", "--document", "nowhere.json", "--", "true"], 125),
        (["run", "--", "."], 126),
        (["run", "--", "no-such-program"], 127),
        (["doctor"], 0),
        (["doctor", "--no-such-option"], 2),
        (["errors", "5"], 0),
        (["errors", "NO_SUCH_NAME"], 1),
        (["errors"], 2),
        (["no-such-verb"], 2),
        (["--version"], 0),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_a_stderr_that_takes_nothing_decides_nothing(
    tmp_path: Path, broken: Broken, arguments: list[str], code: int
) -> None:
    arguments = [str(tmp_path) if argument == "." else argument for argument in arguments]
    assert broken("stderr", tmp_path, [*HCSRT, *arguments])[0] == code


@pytest.mark.parametrize("broken", [pytest.param(full, marks=FULL), pytest.param(closed, marks=posix_shell)])
def test_what_the_command_tells_a_stderr_that_takes_nothing_decides_nothing(tmp_path: Path, broken: Broken) -> None:
    command = guest("[err('lost') for _ in range(9)]; out('out'); exit(3)")
    assert broken("stderr", tmp_path, [*HCSRT, "run", "--", *command]) == (3, b"out\n")


TELLING = [
    ["doctor"],
    ["doctor", "--json"],
    ["errors", "5"],
    ["errors", "--json", "5"],
    ["--version"],
    ["--help"],
    ["run", "--help"],
]


@pytest.mark.parametrize("broken", [unread, pytest.param(closed, marks=posix_shell)])
@pytest.mark.parametrize("arguments", TELLING, ids=" ".join)
def test_a_stdout_that_nobody_reads_decides_nothing(tmp_path: Path, broken: Broken, arguments: list[str]) -> None:
    assert broken("stdout", tmp_path, [*HCSRT, *arguments]) == (0, b"")


@backend_variable
@pytest.mark.parametrize("broken", [unread, closed])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_doctor_says_1_to_nobody_too(tmp_path: Path, broken: Broken, options: list[str]) -> None:
    environment = {**os.environ, "HCSRT_BACKEND": "no-such"}
    assert broken("stdout", tmp_path, [*HCSRT, "doctor", *options], env=environment) == (1, b"")


@FULL
@pytest.mark.parametrize("arguments", TELLING, ids=" ".join)
def test_125_when_what_was_asked_for_cannot_be_written(tmp_path: Path, arguments: list[str]) -> None:
    code, err = full("stdout", tmp_path, [*HCSRT, *arguments])
    assert code == 125
    assert err.startswith(b"hcsrt: ")
    assert err.count(b"\n") == 1


@backend_variable
@pytest.mark.parametrize(("arguments", "code"), [(["doctor"], 1), (["--version"], 0)])
def test_text_that_the_encoding_does_not_know_is_escaped(tmp_path: Path, arguments: list[str], code: int) -> None:
    environment = {"HCSRT_BACKEND": "grün", "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "1"}
    done = hcsrt(*arguments, folder=tmp_path, env={**os.environ, **environment})
    assert (done.returncode, done.stderr) == (code, b"")
    assert done.stdout.isascii()


def test_ctrl_c_does_not_say_that_hcs_cannot_be_used(tmp_path: Path) -> None:
    script = f"""
{INSTALL}
import hcsrt.cli.doctor

def interrupted():
    raise KeyboardInterrupt

hcsrt.cli.doctor.examine = interrupted
{MAIN}
"""
    command = [sys.executable, "-W", "error", "-c", script, "doctor"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("broken", BROKEN)
def test_without_the_extra_the_exit_code_is_1_in_any_case(tmp_path: Path, broken: Broken) -> None:
    script = f"import sys; sys.modules['rich'] = None; {MAIN}"
    assert broken("stderr", tmp_path, [sys.executable, "-c", script, "doctor"]) == (1, b"")


# What a user gave


def test_what_a_user_gave_is_no_markup(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--", "no-:key:-[bold]such[/bold]", folder=tmp_path)
    assert done.returncode == 127
    assert "no-:key:-[bold]such[/bold]" in done.stderr.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "-q", "--document", ":key:[bold].json", "--", "true"],
        ["run", "-q", "--:key:[bold]"],
        ["errors", ":key:[bold]"],
        [":key:[bold]"],
    ],
)
def test_messages_name_it_as_it_was_given(tmp_path: Path, arguments: list[str]) -> None:
    done = hcsrt(*arguments, folder=tmp_path)
    assert done.returncode
    assert ":key:[bold]" in done.stderr.decode().lower()


# Errors


def test_errors_as_json(tmp_path: Path) -> None:
    done = hcsrt("errors", "--json", "0x80370102", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    assert document.pop("meaning").startswith("The virtual machine cannot start")
    assert document.pop("hint").startswith("Turn on the Windows features")
    assert document == {
        "symbol": "HCS_E_HYPERV_NOT_INSTALLED",
        "hresult": -2143878910,
        "code": "0x80370102",
        "exception": "HcsError",
        "page": None,
    }


def test_errors_as_json_of_a_success_raises_nothing(tmp_path: Path) -> None:
    document = json.loads(hcsrt("errors", "--json", "0", folder=tmp_path).stdout)
    assert (document["hresult"], document["exception"]) == (0, None)


def test_errors_as_json_takes_a_negative_number(tmp_path: Path) -> None:
    document = json.loads(hcsrt("errors", "-2143878910", "--json", folder=tmp_path).stdout)
    assert document["symbol"] == "HCS_E_HYPERV_NOT_INSTALLED"


@pseudo_terminal
def test_errors_breaks_lines_of_a_terminal_between_words(terminals: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal = terminals("errors", "0x80370102", size=(30, 40))
    assert terminal.finish() == 0
    shown = re.sub("\x1b\\[[0-9;]*m", "", terminal.seen.decode()).split("\r\n")
    assert max(map(len, shown[1:])) <= 40
    plain = subprocess.run([*HCSRT, "errors", "0x80370102"], capture_output=True, text=True, timeout=60).stdout
    assert set(" ".join(shown).split()) == set(plain.split())


def test_no_line_is_broken_in_a_pipe(tmp_path: Path) -> None:
    explained = lines(hcsrt("errors", "0x80370102", folder=tmp_path).stdout)
    assert [line.split()[0] for line in explained] == ["HCS_E_HYPERV_NOT_INSTALLED", "The", "Hint:", "Raised"]
    findings = json.loads(hcsrt("doctor", "--json", folder=tmp_path).stdout)["findings"]
    told = lines(hcsrt("doctor", folder=tmp_path).stdout)
    assert len(told) == len(findings) + sum(finding["remedy"] is not None for finding in findings) + 1
    assert [line for line in told if line != line.rstrip()] == []


# Bytes in JSON


@pytest.mark.parametrize("data", [b"", b"text\n", "grün\0\n".encode(), rb"out\xff", b"\xef\xbb\xbfmark"])
def test_json_has_text_as_text(tmp_path: Path, data: bytes) -> None:
    report = json.loads(run(f"write({data!r}); write({data!r}, 2)", "--json", folder=tmp_path).stdout)
    assert (report["stdout"], report["stdout_base64"]) == (data.decode(), None)
    assert (report["stderr"], report["stderr_base64"]) == (data.decode(), None)


@pytest.mark.parametrize("data", [b"out\xff", b"ab\xc3", b"\xed\xa0\x80", bytes(range(256))])
def test_json_has_other_bytes_in_base64(tmp_path: Path, data: bytes) -> None:
    report = json.loads(run(f"write({data!r}); err('err')", "--json", folder=tmp_path).stdout)
    assert report["stdout"] is None
    assert base64.b64decode(report["stdout_base64"], validate=True) == data
    assert (report["stderr"], report["stderr_base64"]) == ("err\n", None)
