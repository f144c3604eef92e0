import json

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from mask2face import pair_embeddings
from mask2face.errors import DataError, MissingExtraError, ModelError, OutputError
from mask2face.face_embedding import FaceEmbedder
from mask2face.pair_embeddings import embed, read
from mask2face.pairs import Pair, PairFolder, PairWriter

SIDE, PAIRS = 16, 11
ROWS = [("train", "validation", "train", "test")[number % 4] for number in range(PAIRS)]


def write(folder, splits=ROWS):
    writer = PairWriter(folder, SIDE, {})
    rng = np.random.default_rng(len(splits))
    for number, split in enumerate(splits):
        pictures = rng.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
        hole = np.zeros((SIDE, SIDE), np.float32)
        pair = Pair(pictures[0], pictures[1], hole, "n95", {}, np.zeros((68, 2), np.float32))
        writer.write(f"{number:03d}", pair, identity=f"p{number}", dataset="d", split=split)
    return writer.finish()


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "pairs").folder


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """A FaceNet that gives the picture itself at 4 x 4."""
    path = tmp_path_factory.mktemp("nets") / "small.onnx"
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", ("N", 4, 4, 3)), ("y", None))
    ]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "facenet", ports[:1], ports[1:])
    versions = [helper.make_opsetid("", 13)]
    save(helper.make_model(graph, opset_imports=versions, ir_version=8), path)
    return path


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_every_row_has_its_input_and_the_mirror_image(folder, net):
    made = embed(folder, net)
    assert made.vectors.shape == (PAIRS, 2, 48)
    assert made.vectors.dtype == np.float32
    pairs = PairFolder.open(folder)
    embedder = FaceEmbedder.find(net, threads=1)
    for index, row in enumerate(pairs.rows):
        crop = pairs.picture("inputs", row)
        assert np.allclose(made.vectors[index], embedder(np.stack([crop, crop[:, ::-1]])))
    pictures = made.vectors.reshape(PAIRS, 2, 4, 4, 3)
    assert np.allclose(pictures[:, 0], pictures[:, 1, :, ::-1], atol=1e-6)


def test_what_is_written_is_read(folder, net):
    assert read(folder) is None
    before = names(folder)
    made, found = embed(folder, net), read(folder)
    assert found.embedder == made.embedder == "small.onnx"
    assert np.array_equal(found.vectors, made.vectors)
    assert names(folder) - before == {"faces.npy", "faces.json"}
    facts = json.loads((folder / "faces.json").read_text())
    assert (facts["embedder"], facts["size"], facts["pairs"]) == ("small.onnx", 48, PAIRS)
    assert np.array_equal(np.load(folder / "faces.npy"), made.vectors)
    assert PairFolder.open(folder).rows, "still a pair folder"


def test_processes_make_the_same_files(folder, net):
    content = []
    for workers in (0, 2):
        embed(folder, net, workers, overwrite=True)
        content.append([(folder / name).read_bytes() for name in ("faces.npy", "faces.json")])
    assert content[0] == content[1]


def test_nothing_is_replaced_unasked(folder, net, tmp_path):
    embed(folder, net)
    before = (folder / "faces.npy").read_bytes()
    other = tmp_path / "other.onnx"
    other.write_bytes(net.read_bytes())
    with pytest.raises(OutputError, match="--overwrite"):
        embed(folder, other)
    assert read(folder).embedder == "small.onnx"
    assert (folder / "faces.npy").read_bytes() == before
    embed(folder, other, overwrite=True)
    assert read(folder).embedder == "other.onnx"


def test_a_run_that_fails_leaves_what_was_there(folder, net):
    row = PairFolder.open(folder).rows[-1]
    made, before = embed(folder, net), names(folder)
    (folder / "inputs" / f"{row.name}.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="missing or broken"):
        embed(folder, net, overwrite=True)
    assert np.array_equal(read(folder).vectors, made.vectors)
    assert names(folder) == before


def test_a_run_killed_between_the_files_leaves_none(folder, net, monkeypatch):
    embed(folder, net)
    whole = pair_embeddings.files.write

    def dies(data, path, *, overwrite=False):
        if path.name == "faces.json":
            raise KeyboardInterrupt
        whole(data, path, overwrite=overwrite)

    monkeypatch.setattr(pair_embeddings.files, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        embed(folder, net, overwrite=True)
    monkeypatch.undo()
    assert read(folder) is None
    embed(folder, net)  # not refused
    assert read(folder) is not None


def test_changed_pairs_make_them_stale(folder, net):
    embed(folder, net)
    lines = (folder / "pairs.jsonl").read_text().splitlines(keepends=True)
    for changed in (lines[:-1], [lines[1], lines[0], *lines[2:]]):
        (folder / "pairs.jsonl").write_text("".join(changed))
        with pytest.raises(DataError, match=r"have changed .* dataset embed .* --overwrite"):
            read(folder)
    (folder / "pairs.jsonl").write_text("".join(lines))
    assert read(folder) is not None


def broken_json(folder):
    (folder / "faces.json").write_text("{")


def no_dict(folder):
    (folder / "faces.json").write_text("[]")


def other_version(folder):
    facts = json.loads((folder / "faces.json").read_text())
    (folder / "faces.json").write_text(json.dumps(facts | {"format": "mask2face faces 0"}))


def lost_array(folder):
    (folder / "faces.npy").unlink()


def cut_array(folder):
    (folder / "faces.npy").write_bytes((folder / "faces.npy").read_bytes()[:-5])


def empty_array(folder):
    (folder / "faces.npy").write_bytes(b"")


def other_array(folder):
    np.save(folder / "faces.npy", np.zeros((PAIRS, 2, 47), np.float32))


def other_type(folder):
    np.save(folder / "faces.npy", np.zeros((PAIRS, 2, 48), np.float64))


@pytest.mark.parametrize(
    "harm",
    [
        *(broken_json, no_dict, other_version, lost_array),
        *(cut_array, empty_array, other_array, other_type),
    ],
)
def test_broken_embeddings_name_the_fix(folder, net, harm):
    embed(folder, net)
    harm(folder)
    with pytest.raises(DataError, match=r"mask2face dataset embed .* --overwrite"):
        read(folder)
    embed(folder, net, overwrite=True)
    assert read(folder).vectors.shape == (PAIRS, 2, 48)


def test_bad_input(folder, net, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="does not exist"):
        embed(tmp_path / "nowhere", net)
    with pytest.raises(ModelError, match="is not a file"):
        embed(folder, tmp_path / "nowhere.onnx", workers=1)
    assert read(tmp_path / "nowhere") is None
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(MissingExtraError, match="dlib"):
        embed(folder, "dlib")
    assert "faces.json" not in names(folder)


def test_progress_is_on_stderr(folder, net, capsys):
    embed(folder, net)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pairs embedded: {PAIRS}/{PAIRS}")
