"""What is left out of the file: the names of the user and of the host, and the folders of paths."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import hcsrt

# JSON and repr() double each backslash, and JSON in JSON does so again.
_SEPARATOR = r"[\\/]+"
_FOLDERS = rf'(?:[^\\/:*?"<>|\r\n]*[^\\/:*?"<>|\s]{_SEPARATOR})'
# No letter is before the first of a word, but for that of an escape, such as repr() has for the end of a line.
_FIRST = r"(?:(?<!\w)|(?<=\\[abfnrtv]))"
# What is within a folder that something stands for does not begin a path.
_OUTERMOST = "".join(f"(?<!{name})" for name in ("<folder>", "<hcsrt>", "<temp>", "<python>", "<home>", "<here>"))

_DRIVE = re.compile(rf"{_FIRST}[A-Za-z]:{_SEPARATOR}{_FOLDERS}*")
_VOLUME = re.compile(rf"(\b(?:Volume\{{[^}}\s]*\}}|HarddiskVolume\d+)({_SEPARATOR})){_FOLDERS}+", re.IGNORECASE)
_SERVER = re.compile(
    # Two separators or more, or what Windows itself has before a server, as they are or doubled.
    rf"((?:{_FIRST}(?<!\\)(?<![\\?][?.]){_OUTERMOST}\\{{2,}}|{_FIRST}(?<![/.:~\\]){_OUTERMOST}//+|\bfile://(?!/)"
    rf"|(?<=[\\/])(?:UNC|Mup|LanmanRedirector){_SEPARATOR})(?:;[^\\/\s]*{_SEPARATOR})*)"
    rf"(?![?.])[^\\/\s\"'<>|?*:,;(){{}}]+(?:({_SEPARATOR})({_FOLDERS}*))?",
    re.IGNORECASE,
)
_POSIX_FOLDER = re.compile(
    rf"(?:{_FIRST}(?<![/.~\\]){_OUTERMOST}|(?<=\bfile://))/(?:[^/\s:\"'<>|,;()\[\]]+/)+", re.IGNORECASE
)

# Names that tell of nobody, and that sentences are made of.
_EVERYBODYS = ("administrator", "localhost", "root", "system", "workgroup")


def _without_server(path: re.Match[str]) -> str:
    before, separator, folders = path.groups(default="")
    return f"{before}<server>{separator}" + (f"<folder>{separator}" if folders else "")


def _known_folders() -> dict[str, str]:
    """Return folders of this machine, and what stands for them."""
    folders = {
        str(Path(hcsrt.__file__).resolve().parent): "<hcsrt>",
        tempfile.gettempdir(): "<temp>",
        sys.prefix: "<python>",
        sys.base_prefix: "<python>",
        os.path.dirname(os.path.abspath(os.__file__)): "<python>",
        os.path.expanduser("~"): "<home>",
        os.getcwd(): "<here>",
    }
    return {folder: name for folder, name in folders.items() if len(folder) > len(os.path.abspath(os.sep))}


def _known_names() -> dict[str, str]:
    """Return the names of the user and of the host, and what stands for them."""
    whole = socket.gethostname()
    host, _, domain = whole.partition(".")
    names = dict.fromkeys((domain, os.environ.get("USERDOMAIN", ""), os.environ.get("USERDNSDOMAIN", "")), "<domain>")
    names |= dict.fromkeys((whole, host, os.environ.get("COMPUTERNAME", "")), "<host>")
    with suppress(OSError, ImportError, KeyError):  # it has none, as in some containers
        names[getpass.getuser()] = "<user>"
    return {name: stands_for for name, stands_for in names.items() if name and name.lower() not in _EVERYBODYS}


class Reducer:
    """Leaves out of texts what is nobody's business.

    Args:
        folders: What stands for a folder.
        names: What stands for the name of a user or a host.
    """

    def __init__(self, folders: Mapping[str, str] | None = None, names: Mapping[str, str] | None = None) -> None:
        folders = _known_folders() if folders is None else folders
        names = _known_names() if names is None else names
        # The longest first: one may lie in another.
        self._folders = [
            (re.compile(re.escape(spelling) + r"(?![\w-])", re.IGNORECASE), stands_for)
            for folder, stands_for in sorted(folders.items(), key=lambda item: -len(item[0]))
            for spelling in dict.fromkeys((folder.replace("\\", "\\\\"), folder))
        ]
        self._names = [
            (re.compile(rf"{_FIRST}{re.escape(name)}(?!\w)", re.IGNORECASE), stands_for)
            for name, stands_for in sorted(names.items(), key=lambda item: -len(item[0]))
        ]

    def text(self, text: str) -> str:
        for pattern, stands_for in self._folders:
            text = pattern.sub(stands_for, text)
        text = _DRIVE.sub(r"<folder>\\", text)
        text = _VOLUME.sub(r"\1<folder>\2", text)
        text = _SERVER.sub(_without_server, text)
        text = _POSIX_FOLDER.sub("<folder>/", text)
        for pattern, stands_for in self._names:
            text = pattern.sub(stands_for, text)
        return text

    def reduced(self, value: Any) -> Any:
        """Return a value of JSON with all of its texts reduced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            items = cast("Mapping[Any, Any]", value).items()
            return {self.text(str(key)): self.reduced(item) for key, item in items}
        if isinstance(value, Sequence):
            return [self.reduced(item) for item in cast("Sequence[Any]", value)]
        return value


class Whole(Reducer):
    """Leaves nothing out, as somebody has asked for."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def text(self, text: str) -> str:
        return text
