"""Modules that only annotations name: they are imported when somebody reads these, since that takes longer than hcsrt.

Annotations are text that is evaluated among the names of its module. So what they name has to be there:

    from ._late import typing

    def properties() -> dict[str, typing.Any]: ...

What is imported anyway is named as ever: Mapping is in _collections_abc, which every Python has begun with.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types as types
    import typing as typing
    from collections.abc import Callable


class Late:
    """A module that is imported when something of it is asked for."""

    def __init__(self, load: Callable[[], object]) -> None:
        self._load = load

    def __getattr__(self, attribute: str) -> typing.Any:
        return getattr(self._load(), attribute)


if not TYPE_CHECKING:

    def _typing():
        import typing

        return typing

    def _types():
        import types

        return types

    typing = Late(_typing)
    types = Late(_types)
