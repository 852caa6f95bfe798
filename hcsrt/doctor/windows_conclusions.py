"""Conclusions from the readings of Windows."""

from __future__ import annotations

from .finding import BECOME_MEMBER, TURN_ON, UPDATE, Finding, Status, enable
from .windows import DLLS, FEATURES, Hypervisor, Readings, Service, Unreadable, Version

_FIRST_BUILD = 17763  # Windows 10 1809 and Server 2019, whose computecore.dll has the documented functions
_WINDOWS_11_BUILD = 22000

_ELEVATE = "Start it again from a terminal that was opened with Run as administrator."


def conclude(readings: Readings) -> list[Finding]:
    services = readings.services
    return [
        _account(readings),
        _vmcompute(services["vmcompute"]),
        _hns(services["hns"]),
        _containers(readings),
        _hyper_v(readings),
        _hypervisor(readings.hypervisor),
        *(_dll(name, readings.dlls[name]) for name in DLLS),
    ]


def system(version: Version | Unreadable) -> Finding:
    if isinstance(version, Unreadable):
        return Finding(
            "system", "unknown", f"The build of Windows cannot be read: {version.why}.", "Look it up with `winver`."
        )
    product = "Server" if version.is_server else "11" if version.build >= _WINDOWS_11_BUILD else "10"
    words = [f"Windows {product}", version.release, version.edition]
    build = f"{version.build}" if version.revision is None else f"{version.build}.{version.revision}"
    found = f"This is {' '.join(word for word in words if word)}, build {build}"
    if version.build < _FIRST_BUILD:
        return Finding("system", "error", f"{found}, which is older than the HCS that hcsrt talks to.", UPDATE)
    return Finding("system", "ok", f"{found}.")


def _account(readings: Readings) -> Finding:
    administrator, member = readings.is_administrator, readings.is_hyper_v_administrator
    if administrator is True:
        return Finding("account", "ok", "This process runs with the rights of an administrator.")
    if member is True:
        return Finding("account", "ok", "This process runs with the rights of Hyper-V Administrators.")
    if isinstance(administrator, Unreadable):
        return _unreadable("account", "The rights of this process", administrator, "Run it as an administrator.")
    if isinstance(member, Unreadable):
        return _unreadable("account", "The groups of this account", member, "Run it as an administrator.")
    if readings.could_elevate is True:
        found = "This is an administrator's account, but the process is not elevated."
        return Finding("account", "error", found, _ELEVATE)
    return Finding(
        "account",
        "error",
        "This process runs neither as an administrator nor as a member of Hyper-V Administrators.",
        BECOME_MEMBER,
    )


def _vmcompute(service: Service | Unreadable | None) -> Finding:
    name = "service.vmcompute"
    if service is None:
        return Finding(name, "error", "The Host Compute Service (vmcompute) is not installed.", TURN_ON)
    return _installed_service(name, "vmcompute", service, "error")


def _hns(service: Service | Unreadable | None) -> Finding:
    name = "service.hns"
    if service is None:
        return Finding(
            name,
            "warning",
            "The Host Network Service (hns) is not installed: containers get no network.",
            "Turn on the Windows feature Containers, and restart Windows.",
        )
    return _installed_service(name, "hns", service, "warning")


def _installed_service(name: str, service: str, reading: Service | Unreadable, disabled: Status) -> Finding:
    if isinstance(reading, Unreadable):
        return _unreadable(name, f"The state of {service}", reading, f"Look it up with `sc.exe query {service}`.")
    if reading.is_disabled:
        if reading.state == "running":
            found = f"{service} runs, but is disabled and will not start again."
            return Finding(name, "warning", found, enable(service))
        return Finding(name, disabled, f"{service} is disabled.", enable(service))
    if reading.state == "changing":
        found = f"{service} is starting, stopping or paused."
        return Finding(name, "warning", found, f"Wait, and look again with `sc.exe query {service}`.")
    found = "runs" if reading.state == "running" else "does not run; Windows starts it when it is needed"
    return Finding(name, "ok", f"{service} {found}.")


def _containers(readings: Readings) -> Finding:
    # No service is the feature's alone: both come with Hyper-V and Virtual Machine Platform too.
    services = [readings.services[name] for name in ("vmcompute", "hns")]
    chosen = readings.features[FEATURES["Containers"]]
    name = "feature.containers"
    if chosen is False or None in services:
        return _feature_off(name, "Containers", chosen, "there are no Windows Server containers", readings.version)
    if chosen is True and not any(isinstance(service, Unreadable) for service in services):
        return Finding(name, "ok", "Containers is on.")
    return Finding(
        name,
        "unknown",
        "Whether Containers is on cannot be told without asking the servicing stack.",
        "Look it up as an administrator with `dism /online /get-featureinfo /featurename:Containers`.",
    )


def _hyper_v(readings: Readings) -> Finding:
    service = readings.services["vmms"]  # the management service, which comes with this feature and no other
    name = "feature.hyper-v"
    if isinstance(service, Unreadable):
        remedy = "Look it up with `sc.exe query vmms`."
        return _unreadable(name, "Whether Hyper-V is on", service, remedy)
    if service is None:
        lost = "there are no virtual machines of Hyper-V"
        return _feature_off(name, "Hyper-V", readings.features[FEATURES["Hyper-V"]], lost, readings.version)
    return Finding(name, "ok", "Hyper-V is on.")


def _feature_off(
    name: str, feature: str, chosen: bool | Unreadable | None, lost: str, version: Version | Unreadable
) -> Finding:
    if chosen is True:
        found = f"{feature} was turned on and waits for a restart: until then {lost}."
        return Finding(name, "warning", found, "Restart Windows.")
    # EditionID of Home is Core, with an ending for some countries and languages.
    if isinstance(version, Version) and (version.edition or "").startswith("Core") and not version.is_server:
        remedy = f"Move to Windows Pro, Enterprise, Education or Server, because Home has no feature {feature}."
    else:
        dism = f"dism /online /enable-feature /all /featurename:{FEATURES[feature]}"
        remedy = f"Turn it on as an administrator with `{dism}`, and restart Windows."
    return Finding(name, "warning", f"{feature} is off: {lost}.", remedy)


def _hypervisor(reading: Hypervisor | Unreadable) -> Finding:
    name = "hypervisor"
    if isinstance(reading, Unreadable):
        return _unreadable(name, "Whether a hypervisor runs", reading, "Look at the last lines of `systeminfo`.")
    if not reading.is_present:
        found = "No hypervisor runs: there are no virtual machines and no isolation by Hyper-V."
        if reading.firmware_allows:
            remedy = "Let it start with `bcdedit /set hypervisorlaunchtype auto`, and restart Windows."
        else:
            remedy = "Turn on virtualization in the firmware or, in a virtual machine, have its host expose it."
        return Finding(name, "warning", found, remedy)
    if reading.is_ours is None:
        found = "A hypervisor runs; whether this Windows may make virtual machines on it cannot be told."
        return Finding(name, "unknown", found, "Look whether `systeminfo` lists the requirements of Hyper-V.")
    if not reading.is_ours:
        return Finding(
            name,
            "warning",
            "This Windows is a virtual machine itself, and may not make others.",
            "On its host, use `Set-VMProcessor -ExposeVirtualizationExtensions $true`, or what does that there.",
        )
    return Finding(name, "ok", "The hypervisor runs, and this Windows may make virtual machines on it.")


_USES: dict[str, str] = {
    "computestorage.dll": "layers of containers cannot be prepared",
    "computenetwork.dll": "networks cannot be managed",
    "vmcompute.dll": "older programs for containers do not work; hcsrt does not need it",
}


def _dll(file: str, is_there: bool | Unreadable) -> Finding:
    name = f"dll.{file.removesuffix('.dll')}"
    if isinstance(is_there, Unreadable):
        return _unreadable(name, f"Whether {file} is there", is_there, "Look for it in the folder System32.")
    if is_there:
        return Finding(name, "ok", f"{file} is in System32.")
    if file == "computecore.dll":
        return Finding(name, "error", f"{file} is not in System32.", TURN_ON)
    return Finding(name, "warning", f"{file} is not in System32: {_USES[file]}.", TURN_ON)


def _unreadable(name: str, what: str, reading: Unreadable, remedy: str) -> Finding:
    return Finding(name, "unknown", f"{what} could not be read: {reading.why.removesuffix('.')}.", remedy)
