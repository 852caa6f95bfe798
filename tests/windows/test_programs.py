"""How the emulator finds and starts programs on Windows: as the document says, whatever its own program is like."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hcsrt
from hcsrt import PIPE

from ..helpers.platforms import WINE, win32
from ..helpers.programs import CAT, TRUE, guest

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


def test_a_file_without_extension_hides_no_program(system, folders):
    (folders / "right" / "prog").write_bytes(b"#!/bin/sh\n")
    assert is_right(system.run("prog", cwd=folders / "right", env={"PATH": "."}, capture_output=True))
    assert is_right(system.run(r".\prog", cwd=folders / "right", capture_output=True))


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
        # Wine counts the console of a program as part of it: that may live a moment longer, and have the first write.
        assert settle(refused) if WINE else refused()


def test_a_child_of_this_program_inherits_no_stream(system):
    """Else the end of stdin, and of the output with it, would come only when that child has ended."""
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
        # Its own stdout would keep the pipe open that the tests' output goes through.
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        child = subprocess.Popen(command, close_fds=False, **streams)
        try:
            process.stdin.write(b"abc")
            process.stdin.handle.close()
            assert process.stdout.readall() == b"abc"
            assert process.wait(timeout=10) == 0
            assert child.poll() is None
        finally:
            child.kill()
            child.wait()
