"""Exported model + test pairs -> report: JSON, Markdown and pictures, with baselines.

It scores the file that users run, on the pairs' own size.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import metrics
from mask2face.errors import OutputError
from mask2face.evaluation import panels, report
from mask2face.evaluation.baselines import Baseline, fit_baselines
from mask2face.evaluation.descriptors import identity_distances
from mask2face.evaluation.report import MODEL, MODEL_OWN
from mask2face.evaluation.stack import PairStack
from mask2face.restorer import ModelCard, Restorer, file_name, find_model

Scores = dict[str, NDArray[np.float64]]  # metric -> (N,)
Soften = Callable[[NDArray[np.float32]], NDArray[np.float32]]

LEAST = 1 / 510  # of the hole; less could not change an 8-bit pixel


class Restore(Protocol):
    """An exported model: `Restorer`, or anything that behaves like it."""

    card: ModelCard

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Restore crops."""


def composite(
    inputs: NDArray[np.uint8], restored: NDArray[np.uint8], holes: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Put `restored` into the holes of `inputs`; where a hole is 0 the input stays bit for bit.

    Args:
        inputs: RGB uint8 (N, S, S, 3).
        restored: RGB uint8 (N, S, S, 3).
        holes: float32 (N, S, S) in [0, 1], weight of `restored`.
    """
    result = np.empty_like(inputs)
    for index, (crop, new, hole) in enumerate(zip(inputs, restored, holes, strict=True)):
        old = crop.astype(np.float32)
        result[index] = np.rint(old + hole[..., None] * (new - old)).astype(np.uint8)
    return result


def score(
    pictures: NDArray[np.uint8], truths: NDArray[np.uint8], holes: NDArray[np.float32]
) -> Scores:
    """Return the numbers of each picture, hole-only and whole; nan where it has no hole.

    `hole_psnr` dB, `hole_ssim`, `hole_l1` in [0, 1], `psnr` dB, `ssim`, `l1`.
    """
    names = ("hole_psnr", "hole_ssim", "hole_l1", "psnr", "ssim", "l1")
    found = {name: np.full(len(pictures), np.nan) for name in names}
    edge = slice(metrics.RADIUS, -metrics.RADIUS)
    for index, (picture, truth, hole) in enumerate(zip(pictures, truths, holes, strict=True)):
        inside = hole > metrics.THRESHOLD
        if not inside.any():
            continue
        similarity = metrics.ssim_map(picture, truth)
        numbers = (
            metrics.psnr(picture, truth, hole),
            similarity[inside].mean(),
            metrics.l1(picture, truth, hole),
            metrics.psnr(picture, truth),
            similarity[edge, edge].mean(),
            metrics.l1(picture, truth),
        )
        for name, number in zip(names, numbers, strict=True):
            found[name][index] = number
    return found


def evaluate(
    model: str | Path | Restore | None,
    pairs: str | Path | PairStack,
    out: str | Path,
    *,
    train: PairStack | None = None,
    split: str = "test",
    limit: int | None = None,
    soften: Soften | None = None,
    identity: bool = False,
    command: str = "",
    device: str = "cpu",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Score an exported model on pairs and write the report into a folder.

    Written: `report.json`, `report.md`, `scores.jsonl` (a row a pair), and the panels
    `best.png`, `median.png` and `worst.png` (deciles by hole PSNR with the model's own hole).

    Args:
        model: name of a shipped model, path of an exported file, a `Restorer`, or None for the
            default.
        pairs: pair folder, or pairs in memory.
        out: folder of the report; made if it is not there.
        train: pairs that the baselines learn from; by default the train split of the folder,
            where it has one that is not scored. Must show other people than `pairs`.
        split: of the folder.
        limit: score only the first so many pairs.
        soften: turns one predicted hole probability (S, S) into the weight of the paste, as
            `hole_weights.pasted`; by default the probability itself.
        identity: also measure distances of dlib's face descriptor (slow; needs landmarks).
        command: how the report was made, to be printed in it.
        device: for a model given by name or path.
        overwrite: replace an older report.

    Returns:
        The report, as in `report.json`.

    Raises:
        DataError: the pairs are missing, broken or empty, or someone is in both sets.
        ModelError: the model is missing or broken.
        MissingExtraError: `identity` without dlib.
        OutputError: `out` holds a report already, or cannot be written.
    """
    out = Path(out)
    if (out / "report.json").exists() and not overwrite:
        raise OutputError(f"{out} holds a report already: choose another folder or overwrite it")
    stack = pairs if isinstance(pairs, PairStack) else PairStack.read(pairs, split)
    stack = stack.first(limit)
    if train is None and split != "train" and not isinstance(pairs, PairStack):
        train = report.train_split(pairs)
    report.check_disjoint(stack, train)
    file = ""
    if model is None or isinstance(model, str | Path):
        path = find_model(model, device)
        model, file = Restorer(path, device), file_name(path)
    restored, probabilities = _run(model, stack.inputs)
    weights = _weights(probabilities, soften)
    pictures = _pictures(restored, weights, stack, train)
    scores = {name: score(made, stack.outputs, stack.holes) for name, made in pictures.items()}
    _add_hole_scores(scores[MODEL_OWN], probabilities, weights, stack)
    if identity:
        for name, distances in identity_distances(pictures, stack).items():
            scores[name]["identity_distance"] = distances
    result = report.summarise(model.card, stack, train, scores, command, file)
    try:
        out.mkdir(parents=True, exist_ok=True)
        panels.write_deciles(out, stack, pictures, scores, probabilities)
        report.write(out, result, stack, scores)
    except OSError as error:
        raise OutputError(f"cannot write the report into {out}: {error}") from error
    return result


def _pictures(
    restored: NDArray[np.uint8],
    weights: NDArray[np.float32],
    stack: PairStack,
    train: PairStack | None,
) -> dict[str, NDArray[np.uint8]]:
    """Return the finished picture of every method; `weights` are those of the model's paste."""
    made = {
        name: composite(stack.inputs, baseline(stack.inputs, stack.holes), stack.holes)
        for name, baseline in _baselines(train).items()
    }
    made[MODEL] = composite(stack.inputs, restored, stack.holes)
    made[MODEL_OWN] = composite(stack.inputs, restored, weights)
    return made


def _baselines(train: PairStack | None) -> dict[str, Baseline]:
    return fit_baselines(train.outputs, train.holes) if train else fit_baselines()


def _run(
    restore: Restore, inputs: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Run the model at its own side and bring the result to the side of `inputs`."""
    side, own = inputs.shape[1], restore.card.side
    if side == own:
        return restore(inputs)
    down = cv2.INTER_AREA if own < side else cv2.INTER_CUBIC
    up = cv2.INTER_CUBIC if own < side else cv2.INTER_AREA
    fitted = np.stack([cv2.resize(crop, (own, own), interpolation=down) for crop in inputs])
    restored, holes = restore(fitted)
    large = [cv2.resize(crop, (side, side), interpolation=up) for crop in restored]
    soft = [cv2.resize(hole, (side, side), interpolation=cv2.INTER_LINEAR) for hole in holes]
    return np.stack(large), np.stack(soft)


def _weights(probabilities: NDArray[np.float32], soften: Soften | None) -> NDArray[np.float32]:
    """Return the weight of the paste of each crop, exactly 0 where nothing may change."""
    if soften is None:
        weights = probabilities.copy()
    else:
        weights = np.stack([soften(one) for one in probabilities]).astype(np.float32)
    weights[weights < LEAST] = 0
    return weights


def _add_hole_scores(
    scores: Scores,
    probabilities: NDArray[np.float32],
    weights: NDArray[np.float32],
    stack: PairStack,
) -> None:
    """Add `hole_iou` (nan on bare faces) and `found_fraction` to `scores`."""
    count = len(stack)
    scores["hole_iou"] = np.array(
        [metrics.hole_iou(probabilities[i], stack.holes[i]) for i in range(count)]
    )
    scores["hole_iou"][~stack.masked] = np.nan
    scores["found_fraction"] = np.array([metrics.hole_fraction(weight) for weight in weights])
