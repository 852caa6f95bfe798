"""Rules of requests to change a compute system or the service, and of queries."""

from __future__ import annotations

import re
from typing import Any

from ..bounds import LAST_COM_PORT, LAST_LUN, MOST_MEGABYTES
from ..resources import REFERENCE, RESOURCES, Resource, resource
from . import Look, rule
from .guest import FACT as GUEST_FACT
from .guest import OF_THE_BRIDGE, for_linux
from .texts import members

_SHARE = re.compile(r"VirtualMachine/Devices/VirtualSmb/Shares/.+")
_SCSI = re.compile(r"VirtualMachine/Devices/Scsi/[^/]+/Attachments/([0-9]+)", re.ASCII)
_COM_PORT = re.compile(r"VirtualMachine/Devices/ComPorts/([0-9]+)", re.ASCII)
_MEMORY = "VirtualMachine/ComputeTopology/Memory/SizeInMB"

# The type of the details, by the operation.
_GROUP_OPERATIONS = {
    "CreateGroup": "CreateGroupOperation",
    "DeleteGroup": "DeleteGroupOperation",
    "SetProperty": "SetPropertyOperation",
}
_GUARD_OPERATIONS = {
    "AddInstance": "ContainerCredentialGuardAddInstanceRequest",
    "RemoveInstance": "ContainerCredentialGuardRemoveInstanceRequest",
}
_SERVICE_SETTINGS = {
    "CpuGroup": "HostProcessorModificationRequest",
    "ContainerCredentialGuard": "ContainerCredentialGuardOperationRequest",
}


# --- changes of a compute system --------------------------------------------------------------------------------------


@rule("ModifySettingRequest", fact=REFERENCE)
def request_is_about_something(look: Look, request: dict[str, Any]) -> None:
    """A request has a ResourcePath or a GuestRequest."""
    if not request.get("ResourcePath") and "GuestRequest" not in request:
        look.error("ResourcePath", "the request changes nothing: name what to change, or give a GuestRequest")


@rule("ModifySettingRequest", fact=f"{REFERENCE}; hcsshim, internal/hcs/resourcepaths")
def resource_is_known(look: Look, request: dict[str, Any]) -> None:
    """A ResourcePath is one that a source tells."""
    path = request.get("ResourcePath", "")
    if not path or resource(path) is not None or _SHARE.fullmatch(path):
        return
    from difflib import get_close_matches

    near = get_close_matches(path[:200], [known.path for known in RESOURCES], 1)
    advice = f"one like it is {near[0]}" if near else "the reference of HcsModifyComputeSystem lists them"
    look.warning("ResourcePath", f"no source knows this path: {advice}")


@rule("ModifySettingRequest", fact="ZLayer: a share's name behind Shares gives E_INVALIDARG")
def share_is_in_the_list(look: Look, request: dict[str, Any]) -> None:
    """The path to a share of VirtualSmb ends with Shares."""
    if _SHARE.fullmatch(request.get("ResourcePath", "")):
        look.warning(
            "ResourcePath",
            "ZLayer saw HCS refuse what follows Shares: end the path with Shares, and name the share in Settings",
        )


def _of_source(source: str) -> None:
    """Make the rules for the resources that are known from a source."""
    # What a client calls a resource says what HCS takes for it, but not that HCS refuses the rest.
    certain = source.startswith(REFERENCE)

    def resource_of(request: dict[str, Any]) -> Resource | None:
        found = resource(request.get("ResourcePath", ""))
        return found if found is not None and found.fact == source else None

    @rule("ModifySettingRequest", fact=source)
    def request_is_one_for_the_resource(look: Look, request: dict[str, Any]) -> None:
        """A RequestType is one that HCS takes for the resource."""
        found = resource_of(request)
        change = request.get("RequestType")
        if found is None or change is None or change in found.requests:
            return
        takes = f"{' and '.join(found.requests)}, not {change}"
        if certain:
            look.error("RequestType", f"for this path HCS takes {takes}")
        else:
            look.warning("RequestType", f"for this path every known client sends {takes}")

    @rule("ModifySettingRequest", fact=source)
    def settings_are_those_of_the_resource(look: Look, request: dict[str, Any]) -> None:
        """Settings are of the type of the resource; none are read where the path says what is removed."""
        found = resource_of(request)
        if found is None or found.type is None or found.type == "Any":
            return
        removes = request.get("RequestType") == "Remove"
        text = f"the request needs settings of the type {found.type}: add them"
        # Multipass writes null where it has none.
        given = request.get("Settings") is not None
        if removes and found.removed_by_path:
            if given:
                look.ignored("Settings", "the path alone says what is removed")
        elif given:
            look.check("Settings", found.type)
        elif removes and not found.keys:
            return
        elif certain:
            look.error("Settings", text)
        else:
            look.warning("Settings", text)


for _fact in dict.fromkeys(known.fact for known in RESOURCES):
    _of_source(_fact)


@rule(
    "ModifySettingRequest",
    fact="our reading: nothing else in the request names the item; WSL names a Plan 9 share by AccessName",
)
def item_of_a_list_is_named(look: Look, request: dict[str, Any]) -> None:
    """Settings of an item of a list have the member that tells it from the others."""
    found = resource(request.get("ResourcePath", ""))
    if found is None or not found.keys or "Settings" not in request:
        return
    settings = members(request["Settings"])
    if not any(settings.get(key) for key in found.keys):
        look.warning(
            ("Settings", found.keys[0]),
            "nothing here names the item of the list that the request is about: add it",
        )


@rule("ModifySettingRequest", fact=REFERENCE)
def mapped_pipe_has_no_settings(look: Look, request: dict[str, Any]) -> None:
    """A request to map a pipe of the host has no settings."""
    found = resource(request.get("ResourcePath", ""))
    if found is not None and found.type is None and request.get("Settings"):
        look.ignored("Settings", "the path alone says which pipe is mapped")


@rule("ModifySettingRequest", fact=f"{REFERENCE}; hcsshim, uvm/types.go")
def place_is_there(look: Look, request: dict[str, Any]) -> None:
    """The LUN on a controller, or the port, at the end of a ResourcePath is one that there is."""
    path = request.get("ResourcePath", "")
    for pattern, last, what in (
        (_SCSI, LAST_LUN, "a SCSI controller has the LUNs"),
        (_COM_PORT, LAST_COM_PORT, "a machine has the serial ports"),
    ):
        match = pattern.fullmatch(path)
        if match and int(match[1].lstrip("0")[:9] or 0) > last:
            look.error("ResourcePath", f"{what} 0 to {last}: choose one of them for the end of the path")


@rule(
    "ModifySettingRequest",
    fact="WSL, WslCoreVm.cpp: HCS enforces a granularity of 2 MB; hcsshim, UpdateMemory, rounds up to it",
)
def new_memory_is_even(look: Look, request: dict[str, Any]) -> None:
    """The new size of the memory is an even number of MB."""
    size = request.get("Settings")
    if request.get("ResourcePath") == _MEMORY and isinstance(size, int) and size % 2:
        look.error("Settings", "HCS takes memory in multiples of 2 MB: give an even number")


@rule("ModifySettingRequest", fact="Microsoft's limits of Hyper-V: a virtual machine has at most 240 TB of memory")
def new_memory_is_in_megabytes(look: Look, request: dict[str, Any]) -> None:
    """The new size of the memory is in MB, and is not 0."""
    size = request.get("Settings")
    if request.get("ResourcePath") != _MEMORY or not isinstance(size, int):
        return
    if size > MOST_MEGABYTES:
        look.warning("Settings", "no machine has that much memory: give the size in MB, not in bytes")
    elif size == 0:
        look.warning("Settings", "a machine needs memory: give its size in MB")


@rule("ModifySettingRequest", fact="hcsshim, AddVSMB: HCS updates the list of files only, and refuses other shares")
def only_restricted_shares_are_updated(look: Look, request: dict[str, Any]) -> None:
    """Only a share with Options.RestrictFileAccess is updated."""
    if request.get("ResourcePath") != "VirtualMachine/Devices/VirtualSmb/Shares":
        return
    options = members(members(request.get("Settings")).get("Options"))
    if request.get("RequestType") == "Update" and not options.get("RestrictFileAccess"):
        look.warning(
            "RequestType",
            "by hcsshim HCS updates only the AllowedFiles of a share with Options.RestrictFileAccess: remove the "
            "share, and add it again",
        )


@rule("ModifySettingRequest", fact=GUEST_FACT)
def guest_request_is_one(look: Look, request: dict[str, Any]) -> None:
    """A request for a Windows guest is a GuestModifySettingRequest; others have no schema."""
    if "GuestRequest" not in request:
        return
    guest = members(request["GuestRequest"])
    kind: object = guest.get("ResourceType")
    if not (isinstance(kind, str) and kind in OF_THE_BRIDGE) and not for_linux(guest.get("Settings")):
        look.check("GuestRequest", "GuestModifySettingRequest")


# --- changes of the service -------------------------------------------------------------------------------------------


@rule("ModificationRequest", fact="Microsoft's reference of HcsModifyServiceSettings")
def property_is_named(look: Look, request: dict[str, Any]) -> None:
    """A request to change the service names a property."""
    if "PropertyType" not in request:
        look.error("PropertyType", 'say what to change: "CpuGroup" or "ContainerCredentialGuard"')


@rule("ModificationRequest", fact="Microsoft's schema reference, ModificationRequest, and its samples")
def settings_are_those_of_the_property(look: Look, request: dict[str, Any]) -> None:
    """Settings are there, and of the type of the property."""
    _details(look, request, "PropertyType", _SERVICE_SETTINGS, "Settings")


@rule("HostProcessorModificationRequest", fact="Microsoft's schema reference, HostProcessorModificationRequest")
def details_are_those_of_the_operation(look: Look, request: dict[str, Any]) -> None:
    """OperationDetails are there, and of the type of the operation."""
    _operation(look, request, _GROUP_OPERATIONS)


@rule(
    "ContainerCredentialGuardOperationRequest",
    fact="Microsoft's schema reference, ContainerCredentialGuardOperationRequest",
)
def details_are_those_of_the_guard(look: Look, request: dict[str, Any]) -> None:
    """OperationDetails are there, and of the type of the operation."""
    _operation(look, request, _GUARD_OPERATIONS)


def _operation(look: Look, request: dict[str, Any], types: dict[str, str]) -> None:
    if "Operation" not in request:
        look.error("Operation", f"say what to do: {' or '.join(types)}")
    _details(look, request, "Operation", types, "OperationDetails")


def _details(look: Look, request: dict[str, Any], selector: str, types: dict[str, str], member: str) -> None:
    """Check the member whose type another member selects."""
    type = types.get(request.get(selector, ""))
    if type is None:
        return
    if member in request:
        look.check(member, type)
    else:
        look.error(member, f"the request needs details of the type {type}: add them")


@rule(
    "CreateGroupOperation",
    "DeleteGroupOperation",
    "SetPropertyOperation",
    fact="Microsoft's schema reference and the samples of CPU groups",
)
def group_is_named(look: Look, operation: dict[str, Any]) -> None:
    """A group of processors is named by its id."""
    if not operation.get("GroupId"):
        look.error("GroupId", "a group of processors is named by its id: give a GUID")


@rule("CreateGroupOperation", fact="Microsoft's samples: LogicalProcessorCount counts LogicalProcessors")
def group_is_counted(look: Look, operation: dict[str, Any]) -> None:
    """LogicalProcessorCount is the number of the LogicalProcessors."""
    processors = operation.get("LogicalProcessors")
    if processors is not None and operation.get("LogicalProcessorCount", len(processors)) != len(processors):
        look.error("LogicalProcessorCount", f"LogicalProcessors lists {len(processors)}: give this number")


@rule(
    "ContainerCredentialGuardAddInstanceRequest",
    fact="Microsoft's schema reference, ContainerCredentialGuardAddInstanceRequest.CredentialSpec",
)
def credential_is_json(look: Look, request: dict[str, Any]) -> None:
    """CredentialSpec is the text of a JSON object."""
    text = request.get("CredentialSpec")
    if text is not None and not _is_object(text):
        look.error("CredentialSpec", "a credential specification as JSON text is expected: give the text of its file")


# --- queries ----------------------------------------------------------------------------------------------------------

_SYSTEM_PROPERTIES = frozenset({
    "Memory", "Statistics", "ProcessList", "TerminateOnLastHandleClosed", "SharedMemoryRegion", "GuestConnection",
    "GuestMemory", "ContainerCredentialGuard", "ICHeartbeatStatus", "ProcessorTopology", "CpuGroup", "SystemGUID",
})  # fmt: skip
_SERVICE_PROPERTIES = frozenset({
    "Basic", "CpuGroup", "ProcessorTopology", "ContainerCredentialGuard", "QoSCapabilities", "ProcessorCapabilities",
    "Memory", "CacheAllocation", "CacheMonitoring", "MemoryBwAllocation",
})  # fmt: skip


@rule("System_PropertyQuery", fact="Microsoft's schema reference, System_PropertyType; hcsshim, property_type.go")
def queries_name_properties(look: Look, query: dict[str, Any]) -> None:
    """Queries ask for known properties of compute systems."""
    _known(look, query, "Queries", _SYSTEM_PROPERTIES)


@rule(
    "Service_PropertyQuery", fact="Microsoft's schema reference, GetPropertyType; WSL, hcs.cpp: ProcessorCapabilities"
)
def queries_name_properties_of_the_service(look: Look, query: dict[str, Any]) -> None:
    """Queries ask for known properties of the service."""
    _known(look, query, "PropertyQueries", _SERVICE_PROPERTIES)


def _known(look: Look, query: dict[str, Any], member: str, names: frozenset[str]) -> None:
    for name in query.get(member, ()):
        if name not in names:
            look.warning((member, name), f"no such property is known; known are {', '.join(sorted(names))}")


def _is_object(text: str) -> bool:
    import json

    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
