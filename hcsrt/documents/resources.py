"""What a ModifySettingRequest may change: resource paths, the type of the settings of each, and the requests for it.

The check and the emulator share this list.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

REFERENCE = "Microsoft's reference of HcsModifyComputeSystem"
_SHIM = "hcsshim, internal/hcs/resourcepaths"

_ALL = ("Add", "Update", "Remove")
_PLUGGED = ("Add", "Remove")
_SET = ("Add", "Update")


class Resource(NamedTuple):
    """What a resource path leads to."""

    path: str
    """The path; a star stands for a name that the client gives, # for a number."""

    type: str | None
    """The type of the Settings, as the table spells it; None if there are none."""

    requests: tuple[str, ...] = _ALL
    """The RequestTypes that HCS takes."""

    removed_by_path: bool = False
    """Whether the path alone says what is removed, so that HCS does not read the Settings then."""

    keys: tuple[str, ...] = ()
    """The members of the Settings that tell an item of a list from the others, each by itself."""

    fact: str = REFERENCE
    """Where it is known from."""


RESOURCES = (
    Resource("VirtualMachine/ComputeTopology/Memory/SizeInMB", "uint64", _SET),
    Resource("VirtualMachine/ComputeTopology/Processor/CpuGroup", "CpuGroup"),
    Resource("VirtualMachine/ComputeTopology/Processor/IdledProcessors", "IdleProcessorsRequest", ("Update",)),
    Resource("VirtualMachine/ComputeTopology/Processor/CpuFrequencyPowerCap", "uint32"),
    Resource("VirtualMachine/ComputeTopology/Processor/Limits", "ProcessorLimits", fact=_SHIM),
    Resource("VirtualMachine/ComputeTopology/Gpu", "GpuConfiguration", ("Update",)),
    Resource("VirtualMachine/Devices/Scsi/*/Attachments/#", "Attachment", removed_by_path=True),
    Resource("VirtualMachine/Devices/NetworkAdapters/*", "NetworkAdapter"),
    Resource("VirtualMachine/Devices/MappedPipes/*", None, _PLUGGED),
    Resource("VirtualMachine/Devices/Plan9/Shares", "Plan9Share", keys=("Name", "AccessName")),
    Resource("VirtualMachine/Devices/VirtualSmb/Shares", "VirtualSmbShare", keys=("Name",)),
    Resource("VirtualMachine/Devices/ComPorts/#", "ComPort"),
    Resource("VirtualMachine/Devices/FlexibleIov/*", "FlexibleIoDevice", _PLUGGED, fact=f"{REFERENCE}; WSL"),
    Resource("VirtualMachine/Devices/SharedMemory/Regions", "SharedMemoryRegion", keys=("SectionName",)),
    Resource("VirtualMachine/Devices/VirtualPMem/Devices/#", "VirtualPMemDevice", _PLUGGED, removed_by_path=True),
    Resource(
        "VirtualMachine/Devices/VirtualPMem/Devices/#/Mappings/#", "VirtualPMemMapping", _PLUGGED, removed_by_path=True
    ),
    Resource("VirtualMachine/Devices/VirtualPci/*", "VirtualPciDevice", _PLUGGED, removed_by_path=True),
    Resource("VirtualMachine/Devices/HvSocket/HvSocketConfig/ServiceTable/*", "HvSocketServiceConfig", fact=_SHIM),
    Resource("VirtualMachine/Devices/Licensing", "Any", fact=_SHIM),
    Resource("Container/Memory/SizeInMB", "uint64", _SET, fact=_SHIM),
    Resource("Container/Processor", "Container_Processor", _SET, fact=_SHIM),
    Resource("Container/MappedDirectories", "MappedDirectory", keys=("ContainerPath",), fact=_SHIM),
    Resource("Container/MappedPipes", "MappedPipe", keys=("ContainerPipeName",), fact=_SHIM),
    Resource("Container/RegistryFlushState", "RegistryFlushState", fact=_SHIM),
    Resource("Container/Devices/Generic", "Any", fact=_SHIM),
)


def resource(path: str) -> Resource | None:
    """Return what a resource path leads to, or None if no source knows the path."""
    for pattern, found in _patterns():
        if pattern.fullmatch(path):
            return found
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], Resource]]:
    return [
        (re.compile(found.path.replace("*", "[^/]+").replace("#", "[0-9]+"), re.ASCII), found) for found in RESOURCES
    ]
