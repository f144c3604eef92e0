"""What every exporter does first: check packages, target and net, and say what to compare on."""

import copy
import importlib.util
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters.exported import probes, vectors
from mask2face.exporters.parity import Floats, Restore
from mask2face.extra_input import FACE
from mask2face.nets.extras import extra_of
from mask2face.restorer import INPUT, ModelCard

Inputs = dict[str, torch.Tensor]  # by the name of the port, crops first


def check_packages(extra: str, *packages: str) -> None:
    """Refuse to go on without `packages`, which the extra `extra` brings.

    Raises:
        MissingExtraError: one is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra)


def check_paths(paths: Sequence[Path], overwrite: bool) -> None:
    """Refuse files that may not be written, before any work is done.

    Raises:
        OutputError: one exists already and `overwrite` is not set, or there is no folder for it.
    """
    for path in paths:
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists already: choose another name or ask to overwrite it")
        if not path.parent.is_dir():
            raise OutputError(f"folder {path.parent} does not exist: make it first")


@contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`, to rename from; it is removed at the end.

    Raises:
        OutputError: something in it, or `path`, cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            yield Path(folder).resolve()  # Python 3.11 gives a relative path for a relative one
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def place(made: Sequence[Path], paths: Sequence[Path]) -> None:
    """Give files or folders in a `workshop` their names: all of them, or none.

    What has a name already is kept in the workshop until the last one has its own.

    Args:
        made: what is there, on one file system with `paths`.
        paths: the name of each.

    Raises:
        OutputError: a folder has the name of a file, or a file that of a folder.
        OSError: one cannot be moved.
    """
    for source, path in zip(made, paths, strict=True):
        if path.exists() and path.is_dir() != source.is_dir():
            kind = "folder" if path.is_dir() else "file"
            raise OutputError(f"{path} is a {kind}: choose another name, or move it away")
    old = [one.with_name(f"{one.name}.old") for one in made]
    try:
        for source, spare, path in zip(made, old, paths, strict=True):
            if path.exists():
                path.replace(spare)
            source.replace(path)
    except OSError:
        for source, spare, path in zip(made, old, paths, strict=True):
            if not source.exists():
                path.replace(source)
            if spare.exists():
                spare.replace(path)
        raise


def frozen(net: nn.Module) -> nn.Module:
    """Return a copy of `net` on the CPU, in float32 and inference mode."""
    return copy.deepcopy(net).cpu().float().eval()


def trials(net: nn.Module, card: ModelCard) -> list[Inputs]:
    """Return what a net and its file are compared on without faces; see `exported.probes`.

    Args:
        net: says whether there is a second input.
        card: says the crops' side, and whose the face embeddings are.

    Raises:
        ModelError: the net wants face embeddings, and `card.embedder` does not say whose.
    """
    crops = torch.from_numpy(probes(card.side))
    extra = extra_of(net)
    if extra is None:
        return [{INPUT: crops}]
    if extra.name == FACE and not card.embedder:
        raise ModelError(
            "the net wants face embeddings, and neither its checkpoint nor the card says whose: "
            "train it on pairs that `mask2face dataset embed` has been run on"
        )
    found = vectors(len(crops), extra.size)
    return [{INPUT: crops, extra.name: torch.from_numpy(vector)} for vector in found]


def expected(net: nn.Module, inputs: Inputs) -> torch.Tensor:
    """Return the net's own answer (N, 4, S, S).

    Raises:
        ModelError: the net does not take its crops, or what it gives has another shape or leaves
            [0, 1].
    """
    crops = inputs[INPUT]
    with torch.no_grad():
        try:
            result: torch.Tensor = net(*inputs.values())
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"the net does not take crops {tuple(crops.shape)}: {error}"
            ) from error
    wanted = (len(crops), 4, *crops.shape[2:])
    if tuple(result.shape) != wanted:
        raise ModelError(f"the net gives {tuple(result.shape)} instead of {wanted}")
    if not bool(((result >= -1e-6) & (result <= 1 + 1e-6)).all()):
        raise ModelError("the net gives values that are not in [0, 1]: end it with a sigmoid")
    return result


def difference(run: Restore, tries: Sequence[Inputs], wanted: Sequence[torch.Tensor]) -> float:
    """Return the largest difference between a file and its net; nan where the file gives one.

    Args:
        run: the file in its own runtime.
        tries: what both are given, as `trials`.
        wanted: what the net gave.
    """
    errors = []
    for inputs, truth in zip(tries, wanted, strict=True):
        crops, *more = (value.numpy() for value in inputs.values())
        made = run(crops, more[0] if more else None)
        errors.append(np.abs(made - truth.numpy()).max())
    return float(np.max(errors))


def one_by_one(run: Restore) -> Restore:
    """Return `run`, given a crop at a time."""

    def each(crops: Floats, vectors: Floats | None) -> Floats:
        parts = [slice(index, index + 1) for index in range(len(crops))]
        made = [run(crops[part], None if vectors is None else vectors[part]) for part in parts]
        return np.concatenate(made)

    return each


def check_error(error: float, tolerance: float, kind: str) -> None:
    """Refuse a file that is too far from its net.

    Raises:
        ModelError: `error` is more than `tolerance`, or nan.
    """
    if not error <= tolerance:
        raise ModelError(
            f"the {kind} differs from the net by {error:.2g}, more than {tolerance:.2g}: "
            "nothing was written; report this net as a bug"
        )
