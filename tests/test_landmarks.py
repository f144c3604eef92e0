import importlib.util
import json

import numpy as np
import pytest

from mask2face import landmarks
from mask2face.detectors import CenterFace
from mask2face.errors import DataError, MissingExtraError
from mask2face.faces import Face
from mask2face.landmarks import (
    MIRRORED,
    Landmarker,
    Precomputed,
    eye_centres,
    on_face,
    square,
)

POINTS = np.arange(136, dtype=np.float32).reshape(68, 2)
dlib_is_here = all(map(importlib.util.find_spec, ("dlib", "face_recognition_models")))
needs_dlib = pytest.mark.skipif(not dlib_is_here, reason="needs the extra 'data'")


def test_mirroring_twice_changes_nothing_and_swaps_the_sides():
    order = np.array(MIRRORED)
    assert sorted(order) == list(range(68))
    assert (order[order] == np.arange(68)).all()
    assert {order[0], order[36], order[39], order[48], order[31]} == {16, 45, 42, 54, 35}
    assert all(order[point] == point for point in (8, 27, 30, 33, 51, 57, 62, 66))


def test_eye_centres():
    points = np.zeros((68, 2), np.float32)
    points[36:42] = (10, 20)
    points[42:48] = (30, 22)
    assert eye_centres(points).tolist() == [[10, 20], [30, 22]]


@needs_dlib
def test_landmarks_lie_on_the_astronauts_face(astronaut_photo):
    photo = astronaut_photo(0)
    face = CenterFace("cpu", threads=1)(photo)[0]
    points = Landmarker()(photo, face.box)
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    distance = np.hypot(*(face.landmarks[1] - face.landmarks[0]))
    assert np.hypot(*(eye_centres(points) - face.landmarks[:2]).T).max() < 0.2 * distance
    assert np.hypot(*(points[[48, 54]] - face.landmarks[3:]).T).max() < 0.25 * distance
    assert points[8, 1] > points[57, 1] > points[33, 1] > points[27, 1]  # chin, lip, nose, bridge


@needs_dlib
def test_landmarks_repeat_and_mirror_with_the_photo(astronaut_photo):
    photo = astronaut_photo(0)
    face = CenterFace("cpu", threads=1)(photo)[0]
    landmarker = Landmarker()
    points = landmarker(photo, face.box)
    assert np.array_equal(points, landmarker(photo, face.box))
    width = photo.shape[1]
    x0, y0, x1, y1 = face.box
    turned = landmarker(photo[:, ::-1], (width - 1 - x1, y0, width - 1 - x0, y1))
    turned[:, 0] = width - 1 - turned[:, 0]
    distance = np.hypot(*(face.landmarks[1] - face.landmarks[0]))
    assert np.hypot(*(turned[list(MIRRORED)] - points).T).mean() < 0.06 * distance


@needs_dlib
def test_a_missing_or_broken_model_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        Landmarker(tmp_path / "no.dat")
    (tmp_path / "broken.dat").write_bytes(b"not a model")
    with pytest.raises(DataError, match="broken"):
        Landmarker(tmp_path / "broken.dat")


@needs_dlib
def test_without_the_models_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(landmarks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[data\]"):
        Landmarker()


def test_without_dlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"'dlib'.*mask2face\[data\]"):
        Landmarker()


FACE = Face(
    (50.0, 50.0, 150.0, 190.0),
    np.float32([[70, 100], [110, 100], [85, 130], [70, 155], [105, 155]]),  # turned to the left
)


def with_eyes(eyes):
    points = np.zeros((68, 2), np.float32)
    points[36:42], points[42:48] = eyes
    return points


def test_the_search_moves_towards_the_detectors_points():
    asked = []

    def landmarker(photo, box):
        asked.append(box)
        return with_eyes(FACE.landmarks[:2])

    points, off = on_face(np.zeros((200, 200, 3), np.uint8), FACE, landmarker)
    assert off == 0
    assert points[40].tolist() == [70, 100]
    ((x0, y0, x1, y1),) = asked
    assert (x0 + x1) / 2 == pytest.approx(94)  # halfway from 100 to the points' 88
    assert (y0, y1) == pytest.approx((50, 190))


def test_the_search_goes_on_until_the_eyes_agree_and_keeps_the_best():
    scale = 0.27 * 1.15 * 140
    offsets = iter([3.0, 0.6, 0.4, 0.5, 0.9, 0.0])

    def landmarker(photo, box):
        return with_eyes(FACE.landmarks[:2] + np.float32([0, next(offsets) * scale]))

    points, off = on_face(np.zeros((200, 200, 3), np.uint8), FACE, landmarker)
    assert off == pytest.approx(0.4, abs=1e-3)
    assert points[36, 1] == pytest.approx(100 + 0.4 * scale, abs=0.01)
    offsets = iter([0.3, 0.19, 0.0])
    assert on_face(np.zeros((200, 200, 3), np.uint8), FACE, landmarker)[1] == pytest.approx(
        0.19, abs=1e-3
    )


def test_the_square_lies_around_the_middle_of_a_tall_box():
    x0, y0, x1, y1 = square((10, 20, 110, 164))
    assert x1 - x0 == pytest.approx(y1 - y0) == pytest.approx(0.96 * 120)
    assert (x0 + x1) / 2 == pytest.approx(60)
    assert (y0 + y1) / 2 == pytest.approx(92 + 0.03 * 144)


def csv_line(name="a.jpg", points=POINTS):
    return ",".join([name, *map(str, points.ravel().tolist())]) + "\n"


def test_precomputed_landmarks_from_csv_with_and_without_a_header(tmp_path):
    path = tmp_path / "points.csv"
    for header in ("", "photo," + ",".join(f"p{n}" for n in range(136)) + "\n"):
        path.write_text(header + csv_line() + "\n" + csv_line("b/c.jpg", POINTS + 1))
        found = Precomputed(path)
        assert len(found) == 2
        assert np.array_equal(found["a.jpg"], POINTS)
        assert np.array_equal(found["b/c.jpg"], POINTS + 1)
        assert "a.jpg" in found
        assert "z.jpg" not in found


def test_precomputed_landmarks_from_json_lines(tmp_path):
    path = tmp_path / "points.jsonl"
    path.write_text(json.dumps({"photo": "a.jpg", "landmarks": POINTS.tolist()}) + "\n\n")
    assert np.array_equal(Precomputed(path)["a.jpg"], POINTS)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.csv", "", "empty"),
        ("p.csv", "a.jpg,1,2,3\n", "line 1 .* has 3 values"),
        ("p.csv", csv_line() + "b.jpg," + ",".join(["x"] * 136) + "\n", "line 2 .* not numbers"),
        ("p.csv", csv_line(points=POINTS * np.float32("nan")), "136 finite"),
        ("p.jsonl", "{}\n", "line 1"),
        ("p.jsonl", "nothing\n", "line 1"),
        ("p.jsonl", '["photo"]\n', "line 1"),
        ("p.jsonl", '{"photo": "a", "landmarks": [1, [2]]}\n', "not numbers"),
    ],
)
def test_broken_landmark_files_are_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        Precomputed(tmp_path / name)


def test_a_missing_file_or_photo_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        Precomputed(tmp_path / "no.csv")
    (tmp_path / "p.csv").write_text(csv_line())
    with pytest.raises(DataError, match=r"no landmarks of 'z.jpg'"):
        Precomputed(tmp_path / "p.csv")["z.jpg"]
