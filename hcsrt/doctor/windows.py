"""The readings of this Windows, taken with ctypes and winreg alone; nothing is changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from ..errors import explain

T = TypeVar("T")

SERVICES = ("vmcompute", "hns", "vmms")
FEATURES = {"Containers": "Containers", "Hyper-V": "Microsoft-Hyper-V"}
"""The Windows features by the names that people use, with those of Component Based Servicing."""
DLLS = ("computecore.dll", "computestorage.dll", "computenetwork.dll", "vmcompute.dll")


@dataclass(frozen=True)
class Unreadable:
    """A reading that could not be taken."""

    why: str


@dataclass(frozen=True)
class Version:
    """The version of Windows. revision, release and edition are None where the registry does not tell them."""

    build: int
    is_server: bool
    revision: int | None
    release: str | None
    edition: str | None


@dataclass(frozen=True)
class Service:
    """A service that is installed."""

    state: Literal["running", "stopped", "changing"]
    is_disabled: bool


@dataclass(frozen=True)
class Hypervisor:
    """The hypervisor under this Windows, and whether this Windows may make virtual machines on it."""

    is_present: bool
    is_ours: bool | None  # None if the hypervisor does not say
    firmware_allows: bool  # always False while a hypervisor uses what the firmware allows


@dataclass(frozen=True)
class Readings:
    """All that is read, before anything is concluded from it."""

    version: Version | Unreadable
    is_administrator: bool | Unreadable
    is_hyper_v_administrator: bool | Unreadable
    could_elevate: bool | Unreadable
    services: Mapping[str, Service | Unreadable | None]  # None for one that is not installed
    features: Mapping[str, bool | Unreadable | None]  # None for one that nobody has ever turned on or off
    hypervisor: Hypervisor | Unreadable
    dlls: Mapping[str, bool | Unreadable]


def taken(reading: Callable[[], T]) -> T | Unreadable:
    """Return the reading, or why there is none, in English whatever the language of Windows is."""
    try:
        return reading()
    except Exception as error:
        code = getattr(error, "winerror", None)
        return Unreadable(explain(code).meaning if code else str(error) or type(error).__name__)


if sys.platform == "win32":
    import ctypes
    import os
    import winreg
    from ctypes import wintypes
    from functools import partial

    _SEARCH_SYSTEM32 = 0x800
    _ADMINISTRATORS = "S-1-5-32-544"
    _HYPER_V_ADMINISTRATORS = "S-1-5-32-578"
    _WINDOWS_NT = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    _OPTIONAL_FEATURES = (
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Notifications\OptionalFeatures"
    )

    _VER_NT_WORKSTATION = 1
    _TOKEN_QUERY = 8
    _TOKEN_ELEVATION_TYPE = 18
    _ELEVATION_TYPE_LIMITED = 3
    _SC_MANAGER_CONNECT = 1
    _SERVICE_QUERY_CONFIG = 1
    _SERVICE_QUERY_STATUS = 4
    _SERVICE_STOPPED = 1
    _SERVICE_RUNNING = 4
    _SERVICE_DISABLED = 4
    _SERVICE_CONFIG_SIZE = 8192  # the most that QueryServiceConfigW gives
    _ERROR_SERVICE_DOES_NOT_EXIST = 1060
    _PF_VIRT_FIRMWARE_ENABLED = 21
    _SYSTEM_HYPERVISOR_INFORMATION = 91
    _SYSTEM_HYPERVISOR_DETAIL_INFORMATION = 159
    # The privileges of a partition by CPUID 0x40000003 EBX, the fourth of the leaves that the kernel passes on.
    _PRIVILEGES_HIGH = 3 * 4 + 1
    _CREATE_PARTITIONS = 1

    def read() -> Readings:
        """Take all readings."""
        return Readings(
            version=taken(_version),
            is_administrator=taken(partial(_is_member, _ADMINISTRATORS)),
            is_hyper_v_administrator=taken(partial(_is_member, _HYPER_V_ADMINISTRATORS)),
            could_elevate=taken(_could_elevate),
            services={name: taken(partial(_service, name)) for name in SERVICES},
            features={name: taken(partial(_feature, name)) for name in FEATURES.values()},
            hypervisor=taken(_hypervisor),
            dlls={name: taken(partial(_is_in_system32, name)) for name in DLLS},
        )

    def _dll(name: str) -> ctypes.WinDLL:
        return ctypes.WinDLL(name, use_last_error=True, winmode=_SEARCH_SYSTEM32)

    def _check(result: int | None) -> None:
        if not result:
            raise ctypes.WinError(ctypes.get_last_error())

    def _registry_value(key: str, name: str) -> object:
        """Return a value of the local machine, None if it or its key is not there."""
        try:
            access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, access=access) as opened:
                return winreg.QueryValueEx(opened, name)[0]
        except FileNotFoundError:
            return None

    class _OsVersion(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("major", wintypes.DWORD),
            ("minor", wintypes.DWORD),
            ("build", wintypes.DWORD),
            ("platform", wintypes.DWORD),
            ("service_pack", wintypes.WCHAR * 128),
            ("service_pack_major", wintypes.WORD),
            ("service_pack_minor", wintypes.WORD),
            ("suite", wintypes.WORD),
            ("product_type", wintypes.BYTE),
            ("reserved", wintypes.BYTE),
        )

    def _version() -> Version:
        # Not sys.getwindowsversion(): an executable without a manifest is told of an old Windows.
        version = _OsVersion(size=ctypes.sizeof(_OsVersion))
        _dll("ntdll").RtlGetVersion(ctypes.byref(version))
        revision = _registry_value(_WINDOWS_NT, "UBR")
        release = _registry_value(_WINDOWS_NT, "DisplayVersion") or _registry_value(_WINDOWS_NT, "ReleaseId")
        edition = _registry_value(_WINDOWS_NT, "EditionID")
        return Version(
            build=version.build,
            is_server=version.product_type != _VER_NT_WORKSTATION,
            revision=revision if isinstance(revision, int) else None,
            release=release if isinstance(release, str) else None,
            edition=edition if isinstance(edition, str) else None,
        )

    def _is_member(group: str) -> bool:
        """Return whether a group gives this process rights; one that is for denying only does not."""
        advapi32 = _dll("advapi32")
        sid = ctypes.c_void_p()
        _check(advapi32.ConvertStringSidToSidW(ctypes.c_wchar_p(group), ctypes.byref(sid)))
        try:
            member = wintypes.BOOL()
            _check(advapi32.CheckTokenMembership(None, sid, ctypes.byref(member)))
            return bool(member.value)
        finally:
            _dll("kernel32").LocalFree(sid)

    def _could_elevate() -> bool:
        """Return whether this is the lesser of an administrator's two tokens."""
        kernel32, advapi32 = _dll("kernel32"), _dll("advapi32")
        kernel32.GetCurrentProcess.restype = wintypes.HANDLE
        token = wintypes.HANDLE()
        process = wintypes.HANDLE(kernel32.GetCurrentProcess())
        _check(advapi32.OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)))
        try:
            kind, size = wintypes.DWORD(), wintypes.DWORD()
            _check(
                advapi32.GetTokenInformation(
                    token, _TOKEN_ELEVATION_TYPE, ctypes.byref(kind), ctypes.sizeof(kind), ctypes.byref(size)
                )
            )
            return kind.value == _ELEVATION_TYPE_LIMITED
        finally:
            kernel32.CloseHandle(token)

    def _service(name: str) -> Service | None:
        advapi32 = _dll("advapi32")
        advapi32.OpenSCManagerW.restype = advapi32.OpenServiceW.restype = wintypes.HANDLE
        manager = wintypes.HANDLE(advapi32.OpenSCManagerW(None, None, _SC_MANAGER_CONNECT))
        _check(manager.value)
        try:
            access = _SERVICE_QUERY_STATUS | _SERVICE_QUERY_CONFIG
            service = wintypes.HANDLE(advapi32.OpenServiceW(manager, ctypes.c_wchar_p(name), access))
            if not service.value and ctypes.get_last_error() == _ERROR_SERVICE_DOES_NOT_EXIST:
                return None
            _check(service.value)
            try:
                return _opened_service(advapi32, service)
            finally:
                advapi32.CloseServiceHandle(service)
        finally:
            advapi32.CloseServiceHandle(manager)

    def _opened_service(advapi32: ctypes.WinDLL, service: wintypes.HANDLE) -> Service:
        needed = wintypes.DWORD()
        # SERVICE_STATUS_PROCESS: the type, the state, and seven more.
        status = (wintypes.DWORD * 9)()
        _check(advapi32.QueryServiceStatusEx(service, 0, status, ctypes.sizeof(status), ctypes.byref(needed)))
        # QUERY_SERVICE_CONFIGW: the type, the start type, and what is not asked for here.
        config = (wintypes.DWORD * (_SERVICE_CONFIG_SIZE // 4))()
        _check(advapi32.QueryServiceConfigW(service, config, ctypes.sizeof(config), ctypes.byref(needed)))
        states: dict[int, Literal["running", "stopped"]] = {_SERVICE_RUNNING: "running", _SERVICE_STOPPED: "stopped"}
        return Service(state=states.get(status[1], "changing"), is_disabled=config[1] == _SERVICE_DISABLED)

    def _feature(name: str) -> bool | None:
        # The last choice by Windows' own record, which takes effect with the next start of Windows.
        selection = _registry_value(rf"{_OPTIONAL_FEATURES}\{name}", "Selection")
        return bool(selection) if isinstance(selection, int) else None

    def _hypervisor() -> Hypervisor:
        ntdll = _dll("ntdll")
        information = (ctypes.c_ubyte * 16)()
        status: int = ntdll.NtQuerySystemInformation(
            _SYSTEM_HYPERVISOR_INFORMATION, information, ctypes.sizeof(information), None
        )
        if status < 0:
            raise OSError(f"NtQuerySystemInformation answers 0x{status & 0xFFFFFFFF:08X}")
        # SYSTEM_HYPERVISOR_QUERY_INFORMATION: connected, debugging, present.
        is_present = bool(information[2])
        is_ours = None
        leaves = (wintypes.DWORD * (7 * 4))()
        status = ntdll.NtQuerySystemInformation(
            _SYSTEM_HYPERVISOR_DETAIL_INFORMATION, leaves, ctypes.sizeof(leaves), None
        )
        if status >= 0 and is_present:
            is_ours = bool(leaves[_PRIVILEGES_HIGH] & _CREATE_PARTITIONS)
        firmware_allows = bool(_dll("kernel32").IsProcessorFeaturePresent(_PF_VIRT_FIRMWARE_ENABLED))
        return Hypervisor(is_present, is_ours, firmware_allows)

    def _is_in_system32(name: str) -> bool:
        kernel32 = _dll("kernel32")
        folder = ctypes.create_unicode_buffer(32768)
        _check(kernel32.GetSystemDirectoryW(folder, len(folder)))
        return os.path.isfile(os.path.join(folder.value, name))
