"""What the workers of `unmask` and `mask` with `--engine ray` are started with, and their run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mask2face import folders
from mask2face.cli import masks, ray_run, results
from mask2face.cli.batch import Work
from mask2face.cli.targets import Target, target
from mask2face.errors import UsageError

if TYPE_CHECKING:
    from mask2face.masking.choice import Drawer
    from mask2face.pipeline import Unmasker


@dataclass(frozen=True)
class Unmasking:
    """Makes the work of `unmask`; the fields are its options."""

    model: str | None
    device: str
    faces: str
    threshold: float
    detector: str
    want: results.Wanted
    seed: int

    def check(self, samples: int | None) -> None:
        """Open the model once here, so that what is wrong is said before a worker starts."""
        opened = self._open("cpu")
        if samples is not None:
            opened.check_samples(samples, self.seed)
        typer.echo(f"using Ray, model {opened.card.name}", err=True)

    def __call__(self) -> Work:
        """Open the model in a worker, with the one core that is its own."""
        unmasker = self._open(ray_run.device_of(self.device))
        return results.Work(unmasker, self.want, self.seed)

    def _open(self, device: str) -> "Unmasker":
        from mask2face.pipeline import Unmasker

        return Unmasker(
            self.model,
            device,
            faces=self.faces,
            threshold=self.threshold,
            threads=1,
            detector=self.detector,
        )


@dataclass(frozen=True)
class Masking:
    """Makes the work of `mask`.

    Attributes:
        asked: arguments of `choice.drawer`.
        styles: as in `masks.Work`, and so the rest.
        seed: see there.
        faces: see there.
        want: see there.
        holes: see there.
        device: of the detector.
    """

    asked: Mapping[str, Any]
    styles: Mapping[Path, str]
    seed: int
    faces: str
    want: results.Wanted
    holes: bool
    device: str

    def __call__(self) -> Work:
        """Open the detector in a worker, with the one core that is its own."""
        from mask2face.masking import Masker
        from mask2face.masking.choice import drawer

        drawing = drawer(**self.asked)
        drawers = drawing.each() if self.asked["style"] == "all" else {"": drawing}
        masker = Masker(device=ray_run.device_of(self.device), threads=1)
        return masks.Work(
            masker,
            drawers,
            self.styles,
            seed=self.seed,
            faces=self.faces,
            want=self.want,
            holes=self.holes,
        )


def ends(
    source: str,
    out: str | None,
    tag: str,
    recursive: bool,
    format: str | None,
    *,
    samples: int | None = None,
    holes: bool = False,
) -> Target:
    """Return what to do; see `targets.target`.

    Raises:
        UsageError: shards with several results a photo, or files beside results that have none.
    """
    found = target(source, out, tag=tag, recursive=recursive, format=format)
    if found.shards and samples is not None:
        raise UsageError("a shard holds one result a photo: leave --samples out, or name photos")
    if holes and (found.shards or found.out is not None):
        raise UsageError("--holes writes beside photos on this machine: name a local folder")
    return found if samples is None else replace(found, plan=folders.sampled(found.plan, samples))


def styled(
    found: Target, names: Collection[str], drawers: "Mapping[str, Drawer]"
) -> tuple[Target, dict[Path, str]]:
    """Return the jobs of each style, as `masks.styled`, and the style of each.

    Raises:
        UsageError: shards with several results a photo.
    """
    if found.shards:
        if set(drawers) != {""}:
            raise UsageError("a shard holds one result a photo: name a style, not all of them")
        return found, {}
    plan = masks.without_results(found.plan, names)
    plan, styles = masks.styled(plan, drawers)
    return replace(found, plan=plan), styles


def run(
    found: Target,
    work: Unmasking | Masking,
    overwrite: bool,
    as_json: bool,
    workers: int | None,
) -> None:
    """Do it; see `ray_run.run`."""
    ray_run.run(
        found, work, overwrite=overwrite, as_json=as_json, workers=workers, device=work.device
    )
