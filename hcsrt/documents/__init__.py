"""JSON documents: those that HCS is given, and those that it answers with.

Each type of Microsoft's reference, of HCS and of HCN, is a TypedDict of its name, such as `documents.ComputeSystem`, or
an alias of the texts that a member may be, such as `documents.CacheMode`. They are for editors and type checkers: at
run time a document is a dict. Functions such as `documents.virtual_machine()` return documents, and others such as
`documents.usage()` turn answers into seconds and bytes.
"""

from __future__ import annotations

from _collections_abc import Mapping

from .._hresults import HCS_E_INVALID_JSON
from .._json import loads
from .._late import Late, typing
from ..errors import InvalidDocumentError

TYPE_CHECKING = False  # the name that type checkers know; importing typing would cost more than this module
if TYPE_CHECKING:
    from typing import Any, TypeGuard

    from . import (
        answers,
        builders,
        common,
        container,
        events,
        given,
        guest,
        network,
        process,
        properties,
        service,
        storage,
        vm,
    )

    # By stars, since all names of these modules are names of this one; at run time __getattr__ finds them.
    from .answers import *  # noqa: F403
    from .builders import *  # noqa: F403
    from .checking import check
    from .common import *  # noqa: F403
    from .container import *  # noqa: F403
    from .events import *  # noqa: F403
    from .given import Given
    from .guest import *  # noqa: F403
    from .network import *  # noqa: F403
    from .problems import Problem
    from .process import *  # noqa: F403
    from .properties import *  # noqa: F403
    from .service import *  # noqa: F403
    from .storage import *  # noqa: F403
    from .vm import *  # noqa: F403

# Without the types: `from hcsrt.documents import *` would import them, which takes time.
__all__ = ["Given", "Problem", "check", "dumps", "loads", "plain"]
if TYPE_CHECKING:
    __all__ += answers.__all__
    __all__ += builders.__all__
    __all__ += common.__all__
    __all__ += container.__all__
    __all__ += events.__all__
    __all__ += guest.__all__
    __all__ += network.__all__
    __all__ += process.__all__
    __all__ += properties.__all__
    __all__ += service.__all__
    __all__ += storage.__all__
    __all__ += vm.__all__

_MOST_BITS = 2048  # fewer than the digits that str() makes, whatever its limit

# What is imported at first use, and where it is.
_LATE_NAMES: dict[str, str] = {
    "Given": "given",
    "check": "checking",
    "Problem": "problems",
    **dict.fromkeys(("Usage", "bytes_of_pages", "parse_time", "seconds", "usage"), "answers"),
    **dict.fromkeys(
        (
            "CONTAINER_ROOT",
            "SCSI_CONTROLLER",
            "combined_layers",
            "endpoint",
            "guest_request",
            "hosted_container",
            "hyper_v_utility_vm",
            "layer",
            "mapped_directory",
            "mapped_virtual_disk",
            "modify_request",
            "namespace",
            "namespace_endpoint",
            "nat_network",
            "network_adapter",
            "plan9_share",
            "port_mapping",
            "process_isolated_container",
            "process_parameters",
            "scsi_attachment",
            "shared_layer",
            "virtual_machine",
            "virtual_smb_share",
        ),
        "builders",
    ),
}

# Hidden from type checkers, which would accept every misspelt name because of it.
if not TYPE_CHECKING:
    # What annotations here name.
    given = Late(lambda: __import__(f"{__name__}.given", fromlist=("*",)))

    def __getattr__(name):
        module = _LATE_NAMES.get(name)
        if module is None:
            from ._names import FAMILY_OF

            module = FAMILY_OF.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(__import__(f"{__name__}.{module}", fromlist=(name,)), name)
        return value


def __dir__() -> list[str]:
    from ._names import FAMILY_OF

    return sorted({*globals(), *_LATE_NAMES, *FAMILY_OF})


def dumps(document: given.Given[typing.Any], *, argument: str = "document") -> str:
    """Return the JSON text of a document.

    Args:
        document: A mapping, JSON text, or an object of a class of pydantic, attrs or dataclasses. Text that is right
            is returned unchanged. Members of objects that are None are left out.
        argument: The name of the document in errors.

    Raises:
        InvalidDocumentError: The text is no JSON object, or has NaN, infinity or a huge integer in it. It is a
            ValueError too, and names the place.
        TypeError: JSON has no form for a key or a value. The message names the place.
    """
    import json

    try:
        if isinstance(document, str):
            try:
                value = json.loads(document)
            except json.JSONDecodeError:
                raise
            except ValueError:  # what int() says
                raise _refused(argument, "A number has more digits than Python reads") from None
            if not _is_mapping(_plain(value, argument)):
                raise _refused(argument, "The outermost value has to be a JSON object, in braces")
            return document
        members = document if _is_mapping(document) else _members(document)
        if not _is_mapping(members):
            raise TypeError(
                f"{argument} has to be a mapping or JSON text, not {type(document).__name__}{_advice(document)}"
            )
        value = _plain(members, argument)
    except json.JSONDecodeError as error:
        advice = ": give the text of a file, not its name" if error.doc.strip() and "{" not in error.doc else ""
        raise _refused(argument, f"{error.msg} at line {error.lineno}, column {error.colno}{advice}") from None
    except RecursionError:
        raise _too_deep(argument) from None
    return json.dumps(value, separators=(",", ":"))


def plain(value: typing.Any, argument: str) -> typing.Any:
    """Return a value for a document in dicts, lists and scalars of JSON.

    Args:
        value: Mappings, lists, tuples, texts, numbers, bools and None, in each other, and objects of classes of
            pydantic, attrs and dataclasses.
        argument: The name of the value in errors.

    Raises:
        InvalidDocumentError: It has NaN, infinity or a huge integer in it, or contains itself.
        TypeError: JSON has no form for a key or a value.
    """
    try:
        return _plain(value, argument)
    except RecursionError:
        raise _too_deep(argument) from None


def _plain(value: Any, path: str) -> Any:
    """Return the value in dicts, lists and scalars of JSON; the path is Python's way to it, for errors."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise _refused(path, f"An integer of more than {_MOST_BITS} bits is no value of any document")
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise _refused(path, f"{value} has no form in JSON")
        return value
    if _is_array(value):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if _is_mapping(value):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{path} has the key {key!r}, and keys in JSON are strings")
        return {key: _plain(item, f"{path}[{key!r}]") for key, item in value.items()}
    members = _members(value)
    if members is not None:
        return _plain(members, path)
    if isinstance(value, (bytes, bytearray)):
        raise TypeError(f"{path} is {type(value).__name__}, and JSON is text: decode it first")
    raise TypeError(f"{path} is of type {type(value).__name__}, which JSON has no form for")


def _members(value: object) -> Any:
    """Return the members of an object of a class of pydantic, attrs or dataclasses; None if it is none."""
    from ._models import members

    return members(value)


def _advice(document: object) -> str:
    """Return what to do about something that is no document but may have one in it."""
    if isinstance(document, (bytes, bytearray)):
        return ": decode it first"
    if hasattr(document, "read_text"):
        return ": give the text of the file, by its read_text()"
    if hasattr(document, "__fspath__"):
        return ": give the text of the file, by pathlib.Path(...).read_text()"
    if hasattr(document, "read"):
        return ": give the text of the file, by its read()"
    return ""


def _is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, (list, tuple))


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    from collections.abc import Mapping

    return isinstance(value, Mapping)


def _too_deep(argument: str) -> InvalidDocumentError:
    return _refused(argument, f"{argument} is nested too deep, or contains itself")


def _refused(place: str, reason: str) -> InvalidDocumentError:
    return InvalidDocumentError(HCS_E_INVALID_JSON, place, {"ErrorEvents": [{"Message": reason}]})
