"""Photo in, photo out: every face, nothing else, and the kind that came in."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mask2face import photos, provenance
from mask2face.errors import DeviceError, ModelError, PhotoError, UnknownNameError, UsageError
from mask2face.hole_weights import LEAST_HOLE
from mask2face.pipeline import (
    Restoration,
    RestoredFace,
    Unmasker,
    marked,
    summary,
    unmask,
)

_LEFT, _RIGHT = slice(0, 320), slice(320, None)  # of the photo with two faces


@pytest.fixture(scope="module")
def astronaut():
    return np.ascontiguousarray(data.astronaut()[:300, 80:400])


@pytest.fixture(scope="module")
def two_faces(astronaut):
    """The second face is 0.7 as large."""
    small = np.asarray(Image.fromarray(astronaut).resize((224, 210), Image.Resampling.LANCZOS))
    wide = np.full((300, 544, 3), 128, np.uint8)
    wide[:, :320], wide[:210, 320:] = astronaut, small
    return wide


@pytest.fixture(scope="module")
def unmasker(tiny_model):
    return Unmasker(tiny_model, "cpu")


@pytest.fixture(scope="module")
def idle(bare_model):
    return Unmasker(bare_model, "cpu")


def test_only_the_hole_changes_bit_for_bit(unmasker, astronaut):
    before = astronaut.copy()
    result = unmasker(astronaut)
    assert isinstance(result, Restoration)
    assert result.changed
    assert result.photo.shape == astronaut.shape
    assert result.photo.dtype == np.uint8
    assert result.hole.shape == astronaut.shape[:2]
    assert result.hole.dtype == np.float32
    assert result.hole.min() >= 0
    assert result.hole.max() <= 1
    outside = result.hole == 0
    assert 0.5 < outside.mean() < 1
    np.testing.assert_array_equal(result.photo[outside], astronaut[outside])
    assert np.abs(result.photo[result.hole > 0.9].astype(int) - before[result.hole > 0.9]).max() > 9
    np.testing.assert_array_equal(astronaut, before)


def test_the_hole_is_where_the_model_says(unmasker, astronaut):
    result = unmasker(astronaut)
    (face,) = result.faces
    assert face.masked
    nose, mouth = face.landmarks[2], face.landmarks[3:].mean(0)
    x, y = mouth.astype(int)
    assert result.hole[y, x] > 0.99
    eye_x, eye_y = face.landmarks[0].astype(int)
    assert result.hole[eye_y, eye_x] == 0
    assert nose[1] < mouth[1]
    x0, y0, x1, y1 = face.box
    assert 0 <= x0 < x1 <= astronaut.shape[1]
    assert 0 <= y0 < y1 <= astronaut.shape[0]
    # the tiny model covers 12 of 32 rows and 16 of 32 columns
    assert face.hole_fraction == pytest.approx(12 * 16 / 32**2, abs=0.01)
    assert 0.4 < face.score <= 1


def test_all_faces_or_the_largest(tiny_model, unmasker, two_faces):
    result = unmasker(two_faces)
    assert [face.masked for face in result.faces] == [True, True]
    largest = Unmasker(tiny_model, "cpu", faces="largest")(two_faces)
    (face,) = largest.faces
    assert face.box[2] < 320, "the left one is larger"
    assert not largest.hole[:, 330:].any()
    np.testing.assert_array_equal(largest.photo[:, 330:], two_faces[:, 330:])


@pytest.mark.parametrize(("probability", "masked"), [(0.7, False), (0.95, True)])
def test_a_net_that_is_not_sure_changes_nothing(tiny_model, astronaut, probability, masked):
    unmasker = Unmasker(tiny_model, "cpu")

    def restore(crops):
        holes = np.zeros(crops.shape[:3], np.float32)
        holes[:, crops.shape[1] // 2 :] = probability
        return 255 - crops, holes

    unmasker._restorer = restore
    result = unmasker(astronaut)
    assert [face.masked for face in result.faces] == [masked]
    assert bool(result.hole.any()) == masked
    assert np.array_equal(result.photo, astronaut) != masked


def test_a_bare_face_comes_back_unchanged(idle, astronaut):
    result = idle(astronaut)
    assert not result.changed
    assert [face.masked for face in result.faces] == [False]
    assert not result.hole.any()
    np.testing.assert_array_equal(result.photo, astronaut)
    assert not np.shares_memory(result.photo, astronaut)


def test_no_face_is_no_error(unmasker):
    blank = np.full((100, 140, 3), 128, np.uint8)
    result = unmasker(blank)
    assert result.faces == ()
    np.testing.assert_array_equal(result.photo, blank)


@pytest.fixture(scope="module")
def sampler(tiny_model, with_extra, tmp_path_factory):
    path = tmp_path_factory.mktemp("noise") / "noise.onnx"
    return Unmasker(with_extra(tiny_model, path), "cpu")


class TestSamples:
    def test_the_first_is_the_likeliest_and_the_others_differ(
        self, sampler, unmasker, two_faces, monkeypatch
    ):
        looks = []
        detect = sampler._detector
        monkeypatch.setattr(sampler, "_detector", lambda pixels: looks.append(1) or detect(pixels))
        results = sampler.sample(two_faces, 3, seed=5)
        assert len(results) == 3
        assert looks == [1], "the faces are looked for once"
        np.testing.assert_array_equal(results[0].photo, unmasker(two_faces).photo)
        for one, two in ((0, 1), (0, 2), (1, 2)):
            assert (results[one].photo != results[two].photo).any()

    def test_all_of_them_change_the_same_pixels_only(self, sampler, two_faces):
        results = sampler.sample(two_faces, 4)
        for result in results:
            np.testing.assert_array_equal(result.hole, results[0].hole)
            outside = result.hole == 0
            np.testing.assert_array_equal(result.photo[outside], two_faces[outside])
            assert result.faces == results[0].faces
        assert not np.shares_memory(results[0].photo, results[1].photo)

    def test_a_seed_and_a_number_make_a_picture_whatever_the_count(self, sampler, two_faces):
        few, many = (sampler.sample(two_faces, count, seed=1) for count in (2, 4))
        for one, two in zip(few, many, strict=False):
            np.testing.assert_array_equal(one.photo, two.photo)
        (_, other) = sampler.sample(two_faces, 2, seed=2)
        assert (other.photo != few[1].photo).any()

    def test_the_faces_of_a_photo_are_drawn_independently(self, sampler, two_faces):
        plain, drawn = sampler.sample(two_faces, 2)
        greener = drawn.photo.astype(int)[..., 1] - plain.photo.astype(int)[..., 1]
        inside = plain.hole > 0.9
        left, right = (greener[:, part][inside[:, part]].mean() for part in (_LEFT, _RIGHT))
        assert abs(left - right) > 2
        assert left
        assert right

    def test_without_a_face_nothing_changes(self, sampler):
        blank = np.full((100, 140, 3), 128, np.uint8)
        for result in sampler.sample(blank, 2):
            assert not result.changed
            np.testing.assert_array_equal(result.photo, blank)
            assert not np.shares_memory(result.photo, blank)

    def test_a_model_that_knows_one_face_names_the_fix(self, unmasker, two_faces):
        with pytest.raises(UsageError, match=r"'tiny' \(none\) knows one lower face.*'vae'"):
            unmasker.sample(two_faces, 2)
        with pytest.raises(ValueError, match="crops alone"):
            unmasker.fill(unmasker.find(two_faces), number=1)

    @pytest.mark.parametrize(("count", "seed"), [(0, 0), (-1, 0), (2, -1)])
    def test_numbers_that_make_no_sense(self, sampler, two_faces, count, seed):
        with pytest.raises(UsageError, match="give at least 1, and at least 0"):
            sampler.sample(two_faces, count, seed)


def test_a_model_that_wants_what_is_missing_says_so_at_once(tiny_model, with_extra, tmp_path):
    path = with_extra(tiny_model, tmp_path / "face.onnx", "face", 8, "facenet.onnx")
    with pytest.raises(ModelError, match=r"facenet\.onnx, which is not beside it"):
        Unmasker(path, "cpu")


def test_marked_is_what_restore_gives(unmasker, idle, astronaut):
    photo = photos.read(astronaut)
    changed, result = unmasker.restore(photo)
    np.testing.assert_array_equal(marked(photo, result).pixels, changed.pixels)
    assert marked(photo, result).xmp == changed.xmp
    assert marked(photo, idle(astronaut)) is photo


def test_restore_marks_what_it_changes_and_only_that(unmasker, idle, astronaut):
    photo = photos.read(astronaut)
    changed, result = unmasker.restore(photo)
    assert result.changed
    assert provenance.SOURCE_TYPE.encode() in changed.xmp
    same, _ = idle.restore(photo)
    assert same is photo


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_photo_is_put_upright(unmasker, astronaut, orientation):
    back = {1: 0, 3: 180, 6: 90, 8: -90}[orientation]
    stored = Image.fromarray(astronaut).rotate(back, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored.save(file, "PNG", exif=exif)
    result = unmasker(file.getvalue())
    assert len(result.faces) == 1
    np.testing.assert_array_equal(result.photo, unmasker(astronaut).photo)


def test_the_kind_that_came_in_comes_out(tiny_model, astronaut, tmp_path):
    picture = Image.fromarray(astronaut)
    picture.save(tmp_path / "in.png")
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=95)

    array = unmask(astronaut, tiny_model, "cpu")
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.uint8
    for source in (picture, tmp_path / "in.png", str(tmp_path / "in.png")):
        out = unmask(source, tiny_model, "cpu")
        assert isinstance(out, Image.Image)
        np.testing.assert_array_equal(np.asarray(out), array)
    out = unmask(jpeg.getvalue(), tiny_model, "cpu")
    assert isinstance(out, bytes)
    assert photos.read(out).format == "JPEG"
    assert provenance.read_mark(out).by_mask2face
    with (tmp_path / "in.png").open("rb") as stream:
        assert isinstance(unmask(stream, tiny_model, "cpu"), Image.Image)


def test_the_mark_of_a_pillow_picture_reaches_a_file(tiny_model, astronaut):
    made = unmask(Image.fromarray(astronaut), tiny_model, "cpu")
    for kind in ("JPEG", "WEBP"):
        out = io.BytesIO()
        made.save(out, kind, xmp=made.info["xmp"])
        assert provenance.read_mark(out.getvalue()).by_mask2face


def test_bytes_of_a_bare_photo_come_back_as_they_are(bare_model, astronaut):
    file = io.BytesIO()
    Image.fromarray(astronaut).save(file, "JPEG")
    assert unmask(file.getvalue(), bare_model, "cpu") == file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"faces": "some"}, UsageError, "'all' or 'largest'"),
        ({"threshold": 0}, UsageError, "between 0 and 1"),
        ({"threshold": 1.5}, UsageError, "between 0 and 1"),
        ({"threshold": float("nan")}, UsageError, "between 0 and 1"),
        ({"device": "gpu"}, UnknownNameError, "unknown device"),
        ({"detector": "ours"}, UnknownNameError, "unknown detector.*centerface, own"),
        ({"device": "dml"}, DeviceError, "not available"),
        ({"model": "nowhere.onnx"}, ModelError, "does not exist"),
    ],
)
def test_bad_arguments(tiny_model, arguments, error, words):
    with pytest.raises(error, match=words):
        Unmasker(**({"model": tiny_model, "device": "cpu"} | arguments))


@pytest.mark.parametrize(
    "photo",
    [b"", b"junk", "nowhere.jpg", np.zeros((9, 9), np.uint8), np.zeros((90, 90, 3), np.float32)],
    ids=["empty", "junk", "missing", "grey array", "float array"],
)
def test_bad_photos(unmasker, photo):
    with pytest.raises(PhotoError):
        unmasker(photo)


def test_the_summary_counts():
    face = RestoredFace((0, 0, 9, 9), np.zeros((5, 2), np.float32), 0.9, True, 0.2)
    bare = RestoredFace((0, 0, 9, 9), np.zeros((5, 2), np.float32), 0.9, False, 0.0)
    assert summary([]) == "no face"
    assert summary([face]) == "1 face, 1 face mask replaced"
    assert summary([face, face, bare]) == "3 faces, 2 face masks replaced"
    assert summary([bare]) == "1 face, no face masks replaced"


def test_another_detector_finds_the_same_face(tiny_model):
    astronaut = data.astronaut()
    (usual,) = Unmasker(tiny_model, "cpu", detector="centerface")(astronaut).faces
    (ours,) = Unmasker(tiny_model, "cpu", detector="own")(astronaut).faces
    eye_distance = np.linalg.norm(usual.landmarks[1] - usual.landmarks[0])
    off = np.linalg.norm(usual.landmarks[:2] - ours.landmarks[:2], axis=1)
    assert 0 < off.max() < 0.3 * eye_distance


def test_shipped_model_leaves_the_astronaut_alone():
    result = Unmasker(device="cpu")(data.astronaut())
    assert len(result.faces) == 1
    assert not result.changed


@pytest.mark.parametrize(("style", "color"), [("surgical", "#9fd0ec"), ("n95", "#f2f2ee")])
def test_shipped_model_takes_a_face_mask_off(style, color):
    from mask2face import mean_face
    from mask2face.masking import Masker

    bare = np.ascontiguousarray(data.astronaut()[:340, 90:390])
    masker = Masker(lambda _photo, face: mean_face.guess(face), "cpu")
    drawn = masker(bare, style, color=color)
    result = Unmasker(device="cpu")(drawn.photo)
    (face,) = result.faces
    assert face.masked
    assert face.hole_fraction > LEAST_HOLE
    inside = drawn.hole > 0.99
    assert result.hole[inside].mean() > 0.85

    def error(photo):
        return np.abs(photo[inside].astype(float) - bare[inside]).mean()

    assert error(result.photo) < 0.6 * error(drawn.photo)
