"""Names for types, in a module that is imported when somebody reads an annotation with one of them."""

from __future__ import annotations

from typing import Literal, TypeAlias

Rung: TypeAlias = Literal["already-stopped", "shutdown", "terminate"]
