"""The events of hcsrt.aio: what the synchronous face promises."""

from inspect import signature

import pytest

from . import portal as portal_module
from . import test_events
from .loops import MIRRORED

EXCEPT = {"test_ctrl_c_ends_a_wait": "about an interrupt of a thread that blocks"}
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
