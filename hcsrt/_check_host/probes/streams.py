"""What kind of handles the streams of a process are, and how they end.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import ctypes
import sys
import threading
import time
from ctypes import byref, c_uint32, c_void_p
from typing import Any

from ... import PIPE, _calls, _watch
from ..bench import Bench
from ..probe import probe
from ..raw_calls import OPERATION, begin, close_process, create_process, is_handle, spell, streams
from ..raw_hcs import GENERIC_ALL

PATIENCE = 60.0
CLOSE_STDIN = '{"Operation":"CloseHandle","CloseHandle":{"Handle":"StdIn"}}'


@probe()
def half_close(at: Bench) -> None:
    container = at.container()
    told: dict[str, Any] = {}
    with container.popen("cmd", stdin=PIPE, bufsize=0) as process:
        stdin: Any = process.stdin
        stdin.handle.close()
        told["our end closed, no CloseHandle"] = _watch.wait_exit(process.handle, 5)
        process.kill()
    with container.popen("cmd", stdin=PIPE, bufsize=0) as process:
        _calls.call(process.handle, "HcsModifyProcess", CLOSE_STDIN, PATIENCE)
        told["CloseHandle, our end open"] = _watch.wait_exit(process.handle, 5)
        process.kill()
    at.seen("what ends a process that reads stdin to its end", told)
    with container.popen("cmd", stdin=PIPE) as process:
        assert process.stdin
        process.stdin.close()
        process.wait(PATIENCE)


@probe()
def output_after_exit(at: Bench) -> None:
    container = at.container()
    lines = 5000
    with container.popen(f'cmd /c "for /l %i in (1,1,{lines}) do @echo line %i"', stdout=PIPE) as process:
        chunks: list[tuple[float, int]] = []
        ended: list[float] = []
        stdout: Any = process.stdout

        def read() -> None:
            while chunk := stdout.read1(1 << 16):
                chunks.append((time.monotonic(), len(chunk)))
            ended.append(time.monotonic())

        thread = threading.Thread(target=read)
        thread.start()
        process.wait(PATIENCE)
        exited = time.monotonic()
        thread.join(PATIENCE)
    assert ended, "the output does not end"
    told = {
        "bytes": sum(size for _, size in chunks),
        "bytes after the exit was known": sum(size for when, size in chunks if when > exited),
        "seconds from the exit to the end of the stream": round(ended[0] - exited, 3),
    }
    at.seen("output after the exit", told)
    done = container.run(f'cmd /c "for /l %i in (1,1,{lines}) do @echo line %i"', stdout=PIPE, timeout=PATIENCE)
    last = done.stdout.split()[-1]
    assert last == str(lines).encode(), "output is lost"


@probe()
def output_held_by_a_child(at: Bench) -> None:
    container = at.container()
    with container.popen("cmd /c start /b cmd", stdin=PIPE, stdout=PIPE) as process:
        process.wait(PATIENCE)
        exited = time.monotonic()
        # The child lives as long as its input: communicate() would close it.
        stdin, process.stdin = process.stdin, None
        process.communicate(timeout=PATIENCE)
        seconds = time.monotonic() - exited
        assert stdin
        stdin.close()
    at.seen("seconds until the output counts as complete that a child holds open", round(seconds, 3))
    assert seconds < 15, "the wait for output has no end"


@probe()
def unrequested(at: Bench) -> None:
    container = at.container()
    table = at.table
    system = int(container.handle.as_raw())
    told: dict[str, Any] = {}
    for asked in ((), ("StdOut",), ("StdIn", "StdErr")):
        pipes = {f"Create{name}Pipe": True for name in asked}
        made = create_process(table, system, CommandLine="cmd /c exit 0", **pipes)
        told[", ".join(asked) or "none"] = {
            name: "a handle" if is_handle(value) else value and hex(value) for name, value in streams(made.info).items()
        }
        close_process(table, made)
    at.seen("the streams that a process has, by those that were asked for", told)
    with container.popen("cmd /c exit 0", stdout=PIPE) as process:
        given = [stream is not None for stream in (process.stdin, process.stdout, process.stderr)]
        assert given == [False, True, False], "hcsrt gives other streams than those asked for"


@probe()
def open_process(at: Bench) -> None:
    container = at.container()
    table = at.table
    with container.popen("cmd", stdin=PIPE, stdout=PIPE) as process:
        system = int(container.handle.as_raw())
        code, other = table.handle_of("HcsOpenProcess", system, process.pid, GENERIC_ALL)
        assert code == 0, spell(code)
        told: list[dict[str, Any]] = []
        for _ in range(2):
            made = begin(table, "HcsGetProcessInfo", other, OPERATION).finish(with_info=True)
            given = streams(made.info)
            told.append({"result": spell(made.result)} | {name: is_handle(value) for name, value in given.items()})
            for value in given.values():
                if is_handle(value):
                    table.close_handle(value)
        table.HcsCloseProcess(other)
        stdout, _ = process.communicate(b"echo still here\r\n", PATIENCE)
    at.seen("the streams of a process that was opened by its id, asked for twice", told)
    # Closing what another handle gave leaves our own streams alone.
    assert b"still here" in (stdout or b""), "our streams were closed with those of the other handle"


@probe()
def kind_of_handles(at: Bench) -> None:
    container = at.container()
    with container.popen("cmd", stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0) as process:
        stdin: Any = process.stdin
        stdout: Any = process.stdout
        stderr: Any = process.stderr
        named = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        told = {name: kind_of(int(stream.handle.as_raw())) for name, stream in named.items()}
        at.seen("the handles of the streams", told)
        stdout.read(1)  # the banner of cmd: from here on there is something to read only now and then
        reader = threading.Thread(target=read_to_the_end, args=(stderr,))
        reader.start()
        time.sleep(0.5)
        begun = time.monotonic()
        # A close gets through to a read that waits, which it could not if the handle were not overlapped.
        stderr.handle.close()
        reader.join(PATIENCE)
        seconds = time.monotonic() - begun
        assert seconds < 2, "a close has to wait for a read"
        process.kill()


@probe()
def inheritance(at: Bench) -> None:
    container = at.container()
    table = at.table
    asked = {f"Create{name}Pipe": True for name in ("StdIn", "StdOut", "StdErr")}
    made = create_process(table, int(container.handle.as_raw()), CommandLine="cmd", **asked)
    told = {name: kind_of(value)["inheritable"] for name, value in streams(made.info).items() if is_handle(value)}
    close_process(table, made)
    at.seen("whether the handles of the streams are inheritable when HCS gives them", told)
    with container.popen("cmd", stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0) as process:
        streams_of_hcsrt: tuple[Any, ...] = (process.stdin, process.stdout, process.stderr)
        for stream in streams_of_hcsrt:
            kind = kind_of(int(stream.handle.as_raw()))
            assert not kind["inheritable"], "hcsrt leaves it inheritable"
        process.kill()


def read_to_the_end(stream: Any) -> None:
    try:
        while stream.read(1 << 16):
            pass
    except ValueError:
        pass  # the handle was closed


def kind_of(value: int | None) -> dict[str, Any]:
    if sys.platform != "win32":
        raise OSError("these are handles of Windows")
    kernel32 = ctypes.WinDLL("kernel32.dll")
    ntdll = ctypes.WinDLL("ntdll.dll")
    handle = c_void_p(value)
    flags, mode = c_uint32(), c_uint32()
    pipe_flags = c_uint32()
    status_block = (c_void_p * 2)()
    kernel32.GetHandleInformation(handle, byref(flags))
    is_pipe = kernel32.GetNamedPipeInfo(handle, byref(pipe_flags), None, None, None)
    file_mode_information = 16
    status = ntdll.NtQueryInformationFile(handle, status_block, byref(mode), 4, file_mode_information)
    synchronous = 0x10 | 0x20  # FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT
    return {
        "file type": kernel32.GetFileType(handle),
        "inheritable": bool(flags.value & 1),
        "named pipe": bool(is_pipe),
        "server end": bool(is_pipe and pipe_flags.value & 1),
        "overlapped": not mode.value & synchronous if status == 0 else f"0x{status & 0xFFFFFFFF:08X}",
    }
