"""Checks of what the builders of documents are given: each kind has one, and its error names the argument."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from .._arguments import check_name, check_text, integer, path_text
from ._models import Endless, converted, is_model
from .bounds import LONGEST_HOST_NAME, MOST_MEGABYTES

StructT = TypeVar("StructT")
ItemT = TypeVar("ItemT")
TextT = TypeVar("TextT", bound=str)

_HOST_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\|/")
_GUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GUID = re.compile(rf"{_GUID_TEXT}|\{{{_GUID_TEXT}\}}", re.IGNORECASE)
_VOLUME = re.compile(rf"\\\\\?\\Volume\{{{_GUID_TEXT}\}}\\?", re.IGNORECASE)
_MAC_ADDRESS = re.compile(r"[0-9a-f]{2}([-:]?[0-9a-f]{2}){5}", re.IGNORECASE)


def guid(value: str | uuid.UUID, argument: str) -> str:
    """Return a GUID as HCS and HCN write it: in lower case, without braces."""
    if isinstance(value, uuid.UUID):
        return str(value)
    check_text(value, argument)
    if not _GUID.fullmatch(value):
        raise ValueError(f"{argument} must be a GUID such as '7c936f90-3131-5f18-ad64-69ffca88a11c', not {value!r}")
    return value.strip("{}").lower()


def full_path(value: str | os.PathLike[str], argument: str, example: str = r"C:\data") -> str:
    r"""Return a full path as text: of Windows, or one that begins with / for the emulator and for Linux guests."""
    text = path_text(value, argument)
    if not _HOST_PATH.match(text):
        raise ValueError(
            f"{argument} must be a full path such as {example}, not {text!r}: HCS does not know your current folder"
        )
    return text


def below(folder: str, *names: str) -> str:
    """Return the path of what is in a folder, wherever this runs."""
    separator = "/" if folder.startswith("/") else "\\"
    return separator.join([folder.rstrip("\\/"), *names])


def volume(value: str | os.PathLike[str], argument: str) -> str:
    r"""Return a volume with the backslash at its end that HCS wants; a path that begins with / is the emulator's."""
    text = path_text(value, argument)
    if text.startswith("/"):
        return text
    if not _VOLUME.fullmatch(text):
        raise ValueError(
            rf"{argument} must be the volume of a mounted writable layer, such as "
            rf"\\?\Volume{{26a90000-0000-0000-0000-100000000000}}\, not {text!r}: HCS takes no folder there"
        )
    return text.rstrip("\\") + "\\"


def mac_address(value: str, argument: str) -> str:
    """Return a MAC address with dashes."""
    check_text(value, argument)
    if not _MAC_ADDRESS.fullmatch(value):
        raise ValueError(f"{argument} must be a MAC address such as '00-15-5D-52-C0-01', not {value!r}")
    digits = re.sub("[-:]", "", value).upper()
    return "-".join(digits[start : start + 2] for start in range(0, 12, 2))


def ip_address(value: object, argument: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address, given as text or as an object of ipaddress."""
    try:
        return ipaddress.ip_address(cast("str", _text_or(value, ipaddress.IPv4Address, ipaddress.IPv6Address)))
    except ValueError:
        raise ValueError(f"{argument} must be an IP address such as '192.168.100.1', not {value!r}") from None


def ip_network(value: object, argument: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return a network, given as text or as an object of ipaddress."""
    text = _text_or(value, ipaddress.IPv4Network, ipaddress.IPv6Network)
    if not isinstance(text, str) or "/" in text:
        try:
            return ipaddress.ip_network(cast("str", text))
        except ValueError:
            pass
    raise ValueError(
        f"{argument} must be a network such as '192.168.100.0/24', not {value!r}: its first address and the length of "
        "its prefix"
    )


def each(values: Iterable[ItemT], argument: str, what: str) -> Iterator[ItemT]:
    """Return an iterator over the items of an argument."""
    try:
        return iter(values)
    except TypeError:
        raise TypeError(f"{argument} must be a list of {what}, not {type(values).__name__}") from None


def ip_interface(value: object, argument: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """Return an address and the length of its prefix, given as text or as an object of ipaddress."""
    text = _text_or(value, ipaddress.IPv4Interface, ipaddress.IPv6Interface)
    if not isinstance(text, str) or "/" in text:
        try:
            return ipaddress.ip_interface(cast("str", text))
        except ValueError:
            pass
    raise ValueError(
        f"{argument} must be an address with the length of its prefix, such as '192.168.100.7/24', not {value!r}"
    )


def whole(value: int, argument: str, low: int, high: int) -> int:
    """Return an int between two others, which may be either."""
    number = integer(value, argument)
    if isinstance(value, bool) or not low <= number <= high:
        raise ValueError(f"{argument} must be from {low} to {high}, not {value!r}")
    return number


def megabytes(value: int, argument: str, *, step: int = 1) -> int:
    """Return the size of a memory, which is a multiple of the step."""
    number = integer(value, argument, "an int, in MB")
    if isinstance(value, bool) or not 0 < number <= MOST_MEGABYTES:
        advice = ", in MB and not in bytes" if number > MOST_MEGABYTES else " MB"
        raise ValueError(f"{argument} must be from 1 to {MOST_MEGABYTES}{advice}, not {value!r}")
    if number % step:
        raise ValueError(f"{argument} must be a multiple of {step} MB, not {value!r}: HCS takes no other for a machine")
    return number


def host_name(value: str, argument: str) -> str:
    """Return the name of a host, which NetBIOS has to be able to hold."""
    check_name(value, argument)
    if len(value) > LONGEST_HOST_NAME:
        raise ValueError(
            f"{argument} must have at most {LONGEST_HOST_NAME} characters, and {value!r} has {len(value)}: shorten it"
        )
    return value


def one_of(value: TextT, argument: str, values: Iterable[TextT]) -> TextT:
    """Return a text that is one of some."""
    allowed = list(values)
    if value not in allowed:
        raise ValueError(f"{argument} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    return value


def structs(values: Iterable[StructT], argument: str, maker: str) -> list[StructT]:
    """Copy documents of one kind, so that no later change of one shows in another.

    Args:
        values: The documents.
        argument: The name of the argument.
        maker: What makes one, for errors.
    """
    if isinstance(values, (str, bytes, Mapping)):
        kind = "one" if isinstance(values, Mapping) else type(values).__name__
        raise TypeError(f"{argument} must be a list of what {maker}() returns, not {kind}: put it in brackets")
    try:
        given = iter(values)
    except TypeError:
        raise TypeError(f"{argument} must be a list of what {maker}() returns, not {type(values).__name__}") from None
    return [struct(value, f"{argument}[{index}]", maker) for index, value in enumerate(given)]


def struct(value: StructT, argument: str, maker: str) -> StructT:
    """Copy a document."""
    if not isinstance(value, Mapping) and not is_model(value):
        raise TypeError(f"{argument} must be what {maker}() returns, or a dict like it, not {type(value).__name__}")
    return cast("StructT", json_value(value, argument))


def json_value(value: Any, argument: str) -> Any:
    """Copy a value for a member of any type."""
    try:
        copy = converted(value)
        json.dumps(copy, allow_nan=False)
        _check_keys(copy)
    except Endless:
        raise ValueError(f"{argument} must not contain itself") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise type(error)(f"{argument} must be a value that JSON can express: {error}") from None
    return copy


def _check_keys(value: Any) -> None:
    """Refuse keys that json.dumps() would make strings of: HCS would be given others than were meant."""
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            entries = cast("dict[Any, Any]", value)
            for key in entries:
                if not isinstance(key, str):
                    raise TypeError(f"keys in JSON are strings, and there is one of type {type(key).__name__}")
            stack += entries.values()
        elif isinstance(value, list):
            stack += cast("list[Any]", value)


def _text_or(value: object, *kinds: type) -> object:
    """Return what is no text and none of the kinds as text that no address has: ipaddress takes ints and bytes."""
    return value if isinstance(value, (str, *kinds)) else ""
