"""What hcsrt.check_host tries out on a host, each probe a test."""

import pytest

from hcsrt._check_host.bench import Bench, Skipped
from hcsrt._check_host.catalogue import probes
from hcsrt._check_host.probe import Probe


@pytest.mark.parametrize("probe", [pytest.param(probe, id=probe.name) for probe in probes()])
def test_probe(probe: Probe, bench: Bench) -> None:
    try:
        probe.run(bench)
    except Skipped as skipped:
        pytest.skip(str(skipped))
