# `tools/documents.py write` makes this file.
"""Documents that several families have in common."""

from typing import Any, Literal, TypeAlias, TypedDict

__all__ = [
    "HvSocketServiceConfig",
    "HvSocketSystemConfig",
    "ModifyRequestType",
    "ModifySettingRequest",
    "RegistryChanges",
    "RegistryHive",
    "RegistryKey",
    "RegistryValue",
    "RegistryValueType",
    "StorageQoS",
    "SystemQuery",
    "SystemType",
    "Version",
]

ModifyRequestType: TypeAlias = Literal["Add", "Remove", "Update"]
"""What a request does with a resource."""

RegistryHive: TypeAlias = Literal["System", "Software", "Security", "Sam"]
"""A hive of the guest's registry."""

RegistryValueType: TypeAlias = Literal[
    "None",
    "String",
    "ExpandedString",
    "MultiString",
    "Binary",
    "DWord",
    "QWord",
    "CustomType",
]
"""Type of the data of a registry value.

* `None`: No type.
* `String`: A string, in `StringValue`.
* `ExpandedString`: A string with environment variables to expand, in `StringValue`.
* `MultiString`: Several strings, in `StringValue`.
* `Binary`: Bytes, in `BinaryValue`.
* `DWord`: A 32-bit number, in `DWordValue`.
* `QWord`: A 64-bit number, in `QWordValue`.
* `CustomType`: The type in `CustomType`, with its bytes in `BinaryValue`.
"""

SystemType: TypeAlias = Literal["Container", "VirtualMachine"]
"""Kind of compute system."""


class HvSocketServiceConfig(TypedDict, total=False):
    """Rules on who may use one Hyper-V socket service."""

    BindSecurityDescriptor: str
    """SDDL string that decides which processes of the host may bind to the service. If absent, the
    `DefaultBindSecurityDescriptor` of the system applies.

    Schema 2.0.
    """

    ConnectSecurityDescriptor: str
    """SDDL string that decides which processes of the host may connect to the service. If absent, the
    `DefaultConnectSecurityDescriptor` of the system applies.

    Schema 2.0.
    """

    AllowWildcardBinds: bool
    """Whether wildcard binds reach this service. The registry key `WildcardDescriptors` of Hyper-V sockets decides who
    may make them.

    Schema 2.0.
    """

    Disabled: bool
    """Whether the service is disabled.

    In no published schema.
    """


class ModifySettingRequest(TypedDict, total=False):
    """Request to `HcsModifyComputeSystem`. Changes to a virtual machine, such as of its memory, may fail until the
    guest has booted.
    """

    ResourcePath: str
    """Path of the resource, such as `VirtualMachine/ComputeTopology/Memory/SizeInMB`.

    Schema 2.1.
    """

    RequestType: ModifyRequestType
    """Whether to add, remove or update the resource.

    Schema 2.0.
    """

    Settings: Any
    """Settings of the resource, in the form that `ResourcePath` decides. Several devices ignore it on `Remove`.

    Schema 2.0.
    """

    GuestRequest: Any
    """Change for the guest to make along with it, a `GuestModifySettingRequest`.

    Schema 2.1.
    """


class RegistryKey(TypedDict, total=False):
    """A key in the guest's registry."""

    Hive: RegistryHive
    """Hive that the key is in.

    Schema 2.0.
    """

    Name: str
    """Path of the key within its hive.

    Schema 2.0.
    """

    Volatile: bool
    """Whether the key is volatile, that is, not written to the hive file.

    Schema 2.0.
    """


class StorageQoS(TypedDict, total=False):
    """Limits on storage use, for each volume."""

    IopsMaximum: int
    """Most I/O operations per second.

    In operations a second. Schema 2.0.
    """

    BandwidthMaximum: int
    """Most bytes per second.

    In bytes a second. Schema 2.0.
    """


class SystemQuery(TypedDict, total=False):
    """Filter for the enumeration of compute systems; an empty one matches all."""

    Ids: list[str]
    """Ids to match.

    Schema 2.1.
    """

    Names: list[str]
    """Names to match.

    Schema 2.1.
    """

    Types: list[SystemType]
    """Kinds of compute system to match.

    Schema 2.1.
    """

    Owners: list[str]
    """Owners to match.

    Schema 2.1.
    """


class Version(TypedDict, total=False):
    """A version of the form major.minor."""

    Major: int
    """Major version; different ones are not compatible.

    Schema 2.0.
    """

    Minor: int
    """Minor version; a higher one includes the lower ones.

    Schema 2.0.
    """


class HvSocketSystemConfig(TypedDict, total=False):
    """Rules on who may use the Hyper-V sockets of a compute system."""

    DefaultBindSecurityDescriptor: str
    """SDDL string that decides which processes of the host may bind to a service that is not in `ServiceTable`. Does
    not apply to wildcard binds.

    Schema 2.0.
    """

    DefaultConnectSecurityDescriptor: str
    """SDDL string that decides which processes of the host may connect to a service that is not in `ServiceTable`.

    Schema 2.0.
    """

    ServiceTable: dict[str, HvSocketServiceConfig]
    """Rules for single services; the key is the GUID of the service.

    Schema 2.0.
    """


class RegistryValue(TypedDict, total=False):
    """A value to add to the guest's registry; exactly one member has the data."""

    Key: RegistryKey
    """Key that gets the value.

    Schema 2.0.
    """

    Name: str
    """Name of the value.

    Schema 2.0.
    """

    Type: RegistryValueType
    """Type of the data.

    Schema 2.0.
    """

    StringValue: str
    """Data of a string type.

    Schema 2.0.
    """

    BinaryValue: str
    """Data as bytes, for `Binary` and `CustomType`.

    Base64. Schema 2.0.
    """

    DWordValue: int
    """Data of a `DWord`.

    Schema 2.0.
    """

    QWordValue: int
    """Data of a `QWord`.

    Schema 2.0.
    """

    CustomType: int
    """Number of the registry type, for `CustomType`; the data is in `BinaryValue`.

    Schema 2.0.
    """


class RegistryChanges(TypedDict, total=False):
    """Changes made to the guest's registry before it starts."""

    AddValues: list[RegistryValue]
    """Values to add.

    Schema 2.0.
    """

    DeleteKeys: list[RegistryKey]
    """Keys to delete.

    Schema 2.0.
    """
