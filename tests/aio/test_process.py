"""Processes through hcsrt.aio: what the synchronous face promises, and what only asyncio knows."""

import pytest

from ..facade import test_process
from ..helpers import portal as portal_module
from ..helpers.loops import MIRRORED
from ..helpers.programs import SLEEP

ABOUT_FILES = "about streams that are files"
ABOUT_THREADS = "about an interrupt of a thread that blocks"
EXCEPT = {
    "test_what_is_written_to_a_dead_process_is_a_broken_pipe": ABOUT_FILES,
    "test_bufsize_is_that_of_subprocess": ABOUT_FILES,
    "test_close_lets_a_reader_go": ABOUT_FILES,
    "test_close_is_content_with_a_stdin_that_another_thread_closes": ABOUT_FILES,
    "test_close_does_not_wait_for_ever_for_what_nobody_reads": ABOUT_FILES,
    "test_ctrl_c_ends_a_close_that_waits_for_a_writer": ABOUT_THREADS,
    "test_ctrl_c_ends_every_wait": ABOUT_THREADS,
    "test_ctrl_c_does_not_wait_for_a_process_that_does_not_read": ABOUT_THREADS,
    "test_ctrl_c_in_communicate_loses_no_output": ABOUT_THREADS,
    "test_ctrl_c_in_run_kills_the_process": ABOUT_THREADS,
    "test_ctrl_c_while_a_process_is_created_leaves_none": ABOUT_THREADS,
    "test_the_end_of_a_block_does_not_wait_after_ctrl_c": ABOUT_THREADS,
    "test_an_interrupt_right_after_the_call_loses_no_process": ABOUT_THREADS,
    "test_an_interrupt_right_after_the_constructor_loses_no_process": ABOUT_THREADS,
    "test_nothing_that_owns_a_handle_can_be_copied": "of the proxies of the portal",
    "test_an_unclosed_process_warns_and_is_closed": "the portal keeps it alive",
    "test_a_finished_communicate_keeps_no_object_alive": "the portal keeps it alive",
    "test_a_duplicate_is_never_of_another_process": "pytest cannot take back what it changes behind the portal",
    "test_a_process_that_cannot_be_set_up_is_ended": "about functions that the engine does not use",
    "test_an_exit_before_the_callback_was_registered_is_seen": "about functions that the engine does not use",
}
globals().update({n: t for n, t in vars(test_process).items() if n.startswith("test_") and n not in EXCEPT})
doubtful, unseen, quick = test_process.doubtful, test_process.unseen, test_process.quick
nothing_runs = test_process.nothing_runs


@pytest.fixture(params=MIRRORED)
def portal(request):
    with portal_module.portal(request.param) as portal:
        yield portal


@pytest.fixture(autouse=True)
def face(portal, monkeypatch):
    monkeypatch.setattr(test_process, "ComputeSystem", portal_module.compute_system(portal))


@pytest.fixture
def system(portal, document):
    with portal_module.compute_system(portal).create("tests", document) as system:
        system.start()
        yield system
        if not system.closed:
            system.stop(grace=0)


@pytest.fixture
def sleeper(system):
    process = system.popen(SLEEP)
    try:
        yield process
        if not process.closed:
            process.kill(timeout=5)
    finally:
        process.close()
