"""The choices that HCS leaves open, made by what is assumed, by a seed, or plainly."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from .assumptions import ASSUMPTIONS, Assumption, hresult

if TYPE_CHECKING:
    from random import Random


MOST_BITS = 1024
"""Bits that a seed may have: streams are made of its decimal digits, of which Python writes no more than some."""


def check_seed(seed: object) -> None:
    """Refuse what is no seed."""
    if seed is None:
        return
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed must be an int or None, not {type(seed).__name__}")
    if seed.bit_length() > MOST_BITS:
        raise ValueError(f"seed has {seed.bit_length()} bits; give an int of at most {MOST_BITS}")


class Variation:
    """The choices that HCS leaves open: what is assumed, else what a seed chooses, else the plain choice.

    Each purpose has a stream of numbers of its own, so that one more choice leaves all others as they were.

    Args:
        seed: That of all streams; None: nothing varies.
        assumed: The choices that are made whatever the seed, by the names of assumptions. They may change meanwhile.
        met: Gets the choices that were made, by name.
    """

    def __init__(
        self, seed: int | None, assumed: dict[str, str] | None = None, met: dict[str, set[str]] | None = None
    ) -> None:
        self._seed = seed
        self.assumed: dict[str, str] = {} if assumed is None else assumed
        self._met: dict[str, set[str]] = {} if met is None else met
        self._streams: dict[str, Random] = {}
        self._random: type[Random] | None = None
        if seed is not None:
            # Not on the service's thread, where an import may hang.
            from random import Random

            self._random = Random

    def choose(self, name: str) -> str:
        """Return the choice for an assumption, and note that it was met."""
        row = ASSUMPTIONS[name]
        choice = self.assumed.get(name) or self._varied(row)
        self._met.setdefault(name, set()).add(choice)
        return choice

    def hresult(self, name: str) -> int:
        """Return the choice for an assumption whose choices are HRESULTs."""
        return hresult(self.choose(name))

    def delay(self) -> float:
        """Return a time of up to 3 ms, in seconds."""
        stream = self.stream("latency")
        return 0.0 if stream is None else stream.uniform(0, 0.003)

    def guid(self) -> uuid.UUID:
        """Return a GUID that is the same for a seed, and another one each time without a seed."""
        stream = self.stream("ids")
        return uuid.uuid4() if stream is None else uuid.UUID(int=stream.getrandbits(128), version=4)

    def stream(self, purpose: str) -> Random | None:
        """Return the numbers of the seed for a purpose, the same whatever others are drawn; None without a seed."""
        if self._random is None:
            return None
        stream = self._streams.get(purpose)
        if stream is None:
            # As a number: a text may make Random import a hash.
            seed = int.from_bytes(f"{self._seed} {purpose}".encode(), "big")
            stream = self._streams[purpose] = self._random(seed)
        return stream

    def _varied(self, row: Assumption) -> str:
        stream = self.stream(row.name)
        plain, *others = row.choices
        if stream is None:
            return plain
        if row.one_in is None:
            return stream.choice(row.choices)
        return stream.choice(others) if stream.randrange(row.one_in) == 0 else plain
