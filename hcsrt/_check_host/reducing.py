"""What is left out of the file: the names of the user and of the host, and the folders of paths."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain, count
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

# A name is part of what is called after it, such as a file ann_backup, but no part of a result code or of what stands
# for something already.
_BEFORE_A_NAME = r"(?:(?<![^\W_])|(?<=\\[abfnrtv]))"
_AFTER_A_NAME = r"(?![^\W_])"
_NO_NAME = (
    r"(?-i:\b(?:(?:[A-Z0-9]+_)*[ES]|ERROR|STATUS)_[A-Z0-9_]+\b"
    r"|<(?:domain|folder|hcsrt|here|home|host|python|server|temp|user)>)"
)

# Names that tell of nobody, and that sentences are made of.
_EVERYBODYS = ("administrator", "localhost", "root", "system", "workgroup")


def _without_server(path: re.Match[str]) -> str:
    before, separator, folders = path.groups(default="")
    return f"{before}<server>{separator}" + (f"<folder>{separator}" if folders else "")


def _spelled(text: str) -> str:
    """Return the pattern of a text as it is, and as JSON, repr(), a URL and one in another spell it."""
    forms = dict.fromkeys(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    return "|".join("".join(map(_letter, form)) for form in forms)


def _letter(letter: str) -> str:
    if letter == "\\":
        return r"\\+"
    if letter.isascii():
        return re.escape(letter)
    spellings: list[str] = []
    for case in dict.fromkeys((letter, letter.lower(), letter.upper())):
        utf_8, utf_16 = case.encode("utf-8", "surrogatepass"), case.encode("utf-16-be", "surrogatepass")
        # Of bytes in another encoding Python makes halves of characters.
        halves = [0xDC00 + byte for byte in utf_8]
        units = [int.from_bytes(utf_16[place : place + 2], "big") for place in range(0, len(utf_16), 2)]
        spellings += [re.escape(case), "".join(map(chr, halves)), "".join(f"%{byte:02x}" for byte in utf_8)]
        spellings += ["".join(rf"\\+u{unit:04x}" for unit in some) for some in (units, halves)]
        spellings += ["".join(rf"\\+x{byte:02x}" for byte in utf_8), "".join(rf"\\+U{ord(one):08x}" for one in case)]
        with suppress(UnicodeError):
            latin = case.encode("latin-1")
            spellings += ["".join(rf"\\+x{byte:02x}" for byte in latin), "".join(chr(0xDC00 + byte) for byte in latin)]
    return f"(?:{'|'.join(dict.fromkeys(spellings))})"


def _whole(text: str) -> str:
    """Return a text of this process as one has it that decodes by UTF-8, as the workers do."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


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
    return {_whole(folder): name for folder, name in folders.items() if len(folder) > len(os.path.abspath(os.sep))}


def _known_names() -> dict[str, str]:
    """Return the names of the user and of the host, and what stands for them."""
    whole = socket.gethostname()
    host, _, domain = whole.partition(".")
    names = dict.fromkeys((domain, os.environ.get("USERDOMAIN", ""), os.environ.get("USERDNSDOMAIN", "")), "<domain>")
    names |= dict.fromkeys((whole, host, os.environ.get("COMPUTERNAME", "")), "<host>")
    with suppress(OSError, ImportError, KeyError):  # it has none, as in some containers
        names[getpass.getuser()] = "<user>"
    return {_whole(name): stands_for for name, stands_for in names.items() if name and name.lower() not in _EVERYBODYS}


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
            (re.compile(rf"(?:{_spelled(folder)})(?![\w-])", re.IGNORECASE), stands_for)
            for folder, stands_for in sorted(folders.items(), key=lambda item: -len(item[0]))
        ]
        self._names = [
            (
                re.compile(rf"{_NO_NAME}|{_BEFORE_A_NAME}(?P<name>{_spelled(name)}){_AFTER_A_NAME}", re.IGNORECASE),
                stands_for,
            )
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
            text = pattern.sub(lambda found, name=stands_for: name if found["name"] else found[0], text)
        return text

    def reduced(self, value: Any) -> Any:
        """Return a value of JSON with all of its texts reduced, its keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            reduced: dict[str, Any] = {}
            for key, item in cast("Mapping[Any, Any]", value).items():
                reduced[self._key(str(key), reduced)] = self.reduced(item)
            return reduced
        if isinstance(value, Sequence):
            return [self.reduced(item) for item in cast("Sequence[Any]", value)]
        return value

    def _key(self, key: str, others: Mapping[str, Any]) -> str:
        reduced = self.text(key)
        # Two folders may have become one.
        numbered = (f"{reduced} ({number})" for number in count(2))
        return next(name for name in chain([reduced], numbered) if name not in others)


class Whole(Reducer):
    """Leaves nothing out, as somebody has asked for."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def text(self, text: str) -> str:
        return text
