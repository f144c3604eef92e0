"""Photos of data sets behind URLs: in the order of the local engine, so the caches are the same."""

from pathlib import Path

import pytest

pytest.importorskip("fsspec")

from mask2face.cli import dataset, ray_crops
from mask2face.datasets.folder import photos


@pytest.fixture
def faces(tmp_path):
    for name in ("a/x.jpg", "a-1/x.jpg", "top.jpg"):
        (tmp_path / "faces" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "faces" / name).touch()
    return tmp_path


def test_records_are_those_of_the_folder(faces):
    found = ray_crops.records_behind("folder", f"dir://faces::file://{faces}")
    wanted = photos(faces / "faces")
    assert [(one.name, one.identity) for one in found] == [
        (one.name, one.identity) for one in wanted
    ]


def test_data_sets_come_in_the_order_they_were_named(faces, astronaut_lfw, monkeypatch):
    astronaut_lfw(faces / "lfw", people=2, each=1)
    seen = []
    monkeypatch.setattr(ray_crops, "build_on_ray", lambda records, *_, **__: seen.append(records))
    lfw, folder = ("lfw", str(faces / "lfw")), ("folder", f"dir://faces::file://{faces}")
    here = [("lfw", Path(lfw[1])), ("folder", faces / "faces")]
    for sources in ([lfw, folder], [lfw, ("folder", str(faces / "faces"))]):
        dataset._built_on_ray(sources, "out", None, {})
    names = [(one.dataset, one.name) for one in dataset.records_of(here)]
    assert [[(one.dataset, one.name) for one in records] for records in seen] == [names] * 2
