"""The probes of hcsrt.check_host as tests: for who works on them, with pytest's -k, -x and --pdb."""

import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from hcsrt._check_host import host
from hcsrt._check_host.bench import Bench, Shared, check_nothing_is_left
from hcsrt._check_host.settings import Settings

FACTS = pytest.StashKey[list[dict[str, Any]]]()
SHARED = pytest.StashKey[Shared]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("a real Windows")
    group.addoption("--layers", default="", help="the folders of an image's layers, the uppermost first")
    group.addoption("--scratch", help="the volume of a prepared writable layer on them")
    group.addoption("--restart", action="store_true", help="kill and restart vmcompute, with all that runs on the host")
    group.addoption(
        "--stand-in",
        action="store_true",
        help="run against whatever HCS there is, the emulator or a stand-in for computecore.dll",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FACTS] = []
    if config.getoption("--stand-in"):
        config.addinivalue_line("filterwarnings", "ignore::hcsrt.NoIsolationWarning")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if facts := config.stash[FACTS]:
        terminalreporter.section("facts seen")
        for fact in facts:
            terminalreporter.write_line(json.dumps(fact, default=str))


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    option = request.config.getoption
    stand_in = option("--stand-in")
    settings = Settings(
        owner=f"hcsrt-real-windows-{uuid.uuid4()}",
        folder=str(tmp_path_factory.mktemp("layers")),
        backend="any" if stand_in else "windows",
        layers=tuple(filter(None, option("--layers").split(os.pathsep))),
        scratch=option("--scratch"),
        restart=option("--restart"),
    )
    if (reason := host.why_not(settings.backend)) is not None:
        pytest.skip(reason)
    return Shared(settings)


@pytest.fixture
def bench(request: pytest.FixtureRequest, shared: Shared) -> Iterator[Bench]:
    """Yield what a probe works with. What it sees is printed, and stands once more at the end of the run."""

    def seen(fact: str, value: Any) -> None:
        line = {"fact": fact, "seen": value}
        print(json.dumps(line, default=str))
        request.config.stash[FACTS].append({"test": request.node.name, **line})

    with Bench(shared.settings, seen, shared) as bench:
        yield bench
    check_nothing_is_left()
