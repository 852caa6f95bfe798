"""Properties documents: what compute systems tell about themselves.

Figures are those of the real processes: of ended ones by the system's own accounting, of living ones through psutil. It
comes with the extra `emulator`; without it the queries that need it answer E_NOTIMPL.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .._hresults import ERROR_NOT_SUPPORTED, HCS_E_INVALID_STATE
from . import _native, imports, schema
from .failures import Failure, Problem, invalid_json, not_emulated
from .settings import SCHEMA_VERSIONS
from .usage import Seen, Usage

if TYPE_CHECKING:
    import psutil

    from .model import Process, System
    from .variation import Variation

T = TypeVar("T")

_PAGES_PER_MB = 256
_TICKS_PER_SECOND = 10_000_000


class Sample(NamedTuple):
    """A look at one process: its pid and time of creation, its parent, what it used, what it holds in bytes."""

    process: tuple[int, float]
    parent: int
    usage: Usage
    commit: int
    private: int


def basic(system: System, variation: Variation) -> dict[str, object]:
    """Return the properties of a system that every answer has."""
    document: dict[str, object] = {
        "Id": system.id,
        "SystemType": system.type,
        "Name": system.id,
        "RuntimeId": system.runtime_id,
        "State": system.state,
    }
    # multipass was seen to get no State of a virtual machine that has not started, restored ones included.
    is_new = system.type == "VirtualMachine" and system.state == "Created"
    if is_new and variation.choose("state_before_start") == "absent":
        del document["State"]
    if system.runs_processes:
        document["RuntimeOsType"] = "Linux" if system.linux else "Windows"
    if system.owner is not None:
        document["Owner"] = system.owner
    if system.hosting_id is not None:
        document["HostingSystemId"] = system.hosting_id
    if system.state == "Stopped":
        document["Stopped"] = True
        document["ExitType"] = system.exit_type
    return document


class Sessions:
    """The processes of this machine by session, looked up once for all questions that were asked before the look."""

    def __init__(self) -> None:
        self._pids: dict[int, list[int]] = {}
        # Questions with a lower ticket were asked before the look.
        self._until = 0
        # How many looks there were.
        self.looks: int = 0

    def pids(self, sessions: Iterable[int], ticket: int, psutil: ModuleType) -> Iterator[int]:
        """Return the pids in these sessions, as they are since a question was asked."""
        if ticket >= self._until:
            # Tickets and keys are of one sequence.
            self._until = _native.new_key()
            self._pids = {}
            self.looks += 1
            for pid in psutil.pids():
                with suppress(OSError):
                    self._pids.setdefault(os.getsid(pid), []).append(pid)
        found = [(pid, session) for session in sessions for pid in self._pids.get(session, ())]
        # In the order of their numbers, and so in most cases parents first: a child that ends between the looks at both
        # is then missed, and not counted twice.
        for pid, session in sorted(found):
            # Another process may have the number by now.
            with suppress(OSError):
                if os.getsid(pid) == session:
                    yield pid


class Question(NamedTuple):
    """A system and what is asked of it."""

    system: System
    ticket: int
    sessions: Sessions


def of_system(system: System, request: _native.Request, variation: Variation, sessions: Sessions) -> str:
    """Return the Properties document that answers a request with a System_PropertyQuery."""
    asked = schema.parse_optional(request.text, "System_PropertyQuery")
    question = Question(system, request.ticket, sessions)
    document = basic(system, variation)
    types: list[str] = asked.get("PropertyTypes", [])
    if "Statistics" not in types:
        # Older builds leave these out; only statistics are certain to name the owner.
        for name, member in (("owner_in_answers", "Owner"), ("os_type_in_answers", "RuntimeOsType")):
            if member in document and variation.choose(name) == "absent":
                del document[member]
    for name in types:
        member, answer = _property(name)
        document[member] = answer(question)
    if "Queries" in asked:
        document["PropertyResponses"] = {name: _response(question, name) for name in asked["Queries"]}
    return json.dumps(document)


def _response(question: Question, name: str) -> dict[str, object]:
    """Return the PropertyResponse to one named query: a failure of one property leaves the others alone."""
    try:
        if name not in schema.enum_values("System_PropertyType"):
            raise invalid_json(Problem(schema.member("$.Queries", name), f"{name!r} is no System_PropertyType"))
        return {"Response": _property(name)[1](question)}
    except Failure as failure:
        return {"Error": failure.result_error()}


def _property(name: str) -> tuple[str, Callable[[Question], object]]:
    """Return the member of Properties for a property type, and what answers it."""
    try:
        return _PROPERTIES[name]
    except KeyError:
        # Those that the reference lacks, and that Microsoft's own clients ask for.
        raise not_emulated(f"the property {name}") from None


# --- the properties of a system ---------------------------------------------------------------------------------------


def _memory(question: Question) -> dict[str, object]:
    system = question.system
    if system.type != "VirtualMachine":
        raise Failure(ERROR_NOT_SUPPORTED, "Only a virtual machine has the property Memory.")
    _expect_running(system)
    topology: dict[str, Any] = system.document["VirtualMachine"].get("ComputeTopology", {})
    pages = topology.get("Memory", {}).get("SizeInMB", 0) * _PAGES_PER_MB
    return {
        "VirtualNodeCount": 1,
        "VirtualMachineMemory": {
            "ReservedMemory": pages,
            "AssignedMemory": pages,
            "SlpActive": False,
            "BalancingEnabled": False,
            "DmOperationInProgress": False,
        },
    }


def _statistics(question: Question) -> dict[str, object]:
    system = question.system
    _expect_running(system)
    accounts = [process.account() for process in system.processes.values()]
    samples = _each_process(question, _sample)
    total = system.meter.total(accounts, _unaccounted(system, samples))
    commit = sum(sample.commit for sample in samples)
    system.meter.peak = max(system.meter.peak, commit)
    now = datetime.now(UTC)
    started = system.started or now
    return {
        "Timestamp": _time(now),
        "ContainerStartTime": _time(started),
        "Uptime100ns": _ticks((now - started).total_seconds()),
        "Processor": {
            "TotalRuntime100ns": total.user + total.kernel,
            "RuntimeUser100ns": total.user,
            "RuntimeKernel100ns": total.kernel,
        },
        "Memory": {
            "MemoryUsageCommitBytes": commit,
            "MemoryUsageCommitPeakBytes": system.meter.peak,
            "MemoryUsagePrivateWorkingSetBytes": sum(sample.private for sample in samples),
        },
        "Storage": {
            "ReadCountNormalized": total.reads,
            "ReadSizeBytes": total.bytes_read,
            "WriteCountNormalized": total.writes,
            "WriteSizeBytes": total.bytes_written,
        },
    }


def _unaccounted(system: System, samples: list[Sample]) -> dict[tuple[int, float], Seen]:
    """Return the living processes, none of which the system has counted yet, and who counts them at their end."""
    if sys.platform == "win32":
        return {}  # a job object counts those that live, too
    waited_for = {process.pid for process in system.processes.values()}
    parents = {sample.process[0] for sample in samples}
    return {
        sample.process: Seen(sample.usage, sample.process[0] in waited_for or sample.parent in parents)
        for sample in samples
    }


def _process_list(question: Question) -> list[dict[str, object]]:
    system = question.system
    _expect_running(system)
    if not system.runs_processes:
        raise Failure(ERROR_NOT_SUPPORTED, "The virtual machine has no guest connection to ask for its processes.")
    return _each_process(question, _process_details)


def _process_details(process: psutil.Process) -> dict[str, object]:
    times, memory = process.cpu_times(), process.memory_info()
    return {
        "ProcessId": process.pid,
        "ImageName": process.name(),
        "CreateTimestamp": _time(datetime.fromtimestamp(process.create_time(), UTC)),
        "UserTime100ns": _ticks(times.user),
        "KernelTime100ns": _ticks(times.system),
        "MemoryCommitBytes": _commit(memory),
        "MemoryWorkingSetPrivateBytes": _private(memory),
        "MemoryWorkingSetSharedBytes": memory.rss - _private(memory),
    }


def _terminate_on_last_handle_closed(question: Question) -> bool:
    return question.system.terminate_on_last_handle_closed


def _shared_memory_region(_: Question) -> object:
    raise not_emulated("the property SharedMemoryRegion")


def _guest_connection(question: Question) -> dict[str, object]:
    system = question.system
    _expect_running(system)
    if not system.guest_connection:
        raise Failure(ERROR_NOT_SUPPORTED, "The compute system has no guest connection.")
    return {**SCHEMA_VERSIONS, "ProtocolVersion": 4}


# Property type -> its member of Properties, and what answers it.
_PROPERTIES: dict[str, tuple[str, Callable[[Question], object]]] = {
    "Memory": ("Memory", _memory),
    "Statistics": ("Statistics", _statistics),
    "ProcessList": ("ProcessList", _process_list),
    "TerminateOnLastHandleClosed": ("TerminateOnLastHandleClosed", _terminate_on_last_handle_closed),
    "SharedMemoryRegion": ("SharedMemoryRegionInfo", _shared_memory_region),
    "GuestConnection": ("GuestConnectionInfo", _guest_connection),
}


def _expect_running(system: System) -> None:
    if system.state != "Running":
        raise Failure(HCS_E_INVALID_STATE, "The compute system does not run.")


# --- real processes ---------------------------------------------------------------------------------------------------


def _each_process(question: Question, read: Callable[[psutil.Process], T]) -> list[T]:
    """Read each living process of a system: those of the sessions that it began, whoever their parents are by now.

    One that ends meanwhile, or that may not be looked at, is left out.
    """
    groups = [process for process in question.system.processes.values() if not process.group_gone]
    if not groups:
        return []
    psutil = imports.psutil
    if psutil is None:
        raise not_emulated("figures of processes without psutil; install hcsrt[emulator]")
    results: list[T] = []
    for pid in _pids(groups, question, psutil):
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                if process.status() != psutil.STATUS_ZOMBIE:
                    results.append(read(process))
        except (OSError, psutil.Error):
            continue
    return results


def _pids(groups: list[Process], question: Question, psutil: ModuleType) -> Iterator[int]:
    if sys.platform == "win32":
        for process in groups:
            yield from _native.members(process.key)
        return
    yield from question.sessions.pids({process.pid for process in groups}, question.ticket, psutil)


def _sample(process: psutil.Process) -> Sample:
    memory = process.memory_info()
    identity = (process.pid, process.create_time())
    return Sample(identity, process.ppid(), _usage(process), _commit(memory), _private(memory))


def _usage(process: psutil.Process) -> Usage:
    """Return what a process has used with all that it waited for, as the system will count it at its end."""
    times = process.cpu_times()
    counted = {}
    # macOS does not count a process's input and output.
    if hasattr(process, "io_counters"):
        io = process.io_counters()
        counted = {
            "reads": io.read_count,
            "bytes_read": io.read_bytes,
            "writes": io.write_count,
            "bytes_written": io.write_bytes,
        }
    return Usage(
        user=_ticks(times.user + times.children_user), kernel=_ticks(times.system + times.children_system), **counted
    )


def _commit(memory: Any) -> int:
    """Return the committed bytes of a process; where the system does not count them, those in memory."""
    return int(getattr(memory, "private" if sys.platform == "win32" else "data", memory.rss))


def _private(memory: Any) -> int:
    return int(memory.rss - getattr(memory, "shared", 0))


def _ticks(seconds: float) -> int:
    return int(seconds * _TICKS_PER_SECOND)


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
