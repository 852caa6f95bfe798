"""What a check is told, in a form that its workers get as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Backend = Literal["windows", "emulator", "any"]
"""Which HCS will do: that of a real Windows, the emulator, or whichever this process has."""


@dataclass(frozen=True)
class Settings:
    """What a check is told.

    Attributes:
        owner: The Owner in the document of everything that the check creates.
        folder: Where it may make files and writable layers.
        backend: Which HCS will do.
        layers: The folders of an image's layers, the uppermost first; without any, images are looked for.
        scratch: The volume of a prepared writable layer on them; None makes one for each container.
        restart: Whether vmcompute may be ended, with all that runs on the host.
    """

    owner: str
    folder: str
    backend: Backend = "windows"
    layers: tuple[str, ...] = ()
    scratch: str | None = None
    restart: bool = False


NAMESPACE = "hcsrt-check-host"
"""The namespace of HCS in which a probe creates a system."""
