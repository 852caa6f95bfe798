"""Forks of whoever lives in the process with us: nothing of ours stands between them and what they execute.

Each in a process of its own, with a time limit: what would be wrong here hangs.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ..helpers.loops import LOOPS
from ..helpers.platforms import fork, linux

pytestmark = fork

PROLOGUE = """
import asyncio, gc, os, signal, subprocess, sys, threading, time, warnings
warnings.simplefilter("ignore")

def tasks():
    return len(os.listdir("/proc/self/task"))

def code_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def started(id="one"):
    import hcsrt, hcsrt.emulator
    system = hcsrt.ComputeSystem.create(id, hcsrt.emulator.container_document())
    system.start()
    return system

def uses(id="one"):
    with started(id) as system:
        assert system.run(["sh", "-c", "exit 5"]).returncode == 5
        system.terminate()
    return True
"""


def script(program: str, folder: Path | None = None, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, and expect success and silence of it."""
    text = PROLOGUE + textwrap.dedent(program)
    command = [sys.executable, "-c", text]
    if folder is not None:
        (folder / "program.py").write_text(text)
        command = [sys.executable, str(folder / "program.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done


# --- event loops ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "before", ["", "import hcsrt.aio", "import hcsrt.emulator", "uses()"], ids=["nothing", "aio", "emulator", "used"]
)
def test_a_local_program_starts_beside_compute_systems(loop: str, before: str) -> None:
    script(f"""
        {before}

        async def main():
            async def local():
                process = await asyncio.create_subprocess_exec("echo", "hi", stdout=subprocess.PIPE)
                return (await process.communicate())[0]

            assert await local() == b"hi\\n"
            import hcsrt.aio, hcsrt.emulator
            async with await hcsrt.aio.ComputeSystem.create("two", hcsrt.emulator.container_document()) as system:
                await system.start()
                assert await local() == b"hi\\n"
                done, *locals = await asyncio.gather(
                    system.run(["sh", "-c", "echo guest"], stdout=subprocess.PIPE), *[local() for _ in range(5)]
                )
                assert done.stdout == b"guest\\n" and locals == [b"hi\\n"] * 5
                await system.terminate()

        if "{loop}" == "uvloop":
            import uvloop
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        else:
            asyncio.run(main())
    """)


@pytest.mark.skipif("uvloop" not in LOOPS, reason="uvloop is not installed")
@pytest.mark.slow
def test_hooks_that_run_before_ours_in_the_child_meet_no_lock() -> None:
    """Hooks of Python's run on uvloop in a hook of its own, and so before ours that is younger."""
    script("""
        import uvloop

        kept, stop = [], threading.Event()

        def in_child():
            kept.clear()
            gc.collect()
            import hcsrt.emulator
            assert not any(hcsrt.emulator.live().values()) and hcsrt.pending() == 0

        os.register_at_fork(after_in_child=in_child)

        async def main():
            import hcsrt.aio, hcsrt.emulator

            def busy():
                while not stop.is_set():
                    hcsrt.emulator.live()
                    hcsrt.systems()

            system = await hcsrt.aio.ComputeSystem.create("two", hcsrt.emulator.container_document())
            threads = [threading.Thread(target=busy) for _ in range(2)]
            for thread in threads:
                thread.start()
            for _ in range(40):
                kept.append(await hcsrt.aio.ComputeSystem.open("two"))
                process = await asyncio.create_subprocess_exec("true")
                assert await process.wait() == 0
            assert not any(each.closed for each in kept)
            stop.set()
            for thread in threads:
                thread.join()
            for each in kept:
                await each.close()
            await system.terminate()
            await system.close()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    """)


# --- forks of Python --------------------------------------------------------------------------------------------------


@linux
def test_a_forked_child_has_no_thread_until_it_uses_hcsrt() -> None:
    script("""
        uses()
        child = os.fork()
        if not child:
            os._exit(0 if tasks() == 1 and uses("child") and tasks() > 1 else 1)
        assert code_of(child) == 0
        assert subprocess.run(["true"], preexec_fn=lambda: tasks() == 1 or 1 / 0).returncode == 0
    """)


@pytest.mark.parametrize(
    "forked", ["os.fork()", "os.forkpty()[0]", "__import__('pty').fork()[0]"], ids=["fork", "forkpty", "pty"]
)
@pytest.mark.parametrize("used", [True, False], ids=["used", "imported"])
def test_a_forked_child_has_an_emulator_of_its_own(forked: str, used: bool) -> None:
    script(f"""
        import hcsrt, hcsrt.aio, hcsrt.emulator

        system = started() if {used} else None
        process = system and system.popen(["sleep", "60"])
        child = {forked}
        if not child:
            try:
                assert hcsrt.systems() == [] and uses()
                inner = os.fork()
                if not inner:
                    os._exit(0 if uses() and hcsrt.pending() == 0 else 1)
                assert code_of(inner) == 0 and uses()

                async def main():
                    system = await hcsrt.aio.ComputeSystem.create("one", hcsrt.emulator.container_document())
                    async with system:
                        await system.start()
                        assert (await system.run(["sh", "-c", "exit 5"])).returncode == 5
                        await system.terminate()

                asyncio.run(main())
                hcsrt.emulator.reset(7)
                assert uses() and hcsrt.emulator.misuses() == []
                os._exit(0)
            finally:
                os._exit(1)
        assert code_of(child) == 0
        if system:
            assert process.poll() is None
            system.terminate()
            assert process.wait(10) != 0
            process.close()
            system.close()
        assert uses() and hcsrt.emulator.misuses() == []
    """)


def test_several_threads_may_be_the_first_to_use_hcsrt_in_a_child() -> None:
    script("""
        import hcsrt.emulator

        uses()
        for _ in range(10):
            child = os.fork()
            if not child:
                from concurrent.futures import ThreadPoolExecutor
                with ThreadPoolExecutor(8) as pool:
                    used = list(pool.map(uses, map(str, range(8))))
                names = [thread.name for thread in threading.enumerate()]
                os._exit(0 if used == [True] * 8 and names.count("hcsrt-emulator") == 1 else 1)
            assert code_of(child) == 0
    """)


def test_a_child_whose_emulator_cannot_be_started_is_told_so() -> None:
    script("""
        import hcsrt

        uses()
        child = os.fork()
        if not child:
            start = threading.Thread.start

            def refuse(thread):
                raise RuntimeError("can't start new thread")

            threading.Thread.start = refuse
            for _ in range(3):
                try:
                    hcsrt.systems()
                except hcsrt.ServiceDisconnectedError:
                    continue
                os._exit(1)
            threading.Thread.start = start
            told = hcsrt.emulator.misuses()
            os._exit(0 if uses() and len(told) == 3 and "can't start new thread" in told[0] else 1)
        assert code_of(child) == 0
    """)


def test_a_child_does_not_wait_for_an_import_that_its_parent_began(tmp_path: Path) -> None:
    (tmp_path / "psutil.py").write_text("import time\ntime.sleep(20)\n")
    script(f"""
        import hcsrt.emulator

        sys.path.insert(0, {str(tmp_path)!r})
        threading.Thread(target=__import__, args=("psutil",), daemon=True).start()
        while not hasattr(sys.modules.get("psutil"), "time"):
            time.sleep(0.01)
        child = os.fork()
        if not child:
            signal.alarm(15)
            os._exit(0 if uses() else 1)
        assert code_of(child) == 0
    """)


def test_a_fork_does_not_meet_the_locks_of_threads_that_are_inside() -> None:
    script("""
        import hcsrt, hcsrt.aio, hcsrt.emulator

        stop, errors = threading.Event(), []

        def busy(number):
            try:
                while not stop.is_set():
                    hcsrt.emulator.live()
                    uses(str(number))
            except BaseException as error:
                errors.append(error)

        async def many():
            while not stop.is_set():
                await asyncio.gather(*[hcsrt.aio.systems() for _ in range(20)])

        # In the middle of an import a fork would leave CPython's lock of that module taken in the child.
        uses()
        asyncio.run(hcsrt.aio.systems())
        threads = [threading.Thread(target=busy, args=(number,)) for number in range(2)]
        threads.append(threading.Thread(target=asyncio.run, args=(many(),)))
        for thread in threads:
            thread.start()

        def forks():
            for number in range(15):
                child = os.fork()
                if not child:
                    signal.alarm(20)
                    used = uses() if number % 3 == 0 else not any(hcsrt.emulator.live().values())
                    os._exit(0 if used else 1)
                assert code_of(child) == 0

        try:
            forks()
            thread = threading.Thread(target=forks)
            thread.start()
            thread.join()
        finally:
            stop.set()
        for thread in threads:
            thread.join()
        assert errors == []
    """)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_of_multiprocessing_use_hcsrt(method: str, tmp_path: Path) -> None:
    script(
        f"""
        import multiprocessing

        def main():
            context = multiprocessing.get_context("{method}")
            if "{method}" == "forkserver":
                context.set_forkserver_preload(["hcsrt", "hcsrt.emulator"])
            uses()
            with context.Pool(2) as pool:
                assert pool.map(uses, ["a", "b", "c", "d"]) == [True] * 4
            uses()

        if __name__ == "__main__":
            main()
        """,
        tmp_path,
    )


@pytest.mark.parametrize("way", ["preexec_fn=int", "start_new_session=True", "close_fds=False", "user=os.getuid()"])
def test_programs_of_subprocess_start(way: str) -> None:
    script(f"""
        for _ in range(3):
            assert subprocess.run(["echo", "hi"], stdout=subprocess.PIPE, {way}).stdout == b"hi\\n"
            uses()
    """)


# --- what is the parent's ---------------------------------------------------------------------------------------------


def test_a_child_keeps_no_pipe_of_its_parents_programs_open() -> None:
    script("""
        system = started()
        process = system.popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready, hold = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            os.write(ready[1], b"x")
            os.close(hold[1])
            os.read(hold[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        process.stdin.write(b"text")
        process.stdin.close()
        assert process.stdout.read() == b"text" and process.wait(10) == 0
        process.close()
        os.close(hold[1])
        assert code_of(child) == 0
        system.terminate()
        system.close()
    """)


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("end", ["sys.exit(3)", "os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_the_end_of_a_child_leaves_the_programs_of_its_parent_alone(end: str, used: bool) -> None:
    script(f"""
        import hcsrt.emulator

        system = started()
        process = system.popen(["sleep", "60"])
        child = os.fork()
        if not child:
            if {used}:
                uses("child")
                started("left").popen(["sleep", "60"])
            {end}
        assert code_of(child) in (3, -9)
        time.sleep(0.1)
        assert process.poll() is None
        process.kill()
        process.close()
        system.terminate()
        system.close()
        assert hcsrt.emulator.misuses() == []
    """)


def test_a_child_may_drop_and_close_what_its_parent_has() -> None:
    script("""
        import hcsrt, hcsrt.aio, hcsrt.emulator

        system = started()
        process = system.popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        events = system.events()
        child = os.fork()
        if not child:
            process.stdin.close()
            process.close()
            events.close()
            system.close()
            del process, events, system
            gc.collect()
            counts = hcsrt.emulator.live()
            os._exit(1 if any(counts.values()) or hcsrt.emulator.misuses() or hcsrt.pending() else 0)
        assert code_of(child) == 0
        assert process.communicate(b"text")[0] == b"text" and process.returncode == 0
        events.close()
        system.terminate()
        process.close()
        system.close()
        assert not any(hcsrt.emulator.live().values()) and hcsrt.emulator.misuses() == []
    """)
