"""The rules of all modules: to import this imports them."""

from __future__ import annotations

from .rules import (
    Rule,
    common,
    compute_system,
    container,
    guest,
    network,
    process,
    registered,
    requests,
    storage,
    vm,
)

MODULES = (compute_system, container, storage, vm, process, requests, guest, network, common)
"""The modules that have rules."""


def rules(struct: str) -> tuple[Rule, ...]:
    """Return the rules for the objects of a struct."""
    return tuple(registered().get(struct, ()))
