"""How easily a small classifier tells drawn face masks from real ones: AUC, 0.5 = not at all.

    python benchmarks/realism.py --real FOLDER_OF_PHOTOS --crops CROP_CACHE --out FOLDER

Both kinds go the same way: CenterFace on the photo *with* the face mask, the same alignment, the
same net for the hole, the same resolution and JPEG. The bare faces to draw on are chosen so that
the light, colour, contrast and sharpness around their eyes match the real photos'. What is left of
the difference between the data sets shows in the control: the same classifier on the band of the
eyes, where no face mask is: an AUC near the control's may come from the data sets alone, though the
control is no strict bound, for another region may show more or less of them.
Features are frozen EfficientNet-Lite0 maps, averaged over the region; the classifier is a logistic
regression, in five folds that share no photo and no person.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment, minimize
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

import mask2face
from mask2face import photos
from mask2face.crops import CropCache
from mask2face.detectors import CenterFace
from mask2face.efficientnet import LiteFeatures
from mask2face.facemasks import WEIGHTS, draw_random
from mask2face.faces import Face, align, alignment, cut
from mask2face.hole_weights import is_masked
from mask2face.restorer import Restorer, find_model

SIDE = 96  # px of the crops that are compared; every real face kept had 128 or more
EYES = 0.37 * SIDE  # row of the eyes
APART = 0.27 * SIDE  # px, the unit of all positions: eye distance seen from the front
QUALITY = 85  # of the JPEG that both kinds pass through last
LEAST_INSIDE = 0.9  # of the crop inside the photo
NOT_WORN = ("polygon", "bare", "hand")  # styles that stand for no face mask of the real photos
POOL = 6  # bare faces to choose each matched one from
STAGES = (4, 8, 16)  # strides of the features
PENALTY = 3.0  # of the logistic regression, chosen once on the generator of issue 2
FOLDS = 5
GREY = 127

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Faces:
    """Aligned faces in face masks.

    Attributes:
        crops: uint8 (N, SIDE, SIDE, 3) RGB.
        holes: float32 (N, SIDE, SIDE), the net's probability.
        names: photo of each, or person: what folds must not share.
        notes: style or photo, for the contact sheets.
    """

    crops: Pixels
    holes: NDArray[np.float32]
    names: tuple[str, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


class Finder:
    """Photo with a face mask -> aligned crop and hole; the same for both kinds."""

    def __init__(self, model: str | None) -> None:
        self.detector = CenterFace("cpu", threshold=0.4, threads=1)
        self.restorer = Restorer(find_model(model), "cpu", threads=1)

    def __call__(self, photo: Pixels, face: Face) -> tuple[Pixels, NDArray[np.float32]] | None:
        """Return crop and hole of `face`, None where it is too small, cut off or not sure."""
        side = self.restorer.card.side
        matrix = alignment(face, side)
        inside = cv2.warpAffine(np.ones(photo.shape[:2], np.float32), matrix, (side, side))
        if np.hypot(*matrix[:, 0]) > 1 or inside.mean() < LEAST_INSIDE:
            return None
        crop = cut(photo, matrix, side)
        hole = self.restorer(crop[None])[1][0]
        if not is_masked(hole, float((hole > 0.5).mean())):
            return None
        return seen(crop), cv2.resize(hole, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def seen(crop: Pixels) -> Pixels:
    """Return the crop at the common resolution, after the common JPEG."""
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    packed = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])


def real_faces(folder: Path, finder: Finder) -> Faces:
    """Return the masked faces of real photos."""
    found: list[tuple[Pixels, NDArray[np.float32], str, str]] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in photos.READABLE_SUFFIXES:
            continue
        photo = photos.read(path).pixels
        for face in finder.detector(photo):
            result = finder(photo, face)
            if result is not None:
                found.append((*result, path.stem, path.stem))
    return gathered(found)


def gathered(found: list[tuple[Pixels, NDArray[np.float32], str, str]]) -> Faces:
    """Return the parts as one `Faces`."""
    crops, holes, names, notes = zip(*found, strict=True)
    return Faces(np.stack(crops), np.stack(holes), names, notes)


def band(crop: Pixels) -> Pixels:
    """Return the eyes and what is between and just above them: no face mask, no background."""
    return crop[round(0.27 * SIDE) : round(0.42 * SIDE), round(0.29 * SIDE) : round(0.71 * SIDE)]


def look(crop: Pixels) -> Floats:
    """Return light, colour, contrast and sharpness of the band around the eyes."""
    lab = cv2.cvtColor(band(crop), cv2.COLOR_RGB2LAB).astype(np.float64)
    light = lab[..., 0]
    fine = light - cv2.GaussianBlur(light, (0, 0), 1)
    coarse = cv2.GaussianBlur(light, (0, 0), 1) - cv2.GaussianBlur(light, (0, 0), 3)
    return np.array([*lab.mean((0, 1)), light.std(), np.log(fine.std()), np.log(coarse.std())])


def matched(cache: CropCache, real: Faces, count: int, rng: np.random.Generator) -> list[int]:
    """Return crops of the cache, never of its test split, that look as the real photos do."""
    usable = np.concatenate([cache.indices("train"), cache.indices("validation")])
    pool = rng.choice(usable, min(len(usable), POOL * count), replace=False)
    looks = []
    for index in pool:
        clean = cache[index]
        looks.append(look(seen(cut(clean.crop, align(clean.eyes, clean.height, 128), 128))))
    wanted = np.array([look(crop) for crop in real.crops])
    wanted = wanted[np.resize(rng.permutation(len(wanted)), count)]
    cost = cdist(wanted / wanted.std(0), np.array(looks) / wanted.std(0), "sqeuclidean")
    return [int(pool[column]) for column in linear_sum_assignment(cost)[1]]


def drawn_faces(cache: CropCache, indices: list[int], finder: Finder, seed: int) -> Faces:
    """Return faces of the cache with a face mask drawn over nose and mouth."""
    weights = {name: share for name, share in WEIGHTS.items() if name not in NOT_WORN}
    found = []
    for index in indices:
        clean = cache[index]
        rng = np.random.default_rng((seed, index))
        drawn = draw_random(clean.crop, clean.landmarks, rng, weights)
        while drawn.options.get("wear", "over_nose") != "over_nose":
            drawn = draw_random(clean.crop, clean.landmarks, rng, weights)
        faces = finder.detector(drawn.photo)
        eyes = [np.abs(face.landmarks[:2] - clean.eyes).max() for face in faces]
        if not eyes or min(eyes) > 0.3 * np.hypot(*(clean.eyes[1] - clean.eyes[0])):
            continue
        result = finder(drawn.photo, faces[int(np.argmin(eyes))])
        if result is not None:
            colour = drawn.options.get("colour", "")
            note = f"{drawn.style} {colour}"
            found.append((*result, cache.rows[index]["identity"], note))
    return gathered(found)


# --- views: crop, hole -> picture and the weight of its pixels


def garment(hole: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the largest piece of the hole."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((hole > 0.5).astype(np.uint8))
    return np.asarray(labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA]), bool)


def depth_of(inside: NDArray[np.bool_]) -> Floats:
    """Return the distance from the rim in px, positive inside."""
    return np.asarray(distance_transform_edt(inside) - distance_transform_edt(~inside), float)


def whole(crop: Pixels, inside: NDArray[np.bool_]) -> tuple[Pixels, Floats]:
    """Show the face mask alone."""
    return np.where(inside[..., None], crop, np.uint8(GREY)), inside.astype(float)


def cloth(crop: Pixels, inside: NDArray[np.bool_]) -> tuple[Pixels, Floats]:
    """Show a window in the middle of the face mask: neither rim nor shape."""
    rows = slice(round(0.60 * SIDE), round(0.79 * SIDE))
    columns = slice(round(0.37 * SIDE), round(0.63 * SIDE))
    part = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    part[: SIDE // 4 * 3, :] = cv2.resize(crop[rows, columns], (SIDE, SIDE // 4 * 3))
    weight = np.zeros((SIDE, SIDE))
    weight[: SIDE // 4 * 3] = 1
    return part, weight


def rim(crop: Pixels, inside: NDArray[np.bool_]) -> tuple[Pixels, Floats]:
    """Show what lies within 4 px of the rim on both sides."""
    near = np.abs(depth_of(inside)) < 4
    return np.where(near[..., None], crop, np.uint8(GREY)), near.astype(float)


def control(crop: Pixels, inside: NDArray[np.bool_]) -> tuple[Pixels, Floats]:
    """Show the band around the eyes alone."""
    weight = np.zeros(inside.shape)
    band(weight)[:] = 1
    return np.where(weight[..., None] > 0, crop, np.uint8(GREY)).astype(np.uint8), weight


CONTROL = "control: eyes"
View = Callable[[Pixels, NDArray[np.bool_]], tuple[Pixels, Floats]]
VIEWS: dict[str, View] = {
    "whole face mask": whole,
    "cloth only": cloth,
    "rim only": rim,
    CONTROL: control,
}


def features(faces: Faces, view: View, net: LiteFeatures) -> Floats:
    """Return means and deviations of the net's maps over the region, (N, F)."""
    rows = []
    for start in range(0, len(faces), 32):
        shown = [
            view(crop, garment(hole))
            for crop, hole in zip(
                faces.crops[start : start + 32], faces.holes[start : start + 32], strict=True
            )
        ]
        pictures = np.stack([picture for picture, _ in shown]).transpose(0, 3, 1, 2)
        weights = torch.from_numpy(np.stack([weight for _, weight in shown])[:, None]).float()
        parts = []
        with torch.inference_mode():
            for found in net(torch.from_numpy(pictures.astype(np.float32) / 255)):
                weight = torch.nn.functional.adaptive_avg_pool2d(weights, found.shape[2:])
                weight = weight / weight.sum((2, 3), keepdim=True).clamp_min(1e-6)
                mean = (found * weight).sum((2, 3))
                spread = ((found - mean[..., None, None]) ** 2 * weight).sum((2, 3)).sqrt()
                parts += [mean, spread]
        rows.append(torch.cat(parts, 1).numpy())
    return np.concatenate(rows).astype(np.float64)


def outlines(faces: Faces) -> Floats:
    """Return the shapes of the holes, 12 x 12 shares each: too coarse for the net's own habits."""
    holes = [garment(hole).astype(np.float32) for hole in faces.holes]
    small = [cv2.resize(hole, (12, 12), interpolation=cv2.INTER_AREA) for hole in holes]
    return np.array(small, float).reshape(len(faces), -1)


# --- statistics with names: what differs


def statistics(crop: Pixels, hole: NDArray[np.float32]) -> dict[str, float]:
    """Return named numbers of one face mask; positions in eye distances from the eyes."""
    inside = garment(hole)
    return {**_shape(inside), **_colour(crop, inside), **_rim(crop, inside)}


def _shape(inside: NDArray[np.bool_]) -> dict[str, float]:
    middle = round(SIDE / 2 - 0.5)
    result = {}
    for name, offset in (("middle", 0.0), ("left", -0.5), ("right", 0.5)):
        column = round(middle + offset * APART)
        rows = np.flatnonzero(inside[:, column - 1 : column + 2].mean(1) > 0.5)
        result[f"shape: top, {name}"] = (rows[0] - EYES) / APART if rows.size else np.nan
        result[f"shape: bottom, {name}"] = (rows[-1] - EYES) / APART if rows.size else np.nan
    wide = inside.sum(1)
    for name, row in (("nose", 0.55), ("mouth", 0.7), ("chin", 0.82)):
        result[f"shape: width at the {name}"] = wide[round(row * SIDE)] / APART
    rows = np.flatnonzero(wide)
    result["shape: highest row"] = (rows[0] - EYES) / APART
    result["shape: lowest row"] = (rows[-1] - EYES) / APART
    result["shape: area"] = inside.sum() / APART**2
    body = cv2.morphologyEx(
        inside.astype(np.uint8),
        cv2.MORPH_OPEN,
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)),
    )
    result["shape: share in thin parts (loops)"] = 1 - body.sum() / inside.sum()
    hull = cv2.convexHull(np.argwhere(inside)[:, ::-1].astype(np.int32))
    result["shape: area over convex hull"] = inside.sum() / max(cv2.contourArea(hull), 1)
    return result


def _colour(crop: Pixels, inside: NDArray[np.bool_]) -> dict[str, float]:
    core = depth_of(inside) > 3
    if core.sum() < 50:
        core = inside
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(float)
    light = lab[..., 0]
    skin = band(lab)[..., 0].mean()
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    filled = np.where(inside, light, light[inside].mean()).astype(np.float64)
    one, two, four = (cv2.GaussianBlur(filled, (0, 0), sigma) for sigma in (0.8, 2, 5))
    y, x = np.nonzero(core)
    slope = np.linalg.lstsq(np.stack([x, y, np.ones_like(x)], 1) / SIDE, light[core], rcond=None)[0]
    depth = depth_of(inside)
    edge, heart = inside & (depth < 4), depth > 8
    return {
        "colour: lightness": light[core].mean(),
        "colour: lightness over skin": light[core].mean() - skin,
        "colour: lightness, 5 %": np.quantile(light[core], 0.05),
        "colour: lightness, 95 %": np.quantile(light[core], 0.95),
        "colour: red-green": lab[core][:, 1].mean(),
        "colour: yellow-blue": lab[core][:, 2].mean(),
        "colour: chroma": chroma[core].mean(),
        "colour: chroma, spread": chroma[core].std(),
        "colour: hue spread": float(np.sqrt(lab[core][:, 1:].var(0).sum())),
        "light: contrast": light[core].std(),
        "light: contrast below 1 px": np.log(1e-2 + (filled - one)[core].std()),
        "light: contrast 1-3 px": np.log(1e-2 + (one - two)[core].std()),
        "light: contrast 3-7 px": np.log(1e-2 + (two - four)[core].std()),
        "light: contrast above 7 px": np.log(1e-2 + four[core].std()),
        "light: fine over coarse": np.log(
            (0.1 + (filled - one)[core].std()) / (0.1 + four[core].std())
        ),
        "light: slope across": abs(slope[0]),
        "light: slope down": slope[1],
        "light: heart over edge": light[heart].mean() - light[edge].mean() if heart.any() else 0.0,
        "light: share of white": float((crop[core].min(1) > 245).mean()),
    }


def _rim(crop: Pixels, inside: NDArray[np.bool_]) -> dict[str, float]:
    """Profiles of lightness across the rim, by distance of the net's contour."""
    light = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    depth = depth_of(inside)
    up = np.gradient(depth, axis=0) > 0.5  # the face mask lies below: its upper rim
    down = np.gradient(depth, axis=0) < -0.5
    sideways = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    result = {}
    for name, where in (("upper", up), ("lower", down)):
        near = where & (np.abs(depth) < 3)
        far_in = light[where & (depth > 4) & (depth < 8)]
        far_out = light[where & (depth < -4) & (depth > -8)]
        beside = light[where & (depth < -1) & (depth > -3.5)]
        lip = light[where & (depth > 1) & (depth < 3.5)]
        if min(map(len, (light[near], far_in, far_out, beside, lip))) < 5:
            values = [np.nan] * 4
        else:
            step = abs(far_in.mean() - far_out.mean()) + 5
            steep = np.quantile(sideways[near], 0.75)
            values = [
                steep,
                steep / step,
                beside.mean() - far_out.mean(),
                lip.mean() - far_in.mean(),
            ]
        keys = ("gradient", "gradient over step", "shadow outside", "lip inside")
        result |= {f"rim: {name}, {key}": value for key, value in zip(keys, values, strict=True)}
    return result


# --- classifier


def auc(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve."""
    ranks = rankdata(scores)
    positive = int(truth.sum())
    above = ranks[truth].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(truth) - positive)))


def fitted(x: Floats, truth: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
    """Return a logistic regression: features -> score."""
    mean, spread = x.mean(0), x.std(0) + 1e-6
    z = np.clip((x - mean) / spread, -5, 5)
    sign = np.where(truth, 1.0, -1.0)
    weight = np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = sign * (z @ w[:-1] + w[-1])
        slope = -weight * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = (weight * np.logaddexp(0, -margin)).sum() + PENALTY * z.shape[1] / 10 * w[:-1] @ w[
            :-1
        ]
        return value, np.append(z.T @ slope + PENALTY * z.shape[1] / 5 * w[:-1], slope.sum())

    w = minimize(
        loss, np.zeros(z.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 80}
    ).x
    return lambda new: np.clip((new - mean) / spread, -5, 5) @ w[:-1] + w[-1]


def cross_scores(x: Floats, truth: NDArray[np.bool_], names: list[str], seed: int) -> Floats:
    """Return each face's score from a classifier that saw neither its photo nor its person."""
    groups = np.unique(names, return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(groups.max() + 1)[groups] % FOLDS
    scores = np.zeros(len(truth))
    for held in range(FOLDS):
        scores[fold == held] = fitted(x[fold != held], truth[fold != held])(x[fold == held])
    return scores


def measured(x: Floats, truth: NDArray[np.bool_], names: list[str], seeds: int) -> dict[str, Any]:
    """Return AUC (mean, sd over divisions into folds), a bootstrap interval and mean scores."""
    scores = np.stack([cross_scores(x, truth, names, seed) for seed in range(seeds)])
    values = [auc(row, truth) for row in scores]
    rng, mean = np.random.default_rng(0), scores.mean(0)
    again = []
    for _ in range(200):
        pick = rng.integers(0, len(truth), len(truth))
        again.append(auc(mean[pick], truth[pick]))
    low, high = np.quantile(again, (0.025, 0.975))
    return {
        "auc": float(np.mean(values)),
        "sd": float(np.std(values)),
        "interval": (float(low), float(high)),
        "scores": mean,
    }


# --- report


def named_table(real: Faces, drawn: Faces) -> tuple[list[dict[str, Any]], Floats]:
    """Return each statistic's AUC and quantiles, the most telling first, and all values."""
    every = [
        statistics(crop, hole)
        for faces in (real, drawn)
        for crop, hole in zip(faces.crops, faces.holes, strict=True)
    ]
    values = np.array([list(row.values()) for row in every], float)
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    truth = np.arange(len(values)) >= len(real)
    rows = []
    for column, name in enumerate(every[0]):
        value = auc(values[:, column], truth)
        quantiles = [
            np.quantile(values[part, column], (0.1, 0.25, 0.5, 0.75, 0.9)).round(3).tolist()
            for part in (~truth, truth)
        ]
        rows.append({"name": name, "auc": value, "real": quantiles[0], "drawn": quantiles[1]})
    return sorted(rows, key=lambda row: -abs(row["auc"] - 0.5)), values


def sheet(faces: Faces, order: NDArray[np.int64], path: Path, columns: int = 12) -> None:
    """Write crops in `order` as one picture, the hole's contour not shown."""
    cells = [cv2.resize(faces.crops[index], (128, 128)) for index in order]
    cells += [np.zeros((128, 128, 3), np.uint8)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], 1) for i in range(0, len(cells), columns)]
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def kept(path: Path | None, make: Callable[[], Faces]) -> Faces:
    """Return what `make` gives, from the file `path` where an earlier run left it."""
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as file:
            names, notes = (tuple(map(str, file[key])) for key in ("names", "notes"))
            return Faces(file["crops"], file["holes"], names, notes)
    faces = make()
    if path is not None:
        np.savez(path, **vars(faces))
    return faces


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--real", type=Path, required=True, help="folder of photos of real ones")
    parser.add_argument("--crops", type=Path, required=True, help="crop cache to draw on")
    parser.add_argument("--count", type=int, default=500, help="faces to draw on")
    parser.add_argument("--seed", type=int, default=0, help="of choice and drawing")
    parser.add_argument("--seeds", type=int, default=5, help="divisions into folds")
    parser.add_argument("--model", help="net that finds the holes: keep it when comparing")
    parser.add_argument("--keep", type=Path, help=".npz to keep the real faces in between runs")
    parser.add_argument("--out", type=Path, help="folder for contact sheets and realism.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    print(f"generator: {Path(mask2face.__file__).parent}")
    finder = Finder(given.model)
    real = kept(given.keep, lambda: real_faces(given.real, finder))
    print(f"{len(real)} real faces, {time.perf_counter() - began:.0f} s", flush=True)
    cache = CropCache.open(given.crops)
    chosen = matched(cache, real, given.count, np.random.default_rng(given.seed))
    drawn = drawn_faces(cache, chosen, finder, given.seed)
    print(f"{len(drawn)} drawn of {given.count}, {time.perf_counter() - began:.0f} s", flush=True)
    report(real, drawn, given.seeds, given.out)
    print(f"{time.perf_counter() - began:.0f} s")


def report(real: Faces, drawn: Faces, seeds: int, out: Path | None) -> None:
    """Print the tables; write sheets and numbers into `out`."""
    truth = np.arange(len(real) + len(drawn)) >= len(real)
    names = [f"real {name}" for name in real.names] + [f"drawn {name}" for name in drawn.names]
    net = LiteFeatures(STAGES)
    results: dict[str, Any] = {}
    print("\n| what the classifier sees | AUC | sd over folds | 95 % |\n|---|---:|---:|---|")

    def add(label: str, x: Floats) -> None:
        results[label] = measured(x, truth, names, seeds)
        low, high = results[label]["interval"]
        line = f"| {label} | {results[label]['auc']:.3f} | {results[label]['sd']:.3f} |"
        print(f"{line} {low:.3f}-{high:.3f} |", flush=True)

    rows, values = named_table(real, drawn)
    add(f"{values.shape[1]} named statistics", values)
    add("outline only", np.concatenate([outlines(real), outlines(drawn)]))
    for label, view in VIEWS.items():
        add(label, np.concatenate([features(faces, view, net) for faces in (real, drawn)]))
    print("\n| statistic (AUC > .5: drawn is higher) | AUC | real 10/50/90 % | drawn 10/50/90 % |")
    print("|---|---:|---|---|")
    for row in rows:
        ranges = [
            " / ".join(f"{row[kind][i]:.2f}" for i in (0, 2, 4)) for kind in ("real", "drawn")
        ]
        print(f"| {row['name']} | {row['auc']:.3f} | {ranges[0]} | {ranges[1]} |")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(out / "drawn.npz", **vars(drawn))
        scores = results["whole face mask"]["scores"]
        sheet(real, np.argsort(-scores[~truth])[:72], out / "real_like_drawn.png")
        sheet(real, np.argsort(scores[~truth])[:72], out / "real_surest.png")
        sheet(drawn, np.argsort(-scores[truth])[:72], out / "drawn_surest.png")
        sheet(drawn, np.argsort(scores[truth])[:72], out / "drawn_like_real.png")
        figures = {
            key: {k: v for k, v in value.items() if k != "scores"} for key, value in results.items()
        }
        text = json.dumps({"aucs": figures, "statistics": rows}, indent=1)
        (out / "realism.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
