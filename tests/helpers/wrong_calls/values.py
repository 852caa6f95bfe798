"""Wrong values: of every type, of every size, and objects that do harm while somebody looks at them."""

import asyncio
import collections
import datetime
import decimal
import fractions
import gc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Hostile(Exception):
    """What hostile objects raise."""


class Value(NamedTuple):
    name: str
    make: Callable[[], Any]


def _deep(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def _cycle() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def _raising() -> Iterator[None]:
    yield None
    raise Hostile("while it is iterated over")


def _released() -> memoryview:
    view = memoryview(bytearray(8))
    view.release()
    return view


def _raise(*arguments: object, **named: object) -> Any:
    raise Hostile("called")


PLAIN: dict[str, Callable[[], Any]] = {
    **{
        repr(value): (lambda value=value: value)
        for value in (
            *(None, True, False, Ellipsis, NotImplemented, 0, 1, -1, 2, 255, -(1 << 31), (1 << 31) - 1, 1 << 31),
            *((1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, -(1 << 63), (1 << 64) - 1, 1 << 64, 10**30, -(10**30)),
            *(0.0, -0.0, 0.5, -1.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"), 1j),
            *(
                "",
                "x",
                "\0",
                "a\0b",
                "\ud800",
                "\udfff\ud800",
                "é",
                "\U0001f40d",
                "{}",
                "[]",
                "null",
                "0",
                "{",
                '{"": 1}',
            ),
            *("1e999", "NaN", '{"Owner": "\\ud800"}', "HcsNothing", "HcsNothing\0"),
            *(b"", b"x", b"a\0b", b"\xff\xfe", (), (None,), (1, 2), (1, 2, 3), frozenset(), range(3), slice(None)),
        )
    },
    "decimal nan": lambda: decimal.Decimal("nan"),
    "decimal snan": lambda: decimal.Decimal("snan"),
    "fraction": lambda: fractions.Fraction(1, 3),
    "a long str": lambda: "x" * (1 << 20),
    "a long number in a str": lambda: "9" * 10_000,
    "a deep document": lambda: "[" * 100_000,
    "long bytes": lambda: b"x" * (1 << 20),
    "[]": list,
    "[None]": lambda: [None],
    "[[]]": lambda: [[]],
    "[(1, 'x')]": lambda: [(1, "x")],
    "[(1, None, 1)]": lambda: [(1, None, 1)],
    "[(1, 'x', None)]": lambda: [(1, "x", None)],
    "[(-1, 'x', 1)]": lambda: [(-1, "x", 1)],
    "[(2**32, 'x', 1)]": lambda: [(1 << 32, "x", 1)],
    "[(1, 'x', 2**64)]": lambda: [(1, "x", 1 << 64)],
    "[b'']": lambda: [b""],
    "[b'true', None]": lambda: [b"true", None],
    "['true']": lambda: ["true"],
    "a long list": lambda: [None] * 100_000,
    "a deep list": lambda: _deep(1000),
    "a list of itself": _cycle,
    "{}": dict,
    "{None: None}": lambda: {None: None},
    "set()": set,
    "deque": collections.deque,
    "bytearray()": bytearray,
    "bytearray(8)": lambda: bytearray(8),
    "a read-only memoryview": lambda: memoryview(b"12345678"),
    "a memoryview with holes": lambda: memoryview(bytearray(8))[::2],
    "a memoryview of doubles": lambda: memoryview(bytearray(16)).cast("d"),
    "a released memoryview": _released,
    "an empty iterator": lambda: iter(()),
    "a generator that raises": _raising,
    "a function that raises": lambda: _raise,
    "object()": object,
    "object": lambda: object,
    "type": lambda: type,
    "int": lambda: int,
    "a module": lambda: gc,
    "an exception": lambda: Hostile("as a value"),
    "a capsule of something else": lambda: datetime.datetime_CAPI,  # type: ignore[attr-defined]
    "a future without a loop": lambda: asyncio.Future.__new__(asyncio.Future),
}


NUMBERS = ("__int__", "__index__", "__float__", "__complex__", "__round__", "__trunc__", "__bool__", "__hash__")
SIZES = ("__len__", "__length_hint__")
TEXTS = ("__repr__", "__str__", "__format__", "__fspath__", "__bytes__", "encode", "decode", "strip")
COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__")
ARITHMETIC = ("__and__", "__rand__", "__add__", "__radd__", "__mul__", "__rmul__", "__sub__", "__rsub__", "__neg__")
ITEMS = ("__iter__", "__next__", "__getitem__", "__setitem__", "__delitem__", "__call__", "__enter__", "__exit__")
OTHERS = ("__del__", "__copy__", "__reduce_ex__", "__buffer__", "__await__", "__get__", "__instancecheck__")
DUNDERS = (*NUMBERS, *SIZES, *TEXTS, *COMPARISONS, *ARITHMETIC, *ITEMS, *OTHERS)
LOOPS = ("create_future", "add_reader", "call_soon", "call_later", "is_closed", "get_loop", "done", "add_done_callback")
ATTRIBUTES = ("popleft", "acquire", "closed", "find", "keys", "cancel", *LOOPS)

# What a method gives that does not lie.
HONEST: dict[str, Any] = {
    **dict.fromkeys(NUMBERS, 1),
    **dict.fromkeys(SIZES, 1),
    **dict.fromkeys(TEXTS, "x"),
    **dict.fromkeys(COMPARISONS, True),
    **dict.fromkeys(ARITHMETIC, 1),
    "__float__": 0.01,
    "__complex__": 1j,
    "__bool__": True,
    "__bytes__": b"x",
    "encode": b"x\0",
}
LIES: dict[str, Any] = {
    **dict.fromkeys(NUMBERS, 1 << 70),
    **dict.fromkeys(SIZES, 1 << 62),
    **dict.fromkeys(TEXTS, "\0"),
    **dict.fromkeys(COMPARISONS, True),
    **dict.fromkeys(ARITHMETIC, -1),
    "__float__": float("nan"),
    "__bool__": True,
    "__hash__": -2,
    "__bytes__": b"",
    "__contains__": False,
    "encode": None,
    "decode": None,
}


def _method(name: str, act: str, harm: Callable[[], None]) -> Callable[..., Any]:
    def method(self: object, *arguments: object, **named: object) -> Any:
        if act == "raise":
            raise Hostile(name)
        if act != "lie":
            harm()
        given = (LIES if act == "lie" else HONEST).get(name)
        if name == "__iter__":
            return iter([None, self, 1])
        if name == "__next__":
            raise StopIteration
        return self if given is None and name in ITEMS else given

    method.__name__ = name
    return method


class _Class:
    """What claims to be of another class."""

    def __init__(self, pretended: type) -> None:
        self.pretended = pretended

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return self.pretended


def hostile(base: type, act: str, harm: Callable[[], None]) -> Any:
    """Return an object of a class that raises, lies or does harm wherever it is asked anything.

    Args:
        base: The base of its class.
        act: "raise", "lie", or what `harm` does.
        harm: What it does where it is asked, before it gives a plausible answer.
    """
    names = [*DUNDERS, *ATTRIBUTES]
    members: dict[str, Any] = {name: _method(name, act, harm) for name in names}
    made = type(f"Hostile_{act}_{base.__name__}", (base,), members)
    return made(b"x\0y") if issubclass(base, (bytes, bytearray)) else made()


BASES = (object, int, float, str, bytes, bytearray, list, tuple, dict)


def values(
    types: dict[str, type], harms: dict[str, Callable[[], None]], live: dict[str, Callable[[], Any]]
) -> list[Value]:
    """Return all wrong values: plain and hostile ones, and each kind of object that there is, half made and whole."""
    found = [Value(name, make) for name, make in PLAIN.items()]
    for act, harm in {"raise": lambda: None, "lie": lambda: None, **harms}.items():
        for base in BASES:
            found.append(Value(f"<{base.__name__} that would {act}>", lambda b=base, a=act, h=harm: hostile(b, a, h)))
    for name, each in types.items():
        found.append(Value(f"half a {name}", lambda each=each: half(each)))
        found.append(Value(f"half a subclass of {name}", lambda each=each: half_subclass(each)))
        found.append(Value(f"a pretended {name}", lambda each=each: _Class(each)))
        found.append(Value(f"the type {name}", lambda each=each: each))
    found += [Value(f"a {name}", make) for name, make in live.items()]
    found += [Value(f"a closed {name}", lambda make=make: closed(make())) for name, make in live.items()]
    found += [Value(f"[a {name}]", lambda make=make: [make()]) for name, make in live.items()]
    return found


def closed(it: Any) -> Any:
    """Return an object after closing it, if it can be closed."""
    if hasattr(it, "close"):
        it.close()
    return it


def half(kind: type) -> Any:
    """Return an object of which only the memory was made; the type itself if it refuses."""
    try:
        return kind.__new__(kind)
    except TypeError:
        return kind


def half_subclass(kind: type) -> Any:
    """Return an object of a subclass that does not call the __init__ of its base; the type itself if it refuses."""
    try:
        return type(f"Half{kind.__name__}", (kind,), {"__init__": lambda self: None})()
    except TypeError:
        return kind
