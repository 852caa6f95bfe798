"""The pytest plugin of hcsrt: a world of its own for each test, and what a failure has to tell.

pytest imports this module in every run of an environment in which hcsrt is installed. So it imports nothing of hcsrt
before a fixture, a marker or an option asks for it.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

import pytest

if TYPE_CHECKING:
    from types import CodeType

    from ._facade.owner import Owner
    from ._handles import Handle
    from .emulator import Host
    from .emulator.contents import Saved

__all__ = ["hcs_host", "hcs_seed"]

PLAIN = "plain"
"""Stands for no seed, and so for the plain order, on the command line and in the name of a test."""

SETTLE_SECONDS = 5.0
"""Seconds that the world of a test has to clean up in the background."""

SOON_SECONDS = 0.5
"""Seconds after which nobody waits any more if all that is left are open handles, which nothing in the background is.

Only a thread of the test's own could still close them, and a test waits for its threads.
"""

_ORIGIN_DEPTH = 16
_MOST_FIRINGS = 20
_MOST_DROPS = 10
_MARKERS = (
    "hcs(seed=None, chaos=None, assume={}, world=None, may_drop=False): the world of a test that uses hcs_host. seed: "
    "an int, None for the plain order, or several of them, each of which makes a test of its own; chaos: what goes "
    "wrong at random, 'swarm'; assume: choices by the names of assumptions; world: a file that Host.save() has "
    "written, relative to that of the test; may_drop: whether it is no failure if the test drops a compute system or a "
    "process without closing it.",
    "hcs_real: a test of the real HCS, which is skipped where that cannot be used.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hcsrt", "hcsrt, the driver of the Windows Host Compute Service")
    group.addoption(
        "--hcs-backend",
        choices=("emulator", "windows"),
        help="the HCS of this run: without this, that of each test that uses hcs_host is the emulator, and each test "
        "that is marked hcs_real is skipped",
    )
    group.addoption(
        "--hcs-seed",
        type=_seed_of_option,
        metavar="N",
        help=f"the seed of the world of each test whose marker has none; '{PLAIN}': none, and so the plain order. "
        "Without this, each test has another one in each run",
    )
    group.addoption(
        "--hcs-require-sometimes",
        action="store_true",
        help="fail the run if a condition of hcsrt.emulator.sometimes() was never true in it",
    )


def _seed_of_option(text: str) -> int | str:
    try:
        return PLAIN if text == PLAIN else int(text)
    except ValueError:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r} is no seed: give an int, or {PLAIN!r}") from None


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    backend = config.getoption("hcs_backend")
    if backend is not None:
        try:
            from . import _built as _built
            from ._library import choose
            from .errors import HcsError
        except ImportError as error:
            raise pytest.UsageError(f"--hcs-backend={backend}: {error}") from None

        try:
            choose(backend)
        except HcsError:
            # The tests that are marked to want it are skipped, and say why. No other may find the emulator there.
            _set_variable(config, "HCSRT_BACKEND", backend)
        except RuntimeError as error:
            raise pytest.UsageError(f"--hcs-backend={backend}: {error}") from None


def _set_variable(config: pytest.Config, name: str, value: str) -> None:
    """Set an environment variable for this run."""
    before = os.environ.get(name)
    os.environ[name] = value

    def restore() -> None:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before

    config.add_cleanup(restore)


# --- what a test wants -----------------------------------------------------------------------------------------------


class _Wanted(NamedTuple):
    """What the markers of a test say of its world."""

    seeds: list[int | None] | None
    chaos: Any
    assume: dict[str, str]
    world: str | os.PathLike[str] | None
    may_drop: bool


_ARGUMENTS = ("seed", "chaos", "assume", "world", "may_drop")


def _wanted(node: Any) -> _Wanted:
    given: dict[str, Any] = {}
    assume: dict[str, str] = {}
    # The closest first: that of the test, of its class, of its module.
    for marker in node.iter_markers("hcs"):
        if marker.args:
            _refuse(node, "takes no argument without its name: write hcs(seed=...)")
        for name, value in marker.kwargs.items():
            if name not in _ARGUMENTS:
                from ._arguments import did_you_mean

                *others, last = _ARGUMENTS
                near = did_you_mean(name, _ARGUMENTS)
                _refuse(node, f"has no argument {name!r}: it takes {', '.join(others)} and {last}{near}")
            given.setdefault(name, value)
        more = marker.kwargs.get("assume", {})
        if not isinstance(more, Mapping):
            _refuse(node, f"takes a mapping as assume, not {type(more).__name__}: write assume={{'name': 'choice'}}")
        assume = {**more, **assume}
    seeds = _seeds(node, given["seed"]) if "seed" in given else None
    may_drop = given.get("may_drop", False)
    if not isinstance(may_drop, bool):
        _refuse(node, f"takes True or False as may_drop, not {may_drop!r}")
    world = given.get("world")
    if world is not None and not isinstance(world, (str, os.PathLike)):
        _refuse(node, f"takes the path of a file as world, not {world!r}")
    return _Wanted(seeds, given.get("chaos"), assume, world, may_drop)


def _seeds(node: Any, seed: Any) -> list[int | None]:
    seeds: list[Any] = [seed]
    if isinstance(seed, Sequence) and not isinstance(seed, (str, bytes)):
        seeds[:] = seed
    for each in seeds:
        if each is not None and type(each) is not int:
            _refuse(node, f"takes an int, None, or a sequence of them as seed, not {each!r}")
    if not seeds:
        _refuse(node, "has no seed in its seed, so the test would never run: give one")
    return seeds


def _refuse(node: Any, reason: str) -> NoReturn:
    pytest.fail(f"the marker hcs of {node.nodeid} {reason}", pytrace=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "hcs_seed" in metafunc.fixturenames:
        seeds = _wanted(metafunc.definition).seeds
        if seeds is not None:
            ids = [f"seed-{PLAIN}" if seed is None else f"seed{seed}" for seed in seeds]
            metafunc.parametrize("hcs_seed", seeds, ids=ids)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    uses_host = "hcs_host" in getattr(item, "fixturenames", ())
    if not uses_host and any(marker.name == "hcs" for marker in item.own_markers):
        pytest.fail("the marker hcs is for tests that use the fixture hcs_host: use it, or remove the marker", False)
    if item.get_closest_marker("hcs_real") is not None:
        if uses_host:
            pytest.fail("a test of the real HCS cannot use hcs_host, which is emulated: make two tests of it", False)
        reason = _why_not_real(item.config)
        if reason is not None:
            _skip(reason)


def _skip(reason: str) -> NoReturn:
    """Skip a test; what pytest shows then is the place of the test, as with its own marker, and not this one."""
    raise pytest.skip.Exception(reason, _use_item_location=True)


_WHY_NOT_REAL = pytest.StashKey["str | None"]()


def _why_not_real(config: pytest.Config) -> str | None:
    """Return why this run cannot use the real HCS, None if it can. Nothing here chooses the emulator."""
    if _WHY_NOT_REAL not in config.stash:
        reason: str | None = "this run is for the emulator: run the tests of the real HCS with --hcs-backend=windows"
        # Where there may be one, the question whether HCS can be used decides which one this process uses.
        if sys.platform != "win32" or config.getoption("hcs_backend") == "windows":
            from .doctor import why_not_windows

            reason = why_not_windows()
        config.stash[_WHY_NOT_REAL] = reason
    return config.stash[_WHY_NOT_REAL]


# --- the world of a test ---------------------------------------------------------------------------------------------

_RUN = pytest.StashKey[bytes]()
_SAVED = pytest.StashKey["Saved | None"]()
_WORLD = pytest.StashKey["_World"]()


@pytest.fixture
def hcs_seed(request: pytest.FixtureRequest) -> int | None:
    """Return the seed of hcs_host: that of the marker hcs, that of --hcs-seed, or one of the test's own in this run.

    That of the file comes before the last, if the test has a world from a file, and that has a seed. A conftest.py may
    have a fixture of this name that chooses otherwise.
    """
    # Where pytest makes no test of each seed: in classes of unittest, and where nothing but a call asks for hcs_host.
    wanted = _wanted(request.node)
    if wanted.seeds is not None:
        if len(wanted.seeds) > 1:
            _refuse(request.node, "has several seeds, of which pytest cannot make tests of their own here: give one")
        return wanted.seeds[0]
    if request.config.getoption("hcs_seed") is None:
        saved = _saved(request.node, wanted.world)
        if saved is not None and saved.seed is not None:
            return saved.seed
    return _seed_of(request.config, request.node.nodeid)


def _saved(node: Any, world: str | os.PathLike[str] | None) -> Saved | None:
    """Return what the file of a test's world holds, if it has one."""
    if _SAVED not in node.stash:
        node.stash[_SAVED] = None
        if world is not None:
            from . import _built as _built
            from .emulator.contents import read

            try:
                node.stash[_SAVED] = read(os.path.join(node.path.parent, world))
            except (OSError, ValueError) as error:
                _refuse(node, f"names a world that cannot be loaded: {error}")
    return node.stash[_SAVED]


def _seed_of(config: pytest.Config, test: str) -> int | None:
    given = config.getoption("hcs_seed")
    if given is not None:
        return None if given == PLAIN else given
    if _RUN not in config.stash:
        config.stash[_RUN] = os.urandom(8)
    # The same if the test runs again in this run, as plugins have it, and whichever tests run beside it.
    return zlib.crc32(config.stash[_RUN] + test.encode())


@pytest.fixture
def hcs_host(request: pytest.FixtureRequest, hcs_seed: int | None) -> Iterator[Host]:
    """Yield a world of the emulator's for this test alone: a hcsrt.emulator.Host, installed.

    The test fails if it leaves something behind that is not cleaned up in the background, drops a compute system or a
    process without closing it, or uses HCS in a way that could crash or corrupt the real one.
    """
    if request.config.getoption("hcs_backend") == "windows":
        _skip("hcs_host is emulated, and --hcs-backend=windows is given")
    import warnings

    from . import _built as _built
    from ._facade.owner import on_drop
    from ._handles import remember_makers, remembered_makers
    from .emulator.contents import Saved
    from .emulator.world import host_of
    from .errors import NoIsolationWarning

    wanted = _wanted(request.node)
    if wanted.chaos is not None and hcs_seed is None:
        _refuse(request.node, f"has chaos, which needs a seed: give one as seed, and no --hcs-seed={PLAIN}")
    saved = _saved(request.node, wanted.world) or Saved(None, {}, [], [], [])
    try:
        host = host_of(saved, str(wanted.world), hcs_seed, wanted.chaos, wanted.assume)
    except (TypeError, ValueError) as error:
        _refuse(request.node, f"asks for a world that there cannot be: {error}")
    request.node.stash[_WORLD] = world = _World(host, request.node, wanted)
    # Who uses the fixture wants an emulator. pytest takes this back when the test is over.
    warnings.filterwarnings("ignore", category=NoIsolationWarning)
    # Coroutines then know where they were made, and so does what a task makes.
    depth = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(max(depth, _ORIGIN_DEPTH))
    remember_makers(True)
    if not wanted.may_drop:
        on_drop(world.note_drop)
    try:
        with host:
            yield host
            world.verify()
    finally:
        on_drop(None)
        # Else they would warn in another test that they were dropped without having been closed.
        for handle, _, _ in remembered_makers():
            handle.close()
        remember_makers(False)
        sys.set_coroutine_origin_tracking_depth(depth)


class _World:
    """The host of a test, and what can be told of it."""

    def __init__(self, host: Host, item: pytest.Item, wanted: _Wanted) -> None:
        self.host = host
        self.item = item
        # That of the host changes if the test resets its world.
        self.seed = host.seed
        self.wanted = wanted
        self.has_failed = False
        self.has_told = False
        # The lines of each thing that was dropped unclosed.
        self.dropped: list[list[str]] = []

    def note_drop(self, owner: Owner[Any]) -> None:
        """Note what is dropped unclosed, if the test has made it."""
        from ._handles import remembered_makers

        for handle, places, origin in remembered_makers():
            if handle is owner.handle:
                # As text, since nothing may keep the object.
                self.dropped.append(list(_maker(repr(owner), places, origin)))

    def verify(self) -> None:
        """Fail the test if it has left something behind, dropped something unclosed, or misused HCS."""
        # What a failure has interrupted is kept by its traceback.
        if self.has_failed:
            return
        # What they hold back goes on, and nothing goes wrong any more that is cleaned up now.
        self.host.faults.clear()
        if not self.host.settle(SOON_SECONDS) and not self._is_held():
            self.host.settle(SETTLE_SECONDS)
        left, misuses = self.host.left_behind(), self.host.misuses()
        if left or self.dropped or misuses:
            self.has_told = True
            pytest.fail("\n".join(self._told(left, misuses)), pytrace=False)

    def _is_held(self) -> bool:
        """Return whether all that is left behind are handles that the test holds open."""
        from ._handles import OwnedOperation, OwnedProcess, OwnedStdio, OwnedSystem, remembered_makers

        kinds = {
            "operations": OwnedOperation,
            "processes": OwnedProcess,
            "stdio": OwnedStdio,
            "systems": OwnedSystem,
        }
        held = [type(handle) for handle, _, _ in remembered_makers() if not handle.closed]
        return all(
            name in kinds and held.count(kinds[name]) == count for name, count in self.host.left_behind().items()
        )

    def _told(self, left: Mapping[str, int], misuses: list[str]) -> Iterator[str]:
        if left:
            counts = ", ".join(f"{name}: {count}" for name, count in left.items())
            yield f"the test has left something behind: {counts}"
            from ._handles import remembered_makers

            for handle, places, origin in remembered_makers():
                yield ""
                yield from _maker(_owner(handle), places, origin)
            yield ""
        if self.dropped:
            yield f"the test has dropped without closing: {len(self.dropped)}"
            for lines in self.dropped[:_MOST_DROPS]:
                yield ""
                yield from lines
            if len(self.dropped) > _MOST_DROPS:
                yield ""
                yield f"and {len(self.dropped) - _MOST_DROPS} more"
            yield ""
        if misuses:
            yield "the test has done what could crash or corrupt the real HCS:"
            yield from (f"  {misuse}" for misuse in misuses)
            yield ""
        yield from self.lines()

    def lines(self) -> Iterator[str]:
        """Yield the lines that tell of this world whatever has failed."""
        from textwrap import wrap

        host = self.host
        yield f"seed: {PLAIN if host.seed is None else host.seed}"
        if self.wanted.world is not None:
            yield f"world: {os.fspath(self.wanted.world)}"
        if self.wanted.chaos is not None:
            yield f"chaos: {self.wanted.chaos}"
        assumed = {name: choice for name, choice in host.assumptions.items() if choice is not None}
        if assumed:
            yield f"assumed: {_pairs(assumed)}"
        met = {name: "/".join(sorted(choices)) for name, choices in host.met().items() if name not in assumed}
        if met:
            yield "choices that HCS leaves open, as the test has met them:"
            yield from (f"  {line}" for line in wrap(_pairs(met), 100, break_long_words=False))
        fired = host.faults.fired
        for number, firing in enumerate(fired[-_MOST_FIRINGS:]):
            if number == 0:
                yield f"faults that fired: {len(fired)}"
            system = f" of {firing.system!r}" if firing.system else ""
            yield f"  {firing.function}{system}, number {firing.number}, after {firing.seconds:.3f} s: {firing.action}"
        never = host.faults.never_fired
        for number, fault in enumerate(never[-_MOST_FIRINGS:]):
            if number == 0:
                yield f"faults that never fired: {len(never)}"
            yield f"  {fault}"
        yield f"repeat it with: {self.command()}"

    def command(self) -> str:
        """Return the command that runs this test alone in the same world."""
        config = self.item.config
        file, *rest = self.item.nodeid.split("::")
        # Relative to where pytest was started, as it takes names.
        path = os.path.join(config.rootpath, file)
        with suppress(ValueError):  # on another drive of Windows
            path = os.path.relpath(path, config.invocation_params.dir)
        # With -m the folder is one of those that Python imports from.
        arguments = getattr(config, "workerinput", {}).get("mainargv", sys.argv)
        is_module = os.path.basename(arguments[0]) == "__main__.py" if arguments else False
        words = [*(("python", "-m") if is_module else ()), "pytest", "::".join([path, *rest])]
        if self.wanted.seeds is None:
            seed: Any = self.seed
            if seed != _seed_of(config, self.item.nodeid):
                # A fixture of the tests' own has chosen it, by the option if by any.
                seed = config.getoption("hcs_seed")
            elif seed is None:
                seed = PLAIN
            if seed is not None:
                words.append(f"--hcs-seed={seed}")
        if sys.platform == "win32":
            from subprocess import list2cmdline

            return list2cmdline(words)
        # A node id may have blanks, brackets and quotes.
        from shlex import quote

        return " ".join(map(quote, words))


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, None]:
    world = item.stash.get(_WORLD, None)
    if world is None:
        yield
        return
    shows_all = item.config.getoption("showlocals", False) or item.config.getoption("fulltrace", False)
    # That of a test of unittest gets to its call within this wrapper.
    excinfo = call.excinfo or next(iter(getattr(item, "_excinfo", None) or ()), None)
    modules = [] if shows_all or excinfo is None else _hide_frames(excinfo.value)
    outcome = yield
    for names in modules:
        names.pop(_HIDES, None)
    if call.excinfo is None:
        return
    # One that is expected to fail has failed too.
    world.has_failed = True
    report = outcome.get_result()
    if report.failed and not world.has_told:
        text = "\n".join(world.lines())
        add = getattr(report.longrepr, "addsection", None)
        if add is not None:
            add("hcs_host", text)
        else:
            report.sections.append(("hcs_host", text))


_HIDES = "__tracebackhide__"
"""What pytest looks for in a frame and in its module."""


def _hide_frames(error: BaseException) -> list[dict[str, Any]]:
    """Let pytest leave hcsrt's own frames out of the traceback of an error, and of its causes.

    Returns:
        The names of the modules, in each of which that is said, to be taken back.
    """
    modules: list[dict[str, Any]] = []
    # Of an error that never came to a line of the program nothing would be left.
    shown: set[int] = set()

    def hides(excinfo: pytest.ExceptionInfo[BaseException] | None) -> bool:
        return excinfo is None or id(excinfo.value) not in shown

    for each in _causes(error):
        is_outside = False
        traceback = each.__traceback__
        while traceback is not None:
            frame, traceback = traceback.tb_frame, traceback.tb_next
            package = str(frame.f_globals.get("__name__")).partition(".")[0]
            # By name, since modules in Cython have the file of their source where they were built.
            if package == "hcsrt":
                frame.f_globals[_HIDES] = hides
                modules.append(frame.f_globals)
            elif package not in ("_pytest", "pluggy"):
                is_outside = True
        if not is_outside:
            shown.add(id(each))
    return modules


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error with all that pytest may show before it, and the members of groups."""
    found: set[int] = set()
    left = [error]
    while left:
        each = left.pop()
        if id(each) not in found:
            found.add(id(each))
            yield each
            if isinstance(each, BaseExceptionGroup):
                left += cast("BaseExceptionGroup[BaseException]", each).exceptions
            left += [more for more in (each.__cause__, each.__context__) if more is not None]


# --- cases that a run has to meet ------------------------------------------------------------------------------------


def _met() -> dict[str, int]:
    """Return how often each case of hcsrt.emulator.sometimes was met, in this process and in those of xdist."""
    # Where nothing has imported it, there are no cases.
    module = sys.modules.get("hcsrt.emulator.sometimes")
    return {} if module is None else module.sometimes.report()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of xdist has met."""
    met = getattr(node, "workeroutput", {}).get("hcs_met")
    if met:
        from .emulator import sometimes

        sometimes.merge(met)


# Before the terminal reports how the run has ended.
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if not config.getoption("hcs_require_sometimes"):
        return
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is not None:
        output["hcs_met"] = _met()
    elif session.exitstatus == pytest.ExitCode.OK and not all(_met().values()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("hcs_require_sometimes"):
        never = sorted(name for name, count in _met().items() if not count)
        if never:
            terminalreporter.section("hcsrt: never met in this run", red=True)
            for name in never:
                terminalreporter.line(name)


# --- where a handle was made -----------------------------------------------------------------------------------------


def _maker(
    owner: str, places: Sequence[tuple[CodeType, int]], origin: Sequence[tuple[str, int, str]] | None
) -> Iterator[str]:
    """Yield the lines that say where what owns a handle was made."""
    yield f"{owner} was made here:"
    yield from _traceback([(code.co_filename, _line(code, offset), code.co_name) for code, offset in places])
    if origin:
        yield "  in a task that was made here:"
        yield from _traceback(origin)


def _owner(handle: Handle) -> str:
    """Return what a handle is called: as the object of hcsrt that owns it, if one does."""
    import gc

    for owner in gc.get_referrers(handle):
        if getattr(owner, "_handle", None) is handle:
            return repr(owner)
    return repr(handle)


def _line(code: CodeType, offset: int) -> int:
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def _traceback(places: Sequence[tuple[str, int, str]]) -> Iterator[str]:
    """Yield the lines of a traceback, the innermost last, without what is pytest's, asyncio's and hcsrt's own."""
    import linecache

    for file, line, function in reversed(_of_program(places) or places):
        yield f'  File "{file}", line {line}, in {function}'
        text = linecache.getline(file, line).strip()
        if text:
            yield f"    {text}"


def _of_program(places: Sequence[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    folders = _folders()
    for place in places:
        file = os.path.normcase(place[0])
        if file.startswith(folders["_pytest"]):
            # Outside of it is nothing but what has started pytest.
            break
        if not file.startswith(tuple(folders.values())) and not file.startswith("<frozen"):
            found.append(place)
    return found


def _folders() -> dict[str, str]:
    """Return the folders of packages whose frames nobody wants to see."""
    folders: dict[str, str] = {}
    for name in ("_pytest", "hcsrt", "asyncio", "pluggy", "concurrent", "pytest_asyncio", "anyio"):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            folders[name] = os.path.normcase(os.path.dirname(file)) + os.sep
    return folders
