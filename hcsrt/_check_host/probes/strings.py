"""Whose memory the strings of HCS are.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

from .. import experiments
from ..bench import Bench
from ..probe import probe


@probe()
def service_strings(at: Bench) -> None:
    told = experiments.run(experiments.service_strings)
    at.seen("the strings of the service calls, released with LocalFree", told)
    for function in ("HcsGetServiceProperties", "HcsModifyServiceSettings"):
        # hcsrt releases them so: a block that is still one afterwards would be a leak.
        assert not told[function].get("a block of the heap after LocalFree"), f"LocalFree leaks what {function} gave"


@probe()
def own_copies(at: Bench) -> None:
    told = experiments.run(experiments.own_copies)
    at.seen("the result of one operation, asked for three times", told)
    # hcsrt releases each document that it is given: two that are one would be released twice.
    assert told["documents"] == told["different documents"], "one document is handed out twice"
