"""The public names, as other programs write them."""

import subprocess
import sys

import numpy as np
import pytest
from skimage import data

import mask2face

NAMES = {
    "Configuration",
    "DataGenerator",
    "Mask2FaceError",
    "Mask2FaceModel",
    "UNet",
    "Unmasker",
    "__version__",
    "mask",
    "unmask",
}


def test_the_names_are_what_they_were_promised_to_be():
    assert set(mask2face.__all__) == NAMES
    assert set(dir(mask2face)) >= NAMES


@pytest.mark.parametrize("name", sorted(NAMES - {"UNet", "Mask2FaceModel"}))
def test_every_name_is_there(name):
    assert getattr(mask2face, name) is getattr(mask2face, name)


def test_the_articles_classes():
    pytest.importorskip("torch")
    assert mask2face.UNet.RESNET
    assert callable(mask2face.Mask2FaceModel.build_model)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'unmsk'"):
        mask2face.unmsk  # noqa: B018


def test_errors_share_one_root():
    with pytest.raises(mask2face.Mask2FaceError):
        mask2face.unmask(b"junk", model="nowhere.onnx")


def test_a_photo_through_the_public_functions(tiny_model):
    photo = data.astronaut()
    out = mask2face.unmask(photo, model=tiny_model, device="cpu")
    assert out.shape == photo.shape
    assert not np.array_equal(out, photo)
    result = mask2face.Unmasker(model=tiny_model, device="cpu")(photo)
    np.testing.assert_array_equal(result.photo, out)
    assert result.hole.shape == photo.shape[:2]
    (face,) = result.faces
    assert len(face.box) == 4
    assert face.landmarks.shape == (5, 2)
    assert 0 < face.score <= 1
    assert face.masked is True
    assert 0 < face.hole_fraction < 1


def test_drawing_a_face_mask_through_the_public_function():
    pytest.importorskip("dlib")
    drawn = mask2face.mask(data.astronaut(), style="surgical", seed=0)
    assert drawn.photo.shape == (512, 512, 3)
    assert drawn.hole.max() > 0.99


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "mask2face.model", raising=False)
    monkeypatch.delitem(vars(mask2face), "UNet", raising=False)
    monkeypatch.setitem(sys.modules, "mask2face.model", None)
    with pytest.raises(ModuleNotFoundError):
        mask2face.UNet  # noqa: B018 - a module of ours is no extra
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import mask2face\n"
        "try: mask2face.UNet\n"
        "except mask2face.Mask2FaceError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'mask2face[train]'" in run.stdout


def test_a_missing_library_of_the_system_is_named(monkeypatch):
    def broken(_name):
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(mask2face, "import_module", broken)
    monkeypatch.delitem(vars(mask2face), "unmask", raising=False)
    with pytest.raises(mask2face.Mask2FaceError, match="apt-get install libgl1"):
        mask2face.unmask  # noqa: B018
