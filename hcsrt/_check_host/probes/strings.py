"""Whose memory the strings of HCS are."""

import experiments

import hcsrt


def test_service_strings(seen):
    told = experiments.run(experiments.service_strings)
    seen("the strings of the service calls, released with LocalFree", told)
    for function in ("HcsGetServiceProperties", "HcsModifyServiceSettings"):
        # hcsrt releases them so: a block that is still one afterwards would be a leak.
        assert not told[function].get("a block of the heap after LocalFree")


def test_own_copies(seen):
    told = experiments.run(experiments.own_copies)
    seen("the result of one operation, asked for three times", told)
    # hcsrt releases each document that it is given: two that are one would be released twice.
    assert told["documents"] == told["different documents"]
    assert isinstance(hcsrt.systems(), list)
