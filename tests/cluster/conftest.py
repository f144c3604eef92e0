"""A Ray cluster of two workers on this machine, started once for all tests here."""

import pytest


@pytest.fixture(scope="package")
def cluster():
    pytest.importorskip("ray")
    from mask2face.cluster.session import session

    with session(2) as ray:
        yield ray
