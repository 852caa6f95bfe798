"""Rules of requests that HCS passes on to a guest."""

from __future__ import annotations

from typing import Any

from ..bounds import LAST_LUN
from . import Look, rule
from .texts import absolute_in_guest, members

# The type of the settings, by the type of the resource, as a Windows guest takes them.
_SETTINGS = {
    "MappedDirectory": "MappedDirectory",
    "MappedPipe": "MappedPipe",
    "MappedVirtualDisk": "MappedVirtualDisk",
    "CombinedLayers": "CombinedLayers",
    "CimMount": "CimMount",
    "Network": "NetworkModifyRequest",
    "NetworkNamespace": "HostComputeNamespace",
    "HvSocket": "HvSocketAddress",
}

# What hcsshim sends, too, by a bridge of its own; no schema has the settings of these.
OF_THE_BRIDGE = frozenset({
    "SCSIDevice", "MappedVirtualDiskForContainerScratch", "WCOWBlockCims", "CWCOWCombinedLayers", "VPMemDevice",
    "VPCIDevice", "ContainerConstraints", "SecurityPolicy", "SecurityPolicyFragment", "PodCgroupMemoryLimit",
})  # fmt: skip

# What settings for a Linux guest have, and those for Windows have not.
_LINUX_MEMBERS = frozenset({"MountPath", "ContainerID", "NamespaceID"})

FACT = "Microsoft's schema reference, GuestModifySettingRequest; hcsshim, internal/protocol/guestresource"


@rule("GuestModifySettingRequest", fact=FACT)
def guest_resource_is_named(look: Look, request: dict[str, Any]) -> None:
    """A request for a guest has a ResourceType and a RequestType."""
    for member, what in (("ResourceType", "what to change in the guest"), ("RequestType", "what to do with it")):
        if member not in request:
            look.warning(member, f"every known client says {what}: add it")


@rule("GuestModifySettingRequest", fact=FACT)
def settings_are_those_of_the_guest_resource(look: Look, request: dict[str, Any]) -> None:
    """Settings are of the type of the resource."""
    type = _SETTINGS.get(request.get("ResourceType", ""))
    settings = request.get("Settings")
    if type is not None and not for_linux(settings):
        look.check("Settings", type)


def for_linux(settings: object) -> bool:
    """Return whether settings are those for a Linux guest."""
    given = members(settings)
    root: object = given.get("ContainerRootPath")
    return bool(_LINUX_MEMBERS.intersection(given)) or (isinstance(root, str) and root.startswith("/"))


@rule("MappedVirtualDisk", fact="hcsshim, uvm/types.go: a SCSI controller of Hyper-V has 64 LUNs")
def mapped_disk_is_at_a_place(look: Look, disk: dict[str, Any]) -> None:
    """The LUN of a disk on its controller is 0 to 63."""
    if disk.get("Lun", 0) > LAST_LUN:
        look.error("Lun", f"a SCSI controller has the LUNs 0 to {LAST_LUN}: give that of the disk")


@rule("MappedVirtualDisk", fact="hcsshim and AspireHcs: both give an absolute path of the guest")
def mapped_disk_has_a_path(look: Look, disk: dict[str, Any]) -> None:
    """The path of a disk in the guest is absolute."""
    path = disk.get("ContainerPath")
    if path and not absolute_in_guest(path):
        look.warning("ContainerPath", r"an absolute path of the guest is expected, as in C:\mounts\scsi\m0")


@rule("CombinedLayers", fact="hcsshim, guestresource/resources.go, and AspireHcs: both send it")
def combined_layers_are_somewhere(look: Look, layers: dict[str, Any]) -> None:
    """Combined layers have a ContainerRootPath."""
    if not layers.get("ContainerRootPath"):
        look.warning(
            "ContainerRootPath", "every known client says where in the guest the layers are combined: add the path"
        )


@rule("CombinedLayers", fact="Microsoft's schema reference, CombinedLayers")
def scratch_is_the_root(look: Look, layers: dict[str, Any]) -> None:
    """Combined layers of a Windows guest have no ScratchPath."""
    root = layers.get("ContainerRootPath", "")
    if layers.get("ScratchPath") and root and not root.startswith("/"):
        look.ignored("ScratchPath", "in a Windows guest ContainerRootPath is the scratch")


@rule("CombinedLayers", fact="hcsshim, combine_layers.go: older guests refuse the document")
def filter_is_left_out_if_usual(look: Look, layers: dict[str, Any]) -> None:
    """The filter WCIFS is left out."""
    if layers.get("FilterType") == "WCIFS":
        look.warning(
            "FilterType",
            "by hcsshim older guests refuse this member, and all take WCIFS without it: leave it out",
        )
