"""Per-pair scores -> the report: means with intervals, slices by style, JSON and Markdown."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mask2face import metrics
from mask2face.errors import DataError
from mask2face.evaluation.slices import slices
from mask2face.evaluation.stack import PairStack
from mask2face.pairs import PairFolder
from mask2face.restorer import ModelCard

FORMAT = "mask2face report 1"
LEARN_FROM = 5000  # train pairs; more would not change the baselines
MODEL, MODEL_OWN, FLOOR = "model, true hole", "model, its own hole", "ridge/PCA"
ALONE = 0.01  # of the crop; a bare face of which less is replaced counts as left alone
COLUMNS = {  # metric -> heading, digits
    "hole_psnr": ("hole PSNR, dB", 2),
    "hole_ssim": ("hole SSIM", 3),
    "hole_l1": ("hole L1", 4),
    "psnr": ("whole PSNR, dB", 2),
    "ssim": ("whole SSIM", 3),
    "identity_distance": ("descriptor distance", 3),
}

Scores = dict[str, NDArray[np.float64]]


def train_split(folder: str | Path, *, needed: bool = False) -> PairStack | None:
    """Return the first train pairs of a pair folder, None where it has none.

    Raises:
        DataError: it has none, and they are `needed`; or the folder is broken.
    """
    if PairFolder.open(folder).of("train"):
        return PairStack.read(folder, "train").first(LEARN_FROM)
    if needed:
        raise DataError(
            f"{folder} has no train pairs to learn from: make some with  "
            "mask2face dataset pairs CROPS OUT --split train"
        )
    return None


def check_disjoint(stack: PairStack, train: PairStack | None) -> None:
    """Refuse a test on people that the baselines learn from.

    Raises:
        DataError: someone is in both.
    """
    both = set(stack.identities) & set(train.identities) if train else set()
    if both:
        raise DataError(
            f"{len(both)} people are in both test and train pairs, as {min(both)!r}: "
            "use identity-disjoint splits"
        )


def summarise(
    card: ModelCard,
    stack: PairStack,
    train: PairStack | None,
    scores: dict[str, Scores],
    command: str,
    file: str = "",
) -> dict[str, Any]:
    """Return the report: every number is a mean over pairs with a 95 % interval over people."""
    masked = stack.masked
    fractions = np.array([metrics.hole_fraction(hole) for hole in stack.holes])

    def mean(values: NDArray[np.float64], rows: NDArray[np.bool_]) -> dict[str, Any]:
        who = [stack.identities[i] for i in np.flatnonzero(rows)]
        return asdict(metrics.estimate(values[rows], who))

    own = scores[MODEL_OWN]
    result: dict[str, Any] = {
        "format": FORMAT,
        "command": command,
        "model": {"name": card.name, "version": card.version, "net": card.net, "side": card.side}
        | {"parameters": card.parameters, "gmac": card.gmac, "file": file},
        "side": stack.side,
        "pairs": len(stack),
        "masked_pairs": int(masked.sum()),
        "people": len(set(stack.identities)),
        "train_pairs": len(train) if train else 0,
        "hole_fraction": mean(fractions, masked),
        "methods": {
            name: {metric: mean(found[metric], masked) for metric in COLUMNS if metric in found}
            for name, found in scores.items()
        },
        "hole_iou": mean(own["hole_iou"], masked),
        "bare": {
            "pairs": int((~masked).sum()),
            "left_alone": mean((own["found_fraction"] < ALONE).astype(float), ~masked),
        },
        "slices": {},
    }
    if FLOOR in scores:
        margin = scores[MODEL]["hole_psnr"] - scores[FLOOR]["hole_psnr"]
        result["margin_over_ridge_pca"] = mean(margin, masked)
    for kind, labels in slices(stack).items():
        result["slices"][kind] = {}
        for label in dict.fromkeys(sorted(labels) if kind == "style" else labels):
            rows = np.array([one == label for one in labels]) & masked
            if rows.any():
                result["slices"][kind][label] = {
                    "pairs": int(rows.sum()),
                    "hole_psnr": mean(scores[MODEL]["hole_psnr"], rows),
                    "hole_ssim": mean(scores[MODEL]["hole_ssim"], rows),
                    "hole_iou": mean(own["hole_iou"], rows),
                }
    return result


def write(out: Path, result: dict[str, Any], stack: PairStack, scores: dict[str, Scores]) -> None:
    """Write `report.json`, `report.md` and `scores.jsonl` into the folder `out`."""
    rows = []
    for index in range(len(stack)):
        row: dict[str, Any] = {"pair": index, "identity": stack.identities[index]}
        row["style"] = stack.styles[index]
        for name, found in scores.items():
            row[name] = {key: round(float(value[index]), 5) for key, value in found.items()}
        rows.append(json.dumps(_finite(row)))
    _replace(out / "scores.jsonl", "\n".join(rows) + "\n")
    _replace(out / "report.md", markdown(result))
    _replace(out / "report.json", json.dumps(_finite(result), indent=1) + "\n")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _finite(value: Any) -> Any:  # noqa: ANN401
    """Return `value` with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def markdown(result: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    model, size = result["model"], result["side"]
    fraction = result["hole_fraction"]["mean"]
    lines = [
        f"# {model['name']} {model['version']}: {result['masked_pairs']} test pairs at {size} px",
        "",
        *([f"File `{model['file']}`.", ""] if model.get("file") else []),
        f"Net `{model['net']}`, {model['parameters'] / 1e6:.2f} M parameters, {model['gmac']:.2f} "
        f"GMAC at {model['side']} px. {result['people']} people, "
        f"none of whom the baselines learned from ({result['train_pairs']} pairs); the hole covers "
        f"{fraction:.1%} of a crop. Brackets: 95 % interval over people.",
        "",
    ]
    columns = [name for name in COLUMNS if name in result["methods"][MODEL]]
    lines += _table(
        ["method", *(COLUMNS[name][0] for name in columns)],
        [
            [name, *(_cell(found[column], COLUMNS[column][1]) for column in columns)]
            for name, found in result["methods"].items()
        ],
    )
    lines += ["", f"Hole IoU {_cell(result['hole_iou'], 3)}."]
    if "margin_over_ridge_pca" in result:
        margin = _cell(result["margin_over_ridge_pca"], 2)
        lines.append(f"Over ridge/PCA, pair by pair: {margin} dB of hole PSNR.")
    if result["bare"]["pairs"]:
        alone = _cell(result["bare"]["left_alone"], 3)
        lines.append(f"Bare faces left alone: {alone} of {result['bare']['pairs']}.")
    digits = {"hole_psnr": 2, "hole_ssim": 3, "hole_iou": 3}
    for kind, labels in result["slices"].items():
        lines += ["", f"## By {kind} (model, true hole; IoU of its own hole)", ""]
        lines += _table(
            [kind, "pairs", "hole PSNR, dB", "hole SSIM", "hole IoU"],
            [
                [label, str(found["pairs"]), *(_cell(found[key], n) for key, n in digits.items())]
                for label, found in labels.items()
            ],
        )
    lines += ["", "## Pictures", ""]
    lines += ["Input, expected, model with its own hole, ridge/PCA; deciles by hole PSNR.", ""]
    lines += [f"![{name} decile]({name}.png)\n" for name in ("best", "median", "worst")]
    lines += ["The lower faces are invented, not recovered: never use them to identify anyone."]
    if result["command"]:
        lines += ["", "Made by:", "", "```", result["command"], "```"]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    ruler = "|---|" + "---:|" * (len(head) - 1)
    return [f"| {' | '.join(head)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)]


def _cell(found: dict[str, Any], digits: int) -> str:
    if not found["count"]:
        return "–"
    low, high = (f"{found[end]:.{digits}f}" for end in ("low", "high"))
    return f"{found['mean']:.{digits}f} [{low}, {high}]"
