"""Bytes a second through the stdout of a process, by hcsrt and by subprocess: the same program, a pipe each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import hcsrt

from ..harness import library
from ..harness.measure import Effort, Series, interleaved
from ..harness.names import HCSRT, SUBPROCESS

CHUNK = 1 << 16


def measure(effort: Effort) -> list[Series]:
    head = shutil.which("head")
    if head is None:
        print("stdout: no head here", file=sys.stderr)
        return []
    library.install()
    command = [head, "-c", str(effort.stream), "/dev/zero"]
    library.set_program(command)
    rounds = max(2, effort.rounds // 3)

    def read_chunks(stream: Any) -> int:
        received = 0
        while chunk := stream.read(CHUNK):
            received += len(chunk)
        return received

    with hcsrt.ComputeSystem.open("benchmark") as system:

        def ours() -> int:
            with system.popen("head", stdout=hcsrt.PIPE) as process:
                return read_chunks(process.stdout)

        def theirs() -> int:
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                return read_chunks(process.stdout)

        def ours_captured() -> int:
            return len(system.run("head", capture_output=True).stdout)

        def theirs_captured() -> int:
            return len(subprocess.run(command, capture_output=True, check=True).stdout)

        def rate(action: Callable[[], int]) -> Callable[[], float]:
            def turn() -> float:
                begin = perf_counter()
                received = action()
                seconds = perf_counter() - begin
                assert received == effort.stream
                return received / seconds

            return turn

        chunks = {HCSRT: rate(ours), SUBPROCESS: rate(theirs)}
        captured = {HCSRT: rate(ours_captured), SUBPROCESS: rate(theirs_captured)}
        return [
            *interleaved("stdout, read(64 KB)", "B/s", chunks, rounds),
            *interleaved("stdout, capture_output", "B/s", captured, rounds),
        ]
