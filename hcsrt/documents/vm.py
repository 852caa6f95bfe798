# `tools/documents.py write` makes this file.
"""Documents of compute systems and virtual machines."""

from typing import Any, Literal, TypeAlias, TypedDict

from . import common, container, events

__all__ = [
    "ApplySecureBootTemplateType",
    "Attachment",
    "AttachmentType",
    "Battery",
    "CachingMode",
    "Chipset",
    "ComPort",
    "CompatibilityInfo",
    "ComputeSystem",
    "ConsoleImage",
    "ConsoleImageQuery",
    "CpuGroup",
    "CrashOptions",
    "CrashType",
    "DebugOptions",
    "Devices",
    "EnhancedModeVideo",
    "EnlightenmentModifications",
    "FirmwareFile",
    "FlexibleIoDevice",
    "FlexibleIoDeviceHostingModel",
    "GpuAssignmentMode",
    "GpuConfiguration",
    "GuestConnection",
    "GuestCrashReporting",
    "GuestState",
    "Heartbeat",
    "IdleProcessorsRequest",
    "InterruptModerationMode",
    "IovSettings",
    "IsolationSettings",
    "Keyboard",
    "KvpExchange",
    "KvpQuery",
    "KvpSource",
    "LinuxKernelDirect",
    "MemoryBackingPageSize",
    "MemoryBackingType",
    "MemoryMigrationTransferThrottleParams",
    "MigrationCancelOptions",
    "MigrationCompressionSettings",
    "MigrationFinalOperation",
    "MigrationFinalizedOptions",
    "MigrationInitializeOptions",
    "MigrationMemoryTransport",
    "MigrationNetworkSettings",
    "MigrationStartOptions",
    "MigrationTransferOptions",
    "Mouse",
    "NetworkAdapter",
    "NonArchitecturalCoreSharing",
    "Numa",
    "NumaNode",
    "NumaNodeMemory",
    "NumaNodeProcessor",
    "NumaProcessors",
    "NumaSetting",
    "PauseNotification",
    "PauseOptions",
    "PauseReason",
    "PauseSuspensionLevel",
    "Plan9",
    "Plan9Share",
    "ProcessorFeature",
    "ProcessorFeatureSet",
    "ProcessorFeatureSetMode",
    "ProcessorLimits",
    "Range",
    "RdpConnectionOptions",
    "RegistryFlushState",
    "RestoreState",
    "SaveOptions",
    "SaveType",
    "Scsi",
    "SecuritySettings",
    "SerialConsole",
    "Services",
    "SharedMemoryConfiguration",
    "SharedMemoryRegion",
    "Shutdown",
    "ShutdownMechanism",
    "ShutdownOptions",
    "ShutdownType",
    "StartOptions",
    "StateOverride",
    "SystemProcessorModificationRequest",
    "SystemTime",
    "TimeZoneInformation",
    "Timesync",
    "Topology",
    "Uefi",
    "UefiBootDevice",
    "UefiBootEntry",
    "VideoMonitor",
    "VirtioSerial",
    "VirtioSerialPort",
    "VirtualMachine",
    "VirtualMachine_HvSocket",
    "VirtualMachine_Memory",
    "VirtualMachine_Processor",
    "VirtualPMemBackingType",
    "VirtualPMemController",
    "VirtualPMemDevice",
    "VirtualPMemImageFormat",
    "VirtualPMemMapping",
    "VirtualPciDevice",
    "VirtualPciFunction",
    "VirtualSlitType",
    "VirtualSmb",
    "VirtualSmbShare",
    "VirtualSmbShareOptions",
    "VmProcessorRequirements",
    "WindowsCrashReporting",
    "XsaveProcessorFeature",
]

ApplySecureBootTemplateType: TypeAlias = Literal["Skip", "Apply"]
"""Whether the secure boot template of a virtual machine's firmware is applied or skipped."""

AttachmentType: TypeAlias = Literal["VirtualDisk", "Iso", "PassThru"]
"""Kind of storage attached to a SCSI controller.

* `VirtualDisk`: A virtual disk file, such as a VHDX.
* `Iso`: An ISO image, seen by the guest as an optical disc.
* `PassThru`: A disk of the host, passed through to the guest.
"""

CachingMode: TypeAlias = Literal["Uncached", "Cached", "ReadOnlyCached"]
"""How the host reads and writes the files behind a virtual disk.

* `Uncached`: Without the cache of the host. This is the default.
* `Cached`: Through the cache of the host, for every file.
* `ReadOnlyCached`: Through the cache of the host for the read-only files of a disk chain, without it for writable ones.
"""

CrashType: TypeAlias = Literal["CrashGuest"]
"""How `HcsCrashComputeSystem` crashes a system.

* `CrashGuest`: Crash the guest by the mechanism of its architecture: HCS injects a non-maskable interrupt.
"""

EnlightenmentModifications: TypeAlias = Literal["Unreported", "FavorAutoEoi", "RsvdZ1"]
"""A change to the enlightenments that the hypervisor offers a guest."""

FlexibleIoDeviceHostingModel: TypeAlias = Literal["Internal", "External", "ExternalRestricted"]
"""How the emulator of a flexible I/O virtualization device is hosted.

* `ExternalRestricted`: Restricted external hosting, which WSL uses.
"""

GpuAssignmentMode: TypeAlias = Literal["Disabled", "Default", "List", "Mirror"]
"""Which GPUs of the host a guest gets.

* `Disabled`: None.
* `Default`: The single default GPU, currently the one that the firmware uses at startup (POST).
* `List`: Those in `AssignmentRequest`; none if it is empty.
* `Mirror`: All, including any added later.
"""

InterruptModerationMode: TypeAlias = Literal["Default", "Adaptive", "Off", "Low", "Medium", "High"]
"""Interrupt moderation of an adapter with I/O virtualization."""

KvpSource: TypeAlias = Literal["KvpSetByHost", "KvpSetByGuest", "GuestOSInfo"]
"""Set of pairs in the key-value exchange.

* `GuestOSInfo`: Pairs about the operating system in the guest.
"""

MemoryBackingPageSize: TypeAlias = Literal["Small", "Large"]
"""Size of the pages of the host that back the memory of a virtual machine.

* `Small`: Pages of 4 KB.
* `Large`: Pages of 2 MB.
"""

MemoryBackingType: TypeAlias = Literal["Physical", "Virtual", "Hybrid"]
"""Kind of host memory that backs a guest's memory.

* `Physical`: Physical memory, set aside for all of it.
* `Virtual`: Virtual memory, which the pagefile backs.
* `Hybrid`: A mix of both.
"""

MigrationFinalOperation: TypeAlias = Literal["Resume", "Stop"]
"""What becomes of a virtual machine at the end of a live migration."""

MigrationMemoryTransport: TypeAlias = Literal["TCP"]
"""How a live migration transfers memory.

* `TCP`: Over a TCP/IP connection.
"""

NonArchitecturalCoreSharing: TypeAlias = Literal["Unreported", "Off", "On"]
"""Whether virtual processors may share a physical core without being reported as sibling threads."""

PauseReason: TypeAlias = Literal["None", "Save", "Template"]
"""Why a virtual machine is paused, as the guest is told.

* `None`: No reason.
* `Save`: The virtual machine is about to be saved.
* `Template`: The virtual machine is about to become a template.
"""

PauseSuspensionLevel: TypeAlias = Literal["Suspend", "MemoryLow", "MemoryMedium", "MemoryHigh"]
"""How far a pause suspends the virtual machine."""

ProcessorFeature: TypeAlias = Literal[
    "Sse3",
    "LahfSahf",
    "Ssse3",
    "Sse4_1",
    "Sse4_2",
    "Sse4A",
    "Xop",
    "Popcnt",
    "Cmpxchg16B",
    "Altmovcr8",
    "Lzcnt",
    "Misalignsse",
    "MmxExt",
    "Amd3Dnow",
    "ExtAmd3Dnow",
    "Page1Gb",
    "AmdAes",
    "Pclmulqdq",
    "Pcid",
    "Fma4",
    "F16C",
    "Rdrand",
    "Rdwrfsgs",
    "Smep",
    "EnhancedFastString",
    "Bmi1",
    "Bmi2",
    "Movbe",
    "Npiep1",
    "DepX87FpuSave",
    "Rdseed",
    "Adx",
    "IntelPrefetch",
    "Smap",
    "Hle",
    "Rtm",
    "Rdtscp",
    "Clflushopt",
    "Clwb",
    "Sha",
    "X87PointersSaved",
    "Invpcid",
    "Ibrs",
    "Stibp",
    "Ibpb",
    "UnrestrictedGuest",
    "Mdd",
    "FastShortRepMov",
    "L1DCacheFlush",
    "RdclNo",
    "IbrsAll",
    "SkipL1Df",
    "SsbNo",
    "RsbaNo",
    "VirtSpecCtrl",
    "Rdpid",
    "Umip",
    "MbsNo",
    "MbClear",
    "TaaNo",
    "TsxCtrl",
    "AcountMcount",
    "TscInvariant",
    "Clzero",
    "Rdpru",
    "La57",
    "Mbec",
    "NestedVirt",
    "Psfd",
    "CetSs",
    "CetIbt",
    "VmxExceptionInject",
    "UmwaitTpause",
    "Movdiri",
    "Movdir64b",
    "Cldemote",
    "Serialize",
    "TscDeadlineTmr",
    "TscAdjust",
    "FZLRepMovsb",
    "FSRepStosb",
    "FSRepCmpsb",
    "SentinelAmd",
    "Asid16",
    "TGran16",
    "TGran64",
    "Haf",
    "Hdbs",
    "Pan",
    "AtS1E1",
    "Uao",
    "El0Aarch32",
    "Fp",
    "FpHp",
    "AdvSimd",
    "AdvSimdHp",
    "GicV3V4",
    "PmuV3",
    "PmuV3ArmV81",
    "PmuV3ArmV84",
    "ArmAes",
    "PolyMul",
    "Sha1",
    "Sha256",
    "Sha512",
    "Crc32",
    "Atomic",
    "Rdm",
    "Sha3",
    "Sm3",
    "Sm4",
    "Dp",
    "Fhm",
    "DcCvap",
    "DcCvadp",
    "ApaBase",
    "ApaEp",
    "ApaEp2",
    "ApaEp2Fp",
    "ApaEp2Fpc",
    "Jscvt",
    "Fcma",
    "RcpcV83",
    "RcpcV84",
    "Gpa",
    "L1ipPipt",
    "DzPermitted",
    "SentinelArm",
]
"""A feature of a processor, apart from those of XSAVE."""

ProcessorFeatureSetMode: TypeAlias = Literal["Strict", "Permissive"]
"""How strictly a set of processor features is applied."""

SaveType: TypeAlias = Literal["ToFile", "AsTemplate"]
"""What a virtual machine is saved as.

* `ToFile`: A saved state file, which a new virtual machine can be restored from.
* `AsTemplate`: A template, which new virtual machines can be cloned from.
"""

SerialConsole: TypeAlias = Literal["Default", "Disabled", "ComPort1", "ComPort2"]
"""Which serial port the firmware uses as its console."""

ShutdownMechanism: TypeAlias = Literal["GuestConnection", "IntegrationService"]
"""How the guest is asked to shut down.

* `GuestConnection`: Through the guest compute service.
* `IntegrationService`: Through the shutdown integration service.
"""

ShutdownType: TypeAlias = Literal["Shutdown", "Hibernate", "Reboot"]
"""What a shutdown makes the guest do."""

StateOverride: TypeAlias = Literal["Default", "Disabled", "Enabled"]
"""A setting that can be turned on or off, or left at its default."""

UefiBootDevice: TypeAlias = Literal["ScsiDrive", "VmbFs", "Network", "File"]
"""Kind of device that UEFI boots from.

* `ScsiDrive`: A disk on a SCSI controller.
* `VmbFs`: A directory of the host, over the boot file system of VMBus.
* `Network`: The network.
* `File`: A file.
"""

VirtualPMemBackingType: TypeAlias = Literal["Virtual", "Physical"]
"""Kind of host memory that backs virtual persistent memory."""

VirtualPMemImageFormat: TypeAlias = Literal["Vhdx", "Vhd1"]
"""Format of an image file for virtual persistent memory.

* `Vhd1`: The older VHD format.
"""

VirtualSlitType: TypeAlias = Literal["None", "Firmware", "Measured", "FirmwareFallbackMeasured"]
"""Where the guest's table of distances between NUMA nodes (SLIT) comes from.

* `None`: No table.
* `Firmware`: From the host's firmware.
* `Measured`: From measurement.
* `FirmwareFallbackMeasured`: From the host's firmware, or from measurement if the firmware has none.
"""

XsaveProcessorFeature: TypeAlias = Literal[
    "Xsave",
    "Xsave_Opt",
    "Avx",
    "Avx2",
    "Fma",
    "Mpx",
    "Avx512",
    "Avx512Dq",
    "Avx512Cd",
    "Avx512Bw",
    "Avx512Vl",
    "Xsave_Comp",
    "Xsave_Supervisor",
    "Xcr1",
    "Avx512_Bitalg",
    "AVX512_Ifma",
    "Avx512_Vbmi",
    "Avx512_Vbmi2",
    "Avx512_Vnni",
    "Gfni",
    "Vaes",
    "Avx512_Vpopcntdq",
    "Vpclmulqdq",
    "Avx512_Bf16",
    "Avx512_Vp2Intersect",
    "Avx512Fp16",
    "Xfd",
    "AmxTile",
    "AmxBf16",
    "AmxInt8",
    "AvxVnni",
    "SentinelAmdXsave",
]
"""A feature of a processor that belongs to XSAVE."""


class Attachment(TypedDict, total=False):
    """A disk or disc image attached to a SCSI controller."""

    Type: AttachmentType
    """What is attached.

    Schema 2.0.
    """

    Path: str
    """Path on the host to the file or device. A virtual machine needs access to a file, see `HcsGrantVmAccess`.

    Schema 2.0.
    """

    CachingMode: CachingMode
    """How the host caches I/O to the files behind the disk.

    By default `Uncached`. Schema 2.1.
    """

    ReadOnly: bool
    """Whether the guest can only read.

    Schema 2.0.
    """

    SupportCompressedVolumes: bool
    """Whether the disk file may lie on a compressed volume.

    Schema 2.3.
    """

    AlwaysAllowSparseFiles: bool
    """Whether the disk file may always be sparse.

    Schema 2.6.
    """

    SupportEncryptedFiles: bool
    """Whether the disk file may be encrypted.

    Schema 2.6.
    """

    IgnoreFlushes: bool
    """Whether flushes from the guest are ignored.

    In no published schema.
    """

    NoWriteHardening: bool
    """Whether write hardening is off.

    In no published schema.
    """

    DisableExpansionOptimization: bool
    """Whether optimized expansion of the disk file is off.

    In no published schema.
    """

    IgnoreRelativeLocator: bool
    """Whether the relative path to the parent of a differencing disk is ignored.

    In no published schema.
    """

    CaptureIoAttributionContext: bool
    """Whether the context that I/O is attributed to is captured.

    In no published schema.
    """

    ExtensibleVirtualDiskType: str
    """Type of disk, for an extensible virtual disk.

    In no published schema.
    """


class Battery(TypedDict, total=False):
    """A battery in a virtual machine; has no settings."""


class FirmwareFile(TypedDict, total=False):
    """Firmware file of a virtual machine."""

    Parameters: str
    """Parameters for the firmware.

    Base64. In no published schema.
    """


class LinuxKernelDirect(TypedDict, total=False):
    """Linux kernel that a virtual machine boots directly."""

    KernelFilePath: str
    """Path to the kernel.

    Schema 2.2.
    """

    InitRdPath: str
    """Path to the initial RAM disk.

    Schema 2.2.
    """

    KernelCmdLine: str
    """Command line of the kernel.

    Schema 2.2.
    """


class ComPort(TypedDict, total=False):
    """A COM port of a virtual machine, connected to a named pipe of the host."""

    NamedPipe: str
    """Named pipe on the host; an empty string leaves the port disconnected.

    Schema 2.1.
    """

    OptimizeForDebugger: bool
    """Whether the port is tuned for a kernel debugger.

    Schema 2.1.
    """


class CompatibilityInfo(TypedDict, total=False):
    """Compatibility data of a virtual machine, opaque to clients."""

    Data: str
    """The opaque bytes.

    Base64. In no published schema.
    """


class ConsoleImage(TypedDict, total=False):
    """A screenshot of a virtual machine's console."""

    Image: str
    """The bytes of the image.

    Base64. Schema 2.5.
    """


class ConsoleImageQuery(TypedDict, total=False):
    """Query for a screenshot of a virtual machine's console."""

    Width: int
    """Width that the image should have.

    Schema 2.5.
    """

    Height: int
    """Height that the image should have.

    Schema 2.5.
    """

    Flags: int
    """Form of the image data. Bit 0x1 asks for the OctetString format of the DMTF: a big-endian length of four bytes,
    which counts these four too, and then the data.

    Schema 2.5.
    """


class CpuGroup(TypedDict, total=False):
    """CPU group in which the processors of a virtual machine run."""

    Id: str
    """GUID of the group.

    A GUID. Schema 2.1.
    """


class CrashOptions(TypedDict, total=False):
    """Options of `HcsCrashComputeSystem`."""

    Type: CrashType
    """How to crash the system.

    Schema 2.3.
    """


class DebugOptions(TypedDict, total=False):
    """Files that get the state of a virtual machine when it crashes, shuts down or resets."""

    BugcheckSavedStateFileName: str
    """File for the saved state when the guest crashes.

    In no published schema.
    """

    BugcheckNoCrashdumpSavedStateFileName: str
    """File for the saved state when the guest crashes and writes no dump.

    In no published schema.
    """

    TripleFaultSavedStateFileName: str
    """File for the saved state when the guest has a triple fault.

    In no published schema.
    """

    FirmwareDumpFileName: str
    """File for the dump when the firmware crashes.

    In no published schema.
    """

    ShutdownOrResetSavedStateFileName: str
    """File for the saved state when the guest shuts down or resets.

    In no published schema.
    """


class FlexibleIoDevice(TypedDict, total=False):
    """A flexible I/O virtualization device of a virtual machine."""

    EmulatorId: str
    """GUID of the emulator.

    A GUID. Schema 2.1.
    """

    HostingModel: FlexibleIoDeviceHostingModel
    """Whether the emulator is hosted internally or externally.

    Schema 2.1.
    """

    Configuration: list[str]
    """Strings handed to the emulator.

    Schema 2.1.
    """


class Keyboard(TypedDict, total=False):
    """A keyboard in a virtual machine; has no settings."""


class Mouse(TypedDict, total=False):
    """A mouse in a virtual machine; has no settings."""


class VirtualMachine_HvSocket(TypedDict, total=False):
    """Hyper-V sockets of a virtual machine."""

    HvSocketConfig: common.HvSocketSystemConfig
    """Who may bind and connect, in general and for each service.

    Schema 2.1.
    """


class RdpConnectionOptions(TypedDict, total=False):
    """How a remote desktop client connects to a virtual machine."""

    AccessSids: list[str]
    """SIDs of the accounts that may connect.

    Schema 2.1.
    """

    NamedPipe: str
    """Named pipe on the host to connect through.

    Schema 2.1.
    """


class GpuConfiguration(TypedDict, total=False):
    """GPUs of the host that a guest gets."""

    AssignmentMode: GpuAssignmentMode
    """Which GPUs to assign.

    Schema 2.0.
    """

    AssignmentRequest: dict[str, int]
    """For each GPU device interface, the number of a partition (GPU-P), or 65535 to let HCS choose a free one (GPU-PV).
    Only used in mode `List`.

    Schema 2.0.
    """

    AllowVendorExtension: bool
    """Whether extensions of the GPU's vendor are allowed.

    Schema 2.0.
    """

    DisableGdiAcceleration: bool
    """Whether GDI acceleration is off.

    In no published schema.
    """

    DisablePresentation: bool
    """Whether presentation is off.

    In no published schema.
    """


class GuestConnection(TypedDict, total=False):
    """Connection between HCS and the guest compute service. With it, starting a virtual machine waits until the guest
    has connected; an empty object suffices.
    """

    UseVsock: bool
    """Whether the connection uses vsock instead of Hyper-V sockets.

    Schema 2.1.
    """

    UseConnectedSuspend: bool
    """Whether the connection stays up while the virtual machine is paused.

    Schema 2.1.
    """

    UseHostTimeZone: bool
    """Whether the guest gets the time zone of the host.

    Schema 2.4.
    """


class WindowsCrashReporting(TypedDict, total=False):
    """Memory dump that is written when Windows in the guest crashes."""

    DumpFileName: str
    """File on the host that gets the dump.

    Schema 2.0.
    """

    MaxDumpSize: int
    """Largest size of the dump.

    Schema 2.0.
    """

    DumpType: str
    """Kind of dump, such as `Full`.

    In no published schema.
    """


class GuestState(TypedDict, total=False):
    """Files that keep the state of a virtual machine."""

    GuestStateFilePath: str
    """Existing file for the persistent guest state. If empty, a new guest state is kept in memory only.

    Schema 2.1.
    """

    RuntimeStateFilePath: str
    """Existing file for the persistent runtime state. If empty, a new runtime state is kept in memory only.

    Schema 2.1.
    """

    ForceTransientState: bool
    """Whether the state is kept in memory, with the files as its initial content; they are not written to then.

    Schema 2.1.
    """

    GuestStateFileType: str
    """How the guest state file is opened: `FileMode` as a file, `BlockStorage` as a disk.

    In no published schema.
    """


class Heartbeat(TypedDict, total=False):
    """Integration service that tells whether the guest is alive; has no settings."""


class IdleProcessorsRequest(TypedDict, total=False):
    """Request for idle processors."""

    IdleProcessorCount: int
    """Number of idle processors.

    Schema 2.3.
    """


class IovSettings(TypedDict, total=False):
    """I/O virtualization (IOV) of a network adapter."""

    OffloadWeight: int
    """Weight of the adapter's port in IOV offloading; 0 turns offloading off.

    Schema 2.4.
    """

    QueuePairsRequested: int
    """Number of queue pairs that the port asks for.

    Schema 2.4.
    """

    InterruptModeration: InterruptModerationMode
    """Interrupt moderation of the adapter.

    Schema 2.4.
    """


class IsolationSettings(TypedDict, total=False):
    """How a virtual machine is isolated from its host."""

    IsolationType: str
    """Kind of isolation, such as `SecureNestedPaging`.

    In no published schema.
    """

    DebugHost: str
    """Network host of the debugger for the host compatibility layer (HCL).

    In no published schema.
    """

    DebugPort: int
    """Network port of the debugger for the host compatibility layer (HCL).

    In no published schema.
    """

    LaunchData: str
    """Data that the host hands over at the start of an isolated virtual machine.

    In no published schema.
    """

    HclEnabled: bool
    """Whether the host compatibility layer (HCL) is enabled.

    In no published schema.
    """


class KvpExchange(TypedDict, total=False):
    """Integration service that exchanges key-value pairs with the guest."""

    EnableHostOSInfoKvpItems: StateOverride
    """Whether the guest gets pairs about the operating system of the host.

    Schema 2.5.
    """

    EntriesToBeAdded: dict[str, str]
    """Pairs to add.

    Schema 2.5.
    """

    EntriesToBeRemoved: list[str]
    """Keys of the pairs to remove.

    Schema 2.5.
    """


class KvpQuery(TypedDict, total=False):
    """Query for pairs of the key-value exchange."""

    Source: KvpSource
    """Set of pairs to read.

    Schema 2.5.
    """

    Keys: list[str]
    """Keys to read.

    Schema 2.5.
    """


class MemoryMigrationTransferThrottleParams(TypedDict, total=False):
    """Throttling of the memory transfer in a live migration."""

    SkipThrottling: bool
    """Whether throttling is skipped.

    In no published schema.
    """

    ThrottlingScale: float
    """Scale of the throttling in percent, from 1 to 100.

    In no published schema.
    """

    MinimumThrottlePercentage: int
    """Lowest percentage that the transfer is throttled to.

    In no published schema.
    """

    TargetNumberOfBrownoutTransferPasses: int
    """Number of passes to aim for in the brownout, that is, while the virtual machine still runs.

    In no published schema.
    """

    StartingBrownoutPassNumberForThrottling: int
    """First pass of the brownout that is throttled.

    In no published schema.
    """

    MaximumNumberOfBrownoutTransferPasses: int
    """Most passes in the brownout; after them the blackout is forced, in which the virtual machine does not run.

    In no published schema.
    """

    TargetBlackoutTransferTime: int
    """How long the transfer in the blackout should take; no source gives the unit.

    In no published schema.
    """

    BlackoutTimeThresholdForCancellingMigration: int
    """Length of the blackout above which the migration is canceled; no source gives the unit.

    In no published schema.
    """


class MigrationCancelOptions(TypedDict, total=False):
    """Options for canceling a live migration."""

    Origin: events.MigrationOrigin
    """Which side of the migration this is.

    In no published schema.
    """


class MigrationCompressionSettings(TypedDict, total=False):
    """Settings for compressed transfer in a live migration."""

    ThrottleWorkerCount: int
    """Number of threads that compress or decompress, at least 1; HCS lowers it to what the host and the virtual machine
    support.

    In no published schema.
    """


class MigrationFinalizedOptions(TypedDict, total=False):
    """How a live migration is concluded on one side."""

    Origin: events.MigrationOrigin
    """Which side of the migration this is.

    In no published schema.
    """

    FinalizedOperation: MigrationFinalOperation
    """What becomes of the virtual machine on this side.

    In no published schema.
    """


class MigrationNetworkSettings(TypedDict, total=False):
    """Network connection of a live migration."""

    SessionId: int
    """Id of the session that the socket between source and destination belongs to.

    In no published schema.
    """


class MigrationTransferOptions(TypedDict, total=False):
    """Options for the transfer phase of a live migration."""

    Origin: events.MigrationOrigin
    """Which side of the migration this is.

    In no published schema.
    """


class NumaSetting(TypedDict, total=False):
    """A virtual NUMA node of a virtual machine."""

    VirtualNodeNumber: int
    """Number of the virtual node.

    In no published schema.
    """

    PhysicalNodeNumber: int
    """Number of the physical node that it is placed on, or 255 for any.

    In no published schema.
    """

    VirtualSocketNumber: int
    """Number of the virtual socket that it belongs to.

    In no published schema.
    """

    CountOfProcessors: int
    """Number of virtual processors in the node.

    In no published schema.
    """

    CountOfMemoryBlocks: int
    """Memory of the node in MB.

    In no published schema.
    """

    MemoryBackingType: MemoryBackingType
    """Kind of host memory that backs the memory of the node.

    In no published schema.
    """


class NumaNode(TypedDict, total=False):
    """Which physical NUMA node a virtual one is on."""

    VirtualNodeIndex: int
    """Index of the virtual node.

    In no published schema.
    """

    PhysicalNodeIndex: int
    """Index of the physical node.

    In no published schema.
    """


class NumaNodeMemory(TypedDict, total=False):
    """Memory of a NUMA node."""

    TotalConsumableMemoryInPages: int
    """Memory of the node that can be used.

    In pages of 4 KiB. In no published schema.
    """

    AvailableMemoryInPages: int
    """Memory of the node that is available.

    In pages of 4 KiB. In no published schema.
    """


class NumaNodeProcessor(TypedDict, total=False):
    """Processors of a NUMA node."""

    TotalAssignedProcessors: int
    """Number of processors assigned.

    In no published schema.
    """

    TotalAvailableProcessors: int
    """Number of processors available.

    In no published schema.
    """


class Range(TypedDict, total=False):
    """A range of numbers."""

    max: int
    """Highest number.

    In no published schema.
    """


class PauseNotification(TypedDict, total=False):
    """What components in the guest are told about a pause."""

    Reason: PauseReason
    """Why the virtual machine is paused.

    Schema 2.1.
    """


class Plan9Share(TypedDict, total=False):
    """A host directory that the guest reaches over the Plan 9 protocol."""

    Name: str
    """Name by which the host knows the share.

    Schema 2.0.
    """

    AccessName: str
    """Name by which the guest mounts the share, as `aname` in the protocol.

    Schema 2.1.
    """

    Path: str
    """Host directory that is shared.

    Schema 2.0.
    """

    Port: int
    """Port on which the share is served.

    Schema 2.0.
    """

    AllowedFiles: list[str]
    """Files in the directory that the guest may reach.

    Schema 2.2.
    """

    Flags: int
    """Sum of flags: 1 read-only, 4 Linux metadata, 8 case-sensitive, 16 identity of the share root, 32 options allowed,
    64 subpaths allowed, 128 only `AllowedFiles`.

    In no published schema.
    """

    ReadOnly: bool
    """HCS takes it, but no source tells its effect: the flag 1 in `Flags` makes a share read-only.

    In no published schema.
    """


class ProcessorFeatureSet(TypedDict, total=False):
    """Processor features shown to the guest."""

    ProcessorFeatures: list[ProcessorFeature]
    """Features of the set, apart from those of XSAVE.

    Schema 2.5.
    """

    XsaveProcessorFeatures: list[XsaveProcessorFeature]
    """XSAVE features of the set.

    Schema 2.5.
    """

    ProcessorFeatureSetMode: ProcessorFeatureSetMode
    """How strictly the set is applied.

    Schema 2.5.
    """


class ProcessorLimits(TypedDict, total=False):
    """New CPU scheduling limits of a running virtual machine."""

    Limit: int
    """Upper limit of the host CPU time that the virtual machine may use; 100000 is 100 percent.

    Schema 2.4.
    """

    Weight: int
    """Priority relative to other virtual machines, from 0 to 10000.

    Schema 2.4.
    """

    Reservation: int
    """Host CPU time that is guaranteed to the virtual machine.

    Schema 2.4.
    """

    MaximumFrequencyMHz: int
    """Highest CPU frequency to aim for.

    In MHz. Schema 2.4.
    """


class RegistryFlushState(TypedDict, total=False):
    """Whether a Windows container keeps the changes to its registry hive."""

    Enabled: bool
    """Whether flushes write to the hive; if false they are ignored and changes are lost.

    Schema 2.1.
    """


class RestoreState(TypedDict, total=False):
    """Saved state or template that a new virtual machine starts from."""

    SaveStateFilePath: str
    """Saved state file to restore from.

    Schema 2.0.
    """

    TemplateSystemId: str
    """Id of the template system to clone; empty if there is none.

    Schema 2.1.
    """


class SaveOptions(TypedDict, total=False):
    """Options of `HcsSaveComputeSystem`."""

    SaveType: SaveType
    """Whether to save to a file or as a template.

    Schema 2.1.
    """

    SaveStateFilePath: str
    """File that gets the saved state.

    Schema 2.1.
    """


class Shutdown(TypedDict, total=False):
    """Integration service that shuts the guest down on request; has no settings."""


class Timesync(TypedDict, total=False):
    """Integration service that keeps the guest's clock in time; has no settings."""


class SharedMemoryRegion(TypedDict, total=False):
    """A region of a memory section that the guest can reach."""

    SectionName: str
    """Name of the section object on the host.

    Schema 2.0.
    """

    StartOffset: int
    """Where the region starts in the section.

    Schema 2.0.
    """

    Length: int
    """Length of the region.

    Schema 2.0.
    """

    AllowGuestWrite: bool
    """Whether the guest may write to the region.

    Schema 2.0.
    """

    HiddenFromGuest: bool
    """Whether the region is hidden from the guest.

    Schema 2.0.
    """


class ShutdownOptions(TypedDict, total=False):
    """Options of `HcsShutDownComputeSystem`."""

    Mechanism: ShutdownMechanism
    """How the guest is asked.

    Schema 2.5.
    """

    Type: ShutdownType
    """What the guest is to do.

    Schema 2.5.
    """

    Force: bool
    """Whether the shutdown is forced.

    Schema 2.5.
    """

    Reason: str
    """Why the system is shut down, as text.

    Schema 2.5.
    """


class SystemProcessorModificationRequest(TypedDict, total=False):
    """Request to change the CPU group of a compute system."""

    GroupId: str
    """GUID of the CPU group.

    A GUID. Schema 2.1.
    """


class SystemTime(TypedDict, total=False):
    """A date and time in parts, as Windows has it in `SYSTEMTIME`."""

    Year: int
    """Year.

    Schema 2.1.
    """

    Month: int
    """Month, from 1 to 12.

    Schema 2.1.
    """

    DayOfWeek: int
    """Day of the week, from 0 for Sunday.

    Schema 2.1.
    """

    Day: int
    """Day of the month.

    Schema 2.1.
    """

    Hour: int
    """Hour.

    Schema 2.1.
    """

    Minute: int
    """Minute.

    Schema 2.1.
    """

    Second: int
    """Second.

    Schema 2.1.
    """

    Milliseconds: int
    """Milliseconds.

    In ms. Schema 2.1.
    """


class VirtualMachine_Memory(TypedDict, total=False):
    """Memory of a virtual machine."""

    SizeInMB: int
    """Size of the memory, a multiple of 2 MB.

    In MB. Schema 2.1.
    """

    AllowOvercommit: bool
    """Whether the pagefile of the host may back the memory; if false, physical memory is set aside for all of it.

    Schema 2.1.
    """

    BackingPageSize: MemoryBackingPageSize
    """Size of the pages that back the memory.

    Schema 2.2.
    """

    FaultClusterSizeShift: int
    """Size of a fault cluster of main memory, in pages and as an exponent of 2: WSL gives 4 for 64 KB.

    Schema 2.4.
    """

    DirectMapFaultClusterSizeShift: int
    """Size of a fault cluster of directly mapped memory, in pages and as an exponent of 2: WSL gives 4 for 64 KB.

    Schema 2.4.
    """

    PinBackingPages: bool
    """Whether a backing page stays in physical memory from its first access on.

    Schema 2.2.
    """

    ForbidSmallBackingPages: bool
    """Whether pages smaller than `BackingPageSize` back memory only in an emergency; turns `Small` into `Large`.

    Schema 2.2.
    """

    EnableHotHint: bool
    """Whether the guest may ask for pages to be brought into its working set in advance, if it supports this.

    Schema 2.0.
    """

    EnableColdHint: bool
    """Whether the guest may ask for zeroed pages to be removed from its working set, if it supports this.

    Schema 2.0.
    """

    EnableColdDiscardHint: bool
    """Whether the guest may ask for pages with content to be removed from its working set, if it supports this.

    Schema 2.2.
    """

    EnableDeferredCommit: bool
    """Whether a backing page counts as committed only from its first access on.

    Schema 2.1.
    """

    LowMmioGapInMB: int
    """Size of the MMIO region below 4 GB.

    In MB. Schema 2.3.
    """

    HighMmioBaseInMB: int
    """Where the MMIO region above 4 GB begins.

    In MB. Schema 2.3.
    """

    HighMmioGapInMB: int
    """Size of the MMIO region above 4 GB.

    In MB. Schema 2.3.
    """

    Backing: MemoryBackingType
    """Kind of host memory that backs the memory of the guest.

    In no published schema.
    """

    SlitType: VirtualSlitType
    """Where the table of distances between NUMA nodes comes from.

    In no published schema.
    """

    HostingProcessNameSuffix: str
    """Suffix to the name of the host process that stands for the memory, such as `WSL` in `vmmemWSL`.

    In no published schema.
    """


class UefiBootEntry(TypedDict, total=False):
    """Device and program that UEFI boots."""

    DeviceType: UefiBootDevice
    """Kind of device to boot from.

    Schema 2.1.
    """

    DevicePath: str
    """For `ScsiDrive` the key of the controller in `Scsi`; for `VmbFs` the path of the boot program.

    Schema 2.1.
    """

    DiskNumber: int
    """Logical unit number of the disk, for `ScsiDrive`.

    Schema 2.1.
    """

    OptionalData: str
    """Data handed to the boot program, such as a kernel command line.

    Schema 2.1.
    """

    VmbFsRootPath: str
    """Host directory that is the root for `VmbFs`.

    Schema 2.1.
    """


class VirtioSerialPort(TypedDict, total=False):
    """A port of a virtio serial device."""

    NamedPipe: str
    """Named pipe through which the host reaches the port.

    Schema 2.2.
    """

    Name: str
    """Name that the guest sees.

    Schema 2.2.
    """

    ConsoleSupport: bool
    """Whether the port can be a console of the guest.

    In no published schema.
    """


class VirtualPMemMapping(TypedDict, total=False):
    """An image mapped into a device of virtual persistent memory."""

    HostPath: str
    """Image file on the host.

    Schema 2.2.
    """

    ImageFormat: VirtualPMemImageFormat
    """Format of the image file.

    Schema 2.2.
    """


class VirtualPciFunction(TypedDict, total=False):
    """A PCI function assigned to a virtual machine."""

    DeviceInstancePath: str
    """Instance path of the device on the host.

    Schema 2.3.
    """

    VirtualFunction: int
    """Index of the virtual function of the device.

    Schema 2.3.
    """

    AllowDirectTranslatedP2P: bool
    """Whether direct translated peer-to-peer access is allowed.

    Schema 2.4.
    """


class VirtualSmbShareOptions(TypedDict, total=False):
    """How a virtual SMB share behaves."""

    ReadOnly: bool
    """Whether the share is read-only.

    Schema 2.1.
    """

    ShareRead: bool
    """Whether opening for exclusive access becomes shared read access.

    Schema 2.1.
    """

    CacheIo: bool
    """Whether every file is opened for cached I/O.

    Schema 2.1.
    """

    NoOplocks: bool
    """Whether oplocks are off.

    Schema 2.1.
    """

    TakeBackupPrivilege: bool
    """Whether files are opened with the backup privilege.

    Schema 2.1.
    """

    UseShareRootIdentity: bool
    """Whether files are opened under the identity of the share root.

    Schema 2.1.
    """

    NoDirectmap: bool
    """Whether direct mapping is off.

    Schema 2.1.
    """

    NoLocks: bool
    """Whether byte-range locks are off.

    Schema 2.1.
    """

    NoDirnotify: bool
    """Whether directory change notifications are off.

    Schema 2.1.
    """

    VmSharedMemory: bool
    """Whether the share serves as shared memory of virtual machines.

    Schema 2.1.
    """

    RestrictFileAccess: bool
    """Whether only the files in `AllowedFiles` can be reached.

    Schema 2.1.
    """

    ForceLevelIIOplocks: bool
    """Whether Level II oplocks are the only ones.

    Schema 2.1.
    """

    ReparseBaseLayer: bool
    """Whether the host may reparse this base layer.

    Schema 2.1.
    """

    PseudoOplocks: bool
    """Whether pseudo-oplocks are on.

    Schema 2.1.
    """

    NonCacheIo: bool
    """Whether every file is opened for uncached I/O.

    Schema 2.1.
    """

    PseudoDirnotify: bool
    """Whether pseudo directory change notifications are on.

    Schema 2.1.
    """

    SingleFileMapping: bool
    """Whether listing directories, renaming and deleting are blocked.

    Schema 2.1.
    """

    SupportCloudFiles: bool
    """Whether cloud files are supported.

    Schema 2.3.
    """

    FilterEncryptionAttributes: bool
    """Whether EFS attributes are hidden from the guest.

    Schema 2.4.
    """


class VmProcessorRequirements(TypedDict, total=False):
    """What a virtual machine needs of the host's processor."""

    ProcessorFeatures: list[ProcessorFeature]
    """Features needed, apart from those of XSAVE.

    Schema 2.5.
    """

    XsaveProcessorFeatures: list[XsaveProcessorFeature]
    """XSAVE features needed.

    Schema 2.5.
    """

    CacheLineFlushSize: int
    """Cache line size used by flush instructions.

    Schema 2.5.
    """

    ImplementedPhysicalAddressBits: int
    """Number of physical address bits needed.

    Schema 2.5.
    """

    NonArchitecturalCoreSharing: NonArchitecturalCoreSharing
    """Whether virtual processors may share a physical core without being reported as sibling threads.

    Schema 2.5.
    """


class Scsi(TypedDict, total=False):
    """A SCSI controller of a virtual machine."""

    Attachments: dict[str, Attachment]
    """Disks and disc images on the controller, by logical unit number.

    Schema 2.0.
    """

    DisableInterruptBatching: bool
    """Whether interrupts come one by one instead of in batches: lower latency and higher throughput, for more CPU time.

    Schema 2.4.
    """


class EnhancedModeVideo(TypedDict, total=False):
    """Enhanced video mode of a virtual machine, reached over RDP."""

    ConnectionOptions: RdpConnectionOptions
    """Who may connect, and where.

    Schema 2.1.
    """


class VideoMonitor(TypedDict, total=False):
    """Monitor of a virtual machine, which a remote desktop client can show."""

    HorizontalResolution: int
    """Width in pixels.

    Schema 2.1.
    """

    VerticalResolution: int
    """Height in pixels.

    Schema 2.1.
    """

    ConnectionOptions: RdpConnectionOptions
    """How a remote desktop client connects.

    Schema 2.1.
    """


class GuestCrashReporting(TypedDict, total=False):
    """What the host records when the guest crashes."""

    WindowsCrashSettings: WindowsCrashReporting
    """Memory dump of a Windows guest.

    Schema 2.0.
    """


class NetworkAdapter(TypedDict, total=False):
    """A network adapter of a virtual machine."""

    EndpointId: str
    """GUID of the HCN endpoint that the adapter is connected to.

    A GUID. Schema 2.0.
    """

    MacAddress: str
    """MAC address of the adapter.

    A MAC address. Schema 2.0.
    """

    InstanceId: str
    """GUID of the adapter's device instance.

    A GUID. Schema 2.4.
    """

    DisableInterruptBatching: bool
    """Whether interrupts come one by one instead of in batches: lower latency and higher throughput, for more CPU time.

    Schema 2.4.
    """

    IovSettings: IovSettings
    """I/O virtualization of the adapter.

    Schema 2.4.
    """

    ConnectionState: StateOverride
    """Whether the adapter is connected: `Enabled`, `Disabled` or `Default`.

    Schema 2.4.
    """

    IsConnected: bool
    """Whether the adapter is connected, in the form that WSL sends.

    In no published schema.
    """

    SwitchId: str
    """Id of the virtual switch.

    In no published schema.
    """

    PortId: str
    """Id of the port on the virtual switch.

    In no published schema.
    """


class SecuritySettings(TypedDict, total=False):
    """Security of a virtual machine."""

    EnableTpm: bool
    """Whether the virtual machine has a trusted platform module (TPM).

    In no published schema.
    """

    Isolation: IsolationSettings
    """How the virtual machine is isolated from its host.

    In no published schema.
    """


class MigrationInitializeOptions(TypedDict, total=False):
    """How a virtual machine takes part in a live migration."""

    Origin: events.MigrationOrigin
    """Which side of the migration this is.

    In no published schema.
    """

    MemoryTransport: MigrationMemoryTransport
    """How memory is transferred; needed on the source when the migration starts, on the destination when it is
    initialized.

    In no published schema.
    """

    MemoryTransferThrottleParams: MemoryMigrationTransferThrottleParams
    """Throttling of the memory transfer.

    In no published schema.
    """

    CompressionSettings: MigrationCompressionSettings
    """Settings for compressed transfer.

    In no published schema.
    """

    ChecksumVerification: bool
    """Whether checksums of memory are verified.

    In no published schema.
    """

    PerfTracingEnabled: bool
    """Whether performance is traced.

    In no published schema.
    """

    CancelIfBlackoutThresholdExceeds: bool
    """Whether the migration is canceled if the blackout gets longer than its threshold.

    In no published schema.
    """

    PrepareMemoryTransferMode: bool
    """Whether time-outs are longer, for a migration between versions.

    In no published schema.
    """

    CompatibilityData: CompatibilityInfo
    """Compatibility data that the destination needs.

    In no published schema.
    """


class MigrationStartOptions(TypedDict, total=False):
    """Options for the start of a live migration."""

    NetworkSettings: MigrationNetworkSettings
    """Settings of the network connection that the client provides.

    In no published schema.
    """


class Numa(TypedDict, total=False):
    """Virtual NUMA nodes of a virtual machine."""

    VirtualNodeCount: int
    """Number of virtual nodes.

    In no published schema.
    """

    PreferredPhysicalNodes: list[int]
    """Numbers of the physical nodes to prefer.

    In no published schema.
    """

    Settings: list[NumaSetting]
    """One entry for each virtual node.

    In no published schema.
    """

    MaxSizePerNode: int
    """Largest memory size of a virtual node.

    In no published schema.
    """


class NumaProcessors(TypedDict, total=False):
    """How virtual processors are spread over NUMA nodes."""

    count_per_node: Range
    """Number of processors for each node, as a range.

    In no published schema.
    """

    node_per_socket: int
    """Number of nodes for each socket.

    In no published schema.
    """


class PauseOptions(TypedDict, total=False):
    """Options of `HcsPauseComputeSystem`."""

    SuspensionLevel: PauseSuspensionLevel
    """How far the virtual machine is suspended.

    Schema 2.0.
    """

    HostedNotification: PauseNotification
    """Notice of the pause to components in the guest.

    Schema 2.1.
    """


class Plan9(TypedDict, total=False):
    """Host directories shared with a virtual machine over Plan 9."""

    Shares: list[Plan9Share]
    """Shares that the virtual machine has from the start.

    Schema 2.1.
    """


class Services(TypedDict, total=False):
    """Integration services that a virtual machine has."""

    Heartbeat: Heartbeat
    """Heartbeat, which tells that the guest is alive.

    Schema 2.5.
    """

    Shutdown: Shutdown
    """Shutdown of the guest on request of the host.

    Schema 2.5.
    """

    Timesync: Timesync
    """Time synchronization of the guest with the host.

    Schema 2.5.
    """

    KvpExchange: KvpExchange
    """Exchange of key-value pairs between host and guest.

    Schema 2.5.
    """


class SharedMemoryConfiguration(TypedDict, total=False):
    """Host memory that is shared with a virtual machine."""

    Regions: list[SharedMemoryRegion]
    """Regions that are shared.

    Schema 2.1.
    """


class TimeZoneInformation(TypedDict, total=False):
    """Time zone of a guest, as Windows has it in `TIME_ZONE_INFORMATION`."""

    Bias: int
    """Minutes to add to local time to get UTC.

    Schema 2.1.
    """

    StandardName: str
    """Name of standard time.

    Schema 2.1.
    """

    StandardDate: SystemTime
    """When standard time begins.

    Schema 2.1.
    """

    StandardBias: int
    """Minutes to add to `Bias` during standard time.

    Schema 2.1.
    """

    DaylightName: str
    """Name of daylight saving time.

    Schema 2.1.
    """

    DaylightDate: SystemTime
    """When daylight saving time begins.

    Schema 2.1.
    """

    DaylightBias: int
    """Minutes to add to `Bias` during daylight saving time.

    Schema 2.1.
    """


class Uefi(TypedDict, total=False):
    """UEFI firmware of a virtual machine, and what it boots."""

    EnableDebugger: bool
    """Whether the firmware debugger is enabled.

    Schema 2.0.
    """

    SecureBootTemplateId: str
    """GUID of the secure boot template.

    A GUID. Schema 2.0.
    """

    ApplySecureBootTemplate: ApplySecureBootTemplateType
    """Whether the secure boot template is applied.

    Schema 2.3.
    """

    BootThis: UefiBootEntry
    """What to boot.

    Schema 2.0.
    """

    Console: SerialConsole
    """Serial port that the firmware uses as its console.

    Schema 2.0.
    """

    StopOnBootFailure: bool
    """Whether the virtual machine stops if it fails to boot.

    Schema 2.2.
    """


class VirtioSerial(TypedDict, total=False):
    """A virtio serial device of a virtual machine."""

    Ports: dict[str, VirtioSerialPort]
    """Ports of the device, by number.

    Schema 2.2.
    """


class VirtualPMemDevice(TypedDict, total=False):
    """A device of virtual persistent memory."""

    HostPath: str
    """Image file on the host.

    Schema 2.0.
    """

    ReadOnly: bool
    """Whether the device is read-only.

    Schema 2.0.
    """

    ImageFormat: VirtualPMemImageFormat
    """Format of the image file.

    Schema 2.0.
    """

    SizeBytes: int
    """Size of the device.

    In bytes. Schema 2.2.
    """

    Mappings: dict[str, VirtualPMemMapping]
    """Further images mapped into the device, by their offset.

    Schema 2.2.
    """


class VirtualPciDevice(TypedDict, total=False):
    """Host PCI device assigned to a virtual machine."""

    Functions: list[VirtualPciFunction]
    """PCI functions of the device.

    Schema 2.3.
    """

    PropagateNumaAffinity: bool
    """Whether the guest sees which NUMA node the device is close to.

    In no published schema.
    """


class VirtualSmbShare(TypedDict, total=False):
    """A host directory that the guest reaches over virtual SMB."""

    Name: str
    """Name of the share.

    Schema 2.0.
    """

    Path: str
    """Host directory that is shared.

    Schema 2.0.
    """

    AllowedFiles: list[str]
    """Files that the guest may reach, if the option `RestrictFileAccess` is set.

    Schema 2.0.
    """

    Options: VirtualSmbShareOptions
    """How the share behaves.

    Schema 2.1.
    """


class StartOptions(TypedDict, total=False):
    """Options of `HcsStartComputeSystem`."""

    DestinationMigrationOptions: MigrationStartOptions
    """Options of a live migration, for a virtual machine that starts on the destination.

    In no published schema.
    """


class VirtualMachine_Processor(TypedDict, total=False):
    """Virtual processors of a virtual machine."""

    Count: int
    """Number of virtual processors.

    Schema 2.0.
    """

    Limit: int
    """Upper limit of the host CPU time that the virtual machine may use; 100000 is 100 percent.

    From 0 to 100000. By default 100000. Schema 2.1.
    """

    Weight: int
    """Priority relative to other virtual machines.

    From 0 to 10000. By default 100. Schema 2.1.
    """

    Reservation: int
    """Host CPU time that is guaranteed to the virtual machine.

    Schema 2.4.
    """

    MaximumFrequencyMHz: int
    """Highest CPU frequency to aim for.

    In MHz. Schema 2.4.
    """

    ExposeVirtualizationExtensions: bool
    """Whether the guest can run virtual machines of its own.

    Schema 2.0.
    """

    EnablePerfmonPmu: bool
    """Whether the guest has the performance monitoring unit.

    Schema 2.2.
    """

    EnablePerfmonArchPmu: bool
    """Whether the guest has the architectural performance monitoring unit.

    Schema 2.5.
    """

    EnablePerfmonPebs: bool
    """Whether the guest has precise event-based sampling (PEBS).

    Schema 2.2.
    """

    EnablePerfmonLbr: bool
    """Whether the guest has last branch records (LBR).

    Schema 2.2.
    """

    EnablePerfmonIpt: bool
    """Whether the guest has Intel Processor Trace (IPT).

    Schema 2.2.
    """

    EnablePageShattering: bool
    """Whether page shattering is enabled.

    Schema 2.5.
    """

    DisableSpeculationControls: bool
    """Whether speculation controls are disabled.

    Schema 2.5.
    """

    ProcessorFeatureSet: ProcessorFeatureSet
    """Processor features shown to the guest.

    Schema 2.5.
    """

    CpuGroup: CpuGroup
    """CPU group that the virtual machine belongs to.

    Schema 2.5.
    """

    NumaProcessorsSettings: NumaProcessors
    """How virtual processors are spread over NUMA nodes.

    In no published schema.
    """


class Chipset(TypedDict, total=False):
    """Firmware and mainboard of a virtual machine."""

    Uefi: Uefi
    """UEFI firmware and what it boots.

    Schema 2.0.
    """

    IsNumLockDisabled: bool
    """Whether Num Lock is off when the virtual machine starts.

    Schema 2.0.
    """

    BaseBoardSerialNumber: str
    """Serial number of the mainboard, as the guest sees it.

    Schema 2.0.
    """

    ChassisSerialNumber: str
    """Serial number of the chassis, as the guest sees it.

    Schema 2.0.
    """

    ChassisAssetTag: str
    """Asset tag of the chassis, as the guest sees it.

    Schema 2.0.
    """

    EnableHibernation: bool
    """Whether the guest can hibernate.

    Schema 2.5.
    """

    UseUtc: bool
    """Whether the clock of the virtual machine keeps UTC rather than local time.

    Schema 2.1.
    """

    LinuxKernelDirect: LinuxKernelDirect
    """Linux kernel to boot directly from a file.

    Schema 2.2.
    """

    FirmwareFile: FirmwareFile
    """Firmware file, of which only the parameters are known.

    In no published schema.
    """


class VirtualPMemController(TypedDict, total=False):
    """Controller of virtual persistent memory."""

    Devices: dict[str, VirtualPMemDevice]
    """Devices on the controller, by number.

    Schema 2.0.
    """

    MaximumCount: int
    """Number of devices that the controller is filled up to with empty ones; 0 adds none.

    Schema 2.0.
    """

    MaximumSizeBytes: int
    """Size of each empty device that `MaximumCount` adds; 0 means 512 MB.

    In bytes. Schema 2.0.
    """

    Backing: VirtualPMemBackingType
    """Kind of host memory that backs the devices.

    Schema 2.1.
    """


class VirtualSmb(TypedDict, total=False):
    """Host directories shared with a virtual machine over virtual SMB."""

    Shares: list[VirtualSmbShare]
    """Shares that the virtual machine has from the start.

    Schema 2.1.
    """

    DirectFileMappingInMB: int
    """Size of the region into which files are mapped directly.

    In MB. Schema 2.1.
    """


class Topology(TypedDict, total=False):
    """Memory and processors of a virtual machine."""

    Memory: VirtualMachine_Memory
    """Memory of the virtual machine.

    Schema 2.0.
    """

    Processor: VirtualMachine_Processor
    """Virtual processors.

    Schema 2.0.
    """

    Numa: Numa
    """Virtual NUMA nodes.

    In no published schema.
    """


class Devices(TypedDict, total=False):
    """Devices of a virtual machine."""

    ComPorts: dict[str, ComPort]
    """COM ports; the key is the number of the port in the guest, from 0.

    Schema 2.1.
    """

    VirtioSerial: VirtioSerial
    """Virtio serial device and its ports.

    Schema 2.2.
    """

    Scsi: dict[str, Scsi]
    """SCSI controllers; the key is either a name, from which HCS derives the instance id, or the instance id itself, a
    GUID.

    Schema 2.0.
    """

    VirtualPMem: VirtualPMemController
    """Virtual persistent memory.

    Schema 2.0.
    """

    NetworkAdapters: dict[str, NetworkAdapter]
    """Network adapters; the key is either a name, from which HCS derives the instance id, or the instance id itself, a
    GUID.

    Schema 2.0.
    """

    VideoMonitor: VideoMonitor
    """Video monitor.

    Schema 2.0.
    """

    Keyboard: Keyboard
    """Keyboard; an empty object adds it.

    Schema 2.0.
    """

    Mouse: Mouse
    """Mouse; an empty object adds it.

    Schema 2.0.
    """

    HvSocket: VirtualMachine_HvSocket
    """Hyper-V sockets between host and guest.

    Schema 2.1.
    """

    EnhancedModeVideo: EnhancedModeVideo
    """Enhanced video mode and how to connect to it.

    Schema 2.1.
    """

    GuestCrashReporting: GuestCrashReporting
    """What the host records when the guest crashes.

    Schema 2.0.
    """

    VirtualSmb: VirtualSmb
    """Virtual SMB shares, through which the guest sees directories of the host.

    Schema 2.0.
    """

    Plan9: Plan9
    """Plan 9 shares, through which the guest sees directories of the host.

    Schema 2.0.
    """

    Battery: Battery
    """Battery with which the guest sees the state of the host's battery; an empty object adds it.

    Schema 2.0.
    """

    FlexibleIov: dict[str, FlexibleIoDevice]
    """Flexible I/O virtualization (IOV) devices; the key is either a name, from which HCS derives the instance id, or
    the instance id itself, a GUID.

    Schema 2.1.
    """

    SharedMemory: SharedMemoryConfiguration
    """Memory regions shared with the host.

    Schema 2.1.
    """

    VirtualPci: dict[str, VirtualPciDevice]
    """PCI devices of the host assigned to the virtual machine.

    Schema 2.3.
    """


class VirtualMachine(TypedDict, total=False):
    """Configuration of a virtual machine."""

    Version: common.Version
    """Configuration version of the virtual machine.

    Schema 2.5.
    """

    StopOnReset: bool
    """Whether a reset stops the virtual machine for good.

    Schema 2.0.
    """

    Chipset: Chipset
    """Chipset, with the firmware and what it boots.

    Schema 2.0.
    """

    ComputeTopology: Topology
    """Memory and processors.

    Schema 2.0.
    """

    Devices: Devices
    """Virtual devices.

    Schema 2.0.
    """

    Services: Services
    """Integration services.

    Schema 2.5.
    """

    GuestState: GuestState
    """Files that hold guest state.

    Schema 2.1.
    """

    RestoreState: RestoreState
    """Saved state or template to start from.

    Schema 2.0.
    """

    RegistryChanges: common.RegistryChanges
    """Changes to the guest's registry, made before it starts.

    Schema 2.0.
    """

    StorageQoS: common.StorageQoS
    """Limits on storage use.

    Schema 2.1.
    """

    GuestConnection: GuestConnection
    """Connection to the guest compute service; if present, the start waits until the guest connects.

    Schema 2.1.
    """

    DebugOptions: DebugOptions
    """Files that get the state of the virtual machine when it crashes, shuts down or resets.

    In no published schema.
    """

    SecuritySettings: SecuritySettings
    """Trusted platform module and isolation.

    In no published schema.
    """

    ResourcePartitionId: str
    """GUID of the resource partition that the virtual machine belongs to.

    In no published schema.
    """

    MigrationOptions: MigrationInitializeOptions
    """How the virtual machine takes part in a live migration.

    In no published schema.
    """


class ComputeSystem(TypedDict, total=False):
    """The document that creates a compute system. Exactly one of `Container`, `VirtualMachine` and `HostedSystem` must
    be present.
    """

    Owner: str
    """Name of the client that the system belongs to; enumeration can filter by it.

    Schema 2.0.
    """

    SchemaVersion: common.Version
    """Schema version of this document. Objects further down may carry one of their own.

    Schema 2.0.
    """

    HostingSystemId: str
    """Id of the existing compute system in which `HostedSystem` is to run.

    Schema 2.0.
    """

    HostedSystem: Any
    """A `HostedSystem` document: the container to create inside the system that `HostingSystemId` names.

    Schema 2.0.
    """

    Container: container.Container
    """Settings of a container.

    Schema 2.0.
    """

    VirtualMachine: VirtualMachine
    """Settings of a virtual machine.

    Schema 2.0.
    """

    ShouldTerminateOnLastHandleClosed: bool
    """Whether HCS terminates the system once the last handle to it is closed. Otherwise the system outlives its
    creator.

    Schema 2.0.
    """
