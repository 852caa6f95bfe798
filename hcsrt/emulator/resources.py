"""Changes of a compute system by a ModifySettingRequest: resource paths, and their places in its document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .._hresults import ERROR_ALREADY_EXISTS, ERROR_NOT_FOUND
from . import schema
from .failures import Failure, invalid_argument, invalid_json, not_emulated

_CHANGES = ("Add", "Update", "Remove")
_PLUGGED = ("Add", "Remove")


class _Resource(NamedTuple):
    """Settings of one kind: their type in the schema, the RequestTypes, and what makes the change.

    The change is given the place in the document, the last part of the path, the RequestType and the Settings.
    """

    kind: str | None
    requests: tuple[str, ...]
    change: Callable[[Any, str, str, Any], None]


def _set(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
    place[name] = settings


def _plug(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
    """Change an entry of a map, whose name is the last part of the path."""
    _expect(name in place, request, name)
    if request == "Remove":
        del place[name]
    else:
        place[name] = settings


def _list_by(member: str) -> Callable[[dict[str, Any], str, str, Any], None]:
    """Return a function that changes an item of an array, which one of its members identifies."""

    def change(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
        wanted = settings.get(member)
        if not wanted:
            raise invalid_argument(f"$.Settings.{member}", "is missing")
        items: list[dict[str, Any]] = place.setdefault(name, [])
        found = [item for item in items if item.get(member) == wanted]
        _expect(bool(found), request, wanted)
        for item in found:
            items.remove(item)
        if request != "Remove":
            items.append(settings)

    return change


def _expect(exists: bool, request: str, name: str) -> None:
    if exists and request == "Add":
        raise Failure(ERROR_ALREADY_EXISTS, f"There is a {name!r} already.")
    if not exists and request != "Add":
        raise Failure(ERROR_NOT_FOUND, f"There is no {name!r}.")


# A star stands for a name that the client gives.
_RESOURCES = {
    "VirtualMachine/ComputeTopology/Memory/SizeInMB": _Resource("uint64", ("Add", "Update"), _set),
    "VirtualMachine/Devices/Scsi/*/Attachments/*": _Resource("Attachment", _CHANGES, _plug),
    "VirtualMachine/Devices/NetworkAdapters/*": _Resource("NetworkAdapter", _CHANGES, _plug),
    "VirtualMachine/Devices/MappedPipes/*": _Resource(None, _PLUGGED, _plug),
    "VirtualMachine/Devices/Plan9/Shares": _Resource("Plan9Share", _CHANGES, _list_by("Name")),
    "VirtualMachine/Devices/VirtualSmb/Shares": _Resource("VirtualSmbShare", _CHANGES, _list_by("Name")),
    "Container/Memory/SizeInMB": _Resource("uint64", ("Add", "Update"), _set),
    "Container/Processor": _Resource("Container_Processor", ("Add", "Update"), _set),
    "Container/MappedDirectories": _Resource("MappedDirectory", _CHANGES, _list_by("ContainerPath")),
    "Container/MappedPipes": _Resource("MappedPipe", _CHANGES, _list_by("ContainerPipeName")),
}

# HCS knows these too.
_NOT_EMULATED = (
    "VirtualMachine/ComputeTopology/Gpu",
    "VirtualMachine/ComputeTopology/Processor/*",
    "VirtualMachine/Devices/ComPorts/*",
    "VirtualMachine/Devices/FlexibleIov/*",
    "VirtualMachine/Devices/SharedMemory/Regions",
    "VirtualMachine/Devices/VirtualPMem/Devices/*",
    "VirtualMachine/Devices/VirtualPMem/Devices/*/Mappings/*",
    "VirtualMachine/Devices/VirtualPci/*",
    "Container/Devices/Generic",
    "Container/RegistryFlushState",
)


def modify(document: dict[str, Any], text: str, unknown: int) -> None:
    """Make the change that a ModifySettingRequest asks for; `unknown` is the HRESULT for a path that leads nowhere."""
    request = schema.parse(text, "ModifySettingRequest")
    if "GuestRequest" in request:
        raise not_emulated("a GuestRequest; there is no guest that could take it")
    path: str = request.get("ResourcePath", "")
    kind = next((pattern for pattern in _RESOURCES if _matches(pattern, path)), None)
    if kind is None:
        if any(_matches(pattern, path) for pattern in _NOT_EMULATED):
            raise not_emulated(f"a modify of {path}")
        raise Failure(unknown, f"No resource has the path {path!r}.")
    resource = _RESOURCES[kind]
    change: str = request.get("RequestType", "Add")
    if change not in resource.requests:
        raise invalid_argument("$.RequestType", f"{path} takes {' and '.join(resource.requests)}, not {change}")
    settings = _settings(resource, request, change)
    *way, last = path.split("/")
    if way[0] not in document:
        raise invalid_argument("$.ResourcePath", f"the compute system is no {way[0]}")
    resource.change(_place(document, way), last, change, settings)


def _matches(pattern: str, path: str) -> bool:
    return re.fullmatch(pattern.replace("*", "[^/]+"), path) is not None


def _settings(resource: _Resource, request: dict[str, Any], change: str) -> Any:
    """Return the Settings, checked against the schema; an entry that is removed by its name in the path needs none."""
    settings = request.get("Settings")
    if resource.kind is None or (change == "Remove" and resource.change is _plug):
        return settings
    found = schema.problems(settings, resource.kind, "Settings")
    if found:
        raise invalid_json(*found)
    return settings


def _place(document: dict[str, Any], way: list[str]) -> dict[str, Any]:
    place = document
    for index, part in enumerate(way):
        # A controller has to be there from the start: it cannot be plugged into a machine that runs.
        if way[index - 1] == "Scsi" and part not in place:
            raise Failure(ERROR_NOT_FOUND, f"The machine has no SCSI controller {part!r}.")
        place = place.setdefault(part, {})
    return place
