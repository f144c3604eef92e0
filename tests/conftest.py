"""Fixtures that several tests share: a small data set made of one free photo."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

FACE = (226, 122)  # middle of the astronaut's face, px


def varied_astronaut(seed: int, side: int = 250) -> NDArray[np.uint8]:
    """The astronaut's face in a photo like one of LFW, turned, scaled and tinted a little."""
    rng = np.random.default_rng(seed)
    zoom = rng.uniform(0.85, 1.1) * side / 250
    matrix = cv2.getRotationMatrix2D(FACE, rng.uniform(-8, 8), zoom)
    matrix[:, 2] += side / 2 - np.array(FACE) + rng.uniform(-6, 6, 2)
    face = cv2.warpAffine(data.astronaut(), matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < 0.5:
        face = face[:, ::-1]
    return np.clip(face * rng.uniform(0.8, 1.1, 3), 0, 255).astype(np.uint8)


def write_lfw(root: Path, people: int = 4, each: int = 2) -> Path:
    """Write Person_0/Person_0_0001.jpg and so on below `root`."""
    for person in range(people):
        folder = root / f"Person_{person}"
        folder.mkdir(parents=True)
        for number in range(each):
            picture = Image.fromarray(varied_astronaut(person * each + number))
            picture.save(folder / f"Person_{person}_{number + 1:04d}.jpg", quality=95)
    return root


@pytest.fixture
def astronaut_photo() -> Callable[..., NDArray[np.uint8]]:
    return varied_astronaut


@pytest.fixture
def astronaut_lfw() -> Callable[..., Path]:
    return write_lfw


def write_model(path: Path, hole: str = "mouth", side: int = 32) -> Path:
    """Write a model that swaps red and blue, and puts the hole where it is told to.

    Args:
        path: the ONNX file.
        hole: "mouth" covers the lower middle of every crop, "nothing" covers nothing.
        side: of crops.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from mask2face.restorer import CARD_KEY, ModelCard

    area = np.zeros((1, 1, side, side), np.float32)
    if hole == "mouth":
        area[..., side // 2 : side * 7 // 8, side // 4 : side * 3 // 4] = 1
    constants = [
        numpy_helper.from_array(np.array([2, 1, 0, 0], np.int64), "order"),
        numpy_helper.from_array(np.array([1, 1, 1, 0], np.float32)[None, :, None, None], "colours"),
        numpy_helper.from_array(np.concatenate([0 * area, 0 * area, 0 * area, area], 1), "area"),
    ]
    nodes = [
        helper.make_node("Gather", ["crops", "order"], ["swapped"], axis=1),
        helper.make_node("Mul", ["swapped", "colours"], ["coloured"]),
        helper.make_node("Add", ["coloured", "area"], ["restored"]),
    ]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", depth, side, side])
        for name, depth in (("crops", 3), ("restored", 4))
    ]
    graph = helper.make_graph(nodes, "tiny", ports[:1], ports[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    card = ModelCard("tiny", "1", side, "none", 0, 0.0, "MIT", "none", "none", {"hole_psnr": 9.5})
    helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds a face mask on every face, and turns it blue where it was red."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


@pytest.fixture(scope="session")
def bare_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds no face mask."""
    return write_model(tmp_path_factory.mktemp("models") / "bare.onnx", "nothing")


def add_extra(
    source: Path, path: Path, name: str = "noise", size: int = 3, embedder: str = ""
) -> Path:
    """Copy a model; the first number of its new input is added to the green channel.

    Args:
        source: a model with the output "restored".
        path: the file to write.
        name: of the input, (N, `size`).
        size: numbers a crop.
        embedder: of the card.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(source)
    model.graph.node[-1].output[0] = "plain"
    constants = {
        "first": np.array([0], np.int64),
        "planes": np.array([2, 3], np.int64),
        "green": np.array([0, 1, 0, 0], np.float32)[None, :, None, None],
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(value, key) for key, value in constants.items()
    )
    nodes = [
        helper.make_node("Gather", [name, "first"], ["number"], axis=1),
        helper.make_node("Unsqueeze", ["number", "planes"], ["pixel"]),
        helper.make_node("Mul", ["pixel", "green"], ["tint"]),
        helper.make_node("Add", ["plain", "tint"], ["restored"]),
    ]
    model.graph.node.extend(nodes)
    model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]))
    (card,) = model.metadata_props
    card.value = json.dumps(json.loads(card.value) | {"embedder": embedder})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def with_extra() -> Callable[..., Path]:
    """Give a model a second input: `add_extra`."""
    return add_extra


def write_crop_cache(folder: Path, train: int = 6, validation: int = 3, side: int = 112) -> Path:
    """A crop cache of skin-coloured noise with the landmarks of the mean face."""
    from mask2face.clean import MARGIN
    from mask2face.crops import FORMAT
    from mask2face.faces import Face
    from mask2face.mean_face import guess

    inner, size = side / MARGIN, train + validation
    five = np.array([(365, 370), (635, 370), (500, 520), (400, 655), (600, 655)]) / 1000
    five = (five * inner + (side - inner) / 2).astype(np.float32)
    points = guess(Face((0.0, 0.0, float(side), float(side)), five))
    rng = np.random.default_rng(0)
    coarse = rng.normal((190, 140, 110), 40, (size, 7, 7, 3)).clip(0, 255).astype(np.uint8)
    crops = np.stack([cv2.resize(crop, (side, side)) for crop in coarse])
    splits = ["train"] * train + ["validation"] * validation
    rows = [
        {"photo": f"{index}.jpg", "identity": str(index), "dataset": "noise", "split": split}
        for index, split in enumerate(splits)
    ]
    folder.mkdir(parents=True)
    np.save(folder / "crops.npy", crops)
    np.save(folder / "landmarks.npy", np.stack([points] * size))
    np.save(folder / "eyes.npy", np.stack([five[:2]] * size))
    np.save(folder / "heights.npy", np.full(size, 0.8 * inner, np.float32))
    for name, lines in (("crops", rows), ("refused", [])):
        text = "".join(json.dumps(row) + "\n" for row in lines)
        (folder / f"{name}.jsonl").write_text(text)
    counts = {"train": train, "validation": validation, "test": 0}
    meta = {"format": FORMAT, "margin": MARGIN, "side": side, "seed": 0, "counts": counts}
    (folder / "meta.json").write_text(json.dumps(meta | {"photos": {"noise": size}}))
    return folder


@pytest.fixture(scope="session")
def crop_cache() -> Callable[..., Path]:
    return write_crop_cache
