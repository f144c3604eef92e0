"""Template packs: MaskTheFace's folders read, drawn and added to; every pack here is drawn here."""

import itertools
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mask2face.errors import DataError, OutputError, UnknownNameError, UsageError
from mask2face.facemasks.template_adding import add
from mask2face.facemasks.template_format import has_alpha, read, with_section
from mask2face.facemasks.template_picture import face_tone, load_template, placed
from mask2face.facemasks.template_points import guess_points, side_of, six_points
from mask2face.facemasks.templates import TemplatePack, split
from mask2face.landmarks import MIRRORED

SIX = np.array([(20, 30), (100, 8), (180, 30), (30, 90), (100, 146), (170, 90)], float)
LETTERS = "abcdef"


def picture(colour=(200, 210, 220), loops=False):
    """A template 200 x 150 px: a rounded body, perhaps with loops to the right."""
    pixels = np.zeros((150, 200, 4), np.uint8)
    cv2.fillPoly(pixels, [SIX[[0, 1, 2, 5, 4, 3]].astype(np.int32)], (*colour, 255), cv2.LINE_AA)
    if loops:
        for y in (35, 85):
            cv2.line(pixels, (165, y), (199, y), (255, 255, 255, 255), 4, cv2.LINE_AA)
    return pixels


def section(name, file, points=SIX):
    lines = [f"mask_{letter}: {x:g}, {y:g}" for letter, (x, y) in zip(LETTERS, points, strict=True)]
    return "\n".join([f"[{name}]", f"template:   masks/templates/{file}", *lines]) + "\n"


def write_pack(folder):
    """A pack as MaskTheFace keeps it: "Paper" from three sides, "dark" from the front."""
    (folder / "templates").mkdir(parents=True)
    (folder / "textures" / "red").mkdir(parents=True)
    for name, colour in (("Paper", (230, 230, 230)), ("dark", (30, 30, 34))):
        Image.fromarray(picture(colour)).save(folder / "templates" / f"{name}.png")
    for side, colour in (("left", (230, 60, 60)), ("right", (60, 60, 230))):
        Image.fromarray(picture(colour)).save(folder / "templates" / f"Paper_{side}.png")
    Image.new("RGB", (40, 30), (255, 0, 0)).save(folder / "textures" / "red" / "plain.png")
    text = "; a pack\n" + section("Paper", "Paper.png")
    text += section("Paper_left", "Paper_left.png") + section("Paper_right", "Paper_right.png")
    text += ";[old]\n;template: gone.png\n" + section("dark", "dark.png") + "\n[empty]\n[inpaint]\n"
    (folder / "masks.cfg").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_pack(tmp_path / "masks")


@pytest.fixture
def pack(folder):
    return TemplatePack.open(folder)


def rng():
    return np.random.default_rng(5)


def turned(landmarks, towards):
    """The landmarks of a head whose nose leans to image left (-1) or right (1)."""
    moved = landmarks.copy()
    moved[28:31, 0] += towards * np.array([4, 8, 12])
    return moved


# ---- the format ------------------------------------------------------------------------------


def test_a_pack_is_read_as_it_is(pack, folder):
    assert pack.names == ("paper", "dark")
    assert set(pack.templates["paper"]) == {"front", "left", "right"}
    assert set(pack.templates["dark"]) == {"front"}
    paper = pack.templates["paper"]["front"]
    assert paper.section == "Paper"
    assert paper.size == (200, 150)
    np.testing.assert_array_equal(paper.points, SIX)
    assert pack.textures == ("textures/red/plain.png",)
    assert TemplatePack.open(str(folder)).names == pack.names


@pytest.mark.parametrize("named", ["templates/x.png", "masks/templates/x.png", "old/place/x.png"])
def test_template_paths_are_found_from_the_pack_its_parent_or_by_name(folder, named):
    Image.fromarray(picture()).save(folder / "templates" / "x.png")
    text = section("x", "x.png").replace("masks/templates/x.png", named)
    (folder / "masks.cfg").write_text(text)
    assert (
        TemplatePack.open(folder)
        .templates["x"]["front"]
        .picture.samefile(folder / "templates" / "x.png")
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("mask_c: 180, 30\n", "", 1), r"\[Paper\].*no mask_c"),
        (lambda text: text.replace("180, 30", "180 30", 1), "mask_c .*'180 30': write two numbers"),
        (lambda text: text.replace("180, 30", "180, x", 1), "two numbers"),
        (lambda text: text.replace("180, 30", "480, 30", 1), "mask_c .*outside .*200 x 150"),
        (lambda text: text.replace("180, 30", "nan, 30", 1), "outside"),
        (lambda text: text.replace("/Paper.png", "/gone.png"), "gone.png.*does not exist: put it"),
        (lambda text: text + section("PAPER", "dark.png"), "two sections"),
        (lambda text: text + section("dark", "dark.png"), "not an INI file"),
        (lambda text: "template: x\n" + text, "not an INI file"),
        (lambda _: "[empty]\n", "no section"),
        (lambda _: section("x", "dark.png", SIX * (0, 1)), "lie in a line"),
    ],
)
def test_a_wrong_masks_cfg_is_named_with_the_fix(folder, change, message):
    path = folder / "masks.cfg"
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=message):
        TemplatePack.open(folder)


def test_wrong_folders_and_pictures_are_named(folder, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        TemplatePack.open(tmp_path / "none")
    with pytest.raises(DataError, match=r"has no masks.cfg"):
        TemplatePack.open(tmp_path)
    target = folder / "templates" / "dark.png"
    Image.new("RGB", (200, 150)).save(target)
    with pytest.raises(DataError, match="no alpha channel"):
        TemplatePack.open(folder)
    target.write_text("no picture")
    with pytest.raises(DataError, match="not a picture"):
        TemplatePack.open(folder)
    (folder / "masks.cfg").write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(DataError, match="UTF-8"):
        TemplatePack.open(folder)


@pytest.mark.parametrize(("value", "what"), [(255, "opaque"), (0, "transparent")])
def test_a_template_without_an_outline_is_refused_when_drawn(folder, face, value, what):
    pixels = picture()
    pixels[..., 3] = value
    Image.fromarray(pixels).save(folder / "templates" / "dark.png")
    with pytest.raises(DataError, match=f"{what} everywhere"):
        TemplatePack.open(folder).draw("dark", *face, rng())


def test_a_broken_picture_is_named_when_drawn(folder, face):
    path = folder / "templates" / "dark.png"
    path.write_bytes(path.read_bytes()[:120])
    with pytest.raises(DataError, match="cannot be read"):
        TemplatePack.open(folder).draw("dark", *face, rng())


def test_palettes_and_anchors_a_little_outside_are_fine(folder):
    Image.fromarray(picture()).quantize(16).save(folder / "templates" / "dark.png")
    with Image.open(folder / "templates" / "dark.png") as image:
        assert has_alpha(image)
    path = folder / "masks.cfg"
    path.write_text(path.read_text().replace("180, 30", "230, -20"))
    assert TemplatePack.open(folder).templates["dark"]["front"].points[2].tolist() == [230, -20]


# ---- where it goes ---------------------------------------------------------------------------


def test_six_points_of_a_straight_face_are_known_numbers():
    points = np.zeros((68, 2))
    points[:17, 0] = np.linspace(0, 160, 17)
    points[:17, 1] = 200 - np.abs(np.linspace(-160, 160, 17))  # a V: y = 40 at the ears, 200
    points[36:42], points[42:48] = (50, 60), (110, 60)
    points[27:31] = [(80, 60), (80, 75), (80, 90), (80, 105)]
    points[48:68] = (80, 150)
    points[57] = (80, 160)
    a, b, c, d, e, f = six_points(points)
    np.testing.assert_allclose(a, (32.5, 105), atol=1e-9)  # level with the tip of the nose
    np.testing.assert_allclose(c, (127.5, 105), atol=1e-9)
    np.testing.assert_allclose(b, (80, 82.5), atol=1e-9)
    np.testing.assert_allclose(d, (60, 160), atol=1e-9)  # level with the lower lip
    np.testing.assert_allclose(f, (100, 160), atol=1e-9)
    np.testing.assert_allclose(e, (80, 200), atol=1e-9)


def test_six_points_turn_and_scale_with_the_face(face):
    _, landmarks = face
    cos, sin = 1.5 * np.cos(0.6), 1.5 * np.sin(0.6)
    matrix = np.array([(cos, -sin), (sin, cos)])
    moved = landmarks @ matrix.T + (30, -400)
    expected = six_points(landmarks) @ matrix.T + (30, -400)
    np.testing.assert_allclose(six_points(moved), expected, atol=1e-3)


def test_a_jaw_that_ends_below_the_nose_is_drawn_on(face):
    _, landmarks = face
    low = landmarks.copy()
    low[:17, 1] += 30
    a, _, c = six_points(low)[:3]
    assert np.isfinite(six_points(low)).all()
    assert a[1] < low[0, 1]
    assert c[1] < low[16, 1]
    assert abs(a[0] - low[0, 0]) < 10


def test_the_side_follows_the_nose(face):
    _, landmarks = face
    assert side_of(landmarks) == "front"
    assert side_of(turned(landmarks, -1)) == "left"
    assert side_of(turned(landmarks, 1)) == "right"
    mirrored = turned(landmarks, 1)[list(MIRRORED)] * (-1, 1)
    assert side_of(mirrored) == "left"


def test_points_that_a_homography_would_fold_are_fitted_flat():
    target = SIX.copy()
    fit = placed(SIX, SIX + np.array([10, 20]), (200, 150))
    np.testing.assert_allclose(
        fit[0] / fit[0][2, 2], [[1, 0, 10], [0, 1, 20], [0, 0, 1]], atol=1e-6
    )
    target[[0, 2]] = target[[2, 0]]  # crossed
    matrix, corners = placed(SIX, target, (200, 150))
    assert np.isfinite(corners).all()
    assert matrix[2].tolist() == [0, 0, 1]
    assert placed(SIX, np.full((6, 2), 7.0), (200, 150)) is None


# ---- drawing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paper", "dark"])
@pytest.mark.parametrize("width", [20.0, 90.0, 300.0])
def test_the_hole_is_the_template_where_it_was_laid(pack, face_of_width, name, width):
    photo, landmarks = face_of_width(width)
    before = photo.copy()
    drawn = pack.draw(name, photo, landmarks, rng())
    np.testing.assert_array_equal(photo, before)
    assert drawn.style == name
    assert drawn.options == {"side": "front"}
    assert drawn.hole.dtype == np.float32
    assert drawn.hole.min() == 0
    assert drawn.hole.max() == 1
    np.testing.assert_array_equal(drawn.photo[drawn.hole == 0], photo[drawn.hole == 0])
    x, y = landmarks[48:68].mean(axis=0).astype(int)
    assert drawn.hole[y, x] > 0.99
    view = pack.templates[name]["front"]
    matrix, _ = placed(view.points, six_points(landmarks), view.size)
    alpha = cv2.warpPerspective(picture()[..., 3], matrix, photo.shape[1::-1]) / 255
    near, far = (cv2.dilate((part > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8))
                 for part in (alpha, drawn.hole))  # fmt: skip
    assert not ((drawn.hole > 0.5) & (near == 0)).any()
    assert not ((alpha > 0.5) & (far == 0)).any()


def test_turned_heads_get_their_side(pack, face):
    photo, landmarks = face
    for towards, side, channel in ((-1, "left", 0), (1, "right", 2)):
        drawn = pack.draw("PAPER", photo, turned(landmarks, towards), rng())
        assert drawn.options["side"] == side
        mean = drawn.photo[drawn.hole > 0.99].mean(axis=0)
        assert int(mean.argmax()) == channel
    assert pack.draw("dark", photo, turned(landmarks, 1), rng()).hole.max() == 1  # no such side


def test_a_missing_side_is_the_mirror_image_of_the_other(folder, face):
    photo, landmarks = face
    half = picture((230, 230, 230))
    half[:, :100, :3] = (230, 0, 0)
    Image.fromarray(half).save(folder / "templates" / "Paper_left.png")
    text = (folder / "masks.cfg").read_text()
    (folder / "masks.cfg").write_text(text.replace("[Paper_right]", "[other]"))
    pack = TemplatePack.open(folder)
    head = turned(landmarks, -1)
    drawn = pack.draw("paper", photo, head, rng())
    last = photo.shape[1] - 1
    flipped = (head[list(MIRRORED)] * (-1, 1) + (last, 0)).astype(np.float32)
    mirror = pack.draw("paper", np.ascontiguousarray(photo[:, ::-1]), flipped, rng())
    assert mirror.options["side"] == "right"
    assert np.abs(mirror.hole[:, ::-1] - drawn.hole).mean() < 0.01
    difference = np.abs(mirror.photo[:, ::-1].astype(int) - drawn.photo)
    assert np.median(difference[drawn.hole > 0.99]) < 6


def test_colour_and_pattern_are_laid_over(pack, face, tmp_path):
    photo, landmarks = face

    def mean(**options):
        drawn = pack.draw("paper", photo, landmarks, rng(), **options)
        return drawn.photo[drawn.hole > 0.99].mean(axis=0)

    plain, half, full = (mean(colour="#ff0000", colour_weight=w) for w in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(plain, mean())
    assert full[1] + 20 < half[1] < plain[1] - 20
    assert full[0] > 2 * full[1]
    red = mean(pattern="textures/red/plain.png", pattern_weight=1.0)
    np.testing.assert_allclose(red, full, atol=3)
    Image.new("RGB", (20, 20), (0, 0, 255)).save(tmp_path / "blue.png")
    assert mean(pattern=str(tmp_path / "blue.png"), pattern_weight=1.0).argmax() == 2
    options = pack.draw("paper", photo, landmarks, rng(), pattern="dots", colour="#00ff00").options
    assert options["pattern"] == "dots"
    assert options["colour_weight"] == 0.5
    flat, dots = (pack.draw("paper", photo, landmarks, rng(), pattern=name, pattern_weight=1.0)
                  for name in ("plain", "checks"))  # fmt: skip
    inside = flat.hole > 0.99
    assert dots.photo[inside].std(axis=0).max() > flat.photo[inside].std(axis=0).max() + 5


def test_brightness_and_saturation_follow_the_photo(pack, face):
    photo, landmarks = face
    drawn = pack.draw("paper", photo, landmarks, rng())
    dark = pack.draw("paper", photo // 4, landmarks, rng())
    inside = drawn.hole > 0.99
    assert dark.photo[inside].mean() < drawn.photo[inside].mean() - 30
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert face_tone(grey, landmarks)[1] == 0
    on_grey = pack.draw("paper", grey, landmarks, rng(), colour="#ff0000", colour_weight=1.0)
    assert np.ptp(on_grey.photo, axis=2).max() <= 1, "a grey photo stays grey"


def test_the_same_state_gives_the_same_pixels_and_packs_pickle_small(pack, face):
    photo, landmarks = face
    first = [pack.draw_random(photo, landmarks, np.random.default_rng(i)) for i in range(24)]
    packed = pickle.dumps(pack)
    assert len(packed) < 20_000
    copy = pickle.loads(pickle.dumps(pack.draw_random))
    for i, drawn in enumerate(first):
        again = copy(photo, landmarks, np.random.default_rng(i))
        np.testing.assert_array_equal(again.photo, drawn.photo)
        np.testing.assert_array_equal(again.hole, drawn.hole)
    assert {drawn.style for drawn in first} == {"paper", "dark"}
    changed = sum("colour" in drawn.options or "pattern" in drawn.options for drawn in first)
    assert 4 < changed < 20


@pytest.mark.parametrize("move", list(itertools.product((-60, 0, 60), (-60, 60))))
def test_faces_over_the_border_are_drawn_as_far_as_they_are_seen(pack, face, move):
    photo, landmarks = face
    wide = cv2.copyMakeBorder(photo, 100, 100, 100, 100, cv2.BORDER_REPLICATE)
    whole = pack.draw("paper", wide, landmarks + 100, rng()).hole
    y, x = 100 + move[1], 100 + move[0]
    height, width = photo.shape[:2]
    part = np.ascontiguousarray(wide[y : y + height, x : x + width])
    drawn = pack.draw("paper", part, (landmarks - move).astype(np.float32), rng())
    np.testing.assert_array_equal(drawn.photo[drawn.hole == 0], part[drawn.hole == 0])
    inner = (slice(3, -3), slice(3, -3))  # the fade looks past the border
    np.testing.assert_allclose(
        drawn.hole[inner], whole[y : y + height, x : x + width][inner], atol=0.02
    )


def test_a_face_outside_the_photo_changes_nothing(pack, face):
    photo, landmarks = face
    drawn = pack.draw("paper", photo, landmarks + 5000, rng())
    np.testing.assert_array_equal(drawn.photo, photo)
    assert not drawn.hole.any()


def test_a_large_template_on_a_small_face_is_shrunk_first(tmp_path):
    stripes = np.zeros((600, 800, 4), np.uint8)
    stripes[10:-10, 10:-10, 3] = 255
    stripes[:, ::2, :3] = 255  # every other column: half grey from afar
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    laid = load_template(tmp_path / "stripes.png")
    from mask2face.facemasks.compositing import Window

    small = laid.warped(np.diag([0.1, 0.1, 1.0]), Window(0, 0, 80, 60))
    assert np.abs(small[5:-5, 5:-5, :3] - 127).max() < 12


def test_wrong_arguments_are_refused(pack, face):
    photo, landmarks = face
    with pytest.raises(UnknownNameError, match="paper"):
        pack.draw("papr", photo, landmarks, rng())
    with pytest.raises(UsageError, match=r"nothing\.png"):
        pack.draw("paper", photo, landmarks, rng(), pattern="nothing.png")
    for wrong in ({"colour": "red"}, {"colour": "#ff0000", "colour_weight": 1.5}):
        with pytest.raises(ValueError):
            pack.draw("paper", photo, landmarks, rng(), **wrong)
    with pytest.raises(ValueError):
        pack.draw("paper", photo, landmarks[:5], rng())


def test_names_are_split_from_sides():
    assert [split(name) for name in ("a", "a_left", "a_b_right")] == [
        ("a", "front"), ("a", "left"), ("a_b", "right")
    ]  # fmt: skip


# ---- adding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loops", [False, True])
def test_guessed_points_lie_near_measured_ones(loops):
    guessed = guess_points(picture(loops=loops)[..., 3])
    np.testing.assert_allclose(guessed, SIX, atol=16)
    a, b, c, d, e, f = guess_points(picture(loops=True)[..., 3], "left")
    assert c[0] == f[0] == 199, "the loops reach the ear"
    assert a[0] < b[0] < e[0] < 120
    mirrored = guess_points(picture(loops=True)[:, ::-1, 3], "right")
    np.testing.assert_allclose(
        mirrored[[2, 1, 0, 5, 4, 3]] * (-1, 1) + (199, 0), [a, b, c, d, e, f]
    )
    with pytest.raises(ValueError, match="transparent"):
        guess_points(np.zeros((9, 9)))


def test_a_section_is_written_and_all_else_stays():
    old = "; first\n[a]\n# about a\ntemplate: x\nmask_a: 1, 2\n more\n\n;[b]\n[c]\ntemplate: y\n"
    new = with_section(old, "A", "t.png", SIX)
    assert new.splitlines()[:3] == ["; first", "[A]", "template:   t.png"]
    for line in ("; first", "# about a", ";[b]", "[c]", "template: y"):
        assert line in new.splitlines()
    assert "template: x" not in new
    assert " more" not in new.splitlines()
    assert with_section(new, "A", "t.png", SIX) == new
    added = with_section(old, "d", "t.png", SIX)
    assert added.startswith(old)


def test_adding_makes_a_pack_that_draws(tmp_path, face):
    source = tmp_path / "in.png"
    Image.fromarray(picture()).save(source)
    folder = tmp_path / "deep" / "pack"
    added = add(folder, "mine", source)
    assert added.picture == folder / "templates" / "mine.png"
    assert added.picture.read_bytes() == source.read_bytes()
    pack = TemplatePack.open(folder)
    np.testing.assert_allclose(pack.templates["mine"]["front"].points, added.points)
    assert pack.draw("mine", *face, rng()).hole.max() == 1
    add(folder, "mine", source, SIX, "left")
    assert set(TemplatePack.open(folder).templates["mine"]) == {"front", "left"}
    assert not list(folder.rglob("*.part"))


def test_adding_replaces_only_when_told(folder, tmp_path):
    source = tmp_path / "in.webp"
    Image.fromarray(picture()).save(source, lossless=True)
    before = (folder / "masks.cfg").read_text()
    with pytest.raises(OutputError, match="--overwrite"):
        add(folder, "paper", source)
    assert (folder / "masks.cfg").read_text() == before
    add(folder, "paper", source, SIX, overwrite=True)
    text = (folder / "masks.cfg").read_text()
    for line in ("; a pack", ";[old]", "[Paper_left]", "[dark]", "[inpaint]"):
        assert line in text.splitlines()
    view = read(folder)["paper"]
    with Image.open(view.picture) as image:
        assert image.format == "PNG"
    add(folder, "paper", view.picture, SIX + 1, overwrite=True)  # onto itself: only the points
    np.testing.assert_array_equal(read(folder)["paper"].points, SIX + 1)


def test_what_cannot_be_added_is_named(folder, tmp_path):
    source = tmp_path / "in.png"
    Image.fromarray(picture()).save(source)
    for name in ("a-b", "", "random", "../x", "x_left"):
        with pytest.raises(UsageError):
            add(folder, name, source)
    with pytest.raises(DataError, match="cannot be read"):
        add(folder, "new", tmp_path / "none.png")
    with pytest.raises(DataError, match="outside"):
        add(folder, "new", source, SIX * 3)
    Image.new("RGB", (50, 50)).save(source)
    with pytest.raises(DataError, match="opaque"):
        add(folder, "new", source)
    Image.fromarray(picture()).save(source)
    with pytest.raises(OutputError, match="cannot be made"):
        add(source / "pack", "new", source)


# ---- the real pack, where there is one -------------------------------------------------------


@pytest.mark.skipif("MASK2FACE_TEMPLATES" not in os.environ, reason="no pack is named")
def test_masktheface_itself(face):
    pack = TemplatePack.open(Path(os.environ["MASK2FACE_TEMPLATES"]))
    assert {"surgical", "n95", "kn95", "cloth", "gas"} <= set(pack.names)
    assert len(pack.textures) > 5
    photo, landmarks = face
    for name, towards in itertools.product(pack.names, (-1, 0, 1)):
        assert set(pack.templates[name]) == {"front", "left", "right"}
        drawn = pack.draw(name, photo, turned(landmarks, towards), rng())
        x, y = landmarks[48:68].mean(axis=0).astype(int)
        assert drawn.hole[y, x] > 0.99
        assert 0.02 < (drawn.hole > 0.5).mean() < 0.5
