"""Train for some minutes on a lent machine; what comes back is small: weights of 16 bits, the log.

    python benchmarks/gpu_train.py CROPS RUN OUT --packed PACKED --recipe natural --seconds 480
        --workers 14

PACKED holds files of `mask2face dataset pack`, as many as could be brought at once; while some are
missing they are unpacked, the missing ones named, and nothing is trained. Then the crop cache is in
CROPS, and the run with all that it needs to go on in RUN: the same command goes on with it. Where
RUN was lost with its machine, give what came back, `--start-from OUT/last.fp16.safetensors
--recipe OUT/recipe.json`: the steps that these weights have taken are left out, the optimiser and
the critic begin anew. It imports no more than training needs: no pydantic, dlib or typer.
"""

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from mask2face import checkpoint as checkpoints
from mask2face.errors import Mask2FaceError, UsageError
from mask2face.feed import DrawnPairs
from mask2face.recipe import Recipe, read
from mask2face.training import train
from mask2face.unpacking import unpack

_LARGEST: Final = torch.finfo(torch.float16).max


def rest(recipe: Recipe, step: int) -> Recipe:
    """Return the recipe without its first `step` steps.

    Raises:
        UsageError: there are none left.
    """
    if step >= recipe.steps:
        raise UsageError(f"these weights took {step} steps, all of the recipe's {recipe.steps}")
    index, within = recipe.at(step)
    now = recipe.phases[index]
    left = now.steps - within
    # the rate goes on where the phase was, not where it began
    first = replace(now, steps=left, warmup=min(now.warmup, left), rate=now.rate_at(within))
    return replace(recipe, phases=(first if within else now, *recipe.phases[index + 1 :]))


def halve(weights: Path, out: Path) -> None:
    """Write weights with 16-bit numbers, where these can hold them."""
    about, tensors = checkpoints.read(weights)
    small = {
        name: value.half() if value.is_floating_point() and fits(value) else value
        for name, value in tensors.items()
    }
    checkpoints.save(out, about, small)


def fits(value: torch.Tensor) -> bool:
    """Say whether 16 bits hold numbers of that size."""
    return bool(value.abs().max() < _LARGEST) if value.numel() else True


def work(given: argparse.Namespace) -> str:
    """Unpack, train and write what goes back; return what is to be said of it.

    Raises:
        Mask2FaceError: see `unpack` and `train`.
    """
    if given.packed and not given.crops.exists():
        missing = unpack(given.packed, given.crops, workers=given.workers)
        if missing:
            return f"{given.crops}  not complete, bring: {' '.join(missing)}"
    recipe = read(given.recipe)
    if given.start_from:
        recipe = rest(recipe, checkpoints.read(given.start_from)[0].step)
    weights = train(
        DrawnPairs(given.crops, recipe),
        recipe,
        given.run,
        workers=given.workers,
        device=given.device,
        precision=given.precision,
        start_from=given.start_from,
        stop_after=given.seconds,
        compile_net=given.compile,
        quiet=True,
    )
    given.out.mkdir(parents=True, exist_ok=True)
    for name in ("last", "best"):
        halve(given.run / f"{name}.safetensors", given.out / f"{name}.fp16.safetensors")
    for name in ("log.jsonl", "recipe.json"):
        shutil.copy(given.run / name, given.out / name)
    return f"{given.out}  {checkpoints.read(weights)[0].step} of {recipe.steps} steps"


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crops", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--packed", type=Path, help="unpack CROPS from this first")
    parser.add_argument("--recipe", default="natural", help="a shipped recipe's name, or a file")
    parser.add_argument("--seconds", type=float, help="stop then, to go on later")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw pairs")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--start-from", type=Path, help="weights that came back")
    try:
        print(work(parser.parse_args()))
    except Mask2FaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
