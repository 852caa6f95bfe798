"""The rules for calls of HCS as blocks: each is in use once at a time."""

import pytest

import hcsrt
from hcsrt._hresults import E_FAIL
from hcsrt._interpose import failing


def test_a_rule_is_one_block_at_a_time() -> None:
    rule = failing("HcsGetServiceProperties", E_FAIL)
    with pytest.raises(RuntimeError, match="is not in use"):
        rule.__exit__()
    with rule:
        with pytest.raises(RuntimeError, match="is in use already"):
            rule.__enter__()
        with pytest.raises(hcsrt.HcsError, match="E_FAIL"):
            hcsrt.service.properties()
    hcsrt.service.properties()
    with rule, pytest.raises(hcsrt.HcsError, match="E_FAIL"):
        hcsrt.service.properties()
