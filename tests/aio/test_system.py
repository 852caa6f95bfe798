"""Compute systems through hcsrt.aio: what the synchronous face promises, and what only asyncio knows."""

import pytest

import hcsrt
from hcsrt import aio

from ..facade import test_system
from ..helpers import portal as portal_module
from ..helpers.loops import MIRRORED

ABOUT_THREADS = "about an interrupt of a thread that blocks"
EXCEPT = {
    "test_a_create_whose_callback_cannot_be_registered_fails": "about functions that the engine does not use",
    "test_a_close_does_not_forget_what_another_thread_learns_meanwhile": "about what both faces have in common",
    "test_abandoning_what_is_closed_hides_no_interrupt": "about functions that the engine does not use",
    "test_open_of_a_system_that_stops_meanwhile_knows_the_exit": "about functions that the engine does not use",
    "test_stop_gets_past_a_start_that_hangs": "about functions that the engine does not use",
    "test_an_interrupt_right_after_the_call_loses_no_system": ABOUT_THREADS,
    "test_an_interrupt_right_after_the_constructor_loses_no_system": ABOUT_THREADS,
    "test_ctrl_c_ends_every_wait": ABOUT_THREADS,
    "test_ctrl_c_in_create_leaves_no_system": ABOUT_THREADS,
    "test_signal_handlers_run_while_a_wait_goes_on": ABOUT_THREADS,
    "test_an_unclosed_system_warns_and_is_closed": "the portal keeps it alive",
    "test_the_handle_is_closed_even_if_the_warning_is_an_error": "the portal keeps it alive",
    "test_what_hcsrt_logs_it_logs_quietly": "the loggers have other names",
    "test_the_package_offers_what_it_says": "about the package",
    "test_the_package_has_its_modules_though_it_imports_them_late": "about the package",
    "test_importing_the_package_imports_nothing_that_is_slow": "about the package",
}
globals().update({n: t for n, t in vars(test_system).items() if n.startswith("test_") and n not in EXCEPT})


@pytest.fixture(params=MIRRORED)
def portal(request):
    with portal_module.portal(request.param) as portal:
        yield portal


@pytest.fixture(autouse=True)
def face(portal, monkeypatch):
    monkeypatch.setattr(hcsrt, "ComputeSystem", portal_module.compute_system(portal))
    for name in ("systems", "reap"):
        monkeypatch.setattr(hcsrt, name, portal_module.function(portal, getattr(aio, name)))


@pytest.fixture
def system(portal, document):
    with portal_module.compute_system(portal).create("tests", document) as system:
        system.start()
        yield system
        if not system.closed:
            system.stop(grace=0)
