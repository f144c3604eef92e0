"""Photos in, results out: the page as people use it."""

import base64
import io

import numpy as np
from PIL import Image

from mask2face import photos, provenance
from mask2face.pipeline import unmask

BUSY = {
    "status": 503,
    "headers": {"Retry-After": "3"},
    "content_type": "application/problem+json",
    "body": '{"status": 503, "detail": "the queue is full"}',
}
DROP = """([name, body]) => {
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, {type: "image/jpeg"}));
  const options = {bubbles: true, cancelable: true};
  %s
}"""
DRAG = """
  for (const kind of ["dragenter", "dragover"]) {
    document.body.dispatchEvent(new DragEvent(kind, {...options, dataTransfer: carried}));
  }
  const lit = document.body.classList.contains("dragging");
  document.body.dispatchEvent(new DragEvent("drop", {...options, dataTransfer: carried}));
  return [lit, document.body.classList.contains("dragging")];
"""
TRACKS = """() => {
  window.tracks = [];
  const media = navigator.mediaDevices;
  const open = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    tracks.push(...stream.getTracks());
    return stream;
  };
}"""
PASTE = "document.dispatchEvent(new ClipboardEvent('paste', {...options, clipboardData: carried}))"


def pixels(body):
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(int)


def face(page, place):
    return page.get_by_role("button", name=f"Face {place}, face mask replaced")


def status(page):
    return page.get_by_role("status").inner_text()


def clip(page):
    return page.eval_on_selector("#after", "image => getComputedStyle(image).clipPath")


def test_a_photo_chosen_comes_back_as_python_gives_it(visit, choose, saved, jpeg, tiny_model):
    page = visit()
    assert page.get_by_text("Invented, not recovered.").is_visible()
    assert page.get_by_text("Never use it to identify, verify or accuse anyone").is_visible()
    choose(page, "Me & you.JPG", jpeg)
    assert status(page) == "2 faces, 2 face masks replaced"
    name, body = saved(page)
    assert name == "Me & you.unmasked.JPG"
    assert body == unmask(jpeg, tiny_model, "cpu")
    assert provenance.read_mark(body).by_mask2face


def test_a_photo_dropped(visit, saved, jpeg):
    page = visit()
    lit = page.evaluate(DROP % DRAG, ["drop.jpg", base64.b64encode(jpeg).decode()])
    assert lit == [True, False]
    page.wait_for_selector('main[data-state="done"]')
    assert saved(page)[0] == "drop.unmasked.jpg"


def test_a_photo_pasted(visit, saved, jpeg):
    page = visit()
    page.evaluate(DROP % PASTE, ["image.jpg", base64.b64encode(jpeg).decode()])
    page.wait_for_selector('main[data-state="done"]')
    assert saved(page)[0] == "pasted.unmasked.jpg"


def test_a_photo_of_the_camera(visit, saved):
    page = visit()
    page.evaluate(TRACKS)
    page.get_by_role("button", name="Use the camera").click()
    dialog = page.get_by_role("dialog", name="Take a photo")
    dialog.get_by_role("button", name="Take the photo").click()
    page.wait_for_selector('main[data-state="done"]')
    assert not dialog.is_visible()
    assert page.evaluate("tracks.map(one => one.readyState)") == ["ended"]
    assert status(page) == "No face found"  # a test picture
    assert page.get_by_role("link", name="Download").count() == 0
    page.get_by_role("button", name="Use the camera").click()
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_function(
        "() => tracks.length === 2 && tracks.every(one => one.readyState === 'ended')"
    )
    assert page.evaluate("document.querySelector('video').srcObject") is None


def test_the_camera_leaves_what_is_worked_on(visit, choose, held, jpeg):
    page = visit()
    with held():
        choose(page, "in.jpg", jpeg, state="working")
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_text("2 faces, 2 face masks replaced").wait_for()


def test_no_camera_here(visit, choose, jpeg):
    page = visit()
    choose(page, "in.jpg", jpeg)
    page.evaluate("""() => {
      const refused = new DOMException("", "NotAllowedError");
      navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
    }""")
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_selector("#error:not([hidden])")
    assert "allow it" in page.get_by_role("alert").inner_text()
    assert status(page) == "2 faces, 2 face masks replaced"
    assert page.get_by_role("link", name="Download").is_visible()


def test_the_wipe_by_keyboard(visit, choose, jpeg):
    page = visit()
    choose(page, "in.jpg", jpeg)
    slider = page.get_by_role("slider")
    first = int(slider.input_value())
    assert clip(page) == f"inset(0px 0px 0px {first}%)"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == f"{first + 1} % original"
    page.keyboard.press("Home")
    assert clip(page) in ("inset(0px 0px 0px 0%)", "inset(0px)")
    page.keyboard.press("End")
    assert clip(page) == "inset(0px 0px 0px 100%)"


def test_the_wipe_by_pointer_does_not_press_faces(visit, choose, jpeg, seen):
    page = visit()
    choose(page, "in.jpg", jpeg)
    box = page.locator("#stage").bounding_box()
    before = page.locator("button.face").first.bounding_box()
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
    page.mouse.up()
    assert abs(float(page.get_by_role("slider").input_value()) - 60) < 1.5
    assert page.locator('[aria-pressed="true"]').count() == 2
    assert len(seen.posts()) == 1


def test_faces_on_and_off(visit, choose, saved, pair, as_file):
    photo = as_file(pair, "PNG")
    page = visit()
    choose(page, "two.png", photo, "image/png")
    whole = pixels(saved(page)[1])
    both = np.abs(whole - pair).sum(2) > 0
    boxes = [face(page, place).bounding_box()["x"] for place in (1, 2)]
    left = 1 + boxes.index(min(boxes))
    face(page, left).focus()
    page.keyboard.press("Space")
    page.get_by_text("2 faces, 1 face mask replaced, 1 kept").wait_for()
    assert face(page, left).get_attribute("aria-pressed") == "false"
    assert face(page, left).evaluate("button => button === document.activeElement")
    name, body = saved(page)
    assert name == "two.unmasked.png"
    now = pixels(body)
    np.testing.assert_array_equal(now[:, :180], pair[:, :180])
    np.testing.assert_array_equal(now[:, 180:], whole[:, 180:])
    assert both[:, :180].any()
    face(page, 3 - left).click()
    page.get_by_text("2 faces, 2 face masks kept").wait_for()
    assert not page.get_by_role("link", name="Download").is_visible()
    assert not page.locator("#after").is_visible()
    face(page, left).click()
    page.get_by_text("2 faces, 1 face mask replaced, 1 kept").wait_for()


def test_a_format_that_browsers_do_not_show(visit, choose, saved, pair, as_file, tiny_model):
    photo = as_file(pair, "TIFF")
    page = visit()
    choose(page, "scan.tif", photo, "image/tiff")
    name, body = saved(page)
    assert name == "scan.unmasked.png"
    np.testing.assert_array_equal(pixels(body), pixels(unmask(photo, tiny_model, "cpu")))


def test_a_turned_photo_is_compared_upright(visit, choose, saved, pair, as_file):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.ascontiguousarray(np.rot90(pair))
    page = visit()
    choose(page, "turned.jpg", as_file(turned, exif=exif.tobytes()))
    sizes = "['before', 'after'].map(id => document.getElementById(id).naturalWidth)"
    assert page.evaluate(sizes) == [360, 360]
    assert photos.read(saved(page)[1]).pixels.shape == pair.shape


def test_photos_without_a_face(visit, choose, as_file):
    page = visit()
    choose(page, "grey.jpg", as_file(np.full((64, 80, 3), 90, np.uint8)))
    assert status(page) == "No face found"
    assert "Nothing was changed" in page.locator("#hint").inner_text()
    assert page.get_by_role("slider").is_disabled()


def test_not_a_photo_and_then_one(visit, choose, jpeg):
    page = visit()
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"words"})
    alert = page.get_by_role("alert")
    page.wait_for_selector("#error:not([hidden])")
    assert "not a photo" in alert.inner_text()
    assert page.get_by_role("button", name="Try again").count() == 0
    choose(page, "in.jpg", jpeg)
    assert alert.count() == 0


def test_too_many_bytes_are_not_sent(start, visit, jpeg, seen):
    with start(max_bytes=len(jpeg) - 1) as small:
        page = visit(small.url)
        page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg})
        page.wait_for_selector("#error:not([hidden])")
        assert "choose a smaller one" in page.get_by_role("alert").inner_text()
        assert seen.posts() == []


def test_too_many_pixels(start, visit, choose, jpeg):
    with start(max_pixels=60_000) as small:
        page = visit(small.url)
        choose(page, "a.jpg", jpeg, state="failed")
        assert "limit is 0.06 million" in page.get_by_role("alert").inner_text()


def test_a_busy_server(visit, choose, jpeg):
    page = visit(routes={"**/v1/unmask*": BUSY})
    choose(page, "in.jpg", jpeg, state="failed")
    assert "try again in 3 s" in page.get_by_role("alert").inner_text()
    page.unroute("**/v1/unmask*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector('main[data-state="done"]')


def test_an_answer_that_breaks_off(visit, choose, jpeg):
    half = {"status": 200, "content_type": "application/json", "body": '{"photo": "/9j'}
    page = visit(routes={"**/v1/unmask*": half})
    choose(page, "in.jpg", jpeg, state="failed")
    assert "see whether it runs" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("button", name="Try again").is_visible()


def test_a_face_that_cannot_be_switched_stays_as_it_was(visit, choose, jpeg):
    page = visit()
    choose(page, "in.jpg", jpeg)
    page.route("**/v1/unmask*", lambda route: route.fulfill(**BUSY))
    face(page, 1).click()
    page.wait_for_selector('main[data-state="failed"]')
    assert face(page, 1).get_attribute("aria-pressed") == "true"
    page.unroute("**/v1/unmask*")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("2 faces, 1 face mask replaced, 1 kept").wait_for()
    assert face(page, 1).get_attribute("aria-pressed") == "false"


def test_a_server_that_is_gone(start, visit, choose, jpeg):
    with start() as other:
        page = visit(other.url)
    choose(page, "in.jpg", jpeg, state="failed")
    assert "does not answer" in page.get_by_role("alert").inner_text()


def test_the_later_photo_wins(visit, choose, held, jpeg, as_file):
    page = visit()
    with held() as let_others_pass:
        choose(page, "first.jpg", jpeg, state="working")
        let_others_pass()
        choose(page, "second.jpg", as_file(np.full((64, 80, 3), 90, np.uint8)))
    page.wait_for_timeout(300)
    assert status(page) == "No face found"


def test_the_later_photo_wins_over_a_result_about_to_show(visit, choose, jpeg, as_file):
    page = visit()
    page.evaluate("""() => {
      const after = document.getElementById("after");
      after.decode = () => {
        delete after.decode; // the next is as ever
        window.waits = true;
        return new Promise((go) => { window.goOn = go; });
      };
    }""")
    choose(page, "first.jpg", jpeg, state="working")
    page.wait_for_function("() => window.waits")
    choose(page, "second.jpg", as_file(np.full((64, 80, 3), 90, np.uint8)))
    page.evaluate("() => window.goOn()")
    page.wait_for_timeout(100)
    assert status(page) == "No face found"
    assert not page.get_by_role("link", name="Download").is_visible()


def test_names(visit):
    page = visit()
    code = "async ([name, kind]) => (await import('/page/names.js')).savedName(name, kind)"
    for name, kind, wanted in (
        ("a.b.jpeg", "image/jpeg", "a.b.unmasked.jpeg"),
        ("photo.heic", "image/jpeg", "photo.unmasked.jpg"),
        ("no suffix", "image/webp", "no suffix.unmasked.webp"),
        (".png", "image/png", "photo.unmasked.png"),
    ):
        assert page.evaluate(code, [name, kind]) == wanted
