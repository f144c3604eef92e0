"""Who may in; ids and headers."""

import pytest

from mask2face.server.gate import SECURITY

KEY = "k" * 24


@pytest.fixture(scope="module")
def locked(start):
    with start(api_key=KEY, local=False) as live:
        yield live


def test_a_key_is_needed_everywhere_but_for_health(locked):
    for path in ("/", "/metrics", "/openapi.json", "/nothing"):
        reply = locked.ask("GET", path)
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert KEY not in reply.body.decode()
    assert locked.ask("POST", "/v1/unmask", b"x").status == 401
    assert locked.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": f"bearer {KEY}"}, 200),
        ({"X-API-Key": KEY}, 200),
        ({"X-API-Key": KEY[:-1]}, 401),
        ({"X-API-Key": KEY + "k"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"X-API-Key": "\xe9" * 24}, 401),
    ],
)
def test_keys(locked, headers, status):
    assert locked.ask("GET", "/", headers=headers).status == status


def test_a_server_with_a_key_has_any_name(locked):
    headers = {"Host": "photos.example", "X-API-Key": KEY, "Origin": "https://other.example"}
    assert locked.ask("GET", "/", headers=headers).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:80", 200),
        ("127.0.0.1", 200),
        ("[::1]:9", 200),
        ("127.0.0.2:8000", 200),  # what `serve --host 127.0.0.2` listens on
        ("evil.example", 421),
        ("127.0.0.2.evil.example", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ],
)
def test_a_local_server_answers_to_local_names_only(live, host, status):
    assert live.ask("GET", "/", headers={"Host": host}).status == status


def test_pages_of_other_sites_are_refused(live, jpeg):
    own = f"127.0.0.1:{live.port}"
    assert live.unmask(jpeg, Origin="https://evil.example").status == 403
    assert live.unmask(jpeg, Origin="null").status == 403
    reply = live.ask("GET", "/", headers={"Origin": f"http://{own}"})
    assert reply.status == 200
    assert "access-control-allow-origin" not in reply.headers


def test_every_answer_carries_the_headers(live):
    for path in ("/", "/nothing", "/metrics"):
        reply = live.ask("GET", path)
        for name, value in SECURITY.items():
            assert reply.headers[name.lower()] == value
        assert "server" not in reply.headers


def test_request_ids(live):
    def told(asked):
        return live.ask("GET", "/", headers={"X-Request-ID": asked}).headers["x-request-id"]

    assert told("job-7.a") == "job-7.a"
    assert told("a b") != "a b"
    assert told("x" * 65) != "x" * 65
    assert told("") != told("")


def test_the_log_holds_neither_address_nor_query(live, jpeg, caplog):
    with caplog.at_level("INFO", "mask2face.server"):
        live.unmask(jpeg, "?seed=123456")
        live.ask("GET", "/some%0Abody")
        live.ask("GET", "/healthz")  # a line is written just after its answer
    assert "/v1/unmask 200" in caplog.text
    assert "123456" not in caplog.text
    assert "body" not in caplog.text
