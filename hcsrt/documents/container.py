# `tools/documents.py write` makes this file.
"""Documents of containers."""

from typing import Literal, TypeAlias, TypedDict

from . import common, storage

__all__ = [
    "Container",
    "ContainerCredentialGuardState",
    "ContainerCredentialGuardTransport",
    "Container_HvSocket",
    "Container_Memory",
    "Container_Processor",
    "ContainersDef_BatchedBinding",
    "ContainersDef_Container",
    "ContainersDef_Device",
    "Device",
    "DeviceCategory",
    "DeviceExtension",
    "DeviceInstance",
    "DeviceNamespace",
    "DeviceType",
    "FilesystemIsolationMode",
    "FilesystemLayer",
    "FilesystemNamespace",
    "FilesystemNestingMode",
    "GuestOs",
    "HostFiles",
    "HostedSystem",
    "InterfaceClass",
    "InterfaceClassType",
    "IsolationType",
    "JobCpu",
    "JobMemory",
    "JobNamespace",
    "JobSystemRoot",
    "JobTerminationPolicy",
    "MappedDirectory",
    "MappedPipe",
    "MappedPipePathType",
    "MountManagerMountPoint",
    "MountManagerNamespace",
    "NamedPipeNamespace",
    "NamedPipeSymlink",
    "Namespace",
    "NetworkNamespace",
    "Networking",
    "ObjectDirectory",
    "ObjectDirectoryShadow",
    "ObjectNamespace",
    "ObjectSymlink",
    "ObjectSymlinkScope",
    "RegistryDeleteKey",
    "RegistryHiveStack",
    "RegistryLayer",
    "RegistryMakeKey",
    "RegistryMakeValue",
    "RegistryNamespace",
    "RegistryRedirectionNode",
    "RegistrySymlink",
    "SiloProperties",
    "Storage",
]

ContainerCredentialGuardTransport: TypeAlias = Literal["LRPC", "HvSocket"]
"""How remote procedure calls reach a Container Credential Guard instance.

* `LRPC`: Local RPC.
* `HvSocket`: RPC over a Hyper-V socket.
"""

DeviceType: TypeAlias = Literal["ClassGuid", "DeviceInstance", "GpuMirror"]
"""How the devices to assign to a container are chosen.

* `ClassGuid`: All devices with the interface class `InterfaceClassGuid`.
* `DeviceInstance`: The device at `LocationPath`.
* `GpuMirror`: All GPUs of the host.
"""

FilesystemIsolationMode: TypeAlias = Literal["hard", "soft"]
"""How strictly a container's file system is isolated."""

FilesystemNestingMode: TypeAlias = Literal["inner", "outer"]
"""Which file system of nested containers one is."""

InterfaceClassType: TypeAlias = Literal["Inherit", "DeviceInstance", "ClassGuid"]
"""What a device interface class stands for. Where two entries with the same GUID are merged, the value further down in
this list wins.

* `Inherit`: The type of the class whose extension brought this entry in. Only valid in the namespace of a device
  extension.
* `DeviceInstance`: A single device.
* `ClassGuid`: All devices of the host with this interface class.
"""

IsolationType: TypeAlias = Literal["HostProcess"]
"""Kind of isolation of a container, where it is not the usual one.

* `HostProcess`: A container whose processes run on the host itself.
"""

JobTerminationPolicy: TypeAlias = Literal["PermanentQuiescent", "KillOnHandleClose"]
"""How a job object and its processes are ended.

* `KillOnHandleClose`: They are terminated when the last handle to the job is closed.
"""

MappedPipePathType: TypeAlias = Literal["AbsolutePath", "VirtualSmbPipeName"]
"""How the host path of a mapped pipe is understood.

* `AbsolutePath`: An absolute path, handed to Windows as it is.
* `VirtualSmbPipeName`: Name of a virtual SMB pipe, which HCS turns into a file system path.
"""

ObjectDirectoryShadow: TypeAlias = Literal["false", "true", "ifexists"]
"""Whether an object directory shadows one of the host. The values are strings, not JSON booleans.

* `ifexists`: Only if the host has the directory.
"""

ObjectSymlinkScope: TypeAlias = Literal["Local", "Global", "GlobalDropSilo"]
"""Scope of a symbolic link of the object manager."""


class ContainerCredentialGuardState(TypedDict, total=False):
    """How a container reaches its Container Credential Guard instance."""

    Cookie: str
    """Secret that authenticates calls to the instance, as binary data in a string.

    Schema 2.1.
    """

    RpcEndpoint: str
    """RPC endpoint of the instance, by name.

    Schema 2.1.
    """

    Transport: ContainerCredentialGuardTransport
    """How calls reach the instance.

    Schema 2.1.
    """

    CredentialSpec: str
    """Credential specification of the instance.

    Schema 2.1.
    """


class Container_HvSocket(TypedDict, total=False):
    """Hyper-V sockets of a container."""

    Config: common.HvSocketSystemConfig
    """Rules on who may bind and connect.

    Schema 2.0.
    """

    EnablePowerShellDirect: bool
    """Whether PowerShell Direct can reach the container through a Hyper-V socket.

    Schema 2.0.
    """


class Container_Memory(TypedDict, total=False):
    """Memory limit of a container."""

    SizeInMB: int
    """Most memory that the container may use.

    In MB. Schema 2.1.
    """


class Container_Processor(TypedDict, total=False):
    """Processor limit of a container. At most one of `Count`, `Maximum` and `Weight` may be present."""

    Count: int
    """Number of processors. Limits CPU time to the same fraction of the host's: 2 on a host with 8 processors is a
    quarter.

    Schema 2.0.
    """

    Weight: int
    """Share of CPU time relative to other workloads.

    From 0 to 10000. Schema 2.0.
    """

    Maximum: int
    """Upper limit of CPU time, in cycles out of 10000: a percentage times 100.

    From 1 to 10000. Schema 2.0.
    """


class Device(TypedDict, total=False):
    """A device of the host assigned to a container."""

    Type: DeviceType
    """How the device is chosen.

    Schema 2.2.
    """

    InterfaceClassGuid: str
    """GUID of the device interface class to assign. Only used if `Type` is `ClassGuid`.

    A GUID. Schema 2.1.
    """

    LocationPath: str
    """Location path of the single device to assign. Only used if `Type` is `DeviceInstance`.

    Schema 2.2.
    """


class GuestOs(TypedDict, total=False):
    """Settings of the operating system in a container."""

    HostName: str
    """Host name of the container, at most 15 characters. A container with a network namespace needs one: without it,
    Windows build 26100 refuses to create the container.

    Schema 2.0.
    """


class MappedDirectory(TypedDict, total=False):
    """A directory of the host that a container sees."""

    HostPath: str
    """Path on the host. HCS does not follow symbolic links to files here; resolve them first.

    Schema 2.0.
    """

    HostPathType: storage.PathType
    """What `HostPath` is: an absolute path, or the name of a virtual SMB share.

    Schema 2.1.
    """

    ContainerPath: str
    """Path in the container.

    Schema 2.0.
    """

    ReadOnly: bool
    """Whether the container can only read.

    Schema 2.0.
    """

    SupportCloudFiles: bool
    """Whether the container can use cloud files in the directory.

    Schema 2.3.
    """


class MappedPipe(TypedDict, total=False):
    """A named pipe of the host that a container sees."""

    ContainerPipeName: str
    """Name of the pipe in the container; a name, not a path.

    Schema 2.0.
    """

    HostPath: str
    """Path of the pipe on the host.

    Schema 2.0.
    """

    HostPathType: MappedPipePathType
    """What `HostPath` is: an absolute path, or the name of a virtual SMB pipe.

    Schema 2.1.
    """


class Networking(TypedDict, total=False):
    """Network of a container."""

    AllowUnqualifiedDnsQuery: bool
    """Whether names without a domain are looked up in DNS.

    Schema 2.0.
    """

    DnsSearchList: str
    """DNS suffixes to try, separated by commas.

    Schema 2.0.
    """

    NetworkSharedContainerName: str
    """Name of the container whose network this one shares.

    Schema 2.0.
    """

    Namespace: str
    """Network namespace: on Windows the GUID of an HCN namespace, without braces; for a Linux guest a string. Give
    `GuestOs.HostName` along with it.

    Schema 2.0.
    """

    NetworkAdapters: list[str]
    """GUIDs of network adapters.

    Schema 2.0.
    """


class Storage(TypedDict, total=False):
    """What the file system of a container is made of."""

    Layers: list[storage.Layer]
    """Read-only parent layers, topmost first.

    Schema 2.0.
    """

    Path: str
    """Scratch that takes the container's changes: on a Windows host the volume GUID path of the mounted scratch, with a
    backslash at its end; in a guest a path there.

    Schema 2.0.
    """

    QoS: common.StorageQoS
    """Limits on storage use.

    Schema 2.0.
    """

    PrivilegedContainerRootPath: str
    """Where the root file system of a host process container appears on the host.

    In no published schema.
    """


class ContainersDef_BatchedBinding(TypedDict, total=False):
    """A file bound into a container's file system under several roots at once."""

    filepath: str
    """Path of the file.

    Schema 2.3.
    """

    bindingroots: list[str]
    """Roots to bind it under.

    Schema 2.3.
    """


class InterfaceClass(TypedDict, total=False):
    """A device interface class in the definition of a container."""

    type: InterfaceClassType
    """Whether the class stands for one device or for all devices of its class.

    Schema 2.3.
    """

    identifier: str
    """GUID of the class.

    A GUID. Schema 2.3.
    """

    recurse: bool
    """Whether the class is treated recursively.

    Schema 2.3.
    """


class FilesystemLayer(TypedDict, total=False):
    """A layer in the file system of a container definition."""

    identifier: str
    """GUID of the layer.

    A GUID. Schema 2.3.
    """

    path: str
    """Path to the layer.

    Schema 2.3.
    """


class HostFiles(TypedDict, total=False):
    """Files of the host in the definition of a container."""

    base_image_path: str
    """Path to the base image.

    Schema 2.3.
    """

    sandbox_path: str
    """Path to the sandbox, that is, the scratch.

    Schema 2.3.
    """

    file: list[str]
    """Files to take from the host.

    Schema 2.3.
    """


class JobCpu(TypedDict, total=False):
    """Processor limit of the job object in the definition of a container."""

    rate: int
    """Rate of CPU time.

    Schema 2.3.
    """

    weight: int
    """Weight relative to other jobs.

    Schema 2.3.
    """


class JobMemory(TypedDict, total=False):
    """Memory limit of the job object in the definition of a container."""

    limit: int
    """Limit of the memory.

    Schema 2.3.
    """


class JobSystemRoot(TypedDict, total=False):
    """System root of a job object."""

    path: str
    """Path of the system root.

    Schema 2.3.
    """


class MountManagerMountPoint(TypedDict, total=False):
    """A mount point in the definition of a container."""

    name: str
    """Name of the mount point.

    Schema 2.3.
    """

    path: str
    """Path that it leads to.

    Schema 2.3.
    """


class NamedPipeSymlink(TypedDict, total=False):
    """A link to a named pipe in the definition of a container."""

    name: str
    """Name of the link.

    Schema 2.3.
    """

    path: str
    """Path that it leads to.

    Schema 2.3.
    """


class NetworkNamespace(TypedDict, total=False):
    """Network in the definition of a container."""

    compartment: str
    """Network compartment of the container.

    Schema 2.3.
    """


class ObjectSymlink(TypedDict, total=False):
    """A symbolic link of the object manager in the definition of a container."""

    name: str
    """Name of the link.

    Schema 2.3.
    """

    path: str
    """Path that it leads to.

    Schema 2.3.
    """

    scope: ObjectSymlinkScope
    """Whether the link is local to the container or global.

    Schema 2.3.
    """

    pathtoclone: str
    """Path to clone.

    Schema 2.3.
    """

    access_mask: int
    """Access rights, as a bit mask.

    Schema 2.3.
    """


class RegistryDeleteKey(TypedDict, total=False):
    """A registry key to delete in a hive stack."""

    name: str
    """Name of the key.

    Schema 2.3.
    """


class RegistryLayer(TypedDict, total=False):
    """One layer of a registry hive stack."""

    hosthive: str
    """Hive of the host that serves as the layer.

    Schema 2.3.
    """

    filepath: str
    """Hive file that holds the layer.

    Schema 2.3.
    """

    identifier: str
    """GUID of the layer.

    A GUID. Schema 2.3.
    """

    readonly: bool
    """Whether the layer is read-only.

    Schema 2.3.
    """

    immutable: bool
    """Whether the layer is immutable.

    Schema 2.3.
    """

    inherittrustclass: bool
    """Whether the layer inherits its trust class.

    Schema 2.3.
    """

    trustedhive: bool
    """Whether the hive is trusted.

    Schema 2.0.
    """

    writethrough: bool
    """Whether writes go through to the layer.

    Schema 2.3.
    """

    fileaccesstoken: int
    """Token handle, meaningful in memory only; leave it out of documents.

    Schema 2.3.
    """


class RegistryMakeValue(TypedDict, total=False):
    """A registry value to make; its data is in the member that is named for its type."""

    name: str
    """Name of the value.

    Schema 2.3.
    """

    data_multistring: str
    """Data as a multi-string.

    Schema 2.3.
    """

    data_dword: int
    """Data as a 32-bit number.

    Schema 2.3.
    """

    data_string: str
    """Data as a string.

    Schema 2.3.
    """

    data_binary: str | None
    """Data as bytes.

    Base64. Schema 2.3.
    """


class RegistryRedirectionNode(TypedDict, total=False):
    """A registry key of the container that leads elsewhere."""

    containerpath: str
    """Path of the key as the container sees it.

    Schema 2.3.
    """

    hostpath: str
    """Path of the key on the host.

    Schema 2.3.
    """

    hivestack: str
    """Name of the hive stack that the key leads to.

    Schema 2.3.
    """

    access_mask: int
    """Access rights, as a bit mask.

    Schema 2.3.
    """

    trustedhive: bool
    """Whether the hive is trusted.

    Schema 2.3.
    """

    exitnode: bool
    """Whether the node is an exit node.

    Schema 2.3.
    """


class RegistrySymlink(TypedDict, total=False):
    """A symbolic link in the registry."""

    key: str
    """Key that is the link.

    Schema 2.3.
    """

    target: str
    """Key that the link leads to.

    Schema 2.3.
    """


class SiloProperties(TypedDict, total=False):
    """The silo, a kind of job object, that a container runs in."""

    Enabled: bool
    """Whether there is a silo.

    In no published schema.
    """

    JobName: str
    """Name of the job object.

    In no published schema.
    """


class DeviceCategory(TypedDict, total=False):
    """A named group of device interface classes in the definition of a container."""

    name: str
    """Name of the category.

    Schema 2.3.
    """

    interface_class: list[InterfaceClass]
    """Device interface classes in the category.

    Schema 2.3.
    """


class DeviceInstance(TypedDict, total=False):
    """A single device in the definition of a container."""

    id: str
    """Id of the device instance.

    Schema 2.3.
    """

    location_path: str
    """Location path of the device.

    Schema 2.3.
    """

    port_name: str
    """Name of the device's port.

    Schema 2.3.
    """

    interface_class: list[InterfaceClass]
    """Device interface classes of the device.

    Schema 2.3.
    """


class FilesystemNamespace(TypedDict, total=False):
    """File system in the definition of a container."""

    path: str
    """Path to the file system.

    Schema 2.3.
    """

    isolation: FilesystemIsolationMode
    """How strictly it is isolated.

    Schema 2.3.
    """

    nesting: FilesystemNestingMode
    """Whether it is the inner or the outer file system of nested containers.

    Schema 2.3.
    """

    layer: list[FilesystemLayer]
    """Layers of the file system.

    Schema 2.3.
    """

    bindings: list[ContainersDef_BatchedBinding]
    """Files bound into the file system.

    Schema 2.3.
    """


class JobNamespace(TypedDict, total=False):
    """Job object in the definition of a container."""

    cpu: JobCpu
    """Processor limit.

    Schema 2.3.
    """

    memory: JobMemory
    """Memory limit.

    Schema 2.3.
    """

    systemroot: JobSystemRoot
    """System root of the job.

    Schema 2.3.
    """

    terminationpolicy: JobTerminationPolicy
    """How the job and its processes are ended.

    Schema 2.3.
    """

    threadimpersonation: bool
    """Whether threads may impersonate.

    Schema 2.3.
    """


class MountManagerNamespace(TypedDict, total=False):
    """Mount manager in the definition of a container."""

    mount_point: list[MountManagerMountPoint]
    """Mount points of the container.

    Schema 2.3.
    """


class NamedPipeNamespace(TypedDict, total=False):
    """Named pipes in the definition of a container."""

    symlink: list[NamedPipeSymlink]
    """Links to named pipes.

    Schema 2.3.
    """


class ObjectDirectory(TypedDict, total=False):
    """An object directory in the definition of a container."""

    name: str
    """Name of the directory.

    Schema 2.3.
    """

    clonesd: str
    """Object whose security descriptor is cloned for the directory.

    Schema 2.3.
    """

    shadow: ObjectDirectoryShadow
    """Whether the directory shadows one of the host.

    Schema 2.3.
    """

    symlink: list[ObjectSymlink]
    """Symbolic links in the directory.

    Schema 2.3.
    """

    objdir: list["ObjectDirectory"]
    """Object directories inside this one.

    Schema 2.3.
    """


class RegistryMakeKey(TypedDict, total=False):
    """A registry key to make in a hive stack."""

    name: str
    """Name of the key.

    Schema 2.3.
    """

    clonesd: str
    """Where the security descriptor of the key is cloned from.

    Schema 2.3.
    """

    mkkey: list["RegistryMakeKey"]
    """Keys to make below this one.

    Schema 2.3.
    """

    mkvalue: list[RegistryMakeValue]
    """Values to make in the key.

    Schema 2.3.
    """

    volatile: bool
    """Whether the key is volatile.

    Schema 2.3.
    """


class DeviceNamespace(TypedDict, total=False):
    """Devices in the definition of a container."""

    requires_driverstore: bool
    """Whether the container needs the driver store.

    Schema 2.3.
    """

    device_category: list[DeviceCategory]
    """Categories of devices in the container.

    Schema 2.3.
    """

    device_instance: list[DeviceInstance]
    """Single devices in the container.

    Schema 2.3.
    """


class ObjectNamespace(TypedDict, total=False):
    """Root of the object manager's namespace in the definition of a container."""

    shadow: ObjectDirectoryShadow
    """Whether the root shadows that of the host.

    Schema 2.3.
    """

    symlink: list[ObjectSymlink]
    """Symbolic links in the root.

    Schema 2.3.
    """

    objdir: list[ObjectDirectory]
    """Object directories in the root.

    Schema 2.3.
    """


class RegistryHiveStack(TypedDict, total=False):
    """A registry hive built from layers, in a container definition."""

    hive: str
    """Name of the hive.

    Schema 2.3.
    """

    layer: list[RegistryLayer]
    """Layers that the hive is built from.

    Schema 2.3.
    """

    mkkey: list[RegistryMakeKey]
    """Keys to make in the hive.

    Schema 2.3.
    """

    delkey: list[RegistryDeleteKey]
    """Keys to delete from the hive.

    Schema 2.3.
    """


class RegistryNamespace(TypedDict, total=False):
    """A container's view of the registry, in a container definition."""

    symlink: list[RegistrySymlink]
    """Symbolic links between keys.

    Schema 2.3.
    """

    redirectionnode: list[RegistryRedirectionNode]
    """Keys redirected to other places.

    Schema 2.3.
    """

    hivestack: list[RegistryHiveStack]
    """Hives built from layers.

    Schema 2.3.
    """


class Namespace(TypedDict, total=False):
    """Parts of the system that Windows isolates in a container."""

    job: JobNamespace
    """Job object with the processes of the container.

    Schema 2.3.
    """

    filesystem: FilesystemNamespace
    """File system.

    Schema 2.3.
    """

    mountmgr: MountManagerNamespace
    """Mount points.

    Schema 2.3.
    """

    namedpipe: NamedPipeNamespace
    """Named pipes.

    Schema 2.3.
    """

    ob: ObjectNamespace
    """Objects of the object manager.

    Schema 2.3.
    """

    registry: RegistryNamespace
    """Registry.

    Schema 2.3.
    """

    network: NetworkNamespace
    """Network compartment.

    Schema 2.3.
    """

    device: DeviceNamespace
    """Devices.

    Schema 2.3.
    """

    hostfiles: HostFiles
    """Files taken from the host.

    Schema 2.3.
    """


class ContainersDef_Container(TypedDict, total=False):
    """Definition of a container: what Windows isolates in it."""

    namespace: Namespace
    """Isolated parts of the system.

    Schema 2.3.
    """


class DeviceExtension(TypedDict, total=False):
    """An addition to the definition of a container for one category of devices."""

    device_category: DeviceCategory
    """Devices that the extension is for.

    Schema 2.3.
    """

    namespace: Namespace
    """What is added to the namespace of a container that has such a device.

    Schema 2.3.
    """


class ContainersDef_Device(TypedDict, total=False):
    """Devices added to the definition of a container."""

    device_extension: list[DeviceExtension]
    """Extensions, each for one category of devices.

    Schema 2.3.
    """


class Container(TypedDict, total=False):
    """Settings of a Windows container."""

    GuestOs: GuestOs
    """Settings of the operating system in the container.

    Schema 2.0.
    """

    Storage: Storage
    """Layers and scratch of the container.

    Schema 2.0.
    """

    MappedDirectories: list[MappedDirectory]
    """Directories of the host that the container sees from its creation on.

    Schema 2.0.
    """

    MappedPipes: list[MappedPipe]
    """Named pipes of the host that the container sees from its creation on.

    Schema 2.0.
    """

    Memory: Container_Memory
    """Memory limit.

    Schema 2.0.
    """

    Processor: Container_Processor
    """Processor limit.

    Schema 2.0.
    """

    Networking: Networking
    """Network of the container.

    Schema 2.0.
    """

    HvSocket: Container_HvSocket
    """Rules on which processes of the host may use Hyper-V sockets of the container. A hosted container inherits those
    of the system that hosts it.

    Schema 2.0.
    """

    ContainerCredentialGuard: ContainerCredentialGuardState
    """Credentials that the host forwards to the container.

    Schema 2.1.
    """

    RegistryChanges: common.RegistryChanges
    """Changes to the registry of the container, made when it is created.

    Schema 2.0.
    """

    AssignedDevices: list[Device]
    """Devices of the host assigned directly to the container.

    Schema 2.1.
    """

    AdditionalDeviceNamespace: ContainersDef_Device
    """Further devices, as extensions of the container's namespace.

    Schema 2.3.
    """

    IsolationType: IsolationType
    """`HostProcess` for a container whose processes run on the host itself.

    In no published schema.
    """


class HostedSystem(TypedDict, total=False):
    """A container inside another compute system, with a schema version of its own."""

    SchemaVersion: common.Version
    """Schema version of this document.

    Schema 2.0.
    """

    Container: Container
    """Settings of the container.

    Schema 2.0.
    """
