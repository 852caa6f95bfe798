"""Rules: what HCS wants of a document beyond what its schema says.

A rule is a function that gets each object of a struct, wherever in a document it is:

    @rule("ContainerProcessor", fact="hcsshim refuses a container with two of them")
    def one_limit(look: Look, processor: dict[str, Any]) -> None:
        given = [name for name in ("Count", "Maximum", "Weight") if name in processor]
        if len(given) > 1:
            look.error((), f"{' and '.join(given)} exclude each other: give one of them")

`check` compares the structure of the whole document with the table first, and calls the rules after that. What it
found wrong there is left out of the objects that rules get: a member with a value of the wrong type, out of range or
of the wrong form is missing in them, and so is an array with such an item in it. So a member that is there has the
type that the table gives it, and a rule needs no isinstance, except inside members of type Any. Any member may be
missing, though, whatever the schema or another rule says. What a rule says of a place is dropped if something there,
above it or right below it was left out: nobody is told that a path is missing where it was a number, or where its name
was misspelt. So a rule that misses a member says so at the place of that member.

A rule must not change the object, nor call `check`. It must not raise, whatever members are missing.

The modules here have the rules, one for a family of documents; `hcsrt.documents.rulebook` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

Place: TypeAlias = str | tuple[str | int, ...]
"""A place below an object: a member, or members and indexes one after another."""


class Look(Protocol):
    """What a rule sees around the object that it gets, and where it says what it found."""

    @property
    def host(self) -> str:
        """Where the document is meant for: "windows" or "emulator"."""
        ...

    @property
    def schema(self) -> tuple[int, int] | None:
        """The schema version that was asked for; None if any."""
        ...

    @property
    def key(self) -> str | int | None:
        """The member, key of a map or index that the object has in what it is in; None for the document."""
        ...

    @property
    def parents(self) -> tuple[dict[str, Any], ...]:
        """The objects that the object is in, nearest first; maps and arrays are left out."""
        ...

    def of(self, struct: str) -> dict[str, Any] | None:
        """Return the nearest object above that is of a struct, or None if there is none."""
        ...

    def text(self, value: object, *keys: str | int) -> str:
        """Return the text that members and indexes of a value lead to; "" if there is none.

        Never raises: `look.text(container, "Storage", "Layers", 0, "Path")`.
        """
        ...

    def error(self, at: Place, text: str) -> None:
        """Say that HCS refuses the document.

        Args:
            at: The place: a member of the object, or a tuple of members and indexes below it; () is the object.
            text: What is wrong and what to do about it, one sentence; no value that may be a secret.
        """
        ...

    def warning(self, at: Place, text: str) -> None:
        """Say that HCS accepts what its author hardly wants, or that only some versions of it refuse the document.

        Arguments as in `error`.
        """
        ...

    def ignored(self, at: Place, reason: str) -> None:
        """Say that HCS accepts a member without any effect.

        Args:
            at: The place, as in `error`.
            reason: Why, as the end of "accepted, and has no effect: ...".
        """
        ...

    def check(self, at: Place, type: str) -> bool:
        """Have what is at a place, of type Any in the table, compared with a type of the table.

        For members whose type depends on another, such as `Settings` of a request. Problems are told as those of
        any other member are, and rules of the type are called in turn. A member that is missing has no problem.

        Args:
            at: The place, as in `error`.
            type: A type as the table spells it: "Plan9Share", "<Layer> array", "string".

        Returns:
            Whether the structure is right, so that the rule may go on with what is there.
        """
        ...


class Rule(NamedTuple):
    """A function that looks at each object of a struct, and where it has its knowledge from."""

    look_at: Callable[[Look, dict[str, Any]], None]
    fact: str


_Function: TypeAlias = Callable[[Look, dict[str, Any]], None]

_rules: dict[str, list[Rule]] = {}


def rule(*structs: str, fact: str) -> Callable[[_Function], _Function]:
    """Make a function a rule for each object of a struct.

    Args:
        structs: The structs, by their names in the table.
        fact: Where the rule is known from, in words that a user can follow: "hcsshim, ConvertCPULimits". Becomes
            `Problem.fact` of whatever the rule says.
    """

    def register(function: _Function) -> _Function:
        for struct in structs:
            _rules.setdefault(struct, []).append(Rule(function, fact))
        return function

    return register


def registered() -> dict[str, list[Rule]]:
    """Return the rules of the modules that are imported, by their structs."""
    return _rules
