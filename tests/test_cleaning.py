import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mask2face.clean import CleanCrop
from mask2face.cleaning import Tools, clean_crops
from mask2face.datasets import PhotoRecord
from mask2face.errors import MissingExtraError
from mask2face.faces import Face
from mask2face.landmarks import Precomputed
from mask2face.parallel import WorkerDiedError

EYES = np.array([[100, 110], [150, 110]], np.float32)
FACE = Face(
    (75.0, 70.0, 175.0, 190.0),
    np.concatenate([EYES, [[125, 135], [108, 160], [142, 160]]]).astype(np.float32),
)


class OneFace:
    """A detector that sees one face in a photo that is not black."""

    def __call__(self, photo):
        return [FACE] if photo.any() else []


class Points:
    def __call__(self, photo, box):
        found = np.tile(np.float32([125, 140]), (68, 1))
        found[36:42], found[42:48] = EYES
        return found


def records(root: Path) -> list[PhotoRecord]:
    Image.new("RGB", (250, 250), "white").save(root / "good.png")
    Image.new("RGB", (250, 250), "black").save(root / "black.png")
    (root / "broken.jpg").write_bytes(b"no photo")
    (root / "empty.jpg").write_bytes(b"")
    names = ("good.png", "broken.jpg", "black.png", "empty.jpg", "missing.jpg", "good.png")
    return [PhotoRecord(root / name, name, "folder", name) for name in names]


@pytest.mark.parametrize("workers", [0, 2])
def test_crops_and_reasons_come_in_the_order_of_the_photos(tmp_path, workers):
    found = list(clean_crops(records(tmp_path), Tools(OneFace, Points, 56), workers))
    assert isinstance(found[0], CleanCrop)
    assert isinstance(found[5], CleanCrop)
    assert found[0].crop.shape == (56, 56, 3)
    assert found[2] == "no face"
    for index in (1, 3, 4):
        assert isinstance(found[index], str)
        assert found[index].startswith("broken photo: ")


def test_landmarks_from_a_file_are_used_by_the_photos_name(tmp_path):
    points = Points()(None, None)
    line = ",".join(["good.png", *map(str, points.ravel().tolist())])
    (tmp_path / "points.csv").write_text(line + "\n")
    tools = Tools(OneFace, Precomputed(tmp_path / "points.csv"), 56)
    photos = [record for record in records(tmp_path) if record.name in ("good.png", "black.png")]
    Image.new("RGB", (250, 250), "red").save(tmp_path / "black.png")
    found = list(clean_crops(photos, tools, workers=0))
    assert isinstance(found[0], CleanCrop)
    assert found[1] == "not in the landmark file"
    assert np.allclose(found[0].landmarks[36], found[0].eyes[0], atol=1e-3)


def test_the_data_sets_eyes_say_which_face_is_meant(tmp_path):
    good = records(tmp_path)[0]
    here, away = (replace(good, eyes=eyes) for eyes in ((100, 110, 150, 110), (20, 30, 70, 30)))
    found = list(clean_crops([here, away], Tools(OneFace, Points, 56), workers=0))
    assert isinstance(found[0], CleanCrop)
    assert found[1] == "no face at the data set's landmarks"


def no_dlib():
    raise MissingExtraError("dlib", "data")


class Killed:
    """A detector whose process is gone, as one killed for its memory."""

    def __call__(self, photo):
        os._exit(9)


@pytest.mark.parametrize(
    ("tools", "error"),
    [
        (Tools(OneFace, no_dlib, 56), MissingExtraError),
        (Tools(Killed, Points, 56), WorkerDiedError),
    ],
)
def test_workers_that_cannot_work_are_said(tmp_path, tools, error):
    with pytest.raises(error, match="'dlib'|died"):
        list(clean_crops(records(tmp_path), tools, workers=1))


def test_a_heic_photo_without_its_extra_is_refused_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    photos = records(tmp_path)
    (tmp_path / "black.png").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    found = list(clean_crops(photos, Tools(OneFace, Points, 56), workers=0))
    assert isinstance(found[5], CleanCrop)
    assert found[2].split(":")[0] == "needs the extra 'heif'"
    assert "pip install 'mask2face[heif]'" in found[2]
