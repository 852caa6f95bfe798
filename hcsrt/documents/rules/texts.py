"""What rules ask of texts and of what is around an object: paths, GUIDs, addresses, ports, requests."""

from __future__ import annotations

import re
from typing import Any, cast

from . import Look

_ABSOLUTE = re.compile(r"[a-z]:[\\/]|\\\\[^\\/]|//[^\\/]", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_VOLUME = re.compile(rf"\\\\\?\\Volume\{{{_GUID.pattern}\}}\\?", re.IGNORECASE)
_PIPE = re.compile(r"\\\\[^\\]+\\pipe\\.", re.IGNORECASE | re.DOTALL)
_MAC = re.compile(r"[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{12}", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9]{1,6}(?:-[0-9]{1,6})?", re.ASCII)
_KEY = re.compile(r"[0-9]{1,20}", re.ASCII)
_SDDL = re.compile(r"\s*[OGDS]:", re.ASCII)


def members(value: object) -> dict[str, Any]:
    """Return the members of a value of type Any; none if it is no object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def first_schema(look: Look, document: dict[str, Any], places: dict[str, str], further: str = "") -> None:
    """Say once of a document that it is one of schema 1, and where schema 2 has what is in it.

    Args:
        look: What is around the document.
        document: The document.
        places: What only schema 1 has, and the place of each in schema 2.
        further: What was found elsewhere in the document, as a place in schema 2 and what it replaces.
    """
    met = [name for name in places if name in document]
    if not met and not further:
        return
    instead: dict[str, list[str]] = {}
    # Docker wrote members that it did not need, too: false, or empty.
    for name in [name for name in met if document[name]] or met:
        instead.setdefault(places[name], []).append(name)
    advice = [f"{place} for {' and '.join(names)}" for place, names in instead.items()]
    if further:
        advice.append(further)
    # At a member and not at the document: there it would be dropped along with anything else that is wrong right below.
    look.warning(
        met[0] if met else "Policies",
        f"this is a document of schema 1, as Docker wrote them; schema 2 has {', '.join(advice)}",
    )


def absolute(look: Look, path: str) -> bool:
    """Return whether a path says by itself where it leads to on the host that the document is meant for."""
    return _ABSOLUTE.match(path) is not None or (look.host == "emulator" and path.startswith("/"))


def absolute_of_windows(path: str) -> bool:
    """Return whether a path is an absolute one of Windows."""
    return _ABSOLUTE.match(path) is not None


def absolute_in_guest(path: str) -> bool:
    """Return whether a path is an absolute one of Windows or of Linux."""
    return path.startswith("/") or _ABSOLUTE.match(path) is not None


def in_guest(look: Look) -> bool:
    """Return whether the paths of an object are paths of a guest, and not of the host."""
    return look.of("HostedSystem") is not None or look.of("GuestModifySettingRequest") is not None


def removed(look: Look) -> bool:
    """Return whether the object only names what a request removes."""
    request = look.of("ModifySettingRequest") or look.of("GuestModifySettingRequest")
    return request is not None and request.get("RequestType") == "Remove"


def volume(path: str) -> bool:
    r"""Return whether a path is that of a volume, \\?\Volume{GUID}\; the last backslash may be missing."""
    return _VOLUME.fullmatch(path) is not None


def bare_guid(text: str) -> bool:
    """Return whether a text is a GUID without braces."""
    return _GUID.fullmatch(text) is not None


def as_hcn_writes_it(id: str) -> bool:
    """Return whether an id is in lower case and without braces, or empty."""
    return not id or (bare_guid(id) and id == id.lower())


def guid_key(text: str) -> str:
    """Return a GUID in the form in which two spellings of one are equal."""
    return text.strip("{}").lower()


def pipe(path: str) -> bool:
    r"""Return whether a path is that of a named pipe, such as \\.\pipe\name."""
    return _PIPE.match(path) is not None


def sddl(text: str) -> bool:
    """Return whether a text can be a security descriptor: it begins with an owner, a group, or an access list."""
    return _SDDL.match(text) is not None


def number(key: str) -> int:
    """Return the number that a key of a map is, or -1 if it is none."""
    return int(key) if _KEY.fullmatch(key) else -1


def mac(text: str) -> int | None:
    """Return a MAC address as a number, or None if the text is none."""
    return int(text.replace("-", "").replace(":", ""), 16) if _MAC.fullmatch(text) else None


def address(text: str) -> Any:
    """Return an IP address (of `ipaddress`), or None if the text is none."""
    import ipaddress

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def prefix(text: str) -> Any:
    """Return a network (of `ipaddress`) whose text has its length in it, or None if the text is none."""
    import ipaddress

    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def addresses(text: str) -> bool:
    """Return whether a text is a list of IP addresses and prefixes, with commas between them."""
    return all(address(part) or prefix(part) for part in _parts(text))


def numbers(text: str, largest: int) -> bool:
    """Return whether a text is a list of numbers and ranges of them ("80,8000-8080"), none larger than `largest`."""
    return all(
        _NUMBERS.fullmatch(part) and all(int(number) <= largest for number in part.split("-")) for part in _parts(text)
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]
