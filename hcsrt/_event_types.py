"""HCS_EVENT_TYPE: what an event of HCS tells of."""

# `tools/facts.py write` puts the numbers into the native headers.

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    EventType: TypeAlias = Literal[
        "SystemExited",
        "SystemCrashInitiated",
        "SystemCrashReport",
        "SystemRdpEnhancedModeStateChanged",
        "SystemSiloJobCreated",
        "SystemGuestConnectionClosed",
        "ProcessExited",
        "OperationCallback",
        "ServiceDisconnect",
        "GroupVmLifecycle",
        "GroupLiveMigration",
        "GroupOperationInfo",
    ]

EVENT_TYPES: dict[EventType, int] = {
    "SystemExited": 0x00000001,
    "SystemCrashInitiated": 0x00000002,
    "SystemCrashReport": 0x00000003,
    "SystemRdpEnhancedModeStateChanged": 0x00000004,
    "SystemSiloJobCreated": 0x00000005,
    "SystemGuestConnectionClosed": 0x00000006,
    "ProcessExited": 0x00010000,
    "OperationCallback": 0x01000000,
    "ServiceDisconnect": 0x02000000,
    "GroupVmLifecycle": 0x80000002,
    "GroupLiveMigration": 0x80000003,
    "GroupOperationInfo": 0xC0000001,
}
"""The numbers, by their names in HCS without the HcsEvent before them."""

if not TYPE_CHECKING:

    def __getattr__(name):
        # For whoever reads an annotation.
        if name == "EventType":
            from typing import Literal

            return Literal[tuple(EVENT_TYPES)]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
