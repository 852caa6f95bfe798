"""Text through hcsrt.aio: what the synchronous face promises, and what only asyncio knows."""

import pytest

from hcsrt import PIPE, aio

from ..facade import test_text
from ..helpers import portal as portal_module
from ..helpers.loops import MIRRORED, asynchronous
from ..helpers.programs import CAT

EXCEPT = {"test_text_without_a_buffer_is_written_whole": "about streams that are files"}
globals().update({n: t for n, t in vars(test_text).items() if n.startswith("test_") and n not in EXCEPT})
handlers, copier = test_text.handlers, test_text.copier


@pytest.fixture(params=MIRRORED)
def portal(request):
    with portal_module.portal(request.param) as portal:
        yield portal


@pytest.fixture
def system(portal, document):
    with portal_module.compute_system(portal).create("tests", document) as system:
        system.start()
        yield system
        if not system.closed:
            system.stop(grace=0)


@asynchronous
async def test_a_piece_that_cannot_be_encoded_leaves_the_codec_as_it_was(document) -> None:
    async with await aio.ComputeSystem.create("tests", document) as system:
        await system.start()
        async with await system.popen(CAT, stdin=PIPE, stdout=PIPE, encoding="utf-8-sig") as process:
            with pytest.raises(UnicodeEncodeError):
                process.stdin.write("a\udc80")
            with pytest.raises(UnicodeEncodeError):
                process.stdin.writelines(["a", "\udc80"])
            process.stdin.writelines(["a", "b"])
            with pytest.raises(UnicodeEncodeError):
                await process.communicate("\udc80")
            # Of a second mark, the decoder would make a character.
            assert await process.communicate("c") == ("abc", None)
        await system.stop(grace=0)
