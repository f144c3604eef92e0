import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import DeviceError, UnknownNameError
from mask2face.torch_devices import (
    check_compiler,
    pick_bf16,
    pick_device,
    place,
    to_pictures,
    to_tensor,
)

CPU = torch.device("cpu")


def test_devices_by_name(monkeypatch):
    assert pick_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == CPU
    with pytest.raises(DeviceError, match="install a CUDA build of torch, or use --device cpu"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == pick_device("cuda").type == "cuda"
    with pytest.raises(UnknownNameError, match="did you mean 'cuda'"):
        pick_device("cude")


def test_precision_by_name():
    assert pick_bf16("bf16", CPU)
    assert not pick_bf16("fp32", torch.device("cuda"))
    assert pick_bf16("auto", CPU) in (True, False)
    with pytest.raises(UnknownNameError, match="fp32"):
        pick_bf16("fp16", CPU)


@pytest.mark.parametrize("fast", [True, False])
def test_bf16_is_chosen_where_the_device_has_units_for_it(monkeypatch, fast):
    def supported(including_emulation=True):
        return fast or including_emulation  # as an older device says

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert pick_bf16("auto", torch.device("cuda")) is fast
    assert pick_bf16("bf16", torch.device("cuda"))


def test_pictures_go_to_a_tensor_and_back():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), np.uint8)
    tensor = to_tensor(pictures, CPU)
    assert tensor.shape == (2, 3, 5, 7)
    assert tensor.dtype == torch.float32
    assert float(tensor[1, 2, 3, 4]) == pytest.approx(pictures[1, 3, 4, 2] / 255)
    assert np.array_equal(to_pictures(tensor), pictures)
    assert to_pictures(torch.tensor([[[[-0.5]], [[2.0]], [[0.5]]]])).tolist() == [[[[0, 255, 128]]]]


def test_a_net_is_placed_with_its_channels_last():
    net = nn.Conv2d(4, 4, 3)
    assert place(net, CPU) is net
    assert net.weight.is_contiguous(memory_format=torch.channels_last)


def test_a_missing_compiler_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DeviceError, match=r"C\+\+ compiler.*apt-get install g\+\+.*without --compile"
    ):
        check_compiler(CPU)
    compiler = tmp_path / "our-c++"
    compiler.write_text("")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", "our-c++")
    check_compiler(CPU)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeviceError, match="pip install triton"):
        check_compiler(torch.device("cuda"))
