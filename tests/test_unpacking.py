import importlib.util
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mask2face.cli import app
from mask2face.crops import CropCache
from mask2face.errors import DataError, OutputError
from mask2face.metrics import psnr
from mask2face.packing import digest, read_index
from mask2face.packing import pack as pack_cache
from mask2face.unpacking import unpack as unpack_cache

_spec = importlib.util.spec_from_file_location(
    "test_packing_made", Path(__file__).with_name("test_packing.py")
)
_made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_made)
make_cache, SIDE = _made.make_cache, _made.SIDE
unpack = partial(unpack_cache, workers=0)


@pytest.fixture
def cache(tmp_path):
    return make_cache(tmp_path / "cache")


@pytest.fixture
def packed(cache, tmp_path):
    pack_cache(cache.folder, tmp_path / "packed", shard=9000, workers=0)
    return tmp_path / "packed"


def run(*arguments):
    return CliRunner().invoke(app, ["dataset", *map(str, arguments), "--workers", "0"])


def test_the_cache_comes_back(cache, packed, tmp_path):
    assert unpack(packed, tmp_path / "back") == ()
    back = CropCache.open(tmp_path / "back")
    assert back.rows == cache.rows
    assert back.refused() == cache.refused()
    for key in ("landmarks", "eyes", "heights"):
        assert np.array_equal(getattr(back, key), getattr(cache, key))
    near = [psnr(one, two) for one, two in zip(back.crops, cache.crops, strict=True)]
    assert min(near) > 30
    how = {"codec": "webp", "quality": 90, "side": SIDE, "splits": ["train", "validation", "test"]}
    assert back.meta == cache.meta | {"packed": how}
    assert {path.name for path in back.folder.iterdir()} == {
        path.name for path in cache.folder.iterdir()
    }
    assert not list(tmp_path.glob(".*"))


def test_fewer_splits_and_smaller_crops(cache, tmp_path):
    pack_cache(cache.folder, tmp_path / "packed", side=24, splits=["train"], workers=0)
    assert unpack(tmp_path / "packed", tmp_path / "back", workers=1) == ()
    back = CropCache.open(tmp_path / "back")
    assert back.crops.shape == (18, 24, 24, 3)
    assert back.meta["counts"] == {"train": 18, "validation": 0, "test": 0}
    assert back.meta["packed"]["side"] == SIDE
    kept = cache.indices("train")
    assert [row["photo"] for row in back.rows] == [cache.rows[index]["photo"] for index in kept]
    # the middle of a crop stays its middle, whatever its size
    assert np.allclose((back.eyes + 0.5) / 24, (cache.eyes[kept] + 0.5) / SIDE)
    assert np.allclose(back.heights * 2, cache.heights[kept])
    small = cache.crops[kept].reshape(18, 24, 2, 24, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - back.crops).mean() < 6


def test_files_may_come_in_batches(packed, tmp_path):
    names = list(read_index(packed)["files"])
    unpack(packed, tmp_path / "whole")
    batches = [names[2:4], names[:1], [], names[4:], names[1:2]]
    came = set()
    for batch in batches:
        shutil.rmtree(tmp_path / "some", ignore_errors=True)
        (tmp_path / "some").mkdir()
        for name in ("index.json", *batch):
            shutil.copy(packed / name, tmp_path / "some" / name)
        missing = unpack(tmp_path / "some", tmp_path / "back")
        came |= set(batch)
        assert missing == tuple(name for name in names if name not in came)
        assert (tmp_path / "back").exists() == (not missing)
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "back" / path.name).read_bytes() == path.read_bytes()


def test_a_file_that_is_not_the_indexs_is_refused(packed, tmp_path):
    shard = packed / "crops-001.npz"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DataError, match=r"crops-001\.npz.*copy it again"):
        unpack(packed, tmp_path / "back")
    shard.write_bytes(data[:-9])
    with pytest.raises(DataError, match="copy it again"):
        unpack(packed, tmp_path / "back")
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert unpack(packed, tmp_path / "back") == ()


def test_pictures_that_are_none_are_refused(packed, tmp_path):
    path = packed / "crops-000.npz"
    index = json.loads((packed / "index.json").read_text())
    for data, reason in (
        (np.zeros(50, np.uint8), "cannot be decoded"),
        (np.zeros(0, np.uint8), "cannot be decoded"),
        (None, "not packed as expected"),
    ):
        with path.open("wb") as file:
            if data is None:
                file.write(b"PK no archive")
            else:
                crops = index["files"][path.name]["crops"]
                np.savez(file, sizes=np.full(crops, 20), data=data)
        entry = index["files"][path.name]
        entry |= {"sha256": digest(path.read_bytes()), "bytes": path.stat().st_size}
        (packed / "index.json").write_text(json.dumps(index))
        with pytest.raises(DataError, match=reason):
            unpack(
                packed, tmp_path / f"back {reason} {data is None}{0 if data is None else len(data)}"
            )


def test_nothing_is_overwritten_or_mixed(cache, packed, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputError, match="exists"):
        unpack(packed, tmp_path / "there")
    (packed / "points.npz").rename(tmp_path / "later.npz")
    assert unpack(packed, tmp_path / "back") == ("points.npz",)
    pack_cache(cache.folder, tmp_path / "other", quality=50, workers=0)
    with pytest.raises(OutputError, match="another packing"):
        unpack(tmp_path / "other", tmp_path / "back")
    (tmp_path / "later.npz").rename(packed / "points.npz")
    assert unpack(packed, tmp_path / "back") == ()


def test_the_commands(cache, tmp_path):
    packed = tmp_path / "packed"
    small = ["--quality", 80, "--shard-mb", 0.01, "--side", 32, "--split", "train"]
    done = run("pack", cache.folder, packed, *small)
    assert done.exit_code == 0, done.output
    files = len(read_index(packed)["files"])
    assert done.stdout.startswith(f"{packed}  18 crops, {files} files, 0.0 MiB")
    (packed / "crops-000.npz").rename(tmp_path / "late")
    done = run("unpack", packed, tmp_path / "back")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith("bring and unpack: crops-000.npz")
    (tmp_path / "late").rename(packed / "crops-000.npz")
    done = run("unpack", packed, tmp_path / "back")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'back'}  18 crops\n"
    done = run("pack", cache.folder, tmp_path / "more", "--side", 64)
    assert done.exit_code == 2
    assert "at most that" in done.stderr
    assert not (tmp_path / "more").exists()
    done = run("unpack", tmp_path / "nothing", tmp_path / "other")
    assert done.exit_code == 1
    assert "dataset pack" in done.stderr


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/tmp/evil.txt", "sub/evil.txt", "..\\evil.txt", "..", "."]
)
def test_a_file_outside_the_folder_is_refused(packed, tmp_path, name):
    index = json.loads((packed / "index.json").read_text())
    data = b"evil"
    index["files"][name] = {"bytes": len(data), "sha256": digest(data)}
    (packed / "index.json").write_text(json.dumps(index))
    (tmp_path / "evil.txt").write_bytes(data)  # what ../evil.txt names
    with pytest.raises(DataError, match="no plain file name"):
        unpack(packed, tmp_path / "sub" / "back")
    assert not (tmp_path / "sub").exists()
