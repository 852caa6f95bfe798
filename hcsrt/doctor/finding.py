"""Findings, and the remedies that several of them name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "error", "unknown"]
"""The weight of a finding: with an error HCS cannot be used, a warning limits what can be done with it."""

TURN_ON = "Turn on the Windows feature Containers, Hyper-V or Virtual Machine Platform, and restart Windows."
BECOME_MEMBER = "Have an administrator add this account to the group Hyper-V Administrators, and sign in again."
UPDATE = "Update to Windows 10 1809, Windows Server 2019 or newer."


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Attributes:
        name: What it is; the same in every release.
        status: How it is.
        found: What was found, in a sentence.
        remedy: What to do about it; None if there is nothing to do.
    """

    name: str
    status: Status
    found: str
    remedy: str | None = None


def enable(service: str) -> str:
    return f"Enable it as an administrator with `sc.exe config {service} start= demand`."
