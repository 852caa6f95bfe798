"""Imported before the first extension module, to say what to do where there are none that this Python could load."""

from __future__ import annotations

try:
    from ._library import backend as backend
except ModuleNotFoundError as _error:
    from ._unbuilt import explain

    raise explain(_error) from None
