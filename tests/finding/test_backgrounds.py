import pickle

import numpy as np
import pytest
from PIL import Image

from mask2face.errors import DataError
from mask2face.finding.backgrounds import Backgrounds, texture


@pytest.mark.parametrize("size", [16, 64, 130])
def test_pictures_of_any_size(lesson_folder, size):
    ground = Backgrounds(lesson_folder)
    seen = [ground.picture(size, np.random.default_rng(seed)) for seed in range(15)]
    assert all(one.shape == (size, size, 3) and one.dtype == np.uint8 for one in seen)
    assert len({one.tobytes() for one in seen}) == 15


def test_what_is_around_a_face_does_not_show_it(lesson_folder):
    """The face mask of the lessons is the only thing of its colour."""
    ground = Backgrounds(lesson_folder)
    for seed in range(25):
        part = ground._around(100, np.random.default_rng(seed)).astype(int)
        blue = np.abs(part - (60, 120, 200)).max(2) < 10
        assert blue.mean() < 0.02


def test_photos_without_faces_are_shown(lesson_folder, tmp_path):
    Image.new("RGB", (700, 60), (12, 200, 34)).save(tmp_path / "green.png")
    ground = Backgrounds(lesson_folder, tmp_path)
    seen = [ground.picture(32, np.random.default_rng(seed)) for seed in range(30)]
    assert any((one == (12, 200, 34)).all() for one in seen)
    again = pickle.loads(pickle.dumps(ground))
    assert np.array_equal(again.picture(32, np.random.default_rng(1)), seen[1])


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_photos(lesson_folder, tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="photos without any face"):
        Backgrounds(lesson_folder, tmp_path / name)


@pytest.mark.parametrize("kind", ["facemask", "hand"])
def test_a_thing_without_a_face(lesson_folder, kind, monkeypatch):
    ground = Backgrounds(lesson_folder)
    flat = np.full((160, 160, 3), 200, np.uint8)
    monkeypatch.setattr(ground, "_around", lambda size, rng: flat.copy())
    monkeypatch.setattr("mask2face.finding.backgrounds.texture", lambda size, rng: flat.copy())
    made = [ground._alone(kind, 96, np.random.default_rng(seed)) for seed in range(4)]
    assert {one.shape for one in made} == {(96, 96, 3)}
    changed = [(np.abs(one.astype(int) - 200).max(2) > 8).mean() for one in made]
    assert min(changed) > 0.03
    assert max(changed) < 0.9


def test_a_part_of_a_face_is_too_little_of_it(lesson_folder):
    """At most a third of the face's height, so never both eyes and the mouth."""
    ground = Backgrounds(lesson_folder)
    seen = [ground._part_of_face(64, np.random.default_rng(seed)) for seed in range(20)]
    assert {one.shape for one in seen} == {(64, 64, 3)}
    assert len({one.tobytes() for one in seen}) > 10


def test_textures_differ():
    made = [texture(40, np.random.default_rng(seed)) for seed in range(30)]
    assert {one.shape for one in made} == {(40, 40, 3)}
    flat = [one for one in made if one.std(axis=(0, 1)).max() == 0]
    assert 0 < len(flat) < 15
