"""Chaos from a seed: a random mix of faults for a run, as data.

One rate for everything that can go wrong makes all runs alike, and hides what only shows where one thing fails often
and all others never. So, as FoundationDB does it, each kind of fault is switched on for a run or not, and has a rate of
its own there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple

from ..faults import Fault
from . import assumptions, plausible

# How likely a kind of fault is switched on for a run.
_ON = 0.25
# The lowest and the highest rate at which a fault fires, and of those that end much at once.
_RATES = (0.05, 0.45)
_HARD_RATES = (0.01, 0.1)
_SECONDS = (0.001, 0.05)
_BYTES = (0, 4096)

FAULTS, LATENCY, ORDER, UNKNOWNS = "faults", "latency", "order", "unknowns"
"""The purposes that a seed is split by."""


class Kind(NamedTuple):
    """One kind of fault.

    Args:
        name: Its name, which its numbers depend on.
        purpose: What it is about.
        sites: Where it may be; a run has it at one of them.
        action: What it does there.
        rates: The lowest and the highest rate; None where it takes no selectors.
        numbers: The lowest and the highest value of its arguments.
        errors: The HRESULTs of which a run has one.
        times: How often it fires at most.
    """

    name: str
    purpose: str
    sites: Sequence[str]
    action: str
    rates: tuple[float, float] | None = _RATES
    numbers: Mapping[str, tuple[float, float]] = MappingProxyType({})
    errors: Sequence[str] = ()
    times: int | None = None


@functools.cache
def kinds() -> list[Kind]:
    """Return the kinds of faults that HCS as it is may have: those that a program has to live with."""
    found: list[Kind] = []
    for kind in _rows():
        # Not all functions have completions, or can fail.
        sites = [site for site in kind.sites if plausible.fault(site=site, action=kind.action, **_least(kind))]
        if sites:
            found.append(kind._replace(sites=sites))
    return found


def _rows() -> Iterator[Kind]:
    functions = list(plausible.functions())
    delay = {"seconds": _SECONDS, "jitter": _SECONDS}
    for function in functions:
        # The completion of the other call can fail, and it alone knows when that is over.
        own = () if function in plausible.RESULTS else plausible.failures(function)
        errors = (*own, plausible.DISCONNECTED) if own else ()
        for site in (function, f"completion:{function}"):
            yield Kind(f"fail {site}", FAULTS, [site], "fail", errors=errors)
            yield Kind(f"delay {site}", LATENCY, [site], "delay", numbers=delay)
        yield Kind(f"reorder {function}", ORDER, [f"completion:{function}"], "reorder")
    for site in ("event:SystemExited", "event:ProcessExited", "event:*"):
        yield Kind(f"delay {site}", LATENCY, [site], "delay", numbers=delay)
        yield Kind(f"drop {site}", FAULTS, [site], "drop")
        yield Kind(f"duplicate {site}", ORDER, [site], "duplicate")
        yield Kind(f"reorder {site}", ORDER, [site], "reorder")
    for stream in ("stdin", "stdout", "stderr"):
        yield Kind(f"cut {stream}", FAULTS, [f"stream:{stream}"], "cut", numbers={"after": _BYTES})
    yield Kind("crash process", FAULTS, ["process"], "crash")
    yield Kind("crash guest", FAULTS, functions, "crash", _HARD_RATES)
    yield Kind("disconnect", FAULTS, functions, "disconnect", _HARD_RATES, {"back_after": _SECONDS}, times=2)
    for function in plausible.NEWER:
        yield Kind(f"missing {function}", FAULTS, [function], "missing", None)


def _least(kind: Kind) -> dict[str, Any]:
    """Return the arguments of the mildest fault of a kind."""
    return {name: least for name, (least, _) in kind.numbers.items()} | (
        {"error": kind.errors[0]} if kind.errors else {}
    )


def swarm(seed: int) -> list[Fault]:
    """Return the faults of a seed's run.

    Each kind has numbers of its own, so that one more kind leaves all others as they were.
    """
    return [fault for kind in kinds() if (fault := _drawn(seed, kind)) is not None]


def unknowns(seed: int) -> dict[str, str]:
    """Return the choices that are the same all through a seed's run, by the names of assumptions.

    An HCS that has one way keeps to it. Where each call chooses anew, a client never sees that way alone.
    """
    chosen: dict[str, str] = {}
    for name, row in assumptions.ASSUMPTIONS.items():
        stream = _stream(seed, UNKNOWNS, name)
        if stream.random() < _ON:
            chosen[name] = stream.choice(row.choices)
    return chosen


def _drawn(seed: int, kind: Kind) -> Fault | None:
    """Return the fault of a kind; None if it is switched off."""
    stream = _stream(seed, kind.purpose, kind.name)
    if stream.random() >= _ON:
        return None
    data: dict[str, Any] = {"site": _one_of(seed, kind, kind.sites), "action": kind.action}
    if kind.rates is not None:
        data["probability"] = round(stream.uniform(*kind.rates), 3)
    for name, (least, most) in kind.numbers.items():
        if isinstance(least, int) and isinstance(most, int):
            data[name] = stream.randint(least, most)
        else:
            data[name] = round(stream.uniform(least, most), 4)
    if kind.times is not None:
        data["times"] = stream.randint(1, kind.times)
    if kind.errors:
        data["error"] = _one_of(seed, kind, kind.errors)
        # HCS tells more of some failures than the code, where the function can.
        if stream.random() < 0.5 and (fault := plausible.fault(**data, document=True)) is not None:
            return fault
    return Fault.from_dict(data)


def _one_of(seed: int, kind: Kind, choices: Sequence[str]) -> str:
    """Return the choice with the highest number: one more choice leaves the others' numbers as they were."""
    return max(choices, key=lambda choice: _stream(seed, kind.purpose, f"{kind.name} {choice}").random())


def _stream(seed: int, purpose: str, name: str) -> Random:
    # As a number: a text may make Random import a hash.
    return Random(int.from_bytes(f"{seed} chaos {purpose} {name}".encode(), "big"))
