"""A plugin of pytest in the test bed: writes down each test when it begins and when it has ended.

A run that is ended, or that has crashed, has left no report. What is in the file by then tells how far it came.
"""

from typing import TextIO

import pytest

FILE = pytest.StashKey[TextIO]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--progress-file", metavar="FILE")


def pytest_configure(config: pytest.Config) -> None:
    # The processes of xdist tell theirs to the one that has started them.
    if not hasattr(config, "workerinput"):
        file = open(config.getoption("--progress-file"), "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        config.add_cleanup(file.close)
        config.pluginmanager.register(Writer(file), "hcsrt-progress")


class Writer:
    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._failed: set[str] = set()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._file.write(f"begun {nodeid}\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed" or report.when == "call":
            self._file.write(f"{report.outcome} {report.nodeid}\n")
            # What no busy machine excuses: a process that died, for which xdist reports so, or something left behind.
            if report.nodeid not in self._failed and report.when in ("???", "teardown"):
                self._file.write(f"final {report.nodeid}\n")
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._file.write(f"ended {nodeid}\n")
