"""Bounds that no schema has, and that rules and builders share."""

from __future__ import annotations

LONGEST_HOST_NAME = 15
"""What NetBIOS can hold of the name of a computer."""

MOST_MEGABYTES = 240 * 1024 * 1024
"""The most memory that a machine of Hyper-V has. Who gives more gives it in bytes."""

LAST_LUN = 63
"""The last place of a SCSI controller."""

LAST_COM_PORT = 1
"""The last serial port of a machine."""
