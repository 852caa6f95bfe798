"""The backends that can be chosen by their name alone: `hcsrt` registers one without an import of _library."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# By name: it is called where the name is chosen, and not before, and returns a capsule with the hcsrt_backend.
makers: dict[str, Callable[[], object]] = {}
