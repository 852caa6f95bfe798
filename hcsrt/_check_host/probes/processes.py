"""What HCS tells of processes, and which codes it has for calls on one that has exited.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import time
from typing import Any

from ... import PIPE, ComputeSystem, HcsError, NotSupportedError, Process, _calls, _watch
from ..bench import Bench
from ..probe import probe
from ..raw_calls import OPERATION, begin, call, close_process, create_process, failed, parsed, spell
from ..raw_hcs import GENERIC_ALL

PATIENCE = 60.0
SIGNALS = ("CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown")
CLOSE_STDIN = '{"Operation":"CloseHandle","CloseHandle":{"Handle":"StdIn"}}'


@probe()
def create_many(at: Bench) -> None:
    container = at.container()
    table = at.table
    system = int(container.handle.as_raw())
    count = 50
    failures: list[dict[str, Any]] = []
    for _ in range(count):
        made = create_process(table, system, CommandLine="cmd /c exit 5", CreateStdOutPipe=True)
        if failed(made.result):
            told = made.told() | {"handle given": made.handle is not None}
            if made.handle is not None:
                told["HcsGetProcessInfo"] = call(table, "HcsGetProcessInfo", made.handle, OPERATION).told()
            failures.append(told)
        close_process(table, made)
    at.seen(f"creates of {count} short processes that were reported as failed", failures)
    for code in range(count):
        done = container.run(f"cmd /c exit {code}", timeout=PATIENCE)
        assert done.returncode == code, "another exit code is told"


@probe()
def kill_after_exit(at: Bench) -> None:
    container = at.container()
    table = at.table
    with container.popen("cmd /c exit 0") as process:
        process.wait(PATIENCE)
        handle = int(process.handle.as_raw())
        told: dict[str, Any] = {
            "HcsTerminateProcess": call(table, "HcsTerminateProcess", handle, OPERATION, None).told(),
            "HcsSignalProcess": call(table, "HcsSignalProcess", handle, OPERATION, '{"Signal":"CtrlC"}').told(),
            "HcsModifyProcess": call(table, "HcsModifyProcess", handle, OPERATION, CLOSE_STDIN).told(),
            "HcsGetProcessProperties": call(table, "HcsGetProcessProperties", handle, OPERATION, None).told(),
            "HcsGetProcessInfo": call(table, "HcsGetProcessInfo", handle, OPERATION).told(),
        }
        system = int(container.handle.as_raw())
        code, other = table.handle_of("HcsOpenProcess", system, process.pid, GENERIC_ALL)
        told["HcsOpenProcess"] = spell(code)
        if other is not None:
            table.HcsCloseProcess(other)
        at.seen("calls on a process that has exited", told)
        process.kill()
        process.send_signal("CtrlC")
    code, other = table.handle_of("HcsOpenProcess", system, 0x7FFFFFFC, GENERIC_ALL)
    at.seen("opening a process that never was", spell(code))
    assert failed(code), "a process that never was can be opened"
    assert other is None, "an open that has failed gives a handle"
    with container.popen("cmd", stdin=PIPE) as process:
        process.kill()
        again = call(table, "HcsTerminateProcess", int(process.handle.as_raw()), OPERATION, None)
        at.seen("a terminate right after a kill", again.told())
        process.kill()
        process.wait(PATIENCE)


@probe()
def exit_codes_of_the_ended(at: Bench) -> None:
    container = at.container()
    told: dict[str, Any] = {}
    with container.popen("cmd", stdin=PIPE) as process:
        process.kill()
        told["of a terminated process"] = process.wait(PATIENCE)
    with container.popen("cmd", stdin=PIPE) as process:
        handle = int(process.handle.as_raw())
        container.terminate()
        try:
            told["of one whose system was terminated"] = process.wait(PATIENCE)
        except HcsError as error:
            told["of one whose system was terminated"] = spell(error.hresult & 0xFFFFFFFF)
        told["its properties"] = call(at.table, "HcsGetProcessProperties", handle, OPERATION, None).told()
    at.seen("exit codes of processes that did not end by themselves", told)


@probe(cases={"0": 0, "7": 7, "259": 259, "0xC0000005": 0xC0000005})
def exit_documents(at: Bench, code: int) -> None:
    container = at.container()
    table = at.table
    signed = code - (code >> 31 << 32)  # cmd reads it as a signed number
    with container.popen("cmd", stdin=PIPE) as process:
        handle = int(process.handle.as_raw())
        told: dict[str, Any] = {"running": call(table, "HcsGetProcessProperties", handle, OPERATION, None).document}
        assert process.stdin
        process.stdin.write(f"exit {signed}\r\n".encode())
        process.stdin.flush()
        exit_code = process.wait(PATIENCE)
        assert exit_code == code, "another exit code is told"
        how, document = _watch.exit_status(process.handle) or (None, None)
        told[str(how)] = parsed(document)
        told["after the exit"] = call(table, "HcsGetProcessProperties", handle, OPERATION, None).told()
    at.seen(f"the ProcessStatus of a process that exits with {code}", told)


@probe()
def process_id_reuse(at: Bench) -> None:
    container = at.container()
    held: list[Process[bytes]] = []
    for _ in range(100):
        process = container.popen("cmd /c exit 0")
        process.wait(PATIENCE)
        held.append(process)
    pids = [process.pid for process in held]
    at.seen("processes that have exited, their handles open", {"processes": len(pids), "pids": len(set(pids))})
    try:
        for process in held:
            with at.raises(HcsError):
                process.duplicate_handle()
    finally:
        for process in held:
            process.close()
    freed = set(pids)
    again = 0
    for _ in range(100):
        with container.popen("cmd /c exit 0") as process:
            again += process.pid in freed
    at.seen("pids of 100 processes that others had whose handles are closed", again)


@probe()
def process_outlives_system_handle(at: Bench) -> None:
    container = at.container()
    table = at.table
    system = ComputeSystem.open(container.id)
    process = system.popen("cmd", stdin=PIPE)
    system.close()
    handle = int(process.handle.as_raw())
    told = {
        "HcsGetProcessProperties": call(table, "HcsGetProcessProperties", handle, OPERATION, None).told(),
        "HcsModifyProcess": call(table, "HcsModifyProcess", handle, OPERATION, CLOSE_STDIN).told(),
    }
    process.kill()
    process.wait(PATIENCE)
    process.close()
    at.seen("a process whose system handle was closed", told)


@probe()
def environment(at: Bench) -> None:
    container = at.container()
    with_it, are_there = at.variables_in(container, {"HCSRT_PROBE": "1"})
    without, _ = at.variables_in(container)
    at.seen("the variables of a process, with Environment and without", {"with": with_it, "without": without})
    assert are_there, "Environment does not reach the process"


@probe(cases={"pipes": False, "console": True})
def signals(at: Bench, console: bool) -> None:
    container = at.container()
    table = at.table
    if console:
        try:
            container.run("cmd /c exit", console=True, timeout=PATIENCE)
        except NotSupportedError as error:
            at.skip(f"no console: {error}")
    told: dict[str, Any] = {}
    for name in SIGNALS:
        with container.popen("cmd", stdin=PIPE, stdout=PIPE, console=console) as process:
            made = call(table, "HcsSignalProcess", int(process.handle.as_raw()), OPERATION, f'{{"Signal":"{name}"}}')
            told[name] = made.told() | {"ends the process": _watch.wait_exit(process.handle, 2)}
            process.kill()
            if not failed(made.result):
                process.send_signal(name)
    at.seen(f"signals to cmd, {'in a console' if console else 'with pipes'}", told)
    if container.properties().get("RuntimeOsType") == "Windows":
        with container.popen("cmd", stdin=PIPE) as process:
            container.run("cmd /c exit")  # by now hcsrt knows what the guest is
            with at.raises(ValueError):
                process.send_signal(2)
            process.kill()


@probe()
def info_again(at: Bench) -> None:
    container = at.container()
    with container.popen("cmd /c pause & echo hello", stdin=PIPE, stdout=PIPE) as process:
        told: list[dict[str, bool]] = []
        for _ in range(2):
            info = _calls.process_info(process.handle, PATIENCE)
            told.append(
                {name: getattr(info, name) is not None for name in ("stdin", "stdout", "stderr")}
                | {"same pid": info.pid == process.pid}
            )
            for stream in (info.stdin, info.stdout, info.stderr):
                if stream is not None:
                    stream.close()
        stdout, _ = process.communicate(b"\r\n", PATIENCE)
    at.seen("HcsGetProcessInfo, asked again: which streams it gives", told)
    at.seen("what the first handle of stdout has read then", (stdout or b"").decode("ascii", "replace"))
    assert all(answer["same pid"] for answer in told), "another process id is told"


@probe()
def kill_behind_signals(at: Bench) -> None:
    container = at.container()
    table = at.table
    with container.popen("cmd", stdin=PIPE) as process:
        handle = int(process.handle.as_raw())
        sent = [begin(table, "HcsSignalProcess", handle, OPERATION, '{"Signal":"CtrlC"}') for _ in range(8)]
        begun = time.monotonic()
        process.kill()
        told: dict[str, Any] = {"seconds": round(time.monotonic() - begun, 3)}
        process.wait(PATIENCE)
        assert process.poll() is not None, "the killed process runs"
        told["signals"] = [spell(signal.finish().result) for signal in sent]
    at.seen("a kill behind signals that were not waited for", told)
