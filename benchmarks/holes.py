"""Does the hole branch find face masks that it was not trained on? Ours against a template pack.

    python benchmarks/holes.py CROPS TEMPLATES [--model natural] [--steps 600] [--out RUNS]

TEMPLATES is a pack in MaskTheFace's format. Two nets of the default architecture are trained alike
for the hole only, one on our face masks alone and one on the templates alone, and each is scored on
test faces of both kinds; so is a finished model, which was trained on our face masks alone. Prints
mean hole IoU at a probability of 0.5 over the pairs with a hole, with its 95 % bootstrap over
people, and for the model also by template.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mask2face import checkpoint
from mask2face.crops import CropCache
from mask2face.drawing import Draw, drawn_pair
from mask2face.facemasks import draw_random
from mask2face.facemasks.templates import TemplatePack
from mask2face.metrics import hole_iou
from mask2face.pairs import Pair
from mask2face.recipe import Recipe, parse
from mask2face.restorer import Restorer, find_model
from mask2face.splits import generator
from mask2face.training import train

SIDE = 64
LEAST = 0.01  # of the pair: smaller holes are not scored


def recipe(steps: int) -> Recipe:
    """Return a recipe for the hole alone."""
    phase = {"side": SIDE, "steps": steps, "batch": 48, "rate": 0.0015, "rate_end": 0.0}
    phase |= {"warmup": 50, "losses": {"hole_bce": 1.0, "hole_dice": 0.5}}
    return parse({"phases": [phase], "echo": 2, "validate_every": 300, "validation": 128})


@dataclass(frozen=True)
class Faces:
    """Pairs drawn on the crops of a cache by our styles, or by a template pack.

    Attributes:
        folder: of the crop cache.
        templates: folder of the pack, or None for our styles.
    """

    folder: str
    templates: str | None

    def __post_init__(self) -> None:
        cache = CropCache.open(self.folder)
        indices = {name: cache.indices(name) for name in ("train", "validation", "test")}
        object.__setattr__(self, "cache", cache)
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "draw", drawing(self.templates))

    def __reduce__(self) -> tuple[type["Faces"], tuple[str, str | None]]:
        """Open the folders again in a worker."""
        return Faces, (self.folder, self.templates)

    def count(self, split: str) -> int:
        """Return how many faces `split` holds."""
        return len(self.indices[split])

    def pair(
        self, split: str, index: int, side: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """Draw one pair."""
        clean = self.cache[int(self.indices[split][index])]
        pair = drawn_pair(clean, side, rng, draw=self.draw)
        return pair.input, pair.output, pair.hole


def drawing(templates: str | None) -> Draw:
    """Return what draws: the pack, or our styles."""
    return draw_random if templates is None else TemplatePack.open(templates).draw_random


def test_pairs(crops: str, templates: str | None, side: int) -> tuple[list[Pair], list[str]]:
    """Return one pair of each test face, and the person."""
    cache, draw = CropCache.open(crops), drawing(templates)
    rows = [(int(index), cache.rows[int(index)]) for index in cache.indices("test")]
    pairs = [
        drawn_pair(cache[index], side, generator(7, row["photo"]), draw=draw) for index, row in rows
    ]
    kept = [number for number, pair in enumerate(pairs) if (pair.hole > 0.5).mean() >= LEAST]
    return [pairs[number] for number in kept], [rows[number][1]["identity"] for number in kept]


def trained(weights: Path, pairs: list[Pair]) -> NDArray[np.float64]:
    """Return the IoU of each pair by trained weights."""
    _, net = checkpoint.load(weights)
    net.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(pairs), 64):
            inputs = np.stack([pair.input for pair in pairs[start : start + 64]])
            batch = torch.from_numpy(inputs).permute(0, 3, 1, 2).float() / 255
            found.append(net(batch)[:, 3].numpy())
    return overlaps(np.concatenate(found), pairs)


def exported(model: str, pairs: list[Pair]) -> NDArray[np.float64]:
    """Return the IoU of each pair by an exported model."""
    restorer = Restorer(find_model(model))
    found = [
        restorer(np.stack([pair.input for pair in pairs[start : start + 64]]))[1]
        for start in range(0, len(pairs), 64)
    ]
    return overlaps(np.concatenate(found), pairs)


def overlaps(holes: NDArray[np.float32], pairs: list[Pair]) -> NDArray[np.float64]:
    """Return the IoU (N,) of holes (N, S, S) and those of the pairs."""
    return np.array([hole_iou(hole, pair.hole) for hole, pair in zip(holes, pairs, strict=True)])


def line(name: str, values: NDArray[np.float64], people: list[str]) -> str:
    """Return a row of the table: mean, 95 % bootstrap over people, count."""
    groups = [values[np.array(people) == person] for person in dict.fromkeys(people)]
    rng = np.random.default_rng(0)
    means = []
    for _ in range(500):
        chosen = [groups[index] for index in rng.integers(len(groups), size=len(groups))]
        means.append(np.concatenate(chosen).mean())
    low, high = np.percentile(means, [2.5, 97.5])
    return f"| {name} | {values.mean():.3f} | {low:.3f} to {high:.3f} | {len(values)} |"


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops")
    parser.add_argument("templates")
    parser.add_argument("--model", default="natural")
    parser.add_argument("--steps", type=int, default=600, help="0: score the model only")
    parser.add_argument("--out", type=Path, help="where the two runs go; default: nowhere")
    given = parser.parse_args()
    print("| trained on → tested on | hole IoU | 95 % | pairs |\n|---|---|---|---|")
    kinds = {"our face masks": None, "templates": given.templates}
    side = Restorer(find_model(given.model)).card.side
    for name, templates in kinds.items():
        pairs, people = test_pairs(given.crops, templates, side)
        values = exported(given.model, pairs)
        print(line(f"model {given.model} → {name}, {side} px", values, people), flush=True)
        if templates:
            by_style: dict[str, list[float]] = {}
            for pair, value in zip(pairs, values, strict=True):
                by_style.setdefault(pair.style, []).append(float(value))
            for style, own in sorted(by_style.items()):
                print(f"| &nbsp; {style} | {np.mean(own):.3f} | | {len(own)} |")
    if not given.steps:
        return
    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch)
        tests = {name: test_pairs(given.crops, kind, SIDE) for name, kind in kinds.items()}
        for name, templates in kinds.items():
            source = Faces(given.crops, templates)
            weights = train(source, recipe(given.steps), out / name.replace(" ", "_"), quiet=True)
            for kind, (pairs, people) in tests.items():
                values = trained(weights, pairs)
                print(line(f"{name} → {kind}, {SIDE} px", values, people), flush=True)


if __name__ == "__main__":
    main()
