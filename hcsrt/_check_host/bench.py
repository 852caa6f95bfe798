"""What the suite for a real Windows has: the probe of the host, systems to try things on, the list of what was seen."""

import gc
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import host
import layers
import pytest
from raw_hcs import Table, TableInUse

import hcsrt
from hcsrt import ComputeSystem, _handles

OWNER = "hcsrt-real-windows"
REPORT = "real-windows-facts.json"
START_TIMEOUT = 120.0

FACTS = pytest.StashKey[list[dict[str, Any]]]()
UNSETTLED = pytest.StashKey[dict[str, str]]()


# --- the run --------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FACTS] = []
    config.stash[UNSETTLED] = {}
    if host.STAND_IN:
        config.addinivalue_line("filterwarnings", "ignore::hcsrt.NoIsolationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.real_windows)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        item.config.stash[UNSETTLED][name_of(item)] = report.longrepr[2].removeprefix("Skipped: ")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    facts = config.stash[FACTS]
    if not facts:
        return
    terminalreporter.section("facts seen")
    for fact in facts:
        terminalreporter.write_line(json.dumps(fact))
    path = config.invocation_params.dir / REPORT
    report = {"host": host.description(), "facts": facts, "unsettled": config.stash[UNSETTLED]}
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    terminalreporter.write_line(f"written to {path}")


def name_of(item: pytest.Item) -> str:
    return f"{item.path.name}::{item.name}"


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Print what was seen of a fact as one line of JSON, and keep it for the end of the run."""

    def seen(fact: str, value: Any) -> None:
        line = {"fact": fact, "seen": value}
        print(json.dumps(line))
        request.config.stash[FACTS].append({"test": name_of(request.node), **line})

    return seen


# --- the host -------------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # Before any fixture: the first of them may call HCS.
    if (reason := host.why_not()) is not None:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    yield
    gc.collect()
    end = time.monotonic() + 30
    while hcsrt.pending() and time.monotonic() < end:
        time.sleep(0.05)
    assert hcsrt.pending() == 0
    assert _handles.leaked() == 0


@pytest.fixture
def may_restart() -> None:
    """Skips the test unless vmcompute may be ended."""
    if os.environ.get("HCSRT_TEST_RESTART") != "1":
        pytest.skip("ends vmcompute, and with it whatever runs on this host: HCSRT_TEST_RESTART=1 allows that")


@pytest.fixture(scope="session")
def table() -> Table:
    """The functions of HCS as C has them."""
    return TableInUse()


# --- systems --------------------------------------------------------------------------------------------------------


def need(table: Table, function: str) -> None:
    """Skip the test where this Windows lacks a function."""
    if not hasattr(table, function):
        pytest.skip(f"this Windows has no {function}")


def new_id() -> str:
    return f"Hcsrt-{uuid.uuid4()}"


def container_document(storage: dict[str, Any]) -> dict[str, Any]:
    return {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "Owner": OWNER,
        "ShouldTerminateOnLastHandleClosed": True,
        "Container": {"Storage": storage},
    }


@pytest.fixture(scope="session")
def scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layers")


@pytest.fixture(scope="session")
def image(scratch_folder: Path) -> list[Path] | str:
    """The layers of an image that a container runs on here, the uppermost first; or why there is none."""
    given = os.environ.get("HCSRT_TEST_LAYERS")
    if given:
        return [Path(folder) for folder in given.split(os.pathsep)]
    if sys.platform != "win32":
        return "no image layers: they are Windows'"
    try:
        candidates = layers.images()
    except OSError as error:
        return f"no image layers can be read: {error}"
    reasons: list[str] = []
    for candidate in candidates:
        try:
            with (
                layers.writable_layer(candidate, scratch_folder / str(uuid.uuid4())) as storage,
                ComputeSystem.create(new_id(), container_document(storage), timeout=START_TIMEOUT) as system,
            ):
                system.start(timeout=START_TIMEOUT)
                system.stop(grace=0)
            return candidate
        except (layers.LayerError, hcsrt.HcsError) as error:
            reasons.append(f"{candidate[0].name}: {error}")
    return "no image that a container runs on: " + ("; ".join(reasons) or "pull one, such as nanoserver, with Docker")


@pytest.fixture
def new_container_document(image: list[Path] | str, scratch_folder: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """Makes documents of containers, each with a writable layer of its own unless one is given."""
    if isinstance(image, str):
        pytest.skip(image)
    given = os.environ.get("HCSRT_TEST_SCRATCH")
    with ExitStack() as stack:

        def new() -> dict[str, Any]:
            if given and host.STAND_IN:  # which opens none of them
                return container_document(layers.storage(image, given, [uuid.uuid4() for _ in image]))
            if given:
                return container_document(layers.storage_on(image, given))
            folder = scratch_folder / str(uuid.uuid4())
            return container_document(stack.enter_context(layers.writable_layer(image, folder)))

        yield new


@pytest.fixture(scope="session")
def why_no_vm() -> str | None:
    try:
        with ComputeSystem.create(new_id(), vm_document(), timeout=START_TIMEOUT) as system:
            system.start(timeout=START_TIMEOUT)
            system.stop(grace=0)
    except hcsrt.HcsError as error:
        return f"no virtual machine runs on this host: {error}"
    return None


def vm_document() -> dict[str, Any]:
    document = json.loads((Path(__file__).parent.parent / "data" / "vm-empty.json").read_text("utf-8"))
    return document | {"Owner": OWNER}


@pytest.fixture
def new_vm_document(why_no_vm: str | None) -> Callable[[], dict[str, Any]]:
    """Makes documents of virtual machines that run and have nothing in them."""
    if why_no_vm is not None:
        pytest.skip(why_no_vm)
    return vm_document


@pytest.fixture(params=["container", "virtual machine"])
def new_document(request: pytest.FixtureRequest) -> Callable[[], dict[str, Any]]:
    """Makes documents of systems of either kind."""
    return request.getfixturevalue("new_container_document" if request.param == "container" else "new_vm_document")


@pytest.fixture
def document(new_document: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return new_document()


@pytest.fixture
def new_system() -> Iterator[Callable[[dict[str, Any]], ComputeSystem]]:
    """Creates systems; each is gone at the end of the test."""
    with ExitStack() as stack:

        def new(document: dict[str, Any]) -> ComputeSystem:
            system = stack.enter_context(ComputeSystem.create(new_id(), document, timeout=START_TIMEOUT))
            stack.callback(stop, system)
            return system

        yield new


def stop(system: ComputeSystem) -> None:
    with suppress(hcsrt.HandleClosedError, hcsrt.ServiceDisconnectedError):
        system.stop(grace=0)


@pytest.fixture
def created(document: dict[str, Any], new_system: Callable[[dict[str, Any]], ComputeSystem]) -> ComputeSystem:
    """A system of either kind that was not started yet."""
    return new_system(document)


@pytest.fixture
def running(created: ComputeSystem) -> ComputeSystem:
    """A running system of either kind."""
    created.start(timeout=START_TIMEOUT)
    return created


@pytest.fixture
def windows_document(new_container_document: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A container in which programs of Windows run."""
    if sys.platform != "win32":
        pytest.skip("the programs of these tests are Windows'")
    return new_container_document()


@pytest.fixture
def container(windows_document: dict[str, Any], new_system: Callable[[dict[str, Any]], ComputeSystem]) -> ComputeSystem:
    """A running container, in which programs of Windows run."""
    system = new_system(windows_document)
    system.start(timeout=START_TIMEOUT)
    return system
