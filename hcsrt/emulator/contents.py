"""What is on a host, as data: its compute systems and CPU groups, and the file of a world that holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .._arguments import did_you_mean
from ..documents.checking import problems as problems_of
from ..documents.problems import Problem, member
from ..documents.reading import loaded
from . import _native, assumptions
from .model import Model, System
from .outbox import Answer
from .settings import Settings
from .variation import Variation, check_seed
from .verbs import verb

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
"""The version of the format."""

_MEMBERS = ("format", "seed", "assumptions", "systems", "cpu_groups", "faults")
_MEMBERS_OF_SYSTEM = ("namespace", "id", "state", "document")
_STATES = ("Created", "Running", "Paused")


class SavedSystem(NamedTuple):
    """A compute system of a file."""

    namespace: str
    id: str
    state: str
    document: dict[str, Any]


class Saved(NamedTuple):
    """What a file of a world holds."""

    seed: int | None
    assumptions: dict[str, str]
    systems: list[SavedSystem]
    cpu_groups: list[dict[str, Any]]
    faults: list[dict[str, Any]]


class Contents:
    """What is on a host."""

    def __init__(self, model: Model, settings: Settings, variation: Variation) -> None:
        self._variation = variation
        self._model = model
        self._settings = settings

    @verb("World", at_once=True)
    def _world(self, request: _native.Request) -> Answer:
        systems = [
            SavedSystem(system.scope, system.id, system.state, _without_secrets(system.document))._asdict()
            for system in self._model.all_live_systems()
            if not system.stopping and not (system.host and system.host.stopping)
        ]
        return Answer(json.dumps({"systems": systems, "cpu_groups": list(self._settings.groups.values())}))

    @verb("Event", at_once=True)
    def _event(self, request: _native.Request) -> Answer:
        assert request.text is not None
        return Answer(self._report(**json.loads(request.text)))

    def _report(self, namespace: str, id: str, pid: int | None, type: int, data: str | None) -> str | None:
        """Deliver an event to the handles of a system, the newest with that id, or of a process; or say why not."""
        system = self._model.newest_system(namespace, id)
        if system is None:
            where = f" in the namespace {namespace!r}" if namespace else ""
            return f"no compute system has the id {id!r}{where}"
        key = system.key
        if pid is not None:
            process = system.pids.get(pid)
            if process is None:
                return f"no process of the compute system {id!r} has the id {pid}"
            key = process.key
        _native.emit(key, type, data)
        return None

    def fill(self, saved: Saved) -> None:
        """Put what was saved on an empty host. No handle leads to the systems until one is opened."""
        for given in _hosts_first(saved.systems):
            host = self._model.live_system(given.namespace, given.document.get("HostingSystemId", ""))
            key, runtime_id = _native.new_key(), str(self._variation.guid())
            system = System(key, given.namespace, given.id, given.document, host, runtime_id)
            system.held = system.opened = False
            system.state = given.state
            if given.state != "Created":
                system.started = datetime.now(UTC)
            self._model.add_system(system)
        for group in saved.cpu_groups:
            self._settings.groups[group_key(group)] = group


def group_key(group: Mapping[str, Any]) -> str:
    """Return what a CPU group is known by."""
    return cast("str", group["GroupId"]).strip("{}").lower()


def _hosts_first(systems: list[SavedSystem]) -> list[SavedSystem]:
    return sorted(systems, key=lambda system: "HostedSystem" in system.document)


def _without_secrets(document: dict[str, Any]) -> dict[str, Any]:
    if "HostedSystem" in document:
        return {**document, "HostedSystem": _without_secrets(document["HostedSystem"])}
    guard = document.get("Container", {}).get("ContainerCredentialGuard")
    if not guard or "Cookie" not in guard:
        return document
    told = {name: value for name, value in guard.items() if name != "Cookie"}
    return {**document, "Container": {**document["Container"], "ContainerCredentialGuard": told}}


# --- the file ---------------------------------------------------------------------------------------------------------


def written(saved: Saved) -> str:
    """Return the text of a file."""
    systems = [system._asdict() for system in saved.systems]
    return json.dumps({"format": FORMAT, **saved._asdict(), "systems": systems}, indent=2) + "\n"


def read(path: str) -> Saved:
    """Return what a file holds.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no world; the error names each place of it that is wrong.
    """
    # Editors of Windows put a mark before the text.
    with open(path, encoding="utf-8-sig") as file:
        try:
            text = file.read()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} holds no world for the emulator: it is no text in UTF-8: {error}") from None
    saved, problems = saved_in(text)
    if problems:
        raise ValueError("\n".join([f"{path} holds no world for the emulator:", *map(str, problems)]))
    return saved


def saved_in(text: str) -> tuple[Saved, list[Problem]]:
    """Return what the text of a file holds, and what is wrong with it: then what it holds means nothing."""
    value, found = loaded(text)
    problems = [problem for problem in found if problem.severity == "error"]
    # A warning is of a name that an object has twice: whoever wrote that by hand means something else.
    problems += [
        Problem(problem.path, "twice", "is there twice: remove one") for problem in found if problem.severity != "error"
    ]
    if not problems:
        problems = list(_problems(value))
    if problems:
        return Saved(None, {}, [], [], []), problems
    defaults: dict[str, Any] = {"namespace": ""}
    systems = [SavedSystem(**(defaults | given)) for given in value.get("systems", [])]
    lists = (value.get(name, []) for name in ("cpu_groups", "faults"))
    return Saved(value.get("seed"), value.get("assumptions", {}), systems, *lists), []


def _problems(content: Any) -> Iterator[Problem]:
    if not isinstance(content, dict):
        yield Problem("$", "type", "the file of a world is an object, as Host.save() writes it")
        return
    value = cast("dict[str, Any]", content)
    yield from _strangers("$", value, _MEMBERS)
    if value.get("format") != FORMAT:
        yield Problem("$.format", "value", f"is {value.get('format')!r}; this hcsrt reads files of format {FORMAT}")
        return
    seed = value.get("seed")
    try:
        check_seed(seed)
    except TypeError:
        yield Problem("$.seed", "type", "is neither a whole number nor null")
    except ValueError as error:
        yield Problem("$.seed", "value", str(error))
    yield from _problems_of_assumptions(value.get("assumptions", {}))
    yield from _problems_of_systems(value.get("systems", []))
    yield from _problems_of_groups(value.get("cpu_groups", []))
    if not isinstance(value.get("faults", []), list):
        yield Problem("$.faults", "type", "is no array")


def _strangers(place: str, value: dict[str, Any], members: tuple[str, ...]) -> Iterator[Problem]:
    for name in value:
        if name not in members:
            words = f"is unknown; the members here are {', '.join(members)}{did_you_mean(name, members)}"
            yield Problem(member(place, name), "unknown", words)


def _problems_of_assumptions(assumed: Any) -> Iterator[Problem]:
    if not isinstance(assumed, dict):
        yield Problem("$.assumptions", "type", "is no object")
        return
    for name, choice in cast("dict[str, Any]", assumed).items():
        try:
            assumptions.number_of(name, choice)
        except (TypeError, ValueError) as error:
            yield Problem(member("$.assumptions", name), "value", str(error))
        else:
            if choice is None:
                yield Problem(member("$.assumptions", name), "value", "is null: leave it out")


def _problems_of_systems(systems: Any) -> Iterator[Problem]:
    if not isinstance(systems, list):
        yield Problem("$.systems", "type", "is no array")
        return
    known: dict[tuple[str, str], dict[str, Any]] = {}
    hosted: list[tuple[str, dict[str, Any]]] = []
    for number, system in enumerate(cast("list[Any]", systems)):
        place = member("$.systems", number)
        found = list(_problems_of_system(place, system))
        yield from found
        if found:
            continue
        key = system.get("namespace", ""), system["id"]
        if key in known:
            yield Problem(f"{place}.id", "value", f"is that of another system, too: {system['id']!r}")
        known[key] = system
        if "HostedSystem" in system["document"]:
            hosted.append((place, system))
    for place, system in hosted:
        host = known.get((system.get("namespace", ""), system["document"].get("HostingSystemId")))
        machine: dict[str, Any] = host["document"].get("VirtualMachine", {}) if host else {}
        if host is None or host["state"] != "Running" or "GuestConnection" not in machine:
            words = "names no virtual machine of this file that runs and has a guest connection"
            yield Problem(f"{place}.document.HostingSystemId", "value", words)


def _problems_of_system(place: str, given: Any) -> Iterator[Problem]:
    if not isinstance(given, dict):
        yield Problem(place, "type", "is no object")
        return
    system = cast("dict[str, Any]", given)
    yield from _strangers(place, system, _MEMBERS_OF_SYSTEM)
    id, namespace, state = system.get("id"), system.get("namespace", ""), system.get("state")
    if not isinstance(id, str) or not id or "\0" in id:
        yield Problem(f"{place}.id", "type", "is no id: give a text that is not empty")
    if not isinstance(namespace, str) or "\0" in namespace:
        yield Problem(f"{place}.namespace", "type", "is no text")
    document = system.get("document")
    if not isinstance(document, dict):
        yield Problem(f"{place}.document", "type", "is no object: give the document that the system was created with")
        return
    states = _STATES if "VirtualMachine" in document else _STATES[:2]
    if state not in states:
        yield Problem(f"{place}.state", "value", f"is {state!r}; give {', '.join(states[:-1])} or {states[-1]}")
    yield from _problems_of_document(f"{place}.document", document, "ComputeSystem")


def _problems_of_groups(groups: Any) -> Iterator[Problem]:
    if not isinstance(groups, list):
        yield Problem("$.cpu_groups", "type", "is no array")
        return
    keys: set[str] = set()
    for number, group in enumerate(cast("list[Any]", groups)):
        place = member("$.cpu_groups", number)
        found = list(_problems_of_document(place, group, "CpuGroupConfig"))
        yield from found
        if found:
            continue
        for name in ("GroupId", "Affinity", "GroupProperties"):
            if name not in group:
                yield Problem(f"{place}.{name}", "missing", "is missing")
        key = group_key(group) if "GroupId" in group else ""
        if key in keys:
            yield Problem(f"{place}.GroupId", "value", "is that of another group, too")
        keys.add(key)


def _problems_of_document(place: str, document: Any, kind: str) -> Iterator[Problem]:
    for problem in problems_of(document, kind, host="emulator"):
        if problem.severity == "error":
            yield problem._replace(path=place + problem.path[1:])
