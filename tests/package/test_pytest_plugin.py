"""The plugin for pytest, in runs of their own."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import hcsrt

from ..helpers.pages import DOCS, REPOSITORY, blocks_of
from ..helpers.platforms import WINDOWS, posix_shell

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

# An installed hcsrt of before, as that of somebody who works on it, has no entry point yet.
PLUGIN = () if entry_points(group="pytest11", name="hcsrt") else ("-p", "hcsrt.pytest_plugin")
HEAD = """\
import asyncio
import contextlib
import sys

import pytest

import hcsrt
from hcsrt import aio, operations
from hcsrt.emulator import Host, container_document

PYTHON = [sys.executable, "-I", "-S", "-c"]


def create(name="made"):
    return hcsrt.ComputeSystem.create(name, container_document(owner="tests"))


"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest on a module of tests, or on the files that are there already."""
    monkeypatch.delenv("HCSRT_BACKEND", raising=False)

    def run(source: str = "", *options: str) -> pytest.RunResult:
        if source:
            pytester.makepyfile(test_it=HEAD + source)
        # Without what takes a third of such a run and none of them uses.
        spared = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        return pytester.runpytest_subprocess(*spared, "-W", "error", *PLUGIN, *options)

    return run


def text_of(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


def numbered(result: pytest.RunResult, line: str) -> int:
    """Return the number of the line of the tests that contains a text."""
    text = Path(result_folder(result), "test_it.py").read_text("utf-8").splitlines()
    (number,) = (number for number, each in enumerate(text, 1) if line in each)
    return number


def result_folder(result: pytest.RunResult) -> str:
    (line,) = (line for line in result.outlines if line.startswith("rootdir: "))
    return line.removeprefix("rootdir: ")


# --- a run that does not use it --------------------------------------------------------------------------------------


def test_the_entry_point_is_the_plugin() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"hcsrt": "hcsrt.pytest_plugin"}
    assert import_module("hcsrt.pytest_plugin").hcs_host


IDLE = """
import sys

def pytest_unconfigure():
    print("imported:", sorted(name for name in sys.modules if name.partition(".")[0] == "hcsrt"))
    print("from:", sys.modules["hcsrt"].__file__)
"""


def test_a_run_that_does_not_use_it_imports_nothing_but_the_plugin(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makeconftest(IDLE)
    pytester.makepyfile(test_it="import pytest\n@pytest.mark.parametrize('number', range(3))\ndef test(number): pass\n")
    result = run()
    result.assert_outcomes(passed=3)
    assert "imported: ['hcsrt', 'hcsrt._backends', 'hcsrt.pytest_plugin']" in result.outlines


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package without its extension modules, which is found before the installed one."""
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(REPOSITORY / "hcsrt", tmp_path / "unbuilt" / "hcsrt", ignore=ignored, copy_function=shutil.copyfile)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "unbuilt"))
    return tmp_path / "unbuilt"


def test_a_run_that_does_not_use_it_needs_no_extension_module(
    pytester: pytest.Pytester, run: Run, unbuilt: Path
) -> None:
    pytester.makeconftest(IDLE)
    pytester.makepyfile(test_it="def test(): pass\n")
    result = run()
    result.assert_outcomes(passed=1)
    assert f"from: {unbuilt / 'hcsrt' / '__init__.py'}" in result.outlines
    pytester.makepyfile(test_it="def test(hcs_host): pass\n")
    result = run()
    result.assert_outcomes(errors=1)
    assert f"hcsrt in {unbuilt / 'hcsrt'} has no extension modules" in text_of(result)
    result = run("", "--hcs-backend=emulator")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0].startswith(
        f"ERROR: --hcs-backend=emulator: hcsrt in {unbuilt / 'hcsrt'} has no extension"
    )


def test_a_program_that_has_imported_it_may_run_pytest(pytester: pytest.Pytester, unbuilt: Path) -> None:
    # As a wheel has it: pytest then rewrites the asserts of all modules of a package with a plugin.
    metadata = unbuilt / "hcsrt-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hcsrt\nVersion: 0\n")
    (metadata / "RECORD").write_text("hcsrt/__init__.py,,\nhcsrt/pytest_plugin.py,,\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nhcsrt = hcsrt.pytest_plugin\n")
    pytester.makepyfile(test_it="def test(): pass\n")
    program = pytester.makepyfile(
        program="import sys, hcsrt, pytest; sys.exit(pytest.main(['-W', 'error', '-p', 'no:cacheprovider']))"
    )
    result = pytester.runpython(program)
    assert result.ret == 0
    # Whoever asks for help sees no more of it.
    assert (hcsrt.__doc__ or "").splitlines()[1:] == ["", "PYTEST_DONT_REWRITE"]
    result.assert_outcomes(passed=1)


def test_the_plugin_has_its_options_and_markers(run: Run) -> None:
    shown = text_of(run("", "--help", "--strict-markers", "--strict-config"))
    for option in ("--hcs-backend={emulator,windows}", "--hcs-seed=N", "--hcs-require-sometimes"):
        assert option in shown
    shown = text_of(run("", "--markers"))
    assert "@pytest.mark.hcs(seed=" in shown
    assert "@pytest.mark.hcs_real:" in shown


def test_the_blocks_of_the_page_work(pytester: pytest.Pytester, run: Run) -> None:
    page = DOCS / "reference" / "pytest.md"
    whole, fixture, seed, world = (block.text for block in blocks_of(page, "python"))
    pytester.makepyfile(test_page=whole)
    pytester.makeconftest(f"{whole.partition('def ')[0]}\n{fixture}\n{seed}")
    pytester.makepyfile(
        test_fixtures="def test(system, hcs_host): assert hcs_host.seed is None and not system.closed\n"
    )
    save_world(pytester.mkdir("worlds") / "lab.json")
    pytester.makepyfile(test_world=f"import pytest\n\n{world}")
    run().assert_outcomes(passed=23)
    text = page.read_text("utf-8")
    assert set(re.findall(r"^\| `(--[\w-]+)", text, re.MULTILINE)) == {
        "--hcs-seed",
        "--hcs-backend",
        "--hcs-require-sometimes",
    }
    assert re.findall(r"^### `(\w+)`", text, re.MULTILINE) == ["hcs_host", "hcs_seed", "hcs", "hcs_real"]


# --- worlds ----------------------------------------------------------------------------------------------------------


def test_each_test_has_a_world_of_its_own(run: Run) -> None:
    result = run("""
seeds = []

@pytest.mark.parametrize("number", range(3))
def test_world(hcs_host, hcs_seed, number):
    assert Host.installed() is hcs_host
    assert (hcs_host.seed, hcsrt.systems()) == (hcs_seed, [])
    assert hcs_seed not in seeds
    seeds.append(hcs_seed)
    with create() as system:
        system.start()
        # The program is no program of Windows; and that it is not isolated is no news to who uses the fixture.
        assert system.run([*PYTHON, "print(1)"], capture_output=True, text=True).stdout == "1\\n"
        system.terminate()

def test_outside():
    assert len(seeds) == 3
    assert Host.installed() is None

@pytest.mark.hcs(assume={"state_before_start": "absent"})
class TestAssumed:
    @pytest.mark.hcs(seed=None, assume={"answers": "late"})
    def test_both(self, hcs_host):
        assert hcs_host.seed is None
        assumed = {name: choice for name, choice in hcs_host.assumptions.items() if choice}
        assert assumed == {"state_before_start": "absent", "answers": "late"}

    @pytest.mark.hcs(assume={"state_before_start": "Created"})
    def test_closest(self, hcs_host):
        assert hcs_host.assumptions["state_before_start"] == "Created"
""")
    result.assert_outcomes(passed=6)


def test_what_is_cleaned_up_in_the_background_is_not_left_behind(run: Run) -> None:
    result = run("""
@pytest.mark.hcs(seed=range(12))
def test_cancelled(hcs_host):
    async def main():
        async with await aio.ComputeSystem.create("made", container_document()) as system:
            await system.start()
            tasks = [asyncio.create_task(system.properties()) for _ in range(3)]
            tasks.append(asyncio.create_task(aio.ComputeSystem.create("other", container_document())))
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await system.terminate()
        abandoned = asyncio.create_task(aio.ComputeSystem.create("abandoned", container_document()))
        await asyncio.sleep(0)
    asyncio.run(main())

@pytest.mark.hcs(seed=range(6))
def test_timed_out(hcs_host):
    with create() as system:
        # The seed decides whether HCS has answered by then.
        with contextlib.suppress(hcsrt.OperationTimeoutError):
            system.start(timeout=0)

@pytest.mark.hcs(seed=range(3))
def test_circle(hcs_host):
    circle = [operations.create_operation()]
    circle.append(circle)
""")
    result.assert_outcomes(passed=21)


def test_faults_end_with_the_test(run: Run) -> None:
    result = run("""
def test_hangs(hcs_host):
    fault = hcs_host.faults.on("completion:HcsStartComputeSystem").hang()
    async def main():
        async with await aio.ComputeSystem.create("made", container_document()) as system:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(system.start(), 0.1)
    asyncio.run(main())
    assert len(fault.fired) == 1

def test_afterwards(hcs_host):
    with create() as system:
        system.start()
        system.terminate()
    assert len(hcs_host.faults) == 0

@pytest.mark.hcs(seed=range(4), chaos="swarm")
def test_chaos(hcs_host):
    assert len(hcs_host.faults) > 0
    with contextlib.suppress(hcsrt.HcsError), create() as system:
        try:
            system.start()
        finally:
            system.terminate()

@pytest.mark.hcs(seed=3, chaos="swarm")
def test_failing(hcs_host):
    assert hcs_host is None
""")
    result.assert_outcomes(passed=6, failed=1)
    assert "seed: 3\nchaos: swarm\n" in text_of(result)


SAVES_A_WORLD = """
import sys
from hcsrt import ComputeSystem
from hcsrt.emulator import Host, container_document

with Host(12, answers="late") as host:
    host.faults.on("HcsTerminateComputeSystem", nth=1).fail("E_ACCESSDENIED")
    # One stays when its handle closes; the other one would end.
    with ComputeSystem.create("web", container_document(terminate_on_last_handle_closed=False)) as system:
        system.start()
    with ComputeSystem.create("db", container_document()) as system:
        system.start()
        host.save(sys.argv[1])
"""


def save_world(file: Path) -> None:
    # In a process of its own: this one may have chosen computecore.dll.
    subprocess.run([sys.executable, "-W", "ignore", "-c", SAVES_A_WORLD, str(file)], check=True)


WORLD = """
def test_file(hcs_host):
    assert hcs_host.systems() == ["db", "web"]
    assert hcs_host.seed == 12
    assert hcs_host.assumptions["answers"] == "late"
    assert [fault.site for fault in hcs_host.faults] == ["HcsTerminateComputeSystem"]
    with hcsrt.ComputeSystem.open("web") as system:
        with pytest.raises(hcsrt.HcsError):
            system.terminate()
        system.terminate()
    assert hcs_host.systems() == ["db"]

@pytest.mark.hcs(seed=[3, None], assume={"answers": None, "state_before_start": "Created"})
def test_more(hcs_host):
    assert hcs_host.seed in (3, None)
    assumed = {name: choice for name, choice in hcs_host.assumptions.items() if choice}
    assert assumed == {"state_before_start": "Created"}
    assert hcs_host.systems() == ["db", "web"]

@pytest.mark.hcs(world=None)
def test_none(hcs_host):
    assert hcsrt.systems() == []

@pytest.mark.hcs(chaos="swarm")
def test_chaos(hcs_host):
    assert "HcsTerminateComputeSystem" in [fault.site for fault in hcs_host.faults]
    assert hcs_host.systems() == ["db", "web"]

def test_failing(hcs_host):
    assert not hcs_host
"""


@pytest.mark.slow
def test_a_world_comes_from_a_file(pytester: pytest.Pytester, run: Run) -> None:
    folder = pytester.mkdir("sub")
    (folder / "worlds").mkdir()
    (folder / "test_it.py").write_text(f"{HEAD}pytestmark = pytest.mark.hcs(world='worlds/lab.json')\n{WORLD}")
    save_world(folder / "worlds" / "lab.json")
    result = run()
    result.assert_outcomes(passed=5, failed=1)
    shown = text_of(result)
    assert "seed: 12\nworld: worlds/lab.json\n" in shown
    assert re.search(r"^repeat it with: (?:python -m )?pytest \S*test_it\.py::test_failing$", shown, re.MULTILINE)
    shown = text_of(run("", "--hcs-seed=7"))
    assert "assert 7 == 12" in shown
    assert re.search(
        r"^repeat it with: (?:python -m )?pytest \S*test_it\.py::test_failing --hcs-seed=7$", shown, re.MULTILINE
    )


# --- reports ---------------------------------------------------------------------------------------------------------


def test_what_is_left_behind_is_told_with_the_line_that_has_made_it(run: Run) -> None:
    result = run("""
kept = []

def test_blocking(hcs_host):
    def helper():
        kept.append(create())  # of the blocking test
    helper()

def test_awaited(hcs_host):
    async def helper():
        kept.append(await aio.ComputeSystem.create("made", container_document()))  # awaited
    asyncio.run(helper())

def test_task(hcs_host):
    async def main():
        task = asyncio.create_task(aio.ComputeSystem.create("made", container_document()))  # of the task
        kept.append(await task)
    asyncio.run(main())

def test_by_hand(hcs_host):
    kept.append(operations.create_operation())  # by hand

def test_clean(hcs_host):
    kept.clear()
""")
    result.assert_outcomes(passed=5, errors=4)
    shown = text_of(result)
    assert "hidden" not in shown
    file = os.path.join(result_folder(result), "test_it.py")
    for test, owner, count, function, line in (
        ("test_blocking", "<hcsrt.ComputeSystem 'made'>", "systems: 1", "helper", "of the blocking test"),
        ("test_awaited", "<hcsrt.aio.ComputeSystem 'made'>", "systems: 1", "helper", "# awaited"),
        ("test_task", "<hcsrt.aio.ComputeSystem 'made'>", "systems: 1", "main", "# of the task"),
        ("test_by_hand", "<OwnedOperation open at", "operations: 1", "test_by_hand", "# by hand"),
    ):
        report = re.search(
            rf"ERROR at teardown of {test} _+\n(.*?)\n_____|ERROR at teardown of {test} _+\n(.*)", shown, re.S
        )
        assert report, shown
        told = report[1] or report[2]
        assert f"the test has left something behind: {count}" in told
        assert owner in told
        assert f'File "{file}", line {numbered(result, line)}, in {function}' in told
        assert "repeat it with: python -m pytest test_it.py::" + test in told
        # Nothing of pytest, asyncio or hcsrt.
        assert {os.path.basename(name) for name in re.findall(r'File "(.*?)"', told)} == {"test_it.py"}


def test_what_is_dropped_without_a_close_is_told_with_the_line_that_has_made_it(run: Run) -> None:
    result = run(
        """
def test_blocking(hcs_host):
    create("blocking").start()  # of the blocking test

def test_awaited(hcs_host):
    async def main():
        system = await aio.ComputeSystem.create("awaited", container_document())  # awaited
        await system.start()
    asyncio.run(main())

def test_process(hcs_host):
    with create() as system:
        system.start()
        system.popen([*PYTHON, "pass"]).wait()  # of the process
        system.terminate()

def test_circle(hcs_host):
    circle = [create("circle")]  # of the circle
    circle.append(circle)

def test_both(hcs_host):
    kept.append(create("kept"))
    create("dropped")

kept = []

@pytest.mark.hcs(may_drop=True)
def test_allowed(hcs_host):
    kept.clear()
    create("allowed").start()

def test_with_operations_alone(hcs_host):
    operations.create_operation()

@pytest.mark.xfail
def test_expected_to_fail(hcs_host):
    create("failing")
    assert not hcs_host

before = []

def test_makes(hcs_host):
    with create() as system:
        before.append(system)

def test_drops_what_another_has_closed(hcs_host):
    before.clear()
""",
        "-W",
        "ignore::ResourceWarning",
    )
    result.assert_outcomes(passed=9, errors=5, xfailed=1)
    shown = text_of(result)
    file = os.path.join(result_folder(result), "test_it.py")
    for test, owner, function, line in (
        ("test_blocking", "<hcsrt.ComputeSystem 'blocking'>", "test_blocking", "of the blocking test"),
        ("test_awaited", "<hcsrt.aio.ComputeSystem 'awaited'>", "main", "# awaited"),
        ("test_process", "<hcsrt.Process ", "test_process", "of the process"),
        ("test_circle", "<hcsrt.ComputeSystem 'circle'>", "test_circle", "of the circle"),
        ("test_both", "<hcsrt.ComputeSystem 'dropped'>", "test_both", 'create("dropped")'),
    ):
        report = re.search(rf"ERROR at teardown of {test} _+\n(.*?)(\n_____|\n=====)", shown, re.S)
        assert report, shown
        told = report[1]
        assert "the test has dropped without closing: 1\n" in told
        assert ("left something behind: systems: 1" in told) == (test == "test_both")
        assert owner in told
        assert f'File "{file}", line {numbered(result, line)}, in {function}' in told
        assert f"pytest test_it.py::{test}" in told.rpartition("repeat it with: ")[2]


@pytest.mark.slow
def test_many_drops_are_told_in_few_lines(run: Run) -> None:
    source = "def test_it(hcs_host):\n    for number in range(30):\n        create(str(number))\n"
    result = run(source, "-W", "ignore::ResourceWarning")
    result.assert_outcomes(passed=1, errors=1)
    assert "the test has dropped without closing: 30\n" in text_of(result)
    # Where CI is set, the summary behind it has all of it once more.
    report = text_of(result).partition("short test summary info")[0]
    assert report.count(" was made here:") == 10
    assert "\nand 20 more\n" in text_of(result)


def test_a_misuse_fails_the_test(run: Run) -> None:
    result = run("""
def test_misuse(hcs_host):
    address = operations.create_operation().into_raw()
    for _ in range(2):
        hcsrt.OwnedOperation.from_raw(address).close()
""")
    result.assert_outcomes(passed=1, errors=1)
    assert "the test has done what could crash or corrupt the real HCS:" in text_of(result)


FAILING = """
SECRET = "".join(["se", "cr", "et"])

@pytest.mark.parametrize("name", ["a b", "it's"])
def test_failing(hcs_host, name):
    hcs_host.faults.on("HcsStartComputeSystem", nth=1).fail("E_UNEXPECTED", {"ErrorMessage": SECRET})
    with create("failing") as system:
        try:
            system.start()
        except hcsrt.HcsError:
            pass
        print("seed is", hcs_host.seed)
        kept.append(system)
        assert not name

kept = []
"""


@pytest.mark.slow
def test_a_failure_tells_its_seed_and_the_command_that_repeats_it(pytester: pytest.Pytester, run: Run) -> None:
    result = run(FAILING, "--show-capture=no")
    # A failure may leave anything behind: that is not told too.
    result.assert_outcomes(failed=2)
    shown = text_of(result)
    assert "secret" not in shown
    seeds = re.findall(r"^seed: (\d+)$", shown, re.MULTILINE)
    assert len(set(seeds)) == 2
    assert shown.count("choices that HCS leaves open, as the test has met them:\n  completion=") == 2
    commands = re.findall(r"^repeat it with: (.*)$", shown, re.MULTILINE)
    assert len(commands) == 2
    if WINDOWS:
        return
    for seed, command in zip(seeds, commands, strict=True):
        python, option, pytest_, *words = shlex.split(command)
        assert (python, option, pytest_) == ("python", "-m", "pytest")
        again = run("", *words)
        again.assert_outcomes(failed=1)
        assert f"seed is {seed}" in text_of(again)


def test_a_failure_tells_which_faults_have_fired(run: Run) -> None:
    shown = text_of(run(FAILING))
    assert "faults that fired: 1\n  HcsStartComputeSystem of 'failing', number 1, after 0." in shown


def test_a_failure_tells_which_faults_have_never_fired(run: Run) -> None:
    result = run("""
SECRET = "".join(["se", "cr", "et"])

def test_it(hcs_host):
    faults = hcs_host.faults
    faults.on("HcsStartComputeSystem", nth=3).fail("E_UNEXPECTED", {"ErrorMessage": SECRET})
    faults.on("HcsModifyComputeSystem", when=[["document", "contains", SECRET], ["count", ">", 1]]).delay(0.5)
    faults.on("HcsGetProcessInfo").missing()
    faults.on("HcsCreateComputeSystem").delay(0)
    with faults.on("event:SystemExited").drop(), create() as system:
        system.start()
    assert not hcs_host
""")
    result.assert_outcomes(failed=1)
    shown = text_of(result)
    assert "secret" not in shown
    never = (
        "faults that never fired: 3\n"
        "  on('event:SystemExited').drop()\n"
        "  on('HcsStartComputeSystem', nth=3).fail(error='E_UNEXPECTED', document=...)\n"
        "  on('HcsModifyComputeSystem', when=[['document', 'contains', ...], ['count', '>', 1]]).delay(seconds=0.5)\n"
    )
    assert "faults that fired: 1\n  HcsCreateComputeSystem of 'made', number 1" in shown
    assert f"\n{never}repeat it with: " in shown


# --- tracebacks ------------------------------------------------------------------------------------------------------

TRACED = """
def test_blocking(hcs_host):
    hcs_host.faults.on("HcsStartComputeSystem").fail("HCS_E_OPERATION_TIMEOUT")
    with create() as system:
        system.start()  # blocking

def test_awaited(hcs_host):
    hcs_host.faults.on("HcsStartComputeSystem").fail("HCS_E_OPERATION_TIMEOUT")
    async def main():
        async with await aio.ComputeSystem.create("made", container_document()) as system:
            await system.start()  # awaited
    asyncio.run(main())

def test_caused(hcs_host):
    hcs_host.faults.on("HcsStartComputeSystem").fail("HCS_E_OPERATION_TIMEOUT")
    with create() as system:
        try:
            system.start()
        except hcsrt.HcsError as error:
            raise LookupError("told") from error
"""


@pytest.mark.slow
def test_a_traceback_has_no_frames_of_hcsrt(run: Run) -> None:
    result = run(TRACED)
    result.assert_outcomes(failed=3)
    shown = text_of(result)
    told = "E +hcsrt.errors.OperationTimeoutError: HcsStartComputeSystem: HCS_E_OPERATION_TIMEOUT"
    assert len(re.findall(told, shown)) == 3
    assert re.findall(r"^\S*hcsrt\S*:\d+: ", shown, re.MULTILINE) == []
    for line in ("# blocking", "# awaited"):
        assert f"\ntest_it.py:{numbered(result, line)}: " in shown
    for option in ("--full-trace", "--showlocals"):
        assert re.findall(r"^\S*hcsrt\S*:\d+: ", text_of(run("", option)), re.MULTILINE), option


def test_a_traceback_without_hcs_host_has_all_frames(run: Run) -> None:
    result = run(
        """
def test_failing_first(hcs_host):
    hcsrt.ComputeSystem.open("nothing")

def test_failing():
    hcsrt.ComputeSystem.open("nothing")
""",
        "--hcs-backend=emulator",
    )
    result.assert_outcomes(failed=2)
    with_host, without = text_of(result).split("_ test_failing _")
    assert re.findall(r"^\S*hcsrt\S*:\d+: ", with_host, re.MULTILINE) == []
    assert re.findall(r"^\S*hcsrt\S*:\d+: ", without, re.MULTILINE)


@pytest.mark.slow
def test_an_error_that_never_came_out_of_hcsrt_keeps_its_frames(run: Run) -> None:
    result = run("""
def test_it(hcs_host):
    try:
        hcsrt.ComputeSystem.open("nothing")
    except hcsrt.HcsError as error:
        inner = ValueError("inside")
        inner.__traceback__ = error.__traceback__.tb_next
        error.__cause__ = inner
        raise
""")
    result.assert_outcomes(failed=1)
    shown = text_of(result)
    inner, outer = shown.split("The above exception was the direct cause")
    assert re.findall(r"^\S*hcsrt\S*:\d+: ", inner, re.MULTILINE)
    assert re.findall(r"^\S*hcsrt\S*:\d+: ", outer, re.MULTILINE) == []


@posix_shell
def test_the_command_is_for_the_folder_in_which_pytest_was_started(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pytester.mkdir("sub folder")
    (folder / "test_there.py").write_text("def test(hcs_host): assert False")
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(folder)
    shown = text_of(run(""))
    (command,) = re.findall(r"^repeat it with: python -m pytest (.*)$", shown, re.MULTILINE)
    assert shlex.split(command)[0] == "test_there.py::test"
    assert re.search(r"^FAILED sub folder/test_there.py::test|^FAILED test_there.py::test", shown, re.MULTILINE)


def test_a_failure_while_a_test_is_set_up_is_told_too(run: Run) -> None:
    result = run("""
@pytest.fixture
def broken(hcs_host):
    assert hcs_host is None

def test_it(broken):
    pass
""")
    result.assert_outcomes(errors=1)
    assert "repeat it with: python -m pytest test_it.py::test_it --hcs-seed=" in text_of(result)


def test_a_failure_in_a_class_of_unittest_is_told_as_any_other(run: Run) -> None:
    result = run("""
import unittest

@pytest.mark.usefixtures("hcs_host")
class TestOfUnittest(unittest.TestCase):
    def test_it(self):
        self.left = create()
        self.left.pause()
""")
    result.assert_outcomes(failed=1)
    shown = text_of(result)
    assert "repeat it with: python -m pytest test_it.py::TestOfUnittest::test_it --hcs-seed=" in shown
    assert "_facade" not in shown


def test_what_a_failure_leaves_behind_is_not_told(run: Run) -> None:
    result = run("""
def test_failing(hcs_host):
    system = create()
    assert not system

@pytest.mark.xfail
def test_expected_to_fail(hcs_host):
    system = create()
    assert not system

def test_skipped(hcs_host):
    system = create()
    pytest.skip("has to be elsewhere")

def test_nobody_else_is_blamed(hcs_host):
    pass
""")
    result.assert_outcomes(passed=1, failed=1, xfailed=1, skipped=1)
    assert text_of(result).count("repeat it with") == 1


# --- seeds -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_each_seed_of_the_marker_makes_a_test(run: Run) -> None:
    source = """
@pytest.mark.hcs(seed=range(20, 23))
def test_range(hcs_host):
    assert hcs_host.seed != 21

@pytest.mark.hcs(seed=[None, 7])
@pytest.mark.parametrize("more", ["a", "b"])
def test_list(hcs_host, more):
    print(more, hcs_host.seed)
"""
    result = run(source, "-v", "--hcs-seed=1")
    result.assert_outcomes(passed=6, failed=1)
    shown = text_of(result)
    for name in ("test_range[seed20]", "test_range[seed21]", "test_list[seed-plain-a]", "test_list[b-seed7]"):
        alternatives = (name, name.replace("b-seed7", "seed7-b"))
        assert any(f"test_it.py::{each} " in shown for each in alternatives), name
    assert "repeat it with: python -m pytest 'test_it.py::test_range[seed21]'\n" in shown or WINDOWS
    run("", "test_it.py::test_range[seed21]").assert_outcomes(failed=1)


@pytest.mark.slow
def test_the_option_gives_the_seed(run: Run) -> None:
    source = """
def test_one(hcs_host):
    print("seed:", hcs_host.seed, end=";")

def test_two(hcs_host):
    print("seed:", hcs_host.seed, end=";")
"""
    found = [re.findall(r"seed: (\w+);", text_of(run(source, "-s", *option))) for option in ((), ())]
    assert len({seed for seeds in found for seed in seeds}) == 4
    assert re.findall(r"seed: (\w+);", text_of(run("", "-s", "--hcs-seed=12"))) == ["12", "12"]
    assert re.findall(r"seed: (\w+);", text_of(run("", "-s", "--hcs-seed=plain"))) == ["None", "None"]
    assert "--hcs-seed: 'many' is no seed: give an int, or 'plain'" in "\n".join(run("", "--hcs-seed=many").errlines)


def test_a_project_may_give_seeds_of_its_own(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef hcs_seed(): return 5\n")
    result = run("""
def test_it(hcs_host):
    assert hcs_host.seed == 5

@pytest.mark.hcs(seed=6)
def test_marked(hcs_host):
    assert hcs_host.seed == 6
""")
    result.assert_outcomes(passed=2)


def test_a_seed_of_the_marker_holds_where_pytest_makes_no_tests_of_seeds(run: Run) -> None:
    result = run("""
import unittest

@pytest.mark.usefixtures("hcs_host")
class TestOfUnittest(unittest.TestCase):
    @pytest.mark.hcs(seed=5)
    def test_one(self):
        assert Host.installed().seed == 5

    @pytest.mark.hcs(seed=[5, 6])
    def test_several(self):
        pass

@pytest.mark.hcs(seed=None)
class TestByCall:
    def test_it(self, request):
        assert request.getfixturevalue("hcs_host").seed is None
""")
    result.assert_outcomes(passed=2, errors=1)
    text = text_of(result)
    assert "has several seeds, of which pytest cannot make tests of their own here: give one" in text


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_the_command_starts_pytest_as_it_was_started(
    workers: tuple[str, ...], pytester: pytest.Pytester, run: Run
) -> None:
    (pytester.mkdir("here") / "test_it.py").write_text("import beside\n\ndef test(hcs_host): assert False\n")
    pytester.makepyfile(beside="")
    where = f"here{os.sep}test_it.py::test"
    words = ["-p", "no:cacheprovider", *PLUGIN, "--import-mode=importlib", *workers]
    shown = text_of(pytester.run(sys.executable, "-m", "pytest", *words))
    assert f"repeat it with: python -m pytest {where} --hcs-seed=" in shown
    (pytester.path / "here" / "test_it.py").write_text("def test(hcs_host): assert False\n")
    shown = text_of(pytester.run(sys.executable, "-c", "import pytest; pytest.main()", *words))
    assert f"pytest {where} --hcs-seed=" in shown.rpartition("repeat it with: ")[2]


WRONG = {
    "hcs(1)": "takes no argument without its name: write hcs(seed=...)",
    "hcs(seeds=[1])": "has no argument 'seeds': it takes seed, chaos, assume, world and may_drop; did you mean 'seed'?",
    "hcs(seed='1')": "takes an int, None, or a sequence of them as seed, not '1'",
    "hcs(seed=[1, True])": "takes an int, None, or a sequence of them as seed, not True",
    "hcs(seed=[])": "has no seed in its seed, so the test would never run: give one",
    "hcs(world=1)": "takes the path of a file as world, not 1",
    "hcs(may_drop=1)": "takes True or False as may_drop, not 1",
    "hcs(assume=[1])": "takes a mapping as assume, not list: write assume={'name': 'choice'}",
}


def test_a_wrong_marker_is_told(pytester: pytest.Pytester, run: Run) -> None:
    for number, marker in enumerate(WRONG):
        (pytester.path / f"test_{number}.py").write_text(
            f"import pytest\n@pytest.mark.{marker}\ndef test_it(hcs_host): pass\n"
        )
    result = run()
    result.assert_outcomes(errors=len(WRONG))
    shown = text_of(result)
    for number, told in enumerate(WRONG.values()):
        assert f"the marker hcs of test_{number}.py::test_it {told}" in shown


def test_markers_that_contradict_a_test_are_told(run: Run) -> None:
    result = run("""
@pytest.mark.hcs(seed=1)
def test_no_host(): pass

@pytest.mark.hcs_real
def test_both(hcs_host): pass

@pytest.mark.hcs(assume={"no_such_thing": "yes"})
def test_unknown(hcs_host): pass

@pytest.mark.hcs(assume={"state_before_start": "perhaps"})
def test_wrong(hcs_host): pass

@pytest.mark.hcs(seed=None, chaos="swarm")
def test_chaos(hcs_host): pass

@pytest.mark.hcs(seed=1, chaos="storm")
def test_storm(hcs_host): pass

@pytest.mark.hcs(world="nowhere.json")
def test_nowhere(hcs_host): pass

@pytest.mark.hcs(seed=1, world="test_it.py")
def test_no_world(hcs_host): pass
""")
    result.assert_outcomes(errors=8)
    shown = text_of(result)
    assert "the marker hcs is for tests that use the fixture hcs_host" in shown
    assert "a test of the real HCS cannot use hcs_host" in shown
    assert "has chaos, which needs a seed: give one as seed, and no --hcs-seed=plain" in shown
    assert "asks for a world that there cannot be: chaos is 'storm'; give 'swarm'" in shown
    assert "test_nowhere names a world that cannot be loaded: [Errno 2] No such file or directory: " in shown
    assert re.search(r"test_no_world\S* names a world that cannot be loaded: .*test_it\.py holds no world", shown)
    assert "asks for a world that there cannot be: there is no assumption 'no_such_thing'; the nearest name is" in shown
    assert "asks for a world that there cannot be: state_before_start is 'perhaps'; choose 'absent' or" in shown


# --- backends --------------------------------------------------------------------------------------------------------

REAL = """
@pytest.mark.hcs_real
def test_real():
    assert hcsrt.backend() == "windows"
"""


@pytest.mark.slow
@pytest.mark.skipif(WINDOWS, reason="there may be a real HCS there")
def test_a_test_of_the_real_hcs_is_skipped_with_the_reason_of_the_doctor(run: Run) -> None:
    source = f"""{REAL}
def test_nothing_is_chosen_yet():
    from hcsrt._library import choose
    with pytest.raises(hcsrt.NotSupportedError):
        choose("windows")

def test_world(hcs_host):
    pass
"""
    for option in ((), ("--hcs-backend=windows",)):
        result = run(source, "-rs", *option)
        result.assert_outcomes(passed=1 if option else 2, skipped=2 if option else 1)
        assert re.search(
            r"^SKIPPED \[1\] test_it\.py:\d+: there is no HCS here: it is a service of Windows, and this is ",
            text_of(result),
            re.MULTILINE,
        )
    assert re.search(r"\] test_it\.py:\d+: hcs_host is emulated, and --hcs-backend=windows is given", text_of(result))
    result = run(source, "-rs", "--hcs-backend=emulator", "-k", "real")
    assert "there is no HCS here" in text_of(result)


def test_the_option_chooses_the_backend_of_all_tests(run: Run) -> None:
    result = run('def test_it():\n    assert hcsrt.backend() == "emulator"\n', "--hcs-backend=emulator")
    result.assert_outcomes(passed=1)


@pytest.mark.skipif(WINDOWS, reason="there may be an HCS")
def test_a_run_for_windows_never_falls_back_to_the_emulator(run: Run) -> None:
    result = run(
        """
def test_unmarked():
    hcsrt.systems()

@pytest.mark.hcs_real
def test_marked():
    hcsrt.systems()
""",
        "--hcs-backend=windows",
        "-rs",
    )
    result.assert_outcomes(failed=1, skipped=1)
    assert "it is a service of Windows" in text_of(result)


# --- several processes, and cases that have to be met ----------------------------------------------------------------

CASES = """
import os

from hcsrt.emulator import sometimes

@pytest.mark.parametrize("number", range(4))
def test_world(hcs_host, number):
    with create() as system:
        assert [each["Id"] for each in hcsrt.systems()] == ["made"]
        system.terminate()
    sometimes("met", number == 2)
    sometimes("never", False)
    if os.environ.get("ALL"):
        sometimes("never")
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_cases_that_no_process_has_met_fail_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, processes: tuple[str, ...]
) -> None:
    assert run(CASES, *processes).ret == 0
    result = run("", *processes, "--hcs-require-sometimes")
    result.assert_outcomes(passed=4)
    assert result.ret == 1
    place = next(number for number, line in enumerate(result.outlines) if "hcsrt: never met in this run" in line)
    assert result.outlines[place + 1] == "never"
    monkeypatch.setenv("ALL", "1")
    assert run("", *processes, "--hcs-require-sometimes").ret == 0
