# `tools/documents.py write` makes this file.
"""Documents of the layers that containers are made of."""

from typing import Literal, Required, TypeAlias, TypedDict

from . import common

__all__ = [
    "CacheMode",
    "ExportLayerOptions",
    "FileSystemFilterType",
    "Layer",
    "LayerData",
    "OsLayerOptions",
    "OsLayerType",
    "PathType",
]

CacheMode: TypeAlias = Literal["Unspecified", "Disabled", "Enabled", "Private", "PrivateAllowSharing"]
"""Whether, and in which memory partition, the files of a layer are cached.

* `Unspecified`: The default of HCS, usually `Enabled`. Microsoft's JSON Schema writes it as an empty string.
* `Disabled`: No caching.
* `Enabled`: Caching in the memory partition of the system.
* `Private`: Caching in a private memory partition.
* `PrivateAllowSharing`: Caching in a private memory partition that other partitions may access.
"""

FileSystemFilterType: TypeAlias = Literal["UnionFS", "WCIFS"]
"""File system filter that presents the layers as one.

* `UnionFS`: The union file system filter.
* `WCIFS`: The filter of Windows containers; leave the member out for guests that do not know it.
"""

OsLayerType: TypeAlias = Literal["Container", "Vm"]
"""What an operating system layer is set up for.

* `Container`: Containers; `HcsSetupBaseOSLayer` takes no disk handle.
* `Vm`: A utility virtual machine; `HcsSetupBaseOSLayer` needs the handle of an attached disk.
"""

PathType: TypeAlias = Literal["AbsolutePath", "VirtualSmbShareName"]
"""What a path of a layer or mapped directory is.

* `AbsolutePath`: An absolute path.
* `VirtualSmbShareName`: The name of a virtual SMB share.
"""


class ExportLayerOptions(TypedDict, total=False):
    """Options of `HcsExportLayer`."""

    IsWritableLayer: bool
    """Whether what is exported is a writable layer, which has to be mounted.

    Schema 2.1.
    """


class Layer(TypedDict, total=False):
    """A layer of a container's file system."""

    Id: Required[str]
    """GUID of the layer, the one it was imported with. By convention that is what `NameToGuid` gives for the name of
    its folder.

    A GUID. Has to be there. Schema 2.0.
    """

    Path: Required[str]
    """Root folder of the layer.

    Has to be there. Schema 2.0.
    """

    PathType: PathType
    """What `Path` is: an absolute path, or the name of a virtual SMB share.

    Schema 2.1.
    """

    Cache: CacheMode
    """Caching of the files in the layer; if absent, usually `Enabled`.

    Schema 2.0.
    """


class OsLayerOptions(TypedDict, total=False):
    """Options of `HcsSetupBaseOSLayer` and `HcsSetupBaseOSVolume`."""

    Type: OsLayerType
    """Whether the layer is for containers or for a virtual machine.

    Schema 2.1.
    """

    DisableCiCacheOptimization: bool
    """Whether to do without the CI cache optimization.

    Schema 2.1.
    """

    SkipUpdateBcdForBoot: bool
    """Whether to leave the boot configuration data (BCD) as it is.

    Schema 2.5.
    """


class LayerData(TypedDict, total=False):
    """Layers that a function of computestorage.dll works with."""

    SchemaVersion: Required[common.Version]
    """Schema version of this document.

    Has to be there. Schema 2.1.
    """

    Layers: list[Layer]
    """Parent layers, topmost first. Leave it out if there are none.

    Schema 2.1.
    """

    FilterType: FileSystemFilterType
    """File system filter to use, for the overlay functions only.

    Schema 2.9.
    """
