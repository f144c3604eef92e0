"""Every architecture and every loss of the article at one budget: train, then report.

    python benchmarks/experiments.py train PAIRS RUNS [--only NAME ...] [--threads 1]
    python benchmarks/experiments.py report PAIRS RUNS docs/experiments.md

PAIRS is a pair folder with train, validation and test (and face embeddings, `mask2face dataset
embed PAIRS`). `train` makes a run folder an experiment and goes on where it was stopped; several
may run side by side on different names. `report` exports each run, scores the file on the test
split and writes the table, the pictures and what they say about the article's claims.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mask2face.feed import StoredPairs
from mask2face.recipe import Phase, Recipe
from mask2face.training import train

STEPS, BATCH, RATE, WARMUP = 500, 32, 1e-3, 50
HOLE = {"hole_bce": 0.3}
# each loss is brought to about the size that SSIM has at the start, so that the hole's
# cross-entropy weighs as much beside each
ARTICLE = {"ssim_l1_loss": 1.0}
BLOCKS = {"filters": [24, 48, 48, 96, 96], "kernels": [7, 7, 7, 3, 3]}  # the article's, narrower
RESNET = BLOCKS | {"batch_norm": True}  # as in the other nets, so that the blocks are compared


@dataclass(frozen=True)
class Experiment:
    """One row of the table.

    Attributes:
        title: as printed.
        net: key of `NETS`.
        options: of the net.
        losses: name -> weight, beside the hole's cross-entropy.
        adversarial: weight of the patch critic over the last 40 % of the steps.
        changes: other keys of the recipe or of its phases.
    """

    title: str
    net: str
    options: dict[str, Any] = field(default_factory=lambda: dict(BLOCKS))
    losses: dict[str, float] = field(default_factory=lambda: dict(ARTICLE))
    adversarial: float = 0.0
    changes: dict[str, Any] = field(default_factory=dict)


EXPERIMENTS: dict[str, Experiment] = {
    "encoder_decoder": Experiment("encoder–decoder CNN", "encoder_decoder"),
    "unet": Experiment("U-Net", "unet"),
    "unet_imagenet": Experiment(
        "U-Net + ImageNet embedding", "unet", BLOCKS | {"embeddings": ["imagenet"]}
    ),
    "resnet_unet": Experiment("U-Net with ResNet blocks", "resnet_unet", RESNET),
    "resnet_unet_plain": Experiment(
        "U-Net with ResNet blocks, not normalised (the article's figure)", "resnet_unet"
    ),
    "resnet_unet_embeddings": Experiment(
        "ResNet U-Net + ImageNet and face embedding",
        "resnet_unet",
        RESNET | {"embeddings": ["imagenet", "face"]},
    ),
    "vae": Experiment(
        "variational autoencoder", "vae", losses=ARTICLE | {"kl": 5e-5}, changes={"kl_warmup": 250}
    ),
    "refinement": Experiment(
        "two-stage refinement", "refinement", losses=ARTICLE | {"coarse": 0.5}
    ),
    "gan": Experiment(
        "GAN: ResNet U-Net + PatchGAN",
        "resnet_unet",
        RESNET,
        adversarial=0.02,
        changes={"critic": "patch"},
    ),
    "face_filler": Experiment("face_filler, our default", "face_filler", {}),
    "loss_mse": Experiment("ResNet U-Net, `mse`", "resnet_unet", RESNET, {"mse": 20.0}),
    "loss_mae": Experiment("ResNet U-Net, `mae`", "resnet_unet", RESNET, {"mae": 4.0}),
    "loss_ssim": Experiment("ResNet U-Net, `ssim_loss`", "resnet_unet", RESNET, {"ssim_loss": 1.0}),
    "ours": Experiment(
        "face_filler, our losses",
        "face_filler",
        {},
        losses={"pyramid_l1": 1.0, "mae": 0.3, "ssim_loss": 0.3, "perceptual": 0.15},
    ),
}


def recipe(experiment: Experiment, side: int, steps: int) -> Recipe:
    """Return what `experiment` trains by: the same steps, pairs and rates as every other."""
    late = round(0.4 * steps) if experiment.adversarial else 0
    losses = experiment.losses | HOLE
    half, warmup = RATE / 2, min(WARMUP, steps // 4)
    if late:
        phases = (
            Phase(side, steps - late, BATCH, RATE, losses, rate_end=half, warmup=warmup),
            Phase(
                side, late, BATCH, half, losses, rate_end=0.0, adversarial=experiment.adversarial
            ),
        )
    else:
        phases = (Phase(side, steps, BATCH, RATE, losses, rate_end=0.0, warmup=warmup),)
    settings = {"ema": 0.99, "weight_decay": 0.0, "echo": 1, "validate_every": 200}
    return Recipe(phases, experiment.net, experiment.options, **(settings | experiment.changes))


def main() -> None:
    """Train or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "report"))
    parser.add_argument("pairs", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("out", type=Path, nargs="?", help="the Markdown file of the report")
    parser.add_argument("--only", nargs="+", choices=tuple(EXPERIMENTS), help="some of them")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    given = parser.parse_args()
    names = given.only or list(EXPERIMENTS)
    torch.set_num_threads(given.threads)
    if given.what == "report":
        from experiments_report import write

        if given.out is None:
            parser.error("report needs the file to write, as docs/experiments.md")
        write({name: EXPERIMENTS[name] for name in names}, given.pairs, given.runs, given.out)
        return
    for name in names:
        plan = recipe(EXPERIMENTS[name], StoredPairs(given.pairs).side, given.steps)
        source = StoredPairs(given.pairs)
        print(name, train(source, plan, given.runs / name, workers=0), flush=True)


if __name__ == "__main__":
    main()
