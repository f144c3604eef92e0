import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mask2face.errors import DataError, OutputError
from mask2face.fetching import download as module
from mask2face.fetching.download import download
from mask2face.fetching.source import RemoteFile

BODY = bytes(range(256)) * 5000  # 1.28 MB: two blocks
SHA = "sha256:" + hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves BODY in several ways, by path, and remembers what was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.server.asked.append((self.path[1:], begin))
        getattr(self, f"serve_{self.path[1:]}")(begin)

    def answer(self, body, status=200, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def serve_ranges(self, begin, sent=None):
        if begin >= len(BODY):
            self.send_error(416)
            return
        where = f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}"
        left = len(BODY) - begin
        self.answer(BODY[begin:][:sent], 206 if begin else 200, left, Content_Range=where)

    def serve_plain(self, _begin):
        self.answer(BODY)

    def serve_cut(self, begin):  # breaks off each time, and goes on where it did
        self.serve_ranges(begin, sent=500_000)

    def serve_stuck(self, _begin):  # breaks off each time, and knows no ranges
        self.answer(BODY[:500_000], length=len(BODY))

    def serve_other(self, _begin):
        self.answer(BODY[::-1])

    def serve_page(self, _begin):
        self.answer(b"<html>quota", Content_Type="text/html; charset=utf-8")

    def serve_missing(self, _begin):
        self.send_error(404)

    def serve_huge(self, _begin):
        self.answer(b"", length=1 << 40)


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(server, *paths, checksum=SHA, size=None):
    return RemoteFile("a.tgz", tuple(map(server.url, paths)), checksum, size)


def test_a_file_comes_whole_and_is_not_asked_for_again(server, tmp_path, capsys):
    file = remote(server, "ranges", size=len(BODY))
    assert download(file, tmp_path).read_bytes() == BODY
    assert download(file, tmp_path) == tmp_path / "a.tgz"
    assert server.asked == [("ranges", 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]
    assert "a.tgz, MiB: 2/2" in capsys.readouterr().err


def test_what_a_killed_process_left_is_continued(server, tmp_path):
    (tmp_path / "a.tgz.part").write_bytes(BODY[:700_000])
    assert download(remote(server, "ranges"), tmp_path).read_bytes() == BODY
    assert server.asked == [("ranges", 700_000)]


def test_a_part_that_is_whole_needs_no_byte_more(server, tmp_path):
    (tmp_path / "a.tgz.part").write_bytes(BODY)
    assert download(remote(server, "ranges"), tmp_path).read_bytes() == BODY
    assert server.asked == [("ranges", len(BODY))]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    (tmp_path / "a.tgz.part").write_bytes(BODY[:700_000])
    assert download(remote(server, "plain"), tmp_path).read_bytes() == BODY


def test_a_wrong_beginning_is_thrown_away(server, tmp_path):
    (tmp_path / "a.tgz.part").write_bytes(b"x" * 700_000)
    assert download(remote(server, "ranges"), tmp_path).read_bytes() == BODY
    assert server.asked == [("ranges", 700_000), ("ranges", 0)]


def test_a_transfer_that_breaks_off_goes_on(server, tmp_path):
    assert download(remote(server, "cut"), tmp_path).read_bytes() == BODY
    assert server.asked == [("cut", 0), ("cut", 500_000), ("cut", 1_000_000)]


@pytest.mark.parametrize("bad", ["other", "page", "missing", "stuck", "huge"])
def test_the_next_mirror_serves_where_one_fails(server, tmp_path, bad):
    assert download(remote(server, bad, "ranges"), tmp_path).read_bytes() == BODY
    assert server.asked[0] == (bad, 0)
    assert server.asked[-1][0] == "ranges"


def test_without_a_mirror_each_ones_reason_is_told(server, tmp_path):
    gone = "http://127.0.0.1:9/x"
    paths = ("other", "page", "missing", "stuck")
    file = RemoteFile("a.tgz", (*map(server.url, paths), gone), SHA)
    with pytest.raises(DataError) as caught:
        download(file, tmp_path)
    message = str(caught.value)
    for words in ("checksum is wrong", "web page", "HTTP 404", "broke off after 500000", gone):
        assert words in message
    assert not (tmp_path / "a.tgz").exists()


def test_a_file_of_another_size_is_not_transferred(server, tmp_path):
    with pytest.raises(DataError, match=f"{len(BODY)} bytes instead of 5"):
        download(remote(server, "plain", size=5), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_silent_server_is_given_up(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as silent:  # takes, never answers
        url = f"http://127.0.0.1:{silent.server_port}/x"
        with pytest.raises(DataError, match="timed out"):
            download(RemoteFile("a.tgz", (url,), SHA), tmp_path, timeout=0.2)


def test_a_full_disk_is_told_before_it_is_full(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SPARE", 1 << 60)
    with pytest.raises(OutputError, match="make room"):
        download(remote(server, "plain"), tmp_path)


def test_an_md5_does_where_nothing_else_is_published(server, tmp_path):
    checksum = "md5:" + hashlib.md5(BODY).hexdigest()
    assert download(remote(server, "plain", checksum=checksum), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("checksum", ["", "sha256:12", "crc:12345678", "md5"])
def test_a_checksum_must_be_one(checksum):
    with pytest.raises(ValueError, match="sha256"):
        RemoteFile("a", ("http://x",), checksum)
