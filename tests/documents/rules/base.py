"""What cases of rules are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hcsrt.documents.problems import Problem

GUID = "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11"
OTHER = "7c936f90-3131-5f18-ad64-69ffca88a11c"
V2 = {"Major": 2, "Minor": 1}
VOLUME = "\\\\?\\Volume{26a90000-0000-0000-0000-100000000000}\\"
LAYER = {"Id": GUID, "Path": "C:\\layers\\base"}
SECOND = {"Id": OTHER, "Path": "C:\\layers\\top"}
STORAGE: dict[str, Any] = {"Layers": [LAYER], "Path": VOLUME}
GUEST_STORAGE: dict[str, Any] = {
    "Layers": [{"Id": GUID, "Path": "\\\\?\\VMSMB\\VSMB-{x}\\s0"}],
    "Path": "C:\\mounts\\scsi\\m0",
}
MACHINE: dict[str, Any] = {"Chipset": {"Uefi": {}}, "ComputeTopology": {"Memory": {"SizeInMB": 512}}}
DISK = {"Type": "VirtualDisk", "Path": "C:\\d.vhdx"}
SHARE = {"Name": "s", "Path": "C:\\s"}
DEVICES = "VirtualMachine/Devices/"


def container(**members: Any) -> dict[str, Any]:
    """Return a document of a container on the host."""
    return {"SchemaVersion": V2, "Container": {"Storage": STORAGE} | members}


def hosted(**members: Any) -> dict[str, Any]:
    """Return a document of a container in a virtual machine."""
    system = {"SchemaVersion": V2, "Container": {"Storage": GUEST_STORAGE} | members}
    return {"SchemaVersion": V2, "HostingSystemId": "vm", "HostedSystem": system}


def machine(**members: Any) -> dict[str, Any]:
    """Return a document of a virtual machine."""
    return {"SchemaVersion": V2, "VirtualMachine": MACHINE | members}


def changed(path: str, settings: Any = None, change: str = "Add") -> dict[str, Any]:
    """Return a request to change a compute system."""
    request = {"ResourcePath": path, "RequestType": change}
    return request if settings is None else request | {"Settings": settings}


@dataclass(frozen=True)
class Found:
    """A problem that is to be found."""

    kind: str
    path: str
    severity: str = "error"
    text: str | None = None  # None for what the structure says: its words are not those of rules

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Problem):
            return NotImplemented
        same = (self.kind, self.path, self.severity) == (other.kind, other.path, other.severity)
        return same and self.text in (None, other.text)

    __hash__ = None  # type: ignore[assignment]


def error(path: str, text: str) -> Found:
    """Return what a rule finds with `look.error`."""
    return Found("rule", path, "error", text)


def warning(path: str, text: str) -> Found:
    """Return what a rule finds with `look.warning`."""
    return Found("rule", path, "warning", text)


def ignored(path: str, reason: str) -> Found:
    """Return what a rule finds with `look.ignored`."""
    return Found("ignored", path, "warning", f"accepted, and has no effect: {reason}")


def structure(kind: str, path: str) -> Found:
    """Return what a rule has found by `look.check`."""
    return Found(kind, path)


@dataclass(frozen=True)
class Case:
    """A rule by its name, a document that breaks it, what is found in that, and one that does not break it."""

    rule: str
    type: str
    broken: Any
    sound: Any
    finds: tuple[Found, ...]
    host: str

    def __str__(self) -> str:
        return f"{self.rule}-{self.type}"


def case(rule: str, type: str, broken: Any, sound: Any, *finds: Found, host: str = "windows") -> Case:
    """Return a case of a rule."""
    return Case(rule, type, broken, sound, finds, host)
