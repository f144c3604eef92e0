"""The report on real photos, with callables that behave in known ways."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mask2face.errors import DataError, MissingExtraError, OutputError
from mask2face.evaluation import evaluate_real
from mask2face.evaluation.real import hog_faces

BOX = (10.0, 10.0, 50.0, 60.0)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Five photos; the brightness of the first pixel says what is in them."""
    rng = np.random.default_rng(0)
    found = []
    for index in range(5):
        photo = rng.integers(0, 256, (80, 100, 3), dtype=np.uint8)
        photo[0, 0] = index
        path = tmp_path / f"{index}.png"
        Image.fromarray(photo).save(path)
        found.append(path)
    return found


def unmask(photo):
    """Replace a block on photos 0 to 2; leak one pixel on photo 1; find no mask on the rest."""
    kind = int(photo[0, 0, 0])
    hole = np.zeros(photo.shape[:2], np.float32)
    result = photo.copy()
    face = SimpleNamespace(box=BOX, masked=kind <= 2)
    if kind <= 2:
        hole[30:50, 20:40] = 1
        result[30:50, 20:40] = 7
    if kind == 1:
        result[79, 99] ^= 1
    return SimpleNamespace(photo=result, hole=hole, faces=(face,) if kind < 4 else ())


def find(photo):
    """See the face only where the block was replaced, and a far-away one on photo 4."""
    if (photo[30:50, 20:40] == 7).all():
        return [(12.0, 8.0, 52.0, 58.0)]
    return [(80.0, 60.0, 95.0, 75.0)] if photo[0, 0, 0] == 4 else []


def test_counts(paths: list[Path], tmp_path: Path) -> None:
    found = evaluate_real(
        unmask, paths, tmp_path / "out", find_faces=find, command="the command", pictures=3
    )
    assert found == {
        "command": "the command",
        "file": "",
        "photos": 5,
        "failed": 0,
        "faces": 4,
        "masked_faces": 3,
        "masked_found": pytest.approx(3 / 5),
        "face_before": pytest.approx(1 / 5),
        "face_after": pytest.approx(4 / 5),
        "masked_before": 0,
        "masked_after": 1,
        "changed": pytest.approx(3 / 5),
        "outside_identical": pytest.approx(4 / 5),
    }
    assert json.loads((tmp_path / "out" / "real.json").read_text()) == found
    text = (tmp_path / "out" / "real.md").read_text()
    assert "the command" in text
    assert "80.0%" in text
    lines = (tmp_path / "out" / "real.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["outside_identical"] for row in rows] == [True, False, True, True, True]
    with Image.open(tmp_path / "out" / "real.png") as sheet:
        assert sheet.width == 4 * 320
        assert sheet.height == 2 * (200 + 18)  # three photos, before and after: six cells


def test_the_sheet_depends_on_the_seed_only(paths: list[Path], tmp_path: Path) -> None:
    sheets = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        evaluate_real(unmask, paths, tmp_path / name, find_faces=find, pictures=2, seed=seed)
        sheets.append((tmp_path / name / "real.png").read_bytes())
    assert sheets[0] == sheets[1]
    assert sheets[0] != sheets[2]


def test_broken_photos_are_counted_not_fatal(paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    found = evaluate_real(
        unmask,
        [*paths, tmp_path / "broken.jpg", tmp_path / "missing.jpg"],
        tmp_path / "out",
        find_faces=find,
    )
    assert (found["photos"], found["failed"]) == (5, 2)


def test_a_photo_that_wants_a_package_is_counted_too(paths, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    both = [*paths, tmp_path / "a.heic"]
    found = evaluate_real(unmask, both, tmp_path / "out", find_faces=find)
    assert (found["photos"], found["failed"]) == (5, 1)
    assert "mask2face[heif]" in (tmp_path / "out" / "real.jsonl").read_text()


def test_no_masked_face_at_all(paths: list[Path], tmp_path: Path) -> None:
    found = evaluate_real(unmask, paths[3:], tmp_path / "out", find_faces=find)
    assert found["masked_after"] is None
    assert "–" in (tmp_path / "out" / "real.md").read_text()


def test_refusals(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no photos"):
        evaluate_real(unmask, [], tmp_path / "out", find_faces=find)
    (tmp_path / "broken.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="none of 1"):
        evaluate_real(unmask, [tmp_path / "broken.jpg"], tmp_path / "out", find_faces=find)
    evaluate_real(unmask, paths[:1], tmp_path / "out", find_faces=find)
    with pytest.raises(OutputError, match="holds a report"):
        evaluate_real(unmask, paths[:1], tmp_path / "out", find_faces=find)
    with pytest.raises(OutputError, match="cannot write"):
        evaluate_real(unmask, paths[:1], paths[0], find_faces=find)


def test_hog_finds_the_astronaut_and_nobody_in_noise() -> None:
    pytest.importorskip("dlib")
    hog = hog_faces()
    photo = data.astronaut()
    boxes = hog(photo)
    assert any(x0 < 226 < x1 and y0 < 122 < y1 for x0, y0, x1, y1 in boxes)
    assert hog(np.zeros((100, 100, 3), np.uint8)) == []


def test_without_dlib(paths: list[Path], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[data\]"):
        evaluate_real(unmask, paths, tmp_path / "out")
