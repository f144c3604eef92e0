import json
from functools import partial

import numpy as np
import pytest

from mask2face import packing
from mask2face.crops import CropCache
from mask2face.errors import DataError, OutputError, UnknownNameError
from mask2face.packing import pack as pack_cache
from mask2face.packing import read_index

SIDE = 48
SHARD = 9000  # bytes: a few shards
pack = partial(pack_cache, workers=0, shard=SHARD)


def make_cache(folder, count=24):
    """Write a cache of smooth pictures, which WebP keeps well; every fourth is for the test."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    slopes = rng.uniform(-1, 1, (count, 3, 2))
    planes = slopes[..., 0, None, None] * x + slopes[..., 1, None, None] * y
    noise = rng.normal(0, 6, (count, SIDE, SIDE, 3))
    crops = np.clip(128 + 80 * np.moveaxis(planes, 1, 3) + noise, 0, 255).astype(np.uint8)
    np.save(folder / "crops.npy", crops)
    for key, shape in (("landmarks", (68, 2)), ("eyes", (2, 2)), ("heights", ())):
        np.save(folder / f"{key}.npy", rng.uniform(5, 40, (count, *shape)).astype(np.float32))
    names = ["test" if number % 4 == 0 else "train" for number in range(count)]
    rows = [
        {"photo": f"p{number}.jpg", "identity": f"p{number}", "dataset": "folder", "split": name}
        for number, name in enumerate(names)
    ]
    (folder / "crops.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    refused = {"photo": "no.jpg", "identity": "n", "dataset": "folder", "reason": "no face"}
    (folder / "refused.jsonl").write_text(json.dumps(refused) + "\n")
    meta = {"format": "mask2face crops 1", "side": SIDE, "margin": 1.4, "seed": 3}
    meta |= {"counts": {"train": 18, "validation": 0, "test": 6}, "photos": {"folder": count + 1}}
    (folder / "meta.json").write_text(json.dumps(meta))
    return CropCache.open(folder)


@pytest.fixture
def cache(tmp_path):
    return make_cache(tmp_path / "cache")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_index_names_every_file(cache, tmp_path):
    index = pack(cache.folder, tmp_path / "packed")
    assert read_index(tmp_path / "packed") == json.loads(json.dumps(index))
    found = contents(tmp_path / "packed")
    assert set(found) == {"index.json", *index["files"]}
    for name, entry in index["files"].items():
        assert entry["bytes"] == len(found[name])
        assert entry["sha256"] == packing.digest(found[name])
    shards = [entry for entry in index["files"].values() if "crops" in entry]
    assert len(shards) > 2
    assert max(entry["bytes"] for entry in shards) <= SHARD
    assert [entry["first"] for entry in shards] == np.cumsum(
        [0, *(entry["crops"] for entry in shards[:-1])]
    ).tolist()
    assert sum(entry["crops"] for entry in shards) == 24 == index["crops"]
    assert index["meta"]["packed"] == {
        "codec": "webp",
        "quality": 90,
        "side": SIDE,
        "splits": ["train", "validation", "test"],
    }


def test_lower_quality_is_smaller(cache, tmp_path):
    total = {
        quality: sum(
            entry["bytes"]
            for entry in pack(cache.folder, tmp_path / str(quality), quality=quality)[
                "files"
            ].values()
        )
        for quality in (40, 90)
    }
    assert total[40] < total[90]


def test_a_packing_that_was_stopped_goes_on_to_the_same_bytes(cache, tmp_path, monkeypatch):
    pack(cache.folder, tmp_path / "whole")
    encode, seen = packing._Encoder.__call__, []

    def stops(self, index):
        seen.append(index)
        if len(seen) == 15:
            raise KeyboardInterrupt
        return encode(self, index)

    monkeypatch.setattr(packing._Encoder, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        pack(cache.folder, tmp_path / "packed")
    with pytest.raises(DataError, match=r"of 24 crops.*again"):
        read_index(tmp_path / "packed")
    (tmp_path / "packed" / "crops-002.npz").write_bytes(b"half")  # killed before the index
    again = len(seen)
    pack(cache.folder, tmp_path / "packed")
    assert contents(tmp_path / "packed") == contents(tmp_path / "whole")
    assert min(seen[again:]) > 0, "what was packed is not packed again"
    again = len(seen)
    pack(cache.folder, tmp_path / "packed")
    assert len(seen) == again


def test_workers_give_the_same_bytes(cache, tmp_path):
    pack(cache.folder, tmp_path / "none")
    pack(cache.folder, tmp_path / "one", workers=1)
    assert contents(tmp_path / "one") == contents(tmp_path / "none")


def test_something_else_is_never_overwritten(cache, tmp_path):
    pack(cache.folder, tmp_path / "packed")
    before = contents(tmp_path / "packed")
    with pytest.raises(OutputError, match="another folder"):
        pack(cache.folder, tmp_path / "packed", quality=80)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("dear")
    for place in ("mine", "file"):
        with pytest.raises(OutputError, match="another folder"):
            pack(cache.folder, tmp_path / place)
    assert (tmp_path / "file").read_text() == "dear"
    np.save(cache.folder / "eyes.npy", cache.eyes + 1)
    with pytest.raises(OutputError, match="another crop cache"):
        pack(cache.folder, tmp_path / "packed")
    assert contents(tmp_path / "packed") == before


def test_bad_settings_are_refused(cache, tmp_path):
    for bad in ({"quality": 0}, {"quality": 101}, {"side": SIDE + 1}, {"side": 4}, {"shard": 9}):
        with pytest.raises(ValueError, match="expected quality"):
            pack(cache.folder, tmp_path / "packed", **bad)
    with pytest.raises(UnknownNameError, match="train"):
        pack(cache.folder, tmp_path / "packed", splits=["trian"])
    with pytest.raises(DataError, match="no crops in validation"):
        pack(cache.folder, tmp_path / "packed", splits=["validation"])
    assert not (tmp_path / "packed").exists()


def test_what_is_no_index_is_refused(cache, tmp_path):
    with pytest.raises(DataError, match="dataset pack"):
        read_index(tmp_path)
    pack(cache.folder, tmp_path / "packed")
    path = tmp_path / "packed" / "index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({**index, "format": "mask2face packed crops 2"}))
    with pytest.raises(DataError, match="as this version does"):
        read_index(tmp_path / "packed")
    path.write_text(json.dumps({"format": packing.FORMAT}))
    with pytest.raises(DataError, match="broken"):
        read_index(tmp_path / "packed")
