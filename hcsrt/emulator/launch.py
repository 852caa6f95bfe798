"""The launch of a process of a compute system as a program of this machine."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from .._hresults import (
    E_ACCESSDENIED,
    E_FAIL,
    ERROR_BAD_EXE_FORMAT,
    ERROR_DIRECTORY,
    ERROR_FILE_NOT_FOUND,
    ERROR_FILENAME_EXCED_RANGE,
    ERROR_NO_SYSTEM_RESOURCES,
    ERROR_PATH_NOT_FOUND,
    ERROR_TOO_MANY_OPEN_FILES,
    from_win32,
)
from . import commandline, schema, volumes
from .failures import Failure, Problem, invalid_argument, not_emulated

if sys.platform != "win32":
    import pwd

_WINDOWS = sys.platform == "win32"

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEFAULT_CONSOLE = (24, 80)
# By user: the system reads a file for each question.
_homes: dict[int, str] = {}

_PROGRAM_ERRORS = {
    errno.ENOENT: ERROR_FILE_NOT_FOUND,
    errno.ENOTDIR: ERROR_PATH_NOT_FOUND,
    errno.EACCES: E_ACCESSDENIED,
    errno.EPERM: E_ACCESSDENIED,
    errno.ENOEXEC: ERROR_BAD_EXE_FORMAT,
    errno.E2BIG: ERROR_FILENAME_EXCED_RANGE,
    errno.ENAMETOOLONG: ERROR_FILENAME_EXCED_RANGE,
    errno.EMFILE: ERROR_TOO_MANY_OPEN_FILES,
    errno.ENFILE: ERROR_TOO_MANY_OPEN_FILES,
    errno.EAGAIN: ERROR_NO_SYSTEM_RESOURCES,
    errno.ENOMEM: ERROR_NO_SYSTEM_RESOURCES,
}


class Launch:
    """A ProcessParameters document, translated into what starts a program."""

    def __init__(self, text: str, *, linux: bool) -> None:
        document = schema.parse(text, "ProcessParameters")
        # User is set from each image that names one; nothing tells it, and nothing here could become that user.
        if document.get("RestrictedToken"):
            raise not_emulated(
                "RestrictedToken; every process has the rights of the user of the program that uses the emulator"
            )
        self.program_and_arguments: list[str] = _arguments(document, linux=linux)
        self.folder: str = volumes.local(document.get("WorkingDirectory") or _root())
        self.is_console: bool = document.get("EmulateConsole", False)
        if self.is_console and _WINDOWS:
            raise not_emulated("EmulateConsole on Windows")
        rows, columns = document.get("ConsoleSize", _DEFAULT_CONSOLE)
        self.console: tuple[int, int] | None = (rows, columns) if self.is_console else None
        self.stdin: bool = document.get("CreateStdInPipe", False)
        self.stdout: bool = document.get("CreateStdOutPipe", False)
        self.stderr: bool = document.get("CreateStdErrPipe", False) and not self.is_console
        environment = _minimal_environment(console=self.is_console)
        given: set[str] = set()
        for name, value in document.get("Environment", {}).items():
            if _WINDOWS:
                if name.upper() in given:
                    raise invalid_argument(schema.member("$.Environment", name), "is there twice, but for its case")
                given.add(name.upper())
                environment.pop(name.upper(), None)
            environment[name] = value
        place = "$.CommandArgs" if linux else "$.CommandLine"
        argv = self.program_and_arguments
        if _WINDOWS:
            from subprocess import list2cmdline

            # A program takes its command line apart itself, and must get the one that was meant for it.
            argv = [argv[0], document.get("CommandLine") or list2cmdline(argv)]
        self.argv: list[bytes] = [_encode(part, place) for part in argv]
        self.environment: list[bytes] = [
            _encode(f"{name}={value}", "$.Environment", name) for name, value in environment.items()
        ]
        self.directory: bytes = _encode(self.folder, "$.WorkingDirectory")

    def failure(self, error: OSError) -> Failure:
        """Return what the caller is told when the program could not be started."""
        if error.filename == self.folder and error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Failure(
                ERROR_DIRECTORY,
                "The directory name is invalid.",
                [Problem("$.WorkingDirectory", f"no folder {self.folder!r}")],
            )
        if sys.platform == "win32":
            hresult = from_win32(error.winerror)
        else:
            hresult = _PROGRAM_ERRORS.get(error.errno or 0, E_FAIL)
        return Failure(hresult, f"Starting {self.program_and_arguments[0]!r} failed: {error.strerror}.")


def _root() -> str:
    return os.environ.get("SYSTEMDRIVE", "C:") + "\\" if _WINDOWS else "/"


def _minimal_environment(*, console: bool) -> dict[str, str]:
    if _WINDOWS:
        return _minimal_windows_environment()
    environment = {"PATH": _DEFAULT_PATH, "HOME": _home(), "LANG": "C.UTF-8"}
    if console:
        environment["TERM"] = "xterm"
    return environment


def _minimal_windows_environment() -> dict[str, str]:
    """Return what Windows itself and its programs need to work at all, in capitals, as the names are compared."""
    windows = os.environ.get("SYSTEMROOT", "C:\\Windows")
    environment = {
        "COMSPEC": f"{windows}\\System32\\cmd.exe",
        "PATH": f"{windows}\\System32;{windows}",
        "PATHEXT": ".COM;.EXE;.BAT;.CMD",
        "SYSTEMDRIVE": _root().rstrip("\\"),
        "SYSTEMROOT": windows,
        "WINDIR": windows,
    }
    for name in ("TEMP", "TMP", "USERPROFILE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def _home() -> str:
    """Return the user's home as the system knows it, whatever the manager's environment says."""
    assert sys.platform != "win32"
    user = os.getuid()
    home = _homes.get(user)
    if home is None:
        try:
            home = pwd.getpwuid(user).pw_dir
        except KeyError:
            home = "/"
        _homes[user] = home
    return home


def _arguments(document: dict[str, Any], *, linux: bool) -> list[str]:
    """Return the program and its arguments, from the member that the guest's system uses."""
    application: str = document.get("ApplicationName", "")
    command_line: str = document.get("CommandLine", "")
    command_args: list[str] = document.get("CommandArgs", [])
    if command_line and linux:
        raise invalid_argument("$.CommandLine", "a Linux guest takes CommandArgs")
    if command_args and not linux:
        raise invalid_argument("$.CommandArgs", "a Windows guest takes CommandLine")
    arguments = commandline.split(command_line) if command_line else command_args
    if application:
        arguments = [application, *arguments[1:]]
    if not arguments or not arguments[0]:
        raise invalid_argument("$", f"{'CommandArgs' if linux else 'CommandLine'} names no program")
    return arguments


def _encode(text: str, place: str, name: str | None = None) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        wrong = place if name is None else schema.member(place, name)
        raise invalid_argument(wrong, "holds half of a surrogate pair") from None
