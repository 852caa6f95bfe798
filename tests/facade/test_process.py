"""Processes through the facade: their commands, their streams, their end."""

import copy
import gc
import io
import json
import pickle
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hcsrt
from hcsrt import DEVNULL, PIPE, STDOUT, ComputeSystem, Process, _calls, _watch, emulator
from hcsrt._blocking import process as process_module
from hcsrt._facade import process as core
from hcsrt._facade import times
from hcsrt._hresults import E_ACCESSDENIED, E_FAIL, E_INVALIDARG, HCS_E_PROCESS_ALREADY_STOPPED
from hcsrt._interpose import counting, failing, late, silent, waiting
from hcsrt.faults import Faults

if TYPE_CHECKING:
    from hcsrt.emulator import Host

from ..helpers.limits import limits
from ..helpers.platforms import TICK, WINDOWS, catches_signals, handle_counts, pseudo_terminal
from ..helpers.programs import CAT, GUEST, INTERRUPTED, PYTHON, SLEEP, TRUE, exists, guest, kill, running
from ..helpers.spies import documents_of

Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]
NothingRuns = Callable[[], bool]
Settle = Callable[..., bool]

HCS_E_SERVICE_DISCONNECT = 0x8037011E
ERROR_NOT_FOUND = 0x80070490

# The places of what a process is to be, and of what is to be of it, among the arguments.
PARAMETERS = 1
SETTINGS = OPTIONS = 2

# Each way in which HCS refuses what is meant for a process that has exited.
GONE = [E_ACCESSDENIED, ERROR_NOT_FOUND, HCS_E_PROCESS_ALREADY_STOPPED]


@pytest.fixture
def nothing_runs() -> Callable[[], bool]:
    """Return a function that tells whether every program has ended that HCS has started since."""
    before = running()
    return lambda: running() <= before


def begun(system: ComputeSystem, code: str) -> Process[bytes]:
    """Start a process, and wait until it executes its code."""
    process = system.popen(guest(f"out('begun'); {code}"), stdout=PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"begun\n"
    return process


@pytest.fixture
def sleeper(system: ComputeSystem) -> Any:
    process = system.popen(SLEEP)
    try:
        yield process
        if not process.closed:
            process.kill(timeout=5)
    finally:
        process.close()


@pytest.fixture
def unseen(lost_events: None, system: ComputeSystem, settle: Settle) -> Process[bytes]:
    """A process that has exited, which nobody has been told."""
    process = system.popen(SLEEP, stdin=PIPE)
    kill(process.pid)
    assert settle(lambda: json.loads(_calls.call(process.handle, "HcsGetProcessProperties") or "")["Exited"])
    assert process.returncode is None
    return process


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is waited for in doubt is waited for only briefly."""
    monkeypatch.setattr(times, "FIRST_QUERY", 0.05)
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.1)
    monkeypatch.setattr(times, "KILL_PATIENCE", 0.2)


# --- exit codes -------------------------------------------------------------------------------------------------------


def tell_of_exits(faults: Faults, status: dict[str, Any]) -> None:
    """Let HCS tell this of each process that has exited, in its event and to whoever asks."""
    faults.on("event:ProcessExited").rewrite(status)
    faults.on("completion:HcsGetProcessProperties").rewrite(status)


@pytest.mark.parametrize("code", [0, 1, 7, 126, 127, 128, 200, 255])
def test_the_exit_code_comes_back(code: int, system: ComputeSystem) -> None:
    done = system.run(guest(f"exit({code})"))
    assert done.returncode == code
    assert done.args == guest(f"exit({code})")
    assert done.stdout is None
    assert done.stderr is None


@pytest.mark.parametrize(
    ("told", "code"),
    [(0xFFFFFFFF, 0xFFFFFFFF), (0xC000013A, 0xC000013A), (-1, 0xFFFFFFFF), (-1073741510, 0xC000013A), (0, 0)],
)
def test_an_exit_code_is_unsigned_and_has_32_bits(told: int, code: int, system: ComputeSystem, faults: Faults) -> None:
    tell_of_exits(faults, {"ProcessId": 7, "Exited": True, "ExitCode": told, "LastWaitResult": 0})
    assert system.run(TRUE).returncode == code


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"Exited": True, "ExitCode": 0, "LastWaitResult": 258},
        {"Exited": True, "ExitCode": 0, "LastWaitResult": -2147467259},
        {"Exited": False, "ExitCode": 0, "LastWaitResult": 0},
        {"Exited": True, "ExitCode": 0},
        {"Exited": True, "LastWaitResult": 0},
        {"ExitCode": 0, "LastWaitResult": 0},
    ],
    ids=json.dumps,
)
def test_an_exit_code_that_hcs_does_not_vouch_for_is_an_error(
    status: dict[str, Any], system: ComputeSystem, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_of_exits(faults, status)
    # A poll() whose question takes longer goes on to the next one.
    monkeypatch.setattr(times, "POLL_TIMEOUT", 10.0)
    with system.popen(CAT, stdin=PIPE) as process:
        assert process.stdin
        process.stdin.close()
        unknown = f"Process {process.pid} has exited.* not tell its exit code"
        with pytest.raises(hcsrt.HcsError, match=unknown) as caught:
            process.wait(timeout=10)
        assert caught.value.symbol == "HCS_E_PROCESS_INFO_NOT_AVAILABLE"
        with pytest.raises(hcsrt.HcsError):
            process.poll()
        assert process.returncode is None
    assert process.closed
    with pytest.raises(hcsrt.HcsError, match="not tell its exit code"):
        system.run(CAT, input=b"x")


@pytest.mark.parametrize("data", ["", "no json", "[]", '{"Exited": true}'])
def test_an_exit_code_that_the_event_lacks_is_asked_for(
    data: str, system: ComputeSystem, faults: Faults, settle: Settle
) -> None:
    fault = faults.on("event:ProcessExited").rewrite(data)
    # It ends only once its callback is there: of an exit before that no event may come.
    assert system.run(guest("read_line(); exit(5)"), input=b"\n").returncode == 5
    assert settle(lambda: fault.fired)


def test_check_raises_with_the_output(system: ComputeSystem) -> None:
    assert system.run(TRUE, check=True).returncode == 0
    with pytest.raises(subprocess.CalledProcessError) as caught:
        system.run(guest("out('out'); err('err'); exit(3)"), capture_output=True, check=True)
    assert caught.value.returncode == 3
    assert (caught.value.stdout, caught.value.stderr) == (b"out\n", b"err\n")


# --- commands ---------------------------------------------------------------------------------------------------------


def test_words_arrive_as_they_are(system: ComputeSystem) -> None:
    choice = random.Random(20260421).choices
    words = ["", " ", "a b", '"', "\\", '\\"', "a\\\\", 'a\\\\"b', "\t", "ä€😀", "*", "$HOME", "%PATH%", "-n", "a\nb"]
    words += ["".join(choice('ab \t"\\', k=length)) for length in range(1, 12) for _ in range(20)]
    done = system.run(guest("for word in argv: write(word.encode() + b'\\0')", *words), capture_output=True)
    assert done.stdout.decode().split("\0")[:-1] == words


def test_a_string_is_the_command_line_unchanged(system: ComputeSystem) -> None:
    line = subprocess.list2cmdline(guest("out(argv)")) + '  \'a  "b  c"'
    with documents_of("HcsCreateProcess", PARAMETERS) as created:
        assert system.run(line, capture_output=True).stdout == b"""["'a", 'b  c']\n"""
    assert [parameters["CommandLine"] for parameters in created] == [line]


def test_paths_are_words(system: ComputeSystem) -> None:
    assert system.run(Path(shutil.which("hostname" if WINDOWS else "true"))).returncode == 0
    command = [Path(PYTHON), "-I", "-S", Path(GUEST), "out(*argv)", Path("/tmp")]
    assert system.run(command, capture_output=True).stdout == f"{Path('/tmp')}\n".encode()
    assert system.run(tuple(guest("out(*argv)", "tuple")), capture_output=True).stdout == b"tuple\n"


def test_a_linux_guest_gets_its_words_as_a_list(system: ComputeSystem, faults: Faults) -> None:
    faults.on("completion:HcsGetComputeSystemProperties").rewrite({**system.properties(), "RuntimeOsType": "Linux"})
    spy = documents_of("HcsCreateProcess", PARAMETERS)
    with spy as created, ComputeSystem.open(system.id) as other, pytest.raises(hcsrt.HcsError):
        other.run(["echo", "a b"])  # the emulator knows that the guest is none
    assert created == [{"CommandArgs": ["echo", "a b"]}]


@pytest.mark.parametrize("guest_os", [None, "Unknown", "Windows"])
def test_any_other_guest_gets_a_command_line(guest_os: str | None, system: ComputeSystem, faults: Faults) -> None:
    answer = {name: value for name, value in system.properties().items() if name != "RuntimeOsType"}
    if guest_os:
        answer["RuntimeOsType"] = guest_os
    faults.on("completion:HcsGetComputeSystemProperties").rewrite(answer)
    with documents_of("HcsCreateProcess", PARAMETERS) as created, ComputeSystem.open(system.id) as other:
        assert other.run(guest("out(*argv)", "a b"), capture_output=True).stdout == b"a b\n"
    (parameters,) = created
    assert parameters["CommandLine"] == subprocess.list2cmdline(guest("out(*argv)")) + ' "a b"'


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ([], ValueError, "args must not be empty"),
        ("", ValueError, "args must not be empty"),
        (b"true", TypeError, "args must be text .*not bytes"),
        (bytearray(b"true"), TypeError, "args must be text"),
        (["echo", b"x"], TypeError, r"args\[1\] must be a str, not bytes"),
        (["echo", 7], TypeError, r"args\[1\] must be a str or path, not int"),
        (["echo", None], TypeError, r"args\[1\] must be a str or path, not NoneType"),
        (["echo", "a", "b\0c"], ValueError, r"args\[2\] must not contain a NUL"),
        ("echo\0x", ValueError, "args must not contain a NUL"),
        (7, TypeError, "args must be a str, a path or a list of them, not int"),
    ],
)
def test_commands_are_checked(args: Any, error: type[Exception], message: str, system: ComputeSystem) -> None:
    with pytest.raises(error, match=message):
        system.popen(args)
    with pytest.raises(error, match=message):
        system.run(args)


def test_a_program_that_is_not_there_is_a_file_not_found_error(system: ComputeSystem) -> None:
    with pytest.raises(hcsrt.PathNotFoundError) as caught:
        system.run(["no-such-program-here"])
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.operation == "HcsCreateProcess"


# --- surroundings -----------------------------------------------------------------------------------------------------


def test_the_working_directory(system: ComputeSystem, tmp_path: Path) -> None:
    pwd = guest("out(os.getcwd())")
    assert system.run(pwd, capture_output=True, cwd=tmp_path).stdout == f"{tmp_path}\n".encode()
    assert system.run(pwd, capture_output=True, cwd=str(tmp_path)).stdout == f"{tmp_path}\n".encode()
    with pytest.raises(hcsrt.PathNotFoundError, match="WorkingDirectory"):
        system.run(pwd, cwd=tmp_path / "nothing")
    with pytest.raises(TypeError, match="cwd must be a str, not bytes"):
        system.run(pwd, cwd=b"/")  # type: ignore[call-overload]


def test_the_environment_is_the_guests_and_what_is_given(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_MANAGER", "1")
    env = guest("for name, value in os.environ.items(): out(f'{name}={value}')")
    given = {"GREETING": "hällo = welt", "EMPTY": ""}
    done = system.run(env, capture_output=True, encoding="utf-8", env=given)
    lines = done.stdout.splitlines()
    assert "GREETING=hällo = welt" in lines
    assert "EMPTY=" in lines
    assert any(line.startswith("PATH=") for line in lines)
    assert "OF_THE_MANAGER=1" not in lines


@pytest.mark.parametrize(
    ("env", "error", "message"),
    [
        ({"TOKEN": "s3cret\0"}, ValueError, r"env\['TOKEN'\] must not contain a NUL"),
        ({"TOKEN": b"s3cret"}, TypeError, r"env\['TOKEN'\] must be a str, not bytes"),
        ({"TOKEN=s3cret": "x"}, ValueError, "env has a name with '=' in it, that of 'TOKEN'"),
        ({"": "s3cret"}, ValueError, "the name of an env variable must not be empty"),
        ({7: "s3cret"}, TypeError, "the name of an env variable must be a str, not int"),
        ({"s3cret\0": "x"}, ValueError, "the name of an env variable must not contain a NUL"),
    ],
)
def test_the_environment_is_checked_and_its_values_are_never_told(
    env: Any, error: type[Exception], message: str, system: ComputeSystem
) -> None:
    with pytest.raises(error, match=message) as caught:
        system.run("env", env=env)
    assert "s3cret" not in str(caught.value)


def test_no_value_of_the_environment_is_in_repr_log_or_error(
    system: ComputeSystem, caplog: pytest.LogCaptureFixture
) -> None:
    env = {"TOKEN": "s3cret"}
    with caplog.at_level("DEBUG"):
        with system.popen(TRUE, env=env) as process:
            told = repr(process)
        with pytest.raises(hcsrt.HcsError) as failed:
            system.run(["no-such-program-here"], env=env)
        with pytest.raises(subprocess.TimeoutExpired) as late:
            system.run(SLEEP, env=env, timeout=0.1)
    assert "s3cret" not in f"{told}{failed.value}{failed.value!r}{late.value}{late.value!r}{caplog.text}"


def test_the_user_is_passed_on(system: ComputeSystem) -> None:
    with documents_of("HcsCreateProcess", PARAMETERS) as created:
        assert system.run(TRUE, user="ContainerAdministrator").returncode == 0
    assert [parameters["User"] for parameters in created] == ["ContainerAdministrator"]
    with pytest.raises(ValueError, match="user must not be empty"):
        system.run("true", user="")


# --- streams ----------------------------------------------------------------------------------------------------------


def test_both_streams_are_read_together(system: ComputeSystem) -> None:
    """Either stream alone fills its pipe, so whoever reads one after the other never ends."""
    size = 1 << 20
    code = f"write(bytes({size}), 2); write(bytes({size})); write(bytes({size}), 2)"
    done = system.run(guest(code), capture_output=True, timeout=30)
    assert (len(done.stdout), len(done.stderr)) == (size, 2 * size)


@pytest.mark.parametrize("bufsize", [-1, 0, 1000])
def test_much_data_goes_both_ways_at_once(bufsize: int, system: ComputeSystem) -> None:
    data = random.Random(7).randbytes(8 << 20)
    done = system.run(CAT, input=data, capture_output=True, bufsize=bufsize, timeout=60)
    assert done.stdout == data


def test_input_that_nobody_reads_is_no_error(system: ComputeSystem) -> None:
    assert system.run(guest("exit(4)"), input=bytes(1 << 20), timeout=30).returncode == 4
    assert system.run(guest("os.close(0); sleep(0.2); exit(5)"), input=bytes(1 << 20), timeout=30).returncode == 5


def test_streams_that_are_no_pipes_are_not_connected(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as process:
        assert process.stdin is None
        assert process.stderr is None
        assert process.communicate(timeout=10) == (b"", None)
    with system.popen(CAT) as process:
        assert (process.stdin, process.stdout, process.stderr) == (None, None, None)
        assert process.communicate(timeout=10) == (None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stderr": STDOUT}, "2>&1"),
        ({"stdout": STDOUT}, "stdout must be None, PIPE or DEVNULL, not -2"),
        ({"stdin": STDOUT}, "stdin must be None, PIPE or DEVNULL, not -2"),
        ({"stdin": 0}, "stdin must be None, PIPE or DEVNULL, not 0"),
        ({"stdout": sys.stdout}, "stdout must be None, PIPE or DEVNULL"),
        ({"console": True, "stderr": PIPE}, "its output comes on stdout"),
        ({"console": (0, 80)}, "1 to 65535 rows and columns"),
        ({"console": (24, 65536)}, "1 to 65535 rows and columns"),
    ],
)
def test_streams_are_checked(options: dict[str, Any], message: str, system: ComputeSystem) -> None:
    with pytest.raises(ValueError, match=message):
        system.popen(TRUE, **options)


def test_arguments_of_run_exclude_each_other(system: ComputeSystem) -> None:
    with pytest.raises(ValueError, match="input or stdin"):
        system.run("cat", input=b"", stdin=PIPE)
    with pytest.raises(ValueError, match="capture_output, or stdout and stderr"):
        system.run("cat", capture_output=True, stdout=PIPE)


def test_a_conversation(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        for line in (b"one\n", b"two\n"):
            process.stdin.write(line)
            process.stdin.flush()
            assert process.stdout.readline() == line
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(timeout=10) == 0


def test_what_is_written_to_a_dead_process_is_a_broken_pipe(system: ComputeSystem) -> None:
    with system.popen(TRUE, stdin=PIPE, bufsize=0) as process:
        process.wait(timeout=10)
        assert process.stdin
        with pytest.raises(BrokenPipeError):
            process.stdin.write(bytes(1 << 20))


def test_what_is_left_in_the_buffer_for_a_dead_process_is_no_trouble_to_close(system: ComputeSystem) -> None:
    with system.popen(TRUE, stdin=PIPE) as process:
        process.wait(timeout=10)
        assert process.stdin
        process.stdin.write(b"late")
    assert process.closed


def test_bufsize_is_that_of_subprocess(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        assert isinstance(process.stdin, io.RawIOBase)
        assert isinstance(process.stdout, io.RawIOBase)
        process.stdin.write(b"now")
        assert process.stdout.read(100) == b"now"
        process.stdin.close()
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("line\n")
        assert process.stdout.readline() == "line\n"
    with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        assert isinstance(process.stdin, io.BufferedWriter)
        assert isinstance(process.stdout, io.BufferedReader)


@pytest.mark.parametrize("options", [{"text": True}, {"encoding": "utf-8"}, {"errors": "strict"}], ids=str)
def test_text_mode(options: dict[str, Any], system: ComputeSystem) -> None:
    done = system.run(CAT, input="a\nb\n", capture_output=True, **options)
    assert (done.stdout, done.stderr) == ("a\nb\n", "")
    done = system.run(guest(r"write(b'a\r\nb\rc\n')"), capture_output=True, **options)
    assert done.stdout == "a\nb\nc\n"


def test_encoding_and_errors(system: ComputeSystem) -> None:
    assert system.run(CAT, input="hällo", capture_output=True, encoding="utf-16-le").stdout == "hällo"
    latin = guest(r"write(b'h\xe4')")
    assert system.run(latin, capture_output=True, encoding="latin-1").stdout == "hä"
    assert system.run(latin, capture_output=True, encoding="utf-8", errors="replace").stdout == "h\ufffd"
    with pytest.raises(UnicodeDecodeError):
        system.run(latin, capture_output=True, encoding="utf-8")
    with counting() as calls, pytest.raises(UnicodeEncodeError):
        system.run(CAT, input="ä", encoding="ascii")
    assert calls["HcsCreateProcess"] == 0


def test_text_streams_read_lines(system: ComputeSystem) -> None:
    with system.popen(guest("out('ä'); out('b')"), stdout=PIPE, encoding="utf-8") as process:
        assert process.stdout
        assert list(process.stdout) == ["ä\n", "b\n"]


def test_input_has_the_type_of_the_streams(system: ComputeSystem) -> None:
    with counting() as calls:
        with pytest.raises(TypeError, match="input must be bytes"):
            system.run(CAT, input="text")  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="input must be a str"):
            system.run(CAT, input=b"bytes", text=True)  # type: ignore[call-overload]
    assert calls["HcsCreateProcess"] == 0
    with system.popen(TRUE) as process, pytest.raises(ValueError, match="input needs stdin=PIPE"):
        process.communicate(b"x")


def test_closing_stdin_tells_hcs_first_and_once(system: ComputeSystem) -> None:
    with documents_of("HcsModifyProcess", SETTINGS) as told:
        with system.popen(CAT, stdin=PIPE) as process:
            assert process.stdin
            process.stdin.close()
            process.stdin.close()
            assert process.wait(timeout=10) == 0
        assert told == [{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}]
        with system.popen(TRUE, stdin=PIPE) as process:
            process.wait(timeout=10)
        assert len(told) == 1


@pytest.mark.parametrize("hresult", GONE)
def test_closing_the_stdin_of_a_process_that_has_just_exited_is_no_error(
    hresult: int, unseen: Process[bytes], plain_order: None
) -> None:
    with unseen, failing("HcsModifyProcess", hresult):
        assert unseen.stdin
        unseen.stdin.close()
        assert unseen.stdin.closed


def test_a_stdin_that_hcs_will_not_close_is_an_error_and_closed(system: ComputeSystem, plain_order: None) -> None:
    with failing("HcsModifyProcess", E_FAIL) as refusal:
        with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
            assert process.stdin
            with pytest.raises(hcsrt.HcsError, match="HcsModifyProcess"):
                process.stdin.close()
            assert process.stdin.closed
            assert process.wait(timeout=10) == 0  # the pipe is closed all the same
        with system.popen(SLEEP, stdin=PIPE) as process:
            process.close()
            assert process.closed
    assert refusal.met


def test_a_stdin_of_whose_end_hcs_does_not_hear_in_time_is_an_error_and_closed(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "CLOSE_TIMEOUT", 0.1)
    with (
        silent("HcsModifyProcess"),
        system.popen(CAT, stdin=PIPE, stdout=PIPE) as process,
        system.popen(CAT, stdin=PIPE, stdout=PIPE) as other,
    ):
        assert process.stdin
        with pytest.raises(hcsrt.OperationTimeoutError, match="HcsModifyProcess"):
            process.stdin.close()
        assert process.stdin.closed
        assert process.wait(timeout=10) == 0  # the pipe is closed all the same
        # It waits for the process, for as long as its caller likes.
        assert other.communicate(b"x") == (b"x", None)


def test_closing_stdin_after_the_process_object_is_closed_leaves_hcs_alone(system: ComputeSystem) -> None:
    process = system.popen(CAT, stdin=PIPE)
    process.handle.close()
    assert process.stdin
    with counting() as calls:
        process.stdin.close()
        process.close()
    assert not calls["HcsModifyProcess"]


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_poll_and_wait(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=PIPE) as process:
        assert process.poll() is None
        assert process.returncode is None
        assert "running" in repr(process)
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.wait(timeout=0.05)
        assert (caught.value.cmd, caught.value.timeout) == (CAT, 0.05)
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=10) == 0
        assert process.poll() == 0
        assert process.returncode == 0
    assert process.wait() == 0
    assert process.poll() == 0
    assert repr(process) == f"<hcsrt.Process {process.pid} returncode=0>"


@pytest.mark.parametrize(("timeout", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_timeouts_are_checked(timeout: Any, error: type[Exception], sleeper: Process[bytes]) -> None:
    verbs: list[Callable[[], object]] = [
        lambda: sleeper.wait(timeout=timeout),
        lambda: sleeper.communicate(timeout=timeout),
        lambda: sleeper.kill(timeout=timeout),
        lambda: sleeper.terminate(timeout=timeout),
        lambda: sleeper.send_signal("CtrlC", timeout=timeout),
        lambda: sleeper.resize_console(24, 80, timeout=timeout),
    ]
    for verb in verbs:
        with pytest.raises(error, match="timeout must be"):
            verb()
    assert sleeper.poll() is None


def test_many_waiters_see_one_exit(sleeper: Process[bytes]) -> None:
    with ThreadPoolExecutor(6) as pool:
        waits = [pool.submit(sleeper.wait, 10) for _ in range(6)]
        time.sleep(0.02)
        sleeper.kill()
        codes = {wait.result() for wait in waits}
    assert len(codes) == 1
    assert codes != {0}
    assert sleeper.wait(timeout=0) in codes


def test_close_ends_a_wait(sleeper: Process[bytes]) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(sleeper.wait, 10)
        time.sleep(0.05)
        assert exists(sleeper.pid)
        sleeper.close()
        with pytest.raises(hcsrt.HandleClosedError):
            wait.result()
    kill(sleeper.pid)


def test_the_exit_of_one_is_seen_by_those_who_come_after_the_close(system: ComputeSystem) -> None:
    process = system.popen(guest("exit(9)"))
    assert process.wait(timeout=10) == 9
    process.close()
    assert process.wait() == 9
    assert process.poll() == 9
    process.kill()
    process.send_signal("CtrlC")


def test_close_keeps_the_exit_code_that_nobody_has_asked_for(system: ComputeSystem, settle: Settle) -> None:
    process = system.popen(guest("exit(9)"))
    assert settle(lambda: _watch.exit_status(process.handle) is not None)
    assert process._returncode is None  # pyright: ignore[reportPrivateUsage]
    process.close()
    assert process.wait() == 9


def test_wait_finds_an_exit_whose_event_is_lost(lost_events: None, system: ComputeSystem, quick: None) -> None:
    with begun(system, "sleep(0.3); exit(6)") as process:
        assert process.wait(timeout=10) == 6


def test_a_waiter_who_has_long_given_up_asking_asks_after_a_kill(lost_events: None, sleeper: Process[bytes]) -> None:
    sleeper._query_interval = 30  # pyright: ignore[reportPrivateUsage]
    sleeper._query_at = time.monotonic() + 30  # pyright: ignore[reportPrivateUsage]
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(sleeper.wait)
        time.sleep(0.1)
        sleeper.kill()
        assert wait.result(timeout=5) != 0


def test_poll_finds_an_exit_whose_event_is_lost(
    lost_events: None, system: ComputeSystem, quick: None, settle: Settle
) -> None:
    with begun(system, "sleep(0.2); exit(6)") as process:
        assert settle(lambda: process.poll() == 6)


def test_short_waits_in_a_loop_find_a_lost_exit_too(lost_events: None, system: ComputeSystem, quick: None) -> None:
    with begun(system, "sleep(0.2); exit(6)") as process:
        end = time.monotonic() + 10
        while process.returncode is None:
            assert time.monotonic() < end
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
        assert process.returncode == 6


def test_a_wait_ends_if_hcs_never_tells_whether_the_process_runs(
    lost_events: None, system: ComputeSystem, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit may have been before the callback was registered, and then no event comes."""
    monkeypatch.setattr(times, "LAST_QUERY", 0.05)
    with Faults() as faults:
        faults.on("HcsGetProcessProperties").fail("HCS_E_CONNECTION_CLOSED")
        process = system.popen(TRUE)
        for _ in range(2):
            with pytest.raises(hcsrt.HcsError, match="HcsGetProcessProperties: HCS_E_CONNECTION_CLOSED"):
                process.wait(timeout=60)
        faults.clear()
        assert process.wait(timeout=60) == 0
        process.close()


def test_a_wait_goes_on_if_hcs_has_told_once_that_the_process_runs(
    system: ComputeSystem, quick: None, monkeypatch: pytest.MonkeyPatch, settle: Settle
) -> None:
    monkeypatch.setattr(times, "LAST_QUERY", 0.05)
    with system.popen(CAT, stdin=PIPE) as process, ThreadPoolExecutor(1) as pool:
        with failing("HcsGetProcessProperties", E_FAIL) as refusal:
            process._query_at = 0  # pyright: ignore[reportPrivateUsage]
            wait = pool.submit(process.wait, 60)
            assert settle(lambda: refusal.met > times.MOST_REFUSALS + 2)
            assert not wait.done()
        assert process.stdin
        process.stdin.close()
        assert wait.result() == 0


def test_queries_back_off(sleeper: Process[bytes], faults: Faults, quick: None) -> None:
    asked = faults.on("HcsGetProcessProperties").delay(0)
    sleeper._expect_exit()  # pyright: ignore[reportPrivateUsage]
    for timeout in limits(1, lambda: len(asked.fired) >= 3):
        with pytest.raises(subprocess.TimeoutExpired):
            sleeper.wait(timeout=timeout)
    # A busy machine makes some of them late, and none early. They are timed from before the first expectation.
    moments = [firing.seconds for firing in asked.fired]
    earliest = [0.05 * 2**number for number in range(len(moments))]
    assert all(moment > early - 0.005 for moment, early in zip(moments, earliest, strict=True)), moments


@pytest.mark.parametrize("hresult", GONE)
def test_a_process_that_hcs_does_not_know_any_more_has_exited(
    hresult: int, unseen: Process[bytes], faults: Faults, quick: None, plain_order: None
) -> None:
    with unseen as process:
        # Only access denied may mean that it runs on.
        refused = hresult == E_ACCESSDENIED
        expected = subprocess.TimeoutExpired if refused else hcsrt.HcsError
        with failing("HcsGetProcessProperties", hresult), pytest.raises(expected):
            process.wait(timeout=1 if refused else 10)
        faults.on("HcsGetProcessProperties").answer({"Exited": True, "ExitCode": 3, "LastWaitResult": 0})
        assert process.wait(timeout=5) == 3


def test_a_late_event_tells_more_than_that_hcs_has_forgotten_the_process(
    system: ComputeSystem, plain_order: None, faults: Faults, monkeypatch: pytest.MonkeyPatch, settle: Settle
) -> None:
    monkeypatch.setattr(times, "EVENT_PATIENCE", 60.0)
    with (
        faults.on("event:ProcessExited").hang() as exit,
        system.popen(CAT, stdin=PIPE) as process,
        ThreadPoolExecutor(1) as pool,
        failing("HcsGetProcessProperties", ERROR_NOT_FOUND) as refusal,
    ):
        assert process.stdin
        process.stdin.close()
        process._query_at = 0  # pyright: ignore[reportPrivateUsage]
        wait = pool.submit(process.wait, 30)
        assert settle(lambda: exit.fired and refusal.met)
        exit.release()
        assert wait.result() == 0


def test_an_exit_before_the_callback_was_registered_is_seen(
    system: ComputeSystem, settle: Settle, nothing_runs: NothingRuns
) -> None:
    def popen(code: int) -> Process[bytes]:
        with ThreadPoolExecutor(1) as pool:
            with waiting("HcsSetProcessCallback") as rule:
                starting = pool.submit(system.popen, guest(f"exit({code})"))
                assert settle(lambda: rule.waiting == 1)
                assert settle(nothing_runs)
                time.sleep(0.02)  # an event that a seed makes late is gone by then
            return starting.result(10)

    with popen(3) as process:
        assert process.wait(timeout=0) == 3
    process = popen(4)
    process.close()  # which takes what is known, and does not ask
    assert process.wait() == 4


def test_the_end_of_its_system_ends_a_process(sleeper: Process[bytes], system: ComputeSystem) -> None:
    system.terminate()
    assert sleeper.wait(timeout=5) != 0


def test_wait_says_when_the_service_goes_away(sleeper: Process[bytes]) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(sleeper.wait, 10)
        time.sleep(0.05)
        emulator.reset()
        with pytest.raises(hcsrt.ServiceDisconnectedError):
            wait.result()
    with pytest.raises(hcsrt.ServiceDisconnectedError):
        sleeper.poll()
    with pytest.raises(hcsrt.ServiceDisconnectedError):
        sleeper.kill()
    with sleeper:
        pass


# --- communicate and its timeout --------------------------------------------------------------------------------------


def test_communicate_keeps_the_output_of_a_timeout_and_goes_on(system: ComputeSystem, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = "out('early'); err('noise'); out(read_line()); wait_for(argv[0]); out('late')"
    early = (b"early\ngiven\n", b"noise\n")
    given: bytes | None = b"given\n"
    with system.popen(guest(code, str(gate)), stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        for timeout in limits(0.15, lambda: (caught.value.output, caught.value.stderr) == early):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.communicate(given, timeout=timeout)
            assert caught.value.timeout == timeout
            given = None
        with pytest.raises(ValueError, match="sent its input already"):
            process.communicate(b"more")
        gate.touch()
        assert process.communicate(timeout=10) == (b"early\ngiven\nlate\n", b"noise\n")
        assert process.communicate() == (b"early\ngiven\nlate\n", b"noise\n")
        assert process.returncode == 0


def test_a_timeout_is_the_error_of_subprocess_and_a_timeout(system: ComputeSystem) -> None:
    with system.popen(SLEEP) as process:
        for wait in (
            lambda: process.wait(0.01),
            lambda: process.communicate(timeout=0.01),
            lambda: system.run(SLEEP, timeout=0.01),
        ):
            with pytest.raises(TimeoutError) as caught:
                wait()
            error = pickle.loads(pickle.dumps(caught.value))
            for expired in (caught.value, error):
                assert isinstance(expired, subprocess.TimeoutExpired)
                assert (expired.cmd, expired.timeout) == (SLEEP, 0.01)
                assert str(expired) == str(subprocess.TimeoutExpired(SLEEP, 0.01))
        process.kill()


def test_a_timeout_tells_what_is_just_being_read(system: ComputeSystem) -> None:
    flood = guest("while True: os.write(1, b'x' * 100)")
    for _ in range(4):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            system.run(flood, capture_output=True, timeout=0.4)
        assert (caught.value.output or b"").strip(b"x") == b""


def test_run_kills_on_a_timeout_and_keeps_the_output(
    system: ComputeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the kill ends it in the time of a test.
    monkeypatch.setattr(core, "CLEANUP_TIMEOUT", 600.0)
    written = tmp_path / "written"
    command = guest("out(os.getpid()); err('err'); tell(argv[0]); sleep(600)", str(written))
    for timeout in limits(0.3, written.exists):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            system.run(command, capture_output=True, text=True, timeout=timeout)
        assert caught.value.timeout == timeout
    assert isinstance(caught.value.stdout, bytes)
    assert caught.value.stderr == b"err\n"
    assert not exists(int(caught.value.stdout))
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (copied.stdout, copied.stderr) == (caught.value.stdout, caught.value.stderr)
    assert emulator.live()["processes"] == 0


def test_what_a_process_writes_until_its_kill_takes_effect_is_kept(
    system: ComputeSystem, faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settle: Settle
) -> None:
    # However long the process takes to its first and last words.
    monkeypatch.setattr(core, "CLEANUP_TIMEOUT", 60.0)
    own_pid, begun, killed, written = files = [tmp_path / name for name in ("pid", "begun", "killed", "written")]
    terminated = faults.on("HcsTerminateProcess").answer()

    def kill_late(before: int) -> None:
        settle(lambda: len(terminated.fired) > before, 60)
        settle(begun.exists, 60)
        killed.touch()
        settle(written.exists, 60)
        kill(int(own_pid.read_text()))

    code = """
with open(argv[0], "w") as file:
    file.write(str(os.getpid()))
out('early'); tell(argv[1]); wait_for(argv[2]); out('late'); tell(argv[3]); sleep(600)
"""
    for timeout in limits(0.2, lambda: caught.value.stdout):
        for file in files:
            file.unlink(missing_ok=True)
        killer = threading.Thread(target=kill_late, args=[len(terminated.fired)])
        killer.start()
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            system.run(guest(code, *map(str, files)), capture_output=True, timeout=timeout)
        killer.join()
    assert caught.value.stdout == b"early\nlate\n"


def test_the_timeout_of_run_is_for_starting_the_process_too(
    system: ComputeSystem, settle: Settle, plain_order: None, nothing_runs: NothingRuns
) -> None:
    with late("HcsCreateProcess"):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            system.run(SLEEP, timeout=0.05)
        assert isinstance(caught.value.__cause__, hcsrt.OperationTimeoutError)
        with pytest.raises(hcsrt.OperationTimeoutError):
            system.popen(SLEEP, timeout=0.05)
    assert settle(lambda: hcsrt.pending() == 0)
    assert settle(nothing_runs)


def test_a_child_that_keeps_the_pipes_does_not_keep_communicate(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.3)
    monkeypatch.setattr(times, "DRAIN_LIMIT", 600.0)
    before = time.monotonic()
    done = system.run(guest("out(spawn('sleep(60)')); exit(3)"), capture_output=True)
    assert time.monotonic() - before >= 0.3 - TICK
    assert done.returncode == 3
    assert exists(int(done.stdout))


@pytest.mark.alone
def test_what_a_child_writes_soon_after_the_exit_is_not_lost(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.8)
    begun = str(tmp_path / "begun")
    child = f"tell({begun!r})\nfor i in 1, 2, 3: sleep(0.3); out(i)"
    done = system.run(guest(f"spawn({child!r}); wait_for(argv[0]); out('mine')", begun), capture_output=True)
    assert done.stdout == b"mine\n1\n2\n3\n"


def test_pipes_that_a_child_keeps_are_closed_after_the_drain(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, settle: Settle
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.1)
    with system.popen(guest("spawn('sleep(60)', stdin=0)"), stdin=PIPE, stdout=PIPE) as process:
        assert process.communicate(bytes(1 << 20), timeout=10) == (b"", None)
        assert settle(lambda: emulator.live()["stdio"] == 0)
        assert process.stdin
        assert process.stdout
        assert settle(lambda: process.stdout.closed and process.stdin.closed)


def test_a_child_that_goes_on_writing_does_not_keep_communicate(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(times, "DRAIN_LIMIT", 1.0)
    monkeypatch.setattr(times, "DRAIN_QUIET", 600.0)
    begun = tmp_path / "begun"
    child = f"for n in range(4): out('child')\ntell({str(begun)!r})\nwhile True: out('child'); sleep(0.05)"
    before = time.monotonic()
    done = system.run(guest(f"spawn({child!r}); wait_for(argv[0]); out('mine')", str(begun)), capture_output=True)
    assert b"mine\n" in done.stdout
    assert done.stdout.count(b"child\n") > 3
    assert time.monotonic() - before >= 1 - TICK


def test_a_child_that_keeps_stdin_does_not_keep_communicate(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.3)
    done = system.run(guest("spawn('sleep(60)', stdin=0); exit(2)"), input=bytes(1 << 20))
    assert done.returncode == 2


def test_the_timeout_holds_for_a_child_that_keeps_the_pipes(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 600.0)
    monkeypatch.setattr(times, "DRAIN_LIMIT", 600.0)
    with system.popen(guest("out(spawn('sleep(60)'))"), stdout=PIPE) as process:
        assert process.wait(timeout=10) == 0
        for timeout in limits(0.2, lambda: caught.value.stdout):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.communicate(timeout=timeout)
        assert exists(int(caught.value.stdout))


def test_communicate_goes_on_with_what_was_read_before(system: ComputeSystem) -> None:
    with system.popen(guest("out('one'); out('two'); cat()"), stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"one\n"
        process.stdin.write(b"three\n")
        assert process.communicate(b"four\n", timeout=10) == (b"two\nthree\nfour\n", None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_communicate_goes_on_with_text_that_was_read_ahead(
    encoding: str, system: ComputeSystem, settle: Settle, tmp_path: Path
) -> None:
    first, second, gate = (tmp_path / name for name in ("first", "second", "gate"))
    data = "one\ntwo\u00e9\n\u20acthree\nfour\n".encode(encoding)
    for cut in (len(data) - 5, data.index("\u20ac".encode(encoding)[-2:]) + 1):  # the second one is inside a character
        first.write_bytes(data[:cut])
        second.write_bytes(data[cut:])
        gate.unlink(missing_ok=True)
        code = f"cat({str(first)!r})\nwhile not os.path.exists({str(gate)!r}): sleep(0.02)\ncat({str(second)!r})"
        with system.popen(guest(code), stdout=PIPE, encoding=encoding) as process:
            assert process.stdout
            assert process.stdout.readline() == "one\n"
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.communicate(timeout=0.1)
            assert "two\u00e9\n".encode(encoding)[2:] in caught.value.output
            gate.touch()
            assert process.communicate(timeout=10) == ("two\u00e9\n\u20acthree\nfour\n", None)


def test_text_that_cannot_be_decoded_is_an_error(system: ComputeSystem) -> None:
    with pytest.raises(UnicodeDecodeError):
        system.run(guest(r"write(b'\xff')"), capture_output=True, encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input": 5, "text": True}, TypeError, "input must be a str, not int"),
        ({"input": 5}, TypeError, "input must be bytes, not int"),
        ({"input": 0}, TypeError, "input must be bytes, not int"),
        ({"console": [10, 20]}, TypeError, r"console must be True, False or a tuple .*not \[10, 20\]"),
        ({"console": 5}, TypeError, "console must be True, False or a tuple"),
        ({"console": (1, 2, 3)}, TypeError, "console must be True, False or a tuple"),
        ({"console": ("a", "b")}, TypeError, "the rows of a console must be an int, not str"),
        ({"env": ["A=1"]}, TypeError, "env must be a mapping of names to values, not list"),
        ({"bufsize": None}, TypeError, "bufsize must be an int, not NoneType"),
        ({"bufsize": 1.5}, TypeError, "bufsize must be an int, not float"),
        ({"bufsize": 10**400}, ValueError, "bufsize must be at most"),
    ],
)
def test_arguments_that_are_wrong_are_named(
    options: Any, error: type[Exception], message: str, system: ComputeSystem
) -> None:
    with pytest.raises(error, match=message):
        system.run(CAT, **options)


def test_input_may_be_any_buffer(system: ComputeSystem) -> None:
    assert system.run(CAT, input=memoryview(b"ab"), capture_output=True).stdout == b"ab"  # type: ignore[call-overload]


@pseudo_terminal
def test_a_console_is_captured_from_stdout(system: ComputeSystem) -> None:
    done = system.run(guest("out('out'); err('err')"), console=True, capture_output=True)
    assert done.stdout.split() == [b"out", b"err"]
    assert done.stderr is None


@pytest.mark.alone
@pytest.mark.parametrize("verb", [lambda process: process.wait(0.1), lambda process: process.poll()])
def test_a_question_that_hangs_holds_nobody_up(verb: Any, sleeper: Process[bytes]) -> None:
    with silent("HcsGetProcessProperties"):
        before = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            assert verb(sleeper) is None
        assert time.monotonic() - before < 0.4


@pytest.mark.alone
def test_a_run_keeps_to_its_timeout_while_questions_hang(system: ComputeSystem) -> None:
    with silent("HcsGetProcessProperties"):
        before = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            system.run(SLEEP, timeout=0.2)
        assert time.monotonic() - before < 0.7


def test_a_closed_process_has_no_duplicate_and_no_block(system: ComputeSystem) -> None:
    process = system.popen(SLEEP)
    process.kill()
    process.close()
    with pytest.raises(hcsrt.HandleClosedError):
        process.duplicate_handle()
    with pytest.raises(hcsrt.HandleClosedError):
        process.__enter__()


def test_a_duplicate_is_never_of_another_process(
    unseen: Process[bytes], sleeper: Process[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unseen, "pid", sleeper.pid)  # as if the guest had used it again
    with pytest.raises(hcsrt.HcsError, match="another one may have its pid now"):
        unseen.duplicate_handle()
    unseen.close()


def test_communicate_with_streams_closed_before(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        process.stdin.close()
        with pytest.raises(ValueError, match="not closed yet"):
            process.communicate(b"x")
        assert process.communicate(timeout=10) == (b"", None)


# --- ending a process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["kill", "terminate"])
def test_kill_is_idempotent(verb: str, sleeper: Process[bytes]) -> None:
    kill: Callable[[], None] = getattr(sleeper, verb)
    kill()
    kill()
    assert sleeper.wait(timeout=5) != 0
    kill()


@pytest.mark.parametrize("hresult", GONE)
def test_kill_of_a_process_whose_exit_nobody_has_seen_is_a_success(
    hresult: int, unseen: Process[bytes], plain_order: None
) -> None:
    with unseen, failing("HcsTerminateProcess", hresult), failing("HcsSignalProcess", hresult):
        unseen.send_signal("CtrlC")
        unseen.kill()
        assert unseen.wait(timeout=5) != 0


def test_kill_from_many_threads_is_one_success_for_all(sleeper: Process[bytes]) -> None:
    start = threading.Barrier(8)

    def kill() -> None:
        start.wait()
        sleeper.kill(timeout=10)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(kill) for _ in range(8)]:
            done.result()
    assert sleeper.wait(timeout=5) != 0


def test_a_kill_of_a_process_that_is_on_its_way_down_is_a_success(sleeper: Process[bytes], plain_order: None) -> None:
    with failing("HcsTerminateProcess", HCS_E_PROCESS_ALREADY_STOPPED):
        sleeper.kill()
        assert sleeper.poll() is None


def test_a_refused_kill_of_a_running_process_is_an_error(
    sleeper: Process[bytes], plain_order: None, quick: None
) -> None:
    with failing("HcsTerminateProcess", E_ACCESSDENIED), pytest.raises(hcsrt.AccessDeniedError):
        sleeper.kill()
    with failing("HcsSignalProcess", E_ACCESSDENIED), pytest.raises(hcsrt.AccessDeniedError):
        sleeper.send_signal("CtrlC")
    assert sleeper.poll() is None


def test_a_kill_that_hangs_is_tried_on_handles_of_its_own(sleeper: Process[bytes], quick: None) -> None:
    with counting() as calls, silent("HcsTerminateProcess", calls=1) as hang:
        sleeper.kill()
        assert (hang.met, calls["HcsTerminateProcess"]) == (1, 2)
        assert sleeper.wait(timeout=5) != 0
        assert hcsrt.pending() == 1
        assert emulator.live()["processes"] == 1


@pytest.mark.alone
def test_a_kill_keeps_to_its_timeout(sleeper: Process[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "KILL_PATIENCE", 0.2)
    for timeout, count in ((0.05, 1), (0.4, 2)):
        with silent("HcsTerminateProcess") as asked:
            before = time.monotonic()
            with pytest.raises(hcsrt.OperationTimeoutError):
                sleeper.kill(timeout=timeout)
            assert timeout - TICK <= time.monotonic() - before < timeout + 0.5
            assert asked.met == count


@catches_signals
def test_signals_by_their_hcs_names(system: ComputeSystem) -> None:
    for name, code in (("CtrlC", 2), ("CtrlShutdown", 15)):
        handlers = "on('SIGINT', lambda: exit(2)); on('SIGTERM', lambda: exit(15)); out('ready'); sleep(60)"
        with system.popen(guest(handlers), stdout=PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            process.send_signal(name)
            assert process.wait(timeout=10) == code
            process.send_signal(name)


def test_a_program_without_a_handler_ends_by_a_signal(system: ComputeSystem) -> None:
    with system.popen(guest("out('ready'); sleep(60)"), stdout=PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal("CtrlC")
        assert process.wait(timeout=10) == INTERRUPTED


def test_signals_are_checked(plain_order: None, sleeper: Process[bytes]) -> None:
    # A seed now and then leaves out what the guest is; then HCS itself refuses the number.
    with pytest.raises(ValueError, match=r"must be one of CtrlC, .*not 'SIGTERM'"):
        sleeper.send_signal("SIGTERM")
    with pytest.raises(TypeError, match="signal must be a str or an int, not NoneType"):
        sleeper.send_signal(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"CtrlShutdown for a Windows guest, not 15"):
        sleeper.send_signal(signal.SIGTERM)
    assert sleeper.poll() is None


def test_a_linux_guest_takes_numbers(sleeper: Process[bytes], system: ComputeSystem, faults: Faults) -> None:
    system._guest_os = "Linux"  # pyright: ignore[reportPrivateUsage]
    with faults.on("HcsSignalProcess").answer(), documents_of("HcsSignalProcess", OPTIONS) as told:
        sleeper.send_signal(signal.SIGTERM)
    assert told == [{"Signal": 15}]


# --- consoles ---------------------------------------------------------------------------------------------------------


@pseudo_terminal
def test_a_console(system: ComputeSystem) -> None:
    assert system.run(guest("exit(os.isatty(1))")).returncode == 0
    size = guest("out(*map(os.isatty, (0, 1, 2)), *os.get_terminal_size())")
    done = system.run(size, console=(50, 120), stdout=PIPE, timeout=10)
    assert done.returncode == 0
    assert done.stdout == b"True True True 120 50\r\n"
    done = system.run(guest("out('out'); err('err')"), console=True, stdout=PIPE, stderr=STDOUT, timeout=10)
    assert (done.stdout, done.stderr) == (b"out\r\nerr\r\n", None)


@pseudo_terminal
def test_a_console_is_resized(system: ComputeSystem) -> None:
    size = guest("read_line(); out(*os.get_terminal_size())")
    with system.popen(size, console=True, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        process.resize_console(33, 77)
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"go\n")
        assert b"77 33" in process.stdout.read()
        for height, width in ((0, 80), (24, 65536)):
            with pytest.raises(ValueError, match="1 to 65535"):
                process.resize_console(height, width)
    with system.popen(TRUE) as process, pytest.raises(hcsrt.HcsError):
        process.resize_console(24, 80)


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wait",
    [
        lambda process: process.wait(),
        lambda process: process.wait(timeout=20),
        lambda process: process.communicate(),
        lambda process: process.communicate(timeout=20),
        lambda process: process.stdout.read(),
        lambda process: process.stdin.write(bytes(1 << 22)),
        lambda process: process.__exit__(None, None, None),
    ],
    ids=["wait", "wait with timeout", "communicate", "communicate with timeout", "read", "write", "end of the block"],
)
def test_ctrl_c_ends_every_wait(
    wait: Callable[[Process[bytes]], object], system: ComputeSystem, interrupted: Interrupted
) -> None:
    for block in interrupted(0.15):
        process = system.popen(SLEEP, stdin=PIPE, stdout=PIPE)
        with block:
            wait(process)
        process.close()
        kill(process.pid)


@pytest.mark.parametrize("options", [{}, {"text": True}, {"bufsize": 0}], ids=["bytes", "text", "raw"])
def test_ctrl_c_does_not_wait_for_a_process_that_does_not_read(
    options: dict[str, Any], system: ComputeSystem, interrupted: Interrupted
) -> None:
    with silent("HcsModifyProcess") as told:
        for block in interrupted(0.3):
            with block, system.popen(SLEEP, stdin=PIPE, **options) as process:
                while True:
                    process.stdin.write("x" * 1000 if options.get("text") else b"x" * 1000)
            assert process.closed
            assert not told.met
            kill(process.pid)


@pytest.mark.parametrize("end", [lambda process: process.close(), lambda process: None], ids=["close", "block"])
def test_what_is_still_written_after_ctrl_c_is_written(
    end: Callable[[Any], None], system: ComputeSystem, tmp_path: Path, settle: Settle
) -> None:
    saved = tmp_path / "copy"
    saved.touch()
    save = guest("open('copy', 'wb').write(sys.stdin.buffer.read())")
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with system.popen(save, cwd=tmp_path, stdin=PIPE) as process:
            process.stdin.write(b"kept")
            end(process)
    assert settle(lambda: saved.read_bytes() == b"kept")


def test_ctrl_c_in_communicate_loses_no_output(system: ComputeSystem, interrupted: Interrupted, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = "out('ready'); sleep(0.05); out('early'); wait_for(argv[0]); out('late')"
    for block in interrupted(0.2):
        gate.unlink(missing_ok=True)
        with system.popen(guest(code, str(gate)), stdout=PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            with block:
                process.communicate()
            gate.touch()
            assert process.communicate(timeout=10) == (b"early\nlate\n", None)


def test_ctrl_c_in_run_kills_the_process(
    system: ComputeSystem, interrupted: Interrupted, tmp_path: Path, settle: Settle
) -> None:
    pid = tmp_path / "pid"
    command = guest("open('pid', 'w').write(str(os.getpid())); sleep(60)")
    for seconds in limits(0.3, lambda: pid.exists() and pid.read_text()):
        for block in interrupted(seconds):
            with block:
                system.run(command, cwd=tmp_path, capture_output=True)
    assert settle(lambda: not exists(int(pid.read_text())))


def test_ctrl_c_while_a_process_is_created_leaves_none(
    system: ComputeSystem, interrupted: Interrupted, settle: Settle, plain_order: None, nothing_runs: NothingRuns
) -> None:
    for block in interrupted(0.1):
        with late("HcsCreateProcess"), block:
            system.run(SLEEP)
    assert settle(lambda: hcsrt.pending() == 0)
    assert settle(nothing_runs)


@pytest.mark.alone
def test_the_end_of_a_block_does_not_wait_after_ctrl_c(system: ComputeSystem) -> None:
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt), system.popen(SLEEP) as process:
        raise KeyboardInterrupt
    assert time.monotonic() - before < 1
    assert process.closed


# --- handles ----------------------------------------------------------------------------------------------------------


def test_the_end_of_a_block_waits_and_closes(system: ComputeSystem) -> None:
    with system.popen(guest("read_line(); sleep(0.1); exit(3)"), stdin=PIPE, stdout=PIPE) as process:
        pass
    assert process.closed
    assert process.returncode == 3
    assert process.stdin
    assert process.stdout
    assert process.stdin.closed
    assert process.stdout.closed


def test_close_is_idempotent_and_does_not_kill(system: ComputeSystem) -> None:
    process = system.popen(SLEEP, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    process.close()
    process.close()
    assert process.closed
    assert "closed" in repr(process)
    assert exists(process.pid)
    for verb in (process.wait, process.poll, process.kill, process.communicate):
        with pytest.raises(hcsrt.HandleClosedError):
            verb()


def test_close_writes_what_is_buffered(system: ComputeSystem, tmp_path: Path, settle: Settle) -> None:
    saved = tmp_path / "copy"
    saved.touch()
    save = guest("open('copy', 'wb').write(sys.stdin.buffer.read())")
    process = system.popen(save, cwd=tmp_path, stdin=PIPE, text=True)
    assert process.stdin
    process.stdin.write("kept")
    process.close()
    assert settle(lambda: saved.read_text() == "kept")


@pytest.mark.alone
def test_close_lets_a_reader_go(system: ComputeSystem) -> None:
    process = system.popen(SLEEP, stdout=PIPE)
    assert process.stdout
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(process.stdout.read)
        time.sleep(0.05)
        before = time.monotonic()
        process.close()
        with pytest.raises(ValueError):  # noqa: PT011 - of a closed file or a closed handle
            read.result()
        assert time.monotonic() - before < 1
    kill(process.pid)


class Torn(io.BufferedWriter):
    """One that another thread closes while it is being closed."""

    def close(self) -> None:
        super().close()
        raise ValueError("flush of closed file")


@pytest.mark.parametrize("is_let_go", [False, True])
def test_close_is_content_with_a_stdin_that_another_thread_closes(is_let_go: bool, system: ComputeSystem) -> None:
    process: Any = system.popen(CAT, stdin=PIPE)
    process.stdin = Torn(process.stdin.detach())
    if is_let_go:
        process.stdin.raw.handle.close()
    process.close()
    assert process.closed


def test_threads_may_close_it_at_once(system: ComputeSystem) -> None:
    both = threading.Barrier(2)

    def close(process: Process[bytes]) -> None:
        both.wait()
        process.close()

    with ThreadPoolExecutor(both.parties) as pool:
        for _ in range(60):
            process = system.popen(CAT, stdin=PIPE, stdout=PIPE)
            for closing in [pool.submit(close, process) for _ in range(both.parties)]:
                closing.result(10)


@pytest.mark.parametrize("text", [False, True], ids=["bytes", "text"])
def test_close_does_not_wait_for_ever_for_what_nobody_reads(
    text: bool, system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "CLOSE_TIMEOUT", 0.2)
    process: Any = system.popen(SLEEP, stdin=PIPE, text=text)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(process.stdin.write, "x" * (1 << 20) if text else bytes(1 << 20))
        time.sleep(0.05)
        before = time.monotonic()
        process.close()
        assert time.monotonic() - before < 5
        with pytest.raises(ValueError):  # noqa: PT011 - of a closed file or a closed handle
            writing.result()
    kill(process.pid)


def test_ctrl_c_ends_a_close_that_waits_for_a_writer(system: ComputeSystem, interrupted: Interrupted) -> None:
    for block in interrupted(0.15):
        process = system.popen(SLEEP, stdin=PIPE)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(process.stdin.write, bytes(1 << 20))
            with block:
                process.close()
            with pytest.raises(ValueError):  # noqa: PT011 - of a closed file or a closed handle
                writing.result()
        kill(process.pid)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("bufsize", [0, -1])
def test_nothing_that_owns_a_handle_can_be_copied(
    bufsize: int, copier: Callable[[Any], object], system: ComputeSystem
) -> None:
    with (
        system.popen(CAT, stdin=PIPE, stdout=PIPE, bufsize=bufsize) as process,
        system.events() as events,
    ):
        for owner in (system, process, process.stdin, process.stdout, events):
            with pytest.raises(TypeError, match="cannot"):
                copier(owner)
            gc.collect()
        assert process.communicate(b"x") == (b"x", None)


def test_who_waits_long_asks_ever_less_often(sleeper: Process[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    wait_exit = _watch.wait_exit

    def wait(handle: Any, timeout: float) -> bool:
        waits.append(timeout)
        return wait_exit(handle, timeout)

    monkeypatch.setattr(times, "FIRST_QUERY", 0.02)
    monkeypatch.setattr(_watch, "wait_exit", wait)
    sleeper._expect_exit()  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(timeout=0.6)
    assert 1 < len(waits) < 15


def test_the_handle_is_owned_and_cannot_be_given_away(sleeper: Process[bytes]) -> None:
    assert isinstance(sleeper.handle, hcsrt.OwnedProcess)
    with pytest.raises(hcsrt.HandleBusyError):
        sleeper.handle.into_raw()


def test_a_duplicate_handle_makes_the_round_trip_through_raw(sleeper: Process[bytes], system: ComputeSystem) -> None:
    raw = sleeper.duplicate_handle().into_raw()
    assert emulator.live()["processes"] == 2
    with hcsrt.OwnedProcess.from_raw(raw) as handle:
        _calls.call(handle, "HcsTerminateProcess")
    assert sleeper.wait(timeout=5) != 0
    with pytest.raises(hcsrt.HcsError):
        sleeper.duplicate_handle()
    assert emulator.live()["processes"] == 1
    assert emulator.live()["systems"] == 1


def test_a_process_outlives_the_object_of_its_system(document: dict[str, Any]) -> None:
    with ComputeSystem.create("gone", document) as system:
        system.start()
        process = system.popen(CAT, stdin=PIPE, stdout=PIPE)
    with process:
        assert process.communicate(b"still there", timeout=10) == (b"still there", None)
    with ComputeSystem.open("gone") as system:
        system.terminate()


def test_an_unclosed_process_warns_and_is_closed(system: ComputeSystem) -> None:
    process = system.popen(TRUE, stdin=PIPE, stdout=PIPE)
    process.wait(timeout=10)
    with pytest.warns(ResourceWarning, match=rf"unclosed <hcsrt.Process {process.pid} returncode=0>"):
        del process
    assert (emulator.live()["processes"], emulator.live()["stdio"]) == (0, 0)


def test_a_finished_communicate_keeps_no_object_alive(system: ComputeSystem) -> None:
    process = system.popen(CAT, stdin=PIPE, stdout=PIPE)
    process.communicate(b"x")
    gc.disable()
    try:
        with pytest.warns(ResourceWarning):
            del process
    finally:
        gc.enable()


def test_a_process_that_cannot_be_set_up_is_ended(
    plain_order: None, system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, settle: Settle
) -> None:
    pids: list[int] = []
    create = _calls.create_process

    def remember(*args: Any) -> Any:
        start = create(*args)
        pids.append(start.pid)
        return start

    monkeypatch.setattr(_calls, "create_process", remember)
    refused = failing("HcsSetProcessCallback", E_FAIL)
    with refused, pytest.raises(hcsrt.HcsError, match="HcsSetProcessCallback"):
        system.popen(SLEEP, stdin=PIPE, stdout=PIPE, text=True)
    assert settle(lambda: not exists(pids[0]))
    assert (emulator.live()["processes"], emulator.live()["stdio"]) == (0, 0)
    monkeypatch.setattr(process_module, "StdioReader", lambda handle: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        system.popen(SLEEP, stdin=PIPE, stdout=PIPE)
    assert settle(lambda: not exists(pids[1]))


@pytest.mark.parametrize("options", [{"encoding": "nope"}, {"encoding": "hex"}, {"errors": "nope"}])
def test_a_codec_that_is_none_is_refused_before_there_is_a_process(
    options: dict[str, Any], system: ComputeSystem
) -> None:
    with counting() as calls, pytest.raises(LookupError, match=r"nope|hex"):
        system.popen(SLEEP, stdin=PIPE, stdout=PIPE, **options)
    assert not calls["HcsCreateProcess"]


def test_an_interrupt_right_after_the_call_loses_no_process(
    system: ComputeSystem, settle: Settle, nothing_runs: NothingRuns
) -> None:
    def interrupt(frame: Any, event: str, function: Any) -> None:
        if event == "c_return" and getattr(function, "__name__", "") == "extend":
            sys.setprofile(None)
            raise KeyboardInterrupt

    try:
        sys.setprofile(interrupt)
        with pytest.raises(KeyboardInterrupt):
            system.popen(SLEEP, stdin=PIPE)
    finally:
        sys.setprofile(None)
    assert settle(nothing_runs)


def test_an_interrupt_right_after_the_constructor_loses_no_process(
    system: ComputeSystem, settle: Settle, nothing_runs: NothingRuns
) -> None:
    made: list[Any] = []

    def interrupt(frame: Any, event: str, function: Any) -> None:
        if made:
            sys.setprofile(None)
            raise KeyboardInterrupt
        if event == "return" and frame.f_code is Process.__init__.__code__:
            made.append(frame.f_code)

    try:
        sys.setprofile(interrupt)
        with pytest.raises(KeyboardInterrupt):
            system.popen(SLEEP)
    finally:
        sys.setprofile(None)
    assert settle(nothing_runs)


def test_runs_in_many_threads_do_not_get_in_each_others_way(system: ComputeSystem) -> None:
    def run(number: int) -> None:
        data = random.Random(number).randbytes(100_000 + number)
        done = system.run(guest(f"cat(); exit({number})"), input=data, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (number, data)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(40)))


@handle_counts
def test_a_hundred_processes_leave_no_descriptor(system: ComputeSystem) -> None:
    me = pytest.importorskip("psutil", exc_type=ImportError).Process()
    descriptors: Callable[[], int] = me.num_handles if sys.platform == "win32" else me.num_fds
    system.run(TRUE, input=b"", capture_output=True)
    before = descriptors()
    for _ in range(100):
        system.run(TRUE, input=b"", capture_output=True)
    assert descriptors() <= before


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows no exit code goes to one only")
def test_an_exit_code_that_went_to_somebody_else_is_an_error_and_no_number() -> None:
    # Where SIGCHLD is ignored, the system throws the exit codes of all children away.
    script = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
import warnings
import hcsrt
warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
with hcsrt.ComputeSystem.create("lost", hcsrt.emulator.container_document()) as system:
    system.start()
    try:
        system.run("true")
    except hcsrt.HcsError as error:
        print("does not tell its exit code" in str(error))
    system.terminate()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


# HCS may fail to create a process and give a handle all the same: then it is asked whether the process runs.


@pytest.fixture
def doubtful(hcs_host: "Host", plain_order: None) -> None:
    """Let HCS create processes, and say that it has failed to."""
    hcs_host.assume(process_in_container="E_INVALIDARG")


def test_a_process_that_runs_is_a_process(doubtful: None, system: ComputeSystem) -> None:
    with system.popen(guest("out(os.getpid()); cat()"), stdin=PIPE, stdout=PIPE) as process:
        assert process.communicate(b"it runs", timeout=30) == (b"%d\nit runs" % process.pid, None)
        assert process.returncode == 0


def test_a_process_that_does_not_run_fails_as_its_creation(
    doubtful: None, system: ComputeSystem, faults: Faults
) -> None:
    asked = faults.on("HcsGetProcessInfo").fail("HCS_E_PROCESS_ALREADY_STOPPED", document=True)
    with pytest.raises(hcsrt.HcsError, match="HcsCreateProcess") as caught:
        system.popen(TRUE, stdin=PIPE, stdout=PIPE)
    assert caught.value.hresult & 0xFFFFFFFF == E_INVALIDARG
    assert asked.fired


def test_a_process_whose_pipes_nobody_has_fails_as_its_creation(
    plain_order: None, system: ComputeSystem, settle: Settle, faults: Faults
) -> None:
    """HCS says that its creation has failed, and then tells of it without its pipes."""
    faults.on("completion:HcsCreateProcess").fail("E_UNEXPECTED")
    faults.on("HcsGetProcessInfo", times=1).answer()
    with pytest.raises(hcsrt.HcsError, match="HcsCreateProcess: E_UNEXPECTED"):
        system.popen(SLEEP, stdout=PIPE)
    assert settle(lambda: not system.process_list())
    # Without a pipe it lacks nothing.
    with system.popen(SLEEP) as process:
        process.kill()


def test_a_process_of_which_nothing_is_known_in_time_is_ended(
    doubtful: None, system: ComputeSystem, settle: Settle
) -> None:
    with silent("HcsGetProcessInfo"):
        with pytest.raises(hcsrt.OperationTimeoutError):
            system.popen(SLEEP, timeout=0.3)
        assert settle(lambda: emulator.live()["processes"] == 0)
        assert settle(lambda: not system.process_list())
