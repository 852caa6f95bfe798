"""The room below both faces, with all that they share: neither knows the other.

What may take time is written once, as coroutines over the calls of a face: those of the blocking one never suspend, so
finish() of `_blocking` runs such a coroutine to its end; those of hcsrt.aio are awaited.
"""

from __future__ import annotations

from .. import _built as _built
from .._late import Late

MOST_AT_ONCE = 64
"""Of many things, those that have their turn side by side: more would need more threads, and more of HCS."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import AnyStr as AnyStr
    from typing import Generic as Generic
    from typing import TypeVar

    from .._handles import Handle, OwnedProcess, OwnedSystem

    HandleT = TypeVar("HandleT", bound=Handle)
    ExitHandleT = TypeVar("ExitHandleT", bound=OwnedSystem | OwnedProcess)
else:
    # Importing typing takes longer than importing all of hcsrt; that classes can be subscripted is what is left of it.
    AnyStr = HandleT = ExitHandleT = object

    class Generic:
        __class_getitem__ = classmethod(type(list[int]))

    # What annotations name.
    def _late(name):
        return Late(lambda: __import__(f"{__name__}.{name}", fromlist=("*",)))

    aliases, calls = map(_late, ("aliases", "calls"))
