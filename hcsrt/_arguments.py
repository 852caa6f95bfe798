"""Checks of what a caller gives, before HCS gets any of it; and of the threads that a program gives us.

Each kind of argument has one check and one message. The Cython modules look at the usual values themselves, inline, and
ask here about all others.
"""

from __future__ import annotations

import _thread
import os
import sys
from _operator import index  # the module around it is slow to import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal


def check_text(value: object, argument: str) -> None:
    """Refuse what HCS cannot take as a string: it would cut it at a NUL, or read something else."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{argument} must not contain a NUL character, where HCS would cut it off: remove it")


def check_name(value: object, argument: str) -> None:
    """Refuse an empty string, and anything that is no string."""
    check_text(value, argument)
    if not value:
        raise ValueError(f"{argument} must not be empty")


def seconds(value: float | None, argument: str = "timeout") -> float | None:
    """Check a duration; infinity means for ever, as None does, and so does an int that no float is as large as."""
    try:
        if value is None or value == float("inf"):
            return None
        # Again as a float: what says that it is no less than zero may still become not-a-number.
        if value >= 0 and (number := float(value)) >= 0:
            return number
    except TypeError:
        raise TypeError(f"{argument} must be a number of seconds or None, not {type(value).__name__}") from None
    except OverflowError:
        return None
    except ArithmeticError:
        pass  # decimal's way to say that it is not a number
    raise ValueError(f"{argument} must be zero or more seconds, or None to wait for ever, not {value!r}")


def integer(value: object, argument: str, wanted: str = "an int") -> int:
    """Return the int that a value stands for. Raises TypeError if it is none."""
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{argument} must be {wanted}, not {type(value).__name__}") from None


def check_handle(value: object, argument: str, kind: str = "Windows handle") -> None:
    """Refuse anything but a Windows handle, or another kind of pointer, as an int; None stands for none."""
    if value is None:
        return
    if not isinstance(value, int):
        raise TypeError(f"{argument} must be a {kind} as an int, not {type(value).__name__}")
    if not 0 <= value <= 2 * sys.maxsize + 1:
        raise ValueError(
            f"{argument} is {value:#x}, which is no {kind}: give an int from 0 to {2 * sys.maxsize + 1:#x}"
        )


def did_you_mean(value: object, names: Iterable[str]) -> str:
    """Return the end of an error about a name that there is not: which one is meant, or "" if none is like it."""
    if not isinstance(value, str):
        return ""
    from difflib import get_close_matches

    known = {name.lower(): name for name in names}
    # A long one would take long, and is like none of them.
    near = get_close_matches(value[:200].lower(), known, 1)
    return f"; did you mean {known[near[0]]!r}?" if near else ""


def path_text(value: str | os.PathLike[str], argument: str) -> str:
    """Return a path as text."""
    try:
        text = os.fspath(value)
    except TypeError:
        raise TypeError(f"{argument} must be a str or path, not {type(value).__name__}") from None
    check_text(text, argument)
    return text


def check_namespace(namespace: str | None) -> None:
    if namespace is not None:
        check_name(namespace, "namespace")


def is_kept(on_abandon: Literal["terminate", "keep"]) -> bool:
    if on_abandon not in ("terminate", "keep"):
        raise ValueError(f"on_abandon must be 'terminate' or 'keep', not {on_abandon!r}")
    return on_abandon == "keep"


def values(value: str | Iterable[str], argument: str) -> list[str]:
    if isinstance(value, (bytes, bytearray)):
        raise TypeError(f"{argument} must be text or a list of it, not bytes: decode it first")
    try:
        items = iter([value] if isinstance(value, str) else value)
    except TypeError:
        raise TypeError(f"{argument} must be a str or a list of them, not {type(value).__name__}") from None
    # Looked at one by one: a network of ipaddress, say, gives millions of them.
    found: list[str] = []
    for number, item in enumerate(items):
        check_name(item, argument if isinstance(value, str) else f"{argument}[{number}]")
        found.append(item)
    return found


def command_words(args: os.PathLike[str] | Iterable[str | os.PathLike[str]], argument: str) -> list[str]:
    """Return the words of a command that is no string."""
    if isinstance(args, (bytes, bytearray)):
        raise TypeError(f"{argument} must be text or a list of it, not bytes: decode it first")
    if isinstance(args, os.PathLike):
        return [path_text(args, argument)]
    try:
        given = iter(args)
    except TypeError:
        raise TypeError(f"{argument} must be a str, a path or a list of them, not {type(args).__name__}") from None
    words = [path_text(word, f"{argument}[{index}]") for index, word in enumerate(given)]
    if not words:
        raise ValueError(f"{argument} must not be empty")
    return words


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Copy variables. Errors name the variable and never tell its value, which may be a secret."""
    items = getattr(env, "items", None)
    if items is None:
        raise TypeError(f"env must be a mapping of names to values, not {type(env).__name__}")
    for name, value in items():
        check_name(name, "the name of an env variable")
        if "=" in name:
            raise ValueError(f"env has a name with '=' in it, that of {name.partition('=')[0]!r}")
        check_text(value, f"env[{name!r}]")
    return dict(env)


def console_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns of a console."""
    if not isinstance(size, tuple) or len(size) != 2:  # pyright: ignore[reportUnnecessaryIsInstance,reportUnnecessaryComparison]
        raise TypeError(f"console must be True, False or a tuple (rows, columns), not {size!r}")
    rows, columns = integer(size[0], "the rows of a console"), integer(size[1], "the columns of a console")
    if not (0 < rows < 0x10000 and 0 < columns < 0x10000):
        raise ValueError(f"a console has 1 to 65535 rows and columns, not {rows!r} and {columns!r}")
    return rows, columns


def check_threads(error: type[Exception] = RuntimeError) -> None:
    """Raise the error if a library has put its green threads in the place of those of this program.

    These run one at a time, and not while a call waits inside HCS or the emulator: the first one would never return.
    """
    # By name, since debuggers and profilers put functions of their own there, too, which do start threads.
    library = getattr(_thread.start_new_thread, "__module__", None) or ""
    library = library.partition(".")[0]
    if library == "gevent":
        remedy = "gevent.monkey.patch_all(thread=False)"
    elif library == "eventlet":
        remedy = "eventlet.monkey_patch(thread=False)"
    else:
        return
    raise error(
        f"hcsrt needs threads, and {library} has put its green threads in their place, on which the first call would "
        f"hang: leave them out with {remedy}, or use hcsrt in a process of its own"
    )
