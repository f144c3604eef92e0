"""The whole server over HTTP: photos, facts, refusals; never a 500 for bad input."""

import base64
import io
import json
import random
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mask2face import mean_face, photos, provenance
from mask2face.crew import cores
from mask2face.errors import MissingExtraError
from mask2face.pipeline import Unmasker, unmask
from mask2face.server.app import ENDPOINTS

FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}


def form(photo, name="file", end=b"\r\n--xyz--\r\n"):
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"; filename="../a.jpg"\r\n'
    return head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + photo + end


def problem(reply, status):
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["status"] == status
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    assert "Traceback" not in reply.json["detail"]
    assert "site-packages" not in reply.json["detail"]
    return reply.json["detail"]


def test_a_photo_comes_back_as_the_python_call_gives_it(live, jpeg, tiny_model):
    wanted = unmask(jpeg, tiny_model, "cpu")
    reply = live.unmask(jpeg)
    assert reply.status == 200
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.body == wanted
    assert reply.headers["mask2face-faces"] == reply.headers["mask2face-replaced"] == "1"
    assert reply.headers["mask2face-mark"] == "xmp"
    assert provenance.read_mark(reply.body).by_mask2face
    assert live.ask("POST", "/v1/unmask", form(jpeg), FORM).body == wanted


def test_the_format_is_the_one_sent_or_asked_for(live, portrait, as_file):
    png = as_file(portrait, "PNG")
    cases = [
        ("", {}, "image/png"),
        ("?format=webp", {}, "image/webp"),
        ("", {"Accept": "image/webp;q=0.9, image/jpeg"}, "image/jpeg"),
        ("?format=jpg&quality=50", {"Accept": "image/*"}, "image/jpeg"),
        ("?hole_only=true", {}, "image/png"),
    ]
    for query, headers, media in cases:
        reply = live.unmask(png, query, **headers)
        assert (reply.status, reply.headers["content-type"]) == (200, media), query
    hole = np.asarray(Image.open(io.BytesIO(reply.body)))
    assert hole.shape == portrait.shape[:2]
    assert hole.max() == 255
    assert hole.min() == 0
    bmp = live.unmask(as_file(portrait, "BMP"))
    assert bmp.headers["mask2face-mark"] == "none"


def test_facts_as_json(live, jpeg, tiny_model):
    (face,) = Unmasker(tiny_model, "cpu")(jpeg).faces
    facts = live.unmask(jpeg, Accept="application/json").json
    assert (facts["width"], facts["height"], facts["changed"]) == (180, 180, True)
    assert facts["faces"][0]["box"] == [round(float(value), 2) for value in face.box]
    assert facts["faces"][0]["hole_fraction"] == round(face.hole_fraction, 4)
    assert facts["faces"][0]["masked"] is True
    assert facts["photo"] is None
    assert "invented" in facts["statement"]
    inline = live.unmask(jpeg, "?inline=true&format=png", Accept="application/json").json
    assert inline["media_type"] == "image/png"
    assert photos.read(base64.b64decode(inline["photo"])).pixels.shape == (180, 180, 3)


def test_only_some_faces(live, portrait, as_file):
    pair = as_file(np.hstack([portrait, portrait[:, ::-1]]), "PNG")
    whole = photos.read(live.unmask(pair).body).pixels
    facts = live.unmask(pair, "?only=1", Accept="application/json").json
    assert [face["masked"] for face in facts["faces"]] == [True, True]
    assert [face["replaced"] for face in facts["faces"]] == [False, True]
    assert facts["changed"] is True
    one = live.unmask(pair, "?only=1")
    assert (one.headers["mask2face-faces"], one.headers["mask2face-replaced"]) == ("2", "1")
    is_left = facts["faces"][1]["box"][2] < 180
    now, half = photos.read(one.body).pixels, slice(0, 180) if is_left else slice(180, 360)
    np.testing.assert_array_equal(now[:, half], whole[:, half])
    assert (now != whole).any()
    none = live.unmask(pair, "?only=none")
    assert none.body == pair
    assert none.headers["mask2face-mark"] == "none"
    assert live.unmask(pair, "?only=none", Accept="application/json").json["changed"] is False


def test_a_photo_without_a_face_is_sent_back_byte_for_byte(live, as_file):
    plain = as_file(np.full((64, 80, 3), 90, np.uint8), quality=60)
    reply = live.unmask(plain)
    assert reply.body == plain
    assert reply.headers["mask2face-faces"] == "0"
    assert reply.headers["mask2face-mark"] == "none"
    png = live.unmask(plain, "?format=png")
    assert provenance.read_mark(png.body) is None


def test_samples_of_a_model_that_knows_several(start, jpeg, tiny_model, with_extra, tmp_path):
    model = with_extra(tiny_model, tmp_path / "noisy.onnx")
    wanted = Unmasker(model, "cpu").sample(jpeg, 3, seed=5)[2].photo
    with start(model=model) as live:
        reply = live.unmask(jpeg, "?sample=3&seed=5&format=png")
        np.testing.assert_array_equal(photos.read(reply.body).pixels, wanted)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?bogus=1", "bogus"),
        ("?faces=some", "all"),
        ("?quality=0", "quality"),
        ("?threshold=1", "threshold"),
        ("?threshold=nan", "threshold"),
        ("?seed=-1", "seed"),
        ("?format=pdf", "photo format"),
        ("?hole_only=true&format=jpeg", "PNG"),
        ("?sample=2", "vae"),
        ("?only=1", "has 1 face:"),
        ("?only=-1", "only"),
        ("?only=", "only"),
        ("?only=0,", "only"),
    ],
)
def test_wrong_options_are_named(live, jpeg, query, words):
    assert words in problem(live.unmask(jpeg, query), 400)


def test_bodies_that_hold_no_photo(live, jpeg, as_file):
    def post(body, kind):
        return live.ask("POST", "/v1/unmask", body, kind)

    assert "empty" in problem(live.unmask(b""), 422)
    assert "broken" in problem(live.unmask(jpeg[: len(jpeg) // 2]), 422)
    assert "-F file=" in problem(post(b"a=1", {"Content-Type": "application/json"}), 415)
    assert "cut short" in problem(post(form(jpeg, end=b""), FORM), 400)
    assert "'file'" in problem(post(form(jpeg, "picture"), FORM), 400)
    assert problem(post(form(jpeg), {"Content-Type": "multipart/form-data"}), 400)
    both = form(jpeg, end=b"\r\n") + form(jpeg)
    assert "once" in problem(post(both, FORM), 400)
    clear = np.zeros((64, 64, 4), np.uint8)
    assert "transparency" in problem(live.unmask(as_file(clear, "PNG"), "?format=jpeg"), 422)
    assert "Accept" in problem(live.unmask(jpeg, Accept="text/html"), 406)


def test_other_paths_and_methods(live):
    problem(live.ask("GET", "/nothing"), 404)
    problem(live.ask("GET", "/v1/unmask"), 405)
    problem(live.ask("GET", "/docs"), 404)  # would load from other hosts
    index = live.ask("GET", "/").json
    assert index["endpoints"] == ENDPOINTS
    for words in ENDPOINTS.values():
        method, path = words.split()
        if method == "GET":
            assert live.ask(method, path).status == 200
    health = live.ask("GET", "/healthz").json
    assert health == {"status": "ok", "model": "tiny", "provider": "CPUExecutionProvider"}


def test_openapi_says_what_there_is(live):
    api = live.ask("GET", "/openapi.json").json
    route = api["paths"]["/v1/unmask"]["post"]
    assert set(route["requestBody"]["content"]) >= {"image/*", "multipart/form-data"}
    assert {"200", "400", "413", "422", "503"} <= set(route["responses"])
    assert "image/jpeg" in route["responses"]["200"]["content"]
    assert "application/problem+json" in route["responses"]["422"]["content"]
    named = {one["name"] for one in route["parameters"]}
    assert {"faces", "format", "hole_only", "sample", "seed", "threshold"} <= named


def test_uploads_past_the_limits(start, jpeg, as_file):
    with start(max_bytes=len(jpeg), max_pixels=200 * 200) as live:
        assert live.unmask(jpeg).status == 200
        assert "MiB" in problem(live.unmask(jpeg + b"x"), 413)
        chunks = live.ask("POST", "/v1/unmask", iter([jpeg, b"x" * 9]), {"Content-Type": ""})
        assert problem(chunks, 413)
        large = as_file(np.zeros((201, 200, 3), np.uint8), "PNG")
        assert "limit is 0.04 million" in problem(live.unmask(large), 413)
        assert "max_pixels" not in live.unmask(large).json["detail"]
        assert live.app.state.shared.uploads._held == 0


def test_a_decompression_bomb_is_refused_before_it_is_decoded(live):
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    head = chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    bomb = (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    )
    problem(live.unmask(bomb), 413)


def test_sixty_broken_uploads_never_break_the_server(live, as_file):
    draw = random.Random(0)
    picture = np.random.default_rng(0).integers(0, 255, (48, 40, 3), np.uint8)
    kinds = [as_file(picture, kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")]
    seen = set()
    for number in range(60):
        photo = bytearray(kinds[number % len(kinds)])
        for _ in range(draw.randint(1, 12)):
            place = draw.randrange(min(len(photo), draw.choice((40, 400, 9999))))
            photo[place] = draw.randrange(256)
        if number % 5 == 0:
            del photo[draw.randrange(len(photo)) :]
        body = bytes(photo) if number % 2 else form(bytes(photo))
        reply = live.ask("POST", "/v1/unmask", body, {} if number % 2 else FORM)
        assert reply.status in (200, 400, 413, 415, 422), (number, reply.body)
        seen.add(reply.status)
    assert {200, 422} <= seen


def test_concurrent_requests_get_what_they_would_get_alone(live, portrait, as_file, tiny_model):
    alone = Unmasker(tiny_model, "cpu")
    several = [as_file(np.roll(portrait, 3 * number, 1), "PNG") for number in range(6)]
    wanted = [photos.encode(alone.restore(photos.read(one))[0]) for one in several]
    with ThreadPoolExecutor(6) as pool:
        assert [reply.body for reply in pool.map(live.unmask, several)] == wanted


def test_a_full_queue_refuses_and_says_when_to_come_back(start, jpeg, monkeypatch):
    with start(workers=1, queue=1) as live, ThreadPoolExecutor(2) as pool:
        busy, go_on, real = threading.Semaphore(0), threading.Event(), live.service.unmask

        def slow(*arguments):
            busy.release()
            assert go_on.wait(20)
            return real(*arguments)

        monkeypatch.setattr(live.service, "unmask", slow)
        inside = [pool.submit(live.unmask, jpeg)]
        assert busy.acquire(timeout=20)
        inside.append(pool.submit(live.unmask, jpeg))
        while live.app.state.shared.workers.inside < 2:
            time.sleep(0.01)
        refused = live.unmask(jpeg)
        go_on.set()
        assert problem(refused, 503)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert [one.result().status for one in inside] == [200, 200]
        assert live.unmask(jpeg).status == 200


def test_a_form_that_takes_long_to_read_keeps_nobody_waiting(start, jpeg, monkeypatch):
    busy, go_on = threading.Event(), threading.Event()

    def slow(body, _kind):
        busy.set()
        assert go_on.wait(20)
        return bytes(body)

    monkeypatch.setattr("mask2face.server.app.photo_in", slow)
    with start() as live, ThreadPoolExecutor(2) as pool:
        photo = pool.submit(live.unmask, jpeg)
        assert busy.wait(20)
        health = pool.submit(live.ask, "GET", "/healthz")
        try:
            assert health.result(5).status == 200
        finally:
            go_on.set()
        assert photo.result().status == 200


def test_metrics_count(start, jpeg):
    with start() as live:
        live.unmask(jpeg)
        live.unmask(b"x")
        live.ask("GET", "/secret/path")
        time.sleep(0.2)  # a request is counted just after its answer
        text = live.ask("GET", "/metrics").body.decode()
    assert 'mask2face_requests_total{route="/v1/unmask",status="200"} 1.0' in text
    assert 'mask2face_requests_total{route="/v1/unmask",status="422"} 1.0' in text
    assert 'mask2face_requests_total{route="other",status="404"} 1.0' in text
    assert 'mask2face_faces_total{masked="yes"} 1.0' in text
    assert "mask2face_batch_crops_count 1.0" in text
    assert "mask2face_requests_inside 0.0" in text
    assert "secret" not in text


def test_an_error_of_ours_says_nothing_of_the_inside(live, jpeg, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(live.service, "unmask", broken)
    reply = live.unmask(jpeg)
    assert "secret" not in problem(reply, 500)
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.json["request_id"] in caplog.text


@pytest.fixture
def drawing(live, monkeypatch):
    """Face masks without dlib: the landmarks of a mean face."""
    from mask2face import masking

    def guess(_, face):
        return mean_face.guess(face)

    monkeypatch.setattr(live.service, "_masker", masking.Masker(guess, "cpu"))
    return live


def test_drawing_has_the_device_and_its_share_of_the_cores(start, jpeg, monkeypatch):
    from mask2face import masking

    told, masker = {}, masking.Masker

    def opened(**options):
        told.update(options)
        return masker(lambda _, face: mean_face.guess(face), **options)

    monkeypatch.setattr(masking, "Masker", opened)
    with start(workers=2, device="cpu") as live:
        assert live.ask("POST", "/v1/mask?style=bare", jpeg).status == 200
    assert told == {"device": "cpu", "threads": max(1, cores() // 2)}


def test_face_masks_are_drawn(drawing, jpeg, portrait, as_file):
    png = as_file(portrait, "PNG")

    def ask(query, **headers):
        return drawing.ask("POST", f"/v1/mask{query}", png, headers)

    query = "?style=surgical&color=%2300ff00&seed=3"
    reply = ask(query)
    assert reply.status == 200
    assert reply.headers["mask2face-faces"] == "1"
    assert provenance.read_mark(reply.body).source_type == provenance.DRAWN
    wanted = drawing.service._masker(png, "surgical", 3, color="#00ff00").photo
    np.testing.assert_array_equal(photos.read(reply.body).pixels, wanted)
    assert (wanted != portrait).any()
    facts = ask(query, Accept="application/json").json
    assert facts["faces"][0]["style"] == "surgical"
    assert len(facts["faces"][0]["landmarks"]) == 68
    bare = ask("?style=bare")
    assert bare.headers["mask2face-mark"] == "none"
    assert bare.body == png


def test_face_masks_that_cannot_be_drawn(drawing, jpeg, tmp_path, monkeypatch):
    def ask(query):
        return drawing.ask("POST", f"/v1/mask{query}", jpeg)

    assert "surgical" in problem(ask("?style=surgicl"), 400)
    assert "color" in problem(ask("?color=reddish"), 400)
    assert "print" in problem(ask("?pattern=/etc/passwd"), 400)
    assert "templates" in problem(ask("?templates=/etc"), 400)
    assert "one photo" in problem(ask("?style=all"), 400)

    def missing(*_, **__):
        raise MissingExtraError("dlib", "data")

    monkeypatch.setattr(drawing.service, "_masker", missing)
    assert "mask2face[data]" in problem(ask(""), 501)


def test_nothing_is_written_to_disk(live, jpeg, monkeypatch):
    import tempfile

    def refuse(*_, **__):
        raise AssertionError("a file was made")

    for name in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    large = form(jpeg + b"\0" * 3_000_000)  # starlette's own forms go to disk from 1 MB
    assert live.ask("POST", "/v1/unmask", large, FORM).status == 200


def test_json_is_json(live, jpeg):
    assert json.loads(live.unmask(jpeg, Accept="application/json").body)["model"] == "tiny"
