"""Rules of the documents that compute systems are created with."""

from __future__ import annotations

from typing import Any

from . import Look, rule

_ALTERNATIVES = ("Container", "VirtualMachine", "HostedSystem")


@rule("ComputeSystem", fact="HCS schema reference, ComputeSystem")
def one_kind_of_system(look: Look, system: dict[str, Any]) -> None:
    """Want exactly one of them."""
    given = [name for name in _ALTERNATIVES if name in system]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        look.error((), f"exactly one of {', '.join(_ALTERNATIVES)} is expected, not {found}")
