# `tools/documents.py write` makes this file.
"""Requests that HCS passes on to the guest of a virtual machine."""

from typing import Any, Literal, TypeAlias, TypedDict

from . import common, storage

__all__ = [
    "CimMount",
    "CombinedLayers",
    "GuestModifySettingRequest",
    "HvSocketAddress",
    "MappedVirtualDisk",
    "ModifyResourceType",
    "NetworkModifyRequest",
    "NetworkRequestType",
]

ModifyResourceType: TypeAlias = Literal[
    "Memory",
    "MappedDirectory",
    "MappedPipe",
    "MappedVirtualDisk",
    "CombinedLayers",
    "NetworkNamespace",
    "CimMount",
    "Network",
    "HvSocket",
]
"""Kind of resource that a guest request is about; it decides the form of the settings.

* `MappedDirectory`: A host directory mapped into the guest; the settings are a `MappedDirectory`.
* `MappedPipe`: A named pipe of the host mapped into the guest; the settings are a `MappedPipe`.
* `MappedVirtualDisk`: A disk to mount in the guest; the settings are a `MappedVirtualDisk`.
* `CombinedLayers`: The root file system of a container; the settings are a `CombinedLayers`.
* `NetworkNamespace`: A network namespace; the settings are a `HostComputeNamespace`.
* `CimMount`: A composite image to mount in the guest; the settings are a `CimMount`.
* `Network`: A network adapter; the settings are a `NetworkModifyRequest`.
* `HvSocket`: Addresses for Hyper-V sockets; the settings are an `HvSocketAddress`.
"""

NetworkRequestType: TypeAlias = Literal["Add", "PreAdd", "Remove"]
"""What the guest is to do with a network adapter.

* `Add`: Use the adapter, which has been added.
* `PreAdd`: Take the endpoint's settings, before the adapter is added.
* `Remove`: Stop using the adapter.
"""


class CimMount(TypedDict, total=False):
    """A composite image (CIM) to mount in the guest, or to unmount there."""

    ImagePath: str
    """Path to the folder or volume with the image.

    Schema 2.3.
    """

    FileSystemName: str
    """Name of the file system in the image.

    Schema 2.3.
    """

    VolumeGuid: str
    """GUID of the volume that the image is mounted as.

    A GUID. Schema 2.3.
    """

    MountFlags: int
    """Flags handed on to `CimMountImage`, such as 0x2 for DAX, 0x10 for a block device or 0x20 for a single file.

    Schema 2.5.
    """


class CombinedLayers(TypedDict, total=False):
    """Layers that the guest combines into the root of a container, as settings of a guest request."""

    Layers: list[storage.Layer]
    """Read-only layers, topmost first.

    Schema 2.0.
    """

    ScratchPath: str
    """Path in the guest to the scratch. Linux guests need it; Windows guests ignore it, as their root path already is
    that of the scratch.

    Schema 2.0.
    """

    ContainerRootPath: str
    """Path in the guest where the combined file system appears. In a Windows guest, that of the mounted scratch.

    Schema 2.0.
    """

    FilterType: storage.FileSystemFilterType
    """File system filter to use; leave it out for the filter of Windows containers, as older guests refuse it.

    In no published schema.
    """


class GuestModifySettingRequest(TypedDict, total=False):
    """Change for the guest to make, as `GuestRequest` of a `ModifySettingRequest`."""

    ResourceType: ModifyResourceType
    """Kind of resource; it decides the form of `Settings`.

    Schema 2.1.
    """

    RequestType: common.ModifyRequestType
    """Whether to add, remove or update the resource.

    Schema 2.1.
    """

    Settings: Any
    """Settings of the resource.

    Schema 2.1.
    """


class HvSocketAddress(TypedDict, total=False):
    """Hyper-V socket addresses that the guest compute service sets whenever a virtual machine starts or is restored."""

    LocalAddress: str
    """GUID that is the address of the virtual machine itself.

    A GUID. Schema 2.1.
    """

    ParentAddress: str
    """GUID that is the address of its parent.

    A GUID. Schema 2.1.
    """


class MappedVirtualDisk(TypedDict, total=False):
    """An attached disk for the guest to mount, as settings of a guest request."""

    ContainerPath: str
    """Path in the guest to mount the disk at.

    Schema 2.1.
    """

    Lun: int
    """Logical unit number of the disk on its SCSI controller.

    Schema 2.1.
    """


class NetworkModifyRequest(TypedDict, total=False):
    """A change to a network adapter, as settings of a guest request."""

    AdapterId: str
    """GUID of the network adapter.

    A GUID. In no published schema.
    """

    RequestType: NetworkRequestType
    """What to do; `PreAdd` comes before the adapter is added.

    In no published schema.
    """

    Settings: Any
    """For `PreAdd`, the HCN endpoint of the adapter.

    In no published schema.
    """
