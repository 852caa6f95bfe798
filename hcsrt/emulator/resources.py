"""Changes of a compute system by a ModifySettingRequest: resource paths, and their places in its document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._hresults import ERROR_ALREADY_EXISTS, ERROR_NOT_FOUND
from ..documents.resources import resource
from . import schema
from .failures import Failure, invalid_argument, not_emulated

if TYPE_CHECKING:
    from .model import System
    from .variation import Variation


def _set(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
    """Change a member, which an Add sets as an Update does: hcsshim names no RequestType for some of them."""
    if request == "Remove":
        _expect(name in place, request, name)
        del place[name]
    else:
        place[name] = settings


def _set_each(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
    """Change the members beside the last part of the path, which is none of them."""
    if request == "Remove":
        for member in ("Limit", "Weight", "Reservation", "MaximumFrequencyMHz"):
            place.pop(member, None)
    else:
        place.update(settings)


def _plug(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
    """Change an entry of a map, whose name is the last part of the path."""
    _expect(name in place, request, name)
    if request == "Remove":
        del place[name]
    else:
        place[name] = settings


def _list(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
    """Change an item of an array, which nothing but the whole of it identifies."""
    if settings is None:
        raise invalid_argument("$.Settings", "nothing names the item of the list: add it")
    items: list[Any] = place.setdefault(name, [])
    _expect(settings in items, request, str(settings))
    if request == "Remove":
        items.remove(settings)
    elif request == "Add":
        items.append(settings)


def _list_by(*names: str) -> Callable[[dict[str, Any], str, str, Any], None]:
    """Return a function that changes an item of an array, which the first of some members that is there identifies."""

    def change(place: dict[str, Any], name: str, request: str, settings: Any) -> None:
        member = next((member for member in names if settings.get(member)), None)
        if member is None:
            raise invalid_argument(f"$.Settings.{names[0]}", "nothing names the item of the list: add it")
        wanted = settings[member]
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


# What makes the change, by the path in `documents.resources`. It is given the place in the document, the last part of
# the path, the RequestType and the Settings.
_CHANGES: dict[str, Callable[[Any, str, str, Any], None]] = {
    "VirtualMachine/ComputeTopology/Memory/SizeInMB": _set,
    "VirtualMachine/ComputeTopology/Processor/CpuGroup": _set,
    "VirtualMachine/ComputeTopology/Processor/IdledProcessors": _set,
    "VirtualMachine/ComputeTopology/Processor/CpuFrequencyPowerCap": _set,
    "VirtualMachine/ComputeTopology/Processor/Limits": _set_each,
    "VirtualMachine/ComputeTopology/Gpu": _set,
    "VirtualMachine/Devices/Scsi/*/Attachments/#": _plug,
    "VirtualMachine/Devices/NetworkAdapters/*": _plug,
    "VirtualMachine/Devices/MappedPipes/*": _plug,
    "VirtualMachine/Devices/Plan9/Shares": _list_by("Name", "AccessName"),
    "VirtualMachine/Devices/VirtualSmb/Shares": _list_by("Name"),
    "VirtualMachine/Devices/ComPorts/#": _plug,
    "VirtualMachine/Devices/FlexibleIov/*": _plug,
    "VirtualMachine/Devices/SharedMemory/Regions": _list_by("SectionName"),
    "VirtualMachine/Devices/VirtualPMem/Devices/#": _plug,
    "VirtualMachine/Devices/VirtualPMem/Devices/#/Mappings/#": _plug,
    "VirtualMachine/Devices/VirtualPci/*": _plug,
    # Hcsshim adds an entry by an Update.
    "VirtualMachine/Devices/HvSocket/HvSocketConfig/ServiceTable/*": _set,
    "VirtualMachine/Devices/Licensing": _set,
    "Container/Memory/SizeInMB": _set,
    "Container/Processor": _set,
    "Container/MappedDirectories": _list_by("ContainerPath"),
    "Container/MappedPipes": _list_by("ContainerPipeName"),
    "Container/RegistryFlushState": _set,
    "Container/Devices/Generic": _list,
}


# What no document can have from its beginning.
_BESIDE = frozenset(
    {
        "VirtualMachine/ComputeTopology/Processor/IdledProcessors",
        "VirtualMachine/ComputeTopology/Processor/CpuFrequencyPowerCap",
        "VirtualMachine/ComputeTopology/Gpu",
        "VirtualMachine/Devices/MappedPipes/*",
        "VirtualMachine/Devices/Licensing",
        "Container/RegistryFlushState",
        "Container/Devices/Generic",
    }
)


def modify(system: System, text: str, variation: Variation) -> None:
    """Make the change that a ModifySettingRequest asks for."""
    request = schema.parse(text, "ModifySettingRequest")
    if "GuestRequest" in request:
        raise not_emulated("a GuestRequest; there is no guest that could take it")
    path: str = request.get("ResourcePath", "")
    known = resource(path)
    if known is None:
        raise Failure(variation.hresult("unknown_resource"), f"No resource has the path {path!r}.")
    kind: str = request.get("RequestType", "Add")
    if kind not in known.requests:
        raise not_emulated(f"a request to {kind.lower()} {path}")
    # Where no reference says so, the check only warns of a request that has none.
    if known.type is not None and (known.keys or kind != "Remove") and request.get("Settings") is None:
        raise invalid_argument("$.Settings", f"the request needs settings of the type {known.type}: add them")
    *way, last = path.split("/")
    if way[0] not in system.document:
        raise invalid_argument("$.ResourcePath", f"the compute system is no {way[0]}")
    place = _place(system.beside if known.path in _BESIDE else system.document, way)
    _CHANGES[known.path](place, last, kind, request.get("Settings"))


def _place(document: dict[str, Any], way: list[str]) -> dict[str, Any]:
    place = document
    for index, part in enumerate(way):
        # A controller has to be there from the start: it cannot be plugged into a machine that runs.
        if way[index - 1] == "Scsi" and part not in place:
            raise Failure(ERROR_NOT_FOUND, f"The machine has no SCSI controller {part!r}.")
        if way[index - 2 : index] == ["VirtualPMem", "Devices"] and part not in place:
            raise Failure(ERROR_NOT_FOUND, f"The machine has no virtual PMem device {part!r}.")
        place = place.setdefault(part, {})
    return place
