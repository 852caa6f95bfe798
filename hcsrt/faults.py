"""Faults as data: let chosen calls, completions, events, streams and processes of HCS go wrong, for tests.

::

    with Faults() as faults:
        faults.on("HcsStartComputeSystem", system="web-*", nth=2).fail("HCS_E_OPERATION_TIMEOUT", document=True)
        faults.on("event:SystemExited", every=3).drop()
        faults.on("completion:HcsCreateProcess").delay(0.2, jitter=0.1)

A fault is a site, selectors that say which of the things that happen there it meets, and one action. It is decided in
native code, on the thread that makes the call, so it reaches calls of native threads as well, and it is nothing but
data: `to_dict()` gives it out, and `Fault.from_dict()` makes it again.

A site is one of

* the name of an HCS function: its calls, before HCS gets them
* `"completion:HcsStartComputeSystem"`: the completions of the calls of that function
* `"event:SystemExited"`: the events of that type; `"event:*"`: all
* `"stream:stdin"`, `"stream:stdout"`, `"stream:stderr"`: a stream of a process that is created
* `"process"`: a process that is created

Faults sit in a table around the one through which this process calls HCS, so they work on any HCS. Ending a guest,
cutting a stream and stopping the service are for the emulator alone.
"""

# The classes here are friends.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import json
import re
from _collections_abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from . import _built as _built
from . import _hresults, _interpose
from ._arguments import check_name, check_text, did_you_mean, integer
from ._codes import SYMBOLS
from ._event_types import EVENT_TYPES
from ._late import types, typing

__all__ = ["Fault", "Faults", "Firing", "Site"]

_STREAMS = ("stdin", "stdout", "stderr")
_TEXTS = ("function", "system", "owner", "document")
_TEXT_OPERATORS = ("==", "!=", "like", "contains")
_NUMBER_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
_MOST = 0xFFFFFFFF
_MOST_SECONDS = 1e6

_Data = dict[str, "typing.Any"]

# What each kind of site takes, and the arguments of each action in the order of its method.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "call": ("fail", "delay", "hang", "missing", "crash", "disconnect", "answer"),
    "completion": ("fail", "delay", "hang", "drop", "duplicate", "reorder", "rewrite"),
    "event": ("delay", "hang", "drop", "duplicate", "reorder", "rewrite"),
    "stream": ("cut",),
    "process": ("crash",),
}
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "fail": ("error", "document"),
    "answer": ("document",),
    "rewrite": ("document",),
    "delay": ("seconds", "jitter"),
    "hang": (),
    "drop": (),
    "duplicate": (),
    "reorder": (),
    "missing": (),
    "crash": (),
    "cut": ("after",),
    "disconnect": ("back_after",),
}
_SELECTORS = ("system", "owner", "nth", "every", "probability", "times", "when")


class Firing(NamedTuple):
    """One time that a fault has met something."""

    number: int
    """The number of what it met, from 1, among all at its site that `system`, `owner` and `when` select."""
    function: str
    """The site where it was: the name of the function, or `"event:SystemExited"` and its like."""
    system: str | None
    """The id of the compute system, of which at most 64 characters are kept; None if nobody knows it."""
    seconds: float
    """When it was, in seconds since the fault was put into force."""
    action: str
    """What the fault did: its action with the arguments, such as `"fail(error='E_FAIL')"`; `...` is for a document."""


class Fault:
    """A site, selectors, and what goes wrong there; a block at whose end the fault is removed.

    The action methods of `Site` make one. Two faults are equal if their data are.
    """

    __slots__ = ("_active", "_data", "_faults", "_met")
    __hash__: typing.ClassVar[None]  # type: ignore[assignment]  # equal by its data, like a dict

    def __init__(self) -> None:
        raise TypeError("a Fault is made by Faults.on() and an action, or by Fault.from_dict()")

    @classmethod
    def _make(cls, data: _Data) -> Fault:
        fault = object.__new__(cls)
        fault._data = data
        fault._faults = None
        fault._active = None
        fault._met = 0
        return fault

    _data: _Data
    _faults: Faults | None
    _active: _interpose.Active | None
    # How often it had fired when it was taken out of force.
    _met: int

    @classmethod
    def from_dict(cls, data: Mapping[str, typing.Any]) -> Fault:
        """Make a fault of its data, as `to_dict()` gives them.

        Args:
            data: `"site"`, `"action"`, the selectors of `Faults.on()` and the arguments of the action, by their names.

        Returns:
            A fault that is not in force: `Faults.add()` puts it there.

        Raises:
            TypeError: A value has the wrong type.
            ValueError: A name is unknown or missing, a value is out of range, or the site does not take the action.
        """
        if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"data must be a mapping, as Fault.to_dict() gives it, not {type(data).__name__}")
        for name in ("site", "action"):
            if name not in data:
                raise ValueError(f"data has no {name!r}: give it, as Fault.to_dict() does")
        site = _checked_site(data["site"])
        action = data["action"]
        if not isinstance(action, str) or action not in _ARGUMENTS:
            near = did_you_mean(action, _ARGUMENTS)
            raise ValueError(f"data['action'] is {action!r}; give one of {', '.join(_ARGUMENTS)}{near}")
        known = {"site", "action", *_SELECTORS, *_ARGUMENTS[action]}
        for name in data:
            if name not in known:
                near = did_you_mean(name, sorted(known - set(data)))
                raise ValueError(f"data has {name!r}, which a fault with {action}() does not take: remove it{near}")
        made: _Data = {"site": site, "action": _plain(action)}
        made.update(_checked_selectors(site, {name: data[name] for name in _SELECTORS if name in data}))
        made.update(_checked_action(made, {name: data[name] for name in _ARGUMENTS[action] if name in data}))
        return cls._make(made)

    def to_dict(self) -> dict[str, typing.Any]:
        """Return the data of the fault: nothing but str, int, float, bool, lists and dicts.

        Selectors and arguments that were not given are left out.
        """
        return _copy(self._data)

    @property
    def site(self) -> str:
        """Where the fault is."""
        return self._data["site"]

    @property
    def action(self) -> str:
        """The name of what it does there."""
        return self._data["action"]

    @property
    def active(self) -> bool:
        """Whether the fault is in force: from when its `Faults` is entered until it is removed or that block ends."""
        return self._active is not None and self._active.here

    @property
    def waiting(self) -> int:
        """The number of calls that the fault has wait now, on their own threads."""
        return 0 if self._active is None else self._active.waiting

    @property
    def fired(self) -> list[Firing]:
        """What the fault has met, the oldest first.

        The native record keeps the last 4096 firings of all faults: read it before there are more.
        """
        return [firing for _, firing in self._collect()]

    def remove(self) -> None:
        """Take the fault out of force, for good. What it keeps goes on; nothing happens if it is removed already."""
        faults, self._faults = self._faults, None
        self._end()
        if faults is not None:
            faults._forget(self)

    def release(self) -> None:
        """Let what hangs now, or waits for its delay, go on. The fault stays in force for what comes later."""
        if self._active is not None:
            self._active.release()

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None
    ) -> None:
        self.remove()

    def __eq__(self, other: object) -> bool:
        return self._data == other._data if isinstance(other, Fault) else NotImplemented

    def __repr__(self) -> str:
        return f"<Fault {_written(self._data)}>"

    def __str__(self) -> str:
        """Return the call that adds the fault, with `...` for documents: they may hold what no log is to show."""
        return _written(self._shown())

    def _shown(self) -> _Data:
        data = dict(self._data)
        if "document" in data:
            data["document"] = _LeftOut()
        if "when" in data:
            data["when"] = [[*each[:2], _LeftOut()] if each[0] == "document" else each for each in data["when"]]
        return data

    def _begin(self, seed: int) -> None:
        self._active = _activate(self._data, seed)
        self._met = 0

    def _end(self) -> None:
        if self._active is not None:
            self._met = self._met or self._active.met
            self._active.remove()

    def _has_never_fired(self) -> bool:
        if self.action == "missing":
            return False
        # The record of firings may have lost them, and the count may be from just before the last one.
        return not (self._met or (self._active is not None and self._active.met) or self._collect())

    def _collect(self) -> list[tuple[int, Firing]]:
        """Return the firings, each behind its place in the native record."""
        firings = () if self._active is None else self._active.firings()
        action = _written_action(self._shown())
        return [
            (place, Firing(number, self._site_of(event), system, after, action))
            for place, number, event, system, after in firings
        ]

    def _site_of(self, event: int) -> str:
        if self.site == "event:*":
            return next((f"event:{name}" for name, code in EVENT_TYPES.items() if code == event), self.site)
        return self.site


class Site:
    """Where a fault shall be, and what it shall meet there: its methods are the actions, and each adds a fault.

    `Faults.on()` returns one. An action that the site does not take raises ValueError, with the ones that it takes. One
    that is dropped before any action was asked of it is a RuntimeWarning: it would let nothing go wrong.
    """

    __slots__ = ("_data", "_faults", "_is_asked")

    def __init__(self) -> None:
        raise TypeError("a Site is made by Faults.on()")

    _data: _Data
    _faults: Faults
    _is_asked: bool

    @classmethod
    def _make(cls, faults: Faults, data: _Data) -> Site:
        site = object.__new__(cls)
        site._faults = faults
        site._data = data
        site._is_asked = False
        return site

    def __del__(self) -> None:
        if not getattr(self, "_is_asked", True):
            from warnings import warn

            warn(f"{self!r} has no action, such as fail(), so nothing goes wrong there", RuntimeWarning, stacklevel=2)

    def _add(self, action: str, arguments: _Data) -> Fault:
        self._is_asked = True
        data = {**self._data, "action": action}
        data.update(_checked_action(data, arguments))
        return self._faults.add(Fault._make(data))

    def fail(self, error: str | int, document: bool | str | Mapping[str, typing.Any] | None = None) -> Fault:
        """Let the call fail: HCS never gets it. At a completion: HCS does it, and its outcome is the failure.

        Args:
            error: The symbol of an HRESULT, such as `"HCS_E_OPERATION_TIMEOUT"`, or its number.
            document: The error document that the call leaves behind: True for a ResultError with the meaning of the
                code, a mapping or text for another one, None for none.

        Raises:
            TypeError: The error is neither, or the document is none of these.
            ValueError: The symbol is unknown, the code is no failure, or the site has nothing that fails.
        """
        return self._add("fail", {"error": error, "document": document})

    def answer(self, document: object = None) -> Fault:
        """Let the call succeed, although HCS never gets it.

        Args:
            document: Its answer: text, which may be no JSON, None for none, or what JSON can tell.

        Raises:
            ValueError: The document is nothing that JSON can tell, or the call would owe a handle.
        """
        return self._add("answer", {"document": document})

    def rewrite(self, document: object = None) -> Fault:
        """Give the completion, or the event, another document. A completion keeps its result.

        Args:
            document: That document: text, which may be no JSON, None for none, or what JSON can tell.

        Raises:
            ValueError: The document is nothing that JSON can tell.
        """
        return self._add("rewrite", {"document": document})

    def delay(self, seconds: float, jitter: float = 0.0) -> Fault:
        """Let the call wait on its own thread before HCS gets it; or bring the completion or the event later.

        Args:
            seconds: How long.
            jitter: Up to so many seconds more, at random, by the seed.

        Raises:
            TypeError: One of them is no number.
            ValueError: One of them is negative or infinite.
        """
        return self._add("delay", {"seconds": seconds, "jitter": jitter})

    def hang(self) -> Fault:
        """Do as delay() does, until `Fault.release()`, the removal of the fault, or the end of its `Faults`."""
        return self._add("hang", {})

    def drop(self) -> Fault:
        """Lose the callback of the completion, or the event. Whoever asks for the result gets it."""
        return self._add("drop", {})

    def duplicate(self) -> Fault:
        """Bring the callback of the completion, or the event, twice."""
        return self._add("duplicate", {})

    def reorder(self) -> Fault:
        """Bring the event after the next one of its handle, or the completion after the next one of any call.

        If none follows within half a second, it comes then.
        """
        return self._add("reorder", {})

    def missing(self) -> Fault:
        """Let HCS lack the function, as an older Windows does. It takes no selectors.

        Raises:
            ValueError: There are selectors, or no call works without the function.
        """
        return self._add("missing", {})

    def crash(self) -> Fault:
        """End the guest of the compute system of the call, or the process that is created, as a crash does.

        It comes when HCS has got the call, and with a call that waits when it has returned. Only the emulator can.
        """
        return self._add("crash", {})

    def cut(self, after: int) -> Fault:
        """End the stream after some bytes, as if its other end were gone. Only the emulator can.

        Args:
            after: The number of bytes that still pass.
        """
        return self._add("cut", {"after": after})

    def disconnect(self, back_after: float | None = None) -> Fault:
        """Let the service go away, with operations pending.

        It goes when HCS has got the call, and with a call that waits when it has returned. Only the emulator can.

        Args:
            back_after: How many seconds later it is back; None: not by itself.
        """
        return self._add("disconnect", {"back_after": back_after})

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self._data.items() if name != "site")
        return f"<Site {self._data['site']!r}{given}>"


class Faults:
    """The faults of a test: a block within which they are in force.

    Faults can be added before the block and within it. Those that are left at its end are still there as data, and are
    in force again, with counts from the beginning, if the block is entered again. Blocks may be nested, and be those of
    several threads. A forked child has none in force, not even those of a block that its parent has entered; it may
    enter that anew.

    Args:
        seed: Of what is left to chance: `probability`, and `jitter`.
    """

    __slots__ = ("_block", "_faults", "_removed", "_seed", "_streams", "_unmet")

    def __init__(self, seed: int = 0) -> None:
        self._seed = integer(seed, "seed")
        self._faults: list[Fault] = []
        # What removed faults have met, and which of them have met nothing: they may be added again, here or elsewhere.
        self._removed: list[tuple[int, Firing]] = []
        self._unmet: list[Fault] = []
        # How often there were such data, since several faults may be alike.
        self._streams: dict[str, int] = {}
        self._block: _interpose.Block | None = None

    def on(
        self,
        site: str,
        *,
        system: str | None = None,
        owner: str | None = None,
        nth: int | None = None,
        every: int | None = None,
        probability: float | None = None,
        times: int | None = None,
        when: Iterable[Sequence[typing.Any]] | None = None,
    ) -> Site:
        """Say where a fault shall be; an action of what this returns adds it.

        Numbers count from 1 what is at the site and is selected by `system`, `owner` and `when`. Each selector that is
        given must hold.

        Args:
            site: The name of an HCS function, `"completion:"` or `"event:"` with a name, `"stream:stdin"`,
                `"stream:stdout"`, `"stream:stderr"`, or `"process"`.
            system: A pattern for the id of the compute system, with `*` and `?`; the case of ASCII letters does not
                matter. Handles from before the faults were first in force have no id, and meet no pattern.
            owner: A pattern for the owner in the document that the compute system was created with by this process.
            nth: Only this one.
            every: Only each so many.
            probability: Only by chance: 0 for never, 1 for always.
            times: At most so many.
            when: Comparisons `[field, operator, value]`, all of which must hold. Fields are `function`, `system`,
                `owner`, `document` (the text argument, or the data of an event), with `==`, `!=`, `like` (a pattern as
                above) and `contains`; and `count` and the number arguments of the function, such as `timeout`, `pid`,
                `options` and `access`, with `==`, `!=`, `<`, `<=`, `>` and `>=`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such site, or an argument is out of range.
        """
        checked = _checked_site(site)
        given = {
            "system": system,
            "owner": owner,
            "nth": nth,
            "every": every,
            "probability": probability,
            "times": times,
            "when": when,
        }
        return Site._make(self, {"site": checked, **_checked_selectors(checked, given)})

    def add(self, fault: Fault | Mapping[str, typing.Any]) -> Fault:
        """Add a fault, or one of these data; it is in force at once if the block is entered.

        Returns:
            The fault.

        Raises:
            TypeError: It is neither.
            ValueError: The fault belongs to a `Faults` already, the data are wrong, the HCS in use cannot do what it
                says, or too many faults are in force.
        """
        if not isinstance(fault, Fault):
            fault = Fault.from_dict(fault)
        if fault._faults is not None:
            raise ValueError("fault belongs to a Faults already: add Fault.from_dict(fault.to_dict())")
        if self.active:
            fault._begin(self._stream(fault))
        fault._faults = self
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        for fault in list(self._faults):
            fault.remove()

    @property
    def fired(self) -> list[Firing]:
        """What all faults have met, removed ones too, in the order of time within this block."""
        everything = [*self._removed, *(each for fault in self for each in fault._collect())]
        return [firing for _, firing in sorted(everything)]

    @property
    def never_fired(self) -> list[Fault]:
        """The faults that have met nothing, removed ones first. A `missing()` is not among them: it meets no calls."""
        return [*self._unmet, *(fault for fault in self if fault._has_never_fired())]

    @property
    def active(self) -> bool:
        """Whether the block is entered."""
        return self._block is not None and self._block.here

    def to_list(self) -> list[dict[str, typing.Any]]:
        """Return the data of each fault, in the order of adding."""
        return [fault.to_dict() for fault in self]

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def __enter__(self) -> Faults:
        if self.active:
            raise RuntimeError("these faults are in force already; use other ones for a block inside")
        block = _interpose.Block()
        block.begin()
        self._streams.clear()
        self._removed.clear()
        self._unmet.clear()
        try:
            for fault in self:
                fault._begin(self._stream(fault))
        except BaseException:
            for fault in self:
                fault._end()
            block.end()
            raise
        self._block = block
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None
    ) -> None:
        block, self._block = self._block, None
        if block is None:
            raise RuntimeError("these faults are not in force; enter their block first")
        for fault in self:
            fault._end()
        block.end()

    def __repr__(self) -> str:
        return f"<Faults: {len(self._faults)}{', in force' if self.active else ''}>"

    def _stream(self, fault: Fault) -> int:
        """Return the seed of a fault's own stream: by its data, so that others do not change it, wherever they come."""
        from zlib import crc32

        text = json.dumps(fault._data, sort_keys=True)
        count = self._streams[text] = self._streams.get(text, 0) + 1
        return (self._seed * 0x9E3779B97F4A7C15 + (count << 32) + crc32(text.encode())) & 0xFFFFFFFFFFFFFFFF

    def _forget(self, fault: Fault) -> None:
        for place, each in enumerate(self._faults):
            if each is fault:
                del self._faults[place]
                self._removed += fault._collect()
                if fault._has_never_fired():
                    self._unmet.append(fault)
                return


def _written(data: _Data) -> str:
    """Return the call that adds a fault of these data."""
    selectors = "".join(f", {name}={data[name]!r}" for name in data if name in _SELECTORS)
    return f"on({data['site']!r}{selectors}).{_written_action(data)}"


def _written_action(data: _Data) -> str:
    arguments = ", ".join(f"{name}={data[name]!r}" for name in _ARGUMENTS[data["action"]] if name in data)
    return f"{data['action']}({arguments})"


class _LeftOut:
    """What stands for a value that is not shown."""

    def __repr__(self) -> str:
        return "..."


# --- checks -----------------------------------------------------------------------------------------------------------


def _kind(site: str) -> str:
    head, colon, _ = site.partition(":")
    return head if colon or head == "process" else "call"


def _place(site: str) -> str:
    return site.partition(":")[2] or site


def _plain(text: str) -> str:
    """Return a text as no more than that: str() gives the name of a member of an Enum, and not its value."""
    return str.__str__(text)


def _sites() -> Iterator[str]:
    """Yield the sites that there are."""
    for name in _interpose.functions():
        if name.startswith("Hc"):
            yield name
            if (traits := _interpose.traits(name)) is not None and traits.is_tracked:
                yield f"completion:{name}"
    yield from (f"event:{name}" for name in ("*", *EVENT_TYPES))
    yield from (f"stream:{name}" for name in _STREAMS)
    yield "process"


def _checked_site(site: object) -> str:
    check_name(site, "site")
    assert isinstance(site, str)
    site = _plain(site)
    kind, place = _kind(site), _place(site)
    if kind in ("call", "completion"):
        traits = _interpose.traits(place)
        if traits is None or not place.startswith("Hc"):
            raise ValueError(
                f"site is {site!r}; give the name of an HCS function, 'completion:' with one, 'event:' with a type of "
                f"event, 'stream:' with stdin, stdout or stderr, or 'process'{did_you_mean(site, _sites())}"
            )
        if kind == "completion" and not traits.is_tracked:
            raise ValueError(f"site is {site!r}, and {place} has no completion: give {place!r}, its calls")
    elif kind == "event":
        if place != "*" and place not in EVENT_TYPES:
            types = ", ".join(EVENT_TYPES)
            near = did_you_mean(site, _sites())
            raise ValueError(f"site is {site!r}; give 'event:*', or one of {types} after 'event:'{near}")
    elif kind == "stream":
        if place not in _STREAMS:
            near = did_you_mean(site, _sites())
            raise ValueError(f"site is {site!r}; give 'stream:stdin', 'stream:stdout' or 'stream:stderr'{near}")
    elif site != "process":
        near = did_you_mean(site, _sites())
        raise ValueError(
            f"site is {site!r}; begin it with 'completion:', 'event:' or 'stream:', or give a function{near}"
        )
    return site


def _count(value: object, argument: str) -> int:
    number = integer(value, argument)
    if not 1 <= number <= _MOST:
        raise ValueError(f"{argument} is {number}; give a number from 1 to {_MOST}")
    return number


def _is_many(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _real(value: object, argument: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{argument} must be a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _span(value: object, argument: str, otherwise: str) -> float:
    span = _real(value, argument)
    if not 0 <= span <= _MOST_SECONDS:
        raise ValueError(f"{argument} is {span!r}; give from zero to a million seconds, or {otherwise}")
    return span


def _checked_selectors(site: str, given: Mapping[str, typing.Any]) -> _Data:
    made: _Data = {}
    for name in ("system", "owner"):
        if (pattern := given.get(name)) is not None:
            check_name(pattern, name)
            made[name] = _plain(pattern)
    for name in ("nth", "every", "times"):
        if given.get(name) is not None:
            made[name] = _count(given[name], name)
    if given.get("probability") is not None:
        probability = _real(given["probability"], "probability")
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability!r}; give a number from 0 to 1")
        made["probability"] = probability
    if (conditions := given.get("when")) is not None:
        if not _is_many(conditions):
            raise TypeError(f"when must be a list of [field, operator, value], not {type(conditions).__name__}")
        when = [_checked_condition(site, each, f"when[{place}]") for place, each in enumerate(conditions)]
        if when:
            made["when"] = when
    return made


def _checked_condition(site: str, condition: typing.Any, argument: str) -> list[typing.Any]:
    if not isinstance(condition, (list, tuple)):
        raise TypeError(f"{argument} must be a list [field, operator, value], not {type(condition).__name__}")
    items: tuple[typing.Any, ...] = tuple(condition)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    if len(items) != 3:
        raise ValueError(f"{argument} has {len(items)} items; give a field, an operator and a value")
    field, operator, value = items
    numbers = ["count"]
    if _kind(site) in ("call", "completion") and (traits := _interpose.traits(_place(site))):
        numbers += traits.numbers
    if not isinstance(field, str) or field not in (*_TEXTS, *numbers):
        fields = (*_TEXTS, *numbers)
        near = did_you_mean(field, fields)
        raise ValueError(f"{argument} is about {field!r}; give one of {', '.join(fields)} for {site!r}{near}")
    operators = _TEXT_OPERATORS if field in _TEXTS else _NUMBER_OPERATORS
    if not isinstance(operator, str) or operator not in operators:
        raise ValueError(f"{argument} compares {field} by {operator!r}; give one of {' '.join(operators)}")
    if field in _TEXTS:
        check_text(value, f"the value of {argument}")
        return [_plain(field), _plain(operator), _plain(value)]
    if isinstance(value, bool):
        raise TypeError(f"the value of {argument} must be an int, not bool")
    number = integer(value, f"the value of {argument}")
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"the value of {argument} is {number}, which no argument can be: give one of 64 bits")
    return [_plain(field), _plain(operator), number]


class _At(NamedTuple):
    """The site of an action."""

    site: str
    kind: str
    traits: _interpose.Traits | None
    """Of the function, where it is one."""

    def cannot_have_document(self) -> bool:
        """Return whether it is a call that has no document."""
        return self.kind == "call" and self.traits is not None and not self.traits.has_document

    def actions(self) -> list[str]:
        """Return the actions that the site takes."""
        found = list(_ACTIONS[self.kind])
        if self.kind == "call" and self.traits is not None:
            if not self.traits.can_fail:
                found.remove("fail")
            if not self.traits.can_answer:
                found.remove("answer")
            # Once a close has returned, nothing leads to the guest any more; only a close of what has one cannot fail.
            if not self.traits.has_subject or not self.traits.can_fail:
                found.remove("crash")
        return found


def _checked_action(data: _Data, given: _Data) -> _Data:
    """Return the arguments of an action as they are kept, for the site and the selectors that are there."""
    site, action = data["site"], data["action"]
    kind = _kind(site)
    at = _At(site, kind, _interpose.traits(_place(site)) if kind in ("call", "completion") else None)
    taken = at.actions()
    if action not in taken:
        raise ValueError(f"{site!r} cannot {action}(); it takes {', '.join(f'{name}()' for name in taken)}")
    if action == "missing" and (selectors := [name for name in _SELECTORS if name in data]):
        raise ValueError(f"a function is missing for all or for none: leave out {', '.join(selectors)}")
    check = _CHECKS.get(action)
    return {} if check is None else check(at, given)


def _checked_fail(at: _At, given: _Data) -> _Data:
    if "error" not in given:
        raise ValueError("fail() needs an error: give the symbol of an HRESULT")
    made: _Data = {"error": _checked_error(given["error"])}
    if at.kind == "completion" and made["error"] == "HCS_E_OPERATION_PENDING":
        raise ValueError("a call that completes with HCS_E_OPERATION_PENDING never completes: use hang()")
    document = _checked_document(given.get("document"))
    if document is not None:
        if at.cannot_have_document():
            raise ValueError(f"{at.site} has no document that could tell of a failure: leave document out")
        made["document"] = document
    return made


def _checked_answer(at: _At, given: _Data) -> _Data:
    document = given.get("document")
    if document is None:
        return {}
    if isinstance(document, str):
        check_text(document, "document")
        document = _plain(document)
    else:
        document = _checked_json(document)
    if at.cannot_have_document():
        raise ValueError(f"{at.site} answers without a document: leave document out")
    return {"document": document}


def _checked_delay(at: _At, given: _Data) -> _Data:
    if "seconds" not in given:
        raise ValueError("delay() needs a number of seconds: give seconds")
    made: _Data = {}
    for name in ("seconds", "jitter"):
        span = _span(given.get(name, 0.0), name, "use hang()")
        if name == "seconds" or span:
            made[name] = span
    return made


def _checked_cut(at: _At, given: _Data) -> _Data:
    if "after" not in given:
        raise ValueError("cut() needs a number of bytes: give after")
    after = integer(given["after"], "after")
    if not 0 <= after < 2**63:
        raise ValueError(f"after is {after}; give a number of bytes, from 0")
    return {"after": after}


def _checked_disconnect(at: _At, given: _Data) -> _Data:
    back_after = given.get("back_after")
    if back_after is None or back_after == float("inf"):
        return {}
    return {"back_after": _span(back_after, "back_after", "None")}


# By action, those that have arguments.
_CHECKS: dict[str, Callable[[_At, _Data], _Data]] = {
    "fail": _checked_fail,
    "answer": _checked_answer,
    "rewrite": _checked_answer,
    "delay": _checked_delay,
    "cut": _checked_cut,
    "disconnect": _checked_disconnect,
}


def _checked_error(error: object) -> str | int:
    if isinstance(error, str):
        code = getattr(_hresults, error, None) if error.isupper() else None
        if not isinstance(code, int):
            near = did_you_mean(error, (name for name, known in vars(_hresults).items() if isinstance(known, int)))
            raise ValueError(
                f"error is {error!r}, which is no symbol that hcsrt knows: give the number of the HRESULT{near}"
            )
    else:
        if isinstance(error, bool):
            raise TypeError("error must be the symbol or the number of an HRESULT, not bool")
        code = integer(error, "error", "the symbol or the number of an HRESULT")
        if not -(2**31) <= code < 2**32:
            raise ValueError(f"error is {code:#x}, which is no HRESULT: give one of 32 bits")
        code &= _MOST
    if not code & 0x80000000:
        raise ValueError(f"error is {error!r}, which is no failure: give an HRESULT from 0x80000000")
    return SYMBOLS.get(code, code)


def _code(error: str | int) -> int:
    return getattr(_hresults, error) if isinstance(error, str) else error


def _checked_document(document: typing.Any) -> typing.Any:
    if document is None or document is False:
        return None
    if document is True:
        return True
    if isinstance(document, str):
        check_text(document, "document")
        return _plain(document)
    if isinstance(document, Mapping):
        return _checked_json(dict(document))  # pyright: ignore[reportUnknownArgumentType]
    raise TypeError(f"document must be True, a mapping, a str or None, not {type(document).__name__}")


def _checked_json(document: object) -> typing.Any:
    try:
        return json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"document is no JSON: {error}") from None


def _copy(data: _Data) -> _Data:
    # They are nothing but JSON, and no larger than somebody would write.
    return json.loads(json.dumps(data))


def _document_text(error: str | int, document: typing.Any) -> str | None:
    if document is None or isinstance(document, str):
        return document
    if document is True:
        from .errors import explain

        code = _code(error)
        document = {"Error": code - (1 << 32), "ErrorMessage": explain(code).meaning}
    return json.dumps(document)


# --- putting into force -----------------------------------------------------------------------------------------------


def _is_like(text: str, pattern: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(unit, re.escape(unit)) for unit in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE | re.ASCII | re.DOTALL) is not None


def _holds(text: str, operator: str, value: str) -> bool:
    if operator == "like":
        return _is_like(text, value)
    if operator == "contains":
        return value in text
    return (text == value) == (operator == "==")


def _activate(data: _Data, seed: int) -> _interpose.Active:
    site, action = data["site"], data["action"]
    kind, place = _kind(site), _place(site)
    arguments: _Data = {name: data[name] for name in _SELECTORS if name in data}
    # What the function is is known here and now, but for events of each type.
    when = arguments.pop("when", [])
    names = [(operator, value) for field, operator, value in when if field == "function"]
    when = [condition for condition in when if condition[0] != "function"]
    if kind == "event":
        types = {name: code for name, code in EVENT_TYPES.items() if place in ("*", name)}
        taken = [code for name, code in types.items() if all(_holds(name, *each) for each in names)]
        # With none it is for all, also for those that nobody here knows.
        arguments["types"] = taken if place != "*" or names else []
        never = not taken
    else:
        function = place if kind in ("call", "completion") else "HcsCreateProcess"
        never = not all(_holds(function, *each) for each in names)
    if never:
        when.append(["count", "==", 0])
    if when:
        arguments["when"] = when
    if action == "fail":
        arguments["result"] = _code(data["error"])
        arguments["document"] = _document_text(data["error"], data.get("document"))
    elif action in ("answer", "rewrite"):
        document = data.get("document")
        arguments["document"] = document if document is None or isinstance(document, str) else json.dumps(document)
    else:
        arguments.update({name: data[name] for name in _ARGUMENTS[action] if name in data})
    if kind == "stream":
        arguments["stream"] = _STREAMS.index(place)
    try:
        return _interpose.activate(kind, place, action, seed, **arguments)
    except ValueError as error:
        raise ValueError(f"{site!r} cannot {action}() now: {error}") from None
