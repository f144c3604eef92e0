import importlib.util
import subprocess
import sys

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, save

from mask2face import face_embedding
from mask2face.errors import MissingExtraError, ModelError, UnknownNameError
from mask2face.face_embedding import FaceEmbedder, chip, recognition_net
from mask2face.faces import EYE_DISTANCE, EYES_X, EYES_Y, align, cut

DLIB = importlib.util.find_spec("dlib") is not None
EYES = [(203.3, 101.5), (246.8, 103.8)]  # of the astronaut, px of the photo
# of the astronaut's crop, by dlib
POINTS = (
    "27,50 29,59 30,68 31,77 34,87 39,94 46,100 54,106 63,107 73,106 81,101 89,94 "
    "94,86 97,78 98,68 100,59 101,50 33,41 38,37 44,36 51,37 56,39 72,40 78,37 85,36 "
    "91,37 95,42 65,48 64,54 65,60 65,67 57,70 60,72 64,72 69,71 72,70 40,47 44,45 "
    "49,44 54,49 49,49 44,49 74,49 79,44 84,45 88,47 84,50 79,49 46,77 53,77 60,76 "
    "65,78 69,77 76,76 82,77 76,85 69,89 64,90 59,89 52,86 48,78 60,80 65,80 69,80 "
    "80,78 69,85 64,85 60,84"
)


def crop_of(photo, eyes, side=128):
    return cut(photo, align(np.array(eyes, float), 1.0, side), side)


@pytest.fixture(scope="module")
def face():
    from skimage import data

    return crop_of(data.astronaut(), EYES)


def facenet(path, shape=("N", 3, 8, 8), operator="GlobalAveragePool", extra=(), outputs=1):
    """Write a net whose vector is the mean of each channel, or what `operator` gives."""
    axes = {} if operator != "ReduceMean" else {"axes": [1, 2], "keepdims": 0}
    nodes = [helper.make_node(operator, ["x"], [f"y{number}"], **axes) for number in range(outputs)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in extra]
    found = [
        helper.make_tensor_value_info(f"y{number}", TensorProto.FLOAT, None)
        for number in range(outputs)
    ]
    graph = helper.make_graph(nodes, "facenet", inputs, found)
    versions = [helper.make_opsetid("", 13)]
    save(helper.make_model(graph, opset_imports=versions, ir_version=8), path)
    return path


def unit(values):
    values = (np.array(values, np.float32) - 127.5) / 128
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


COLOURS = [(255, 0, 128), (10, 200, 60), (0, 0, 255)]
FLAT = np.stack([np.full((20, 20, 3), colour, np.uint8) for colour in COLOURS])


@pytest.mark.parametrize(
    ("shape", "operator"),
    [
        (("N", 3, 8, 8), "GlobalAveragePool"),  # gives (N, 3, 1, 1), which is flattened
        (("N", 3, "H", "W"), "GlobalAveragePool"),
        ((1, 3, 8, 8), "GlobalAveragePool"),  # one face at a time
        (("N", 8, 8, 3), "ReduceMean"),
        ((None, None, None, 3), "ReduceMean"),
    ],
)
def test_a_facenet_of_either_layout(tmp_path, shape, operator):
    embedder = FaceEmbedder.find(facenet(tmp_path / "net.onnx", shape, operator), threads=1)
    assert (embedder.name, embedder.size) == ("net.onnx", 3)
    found = embedder(FLAT)
    assert found.dtype == np.float32
    assert np.allclose(found, unit(COLOURS), atol=1e-6)
    assert embedder(FLAT[:0]).shape == (0, 3)


def test_the_size_of_the_picture_is_the_files_or_160(tmp_path):
    for shape, side in ((("N", 3, 8, 6), (8, 6)), (("N", 3, "H", "W"), (160, 160))):
        embedder = FaceEmbedder.find(facenet(tmp_path / "n.onnx", shape, "Identity"), threads=1)
        assert embedder.size == 3 * side[0] * side[1]


def test_what_a_facenet_sees(tmp_path, face):
    """The whole crop, R before G before B, averaged down: OpenCV says what that is."""
    path = facenet(tmp_path / "same.onnx", ("N", 3, 16, 16), "Identity")
    (found,) = FaceEmbedder.find(path, threads=1)(face[None])
    seen = cv2.resize(face, (16, 16), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    assert np.allclose(found, unit(seen.ravel()), atol=1e-6)


def test_more_faces_than_a_run_takes(tmp_path):
    many = np.random.default_rng(0).integers(0, 256, (19, 8, 8, 3), np.uint8)
    embedder = FaceEmbedder.find(facenet(tmp_path / "net.onnx"), threads=1)
    one_by_one = np.concatenate([embedder(crop[None]) for crop in many])
    assert np.allclose(embedder(many), one_by_one, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shape": ("N", 4, 8, 8)}, "expected \\(N, 3, H, W\\)"),
        ({"shape": ("N", 3)}, "expected \\(N, 3, H, W\\)"),
        ({"shape": (7, 3, 8, 8)}, "7 faces at a time"),
        ({"extra": ("phase",)}, "'phase'"),
        ({"outputs": 2}, "2 outputs"),
        ({"operator": "Log"}, "not finite"),
        ({"operator": "Shape"}, "its output is|cannot be opened"),  # no vector a face
    ],
)
def test_what_is_no_facenet_is_refused(tmp_path, settings, words):
    with pytest.raises(ModelError, match=words):
        FaceEmbedder.find(facenet(tmp_path / "net.onnx", **settings), threads=1)


def test_a_missing_and_a_broken_file(tmp_path):
    with pytest.raises(ModelError, match="is not a file"):
        FaceEmbedder.find(tmp_path / "nowhere.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be opened"):
        FaceEmbedder.find(tmp_path / "broken.onnx")


def test_an_unknown_embedder_names_what_there_is():
    for name in ("facenet", "net.pt", ""):
        with pytest.raises(UnknownNameError, match=r"choose dlib, or a FaceNet's file \.onnx"):
            FaceEmbedder.find(name)


@pytest.mark.parametrize(
    "crops",
    [np.zeros((1, 8, 8, 3), np.float32), FLAT[0], FLAT[..., :2], FLAT[:, :5], FLAT[:, :0, :0]],
)
def test_crops_of_another_kind_are_refused(tmp_path, crops):
    embedder = FaceEmbedder("mean", lambda crops: crops.mean((1, 2)).astype(np.float32))
    with pytest.raises(ValueError, match="expected uint8"):
        embedder(crops)


def test_the_chip_is_where_dlib_cuts_its_own():
    """On the mean face, for which dlib itself says where it would cut."""
    dlib = pytest.importorskip("dlib")
    from mask2face.mean_face import _MEAN

    points = [dlib.point(round(float(x)), round(float(y))) for x, y in _MEAN]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 999, 999), points)
    wanted = dlib.get_face_chip_details(shape, 150, 0.25).rect
    side = face_embedding._CHIP_SIDE * 1000
    assert abs(wanted.width() - side) < 35, "the mean of the points is not the median of the chips"
    x, y = (1000 * centre for centre in face_embedding._CHIP_CENTRE)
    assert abs(wanted.center().x - x) < 8
    assert abs(wanted.center().y - y) < 15


def test_the_chip_shows_the_same_at_every_size(face):
    from skimage import data

    large = crop_of(data.astronaut(), EYES, 512)
    assert chip(face).shape == chip(large).shape == (150, 150, 3)
    assert np.abs(chip(face).astype(float) - chip(large)).mean() < 4
    # a dot between the eyes lands where the numbers say
    dot = np.zeros((100, 100, 3), np.uint8)
    dot[36:39, 49:52] = 255  # middle (50, 37)
    y, x = (np.average(range(150), weights=chip(dot)[..., 0].sum(axis)) for axis in (1, 0))
    zoom = 150 / 74.4
    assert (x, y) == pytest.approx((74.5, 74.5 + zoom * (37 - 51.1)), abs=0.2)
    assert (EYES_X, EYES_Y, EYE_DISTANCE) == (0.5, 0.37, 0.27), "the chip was measured for these"


@pytest.mark.skipif(not DLIB, reason="dlib is not installed")
def test_dlib_from_the_crop_alone_agrees_with_dlib_by_landmarks(face):
    from mask2face.evaluation.descriptors import FaceDescriptor

    embedder = FaceEmbedder.find("dlib")
    assert (embedder.name, embedder.size) == ("dlib", 128)
    points = np.array([pair.split(",") for pair in POINTS.split()], np.float32)
    wanted = FaceDescriptor()(face, points)
    found = embedder(np.stack([face, face[:, ::-1], np.full_like(face, 128)]))
    assert found.dtype == np.float32
    assert found.shape == (3, 128)
    assert np.linalg.norm(found[0] - wanted) < 0.3
    assert np.linalg.norm(found[1] - wanted) < 0.6, "the mirrored face is the same person"
    assert np.linalg.norm(found[2] - wanted) > 0.6, "grey is nobody"
    assert 1 < np.linalg.norm(found[0]) < 2, "left as long as dlib makes them"


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(face_embedding.importlib.util, "find_spec", lambda _name: None)
    if DLIB:
        with pytest.raises(MissingExtraError, match="face_recognition_models"):
            recognition_net()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[data\]"):
        FaceEmbedder.find("dlib")


@pytest.mark.skipif(not DLIB, reason="dlib is not installed")
def test_a_broken_dlib_file(monkeypatch, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / face_embedding._FILE).write_bytes(b"broken")

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(face_embedding.importlib.util, "find_spec", lambda _name: Spec)
    with pytest.raises(ModelError, match="force-reinstall face_recognition_models"):
        FaceEmbedder.find("dlib")


def test_importing_loads_nothing_heavy():
    code = (
        "import mask2face.face_embedding, sys; print({'torch', 'dlib', 'onnx'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
