"""The socket that a server listens on."""

import pytest

from mask2face.errors import UsageError
from mask2face.server.run import address, listen


def test_any_free_port():
    with listen("127.0.0.1", 0) as first, listen("127.0.0.1", 0) as second:
        assert address(first) != address(second)
        assert address(first).startswith("http://127.0.0.1:")


def test_a_port_that_is_taken():
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(UsageError, match="--port"):
            listen("127.0.0.1", port)


def test_a_host_that_is_not_here():
    with pytest.raises(UsageError, match="--host"):
        listen("1.2.3.4", 0)
