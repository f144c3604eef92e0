"""Clients that are slow, leave, or take nothing; and the end of the server."""

import socket
import threading
import time

import pytest

from mask2face.server.service import Answer

HEAD = b"POST /v1/unmask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"


@pytest.fixture(scope="module")
def hasty(start):
    with start(read_seconds=0.6, idle_seconds=0.5) as live:
        yield live


def connected(live):
    return socket.create_connection(("127.0.0.1", live.port), timeout=10)


def everything(wire):
    parts = []
    while part := wire.recv(65536):
        parts.append(part)
    return b"".join(parts)


def open_connections(live):
    return len(live.uvicorn.server_state.connections)


def none_left(live, seconds=10.0):
    until = time.monotonic() + seconds
    while open_connections(live) and time.monotonic() < until:
        time.sleep(0.02)
    return not open_connections(live)


@pytest.mark.parametrize("sent", [b"", b"GE", HEAD], ids=["nothing", "a line begun", "headers"])
def test_headers_that_do_not_come(hasty, sent):
    with connected(hasty) as wire:
        wire.sendall(sent)
        assert everything(wire) == b""
    assert none_left(hasty)


def test_headers_that_come_byte_by_byte_get_no_more_time(hasty):
    with connected(hasty) as wire:
        began = time.monotonic()
        try:
            while time.monotonic() - began < 5:
                wire.sendall(b"G")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - began < 4


def test_a_body_that_does_not_come(hasty):
    with connected(hasty) as wire:
        wire.sendall(HEAD + b"\r\nabc")
        reply = everything(wire)
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in reply
    assert hasty.app.state.shared.uploads._held == 0


def test_a_body_that_breaks_off(hasty):
    with connected(hasty) as wire:
        wire.sendall(HEAD + b"\r\nabc")
    text, until = "", time.monotonic() + 10
    while 'route="/v1/unmask",status="499"' not in text and time.monotonic() < until:
        time.sleep(0.05)
        text = hasty.ask("GET", "/metrics").body.decode()
    assert 'route="/v1/unmask",status="499"' in text
    assert none_left(hasty)
    assert hasty.app.state.shared.uploads._held == 0
    assert 'status="500"' not in text


def test_the_rest_of_a_refused_body_is_not_waited_for(hasty):
    with connected(hasty) as wire:
        began = time.monotonic()
        wire.sendall(HEAD.replace(b"/v1/unmask", b"/nothing") + b"\r\nabc")
        time.sleep(0.2)
        wire.sendall(b"d")  # ends uvicorn's own timer
        assert everything(wire).startswith(b"HTTP/1.1 404 ")
        assert time.monotonic() - began < 4
    assert none_left(hasty)


def test_an_answer_that_is_not_taken(hasty, jpeg, monkeypatch):
    huge = Answer(bytes(40_000_000), "image/jpeg", {})
    monkeypatch.setattr(hasty.service, "unmask", lambda *_: huge)
    head = HEAD.replace(b"1000", str(len(jpeg)).encode()) + b"Content-Type: image/jpeg\r\n\r\n"
    with connected(hasty) as wire:
        wire.sendall(head + jpeg)
        assert wire.recv(10).startswith(b"HTTP/1.1")
        assert none_left(hasty)


def test_what_is_no_http(hasty):
    with connected(hasty) as wire:
        wire.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert everything(wire).startswith(b"HTTP/1.1 400 ")
    with connected(hasty) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000)
        assert b" 400 " in everything(wire)[:20]
    assert none_left(hasty)


def test_a_client_that_leaves_the_queue_is_not_worked_for(start, jpeg, monkeypatch):
    with start(workers=1) as live:
        busy, go_on, done = threading.Event(), threading.Event(), []
        real = live.service.unmask

        def slow(*arguments):
            busy.set()
            assert go_on.wait(20)
            done.append(1)
            return real(*arguments)

        monkeypatch.setattr(live.service, "unmask", slow)
        first = threading.Thread(target=live.unmask, args=(jpeg,))
        first.start()
        assert busy.wait(20)
        head = HEAD.replace(b"1000", str(len(jpeg)).encode()) + b"\r\n"
        with connected(live) as wire:
            wire.sendall(head + jpeg)
            workers = live.app.state.shared.workers
            while workers.inside < 2:
                time.sleep(0.01)
        while workers.inside > 1:
            time.sleep(0.01)
        go_on.set()
        first.join(20)
        assert live.unmask(jpeg).status == 200
        assert len(done) == 2


def test_what_is_in_flight_is_answered_before_the_end(start, jpeg, monkeypatch):
    replies = []
    with start() as live:
        busy, go_on, real = threading.Event(), threading.Event(), live.service.unmask

        def slow(*arguments):
            busy.set()
            assert go_on.wait(20)
            return real(*arguments)

        monkeypatch.setattr(live.service, "unmask", slow)
        asking = threading.Thread(target=lambda: replies.append(live.unmask(jpeg)))
        asking.start()
        assert busy.wait(20)
        live.uvicorn.should_exit = True
        time.sleep(0.3)
        assert live.thread.is_alive()
        go_on.set()
        live.stop()
        asking.join(20)
        assert replies[0].status == 200
        with pytest.raises(RuntimeError, match="closed"):
            live.service.unmasker(jpeg)
