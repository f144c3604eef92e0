"""What was measured of the shipped models -> the text of docs/model-card.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import model_card_text as text
from model_card_tables import Facts, cell, cells, percent, table
from twins import TWIN, released

from mask2face.errors import DataError
from mask2face.restorer import ModelCard

OWN, INPUT = "model, its own hole", "masked input"
WEIGHTS = Path("src/mask2face/weights")  # a name alone would be the int8 file on a CPU
SLICES = {  # kind -> what divides it
    "style": "style of the face mask",
    "head": "turn of the head",
    "worn": "how the face mask is worn",
    "light": "light on the upper face",
    "hole": "share of the crop that the face mask covers",
    "colour": "photo",
}
REAL = {
    "masked_found": "photos with a masked face found",
    "face_before": "photos in which dlib's HOG finds a face, before",
    "face_after": "photos in which dlib's HOG finds a face, after",
    "masked_after": "masked faces that HOG finds, after",
    "outside_identical": "photos identical outside the hole, bit for bit",
}


@dataclass(frozen=True)
class Entry:
    """A model and what was measured of it.

    Attributes:
        name: as in `--model NAME`; that of the twin in integers ends with `TWIN`.
        card: what its file says.
        size: of the file, bytes.
        report: of `evaluate`.
        recipe: what its recipe file holds; None where none is shipped.
        nearer: how much nearer to the truth the result is than the masked photo, in identity
            distance, pair by pair; None where it was not measured.
        real: of `evaluate --real` on photos of face masks.
        bare: of `evaluate --real` on photos of bare faces.
    """

    name: str
    card: ModelCard
    size: int
    report: Facts
    recipe: Facts | None = None
    nearer: Facts | None = None
    real: Facts | None = None
    bare: Facts | None = None

    @property
    def twin(self) -> bool:
        """Whether it computes in integers."""
        return self.name.endswith(TWIN)

    @property
    def file(self) -> str:
        """Its path in the repository."""
        return released(WEIGHTS, self.name).as_posix()


def page(entries: Sequence[Entry]) -> str:
    """Return the page.

    Raises:
        DataError: the reports are of different tests.
    """
    first = entries[0].report
    for entry in entries[1:]:
        if entry.report["methods"][INPUT]["hole_psnr"] != first["methods"][INPUT]["hole_psnr"]:
            raise DataError(
                f"the reports of {entries[0].name} and {entry.name} are of different test pairs: "
                "evaluate both on the same ones"
            )
    parts = [text.HEAD, models(entries), text.USE, text.DATA, training(entries)]
    parts += [quality(entries), slices(entries), identity(entries), real(entries)]
    parts += [text.LIMITS.format(side=first["model"]["side"]), commands(entries)]
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def models(entries: Sequence[Entry]) -> str:
    """Return the table of what the models are."""
    rows: list[tuple[str, Callable[[Entry], str]]] = [
        ("version", lambda one: one.card.version),
        ("net", lambda one: f"`{one.card.net}`"),
        ("parameters", lambda one: f"{one.card.parameters / 1e6:.2f} M"),
        ("cost of a face", lambda one: f"{one.card.gmac:.2f} GMAC"),
        ("crop", lambda one: f"{one.card.side} px"),
        ("file", lambda one: f"{one.size / 1e6:.1f} MB"),
        ("terms", lambda one: one.card.licence),
    ]
    lines = ["## The models", ""]
    lines += table(
        ["", *(f"`{one.name}`" for one in entries)],
        [[name, *(tell(one) for one in entries)] for name, tell in rows],
    )
    if len(entries) > 1:
        lines += ["", text.WHICH.strip()]
    if any(one.twin for one in entries):
        lines += ["", text.TWINS.strip()]
    return "\n".join(lines)


def training(entries: Sequence[Entry]) -> str:
    """Return how the models were trained."""
    lines = ["## How they were trained", ""]
    for entry in (one for one in entries if not one.twin):
        lines.append(f"- **{entry.name}**: {entry.card.training}. Data: {entry.card.data}.")
        if entry.recipe:
            link = f"../src/mask2face/recipes/{entry.name}.json"
            lines.append(f"  [Its recipe]({link}): {phases(entry.recipe)}.")
    return "\n".join([*lines, "", text.RECIPES])


def phases(recipe: Facts) -> str:
    """Return a recipe's phases in words; like neighbours are taken together."""
    runs: list[tuple[str, int]] = []
    for phase in recipe["phases"]:
        critic = "with a critic" if phase.get("adversarial") else "without a critic"
        kind = f"at {phase['side']} px {critic}, batch {phase['batch']}"
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + phase["steps"])
        else:
            runs.append((kind, phase["steps"]))
    return "; ".join(f"{steps} steps {kind}" for kind, steps in runs)


def quality(entries: Sequence[Entry]) -> str:
    """Return the table of methods: the baselines, then the models."""
    report = entries[0].report
    covered = percent(report["hole_fraction"]["mean"])
    lines = [text.QUALITY.format(covered=covered, **report)]
    rows = [
        [name, *cells(found)]
        for name, found in report["methods"].items()
        if not name.startswith("model,")
    ]
    for entry in entries:
        found = entry.report["methods"]
        rows.append([f"`{entry.name}`, true hole", *cells(found["model, true hole"])])
        rows.append([f"**`{entry.name}`**", *cells(found[OWN])])
    head = ["method", "hole PSNR, dB", "hole SSIM", "hole L1", "whole PSNR, dB"]
    lines += [*table(head, rows), ""]
    for entry in entries:
        lines.append(f"- `{entry.name}`: {facts_of(entry.report)}.")
    return "\n".join(lines)


def facts_of(report: Facts) -> str:
    """Return the numbers of a report that stand in no table."""
    found = [f"hole IoU {cell(report['hole_iou'], 3)}"]
    if "margin_over_ridge_pca" in report:
        found.append(f"{cell(report['margin_over_ridge_pca'], 2)} dB over ridge/PCA, pair by pair")
    bare = report["bare"]
    if bare["pairs"]:
        found.append(f"{cell(bare['left_alone'], 3)} of {bare['pairs']} bare crops left alone")
    return "; ".join(found)


def slices(entries: Sequence[Entry]) -> str:
    """Return a table for each way in which the pairs are divided, without the twins."""
    entries = [one for one in entries if not one.twin]
    found = [divided(one.report) for one in entries]
    lines = [text.SLICES]
    names = [one.name for one in entries]
    heads = [f"`{name}` {what}" for what in ("PSNR", "IoU") for name in names]
    for kind, labels in found[0].items():
        if any(kind not in each for each in found):  # a report of before there were such
            continue
        rows = [
            [label, str(one["pairs"])]
            + [cell(each[kind][label]["hole_psnr"], 2) for each in found]
            + [cell(each[kind][label]["hole_iou"], 3) for each in found]
            for label, one in labels.items()
        ]
        lines += [*table([SLICES.get(kind, kind), "pairs", *heads], rows), ""]
    return "\n".join(lines)


def divided(report: Facts) -> Facts:
    """Return a report's slices; older ones have styles only."""
    found: Facts = report["slices"] if "slices" in report else {"style": report["styles"]}
    return found


def identity(entries: Sequence[Entry]) -> str:
    """Return the identity distances, "" where none were measured."""
    measured = [one for one in entries if one.nearer]
    if not measured:
        return ""
    rows = []
    for one in measured:
        methods = one.report["methods"]
        both = [cell(methods[name]["identity_distance"], 3) for name in (INPUT, OWN)]
        rows.append([f"`{one.name}`", str((one.nearer or {})["count"]), *both, cell(one.nearer, 3)])
    head = ["model", "pairs", "masked photo ↔ bare photo", "result ↔ bare photo", "nearer by"]
    gains = " and ".join(f"with `{one.name}` {share(one)}" for one in measured)
    return "\n".join([text.IDENTITY, *table(head, rows), text.IDENTITY_AFTER.format(gains=gains)])


def share(entry: Entry) -> str:
    """Return how much of the masked photo's distance a model takes away."""
    before = entry.report["methods"][INPUT]["identity_distance"]["mean"]
    return percent((entry.nearer or {"mean": 0.0})["mean"] / before)


def real(entries: Sequence[Entry]) -> str:
    """Return what can be counted on real photos, "" where nothing was."""
    lines = ["## On real photos", ""]
    seen = [one for one in entries if one.real]
    if seen:
        counts = " and ".join(dict.fromkeys(str((one.real or {})["photos"]) for one in seen))
        lines += [f"{counts} photos of people in face masks, where no truth exists:", ""]
        shares = [
            [what, *(percent((one.real or {})[key]) for one in seen)] for key, what in REAL.items()
        ]
        lines += [*table(["what", *(f"`{one.name}`" for one in seen)], shares), ""]
    for one in entries:
        if one.bare:
            same = percent(1 - one.bare["changed"])
            lines.append(
                f"Of {one.bare['photos']} photos of bare faces {same} come back unchanged "
                f"with `{one.name}`."
            )
    return "\n".join(lines) if len(lines) > 2 else ""


def commands(entries: Sequence[Entry]) -> str:
    """Return the commands that make the figures, with names for their folders."""
    lines = [
        "## Made by",
        "",
        "`TEST`, `FIT` and the rest are folders; [the whole way](release.md).",
        "",
        "```sh",
    ]
    lines += ["mask2face dataset pairs CROPS TEST --split test"]
    if any(one.report["train_pairs"] for one in entries):
        count = entries[0].report["train_pairs"]
        lines.append(f"mask2face dataset pairs CROPS FIT --split train --count {count}")
    pictures = []
    for one in entries:
        fit = " --train-pairs FIT" if one.report["train_pairs"] else ""
        who = " --identity" if one.nearer else ""
        evaluate = f"mask2face evaluate {one.file}"
        lines.append(f"{evaluate} TEST REPORT-{one.name}{fit}{who}")
        for kind, found in (("real", one.real), ("bare", one.bare)):
            if found:
                folder = f"{kind.upper()}-{one.name}"
                lines.append(f"{evaluate} {kind.upper()} {folder} --real")
                pictures.append(f"--{kind} {one.name}={folder}")
    reports = [f"{one.name}=REPORT-{one.name}" for one in entries]
    lines.append(f"python benchmarks/model_card.py {' '.join(reports)} \\")
    lines += [f"  {one} \\" for one in pictures]
    return "\n".join([*lines, "  --out docs/model-card.md", "```"])
