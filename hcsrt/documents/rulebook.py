"""The rules of all modules: to import this imports them."""

from __future__ import annotations

from .rules import Rule, compute_system, registered

MODULES = (compute_system,)
"""The modules that have rules."""


def rules(struct: str) -> tuple[Rule, ...]:
    """Return the rules for the objects of a struct."""
    return tuple(registered().get(struct, ()))
