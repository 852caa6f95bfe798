"""The turns that the processes of a test run wait for."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"

PROGRAM = """
import sys
from pathlib import Path
from turns import Turns
print("here", flush=True)
with Turns(Path(sys.argv[1])).turn(alone=sys.argv[2] == "alone"):
    print("in", flush=True)
    sys.stdin.readline()
"""


class Taker:
    """A process that takes a turn and keeps it until it is told to end."""

    def __init__(self, lock: Path, how: str) -> None:
        command = [sys.executable, "-c", PROGRAM, str(lock), how]
        self.process = subprocess.Popen(command, cwd=HELPERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert self.process.stdout.readline() == "here\n"
        self._entered = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        if self.process.stdout.readline() == "in\n":
            self._entered.set()

    def is_in(self) -> bool:
        return self._entered.wait(30)

    def waits(self) -> bool:
        return not self._entered.wait(0.5)

    def end(self) -> None:
        self._leave(lambda: self.process.communicate("\n", timeout=30))

    def kill(self) -> None:
        self._leave(lambda: (self.process.kill(), self.process.communicate(timeout=30)))

    def _leave(self, how: Callable[[], object]) -> None:
        self._reader.join(30)
        how()


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "turns"


def test_many_have_their_turn_at_once(lock):
    takers = [Taker(lock, "beside") for _ in range(3)]
    assert all(taker.is_in() for taker in takers)
    for taker in takers:
        taker.end()


@pytest.mark.parametrize("first", ["beside", "alone"])
@pytest.mark.parametrize("end", ["end", "kill"])
def test_who_is_alone_and_others_wait_for_each_other(first, end, lock):
    one = Taker(lock, first)
    assert one.is_in()
    other = Taker(lock, "alone" if first == "beside" else "beside")
    assert other.waits()
    if end == "kill":
        one.kill()
    else:
        one.end()
    # Before the end of this test's time: what a dead process held is free.
    assert other.is_in()
    other.end()


def test_nobody_new_comes_in_while_somebody_waits_to_be_alone(lock):
    inside = Taker(lock, "beside")
    assert inside.is_in()
    alone = Taker(lock, "alone")
    assert alone.waits()
    late = Taker(lock, "beside")
    assert late.waits()
    inside.end()
    assert alone.is_in()
    alone.end()
    assert late.is_in()
    late.end()
