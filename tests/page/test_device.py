"""On this device: the same models in the browser; the photo stays in it."""

import io

import numpy as np
from PIL import Image

from mask2face import photos, provenance
from mask2face.pipeline import Unmasker

BROKEN = {"status": 500, "body": "no"}


def open_on_device(visit, **options):
    page = visit(**options)
    page.get_by_role("switch", name="On this device").check()
    return page


def test_a_photo_stays_in_the_browser(
    visit, choose, saved, pair, as_file, engine, seen, tiny_model
):
    page = open_on_device(visit)
    assert "do not leave this browser" in page.locator("#device-hint").inner_text()
    photo = as_file(pair, "PNG")
    choose(page, "Me.PNG", photo, "image/png")
    assert page.get_by_role("status").inner_text() == "2 faces, 2 face masks replaced"
    name, body = saved(page)
    assert name == "Me.unmasked.PNG"
    wanted = Unmasker(tiny_model, "cpu")(photo)
    found = photos.read(body).pixels.astype(int)
    np.testing.assert_allclose(found, wanted.photo, atol=2)
    np.testing.assert_array_equal(found[wanted.hole == 0], pair[wanted.hole == 0])
    assert seen.posts() == []
    page.locator("button.face").first.click()
    page.get_by_text("2 faces, 1 face mask replaced, 1 kept").wait_for()
    assert (photos.read(saved(page)[1]).pixels == pair).all(2).sum() > (found == pair).all(2).sum()
    page.get_by_role("switch", name="On this device").uncheck()
    page.locator("button.face").first.click()
    page.get_by_text("2 faces, 2 face masks replaced").wait_for()
    assert seen.posts() == []  # also when it is off again: this photo is not sent


def test_what_is_saved_carries_the_mark(visit, choose, saved, pair, as_file, engine):
    page = open_on_device(visit)
    for name, format, wanted, written in (
        ("in.png", "PNG", "in.unmasked.png", "PNG"),
        ("in.jpeg", "JPEG", "in.unmasked.jpeg", "JPEG"),
        ("in.webp", "WEBP", "in.unmasked.png", "PNG"),
    ):
        choose(page, name, as_file(pair, format), f"image/{format.lower()}")
        found, body = saved(page)
        assert found == wanted
        mark = provenance.read_mark(body)
        assert mark == provenance.read_mark(marked_here(pair))
        with Image.open(io.BytesIO(body)) as image:
            assert image.format == written
            image.verify()  # checksums
        assert photos.read(body).pixels.shape == pair.shape


def marked_here(pixels):
    return photos.encode(photos.Photo(pixels, xmp=provenance.mark(None)), "PNG")


def test_a_photo_of_the_server_may_be_done_again_here(visit, choose, jpeg, as_file, engine, seen):
    page = visit()
    choose(page, "in.jpg", jpeg)
    assert len(seen.posts()) == 1
    page.get_by_role("switch", name="On this device").check()
    page.wait_for_selector('main[data-state="working"]')
    page.wait_for_selector('main[data-state="done"]')
    assert len(seen.posts()) == 1
    assert page.get_by_role("status").inner_text() == "2 faces, 2 face masks replaced"
    choose(page, "grey.jpg", as_file(np.full((64, 80, 3), 90, np.uint8)))
    assert page.get_by_role("status").inner_text() == "No face found"
    assert len(seen.posts()) == 1


def test_switched_in_the_middle(visit, choose, held, jpeg, engine, seen):
    page = visit()
    held_back = []
    page.route("**/models/restorer.onnx", lambda route: held_back.append(route))
    page.get_by_role("switch", name="On this device").check()
    choose(page, "first.jpg", jpeg, state="working")
    page.wait_for_selector("#device-progress:not([hidden])")
    page.get_by_role("switch", name="On this device").uncheck()
    choose(page, "second.jpg", jpeg)
    assert len(seen.posts()) == 1
    assert page.locator("#device-progress").is_visible()  # the models are still on their way
    held_back[0].continue_()
    page.wait_for_selector("#device-progress", state="hidden")
    with held():
        choose(page, "third.jpg", jpeg, state="working")
        page.wait_for_function("() => document.getElementById('before').complete")
        page.get_by_role("switch", name="On this device").check()
        page.get_by_text("2 faces, 2 face masks replaced").wait_for()  # without the server
    sent = len(seen.posts())
    page.locator("button.face").first.click()
    page.get_by_text("2 faces, 1 face mask replaced, 1 kept").wait_for()
    assert len(seen.posts()) == sent


def test_what_the_browser_cannot_read_is_not_sent(visit, pair, as_file, engine, seen):
    page = open_on_device(visit)
    scan = {"name": "a.tif", "mimeType": "image/tiff", "buffer": as_file(pair, "TIFF")}
    page.set_input_files("#file", scan)
    page.wait_for_selector("#error:not([hidden])")
    assert "cannot read the file" in page.get_by_role("alert").inner_text()
    page.evaluate("() => { HTMLImageElement.prototype.decode = () => Promise.reject(); }")
    jpeg = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": as_file(pair)}
    page.set_input_files("#file", jpeg)
    page.get_by_text("cannot show the photo").wait_for()
    assert seen.posts() == []


def test_models_that_do_not_load(visit, choose, jpeg, engine, seen):
    page = open_on_device(visit, routes={"**/models/restorer.onnx": BROKEN})
    choose(page, "in.jpg", jpeg, state="failed")
    words = page.get_by_role("alert").inner_text()
    assert "the photo was not sent" in words
    page.unroute("**/models/restorer.onnx")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector('main[data-state="done"]')
    assert seen.posts() == []


def test_too_many_pixels(start, visit, choose, jpeg, engine):
    with start(max_pixels=60_000) as small:
        page = open_on_device(visit, url=small.url)
        choose(page, "in.jpg", jpeg, state="failed")
        words = page.get_by_role("alert").inner_text()
        assert "the limit is 0.06 million: choose a smaller one" in words


def test_an_installation_without_the_engine(visit, monkeypatch):
    from mask2face.server import browser

    monkeypatch.setattr(browser.Page, "obstacle", "this installation lacks the files")
    page = visit()
    assert page.get_by_role("switch").is_disabled()
    assert "lacks the files" in page.locator("#device-hint").inner_text()
