from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from typing_extensions import disjoint_base

@disjoint_base
class Rule:
    """A rule for some calls of a function within a block."""

    @property
    def function(self) -> str: ...
    @property
    def met(self) -> int:
        """The number of calls that the rule was for so far."""
    @property
    def waiting(self) -> int:
        """The number of calls that wait now."""
    def __enter__(self) -> Rule: ...
    def __exit__(self, *exception: object) -> None: ...

@disjoint_base
class Counts:
    """The number of calls of each function since the beginning of a block."""

    def __enter__(self) -> Counts: ...
    def __exit__(self, *exception: object) -> None: ...
    def __getitem__(self, function: str, /) -> int: ...
    def called(self) -> set[str]:
        """Return the names of the functions that were called."""

def failing(function: str, hresult: int, first: int = 1, calls: int = 0) -> Rule:
    """Return a block in which calls of a function return an HRESULT at once and never get to HCS.

    Args:
        function: The name of an HCS function that returns an HRESULT, or of one that creates something.
        hresult: What they return, 0 too; a function that creates something returns none.
        first: The first of these calls, from 1.
        calls: How many there are; 0 for all that follow.

    Raises:
        ValueError: At the beginning of the block, if calls of the function cannot fail.
    """

def waiting(function: str, seconds: float | None = None, first: int = 1, calls: int = 0) -> Rule:
    """Return a block in which calls of a function wait, for some seconds or until its end, before HCS gets them.

    The other arguments are those of failing().
    """

def silent(function: str, first: int = 1, calls: int = 0) -> Rule:
    """Return a block in which HCS seems to take calls of a function, hears nothing of them, and does not complete them.

    At its end they do complete: HCS then says that their operations have not been started. It is not for functions that
    create something. The arguments are those of failing().
    """

def late(function: str, first: int = 1, calls: int = 0) -> Rule:
    """Return a block in which calls of a function, which HCS gets, do not complete before its end.

    The arguments are those of failing().
    """

def missing(function: str) -> AbstractContextManager[None]:
    """Let HCS lack a function within the block.

    Raises:
        ValueError: No call works without it.
    """

def counting() -> Counts:
    """Return a block that counts the calls of each function, those of native threads too."""

def functions() -> list[str]:
    """Return the names of all functions, and of the ways to release."""

SITES: tuple[str, ...]
ACTIONS: tuple[str, ...]
FIELDS: tuple[str, ...]
COMPARISONS: tuple[str, ...]

class Traits:
    """What calls of a function have that a fault may be about."""

    can_fail: bool
    is_tracked: bool
    has_document: bool
    has_subject: bool
    can_answer: bool
    numbers: dict[str, int]
    def __init__(self, function: str) -> None: ...

def traits(function: str) -> Traits | None:
    """Return the traits of a function; None if HCS has none of that name."""

@disjoint_base
class Block:
    """Keeps the table in use from begin() to end()."""

    def begin(self) -> None:
        """Put the table into use. Raises RuntimeError if this block has done so already."""
    def end(self) -> None:
        """Take the table out of use, unless another block needs it; nothing happens if this one has ended."""
    @property
    def here(self) -> bool:
        """Whether it has begun in this process, and not ended."""

@disjoint_base
class Active:
    """A fault in force."""

    @property
    def here(self) -> bool:
        """Whether it is in force in this process, and not removed."""
    @property
    def waiting(self) -> int:
        """The number of calls that wait now."""
    @property
    def met(self) -> int:
        """How often it has fired."""
    def release(self) -> None:
        """Let go on what waits now."""
    def firings(self) -> list[tuple[int, int, int, str | None, float]]:
        """Return what has fired, each as its place, number, type of event, system, seconds; also once it is removed."""
    def remove(self) -> None:
        """Take it out of force. Nothing happens the second time."""

def activate(
    site: str,
    place: str,
    action: str,
    seed: int = 0,
    *,
    system: str | None = None,
    owner: str | None = None,
    nth: int = 0,
    every: int = 0,
    probability: float | None = None,
    times: int = 0,
    when: Iterable[Sequence[str | int]] = (),
    types: Iterable[int] = (),
    stream: int = 0,
    result: int = 0,
    document: str | None = None,
    seconds: float = 0.0,
    jitter: float = 0.0,
    after: int = 0,
    back_after: float | None = None,
) -> Active:
    """Put a fault into force, whose data are checked already, and return it.

    `place` is the name of the function of a call or a completion, and `types` are numbers of events, none for all.
    Raises ValueError if the HCS in use cannot do that, or too many are in force.
    """

def set_fault_hook(capsule: object) -> None:
    """Let a backend do on demand what its capsule, named "hcsrt.fault_hook", has; it lives as long as the process."""
