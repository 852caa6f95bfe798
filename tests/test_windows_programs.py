"""How the emulator finds and starts programs on Windows: as the document says, whatever its own program is like."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import hcsrt
from hcsrt import PIPE

from .platforms import win32
from .programs import CAT, TRUE, guest

pytestmark = win32

@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with prog.exe, which tells the name of the host; in the current folder another one tells the user's."""
    system32 = Path(os.environ["SYSTEMROOT"]) / "System32"
    for folder, name in (("right", "hostname.exe"), ("wrong", "whoami.exe")):
        for place in (tmp_path / folder, tmp_path / folder / "sub"):
            place.mkdir()
            shutil.copy(system32 / name, place / "prog.exe")
    monkeypatch.chdir(tmp_path / "wrong")
    return tmp_path


def is_right(done: subprocess.CompletedProcess[bytes]) -> bool:
    return done.returncode == 0 and done.stdout != subprocess.run("whoami", capture_output=True, check=True).stdout


@pytest.mark.parametrize("path", [None, "", ".", ";;"])
@pytest.mark.parametrize("name", [r".\prog.exe", r".\prog", r"sub\prog.exe", "./sub/prog", r"..\right\prog.exe"])
def test_a_relative_name_is_that_of_the_working_folder(system, folders, name, path):
    env = None if path is None else {"PATH": path}
    assert is_right(system.run(name, cwd=folders / "right", env=env, capture_output=True))


@pytest.mark.parametrize("path", ["{right}", ".", r"nowhere;{right}", r"..\right"])
def test_a_name_alone_is_looked_up_on_the_path_of_the_document(system, folders, path):
    env = {"PATH": path.format(right=folders / "right")}
    assert is_right(system.run("prog", cwd=folders / "right", env=env, capture_output=True))


@pytest.mark.parametrize("path", ["", ";", "{right}\\sub\\none"])
def test_a_name_alone_is_not_looked_up_in_the_current_folder(system, folders, path):
    with pytest.raises(hcsrt.PathNotFoundError):
        system.run("prog.exe", cwd=folders / "right", env={"PATH": path.format(right=folders / "right")})


def test_a_folder_is_no_program(system, tmp_path):
    with pytest.raises(hcsrt.AccessDeniedError):
        system.run(str(tmp_path))


def test_a_variable_that_is_there_twice_is_refused(system):
    with pytest.raises(hcsrt.HcsError, match="but for its case"):
        system.run(TRUE, env={"Foo": "1", "FOO": "2"})


def test_a_variable_replaces_the_default_one_whatever_its_case(system):
    done = system.run(guest("out(os.environ['PATH'])"), env={"Path": "C:\\mine"}, capture_output=True)
    assert done.stdout == b"C:\\mine\n"


def test_a_write_to_a_program_that_has_exited_is_refused(system, settle):
    def refused() -> bool:
        try:
            process.stdin.write(b"x")
        except BrokenPipeError:
            return True
        return False

    with system.popen(TRUE, stdin=PIPE, bufsize=0) as process:
        process.wait(timeout=10)
        # The console of the program, which Wine counts as part of it, may be there a moment longer.
        assert settle(refused)


def test_children_of_this_program_inherit_no_stream(system):
    """Else the end of the output would come only when the last of them has ended."""
    stop = threading.Event()
    children: list[subprocess.Popen[bytes]] = []

    def start_children() -> None:
        while not stop.is_set():
            command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(20)"]
            children.append(subprocess.Popen(command, close_fds=True, stdin=subprocess.DEVNULL))
            stop.wait(0.05)

    thread = threading.Thread(target=start_children)
    thread.start()
    try:
        for _ in range(5):
            started = time.monotonic()
            assert system.run(CAT, input=b"abc", capture_output=True).stdout == b"abc"
            assert time.monotonic() - started < 10
    finally:
        stop.set()
        thread.join()
        for child in children:
            child.kill()
            child.wait()
