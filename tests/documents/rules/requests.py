"""Cases of the rules of requests and queries."""

from __future__ import annotations

from typing import Any

from .base import DEVICES, DISK, GUID, SHARE, Case, case, changed, error, ignored, structure, warning

MEMORY = "VirtualMachine/ComputeTopology/Memory/SizeInMB"
DELETE = {"Operation": "DeleteGroup", "OperationDetails": {"GroupId": GUID}}


def for_guest(kind: str, settings: Any = None) -> dict[str, Any]:
    request = {"ResourceType": kind, "RequestType": "Add"}
    return {"GuestRequest": request if settings is None else request | {"Settings": settings}}


NOT_NAMED = "nothing here names the item of the list that the request is about: add it"


CASES: list[Case] = [
    case(
        "new_memory_is_in_megabytes",
        "ModifySettingRequest",
        changed("VirtualMachine/ComputeTopology/Memory/SizeInMB", 2 << 30, "Update"),
        changed("VirtualMachine/ComputeTopology/Memory/SizeInMB", 2048, "Update"),
        warning("$.Settings", "no machine has that much memory: give the size in MB, not in bytes"),
    ),
    case(
        "new_memory_is_in_megabytes",
        "ModifySettingRequest",
        changed("VirtualMachine/ComputeTopology/Memory/SizeInMB", 0, "Update"),
        changed("VirtualMachine/ComputeTopology/Memory/SizeInMB", 2, "Update"),
        warning("$.Settings", "a machine needs memory: give its size in MB"),
    ),
    case(
        "request_is_about_something",
        "ModifySettingRequest",
        {"RequestType": "Add", "ResourcePath": ""},
        {"GuestRequest": {"ResourceType": "Memory", "RequestType": "Add"}},
        error("$.ResourcePath", "the request changes nothing: name what to change, or give a GuestRequest"),
    ),
    case(
        "resource_is_known",
        "ModifySettingRequest",
        changed("Container/Memory", 512),
        changed("Container/Memory/SizeInMB", 512),
        warning("$.ResourcePath", "no source knows this path: one like it is Container/Memory/SizeInMB"),
    ),
    case(
        "resource_is_known",
        "ModifySettingRequest",
        changed("abc"),
        changed("Container/Devices/Generic", {"a": 1}),
        warning("$.ResourcePath", "no source knows this path: the reference of HcsModifyComputeSystem lists them"),
    ),
    case(
        "resource_is_known",
        "ModifySettingRequest",
        changed(DEVICES + "Plan9/Shares/s", SHARE),
        changed(DEVICES + "Plan9/Shares", SHARE),
        warning("$.ResourcePath", "no source knows this path: one like it is VirtualMachine/Devices/Plan9/Shares"),
    ),
    case(
        "share_is_in_the_list",
        "ModifySettingRequest",
        changed(DEVICES + "VirtualSmb/Shares/0", SHARE),
        changed(DEVICES + "VirtualSmb/Shares", SHARE),
        warning(
            "$.ResourcePath",
            "ZLayer saw HCS refuse what follows Shares: end the path with Shares, and name the share in Settings",
        ),
    ),
    case(
        "request_is_one_for_the_resource",
        "ModifySettingRequest",
        changed("VirtualMachine/ComputeTopology/Gpu", {"AssignmentMode": "Mirror"}),
        changed("VirtualMachine/ComputeTopology/Gpu", {"AssignmentMode": "Mirror"}, "Update"),
        error("$.RequestType", "for this path HCS takes Update, not Add"),
    ),
    case(
        "request_is_one_for_the_resource",
        "ModifySettingRequest",
        changed(DEVICES + "MappedPipes/docker", None, "Update"),
        changed(DEVICES + "MappedPipes/docker"),
        error("$.RequestType", "for this path HCS takes Add and Remove, not Update"),
    ),
    case(
        "request_is_one_for_the_resource",
        "ModifySettingRequest",
        changed("Container/Processor", {"Maximum": 5000}, "Remove"),
        changed("Container/Processor", {"Maximum": 5000}),
        warning("$.RequestType", "for this path every known client sends Add and Update, not Remove"),
    ),
    case(
        "settings_are_those_of_the_resource",
        "ModifySettingRequest",
        changed("Container/Memory/SizeInMB", None, "Update"),
        changed("Container/Memory/SizeInMB", 512, "Update"),
        warning("$.Settings", "the request needs settings of the type uint64: add them"),
    ),
    case(
        "settings_are_those_of_the_resource",
        "ModifySettingRequest",
        changed(MEMORY, "much"),
        {"ResourcePath": MEMORY, "Settings": 1024},
        structure("type", "$.Settings"),
    ),
    case(
        "settings_are_those_of_the_resource",
        "ModifySettingRequest",
        changed(DEVICES + "NetworkAdapters/lan", {"EndpointId": GUID, "Colour": "red"}),
        changed(DEVICES + "NetworkAdapters/lan", {"EndpointId": GUID}),
        structure("unknown", "$.Settings.Colour"),
    ),
    case(
        "settings_are_those_of_the_resource",
        "ModifySettingRequest",
        changed(MEMORY),
        changed(DEVICES + "VirtualPci/" + GUID, None, "Remove"),
        error("$.Settings", "the request needs settings of the type uint64: add them"),
    ),
    case(
        "settings_are_those_of_the_resource",
        "ModifySettingRequest",
        changed(DEVICES + "Scsi/disks/Attachments/1", {"Type": 5}, "Remove"),
        changed(DEVICES + "Scsi/disks/Attachments/1", None, "Remove"),
        ignored("$.Settings", "the path alone says what is removed"),
    ),
    case(
        "settings_are_those_of_the_resource",
        "ModifySettingRequest",
        changed(DEVICES + "Plan9/Shares", None, "Remove"),
        changed(DEVICES + "Plan9/Shares", {"Name": "data"}, "Remove"),
        error("$.Settings", "the request needs settings of the type Plan9Share: add them"),
    ),
    case(
        "item_of_a_list_is_named",
        "ModifySettingRequest",
        changed("Container/MappedPipes", {"ContainerPipeName": ""}, "Remove"),
        changed("Container/MappedPipes", {"ContainerPipeName": "docker"}, "Remove"),
        warning("$.Settings.ContainerPipeName", NOT_NAMED),
    ),
    case(
        "item_of_a_list_is_named",
        "ModifySettingRequest",
        changed(DEVICES + "Plan9/Shares", {"Port": 564}, "Remove"),
        changed(DEVICES + "Plan9/Shares", {"AccessName": "src", "Port": 564}, "Remove"),
        warning("$.Settings.Name", NOT_NAMED),
    ),
    case(
        "request_is_one_for_the_resource",
        "ModifySettingRequest",
        changed(MEMORY, None, "Remove"),
        changed(MEMORY, 512, "Update"),
        error("$.RequestType", "for this path HCS takes Add and Update, not Remove"),
    ),
    case(
        "mapped_pipe_has_no_settings",
        "ModifySettingRequest",
        changed(DEVICES + "MappedPipes/docker", {"a": 1}),
        changed(DEVICES + "MappedPipes/docker", {}),
        ignored("$.Settings", "the path alone says which pipe is mapped"),
    ),
    case(
        "place_is_there",
        "ModifySettingRequest",
        changed(DEVICES + "Scsi/disks/Attachments/64", DISK),
        changed(DEVICES + "Scsi/disks/Attachments/63", DISK),
        error("$.ResourcePath", "a SCSI controller has the LUNs 0 to 63: choose one of them for the end of the path"),
    ),
    case(
        "place_is_there",
        "ModifySettingRequest",
        changed(DEVICES + "ComPorts/2", {}),
        changed(DEVICES + "ComPorts/1", {}),
        error("$.ResourcePath", "a machine has the serial ports 0 to 1: choose one of them for the end of the path"),
    ),
    case(
        "new_memory_is_even",
        "ModifySettingRequest",
        changed(MEMORY, 1025),
        changed("Container/Memory/SizeInMB", 1025),
        error("$.Settings", "HCS takes memory in multiples of 2 MB: give an even number"),
    ),
    case(
        "only_restricted_shares_are_updated",
        "ModifySettingRequest",
        changed(DEVICES + "VirtualSmb/Shares", SHARE, "Update"),
        changed(
            DEVICES + "VirtualSmb/Shares",
            SHARE | {"AllowedFiles": ["a"], "Options": {"RestrictFileAccess": True}},
            "Update",
        ),
        warning(
            "$.RequestType",
            (
                "by hcsshim HCS updates only the AllowedFiles of a share with Options.RestrictFileAccess: remove "
                "the share, and add it again"
            ),
        ),
    ),
    case(
        "property_is_named",
        "ModificationRequest",
        {"Settings": DELETE},
        {"PropertyType": "CpuGroup", "Settings": DELETE},
        error("$.PropertyType", 'say what to change: "CpuGroup" or "ContainerCredentialGuard"'),
    ),
    case(
        "settings_are_those_of_the_property",
        "ModificationRequest",
        {"PropertyType": "CpuGroup"},
        {"PropertyType": "CpuGroup", "Settings": DELETE},
        error("$.Settings", "the request needs details of the type HostProcessorModificationRequest: add them"),
    ),
    case(
        "settings_are_those_of_the_property",
        "ModificationRequest",
        {"PropertyType": "CpuGroup", "Settings": DELETE | {"Colour": "red"}},
        {
            "PropertyType": "ContainerCredentialGuard",
            "Settings": {"Operation": "RemoveInstance", "OperationDetails": {"Id": "a"}},
        },
        structure("unknown", "$.Settings.Colour"),
    ),
    case(
        "details_are_those_of_the_operation",
        "HostProcessorModificationRequest",
        {"OperationDetails": {}},
        DELETE,
        error("$.Operation", "say what to do: CreateGroup or DeleteGroup or SetProperty"),
    ),
    case(
        "details_are_those_of_the_operation",
        "HostProcessorModificationRequest",
        {"Operation": "DeleteGroup", "OperationDetails": {"GroupId": 5}},
        DELETE,
        structure("type", "$.OperationDetails.GroupId"),
    ),
    case(
        "details_are_those_of_the_guard",
        "ContainerCredentialGuardOperationRequest",
        {"Operation": "RemoveInstance"},
        {"Operation": "RemoveInstance", "OperationDetails": {"Id": "a"}},
        error(
            "$.OperationDetails",
            ("the request needs details of the type ContainerCredentialGuardRemoveInstanceRequest: add them"),
        ),
    ),
    case(
        "group_is_named",
        "CreateGroupOperation",
        {"LogicalProcessorCount": 1, "LogicalProcessors": [0]},
        {"GroupId": GUID},
        error("$.GroupId", "a group of processors is named by its id: give a GUID"),
    ),
    case(
        "group_is_counted",
        "CreateGroupOperation",
        {"GroupId": GUID, "LogicalProcessorCount": 3, "LogicalProcessors": [0, 1]},
        {"GroupId": GUID, "LogicalProcessorCount": 2, "LogicalProcessors": [0, 1]},
        error("$.LogicalProcessorCount", "LogicalProcessors lists 2: give this number"),
    ),
    case(
        "credential_is_json",
        "ContainerCredentialGuardAddInstanceRequest",
        {"Id": "a", "CredentialSpec": "file://secret.json"},
        {"Id": "a", "CredentialSpec": "{}"},
        error("$.CredentialSpec", "a credential specification as JSON text is expected: give the text of its file"),
    ),
    case(
        "queries_name_properties",
        "System_PropertyQuery",
        {"Queries": {"Colour": {}}},
        {"Queries": {"GuestMemory": {}}},
        warning(
            "$.Queries.Colour",
            (
                "no such property is known; known are ContainerCredentialGuard, CpuGroup, GuestConnection, "
                "GuestMemory, ICHeartbeatStatus, Memory, ProcessList, ProcessorTopology, SharedMemoryRegion, "
                "Statistics, SystemGUID, TerminateOnLastHandleClosed"
            ),
        ),
    ),
    case(
        "queries_name_properties_of_the_service",
        "Service_PropertyQuery",
        {"PropertyQueries": {"Colour": {}}},
        {"PropertyQueries": {"Basic": {}, "ProcessorCapabilities": {}}, "PropertyTypes": ["Memory"]},
        warning(
            "$.PropertyQueries.Colour",
            (
                "no such property is known; known are Basic, CacheAllocation, CacheMonitoring, "
                "ContainerCredentialGuard, CpuGroup, Memory, MemoryBwAllocation, ProcessorCapabilities, "
                "ProcessorTopology, QoSCapabilities"
            ),
        ),
    ),
    case(
        "guest_request_is_one",
        "ModifySettingRequest",
        {"GuestRequest": 5},
        for_guest("MappedVirtualDisk", {"MountPath": "/run/a", "Lun": 1, "Controller": 0}),
        structure("type", "$.GuestRequest"),
    ),
    case(
        "guest_request_is_one",
        "ModifySettingRequest",
        for_guest("Colour"),
        for_guest("VPMemDevice", {"DeviceNumber": 1}),
        structure("value", "$.GuestRequest.ResourceType"),
    ),
]
