"""The demo: no network, no dlib, pictures in a folder."""

import sys

import numpy as np
import pytest
from PIL import Image

from mask2face import demo, provenance
from mask2face.errors import DataError, OutputError
from mask2face.pipeline import Unmasker


def test_it_writes_marked_pictures_of_every_style(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    shown, sheet = demo.show(tmp_path / "out", Unmasker(tiny_model, "cpu"))
    assert [one.style for one in shown] == [style for style, *_ in demo.STYLES]
    for one in shown:
        assert one.result.changed
        before, after = (np.asarray(Image.open(path)) for path in (one.before, one.after))
        outside = one.result.hole == 0
        np.testing.assert_array_equal(before[outside], after[outside])
        assert "not in the photo" in provenance.read_mark(one.before).history[0]
        assert any("invented" in line for line in provenance.read_mark(one.after).history)
    height, width = before.shape[:2]
    with Image.open(sheet) as picture:
        assert picture.size == (width * (1 + len(shown)), 2 * height)
    assert len(list((tmp_path / "out").iterdir())) == 2 * len(shown) + 1
    demo.show(tmp_path / "out", Unmasker(tiny_model, "cpu"))  # again, over its own files


@pytest.mark.parametrize("name", ["surgical.png", "n95.unmasked.png", "compare.png"])
def test_files_of_others_are_kept(tiny_model, tmp_path, name):
    mine = tmp_path / name
    for content in (b"no picture", None):
        if content is None:
            Image.new("RGB", (8, 8)).save(mine)
        else:
            mine.write_bytes(content)
        before = mine.read_bytes()
        with pytest.raises(OutputError, match=f"{name} is no picture of mask2face: move it"):
            demo.show(tmp_path, Unmasker(tiny_model, "cpu"))
        assert mine.read_bytes() == before
        assert list(tmp_path.iterdir()) == [mine]


def test_its_face_masks_are_face_masks(bare_model, tmp_path):
    shown, _ = demo.show(tmp_path, Unmasker(bare_model, "cpu"))
    for one in shown:
        assert not one.result.changed
        assert len(one.result.faces) == 1, "the detector still finds the face"


def test_a_missing_photo_or_folder_is_named(monkeypatch, tmp_path, tiny_model):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be made"):
        demo.show(tmp_path / "file" / "out", Unmasker(tiny_model, "cpu"))
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DataError, match="scikit-image"):
        demo.sample()
