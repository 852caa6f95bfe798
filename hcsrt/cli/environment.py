"""The environment of the command of ``hcsrt run``: the options -e and --env-file, as docker has them."""

import os
from collections.abc import Iterator

from .._facade.times import Deadline
from .streams import read_in_time


def collect(files: tuple[str, ...], entries: tuple[str, ...], deadline: Deadline) -> dict[str, str]:
    """Return the variables of the files, and those of the entries in their place.

    Each is NAME=VALUE, or NAME alone for the value that hcsrt itself has; one that it has not is left out.
    """
    environment: dict[str, str] = {}
    for file in files:
        for entry in _entries_of(file, read_in_time(file, deadline)):
            _set(environment, entry)
    for entry in entries:
        _set(environment, entry)
    return environment


def _set(environment: dict[str, str], entry: str) -> None:
    name, separator, value = entry.partition("=")
    if separator:
        environment[name] = value
    elif name in os.environ:
        environment[name] = os.environ[name]


def _entries_of(file: str, data: bytes) -> Iterator[str]:
    """Return the entries of a file. Errors name the line and never tell what is in it, which may be a secret."""
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            entry = line.removesuffix(b"\r").decode().lstrip()
        except UnicodeDecodeError:
            raise ValueError(f"{file}, line {number}: expected UTF-8") from None
        if not entry or entry.startswith("#"):
            continue
        name = entry.partition("=")[0]
        if not name:
            raise ValueError(f"{file}, line {number}: expected a name before '='")
        if any(map(str.isspace, name)):
            raise ValueError(f"{file}, line {number}: expected a name without white space, alone or before '='")
        if "\0" in entry:
            raise ValueError(f"{file}, line {number}: expected text without NUL characters")
        yield entry
