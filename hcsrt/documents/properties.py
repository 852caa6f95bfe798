# `tools/documents.py write` makes this file.
"""Queries of the properties of compute systems, and the answers."""

from typing import Any, Literal, Required, TypeAlias, TypedDict

from . import common, events

__all__ = [
    "CacheQueryStatsResponse",
    "ComputeSystemProperties",
    "ContainerMemoryInformation",
    "GuestConnectionInfo",
    "IntegrationComponentOperatingStateReason",
    "IntegrationComponentOperationalState",
    "IntegrationComponentStatus",
    "MemoryInformationForVm",
    "MemoryStats",
    "OsType",
    "ProcessDetails",
    "ProcessorStats",
    "Properties",
    "PropertyResponse",
    "SharedMemoryRegionInfo",
    "State",
    "Statistics",
    "StorageStats",
    "System_PropertyQuery",
    "System_PropertyType",
    "VirtualNodeInfo",
    "VmMemory",
]

IntegrationComponentOperatingStateReason: TypeAlias = Literal[
    "Unknown",
    "AppsInCriticalState",
    "CommunicationTimedOut",
    "FailedCommunication",
    "HealthyApps",
    "ProtocolMismatch",
]
"""Why an integration component is in its state.

* `AppsInCriticalState`: Applications in the guest are in a critical state.
* `HealthyApps`: Applications in the guest are healthy.
* `ProtocolMismatch`: Host and guest have no version of the protocol in common.
"""

IntegrationComponentOperationalState: TypeAlias = Literal[
    "Unknown",
    "Degraded",
    "Dormant",
    "Error",
    "LostCommunication",
    "NonRecoverableError",
    "NoContact",
    "Ok",
]
"""State of an integration component.

* `LostCommunication`: Contact with the guest has been lost.
* `NonRecoverableError`: An error from which the component cannot recover.
* `NoContact`: No contact with the guest.
"""

OsType: TypeAlias = Literal["Unknown", "Windows", "Linux"]
"""Kind of operating system in a compute system.

* `Unknown`: Not known. Microsoft's JSON Schema writes it as an empty string.
"""

State: TypeAlias = Literal["Created", "Running", "Paused", "Stopped", "SavedAsTemplate", "Unknown"]
"""State of a compute system.

* `Created`: Created and not yet started.
* `Stopped`: Stopped; only its exit status can still be read.
* `SavedAsTemplate`: Saved as a template for others.
"""

System_PropertyType: TypeAlias = Literal[
    "Memory",
    "Statistics",
    "ProcessList",
    "TerminateOnLastHandleClosed",
    "SharedMemoryRegion",
    "GuestConnection",
    "GuestMemory",
    "ContainerCredentialGuard",
    "ICHeartbeatStatus",
    "ProcessorTopology",
    "CpuGroup",
    "SystemGUID",
]
"""A property of a compute system that a query can name; the answer is in `Properties`.

* `Memory`: Memory of a virtual machine; answer in `Memory`.
* `Statistics`: Use of CPU, memory and storage; answer in `Statistics`. Costly.
* `ProcessList`: Processes in a container; answer in `ProcessList`.
* `TerminateOnLastHandleClosed`: Whether closing the last handle terminates the system; answer in
  `TerminateOnLastHandleClosed`.
* `SharedMemoryRegion`: Shared memory regions; answer in `SharedMemoryRegionInfo`.
* `GuestConnection`: What the guest compute service supports; answer in `GuestConnectionInfo`.
* `GuestMemory`: Memory of the guest.
* `ContainerCredentialGuard`: Container Credential Guard instance of a container.
* `ICHeartbeatStatus`: Status of the heartbeat integration service.
* `ProcessorTopology`: Processors and how they belong together.
* `CpuGroup`: CPU group that the compute system belongs to.
* `SystemGUID`: GUID of the compute system; answer in `SystemGUID`.
"""


class CacheQueryStatsResponse(TypedDict, total=False):
    """Use of the L3 cache and of memory bandwidth."""

    L3OccupancyBytes: int
    """Part of the L3 cache in use.

    In bytes. In no published schema.
    """

    L3TotalBwBytes: int
    """Total memory bandwidth in bytes; no source says over which time.

    In no published schema.
    """

    L3LocalBwBytes: int
    """Local memory bandwidth in bytes; no source says over which time.

    In no published schema.
    """


class ComputeSystemProperties(TypedDict, total=False):
    """Basic properties of a compute system."""

    Id: str
    """Id given when the system was created.

    Schema 2.5.
    """

    Name: str
    """Name of the system.

    Schema 2.5.
    """

    SystemType: common.SystemType
    """Whether the system is a container or a virtual machine.

    Schema 2.5.
    """

    State: State
    """State of the system.

    Schema 2.5.
    """

    Owner: str
    """Client that the system belongs to.

    Schema 2.5.
    """

    RuntimeId: str
    """GUID of the running system; that of a virtual machine is also its address for Hyper-V sockets.

    A GUID. Schema 2.5.
    """

    RuntimeOsType: OsType
    """Kind of operating system that runs in it.

    Schema 2.5.
    """

    HostingSystemId: str
    """Id of the system that hosts this one. A container with process isolation has none.

    Schema 2.5.
    """

    IsDummy: bool
    """Whether the system is a dummy.

    Schema 2.5.
    """

    ObRoot: str
    """Root of the system's namespace in the object manager.

    Schema 2.5.
    """

    RuntimeTemplateId: str
    """Id of the template that the system was cloned from.

    Schema 2.5.
    """


class ContainerMemoryInformation(TypedDict, total=False):
    """Memory of a container."""

    TotalPhysicalBytes: int
    """Total physical memory.

    In bytes. In no published schema.
    """

    TotalUsage: int
    """Total memory in use.

    In no published schema.
    """

    CommittedBytes: int
    """Committed memory.

    In bytes. In no published schema.
    """

    SharedCommittedBytes: int
    """Shared committed memory.

    In bytes. In no published schema.
    """

    CommitLimitBytes: int
    """Limit of committed memory.

    In bytes. In no published schema.
    """

    PeakCommitmentBytes: int
    """Most memory that has been committed at a time.

    In bytes. In no published schema.
    """


class GuestConnectionInfo(TypedDict, total=False):
    """What the guest compute service says of itself."""

    SupportedSchemaVersions: list[common.Version]
    """Highest supported minor version for each major version: an entry x.y stands for x.0 to x.y.

    Schema 2.1.
    """

    ProtocolVersion: int
    """Version of the protocol between host and guest.

    Schema 2.1.
    """

    GuestDefinedCapabilities: Any
    """Capabilities, in a form that the guest defines.

    Schema 2.1.
    """


class IntegrationComponentStatus(TypedDict, total=False):
    """Status of an integration component of a compute system."""

    IsEnabled: bool
    """Whether the component is enabled for the system.

    Schema 2.5.
    """

    State: IntegrationComponentOperationalState
    """State of the component.

    Schema 2.5.
    """

    Reason: IntegrationComponentOperatingStateReason
    """Why it is in that state.

    Schema 2.5.
    """


class VirtualNodeInfo(TypedDict, total=False):
    """A virtual NUMA node of a virtual machine."""

    VirtualNodeIndex: int
    """Index of the virtual node.

    Schema 2.1.
    """

    PhysicalNodeNumber: int
    """Number of the physical node that it is on.

    Schema 2.1.
    """

    VirtualProcessorCount: int
    """Number of virtual processors in the node.

    Schema 2.1.
    """

    MemoryUsageInPages: int
    """Memory used in the node.

    In pages of 4 KiB. Schema 2.1.
    """


class VmMemory(TypedDict, total=False):
    """Memory of a running virtual machine, and the state of its dynamic memory."""

    AvailableMemory: int
    """Memory available in the guest.

    Schema 2.1.
    """

    AvailableMemoryBuffer: int
    """Buffer of available memory.

    Schema 2.1.
    """

    ReservedMemory: int
    """Memory reserved for the virtual machine.

    In pages of 4 KiB. Schema 2.1.
    """

    AssignedMemory: int
    """Memory assigned to the virtual machine.

    In pages of 4 KiB. Schema 2.1.
    """

    SlpActive: bool
    """Whether smart paging is active.

    Schema 2.1.
    """

    BalancingEnabled: bool
    """Whether memory is balanced among virtual machines.

    Schema 2.1.
    """

    DmOperationInProgress: bool
    """Whether a dynamic memory operation is in progress.

    Schema 2.1.
    """


class MemoryStats(TypedDict, total=False):
    """Memory that a compute system uses, part of `Statistics`."""

    MemoryUsageCommitBytes: int
    """Committed memory.

    In bytes. Schema 2.1.
    """

    MemoryUsageCommitPeakBytes: int
    """Most memory that has been committed at a time.

    In bytes. Schema 2.1.
    """

    MemoryUsagePrivateWorkingSetBytes: int
    """Private working set.

    In bytes. Schema 2.1.
    """


class ProcessDetails(TypedDict, total=False):
    """A process in a container, with its CPU time and memory."""

    ProcessId: int
    """Process id.

    Schema 2.1.
    """

    ImageName: str
    """Name of the executable.

    Schema 2.1.
    """

    CreateTimestamp: str
    """When the process was created.

    A time in ISO 8601. Schema 2.1.
    """

    UserTime100ns: int
    """CPU time in user mode.

    In 100 ns. Schema 2.1.
    """

    KernelTime100ns: int
    """CPU time in kernel mode.

    In 100 ns. Schema 2.1.
    """

    MemoryCommitBytes: int
    """Committed memory.

    In bytes. Schema 2.1.
    """

    MemoryWorkingSetPrivateBytes: int
    """Private part of the working set.

    In bytes. Schema 2.1.
    """

    MemoryWorkingSetSharedBytes: int
    """Shared part of the working set.

    In bytes. Schema 2.1.
    """


class ProcessorStats(TypedDict, total=False):
    """CPU time that a container has used."""

    TotalRuntime100ns: int
    """Total CPU time.

    In 100 ns. Schema 2.1.
    """

    RuntimeUser100ns: int
    """CPU time in user mode.

    In 100 ns. Schema 2.1.
    """

    RuntimeKernel100ns: int
    """CPU time in kernel mode.

    In 100 ns. Schema 2.1.
    """


class PropertyResponse(TypedDict, total=False):
    """Answer to the query of one property: a value or an error."""

    Error: events.ResultError
    """Why this property could not be read; the call itself may have succeeded.

    Schema 2.5.
    """

    Response: Any
    """Value of the property.

    Schema 2.5.
    """


class SharedMemoryRegionInfo(TypedDict, total=False):
    """Where the guest finds a shared memory region."""

    SectionName: str
    """Name of the section object on the host.

    Schema 2.1.
    """

    GuestPhysicalAddress: int
    """Address of the region in the guest's physical memory.

    Schema 2.1.
    """


class StorageStats(TypedDict, total=False):
    """Storage that a container has read and written."""

    ReadCountNormalized: int
    """Number of reads, normalized.

    Schema 2.1.
    """

    ReadSizeBytes: int
    """Amount of data read.

    In bytes. Schema 2.1.
    """

    WriteCountNormalized: int
    """Number of writes, normalized.

    Schema 2.1.
    """

    WriteSizeBytes: int
    """Amount of data written.

    In bytes. Schema 2.1.
    """


class System_PropertyQuery(TypedDict, total=False):
    """Query of properties of a compute system; an empty one asks for the basic properties."""

    PropertyTypes: list[System_PropertyType]
    """Properties to read, beyond the basic ones.

    Schema 2.1.
    """

    Queries: dict[str, Any]
    """Properties to read, by name, each with a query of its own where it has one.

    Schema 2.5.
    """


class MemoryInformationForVm(TypedDict, total=False):
    """Memory of a virtual machine, the answer to a query for `Memory`."""

    VirtualNodeCount: int
    """Number of virtual NUMA nodes.

    Schema 2.1.
    """

    VirtualMachineMemory: VmMemory
    """Memory of the machine as a whole.

    Schema 2.1.
    """

    VirtualNodes: list[VirtualNodeInfo]
    """Memory of each virtual NUMA node.

    Schema 2.1.
    """


class Statistics(TypedDict, total=False):
    """CPU, memory and storage use of a container; costly, because HCS looks at every process of the host."""

    Timestamp: str
    """When the numbers were taken.

    A time in ISO 8601. Schema 2.1.
    """

    ContainerStartTime: str
    """When the container started.

    A time in ISO 8601. Schema 2.1.
    """

    Uptime100ns: int
    """How long the container has run.

    In 100 ns. Schema 2.1.
    """

    Processor: ProcessorStats
    """CPU time used.

    Schema 2.1.
    """

    Memory: MemoryStats
    """Memory used.

    Schema 2.1.
    """

    Storage: StorageStats
    """Storage read and written.

    Schema 2.1.
    """


class Properties(TypedDict, total=False):
    """Properties of a compute system: the basic ones, and those that the query names."""

    Id: Required[str]
    """Id of the compute system; always present.

    Has to be there. Schema 2.1.
    """

    SystemType: Required[common.SystemType]
    """Container or virtual machine; always present.

    Has to be there. Schema 2.1.
    """

    RuntimeOsType: OsType
    """Operating system that runs in the compute system.

    Schema 2.1.
    """

    Name: str
    """Name of the compute system.

    Schema 2.1.
    """

    Owner: str
    """Owner given when the compute system was created; certain to be present only with `Statistics`.

    Schema 2.1.
    """

    RuntimeId: str
    """GUID of the running compute system; that of a virtual machine is also its address for Hyper-V sockets.

    A GUID. Schema 2.1.
    """

    RuntimeTemplateId: str
    """Id of the template that the compute system was cloned from.

    Schema 2.1.
    """

    State: State
    """State of the compute system; may be absent before the start.

    Schema 2.1.
    """

    Stopped: bool
    """Whether the compute system has stopped.

    Schema 2.1.
    """

    ExitType: events.NotificationType
    """How the compute system came to stop.

    Schema 2.1.
    """

    Memory: MemoryInformationForVm
    """Memory of a virtual machine; answers the property type `Memory`.

    Schema 2.1.
    """

    Statistics: Statistics
    """Use of CPU, memory and storage; answers the property type `Statistics`.

    Schema 2.1.
    """

    ProcessList: list[ProcessDetails]
    """Processes in a container; answers the property type `ProcessList`.

    Schema 2.1.
    """

    TerminateOnLastHandleClosed: bool
    """Whether the compute system is terminated once its last handle is closed; answers the property type
    `TerminateOnLastHandleClosed`.

    Schema 2.1.
    """

    HostingSystemId: str
    """Id of the virtual machine that hosts the container; absent under process isolation.

    Schema 2.1.
    """

    SharedMemoryRegionInfo: list[SharedMemoryRegionInfo]
    """Shared memory regions; answers the property type `SharedMemoryRegion`.

    Schema 2.1.
    """

    GuestConnectionInfo: GuestConnectionInfo
    """What the guest compute service supports; answers the property type `GuestConnection`.

    Schema 2.1.
    """

    PropertyResponses: dict[str, PropertyResponse]
    """Answer, or error, for each property that the query names in `Queries`.

    Schema 2.5.
    """

    SystemGUID: str
    """GUID of the compute system; answers the property type `SystemGUID`.

    In no published schema.
    """

    LCOWMetrics: Any
    """Statistics of a Linux container, as its cgroups report them.

    In no published schema.
    """
