# `tools/documents.py write` makes this file.
"""Queries and settings of the Host Compute Service itself, and the answers."""

from typing import Any, Literal, TypeAlias, TypedDict

from . import common, container, properties, vm

__all__ = [
    "BasicInformation",
    "ContainerCredentialGuardAddInstanceRequest",
    "ContainerCredentialGuardHvSocketServiceConfig",
    "ContainerCredentialGuardInstance",
    "ContainerCredentialGuardModifyOperation",
    "ContainerCredentialGuardOperationRequest",
    "ContainerCredentialGuardRemoveInstanceRequest",
    "ContainerCredentialGuardSystemInfo",
    "CpuGroupAffinity",
    "CpuGroupConfig",
    "CpuGroupConfigurations",
    "CpuGroupProperty",
    "CreateGroupOperation",
    "DeleteGroupOperation",
    "GetPropertyType",
    "HostProcessorModificationRequest",
    "LogicalProcessor",
    "ModificationRequest",
    "ModifyPropertyType",
    "ModifyServiceOperation",
    "ProcessorCapabilitiesInfo",
    "ProcessorTopology",
    "QoSCapabilities",
    "ServiceProperties",
    "Service_PropertyQuery",
    "SetPropertyOperation",
    "Subnode",
    "SubnodeType",
]

ContainerCredentialGuardModifyOperation: TypeAlias = Literal["AddInstance", "RemoveInstance"]
"""What a request to Container Credential Guard does; it decides the form of `OperationDetails`.

* `AddInstance`: Add an instance; the details are a `ContainerCredentialGuardAddInstanceRequest`.
* `RemoveInstance`: Remove a running instance; the details are a `ContainerCredentialGuardRemoveInstanceRequest`.
"""

GetPropertyType: TypeAlias = Literal[
    "Basic",
    "CpuGroup",
    "ProcessorTopology",
    "ContainerCredentialGuard",
    "QoSCapabilities",
    "ProcessorCapabilities",
    "Memory",
    "CacheAllocation",
    "CacheMonitoring",
    "MemoryBwAllocation",
]
"""Property that `HcsGetServiceProperties` can be asked for; it decides the form of the answer.

* `Basic`: Supported schema versions, a `BasicInformation`.
* `CpuGroup`: CPU groups, a `CpuGroupConfigurations`.
* `ProcessorTopology`: Logical processors of the host, a `ProcessorTopology`.
* `ContainerCredentialGuard`: Running instances of Container Credential Guard, a `ContainerCredentialGuardSystemInfo`.
* `QoSCapabilities`: Quality of service that the host can give, a `QoSCapabilities`.
"""

ModifyPropertyType: TypeAlias = Literal["CpuGroup", "ContainerCredentialGuard"]
"""Property that `HcsModifyServiceSettings` can change; it decides the form of the settings.

* `CpuGroup`: CPU groups; the settings are a `HostProcessorModificationRequest`.
* `ContainerCredentialGuard`: Instances of Container Credential Guard; the settings are a
  `ContainerCredentialGuardOperationRequest`.
"""

ModifyServiceOperation: TypeAlias = Literal["CreateGroup", "DeleteGroup", "SetProperty"]
"""What a `HostProcessorModificationRequest` does; it decides the form of `OperationDetails`.

* `CreateGroup`: Create a CPU group; the details are a `CreateGroupOperation`.
* `DeleteGroup`: Delete a CPU group; the details are a `DeleteGroupOperation`.
* `SetProperty`: Set a property of a CPU group; the details are a `SetPropertyOperation`.
"""

SubnodeType: TypeAlias = Literal["Any", "Socket", "Cluster", "L3"]
"""Kind of group that a logical processor belongs to.

* `L3`: Processors that share an L3 cache.
"""


class BasicInformation(TypedDict, total=False):
    """Answer of the service to a query for `Basic`."""

    SupportedSchemaVersions: list[common.Version]
    """Highest supported minor version for each major version: `{"Major": 2, "Minor": 6}` stands for 2.0 to 2.6.

    Schema 2.1.
    """


class ContainerCredentialGuardAddInstanceRequest(TypedDict, total=False):
    """Details of `AddInstance`: the Container Credential Guard instance to run."""

    Id: str
    """Globally unique id to give the instance.

    Schema 2.1.
    """

    CredentialSpec: str
    """Credential specification, a JSON document in a string.

    Schema 2.1.
    """

    Transport: container.ContainerCredentialGuardTransport
    """How calls reach the instance.

    Schema 2.1.
    """


class ContainerCredentialGuardHvSocketServiceConfig(TypedDict, total=False):
    """Hyper-V socket service of a Container Credential Guard instance with transport `HvSocket`."""

    ServiceId: str
    """GUID of the Hyper-V socket service.

    A GUID. Schema 2.1.
    """

    ServiceConfig: common.HvSocketServiceConfig
    """Rules on who may use the service.

    Schema 2.1.
    """


class ContainerCredentialGuardOperationRequest(TypedDict, total=False):
    """Request to add or remove a Container Credential Guard instance."""

    Operation: ContainerCredentialGuardModifyOperation
    """What to do.

    Schema 2.1.
    """

    OperationDetails: Any
    """Input of the operation, in the form that `Operation` decides.

    Schema 2.1.
    """


class ContainerCredentialGuardRemoveInstanceRequest(TypedDict, total=False):
    """Details of `RemoveInstance`: which Container Credential Guard instance to remove."""

    Id: str
    """Globally unique id of the instance.

    Schema 2.1.
    """


class CpuGroupAffinity(TypedDict, total=False):
    """Logical processors of the host that belong to a CPU group."""

    LogicalProcessorCount: int
    """Number of logical processors.

    Schema 2.1.
    """

    LogicalProcessors: list[int]
    """Indexes of the logical processors.

    Schema 2.1.
    """


class CpuGroupProperty(TypedDict, total=False):
    """A property of a CPU group, as a pair of numbers."""

    PropertyCode: int
    """Number that tells which property it is.

    Schema 2.1.
    """

    PropertyValue: int
    """Value of the property.

    Schema 2.1.
    """


class CreateGroupOperation(TypedDict, total=False):
    """Details of a request to create a CPU group."""

    GroupId: str
    """GUID to give the group.

    A GUID. Schema 2.1.
    """

    LogicalProcessorCount: int
    """Number of logical processors in the group.

    Schema 2.1.
    """

    LogicalProcessors: list[int]
    """Indexes of the logical processors in the group.

    Schema 2.1.
    """


class DeleteGroupOperation(TypedDict, total=False):
    """Details of a request to delete a CPU group."""

    GroupId: str
    """GUID of the group.

    A GUID. Schema 2.1.
    """


class HostProcessorModificationRequest(TypedDict, total=False):
    """Request to change the CPU groups of the host, as settings of a `ModificationRequest`."""

    Operation: ModifyServiceOperation
    """What to do.

    Schema 2.1.
    """

    OperationDetails: Any
    """Input of the operation, in the form that `Operation` decides.

    Schema 2.1.
    """


class Subnode(TypedDict, total=False):
    """A group of processors that a logical processor belongs to."""

    Type: SubnodeType
    """Kind of group.

    Schema 2.4.
    """

    Id: int
    """Id of the group.

    Schema 2.4.
    """


class ModificationRequest(TypedDict, total=False):
    """Request to `HcsModifyServiceSettings`. One request changes one property."""

    PropertyType: ModifyPropertyType
    """Property to change; it decides the form of `Settings`.

    Schema 2.1.
    """

    Settings: Any
    """How to change it.

    Schema 2.1.
    """


class ProcessorCapabilitiesInfo(TypedDict, total=False):
    """Processor features that the host can offer to virtual machines."""

    ProcessorFeatures: list[vm.ProcessorFeature]
    """Features available, apart from those of XSAVE.

    Schema 2.5.
    """

    XsaveProcessorFeatures: list[vm.XsaveProcessorFeature]
    """XSAVE features available.

    Schema 2.5.
    """

    CacheLineFlushSize: int
    """Cache line size used by flush instructions.

    Schema 2.5.
    """

    ImplementedPhysicalAddressBits: int
    """Number of physical address bits that the processor implements.

    Schema 2.5.
    """

    NonArchitecturalCoreSharing: vm.NonArchitecturalCoreSharing
    """Whether virtual processors may share a physical core without being reported as sibling threads.

    Schema 2.5.
    """


class QoSCapabilities(TypedDict, total=False):
    """Kinds of quality of service that the host supports."""

    ProcessorQoSSupported: bool
    """Whether CPU quality of service is supported.

    Schema 2.1.
    """


class ServiceProperties(TypedDict, total=False):
    """Answer to a query of service properties."""

    Properties: list[Any]
    """One entry for each property type of the query, in its order.

    Schema 2.1.
    """

    PropertyResponses: dict[str, properties.PropertyResponse]
    """Answer, or error, for each property that the query names in `PropertyQueries`.

    Schema 2.5.
    """


class Service_PropertyQuery(TypedDict, total=False):
    """Query of properties of the host's compute service."""

    PropertyTypes: list[GetPropertyType]
    """Properties to read.

    Schema 2.1.
    """

    PropertyQueries: dict[str, Any]
    """Properties to read, by name, each with a query of its own where it has one.

    Schema 2.5.
    """


class SetPropertyOperation(TypedDict, total=False):
    """Details of a request to set a property of a CPU group."""

    GroupId: str
    """GUID of the CPU group.

    A GUID. Schema 2.1.
    """

    PropertyCode: int
    """Number of the property.

    Schema 2.1.
    """

    PropertyValue: int
    """New value.

    Schema 2.1.
    """


class ContainerCredentialGuardInstance(TypedDict, total=False):
    """A running Container Credential Guard instance."""

    Id: str
    """Globally unique id of the instance.

    Schema 2.1.
    """

    CredentialGuard: container.ContainerCredentialGuardState
    """State of the instance, as a container needs it in `ContainerCredentialGuard`.

    Schema 2.1.
    """

    HvSocketConfig: ContainerCredentialGuardHvSocketServiceConfig
    """Hyper-V socket service to set up; present only if the instance uses that transport.

    Schema 2.1.
    """


class CpuGroupConfig(TypedDict, total=False):
    """A CPU group of the host."""

    GroupId: str
    """GUID of the group.

    A GUID. Schema 2.1.
    """

    Affinity: CpuGroupAffinity
    """Logical processors of the group.

    Schema 2.1.
    """

    GroupProperties: list[CpuGroupProperty]
    """Further properties of the group.

    Schema 2.1.
    """

    HypervisorGroupId: int
    """Id that the hypervisor has given the group.

    Schema 2.5.
    """


class LogicalProcessor(TypedDict, total=False):
    """A logical processor of the host."""

    LpIndex: int
    """Index of the logical processor.

    Schema 2.1.
    """

    NodeNumber: int
    """Number of its NUMA node.

    Schema 2.1.
    """

    PackageId: int
    """Id of its package (socket).

    Schema 2.1.
    """

    CoreId: int
    """Id of its core.

    Schema 2.1.
    """

    RootVpIndex: int
    """Index of its virtual processor in the root partition.

    Schema 2.1.
    """

    Subnodes: list[Subnode]
    """Subnodes that it belongs to.

    Schema 2.4.
    """


class ContainerCredentialGuardSystemInfo(TypedDict, total=False):
    """Answer of the service to a query for `ContainerCredentialGuard`."""

    Instances: list[ContainerCredentialGuardInstance]
    """Running instances.

    Schema 2.1.
    """


class CpuGroupConfigurations(TypedDict, total=False):
    """Answer of the service to a query for `CpuGroup`."""

    CpuGroups: list[CpuGroupConfig]
    """CPU groups of the host.

    Schema 2.1.
    """


class ProcessorTopology(TypedDict, total=False):
    """Logical processors of the host, as a service property."""

    LogicalProcessorCount: int
    """Number of logical processors.

    Schema 2.1.
    """

    LogicalProcessors: list[LogicalProcessor]
    """One entry for each logical processor.

    Schema 2.1.
    """
