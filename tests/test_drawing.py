from functools import partial

import cv2
import numpy as np
import pytest

from mask2face.clean import CleanCrop
from mask2face.crops import build
from mask2face.datasets import PhotoRecord
from mask2face.drawing import draw_pairs, drawn_pair
from mask2face.errors import DataError, OutputError
from mask2face.facemasks import Drawn
from mask2face.faces import Face, align, transform

SIDE = 224


def synthetic_points():
    """68 landmarks of a face whose eyes lie where the cache puts them."""
    rng = np.random.default_rng(5)
    points = rng.uniform(80, 150, (68, 2)).astype(np.float32)
    angle = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([112 + 60 * np.cos(angle), 95 + 85 * np.sin(angle)], 1)
    points[27:31] = np.stack([np.full(4, 112), np.linspace(92, 120, 4)], 1)
    points[36:42], points[42:48] = (90.4, 91.2), (133.6, 91.2)
    return points


@pytest.fixture
def clean():
    """A clean crop with a bright dot on each eye and on the chin."""
    points = synthetic_points()
    crop = np.full((SIDE, SIDE, 3), 60, np.uint8)
    eyes = np.array([[90.4, 91.2], [133.6, 91.2]], np.float32)
    for channel, (x, y) in enumerate((*eyes, points[8])):
        colour = [60, 60, 60]
        colour[channel] = 255
        cv2.circle(crop, (round(float(x)), round(float(y))), 4, colour, -1, cv2.LINE_AA)
    return CleanCrop(crop, points, eyes, 120.0)


def nothing(photo, landmarks, rng):
    return Drawn(photo.copy(), np.zeros(photo.shape[:2], np.float32), "bare")


def half(photo, landmarks, rng):
    """Cover the lower half with one colour."""
    hole = np.zeros(photo.shape[:2], np.float32)
    hole[len(hole) // 2 :] = 1
    drawn = photo.copy()
    drawn[hole > 0] = (0, 200, 200)
    return Drawn(drawn, hole, "half", {"colour": "#00c8c8"})


class Plain(np.random.Generator):
    """Randomness that mirrors on request and degrades nothing."""

    def __init__(self, mirrored=False):
        super().__init__(np.random.PCG64(0))
        self.answers = [0.1 if mirrored else 0.9, 0.0]

    def random(self, *args, **options):
        return self.answers.pop(0) if self.answers else super().random(*args, **options)


@pytest.mark.parametrize("side", [64, 96, 128, 160, 256])
def test_shapes_types_and_ranges(clean, side):
    rng = np.random.default_rng(1)
    pair = drawn_pair(clean, side, rng, draw=half)
    masked, bare, hole = pair.input, pair.output, pair.hole
    assert masked.shape == bare.shape == (side, side, 3)
    assert masked.dtype == bare.dtype == np.uint8
    assert hole.shape == (side, side)
    assert hole.dtype == np.float32
    assert 0 <= hole.min() < hole.max() <= 1
    assert hole.mean() == pytest.approx(0.5)


def test_the_same_seed_gives_the_same_pair(clean):
    first, again, other = (drawn_pair(clean, 96, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(first.input, again.input)
    assert np.array_equal(first.hole, again.hole)
    assert np.array_equal(first.landmarks, again.landmarks)
    assert (first.style, first.options) == (again.style, again.options)
    assert not np.array_equal(first.input, other.input)


def test_the_crop_is_not_changed(clean):
    before = clean.crop.copy()
    for seed in range(5):
        drawn_pair(clean, 64, np.random.default_rng(seed))
    assert np.array_equal(clean.crop, before)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", [64, 160])
def test_without_wobble_the_pair_is_the_training_crop(clean, side, mirrored):
    pair = drawn_pair(clean, side, Plain(mirrored), wobble=0, draw=nothing)
    matrix = align(clean.eyes, clean.height, side)
    expected = transform(clean.landmarks, matrix)
    chin = expected[8]
    if mirrored:
        chin = (side - chin[0], chin[1])  # the eyes' middle is at side / 2
    assert pair.landmarks[8] == pytest.approx(chin, abs=0.01)
    # the dots: red on the eye at image left of the clean crop, green on the other, blue below
    for channel, point in enumerate((45, 36, 8) if mirrored else (36, 45, 8)):
        x, y = pair.landmarks[point]
        pixel = pair.output[round(float(y)), round(float(x))].astype(int)
        assert pixel[channel] == pixel.max()
        assert pixel[channel] > 1.5 * np.delete(pixel, channel).max()


def test_mirroring_keeps_the_order_of_the_landmarks(clean):
    pair = drawn_pair(clean, 128, Plain(mirrored=True), wobble=0, draw=nothing)
    assert pair.landmarks[0, 0] < pair.landmarks[16, 0]
    assert pair.landmarks[36, 0] < pair.landmarks[42, 0]


def test_the_eyes_wobble_as_asked(clean):
    eyes = []
    for seed in range(200):
        pair = drawn_pair(clean, 128, np.random.default_rng(seed), wobble=0.05, draw=nothing)
        eyes.append(pair.landmarks[[36, 42]])
    distance = 0.27 * 128
    spread = np.std(eyes, axis=0) / distance
    # the midpoint of two moved eyes moves by sigma / sqrt(2)
    middle = np.std(np.mean(eyes, axis=1), axis=0) / distance
    assert middle == pytest.approx(0.05 / 2**0.5, rel=0.25)
    assert (spread > 0.02).all()


def test_input_and_output_differ_in_the_hole_only_before_degradation(clean):
    pair = drawn_pair(clean, 128, Plain(), wobble=0, draw=half)
    outside = pair.hole == 0
    assert np.array_equal(pair.input[outside], pair.output[outside])
    assert (pair.input[~outside] == (0, 200, 200)).all()
    assert (pair.style, pair.options) == ("half", {"colour": "#00c8c8"})


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("span", [1.0, 1.6])
def test_the_span_is_that_of_the_box(clean, span, mirrored):
    pair = drawn_pair(clean, 160, Plain(mirrored), wobble=0, draw=nothing, span=span)
    own = drawn_pair(clean, 160, Plain(mirrored), wobble=0, draw=nothing)
    height = np.ptp(clean.landmarks[:, 1]) / clean.height  # of the landmarks, in box heights
    assert np.ptp(pair.landmarks[:, 1]) == pytest.approx(160 * height / span, rel=1e-4)
    # the middle of the crop stays where it was
    zoom = np.ptp(pair.landmarks[:, 1]) / np.ptp(own.landmarks[:, 1])
    assert pair.landmarks - 79.5 == pytest.approx((own.landmarks - 79.5) * zoom, abs=0.01)


@pytest.mark.parametrize("side", [64, 128])
def test_the_blur_is_of_the_input_alone(clean, side):
    sharp = drawn_pair(clean, side, Plain(), wobble=0, draw=half)
    soft = drawn_pair(clean, side, Plain(), wobble=0, draw=half, blur=2.0)
    assert np.array_equal(sharp.output, soft.output)
    assert np.array_equal(sharp.hole, soft.hole)
    expected = cv2.GaussianBlur(sharp.input, (0, 0), 2.0)
    assert np.abs(soft.input.astype(float) - expected)[8:-8, 8:-8].mean() < 1
    assert not np.array_equal(soft.input, sharp.input)


@pytest.mark.parametrize(
    ("side", "options"),
    [
        (0, {}),
        (7, {}),
        (64, {"wobble": -0.1}),
        (64, {"blur": -1.0}),
        (64, {"span": 0.0}),
    ],
)
def test_bad_sizes_are_refused(clean, side, options):
    with pytest.raises(ValueError, match="expected side"):
        drawn_pair(clean, side, np.random.default_rng(0), **options)


EYES = np.array([[100, 110], [150, 110]], np.float32)


class OneFace:
    def __call__(self, photo):
        rest = np.array([[125, 135], [108, 160], [142, 160]])
        return [Face((75.0, 70.0, 175.0, 190.0), np.concatenate([EYES, rest]).astype("f4"))]


class Points:
    def __call__(self, photo, box):
        matrix = cv2.invertAffineTransform(align(EYES, 120, 160))
        return transform(synthetic_points() - 32, matrix)


@pytest.fixture
def cache(tmp_path):
    from PIL import Image

    records = []
    for person in range(6):
        path = tmp_path / f"p{person}.png"
        noise = np.random.default_rng(person).integers(0, 256, (250, 250, 3), np.uint8)
        Image.fromarray(cv2.GaussianBlur(noise, (0, 0), 9)).save(path)
        records.append(PhotoRecord(path, f"p{person}", "folder", path.name))
    return build(records, tmp_path / "crops", OneFace, Points, test=2, workers=0)


def freeze(cache, split, out, side, count=None, **settings):
    return draw_pairs(cache, {split: count}, out, side, **settings)


def test_frozen_pairs_are_the_same_each_time(cache, tmp_path):
    first = freeze(cache, "test", tmp_path / "a", 64, seed=1)
    second = freeze(cache, "test", tmp_path / "b", 64, seed=1)
    other = freeze(cache, "test", tmp_path / "c", 64, seed=2)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(first.folder)).read_bytes()
    assert first.rows == second.rows
    assert first.rows != other.rows
    assert {row.split for row in first.rows} == {"test"}
    assert first.side == 64


def test_a_pair_depends_on_its_photo_only(cache, tmp_path):
    few = freeze(cache, "train", tmp_path / "few", 64, count=1)
    more = freeze(cache, "train", tmp_path / "more", 64)
    assert len(few.rows) == 1 < len(more.rows)
    assert few.rows[0] == more.rows[0]


def test_frozen_pairs_are_continued(cache, tmp_path, monkeypatch):
    drawn = []

    def stop(photo, landmarks, rng):
        if drawn:
            raise KeyboardInterrupt
        drawn.append(1)
        return half(photo, landmarks, rng)

    with pytest.raises(KeyboardInterrupt):
        freeze(cache, "train", tmp_path / "p", 64, draw=stop)
    found = freeze(cache, "train", tmp_path / "p", 64, draw=half)
    assert len(found.rows) == len(cache.indices("train"))


def test_several_splits_go_into_one_folder(cache, tmp_path):
    counts = {"train": 2, "validation": None}
    found = draw_pairs(cache, counts, tmp_path / "p", 64, facts={"mask_type": "cloth"})
    assert len(found.of("train")) == 2
    assert len(found.of("validation")) == len(cache.indices("validation"))
    assert found.meta["mask_type"] == "cloth"


def test_a_split_without_photos_is_refused(cache, tmp_path):
    empty = {"train": None, "validation": None}
    for row in cache.rows:
        row["split"] = "test"
    with pytest.raises(DataError, match="no photo in 'train'"):
        draw_pairs(cache, empty, tmp_path / "p", 64)
    assert not (tmp_path / "p").exists()


def test_other_settings_do_not_mix(cache, tmp_path):
    freeze(cache, "test", tmp_path / "p", 64, seed=1)
    with pytest.raises(OutputError, match="other settings"):
        freeze(cache, "test", tmp_path / "p", 64, seed=2)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_changes_no_byte(cache, tmp_path, workers):
    counts = {"train": None, "validation": None}
    one = draw_pairs(cache, counts, tmp_path / "one", 64, 3)
    several = draw_pairs(cache, counts, tmp_path / "several", 64, 3, workers=workers)
    assert one.rows == several.rows
    assert contents(tmp_path / "one") == contents(tmp_path / "several")


def fail_after(count, drawn, photo, landmarks, rng):
    """Draw `count` pairs, then die."""
    if len(drawn) == count:
        raise KeyboardInterrupt
    drawn.append(1)
    return half(photo, landmarks, rng)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("workers", [0, 1])
def test_what_was_killed_is_continued_to_the_same_bytes(cache, tmp_path, count, workers):
    whole = freeze(cache, "train", tmp_path / "whole", 64, draw=half)
    if count < len(whole.rows):
        with pytest.raises(KeyboardInterrupt):
            freeze(cache, "train", tmp_path / "p", 64, draw=partial(fail_after, count, []))
        rows = tmp_path / "p" / "pairs.jsonl"
        assert (len(rows.read_text().splitlines()) if rows.exists() else 0) == count
    freeze(cache, "train", tmp_path / "p", 64, draw=half, workers=workers)
    assert contents(tmp_path / "whole") == contents(tmp_path / "p")


def remove_picture(folder):
    sorted((folder / "holes").iterdir())[0].unlink()


def remove_last_row(folder):
    rows = folder / "pairs.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:-1]))


def cut_off_last_row(folder):
    rows = folder / "pairs.jsonl"
    rows.write_text(rows.read_text()[:-40])


def remove_rows(folder):
    (folder / "pairs.jsonl").unlink()


def leave_half_a_picture(folder):
    remove_last_row(folder)
    last = sorted((folder / "inputs").iterdir())[-1]
    last.rename(last.with_name(f".{last.stem}.part"))


def remove_all_but_meta(folder):
    import shutil

    for part in ("inputs", "outputs", "holes"):
        shutil.rmtree(folder / part)
    remove_rows(folder)


def leave_the_first_step(folder):
    remove_all_but_meta(folder)
    (folder / "meta.json").rename(folder / ".meta.json.part")


@pytest.mark.parametrize(
    "break_it",
    [
        remove_picture,
        remove_last_row,
        cut_off_last_row,
        remove_rows,
        leave_half_a_picture,
        remove_all_but_meta,
        leave_the_first_step,
    ],
)
def test_whatever_a_kill_left_is_made_whole(cache, tmp_path, break_it):
    freeze(cache, "train", tmp_path / "p", 64, draw=half)
    before = contents(tmp_path / "p")
    break_it(tmp_path / "p")
    assert contents(tmp_path / "p") != before
    freeze(cache, "train", tmp_path / "p", 64, draw=half)
    assert contents(tmp_path / "p") == before


def test_what_was_left_bare_behind_the_face_mask_is_the_output(clean):
    """A hand in front of a face mask is in the output too."""

    def with_hand(photo, landmarks, rng):
        drawn = half(photo, landmarks, rng)
        bare = photo.copy()
        bare[:20] = drawn.photo[:20] = (250, 10, 10)
        return Drawn(drawn.photo, drawn.hole, "half", {}, bare)

    pair = drawn_pair(clean, 128, Plain(), wobble=0, draw=with_hand)
    assert (pair.output[:20] == (250, 10, 10)).all()
    assert np.array_equal(pair.input[pair.hole == 0], pair.output[pair.hole == 0])
    assert not (pair.output[70:] == (250, 10, 10)).all()
