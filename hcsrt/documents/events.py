# `tools/documents.py write` makes this file.
"""Documents of events, errors and exits."""

from typing import Any, Literal, TypeAlias, TypedDict

__all__ = [
    "AttributionRecord",
    "BlackoutExitedEventDetails",
    "CrashReport",
    "ErrorEvent",
    "EventData",
    "EventDataType",
    "ExitInitiator",
    "GuestCrash",
    "GuestErrorSaveReport",
    "InjectNonMaskableInterrupt",
    "MigrationEvent",
    "MigrationOrigin",
    "MigrationResult",
    "NotificationType",
    "OperationFailure",
    "OperationFailureDetail",
    "OperationFailureInfo",
    "OperationInfo",
    "OperationSystemMigrationNotificationInfo",
    "OperationType",
    "ResultError",
    "SystemExit",
    "SystemExitDetail",
    "SystemExitStatus",
    "TripleFault",
    "VirtualDeviceFailure",
    "VirtualDeviceFailureDetail",
    "WindowsCrashPhase",
    "WindowsCrashReport",
    "WorkerExit",
    "WorkerExitDetail",
    "WorkerExitType",
]

EventDataType: TypeAlias = Literal[
    "Empty",
    "String",
    "AnsiString",
    "SByte",
    "Byte",
    "Int16",
    "UInt16",
    "Int32",
    "UInt32",
    "Int64",
    "UInt64",
    "Single",
    "Double",
    "Boolean",
    "Binary",
    "Guid",
]
"""Type of a value in an error event, as in `EVT_VARIANT_TYPE` of the Windows event log.

* `AnsiString`: String in an ANSI code page.
* `SByte`: Signed 8-bit integer.
* `Byte`: Unsigned 8-bit integer.
* `Single`: 32-bit floating point number.
* `Double`: 64-bit floating point number.
"""

ExitInitiator: TypeAlias = Literal["None", "GuestOS", "Client", "Internal", "Unknown"]
"""Who brought about an exit.

* `GuestOS`: The operating system in the guest.
* `Client`: A management client on the host.
"""

MigrationEvent: TypeAlias = Literal[
    "Unknown",
    "MigrationDone",
    "BlackoutStarted",
    "OfflineDone",
    "BlackoutExited",
    "SetupDone",
    "TransferInProgress",
    "MigrationRecoveryDone",
    "MigrationFailed",
]
"""What has happened in a live migration.

* `Unknown`: An event of no known kind.
* `MigrationDone`: The migration is complete.
* `BlackoutStarted`: The blackout has begun: the virtual machine does not run during the rest of the transfer.
* `OfflineDone`: The virtual machine has been taken offline.
* `BlackoutExited`: The blackout is over: the virtual machine runs again.
* `SetupDone`: The migration is set up.
* `TransferInProgress`: Memory and other state are being transferred.
* `MigrationRecoveryDone`: The recovery from a migration is complete.
* `MigrationFailed`: The migration has failed.
"""

MigrationOrigin: TypeAlias = Literal["Source", "Destination"]
"""A side of a live migration."""

MigrationResult: TypeAlias = Literal[
    "Invalid",
    "Success",
    "MigrationCancelled",
    "GuestInitiatedCancellation",
    "SourceMigrationFailed",
    "DestinationMigrationFailed",
    "MigrationRecoveryFailed",
]
"""Outcome of a live migration.

* `GuestInitiatedCancellation`: The guest canceled the migration.
* `SourceMigrationFailed`: The migration failed on the source.
* `DestinationMigrationFailed`: The migration failed on the destination.
* `MigrationRecoveryFailed`: The recovery from the migration failed.
"""

NotificationType: TypeAlias = Literal["None", "GracefulExit", "ForcedExit", "UnexpectedExit", "Unknown"]
"""How a compute system exited.

* `GracefulExit`: The guest shut down, of its own accord or after `HcsShutDownComputeSystem`.
* `ForcedExit`: `HcsTerminateComputeSystem` ended the system.
* `UnexpectedExit`: The system exited for neither of these reasons.
* `Unknown`: HCS could not tell how the system exited.
"""

OperationFailureDetail: TypeAlias = Literal[
    "Invalid",
    "CreateInternalError",
    "ConstructStateError",
    "RuntimeOsTypeMismatch",
    "Construct",
    "Start",
    "Pause",
    "Resume",
    "Shutdown",
    "Terminate",
    "Save",
    "GetProperties",
    "Modify",
    "Crash",
    "GuestCrash",
    "LifecycleNotify",
    "ExecuteProcess",
    "GetProcessInfo",
    "WaitForProcess",
    "SignalProcess",
    "ModifyProcess",
    "PrepareForHosting",
    "RegisterHostedSystem",
    "UnregisterHostedSystem",
    "PrepareForClone",
    "GetCloneTemplate",
]
"""Operation or step that failed on a compute system.

* `RuntimeOsTypeMismatch`: The operating system that runs is of another kind than expected.
* `Construct`: Creating the system.
* `ExecuteProcess`: Creating a process in the system.
"""

OperationType: TypeAlias = Literal[
    "None",
    "Construct",
    "Start",
    "Pause",
    "Resume",
    "Shutdown",
    "Terminate",
    "Save",
    "GetProperties",
    "Modify",
    "Crash",
    "ExecuteProcess",
    "GetProcessInfo",
    "SignalProcess",
    "ModifyProcess",
    "CancelOperation",
]
"""Kind of operation on a compute system.

* `Construct`: Creation of the system.
* `Crash`: Crash of the system.
* `ExecuteProcess`: Creation of a process in the system.
"""

SystemExitDetail: TypeAlias = Literal[
    "Invalid",
    "HcsApiFatalError",
    "ServiceStop",
    "Shutdown",
    "Terminate",
    "UnexpectedExit",
]
"""What brought the exit of a compute system about.

* `HcsApiFatalError`: A fatal error in the HCS API.
* `ServiceStop`: The compute service was stopped.
* `Shutdown`: The compute system was shut down.
* `Terminate`: The compute system was terminated.
* `UnexpectedExit`: Neither a shutdown nor a termination.
"""

VirtualDeviceFailureDetail: TypeAlias = Literal[
    "None",
    "Create",
    "Initialize",
    "StartReservingResources",
    "FinishReservingResources",
    "FreeReservedResources",
    "SaveReservedResources",
    "PowerOnCold",
    "PowerOnRestore",
    "PowerOff",
    "Save",
    "Resume",
    "Pause",
    "EnableOptimizations",
    "StartDisableOptimizations",
    "FinishDisableOptimizations",
    "Reset",
    "PostReset",
    "Teardown",
    "SaveCompatibilityInfo",
    "MetricRestore",
    "MetricEnumerate",
    "MetricEnumerateForSave",
    "MetricReset",
    "MetricEnable",
    "MetricDisable",
]
"""What a virtual device was doing when it failed."""

WindowsCrashPhase: TypeAlias = Literal["Inactive", "CrashValues", "Starting", "Started", "Writing", "Complete"]
"""How far the memory dump of a crashed Windows guest got.

* `Inactive`: No dump is being made.
* `CrashValues`: The guest has reported its crash values.
* `Complete`: The dump is complete.
"""

WorkerExitDetail: TypeAlias = Literal[
    "Invalid",
    "PowerOff",
    "PowerOffCritical",
    "Reset",
    "GuestCrash",
    "GuestFirmwareCrash",
    "TripleFault",
    "DeviceFatalApicRequest",
    "DeviceFatalMsrRequest",
    "DeviceFatalException",
    "DeviceFatalError",
    "DeviceMachineCheck",
    "EmulatorError",
    "VidTerminate",
    "ProcessUnexpectedExit",
    "InitializationFailure",
    "InitializationStartTimeout",
    "ColdStartFailure",
    "ResetStartFailure",
    "FastRestoreStartFailure",
    "RestoreStartFailure",
    "FastSavePreservePartition",
    "FastSavePreservePartitionHandleTransfer",
    "FastSave",
    "CloneTemplate",
    "Save",
    "Migrate",
    "MigrateFailure",
    "CannotReferenceVm",
    "MgotUnregister",
    "FastSavePreservePartitionHandleTransferStorage",
    "FastSavePreservePartitionHandleTransferNetworking",
    "FastSavePreservePartitionHandleTransferStorageAndNetworking",
    "FastSavePreservePartitionHsr",
    "FastSavePreservePartitionWithHandleTransfer",
    "FastSaveWithHandleTransfer",
]
"""Why a virtual machine stopped, in detail."""

WorkerExitType: TypeAlias = Literal[
    "None",
    "InitializationFailed",
    "Stopped",
    "Saved",
    "StoppedOnReset",
    "UnexpectedStop",
    "ResetFailed",
    "UnrecoverableError",
]
"""How the worker process of a virtual machine ended."""


class GuestCrash(TypedDict, total=False):
    """A crash of the operating system in the guest, as the cause of an error or exit."""

    CrashParameters: list[int]
    """Parameters of the crash, as the guest reports them.

    Schema 2.4.
    """


class InjectNonMaskableInterrupt(TypedDict, total=False):
    """A non-maskable interrupt from the host, as the cause of an error or exit; has no members."""


class OperationFailure(TypedDict, total=False):
    """A failed operation, as the cause of an error or exit."""

    Detail: OperationFailureDetail
    """Operation or step that failed.

    Schema 2.4.
    """


class SystemExit(TypedDict, total=False):
    """An exit of the compute system, as the cause of an error or exit."""

    Detail: SystemExitDetail
    """What brought the exit about.

    Schema 2.4.
    """

    Initiator: ExitInitiator
    """Who began the exit.

    Schema 2.4.
    """


class TripleFault(TypedDict, total=False):
    """A triple fault of the guest, as the cause of an error or exit."""

    ErrorType: int
    """Number of the kind of fault.

    Schema 2.4.
    """


class VirtualDeviceFailure(TypedDict, total=False):
    """A failure of a virtual device, as the cause of an error or exit."""

    Detail: VirtualDeviceFailureDetail
    """What the device was doing when it failed.

    Schema 2.4.
    """

    Name: str
    """Readable name of the device.

    Schema 2.4.
    """

    DeviceId: str
    """GUID of the virtual device.

    A GUID. Schema 2.4.
    """

    InstanceId: str
    """GUID of the instance of the device.

    A GUID. Schema 2.4.
    """


class WorkerExit(TypedDict, total=False):
    """An exit of the worker process of a virtual machine, as the cause of an error or exit."""

    ExitCode: int
    """Exit code of the worker process.

    Schema 2.4.
    """

    Type: WorkerExitType
    """How the worker process ended.

    Schema 2.4.
    """

    Detail: WorkerExitDetail
    """Why the virtual machine stopped, in detail.

    Schema 2.4.
    """

    Initiator: ExitInitiator
    """Who began the exit.

    Schema 2.4.
    """


class BlackoutExitedEventDetails(TypedDict, total=False):
    """Details of the event `BlackoutExited`."""

    BlackoutDurationMilliseconds: int
    """How long the blackout lasted.

    In ms. In no published schema.
    """

    BlackoutStopTimestamp: str
    """When the blackout ended.

    A time in ISO 8601. In no published schema.
    """


class GuestErrorSaveReport(TypedDict, total=False):
    """Saved state that was captured when the guest crashed."""

    SaveStateFile: str
    """File with the saved state.

    In no published schema.
    """

    Status: int
    """Outcome of saving; 0 if it succeeded.

    In no published schema.
    """


class WindowsCrashReport(TypedDict, total=False):
    """What Windows in the guest reported about its crash."""

    DumpFile: str
    """Memory dump file on the host; valid only if `FinalPhase` is `Complete`.

    Schema 2.1.
    """

    OsMajorVersion: int
    """Major version of the guest's Windows.

    Schema 2.1.
    """

    OsMinorVersion: int
    """Minor version of the guest's Windows.

    Schema 2.1.
    """

    OsBuildNumber: int
    """Build number of the guest's Windows.

    Schema 2.1.
    """

    OsServicePackMajorVersion: int
    """Major version of the service pack.

    Schema 2.1.
    """

    OsServicePackMinorVersion: int
    """Minor version of the service pack.

    Schema 2.1.
    """

    OsSuiteMask: int
    """Bit mask of the product suites.

    Schema 2.1.
    """

    OsProductType: int
    """Number of the product type.

    Schema 2.1.
    """

    Status: int
    """Outcome of the dump as a signed HRESULT; 0 if it succeeded.

    Schema 2.1.
    """

    FinalPhase: WindowsCrashPhase
    """How far the dump got.

    Schema 2.1.
    """


class EventData(TypedDict, total=False):
    """One value of an error event."""

    Type: EventDataType
    """Type that the value had before it became a string.

    Schema 2.1.
    """

    Value: str
    """Value as text.

    Schema 2.1.
    """


class OperationFailureInfo(TypedDict, total=False):
    """How an operation on a compute system failed."""

    Result: int
    """Why it failed, as a signed HRESULT.

    Schema 2.6.
    """


class OperationSystemMigrationNotificationInfo(TypedDict, total=False):
    """How far a live migration is, as data of an event."""

    Origin: MigrationOrigin
    """Side of the migration that reports.

    In no published schema.
    """

    Event: MigrationEvent
    """What has happened.

    In no published schema.
    """

    Result: MigrationResult
    """Outcome, for events that end something.

    In no published schema.
    """

    AdditionalDetails: Any
    """More about the event, in a form that depends on it.

    In no published schema.
    """


class AttributionRecord(TypedDict, total=False):
    """One cause of an error or exit. As far as known, at most one member is set."""

    WorkerExit: WorkerExit
    """Set if the worker process of the virtual machine exited.

    Schema 2.4.
    """

    GuestCrash: GuestCrash
    """Set if the operating system in the guest crashed.

    Schema 2.4.
    """

    TripleFault: TripleFault
    """Set if the guest caused a triple fault.

    Schema 2.4.
    """

    InjectNonMaskableInterrupt: InjectNonMaskableInterrupt
    """Set, to an empty object, if a client or tool on the host injected a non-maskable interrupt.

    Schema 2.4.
    """

    OperationFailure: OperationFailure
    """Set if an operation on the compute system failed.

    Schema 2.4.
    """

    SystemExit: SystemExit
    """Set if the compute system exited.

    Schema 2.4.
    """

    VirtualDeviceFailure: VirtualDeviceFailure
    """Set if a virtual device failed.

    Schema 2.4.
    """


class CrashReport(TypedDict, total=False):
    """What is known of a crash of the guest. Comes with the events `HcsEventSystemCrashInitiated` and
    `HcsEventSystemCrashReport`, and is the input of `HcsSubmitWerReport`.
    """

    SystemId: str
    """Id of the compute system that crashed.

    Schema 2.1.
    """

    ActivityId: str
    """GUID that correlates the crash with traces.

    A GUID. Schema 2.1.
    """

    WindowsCrashInfo: WindowsCrashReport
    """What a Windows guest reports. Only in `HcsEventSystemCrashReport`, and only if both `GuestCrashReporting` and the
    guest are set up for it.

    Schema 2.1.
    """

    CrashParameters: list[int]
    """Parameters that the guest reports. From Windows, the bug check code and the four parameters that belong to it.

    Schema 2.3.
    """

    CrashLog: str
    """Text from the guest. Only Linux guests with the Hyper-V integration services are known to send it.

    Schema 2.3.
    """

    Status: int
    """Outcome of the crash reporting as a whole, as a signed HRESULT; 0 if it succeeded.

    Schema 2.4.
    """

    PreOSId: int
    """Opaque id that the guest reports.

    Schema 2.4.
    """

    CrashStackUnavailable: bool
    """Whether the guest reports that it had no crash handler, or could not run it.

    Schema 2.4.
    """

    GuestCrashSaveInfo: GuestErrorSaveReport
    """Saved state that was captured when the guest crashed.

    In no published schema.
    """


class ErrorEvent(TypedDict, total=False):
    """One event that describes a failure."""

    Message: str
    """Complete message.

    Schema 2.1.
    """

    StackTrace: str
    """Stack trace as text.

    Schema 2.1.
    """

    Provider: str
    """GUID of the event provider.

    A GUID. Schema 2.1.
    """

    EventId: int
    """Number of the event, which has a meaning only together with `Provider`.

    Schema 2.1.
    """

    Flags: int
    """Flags of the event.

    Schema 2.1.
    """

    Source: str
    """Source of the event.

    Schema 2.1.
    """

    Data: list[EventData]
    """Values that belong to the message. HCS is known to encode them badly; prefer `Message`.

    Schema 2.1.
    """


class OperationInfo(TypedDict, total=False):
    """An operation on a compute system: a call of the API, or an exit or crash of the system."""

    Operation: OperationType
    """Kind of operation.

    Schema 2.6.
    """

    StartTimestamp: str
    """When the operation began.

    A time in ISO 8601. Schema 2.6.
    """

    EndTimestamp: str
    """When it ended.

    A time in ISO 8601. Schema 2.6.
    """

    FailureInfo: OperationFailureInfo
    """How it failed, if it did.

    Schema 2.6.
    """


class SystemExitStatus(TypedDict, total=False):
    """How a compute system exited, as data of the event `HcsEventSystemExited`."""

    Status: int
    """Exit status as a signed HRESULT.

    Schema 2.1.
    """

    ExitType: NotificationType
    """Graceful, forced or unexpected exit.

    Schema 2.2.
    """

    Attribution: list[AttributionRecord]
    """What the exit is put down to.

    Schema 2.4.
    """


class ResultError(TypedDict, total=False):
    """Why a call failed."""

    Error: int
    """Error code as a signed HRESULT.

    Schema 2.1.
    """

    ErrorMessage: str
    """Message about the error.

    Schema 2.1.
    """

    ErrorEvents: list[ErrorEvent]
    """Events that led to the error.

    Schema 2.4.
    """

    Attribution: list[AttributionRecord]
    """What the failure is put down to.

    Schema 2.4.
    """
