"""Commands that run in a compute system: the parameters of a process and of its streams."""

from __future__ import annotations

import io
import os
import sys
from _collections_abc import Sequence
from codecs import getincrementaldecoder, lookup_error

from .. import _hresults as hresults
from .._arguments import check_name, command_words, console_size, environment, integer, path_text
from .._json import loads
from ..documents import dumps
from ..errors import error_from
from .owner import tell_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, TypeAlias, TypedDict

    from .._streams import ProcessStart
    from .output import LiveOutput, WaitWithin

    class PopenOptions(TypedDict, total=False):
        stdin: int | None
        stdout: int | None
        stderr: int | None
        cwd: str | os.PathLike[str] | None
        env: Mapping[str, str] | None
        user: str | None
        bufsize: int
        console: bool | tuple[int, int]
        max_output: int | None
        on_output: Callable[[str, Any], object] | None
        timeout: float | None

    class RunOptions(PopenOptions, total=False):
        capture_output: bool
        check: bool


Command: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

# The values of subprocess, which is slow to import.
PIPE = -1
STDOUT = -2
DEVNULL = -3
# The streams of a process, and what asks for a pipe there.
_PIPES = {"stdin": "CreateStdInPipe", "stdout": "CreateStdOutPipe", "stderr": "CreateStdErrPipe"}
# More bytes than a character has, with all that belongs to it.
CHARACTER_SIZE = 8
_CHUNK = 64 * 1024


class StreamFormat:
    """The format of the streams of a process, by the parameters that subprocess.Popen has for it.

    live: what becomes of output that the process object reads itself, None if the caller reads it.
    """

    live: LiveOutput | None = None

    def __init__(self, text: bool | None, encoding: str | None, errors: str | None, bufsize: int) -> None:
        # Checked before there is a process whose output could not be decoded.
        if encoding and encoding != "locale":  # only io knows that one
            "".encode(encoding)
        if errors:
            lookup_error(errors)
        bufsize = self._bufsize = integer(bufsize, "bufsize")
        if bufsize > sys.maxsize:
            raise ValueError(f"bufsize must be at most {sys.maxsize}, not {bufsize}; -1 is the usual size")
        self.text: bool = bool(text or encoding or errors)
        self.encoding: str = encoding or ("utf-8" if sys.flags.utf8_mode else "locale")
        self.errors: str | None = errors
        self.line_buffering: bool = self.text and bufsize == 1
        self.buffer_size: int = io.DEFAULT_BUFFER_SIZE if bufsize < 0 or self.line_buffering else bufsize

    @property
    def limit(self) -> int:
        """The bytes that a reader of hcsrt.aio holds for a line, as asyncio's limit."""
        return self._bufsize if self._bufsize > 1 else _CHUNK

    def codec(self) -> tuple[str, str]:
        """Return the encoding and the error handler of text."""
        encoding = self.encoding
        if encoding == "locale":
            import locale

            encoding = locale.getencoding()
        return encoding, self.errors or "strict"

    def decoder(self) -> io.IncrementalNewlineDecoder:
        """Return a decoder of text whose lines all end in one character."""
        encoding, errors = self.codec()
        return io.IncrementalNewlineDecoder(getincrementaldecoder(encoding)(errors), translate=True)


def live_output(
    max_output: int | None,
    on_output: Callable[[str, Any], object] | None,
    streams: StreamFormat,
    *pipes: int | None,
    wait: WaitWithin | None,
) -> LiveOutput | None:
    """Return what becomes of output that the process object reads itself; None if its caller reads it.

    pipes: what stdout and stderr are to be. wait: as for LiveOutput.
    """
    if max_output is None and on_output is None:
        return None
    from .output import LiveOutput

    return LiveOutput(
        max_output, on_output, streams.decoder if streams.text else None, has_pipes=PIPE in pipes, wait=wait
    )


async def process_parameters(
    args: Command,
    *,
    is_linux: Callable[[], Coroutine[Any, Any, bool]],
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None,
    user: str | None,
    console: bool | tuple[int, int],
) -> str:
    """Make the ProcessParameters of a command, as JSON; is_linux asks HCS what the guest is."""
    tell_place()
    document: dict[str, Any] = {}
    if cwd is not None:
        document["WorkingDirectory"] = path_text(cwd, "cwd")
    if env is not None:
        document["Environment"] = environment(env)
    if user is not None:
        check_name(user, "user")
        document["User"] = user
    if console is not False:
        document["EmulateConsole"] = True
        if stderr == PIPE:
            raise ValueError("a console has no stderr of its own, its output comes on stdout: leave stderr=PIPE away")
        if console is not True:
            document["ConsoleSize"] = list(console_size(console))
    elif stderr == STDOUT:
        raise ValueError(
            "HCS cannot join stderr to stdout: redirect in the command itself (cmd /c or sh -c with 2>&1), or use "
            "console=True"
        )
    for (name, key), value, also in zip(_PIPES.items(), (stdin, stdout, stderr), ((), (), (STDOUT,)), strict=True):
        if value not in (None, PIPE, DEVNULL, *also):
            raise ValueError(f"{name} must be None, PIPE or DEVNULL, not {value!r}: HCS connects only pipes it makes")
        if value == PIPE:
            document[key] = True
    return dumps(document | await _command(args, is_linux))


async def _command(args: Command, is_linux: Callable[[], Coroutine[Any, Any, bool]]) -> dict[str, Any]:
    if isinstance(args, str):
        check_name(args, "args")
        return {"CommandLine": args}
    words = command_words(args, "args")
    if await is_linux():
        return {"CommandArgs": words}
    from subprocess import list2cmdline

    return {"CommandLine": list2cmdline(words)}


def resize_request(height: int, width: int) -> dict[str, Any]:
    """Make a ProcessModifyRequest for the size of the console."""
    rows, columns = console_size((height, width))
    return {"Operation": "ConsoleSize", "ConsoleSize": {"Height": rows, "Width": columns}}


def check_attach(pid: int, wanted: Mapping[str, int | None]) -> int:
    """Return the pid, checked along with the streams that are wanted."""
    for name, value in wanted.items():
        if value not in (None, PIPE):
            raise ValueError(f"{name} must be None or PIPE, not {value!r}")
    pid = integer(pid, "pid")
    if not 0 <= pid <= 0xFFFFFFFF:
        raise ValueError(f"pid must be from 0 to {0xFFFFFFFF}, not {pid}")
    return pid


def lacking_pipes(start: ProcessStart, parameters: str) -> list[str]:
    """Return the streams for which the parameters of a process ask, and HCS has given no pipe."""
    asked = loads(parameters)
    return [name for name, key in _PIPES.items() if asked.get(key) and getattr(start, name) is None]


def check_given(start: ProcessStart, pid: int, wanted: Mapping[str, int | None]) -> None:
    """Raise if HCS has not given a stream that is wanted."""
    missing = [name for name, value in wanted.items() if value == PIPE and getattr(start, name) is None]
    if missing:
        names = " and ".join(missing)
        asked = " and ".join(f"{name}=PIPE" for name in missing)
        reason = (
            f"HCS has no handle for {names} of process {pid}: it was started without a pipe there, or whoever had the "
            f"pipe has closed it. Open the process without {asked}, and start it again for a new pipe"
        )
        raise error_from(hresults.HCS_E_PROCESS_INFO_NOT_AVAILABLE, "HcsGetProcessInfo", {"ErrorMessage": reason})


def run_pipes(
    input: object,
    streams: StreamFormat,
    capture_output: bool,
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
    console: bool | tuple[int, int],
) -> tuple[int | None, int | None, int | None]:
    """Return the streams of a process that run() starts, and refuse input that they cannot take."""
    if input is not None:
        if stdin is not None:
            raise ValueError("give input or stdin, not both")
        stdin = PIPE
        encoded(input, streams, stdin_is_open=True)
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("give capture_output, or stdout and stderr, not both")
        stdout = PIPE
        stderr = None if console else PIPE
    return stdin, stdout, stderr


def encoded(
    input: Any, streams: StreamFormat, stdin_is_open: bool, encode: Callable[[str], bytes] | None = None
) -> bytes:
    """Return what communicate() has to write to stdin.

    encode: encodes text that goes on where a codec has come to; without it the text is encoded on its own.
    """
    if input is None:
        return b""
    if streams.text:
        if not isinstance(input, str):
            raise TypeError(f"input must be a str, not {type(input).__name__}: the streams are in text mode")
    else:
        try:
            input = bytes(memoryview(input))
        except TypeError:
            raise TypeError(
                f"input must be bytes, not {type(input).__name__}: the streams are not in text mode"
            ) from None
    if not input:
        return b""
    if not stdin_is_open:
        raise ValueError("input needs stdin=PIPE, and not closed yet")
    if not isinstance(input, str):
        return input
    # As writing to the stream would do it.
    text = input.replace("\n", os.linesep)
    return text.encode(*streams.codec()) if encode is None else encode(text)
