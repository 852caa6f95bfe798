"""What may be given for a document, in the eyes of a type checker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

__all__ = ["Given"]


class _Unchecked:
    """The values of a mapping that no type checker looks at.

    No literal is of this type, so one with a misspelt key is not taken for such a mapping and gets the error that its
    own type gives it. A value of type Any is of each type, so dict[str, Any] is.
    """


class _Dumping(Protocol):
    """A model of pydantic, or one that can be asked like it."""

    @property
    def model_dump(self) -> Callable[..., Any]: ...


class _Attrs(Protocol):
    """An instance of a class of attrs."""

    __attrs_attrs__: ClassVar[Any]


class _Dataclass(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


DocumentT = TypeVar("DocumentT")

Given: TypeAlias = DocumentT | Mapping[str, _Unchecked] | str | _Dumping | _Attrs | _Dataclass
"""A document of a type, such as `Given[ComputeSystem]`: a dict of that type, JSON text, or a model of your own.

A type checker looks at the keys and values of a literal, and accepts each `dict[str, Any]`.
"""
