import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face.errors import DataError, DeviceError, UsageError
from mask2face.feed import DrawnPairs
from mask2face.processes import Processes, average_statistics, is_main, joined, synchronised
from mask2face.recipe import read
from mask2face.trainer import Trainer
from mask2face.training import train

CPU = torch.device("cpu")
STEPS = 40

# each of the two processes: what they tell each other
TALK = """
import torch
from torch import nn
from mask2face.errors import DataError
from mask2face.processes import average_statistics, joined
with joined(torch.device("cpu")) as processes:
    rank = processes.rank
    assert (processes.count, processes.main) == (2, rank == 0)
    here = [torch.full((2, 3), float(rank)), torch.tensor([2.0 * rank])]
    processes.average(here, weight=1 + 2 * rank)
    assert torch.equal(here[0], torch.full((2, 3), 0.75)) and here[1].item() == 1.5, here
    means = processes.average_numbers({"a": rank, "b": 3.0}, torch.device("cpu"))
    assert means == {"a": 0.5, "b": 3.0}, means
    assert processes.from_main(lambda: {"rank": rank}) == {"rank": 0}
    def fail():
        raise DataError("only the first knows")
    try:
        processes.from_main(fail)
    except DataError as error:
        assert "only the first knows" in str(error)
    else:
        raise SystemExit("no error")
    net = nn.Sequential(nn.BatchNorm2d(1), nn.BatchNorm2d(1))
    net[1].eval()
    for norm in net:
        norm.running_mean.fill_(rank)
    average_statistics(net, processes, 1)
    assert (net[0].running_mean.item(), net[1].running_mean.item()) == (0.5, rank)
"""


def together(*arguments):
    """Run two processes that find each other."""
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    done = subprocess.run(
        [*launch, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(folder, kind):
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [row for row in found if row["kind"] == kind]


def test_two_processes_train_as_one(crop_cache, tmp_path):
    """A net without batch normalisation, losses that average over crops: the same run."""
    phase = {"side": 16, "steps": STEPS, "batch": 6, "rate": 1e-3}
    phase["losses"] = {"mae": 1.0, "mse": 1.0, "hole_bce": 0.3}
    asked = {
        "phases": [phase],
        "net": "resnet_unet",
        "options": {"filters": [8, 8], "kernels": [3, 3]},
        "facemasks": {"polygon": 1.0},
        "ema": 0.9,
        "chunk": 64,
        "validate_every": 20,
    }
    (tmp_path / "recipe.json").write_text(json.dumps(asked))
    cache = crop_cache(tmp_path / "cache")
    options = ["--recipe", tmp_path / "recipe.json", "--workers", 0, "--device", "cpu"]
    command = ["-m", "mask2face", "train", cache, tmp_path / "two", *options]
    out = together(*command, "--precision", "fp32")
    assert out.strip() == str(tmp_path / "two" / "last.safetensors"), "one process speaks"
    plan = read(tmp_path / "recipe.json")
    quietly = {"workers": 0, "device": "cpu", "precision": "fp32", "quiet": True}
    train(DrawnPairs(cache, plan), plan, tmp_path / "one", **quietly)
    curves = [rows(tmp_path / name, "train") for name in ("one", "two")]
    assert [row["step"] for row in curves[0]] == [row["step"] for row in curves[1]] == [20, 40]
    for ours, theirs in zip(*curves, strict=True):
        for name in phase["losses"]:
            assert ours[name] == pytest.approx(theirs[name], abs=1e-3), name
    scores = [rows(tmp_path / name, "validation") for name in ("one", "two")]
    assert scores[1][-1]["hole_psnr"] == pytest.approx(scores[0][-1]["hole_psnr"], abs=0.01)
    assert len(scores[1]) == 2, "one process validates"
    states = [checkpoints.read(tmp_path / name / "state.safetensors") for name in ("one", "two")]
    assert [about.step for about, _ in states] == [STEPS, STEPS]
    for name, value in states[0][1].items():
        if name.startswith(("net.", "average.")):
            assert torch.allclose(value, states[1][1][name], rtol=0, atol=1e-4), name
    start = Trainer(plan).net.state_dict()
    moved = [(states[0][1][f"net.{name}"] - value).abs().max() for name, value in start.items()]
    assert max(moved) > 0.01, "else the same weights would say nothing"


def test_what_processes_tell_each_other(tmp_path):
    (tmp_path / "talk.py").write_text(TALK)
    together(tmp_path / "talk.py")


def test_alone_nothing_is_exchanged(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    assert is_main()
    with joined(CPU) as processes:
        assert processes == Processes(0, 1)
    tensor = torch.ones(2)
    processes.average([tensor], weight=3)
    assert torch.equal(tensor, torch.ones(2))
    assert processes.average_numbers({"a": 1.0}, CPU) == {"a": 1.0}
    assert processes.from_main(lambda: 5) == 5
    with pytest.raises(DataError, match="gone"):
        processes.from_main(_gone)
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    average_statistics(net, processes, 1)
    assert synchronised(net, torch.device("cuda"), processes) is net


def _gone():
    raise DataError("gone")


def test_batch_normalisation_is_synchronised_on_cuda_only():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    names = list(net.state_dict())
    assert synchronised(net, CPU, Processes(0, 2)) is net
    synced = synchronised(net, torch.device("cuda"), Processes(0, 2))
    assert isinstance(synced[1], nn.SyncBatchNorm)
    assert list(synced.state_dict()) == names


def test_an_environment_that_names_half_is_refused(monkeypatch):
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="start them with torchrun"), joined(CPU):
        pass
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UsageError, match="WORLD_SIZE is 'two'.*whole number"), joined(CPU):
        pass
    monkeypatch.setenv("RANK", "1")
    assert not is_main()


def test_more_processes_than_cuda_devices_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match="--nproc-per-node 2"), joined(torch.device("cuda")):
        pass
