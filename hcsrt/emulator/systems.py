"""The HCS functions on compute systems: when each is allowed, and what it does."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from .._hresults import (
    E_HANDLE,
    HCS_E_INVALID_STATE,
    HCS_E_SYSTEM_ALREADY_EXISTS,
    HCS_E_SYSTEM_ALREADY_STOPPED,
    HCS_E_SYSTEM_NOT_FOUND,
)
from . import _native, properties, resources, schema
from .failures import Failure, invalid_argument, not_emulated
from .model import FORCED, GRACEFUL, UNEXPECTED, Model, System
from .outbox import CRASH_INITIATED, CRASH_REPORT, Answer, Outbox
from .settings import create_file, read_file
from .signals import SIGCONT, SIGSTOP
from .stopping import Stopping
from .verbs import expect_no_options, verb

# NMI_HARDWARE_FAILURE: a crash is an injected NMI, and this is what Windows makes of one.
_CRASH_CODE = 0x80
# The beginning of a file with the state of a virtual machine of the emulator.
_SAVED_STATE = b"saved state of the hcsrt emulator\n"


class Systems:
    """The HCS functions on compute systems."""

    def __init__(self, model: Model, stopping: Stopping, outbox: Outbox) -> None:
        self._model = model
        self._stopping = stopping
        self._outbox = outbox
        self._variation = outbox.variation
        self._sessions = properties.Sessions()

    @verb("HcsCreateComputeSystem", "HcsCreateComputeSystemInNamespace")
    def _create(self, request: _native.Request) -> Answer:
        document = schema.compute_system(request.text or "")
        scope, id = request.scope or "", request.id or ""
        if self._model.live_system(scope, id) is not None:
            raise Failure(HCS_E_SYSTEM_ALREADY_EXISTS, f"A compute system with the id {id!r} exists already.")
        host = self._host(scope, document) if "HostedSystem" in document else None
        _expect_saved_state(document.get("VirtualMachine", {}).get("RestoreState", {}))
        system = System(request.system, scope, id, document, host, str(self._variation.guid()))
        self._model.add_system(system)
        return Answer()

    def _host(self, scope: str, document: dict[str, Any]) -> System:
        host = self._model.live_system(scope, document["HostingSystemId"])
        if host is None:
            raise Failure(HCS_E_SYSTEM_NOT_FOUND, "No compute system has the id in HostingSystemId.")
        if not host.guest_connection or host.state != "Running" or host.stopping:
            raise Failure(HCS_E_INVALID_STATE, f"The compute system {host.id!r} cannot host another one now.")
        return host

    @verb("HcsOpenComputeSystem", "HcsOpenComputeSystemInNamespace", at_once=True)
    def _open(self, request: _native.Request) -> Answer:
        system = self._model.live_system(request.scope or "", request.id or "")
        if system is None:
            raise Failure(HCS_E_SYSTEM_NOT_FOUND, f"No compute system has the id {request.id!r}.")
        system.held = system.opened = True
        return Answer(key=system.key)

    @verb("HcsStartComputeSystem")
    def _start(self, request: _native.Request) -> Answer:
        expect_no_options(request)
        system = self._model.live_system_of(request)
        if system.state != "Created":
            raise Failure(HCS_E_INVALID_STATE, "The compute system has been started already.")
        system.state = "Running"
        system.started = datetime.now(UTC)
        return Answer()

    @verb("HcsShutDownComputeSystem")
    def _shut_down(self, request: _native.Request) -> None:
        options = schema.parse_optional(request.text, "ShutdownOptions")
        system = self._model.system_of(request)
        if system.stopping:
            raise _already_stopped()
        if system.state != "Running":
            raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")
        if options.get("Type", "Shutdown") != "Shutdown":
            raise not_emulated(f"a shutdown of type {options['Type']}")
        if system.type == "VirtualMachine":
            services = system.document["VirtualMachine"].get("Services", {})
            ways = {"GuestConnection": system.guest_connection, "IntegrationService": "Shutdown" in services}
            if not (ways[options["Mechanism"]] if "Mechanism" in options else any(ways.values())):
                raise self._model.no_guest("The virtual machine has no service that could shut it down; terminate it.")
        system.shutdown_ticket = request.ticket
        self._stopping.begin(system, GRACEFUL)

    @verb("HcsTerminateComputeSystem")
    def _terminate(self, request: _native.Request) -> None:
        expect_no_options(request)
        system = self._model.system_of(request)
        if system.killed:
            raise _already_stopped()
        system.terminate_ticket = request.ticket
        self._stopping.begin(system, FORCED)

    @verb("HcsCrashComputeSystem")
    def _crash(self, request: _native.Request) -> Answer:
        schema.parse_optional(request.text, "CrashOptions")
        system = self._running_machine(request)
        record = self._tell_crash(system)
        # The reference calls it a termination; what a guest does that reboots after its crash is another matter.
        if self._variation.choose("crashed_guest") == "exits":
            system.attribution = [record]
            self._stopping.begin(system, UNEXPECTED)
        return Answer()

    def _tell_crash(self, system: System) -> dict[str, Any]:
        """Tell that the guest of a machine has crashed; return the AttributionRecord of that."""
        activity = str(self._variation.guid())
        report = {"SystemId": system.id, "ActivityId": activity, "CrashParameters": [_CRASH_CODE, 0, 0, 0, 0]}
        self._outbox.emit_in_order(
            system.key, (CRASH_INITIATED, json.dumps(report)), (CRASH_REPORT, json.dumps(report | {"Status": 0}))
        )
        return {"GuestCrash": {"CrashParameters": report["CrashParameters"]}}

    @verb("GuestCrashed")
    def _guest_crashed(self, request: _native.Request) -> None:
        process = self._model.processes.get(request.process)
        system = self._model.systems.get(request.system) if process is None else process.system
        if system is None or system.killed or system.state not in ("Running", "Paused"):
            return
        if system.type == "VirtualMachine":
            system.attribution = [self._tell_crash(system)]
        self._stopping.begin(system, UNEXPECTED)

    @verb("HcsPauseComputeSystem")
    def _pause(self, request: _native.Request) -> Answer:
        options = schema.parse_optional(request.text, "PauseOptions")
        system = self._running_machine(request)
        if options.get("SuspensionLevel", "Suspend") != "Suspend":
            raise not_emulated(f"a suspension of level {options['SuspensionLevel']}")
        for process in system.processes.values():
            process.signal(SIGSTOP)
        system.state = "Paused"
        return Answer()

    @verb("HcsResumeComputeSystem")
    def _resume(self, request: _native.Request) -> Answer:
        expect_no_options(request)
        system = self._machine(request, "Paused")
        for process in system.processes.values():
            process.signal(SIGCONT)
        system.state = "Running"
        return Answer()

    @verb("HcsSaveComputeSystem")
    def _save(self, request: _native.Request) -> Answer:
        options = schema.parse_optional(request.text, "SaveOptions")
        system = self._machine(request, "Paused")
        if options.get("SaveType", "ToFile") != "ToFile":
            raise not_emulated(f"a save of type {options['SaveType']}")
        if not options.get("SaveStateFilePath"):
            raise invalid_argument("$.SaveStateFilePath", "a file to save to is needed")
        create_file(options["SaveStateFilePath"], _SAVED_STATE + system.id.encode("utf-8", "surrogatepass"))
        return Answer()

    @verb("HcsModifyComputeSystem")
    def _modify(self, request: _native.Request) -> Answer:
        system = self._model.live_system_of(request)
        if system.state != "Running":
            raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")
        resources.modify(system, request.text or "", self._variation)
        return Answer()

    def _running_machine(self, request: _native.Request) -> System:
        return self._machine(request, "Running")

    def _machine(self, request: _native.Request, state: str) -> System:
        """Return the virtual machine of a request that needs one in this state."""
        system = self._model.live_system_of(request)
        if system.type != "VirtualMachine":
            raise Failure(self._variation.hresult("container_as_machine"), "Only a virtual machine can do that.")
        if system.state != state:
            raise Failure(HCS_E_INVALID_STATE, f"The virtual machine is not {state.lower()}.")
        return system

    @verb("HcsEnumerateComputeSystems", "HcsEnumerateComputeSystemsInNamespace")
    def _enumerate(self, request: _native.Request) -> Answer:
        query = schema.parse_optional(request.text, "SystemQuery")
        types, owners = query.get("Types"), query.get("Owners")
        found = [
            properties.basic(system, self._variation)
            for system in self._candidates(request.scope or "", query.get("Ids"), query.get("Names"), owners)
            if (not types or system.type in types) and (not owners or system.owner in owners)
        ]
        return Answer(json.dumps(found))

    def _candidates(
        self, scope: str, ids: list[str] | None, names: list[str] | None, owners: list[str] | None
    ) -> Collection[System]:
        """Return the systems of a namespace, or those with these ids, the names of which are the same, or owners."""
        if not ids and not names and not owners:
            return self._model.live_systems(scope)
        if not ids and not names:
            owned = [system for owner in set(owners or ()) for system in self._model.owned_systems(scope, owner)]
            return sorted(owned, key=lambda system: system.key)
        wanted = set(ids) & set(names) if ids and names else set(ids or names or ())
        found = (self._model.live_system(scope, id) for id in wanted)
        return sorted((system for system in found if system is not None), key=lambda system: system.key)

    @verb("HcsGetComputeSystemProperties")
    def _properties(self, request: _native.Request) -> Answer:
        system = self._model.system_of(request)
        is_going = system.stopping and system.state != "Stopped"
        if is_going and self._variation.choose("properties_while_stopping") != "given":
            raise Failure(E_HANDLE, "The compute system is being stopped.")
        return Answer(properties.of_system(system, request, self._variation, self._sessions))

    @verb("HandlesReleased")
    def _handles_released(self, request: _native.Request) -> None:
        if request.process:
            process = self._model.processes.get(request.process)
            if process is None:
                # Its creation failed; the native half has kept it for the handle's sake.
                _native.forget(request.process)
            else:
                process.held = False
                self._model.forget_if_unused(process)
            return
        system = self._model.systems.get(request.system)
        if system is None:
            return
        system.held = False
        if system.state == "Stopped":
            self._model.forget_system(system)
        elif system.terminate_on_last_handle_closed and not system.killed:
            self._stopping.begin(system, FORCED)


def _expect_saved_state(restore: dict[str, Any]) -> None:
    """Refuse a RestoreState that no virtual machine can start from."""
    if restore.get("TemplateSystemId"):
        raise not_emulated("a start from a template")
    path = restore.get("SaveStateFilePath")
    if path and not read_file(path).startswith(_SAVED_STATE):
        raise invalid_argument("$.VirtualMachine.RestoreState.SaveStateFilePath", "holds no state that was saved here")


def _already_stopped() -> Failure:
    return Failure(HCS_E_SYSTEM_ALREADY_STOPPED, "The compute system has been stopped, or is being stopped, already.")
