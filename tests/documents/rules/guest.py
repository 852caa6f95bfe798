"""Cases of the rules of requests for guests."""

from __future__ import annotations

from typing import Any

from .base import LAYER, Case, case, error, ignored, structure, warning


def for_guest(kind: str, settings: Any) -> dict[str, Any]:
    return {"GuestRequest": {"ResourceType": kind, "RequestType": "Add", "Settings": settings}}


CASES: list[Case] = [
    case(
        "guest_resource_is_named",
        "GuestModifySettingRequest",
        {},
        {"ResourceType": "Memory", "RequestType": "Add"},
        warning("$.ResourceType", "every known client says what to change in the guest: add it"),
        warning("$.RequestType", "every known client says what to do with it: add it"),
    ),
    case(
        "settings_are_those_of_the_guest_resource",
        "ModifySettingRequest",
        for_guest("MappedVirtualDisk", {"Lun": 1, "ContainerPath": "C:\\a", "Colour": "red"}),
        for_guest("CombinedLayers", {"ContainerRootPath": "/run/a", "Layers": [{"Path": "/a"}]}),
        structure("unknown", "$.GuestRequest.Settings.Colour"),
    ),
    case(
        "mapped_disk_is_at_a_place",
        "MappedVirtualDisk",
        {"Lun": 64},
        {"Lun": 63},
        error("$.Lun", "a SCSI controller has the LUNs 0 to 63: give that of the disk"),
    ),
    case(
        "mapped_disk_has_a_path",
        "MappedVirtualDisk",
        {"ContainerPath": "m0"},
        {"ContainerPath": "c:\\mounts\\scsi\\m0"},
        warning("$.ContainerPath", "an absolute path of the guest is expected, as in C:\\mounts\\scsi\\m0"),
    ),
    case(
        "combined_layers_are_somewhere",
        "CombinedLayers",
        {"Layers": [LAYER]},
        {"Layers": [LAYER], "ContainerRootPath": "C:\\m"},
        warning(
            "$.ContainerRootPath", "every known client says where in the guest the layers are combined: add the path"
        ),
    ),
    case(
        "scratch_is_the_root",
        "CombinedLayers",
        {"ContainerRootPath": "C:\\m", "ScratchPath": "C:\\s"},
        {"ContainerRootPath": "/run/m", "ScratchPath": "/run/s"},
        ignored("$.ScratchPath", "in a Windows guest ContainerRootPath is the scratch"),
    ),
    case(
        "filter_is_left_out_if_usual",
        "CombinedLayers",
        {"ContainerRootPath": "C:\\m", "FilterType": "WCIFS"},
        {"ContainerRootPath": "C:\\m", "FilterType": "UnionFS"},
        warning(
            "$.FilterType", "by hcsshim older guests refuse this member, and all take WCIFS without it: leave it out"
        ),
    ),
]
