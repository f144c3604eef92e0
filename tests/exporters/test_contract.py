"""What stands before every export: packages, places, inputs, and the comparison."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters import contract
from mask2face.nets.extras import Extra


def test_a_missing_package_names_its_extra():
    contract.check_packages("mobile", "torch")
    with pytest.raises(MissingExtraError, match=r"no_such.*mask2face\[mobile\]"):
        contract.check_packages("mobile", "torch", "no_such")


def test_any_file_that_is_there_is_kept(tmp_path):
    there, free = tmp_path / "a", tmp_path / "b"
    there.write_text("precious")
    contract.check_paths([free], overwrite=False)
    contract.check_paths([free, there], overwrite=True)
    with pytest.raises(OutputError, match="a exists"):
        contract.check_paths([free, there], overwrite=False)
    with pytest.raises(OutputError, match="does not exist"):
        contract.check_paths([tmp_path / "none" / "a"], overwrite=True)


def test_the_workshop_leaves_nothing(tmp_path):
    with contract.workshop(tmp_path / "x") as folder:
        (folder / "file").write_text("made")
        (folder / "file").replace(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    with (
        pytest.raises(OutputError, match="cannot write"),
        contract.workshop(tmp_path / "y") as made,
    ):
        (made / "none" / "file").write_text("lost")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_workshop_has_the_same_name_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with contract.workshop(Path("x")) as folder:
        assert folder.is_absolute(), "converters run in folders of their own"
        assert folder.parent == tmp_path.resolve()


def written(folder, names, text):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(text)
    return [folder / name for name in names]


def test_several_files_get_their_names_or_none(tmp_path):
    paths = written(tmp_path / "there", "abc", "old")
    paths[1].unlink()  # one is new
    made = written(tmp_path / "made", "abc", "new")
    nowhere = tmp_path / "nowhere" / "c"
    with pytest.raises(FileNotFoundError):
        contract.place(made, [*paths[:2], nowhere])
    assert [path.name for path in paths[0].parent.iterdir() if path != paths[2]] == ["a"]
    assert [paths[0].read_text(), paths[2].read_text()] == ["old", "old"]
    contract.place(made, paths)
    assert [path.read_text() for path in paths] == ["new"] * 3


def test_a_folder_is_no_file_to_replace(tmp_path):
    (made,) = written(tmp_path / "made", "a", "new")
    (there,) = written(tmp_path / "there", "b", "precious")
    with pytest.raises(OutputError, match="there is a folder: choose another name"):
        contract.place([made], [there.parent])
    with pytest.raises(OutputError, match="b is a file"):
        contract.place([made.parent], [there])
    assert there.read_text() == "precious"


def test_the_frozen_net_is_another(filler):
    filler.half()
    made = contract.frozen(filler)
    assert filler.training
    assert not made.training
    assert {p.dtype for p in made.parameters()} == {torch.float32}
    assert {p.dtype for p in filler.parameters()} == {torch.float16}


def test_trials_have_the_second_input(card, filler):
    (alone,) = contract.trials(filler, card)
    assert {name: tuple(value.shape) for name, value in alone.items()} == {"crops": (5, 3, 32, 32)}
    filler.extra = Extra("face", 4)
    with pytest.raises(ModelError, match="whose"):
        contract.trials(filler, card)
    zeros, normal = contract.trials(filler, replace(card, embedder="dlib"))
    assert not zeros["face"].any()
    assert tuple(normal["face"].shape) == (5, 4)


def test_differences_are_the_largest_and_never_lost():
    tries = [{"crops": torch.rand(3, 3, 2, 2)}]
    wanted = [torch.zeros(3, 4, 2, 2)]

    def run(crops, vectors):
        made = np.zeros((len(crops), 4, 2, 2), np.float32)
        made[-1, 0, 0, 0] = -0.25 if len(crops) > 1 else 0.75
        return made

    assert contract.difference(run, tries, wanted) == 0.25
    assert contract.difference(contract.one_by_one(run), tries, wanted) == 0.75
    error = contract.difference(lambda crops, vectors: run(crops, None) * np.nan, tries, wanted)
    contract.check_error(0.1, 0.1, "file")
    for bad in (0.11, error):
        with pytest.raises(ModelError, match="file differs from the net"):
            contract.check_error(bad, 0.1, "file")


def test_a_net_that_breaks_its_contract():
    crops = {"crops": torch.rand(2, 3, 8, 8)}
    with pytest.raises(ModelError, match=r"instead of \(2, 4, 8, 8\)"):
        contract.expected(nn.Conv2d(3, 3, 1), crops)
    with pytest.raises(ModelError, match="does not take"):
        contract.expected(nn.Conv2d(5, 4, 1), crops)
