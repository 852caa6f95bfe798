"""The command line as its users meet it: a program of its own, its streams, its signals and its exit codes."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ..helpers.limits import limits
from ..helpers.platforms import (
    WINDOWS,
    backend_variable,
    catches_signals,
    posix_modes,
    posix_shell,
    posix_signals,
    pseudo_terminal,
    stand_in,
)
from ..helpers.programs import CAT, INTERRUPTED, TRUE, guest, is_alive
from .program import HCSRT, IDLE, INSTALL, MAIN, Command, hcsrt, lines, read_only, run, start

# What a command prints and how it ends


def test_output_and_exit_code_are_the_commands(tmp_path: Path) -> None:
    done = run("out('out'); err('err'); exit(7)", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_the_separator_may_be_left_out(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", *guest("exit(len(argv))"), "--json", "-i", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"")


def test_bytes_are_passed_on_unchanged(tmp_path: Path) -> None:
    data = bytes(range(256)) * 64
    (tmp_path / "data").write_bytes(data)
    done = hcsrt("run", "-q", "--", *guest("cat(argv[0])"), str(tmp_path / "data"), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, data, b"")


def test_arguments_arrive_as_they_are(tmp_path: Path) -> None:
    arguments = ["", "a b", 'say "hi"', "back\\slash\\", 'end\\"', "$HOME *", "grüße", "-e", "--"]
    script = "import json, sys; print(json.dumps(sys.argv[1:]))"
    done = hcsrt("run", "-q", "--", sys.executable, "-c", script, *arguments, folder=tmp_path)
    assert json.loads(done.stdout) == arguments


def test_64_mib_of_random_bytes_come_back_through_cat(tmp_path: Path) -> None:
    sent = os.urandom(64 << 20)
    done = hcsrt("run", "-q", "-i", "--", *CAT, folder=tmp_path, input=sent)
    assert (done.returncode, done.stderr) == (0, b"")
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(sent).digest()


def test_without_i_stdin_is_empty(tmp_path: Path) -> None:
    done = run("cat(); out('end')", folder=tmp_path, input=b"not forwarded")
    assert done.stdout == b"end\n"


@posix_shell
def test_a_closed_stdin_is_an_empty_one(tmp_path: Path) -> None:
    script = f'exec "{sys.executable}" -W error -m hcsrt run -q -i -- cat <&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@posix_shell
def test_a_closed_stdout_is_no_pipe_of_the_command(tmp_path: Path) -> None:
    script = f'exec "{sys.executable}" -W error -m hcsrt run -q -- sh -c "echo lost; exit 3" <&- >&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


@posix_shell
def test_a_closed_stderr_is_no_failure(tmp_path: Path) -> None:
    script = f'exec "{sys.executable}" -W error -m hcsrt run -q -- sh -c "echo ran; echo lost >&2; exit 3" 2>&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"ran\n", b"")


@posix_shell
def test_a_closed_stderr_keeps_the_exit_code_of_a_failure(tmp_path: Path) -> None:
    script = f'exec "{sys.executable}" -W error -m hcsrt run -q -- no-such-program 2>&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (127, b"", b"")


def test_a_command_that_does_not_read_its_stdin(tmp_path: Path) -> None:
    done = run("os.close(0); out('done'); exit(3)", "-i", folder=tmp_path, input=bytes(1 << 20))
    assert (done.returncode, done.stdout, done.stderr) == (3, b"done\n", b"")


def test_a_stdin_that_stays_open_does_not_keep_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        done = run("exit(4)", "-i", folder=tmp_path, input=None, stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert done.returncode == 4


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    yes = guest("try:\n    while True: out('y')\nexcept OSError:\n    exit(9)")
    code, out, err = read_only(10, "--", *yes, folder=tmp_path)
    assert (out, err) == (b"y\ny\ny\ny\ny\n", b"")
    assert code == (9 if WINDOWS else 128 + signal.SIGPIPE)


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    with start("--", *guest("write(bytes(1_000_000))"), folder=tmp_path) as process:
        time.sleep(3)
        assert process.communicate(timeout=60) == (bytes(1_000_000), b"")


def test_what_the_command_left_running_does_not_outlive_it(tmp_path: Path) -> None:
    started = time.monotonic()
    done = run("out(spawn('sleep(60)')); exit(5)", folder=tmp_path)
    assert done.returncode == 5
    assert time.monotonic() - started < 30
    assert not is_alive(int(done.stdout))


def test_environment_and_working_directory(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    code = "out(os.environ['A'], os.environ['B'], os.getcwd(), os.environ.get('SECRET'))"
    done = run(
        code, "-e", "A=1", "-e", "B=x=y z", "--cwd", str(tmp_path / "there"), folder=tmp_path,
        env={**os.environ, "SECRET": "of the manager"},
    )  # fmt: skip
    assert done.stdout.decode() == f"1 x=y z {tmp_path / 'there'} None\n"


# The exit codes of docker run


def test_127_when_the_command_cannot_be_found(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--", "no-such-program", folder=tmp_path)
    assert (done.returncode, done.stdout) == (127, b"")
    assert done.stderr.startswith(b"hcsrt: ")
    assert done.stderr.count(b"\n") == 1


def is_hint_about_the_program(stderr: bytes) -> bool:
    return b"may not be executable" in stderr and b"administrator" not in stderr


@pytest.mark.parametrize("mode", [pytest.param(0o644, marks=posix_modes), 0o755])
def test_126_when_the_command_cannot_be_invoked(tmp_path: Path, mode: int) -> None:
    program = tmp_path / "program.exe"
    program.write_bytes(b"\x7fELF but no program")
    program.chmod(mode)
    done = hcsrt("run", "-q", "--", str(program), folder=tmp_path)
    assert (done.returncode, done.stdout) == (126, b"")
    assert done.stderr.count(b"\n") == 1
    assert is_hint_about_the_program(done.stderr) is (mode == 0o644)


def test_126_when_the_command_is_a_directory(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--", str(tmp_path), folder=tmp_path)
    assert (done.returncode, done.stdout) == (126, b"")
    assert is_hint_about_the_program(done.stderr)


def test_126_when_the_working_directory_is_none(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--cwd", str(tmp_path / "nowhere"), "--", *TRUE, folder=tmp_path)
    assert done.returncode == 126


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--no-such-option"],
        ["-e", "=VALUE"],
        ["--id", ""],
        ["--owner", ""],
        ["--timeout", "soon"],
        ["--timeout", "nan"],
        ["--timeout", "inf"],
        ["-i", "--document", "-"],
        ["-t", "--json"],
    ],
)
def test_125_when_hcsrt_is_used_wrongly(tmp_path: Path, options: list[str]) -> None:
    command = ["--", "true"] if options else []
    done = hcsrt("run", "-q", *options, *command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"Error: " in done.stderr


@pytest.mark.parametrize("options", [["-it"], ["-t", "-i"]])
def test_125_when_a_terminal_would_get_its_input_from_a_pipe(tmp_path: Path, options: list[str]) -> None:
    done = hcsrt("run", "-q", *options, "--", "cat", folder=tmp_path, input=b"abc")
    assert (done.returncode, done.stdout) == (125, b"")
    assert "Error: -t with -i needs a terminal on stdin; leave out -t" in lines(done.stderr)


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("place", ["hcsrt.backend", "hcsrt.cli.job.in_background", "hcsrt.cli.run.Deadline"])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("RuntimeError('cannot\\nstart')", "cannot start"),
        ("MemoryError()", "MemoryError"),
        ("OSError(28, 'Full')", "Full"),
    ],
)
def test_125_when_hcsrt_breaks_down(tmp_path: Path, options: list[str], place: str, error: str, said: str) -> None:
    script = f"""
{INSTALL}
import hcsrt.cli.run

def break_down(*args, **options):
    raise {error}

{place} = break_down
{MAIN}
"""
    command = [sys.executable, "-W", "error", "-c", script, "run", "-q", *options, "--", *guest("exit(3)")]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 125
    if done.stdout:
        assert options
        assert said in " ".join(json.loads(done.stdout)["error"]["message"].split() or ["MemoryError"])
        assert done.stderr == b""
    else:
        assert done.stderr.startswith(b"hcsrt: ")
        assert said in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1


FULL = pytest.mark.skipif(WINDOWS or not os.path.exists("/dev/full"), reason="there is no device that is always full")


@FULL
@pytest.mark.parametrize(
    "arguments", [["run", "-q", "--json", "--", "true"], ["run", "-q", "--", "echo", "lost"], ["errors", "5"]]
)
def test_125_when_the_output_cannot_be_written(tmp_path: Path, arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*HCSRT, *arguments], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60)
    assert done.returncode == 125
    assert done.stderr.startswith(b"hcsrt: ")
    assert done.stderr.count(b"\n") == 1


@FULL
@pytest.mark.parametrize(("arguments", "code"), [(["--", "no-such-program"], 127), (["--no-such-option"], 125)])
def test_an_error_that_cannot_be_told_keeps_its_exit_code(tmp_path: Path, arguments: list[str], code: int) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*HCSRT, "run", *arguments], stdout=full, stderr=full, cwd=tmp_path, timeout=60)
    assert done.returncode == code


def test_125_when_nobody_reads_the_json(tmp_path: Path) -> None:
    code, _, err = read_only(0, "--json", "--", *guest("sleep(1)"), folder=tmp_path)
    assert code == 125
    assert err.startswith(b"hcsrt: ")
    assert err.count(b"\n") == 1


@backend_variable
def test_125_when_the_backend_is_missing(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--", "true", folder=tmp_path, env={**os.environ, "HCSRT_BACKEND": "windows"})
    assert done.returncode == 125
    assert done.stderr.startswith(b"hcsrt: ")


@pytest.mark.parametrize("code", ["pass", "ignore('SIGTERM')", "os.close(1); os.close(2)"])
def test_124_when_the_time_is_up(tmp_path: Path, code: str) -> None:
    written = tmp_path / "written"
    for seconds in limits(1, written.exists):
        command = f"out('before'); {code}; tell({str(written)!r}); sleep(60)"
        done = run(command, "--timeout", f"{seconds:g}", folder=tmp_path)
    assert (done.returncode, done.stdout) == (124, b"before\n")
    assert lines(done.stderr) == [f"hcsrt: timed out after {seconds:g} s"]


def test_a_command_that_is_killed(tmp_path: Path) -> None:
    killed = run("os.kill(os.getpid(), 9)", folder=tmp_path)
    assert killed.returncode == (9 if WINDOWS else 128 + signal.SIGKILL)


@pytest.mark.parametrize(("code", "status"), [(0, 0), (1, 1), (255, 255)])
def test_exit_codes_of_the_command(tmp_path: Path, code: int, status: int) -> None:
    assert run(f"exit({code})", folder=tmp_path).returncode == status


# Signals


@catches_signals
def test_the_first_ctrl_c_goes_to_the_command(tmp_path: Path) -> None:
    command = Command("on('SIGINT', lambda: (out('caught'), exit(5))); out('ready'); sleep(60)", tmp_path)
    command.interrupt()
    assert command.finish() == (5, b"caught\n", b"")


def test_a_command_without_a_handler_ends_by_ctrl_c(tmp_path: Path) -> None:
    command = Command("out('ready'); sleep(60)", tmp_path)
    command.interrupt()
    assert command.finish() == (INTERRUPTED, b"", b"")


@catches_signals
def test_the_second_ctrl_c_terminates_the_system(tmp_path: Path) -> None:
    command = Command("ignore('SIGINT', 'SIGTERM'); out('ready'); sleep(60)", tmp_path)
    command.interrupt()
    time.sleep(0.5)
    assert command.process.poll() is None
    command.interrupt()
    code, out, err = command.finish()
    assert code != 0
    assert (out, err) == (b"", b"")
    assert not is_alive(command.pid)


@posix_signals
def test_sigterm_is_passed_on_too(tmp_path: Path) -> None:
    command = Command("on('SIGTERM', lambda: (out('caught'), exit(6))); out('ready'); sleep(60)", tmp_path)
    command.process.send_signal(signal.SIGTERM)
    assert command.finish() == (6, b"caught\n", b"")


@posix_signals
def test_an_inherited_ignored_sigchld_loses_no_exit_code(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, *HCSRT, "run", "-q", "--", *guest("exit(3)")]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


@posix_shell
def test_an_ignored_sigint_stays_ignored(tmp_path: Path) -> None:
    script = f'trap "" INT; "{sys.executable}" -m hcsrt run -q -- sh -c "echo ready; sleep 1; echo end" & wait'
    shell = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, cwd=tmp_path, start_new_session=True)
    assert shell.stdout
    assert shell.stdout.readline() == b"ready\n"
    os.killpg(shell.pid, signal.SIGINT)
    out, _ = shell.communicate(timeout=30)
    assert out == b"end\n"


# Pseudo-terminals


ARE_TERMINALS = "out(*map(os.isatty, (0, 1, 2)))"


@pseudo_terminal
def test_t_gives_a_terminal(tmp_path: Path) -> None:
    done = run(f"{ARE_TERMINALS}; out(*os.get_terminal_size())", "-t", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"True True True\r\n80 24\r\n", b"")


def test_without_t_there_is_none(tmp_path: Path) -> None:
    done = run(ARE_TERMINALS, "-i", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"False False False\n", b"")


@pseudo_terminal
def test_a_session_at_a_terminal(terminals: Any) -> None:
    terminal = terminals("run", "-q", "-it", "--", "sh", "-c", "stty size; read line; echo got $line; exit 9")
    terminal.expect("30 100\r\n")
    terminal.type("hello\r")
    terminal.expect("got hello\r\n")
    assert terminal.finish() == 9
    assert terminal.seen.decode() == "30 100\r\nhello\r\ngot hello\r\n"


@pseudo_terminal
def test_a_new_size_reaches_the_command(terminals: Any) -> None:
    script = f"trap 'stty size; exit 0' WINCH; echo ready; {IDLE}"
    terminal = terminals("run", "-q", "-it", "--", "sh", "-c", script)
    terminal.expect("ready")
    terminal.resize(40, 120)
    terminal.expect("40 120\r\n")
    assert terminal.finish() == 0


@pseudo_terminal
def test_ctrl_c_is_a_key_of_the_commands_terminal(terminals: Any) -> None:
    terminal = terminals("run", "-q", "-it", "--", "sh", "-c", f"trap 'echo caught; exit 8' INT; echo ready; {IDLE}")
    terminal.expect("ready")
    terminal.type("\x03")
    terminal.expect("caught")
    assert terminal.finish() == 8


@pseudo_terminal
def test_ctrl_c_at_a_terminal_without_i(terminals: Any) -> None:
    terminal = terminals("run", "-q", "--", "sh", "-c", f"trap 'echo caught; exit 8' INT; echo ready; {IDLE}")
    terminal.expect("ready")
    terminal.type("\x03")
    terminal.expect("caught")
    assert terminal.finish() == 8
    assert terminal.seen.decode() == "ready\r\n^Ccaught\r\n"


@pseudo_terminal
def test_the_terminal_is_restored_when_hcsrt_fails(terminals: Any) -> None:
    terminal = terminals("run", "-q", "-it", "--", "no-such-program")
    assert terminal.finish() == 127


# JSON


def test_json_is_the_only_output(tmp_path: Path) -> None:
    done = run(r"write(b'out\xff'); err('err'); exit(7)", "--json", "--id", "json-1", folder=tmp_path)
    assert (done.returncode, done.stderr) == (7, b"")
    report = json.loads(done.stdout)
    timings = report.pop("timings")
    assert isinstance(report.pop("pid"), int)
    assert report == {
        "id": "json-1", "exit_code": 7, "timed_out": False, "error": None,
        "stdout": None, "stdout_base64": "b3V0/w==", "stderr": "err\n", "stderr_base64": None,
    }  # fmt: skip
    assert set(timings) == {"create", "start", "run", "stop", "total"}
    assert all(0 <= seconds < 30 for seconds in timings.values())


def test_json_tells_an_error(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--json", "--", "no-such-program", folder=tmp_path)
    assert (done.returncode, done.stderr) == (127, b"")
    report = json.loads(done.stdout)
    assert report["exit_code"] is None
    assert report["error"]["type"] == "PathNotFoundError"
    assert report["error"]["hresult"] & 0xFFFFFFFF == 0x80070002


def test_json_tells_a_time_out_and_the_output_before_it(tmp_path: Path) -> None:
    written = tmp_path / "written"
    for seconds in limits(1, written.exists):
        command = f"out('before'); tell({str(written)!r}); sleep(60)"
        done = run(command, "--json", "--timeout", f"{seconds:g}", folder=tmp_path)
    assert (done.returncode, done.stderr) == (124, b"")
    report = json.loads(done.stdout)
    assert (report["timed_out"], report["stdout"], report["exit_code"]) == (True, "before\n", None)


def test_an_id_is_made_up_each_time(tmp_path: Path) -> None:
    ids = {json.loads(hcsrt("run", "-q", "--json", "--", *TRUE, folder=tmp_path).stdout)["id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch("hcsrt-[0-9a-f]{12}", id) for id in ids)


# Documents


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    script = "import hcsrt, json; print(json.dumps(hcsrt.emulator.container_document(owner='of the document')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=tmp_path, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_document_from_a_file(tmp_path: Path, document: dict[str, Any], encoding: str) -> None:
    (tmp_path / "system.json").write_text(json.dumps(document), encoding=encoding)
    assert run("exit(3)", "--document", "system.json", "--owner", "me", folder=tmp_path).returncode == 3


def test_a_document_from_stdin(tmp_path: Path, document: dict[str, Any]) -> None:
    done = run("cat(); exit(3)", "--document", "-", folder=tmp_path, input=json.dumps(document).encode())
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


@stand_in
def test_a_command_of_windows_through_its_own_dll(tmp_path: Path, document: dict[str, Any]) -> None:
    (tmp_path / "system.json").write_text(json.dumps(document))
    command = ["run", "-q", "--document", "system.json", "--", "cmd", "/c", "echo hello & exit 3"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "hcsrt", *command],
        stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (3, b"hello \r\n", b"")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "line 1, column 2"),
        ('{\n  "Container": }', "line 2, column 16"),
        ("[]", "JSON object"),
        (
            '{"SchemaVersion": {"Major": 2, "Minor": 1}, "Container": {"Storage": {"Layers": 1}}}',
            "Container.Storage.Layers",
        ),
    ],
)
def test_a_bad_document_names_the_place(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    done = hcsrt("run", "-q", "--document", "bad.json", "--", *TRUE, folder=tmp_path)
    assert (done.returncode, done.stdout) == (125, b"")
    assert place in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_document_that_is_not_there(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--document", "nowhere.json", "--", *TRUE, folder=tmp_path)
    assert done.returncode == 125
    assert b"nowhere.json" in done.stderr


# The other commands


@pytest.mark.parametrize(
    "spelling",
    [
        "0x80370102",
        "-2143878910",
        "2151088386",
        "80370102",
        "HCS_E_HYPERV_NOT_INSTALLED",
        "hcs_e_hyperv_not_installed",
    ],
)
def test_errors_knows_every_spelling(tmp_path: Path, spelling: str) -> None:
    done = hcsrt("errors", spelling, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines(done.stdout)[0] == "HCS_E_HYPERV_NOT_INSTALLED 0x80370102 (-2143878910)"


def test_errors_tells_what_is_raised(tmp_path: Path) -> None:
    assert "Raised as hcsrt.AccessDeniedError" in lines(hcsrt("errors", "5", folder=tmp_path).stdout)


@pytest.mark.parametrize("code", ["0", "0x00AB0007"])
def test_errors_raises_nothing_for_a_success(tmp_path: Path, code: str) -> None:
    done = hcsrt("errors", code, folder=tmp_path)
    assert done.returncode == 0
    assert b"Raised" not in done.stdout


def test_errors_decodes_an_unknown_number(tmp_path: Path) -> None:
    done = hcsrt("errors", "0x80074321", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(b"0x80074321 ")


def test_errors_suggests_a_name(tmp_path: Path) -> None:
    done = hcsrt("errors", "HCS_E_HYPERV_NOT_INSTALED", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"HCS_E_HYPERV_NOT_INSTALLED" in done.stderr


def test_version_tells_the_backend(tmp_path: Path) -> None:
    done = hcsrt("--version", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    (line,) = lines(done.stdout)
    assert re.fullmatch(r"hcsrt \d+\.\d+\.\d+\S* \(backend: emulator\)", line)


@backend_variable
def test_version_without_a_backend(tmp_path: Path) -> None:
    done = hcsrt("--version", folder=tmp_path, env={**os.environ, "HCSRT_BACKEND": "no-such"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"(backend: none, " in done.stdout


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path, missing: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; from hcsrt.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", script, "run"], capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout) == (1, b"")
    assert lines(done.stderr) == [f"hcsrt: the command line needs {missing}: pip install 'hcsrt[cli]'"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{}".encode("utf-16"), "the file is UTF-16, as Windows PowerShell writes it: save it as UTF-8"),
        (b'{"Owner": "\xe9"}', "there is a byte that UTF-8 does not have: save the file as UTF-8"),
    ],
    ids=["utf-16", "latin-1"],
)
def test_a_document_that_is_no_utf_8_is_told(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "box.json").write_bytes(data)
    done = hcsrt("run", "-q", "--document", "box.json", "--", *TRUE, folder=tmp_path)
    assert (done.returncode, done.stdout) == (125, b"")
    assert lines(done.stderr) == [f"hcsrt: --document box.json: {said}"]
