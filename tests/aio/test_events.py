"""The events of hcsrt.aio: what the synchronous face promises."""

import time
from inspect import signature

import pytest

from ..facade import test_events
from ..helpers import portal as portal_module
from ..helpers.loops import MIRRORED

EXCEPT = {
    "test_ctrl_c_ends_a_wait": "about an interrupt of a thread that blocks",
    "test_a_reader_that_never_reads_does_not_stop_hcs": "below, without going to the loop and back for each event",
}
globals().update(
    {
        name: test
        for name, test in vars(test_events).items()
        if name.startswith("test_") and name not in EXCEPT and "system" in signature(test).parameters
    }
)
told = test_events.told


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


def test_a_reader_that_never_reads_does_not_stop_hcs_either(portal, system, told):
    async def read(events):
        return [await events.get(0) for _ in range(4_000)]

    with system.events(maxsize=1), system.events(maxsize=100_000) as events:
        before = time.monotonic()
        test_events.tell_numbers(4_000)
        told()
        assert time.monotonic() - before < 20
        assert None not in portal.call(read, events)
