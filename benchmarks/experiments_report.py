"""Run folders of `experiments.py` -> exported files, scores on the test split, Markdown."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face import checkpoint as checkpoints
from mask2face import metrics
from mask2face.evaluation.baselines import fit_baselines
from mask2face.evaluation.descriptors import identity_distances
from mask2face.evaluation.scoring import composite, score
from mask2face.evaluation.stack import PairStack
from mask2face.exporters import cost
from mask2face.exporters.onnx import export
from mask2face.feed import Feed, StoredPairs
from mask2face.nets.extras import extra_of
from mask2face.restorer import ModelCard, Restorer
from mask2face.trainer import Trainer

if TYPE_CHECKING:
    from experiments import Experiment

DESCRIBED = 100  # pairs whose identity distances are measured; dlib takes 80 ms a picture
LEARN_FROM = 5000  # train pairs of the baselines
TIMED = 96  # crops
DRAWS = 3  # of the VAE
SHOWN = 10  # faces in the picture
PICTURE = 96  # px a face in the picture

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One method on the test pairs.

    Attributes:
        title: as printed.
        facts: parameters, gmac, images/s ...; empty for a baseline.
        scores: metric -> (N,).
        pictures: finished pictures with the true hole, uint8 (N, S, S, 3).
        noisy: whether other faces can be drawn from noise.
    """

    title: str
    facts: dict[str, float]
    scores: dict[str, Numbers]
    pictures: NDArray[np.uint8]
    noisy: bool = False


def write(experiments: "dict[str, Experiment]", pairs: Path, runs: Path, out: Path) -> None:
    """Score every experiment that has a finished run and write the report."""
    stack = PairStack.read(pairs, "test")
    learned = PairStack.read(pairs, "train").first(LEARN_FROM)
    found = {
        name: baseline(name, make, stack)
        for name, make in fit_baselines(learned.outputs, learned.holes).items()
    }
    for name, experiment in experiments.items():
        found[name] = tested(experiment.title, pairs, runs / name, stack)
        print(name, round(float(np.nanmean(found[name].scores["hole_psnr"])), 3), flush=True)
    pictures = {name: one.pictures for name, one in found.items()}
    distances = identity_distances(pictures, stack, DESCRIBED)
    for name, one in found.items():
        one.scores["identity"] = distances[name]
    draws = [sampled(runs / name, stack) for name in experiments if found[name].noisy]
    picture = out.parent / "images" / f"{out.stem}.jpg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet(found, stack, draws[0] if draws else [])).save(picture, quality=88)
    text = Report(experiments, found, stack, runs).markdown(picture, draws[0] if draws else [])
    out.write_text(text, encoding="utf-8")


def baseline(name: str, make: Any, stack: PairStack) -> Scored:  # noqa: ANN401
    """Score what needs no net."""
    made = composite(stack.inputs, make(stack.inputs, stack.holes), stack.holes)
    return Scored(name, {}, measured(made, stack), made)


def tested(title: str, pairs: Path, run: Path, stack: PairStack) -> Scored:
    """Export the last weights of a run and score the file."""
    about, net = checkpoints.load(run / "last.safetensors")
    weight = cost(net, about.side)
    card = ModelCard(
        name=run.name,
        version="1",
        side=about.side,
        net=about.net,
        parameters=weight.parameters,
        gmac=weight.gmac,
        licence="MIT",
        data="drawn pairs",
        training=f"{about.step} steps",
        embedder=about.embedder,
    )
    export(net, card, run / "model.onnx", overwrite=True)
    restorer = Restorer(run / "model.onnx", "cpu", threads=1)
    pictures, holes = restorer(stack.inputs)
    made = composite(stack.inputs, pictures, stack.holes)
    scores = measured(made, stack)
    overlaps = [
        metrics.hole_iou(hole, truth) for hole, truth in zip(holes, stack.holes, strict=True)
    ]
    scores["hole_iou"] = np.where(stack.masked, overlaps, np.nan)
    scores["raw_psnr"] = whole(pictures, stack)
    facts = {"parameters": float(weight.parameters), "gmac": weight.gmac}
    facts |= {"images_s": speed(restorer, stack), "training_s": training_speed(pairs, run)}
    noisy = restorer.extra is not None and restorer.extra.name == "noise"
    return Scored(title, facts, scores, made, noisy)


def shown(stack: PairStack) -> NDArray[np.int64]:
    """Return the test pairs in the picture."""
    masked = np.flatnonzero(stack.masked)
    return masked[np.random.default_rng(0).permutation(len(masked))[:SHOWN]]


def sampled(run: Path, stack: PairStack) -> list[NDArray[np.uint8]]:
    """Return `DRAWS` other faces of the pairs in the picture, each (SHOWN, S, S, 3)."""
    restorer = Restorer(run / "model.onnx", "cpu", threads=1)
    assert restorer.extra is not None
    rng, rows = np.random.default_rng(0), shown(stack)
    found = []
    for _ in range(DRAWS):
        noise = rng.standard_normal((len(rows), restorer.extra.size)).astype(np.float32)
        pictures, _ = restorer(stack.inputs[rows], noise)
        found.append(composite(stack.inputs[rows], pictures, stack.holes[rows]))
    return found


def diversity(draws: list[NDArray[np.uint8]], stack: PairStack) -> float:
    """Return the standard deviation between the draws inside the holes, grey levels of 255."""
    spread = np.std(np.stack(draws).astype(np.float32), 0).mean(-1)
    return float(spread[stack.holes[shown(stack)] > 0.5].mean())


def measured(made: NDArray[np.uint8], stack: PairStack) -> dict[str, Numbers]:
    """Return `evaluation.scoring.score` and `sharpness`: `edges` as a share of the truth's."""
    scores = score(made, stack.outputs, stack.holes)
    shares = [
        edges(picture, hole) / max(edges(truth, hole), 1e-3)
        for picture, truth, hole in zip(made, stack.outputs, stack.holes, strict=True)
    ]
    scores["sharpness"] = np.where(stack.masked, shares, np.nan)
    return scores


def edges(picture: NDArray[np.uint8], hole: NDArray[np.float32]) -> float:
    """Return the mean gradient of the luma well inside the hole, grey levels a pixel."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inside = cv2.erode((hole > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not inside.any():
        return 0.0
    return float(np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))[inside].mean()) / 8


def whole(pictures: NDArray[np.uint8], stack: PairStack) -> Numbers:
    """Return the PSNR of the net's whole output, as the article looks at it, nothing pasted."""
    values = [metrics.psnr(one, truth) for one, truth in zip(pictures, stack.outputs, strict=True)]
    return np.where(stack.masked, values, np.nan)


def speed(restorer: Restorer, stack: PairStack) -> float:
    """Return crops a second of the exported file on one thread; a second input is not timed."""
    crops, extra = stack.inputs[:TIMED], None
    if restorer.extra is not None:
        extra = np.zeros((len(crops), restorer.extra.size), np.float32)
    restorer(crops[:8], None if extra is None else extra[:8])
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        restorer(crops, extra)
        times.append(time.perf_counter() - begun)
    return len(crops) / min(times)


def training_speed(pairs: Path, run: Path) -> float:
    """Return pairs a second of training steps in the run's last phase, reading not counted."""
    from mask2face.recipe import read

    plan = read(run / "recipe.json")
    trainer = Trainer(plan, device="cpu", precision="auto")
    trainer.enter(len(plan.phases) - 1)
    trainer.step = plan.steps - 8
    wanted = extra_of(trainer.net)
    source = StoredPairs(pairs)
    embedded = wanted is not None and wanted.name == "face"
    feed = Feed(source.with_faces(wanted.size) if embedded else source, plan, workers=0)
    batches = feed.batches(len(plan.phases) - 1, plan.phases[-1].steps - 8)
    times = []
    for _ in range(4):
        batch = next(batches)
        begun = time.perf_counter()
        trainer.train_on(batch)
        times.append(time.perf_counter() - begun)
    feed.close()
    return plan.phases[-1].batch / min(times)


def sheet(
    found: dict[str, Scored], stack: PairStack, draws: list[NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """Return input, truth and every method on some test faces, a row a method."""
    chosen = shown(stack)
    rows = [("input", stack.inputs), ("expected", stack.outputs)]
    rows += [(one.title, one.pictures) for name, one in found.items() if name != "masked input"]
    shorter = [(title, pictures[chosen]) for title, pictures in rows]
    shorter += [(f"VAE, sample {number}", one) for number, one in enumerate(draws, 1)]
    strips = []
    for title, pictures in shorter:
        label = np.full((PICTURE, 330, 3), 255, np.uint8)
        text = title.replace("–", "-").replace("`", "")
        cv2.putText(label, text, (4, PICTURE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1)
        large = [
            cv2.resize(one, (PICTURE, PICTURE), interpolation=cv2.INTER_CUBIC) for one in pictures
        ]
        strips.append(np.concatenate([label, *large], 1))
    return np.concatenate(strips)


_INTRODUCTION = """# Every architecture and every loss of the article, at one budget

Each net saw the same {pairs} pairs ({steps} steps of {batch}) of {side} px in the same order from
the same seed, with Adam (1e-3, warm-up, half a cosine to 0) and weights averaged over the steps;
the file exported from it is scored on {masked} test pairs of {people} people whom no net has seen.
Filters and kernels are the article's, narrower, and all nets are normalised alike, but where it is
said: see `benchmarks/experiments.py`. This is a **small** budget, minutes on one core a net: it
ranks what learns fast, not what is best after days on a GPU. Brackets are 95 % intervals over
people. The hole is given (the true one), so that all paint the same pixels; *own output* is the
net's whole picture with nothing pasted, as the article looks at it. The loss is `ssim_l1_loss`, but
where another is named; `mse` is taken 20 times and `mae` 4 times, so that each weighs about as
much as SSIM beside the cross-entropy of the hole.
"""
_SPREAD = """{draws} faces drawn by the VAE from noise differ inside the hole by {spread:.1f} of 255
(standard deviation, mean over the pictured faces); outside it by 0.
"""
_LEGEND = """Parameters are those that are trained; GMAC for one crop, a frozen EfficientNet
included. Images/s: the exported file in ONNX Runtime on one thread; trained pairs/s: steps of the
last phase on one thread; both measured in the run that made this table, so that only their ratios
mean anything (the face embedding, some 80 ms of dlib a face, is not in them). Identity distance:
dlib's descriptor between result and truth on 100 pairs, lower is closer. Sharpness: gradients
inside the hole as a share of the truth's, 1 = as sharp.
"""


class Report:
    """The text.

    Args:
        experiments: by name.
        found: scores by name, baselines first.
        stack: the test pairs.
        runs: the run folders.
    """

    def __init__(
        self,
        experiments: "dict[str, Experiment]",
        found: dict[str, Scored],
        stack: PairStack,
        runs: Path,
    ) -> None:
        self.experiments, self.found, self.stack, self.runs = experiments, found, stack, runs

    def mean(self, name: str, metric: str) -> str:
        """Return the mean of a metric with its 95 % interval over people."""
        values = self.found[name].scores.get(metric)
        if values is None:
            return "–"
        digits = {"hole_psnr": 2, "raw_psnr": 2}.get(metric, 3)
        one = self._estimate(values)
        return f"{one.mean:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"

    def _estimate(self, values: Numbers) -> metrics.Estimate:
        rows = np.isfinite(values)
        who = [self.stack.identities[index] for index in np.flatnonzero(rows)]
        return metrics.estimate(values[rows], who)

    def margin(self, better: str, worse: str, metric: str) -> str:
        """Return how much `better` lies above `worse`, pair by pair, and whether that is sure."""
        if better not in self.found or worse not in self.found:
            return "not run"
        values = self.found[better].scores[metric] - self.found[worse].scores[metric]
        one = self._estimate(values)
        unit = " dB" if metric.endswith("psnr") else ""
        sure = (
            "yes"
            if one.low > 0
            else "**no, the other way round**"
            if one.high < 0
            else "not decided"
        )
        return f"{one.mean:+.3f}{unit} [{one.low:+.3f}, {one.high:+.3f}] | {sure}"

    def markdown(self, picture: Path, draws: list[NDArray[np.uint8]]) -> str:
        """Return the whole report."""
        spread = []
        if draws:
            text = _SPREAD.format(spread=diversity(draws, self.stack), draws=len(draws))
            spread = ["", *text.splitlines()]
        facts = json.loads((next(iter(self._folders())) / "recipe.json").read_text())
        steps = sum(phase["steps"] for phase in facts["phases"])
        batch, side = facts["phases"][0]["batch"], facts["phases"][0]["side"]
        masked = int(self.stack.masked.sum())
        people = len(set(self.stack.identities))
        head = _INTRODUCTION.format(
            pairs=steps * batch, steps=steps, batch=batch, side=side, masked=masked, people=people
        ).splitlines()
        parts = [*head, "", *self._table(), *spread, "", *self._claims(), "", *self._tail(picture)]
        return "\n".join(parts)

    def _folders(self) -> list[Path]:
        return [self.runs / name for name in self.experiments]

    def _table(self) -> list[str]:
        columns = (
            "experiment | parameters, M | GMAC | images/s | trained pairs/s | hole PSNR, dB | "
            "hole SSIM | own output PSNR, dB | hole IoU | identity distance | sharpness"
        )
        lines = [f"| {columns} |", "|---|" + "---:|" * 10]
        for name, one in self.found.items():
            cells = ["–"] * 4
            if one.facts:
                cells = [f"{one.facts['parameters'] / 1e6:.2f}", f"{one.facts['gmac']:.3f}"]
                cells += [f"{one.facts[key]:.0f}" for key in ("images_s", "training_s")]
            names = ("hole_psnr", "hole_ssim", "raw_psnr", "hole_iou", "identity", "sharpness")
            cells += [self.mean(name, metric) for metric in names]
            lines.append(f"| {one.title} | {' | '.join(cells)} |")
        lines += ["", *_LEGEND.splitlines()]
        return lines

    def _claims(self) -> list[str]:
        rows = [
            ("skip connections help (U-Net over encoder–decoder)", "unet", "encoder_decoder"),
            ("ResNet blocks help (over plain U-Net)", "resnet_unet", "unet"),
            ("batch normalisation helps the ResNet U-Net", "resnet_unet", "resnet_unet_plain"),
            ("the ImageNet embedding helps the U-Net", "unet_imagenet", "unet"),
            ("both embeddings help the ResNet U-Net", "resnet_unet_embeddings", "resnet_unet"),
            ("a refinement network helps (over plain U-Net)", "refinement", "unet"),
            ("SSIM beats MSE", "loss_ssim", "loss_mse"),
            ("SSIM beats MAE", "loss_ssim", "loss_mae"),
            ("SSIM + L1 beats MSE", "resnet_unet", "loss_mse"),
            ("our net with our losses beats the ResNet U-Net", "ours", "resnet_unet"),
        ]
        lines = ["## What it says about the article's claims", ""]
        lines += ["| claim | hole PSNR | so? | hole SSIM | so? |", "|---|---:|---|---:|---|"]
        for claim, better, worse in rows:
            cells = [self.margin(better, worse, metric) for metric in ("hole_psnr", "hole_ssim")]
            lines.append(f"| {claim} | {' | '.join(cells)} |")
        lines += ["", "| claim | sharpness | so? |", "|---|---:|---|"]
        for claim, better, worse in (
            ("a GAN is sharper than its net without the critic", "gan", "resnet_unet"),
            ("a VAE is smoother than the encoder–decoder", "encoder_decoder", "vae"),
            ("MSE is blurrier than SSIM", "loss_ssim", "loss_mse"),
        ):
            lines.append(f"| {claim} | {self.margin(better, worse, 'sharpness')} |")
        return lines

    def _tail(self, picture: Path) -> list[str]:
        return [
            "## Pictures",
            "",
            f"Test faces chosen by seed, not by hand; {self.stack.side} px, true hole.",
            "",
            f"![input, expected and every experiment](images/{picture.name})",
            "",
            "The lower faces are invented, not recovered: never use them to identify anyone.",
            "",
            "Made by:",
            "",
            "```",
            "mask2face dataset embed PAIRS",
            "python benchmarks/experiments.py train PAIRS RUNS",
            "python benchmarks/experiments.py report PAIRS RUNS docs/experiments.md",
            "```",
            "",
        ]
