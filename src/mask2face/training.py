"""One visible training loop: clean crops or a pair folder + recipe -> run folder.

A run folder holds `recipe.json`, `log.jsonl`, `tensorboard/`, `panels/`, `state.safetensors` (all
that a resumed run needs), `last.safetensors` and `best.safetensors` (averaged weights only).

Started by `torchrun` or `accelerate launch`, several processes take each step together: a recipe's
batch is that of all of them. Each machine needs the data; the first process alone writes the run
folder and validates, and tells the others where the run stood.
"""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face import onnx_weights
from mask2face.checkpoint import Checkpoint
from mask2face.errors import ConfigurationError, DataError, OutputError
from mask2face.feed import Feed, Source
from mask2face.growing import check_growth, load_started
from mask2face.nets.extras import extra_of
from mask2face.objective import check_phases
from mask2face.processes import Processes, joined
from mask2face.recipe import Recipe
from mask2face.recipe import read as read_recipe
from mask2face.runlog import RunLog
from mask2face.torch_devices import pick_device, to_tensor
from mask2face.trainer import Trainer

_SETTLED: Final = 128  # pairs that set the statistics of a net from an exported file
_WRITTEN: Final = ("log.jsonl", *(f"{one}.safetensors" for one in ("state", "last", "best")))
_BATCH_NORMS: Final = (nn.BatchNorm2d, nn.SyncBatchNorm)


def train(
    source: Source,
    recipe: Recipe,
    run: str | Path,
    *,
    workers: int = 1,
    device: str = "auto",
    precision: str = "auto",
    start_from: str | Path | None = None,
    stop_after: float | None = None,
    compile_net: bool = False,
    quiet: bool = False,
) -> Path:
    """Train a net, or go on where the run in `run` stopped.

    Args:
        source: where pairs come from; `feed.DrawnPairs` or `feed.StoredPairs`.
        recipe: what to do; a run that exists must have been started with the same one.
        run: folder to write.
        workers: processes that draw pairs, for each process that trains.
        device: "auto", "cpu" or "cuda".
        precision: "fp32", "bf16", or "auto": bf16 where the hardware multiplies it faster.
        start_from: weights to begin with: of another run, or an exported ONNX file, or the name of
            a shipped model.
        stop_after: seconds after which to checkpoint and return, to be resumed later.
        compile_net: let torch compile the net: minutes at first, then faster steps.
        quiet: no progress bar.

    Returns:
        Path of the averaged weights, `run/last.safetensors`.

    Raises:
        DataError: `run` belongs to another recipe, or the source has no training pairs, no
            validation pairs to stop by, or not the face embeddings that the net wants.
        OutputError: `run` cannot be written.
        UnknownNameError: the recipe names a net, loss, critic or face mask that does not exist.
        ConfigurationError: the net, a loss or the critic cannot take the side of a phase, a loss
            asks for a term that the net does not give, a batch is too small to be shared, or a
            phase's net cannot go on from the one before.
        ModelError: the state or `start_from` is broken or does not fit.
        DeviceError: the device, or a compiler for it, is not available.
        UsageError: the environment names several processes, but not how to meet them.
    """
    _check_counts(source, recipe)
    check_phases(recipe)
    check_growth(recipe)
    with joined(pick_device(device)) as processes:
        trainer = Trainer(recipe, device, precision, processes=processes, compile_net=compile_net)
        _check_sizes(trainer)
        source = _with_faces(source, trainer)
        folder = processes.from_main(lambda: _open(Path(run), recipe))
        _begin(trainer, folder, start_from, source)
        feed = Feed(source, recipe, workers, (processes.rank, processes.count))
        log = RunLog(folder, recipe.steps, trainer.step, quiet=quiet) if processes.main else None
        try:
            _run(trainer, feed, log, folder, stop_after)
        finally:
            feed.close()
            if log is not None:
                log.close()
        return folder / "last.safetensors"


def _run(
    trainer: Trainer, feed: Feed, log: RunLog | None, folder: Path, stop_after: float | None
) -> None:
    """Run the loop itself; `log` is None in all processes but the main one."""
    began = time.monotonic()
    recipe = trainer.recipe
    while not trainer.finished:
        phase, first = recipe.at(trainer.step)
        trainer.enter(phase)
        held_out = feed.validation(recipe.phases[phase].side) if log else None
        for batch in feed.batches(phase, first):
            losses = trainer.train_on(batch)
            late = _late(began, stop_after, trainer.processes)
            due = trainer.step % recipe.validate_every == 0 or trainer.step == recipe.steps
            if log and held_out is not None:
                log.step(trainer.step, losses)
                if due or late:
                    scores, panel = trainer.validate(held_out)
                    log.validation(trainer.step, scores, panel)
                    trainer.save(folder, scores.get("hole_psnr"), due=due)
            if recipe.patience and due:
                trainer.waited = trainer.processes.from_main(lambda: trainer.waited)
            if trainer.stopped and log:
                log.stopped(trainer.step, trainer.waited)
            if late or trainer.stopped:
                return


def _late(began: float, stop_after: float | None, processes: Processes) -> bool:
    """Say whether time is up, by the clock of the main process."""
    if stop_after is None:
        return False
    return processes.from_main(lambda: time.monotonic() - began > stop_after)


def _begin(trainer: Trainer, folder: Path, start_from: str | Path | None, source: Source) -> None:
    """Go on where the run in `folder` stopped, or start from other weights if there are any."""
    state = folder / "state.safetensors"
    processes = trainer.processes
    if processes.from_main(state.exists):
        trainer.restore(*processes.from_main(lambda: checkpoints.read(state)), str(state))
    elif start_from is not None:
        path = onnx_weights.named(start_from)
        exported = path.suffix == onnx_weights.SUFFIX
        read = partial(_exported, source, trainer.recipe) if exported else checkpoints.read
        weights = processes.from_main(lambda: read(path))
        trainer.begin_with(*weights, str(path))


def _exported(source: Source, recipe: Recipe, path: Path) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Return the weights inside an exported file, ready to learn from `source`."""
    about, tensors = onnx_weights.read(path)
    wanted = Checkpoint(recipe.net, recipe.options)
    net = checkpoints.build(wanted)
    load_started(net, wanted, about, tensors, str(path))
    count, rng = source.count("train"), np.random.default_rng(recipe.seed)
    chosen = np.linspace(0, count - 1, min(_SETTLED, count)).round().astype(int)
    pairs = (source.pair("train", int(one), recipe.phases[0].side, rng) for one in chosen)
    onnx_weights.settle(net, (to_tensor(pair.inputs, torch.device("cpu")) for pair in pairs))
    return about, net.state_dict()


def _with_faces(source: Source, trainer: Trainer) -> Source:
    """Return `source` with the face embeddings that the net wants, if it wants any."""
    wanted = extra_of(trainer.net)
    if wanted is None or wanted.name != "face":
        return source
    source = source.with_faces(wanted.size)
    trainer.about = replace(trainer.about, embedder=source.embedder)
    return source


def _check_counts(source: Source, recipe: Recipe) -> None:
    if source.count("train") < 1:
        raise DataError("the data has no training pairs: build it with a train split")
    if recipe.patience and source.count("validation") < 1:
        raise DataError(
            "the recipe stops by the validation score ('patience'), and the data has no validation "
            "pairs: build it with a validation split, or set 'patience' to 0"
        )


def _check_sizes(trainer: Trainer) -> None:
    recipe, processes = trainer.recipe, trainer.processes.count
    multiple = getattr(trainer.net, "multiple", 1)
    least = processes * recipe.accumulate
    normalised = any(isinstance(part, _BATCH_NORMS) for part in trainer.net.modules())
    for phase in recipe.phases:
        if phase.side % multiple:
            raise ConfigurationError(
                f"'side' is {phase.side}: the net {recipe.net!r} with these options takes "
                f"multiples of {multiple}"
            )
        if phase.batch < least:
            raise ConfigurationError(
                f"'batch' is {phase.batch}, and {processes} processes with {recipe.accumulate} "
                f"micro-batches each share it: give {least} or more, or a smaller 'accumulate'"
            )
        # batch normalisation of one number: of one crop whose lowest features have one position
        if normalised and phase.side == multiple and phase.batch < 2 * least:
            raise ConfigurationError(
                f"'side' is {phase.side} and 'batch' is {phase.batch}: a crop alone at one "
                f"position cannot be normalised; give a batch of {2 * least} or more, or a side "
                f"of {2 * multiple}"
            )


def _open(folder: Path, recipe: Recipe) -> Path:
    """Make the run folder, or check that it is this recipe's."""
    path = folder / "recipe.json"
    wanted = json.dumps(recipe.as_json(), indent=1) + "\n"
    if path.exists():
        # as JSON, which knows no tuples
        if read_recipe(path).as_json() != json.loads(wanted):
            raise DataError(
                f"the run in {str(folder)!r} was started with another recipe: "
                "choose another folder, or pass that run's recipe.json"
            )
        return folder
    others = [name for name in _WRITTEN if (folder / name).exists()]
    if others:
        raise DataError(
            f"{str(folder)!r} holds {others[0]!r} and no recipe.json, so it is no run of a net: "
            "choose another folder, what is there is kept"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(".recipe.json.part")
        part.write_text(wanted, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write the run folder {str(folder)!r}: {error}") from error
    return folder
