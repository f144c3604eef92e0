import json

import pytest
import torch
from safetensors.torch import save_file

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import FORMAT, Checkpoint
from mask2face.errors import ModelError, OutputError, UnknownNameError
from mask2face.nets import FaceFiller

OPTIONS = {"filters": [4, 8], "dilations": [1]}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return FaceFiller(**OPTIONS)


@pytest.fixture
def path(net, tmp_path):
    about = Checkpoint("face_filler", OPTIONS, 32, 7, 20.25, {"seed": 3})
    checkpoints.save(tmp_path / "deep" / "net.safetensors", about, net.state_dict())
    return tmp_path / "deep" / "net.safetensors"


def test_what_is_saved_is_read(path, net):
    about, tensors = checkpoints.read(path)
    assert about == Checkpoint("face_filler", OPTIONS, 32, 7, 20.25, {"seed": 3})
    assert tensors.keys() == net.state_dict().keys()
    for key, value in net.state_dict().items():
        assert torch.equal(tensors[key], value), key
    assert [file.name for file in path.parent.iterdir()] == ["net.safetensors"]


def test_a_checkpoint_is_replaced_whole(path, net):
    checkpoints.save(path, Checkpoint("face_filler", OPTIONS, step=8), net.state_dict())
    assert checkpoints.read(path)[0].step == 8
    assert len(list(path.parent.iterdir())) == 1


def test_tensors_in_other_layouts_are_saved_by_value(tmp_path):
    tensors = {
        "nhwc": torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        "view": torch.rand(4, 6)[:, ::2],
        "scalar": torch.tensor(5.0),
    }
    checkpoints.save(tmp_path / "x.safetensors", Checkpoint("face_filler"), tensors)
    found = checkpoints.read(tmp_path / "x.safetensors")[1]
    assert all(torch.equal(found[key], value) for key, value in tensors.items())


def test_missing_or_a_folder(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelError, match=r"no checkpoint at .*\.safetensors file of a run"):
            checkpoints.load(path)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        checkpoints.load(path)


def test_garbage(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"\x89PNG" * 100)
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        checkpoints.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("facts", [None, {"format": "pt"}])
def test_a_foreign_safetensors_file(tmp_path, facts):
    save_file({"weight": torch.ones(2)}, tmp_path / "x.safetensors", facts)
    with pytest.raises(ModelError, match="not written by mask2face"):
        checkpoints.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "facts", [{}, {"checkpoint": "{"}, {"checkpoint": "[]"}, {"checkpoint": '{"colour": 1}'}]
)
def test_broken_facts(tmp_path, facts):
    save_file({"weight": torch.ones(2)}, tmp_path / "x.safetensors", {"format": FORMAT, **facts})
    with pytest.raises(ModelError, match="broken things"):
        checkpoints.load(tmp_path / "x.safetensors")


def test_weights_of_another_net(path, tmp_path, net):
    about = Checkpoint("face_filler", {"filters": [4, 12], "dilations": [1]})
    checkpoints.save(path, about, net.state_dict())
    with pytest.raises(ModelError, match="do not fit"):
        checkpoints.load(path)
    checkpoints.save(path, Checkpoint("face_filler", OPTIONS), {"weight": torch.ones(1)})
    with pytest.raises(ModelError, match="do not fit"):
        checkpoints.load(path)


def test_an_unknown_net(path, net):
    checkpoints.save(path, Checkpoint("face_filer"), net.state_dict())
    with pytest.raises(UnknownNameError, match="did you mean 'face_filler'"):
        checkpoints.load(path)


def test_options_that_the_net_refuses():
    with pytest.raises(ModelError, match="face_filler.*refuses.*kernel"):
        checkpoints.build(Checkpoint("face_filler", {"kernel": 3}))


def test_a_place_that_cannot_be_written(tmp_path, net):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        checkpoints.save(tmp_path / "file" / "x.safetensors", Checkpoint("x"), net.state_dict())
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        checkpoints.save(tmp_path / "folder.safetensors", Checkpoint("x"), net.state_dict())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder.safetensors"]


def test_the_metadata_is_json_that_other_programs_read(path):
    header = path.read_bytes()
    size = int.from_bytes(header[:8], "little")
    facts = json.loads(header[8 : 8 + size])["__metadata__"]
    assert facts["format"] == "mask2face checkpoint 1"
    assert json.loads(facts["checkpoint"])["net"] == "face_filler"


def test_an_optimiser_goes_on_as_if_it_had_not_stopped(net):
    def step(optimizer, net):
        optimizer.zero_grad()
        torch.autograd.backward(net(torch.ones(2, 3, 8, 8)).sum())
        optimizer.step()

    first = torch.optim.AdamW(net.parameters(), lr=0.01)
    step(first, net)
    other = FaceFiller(**OPTIONS)
    other.load_state_dict(net.state_dict())
    second = torch.optim.AdamW(other.parameters(), lr=0.01)
    saved = checkpoints.optimizer_tensors(first, "o")
    checkpoints.restore_optimizer(second, {key: value.clone() for key, value in saved.items()}, "o")
    step(first, net)
    step(second, other)
    for key, value in net.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


def test_part_takes_whole_names_only():
    tensors = {"net.a": torch.ones(1), "network.a": torch.zeros(1), "net": torch.zeros(1)}
    assert list(checkpoints.part(tensors, "net")) == ["a"]
