"""One photo -> the photo with face masks, and the files beside it, for `mask2face mask`."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mask2face import files, photos, provenance
from mask2face.cli import results
from mask2face.cli.batch import Outcome, Tell
from mask2face.errors import OutputError, UsageError
from mask2face.folders import Job, Plan

if TYPE_CHECKING:
    from mask2face.masking import Masker
    from mask2face.masking.choice import Drawer
    from mask2face.masking.faces import Located, Masked, MaskedFace

    Located_ = tuple[bytes, photos.Photo, tuple[Located, ...]]  # file, photo, its faces

TAG = "masked"


class Work:
    """Does the jobs of `mask2face mask`; the faces of a photo are looked for once.

    Args:
        masker: finds the faces.
        drawers: what is drawn, by style; under "" for jobs that `styled` gave no style.
        styles: target -> style, of `styled`.
        seed: of `--seed`.
        faces: "all" or "largest".
        want: format and quality.
        holes: also write `NAME.hole.png` and `NAME.faces.json`.
    """

    def __init__(
        self,
        masker: "Masker",
        drawers: "Mapping[str, Drawer]",
        styles: Mapping[Path, str],
        *,
        seed: int,
        faces: str,
        want: results.Wanted,
        holes: bool,
    ) -> None:
        self._masker, self._drawers, self._styles = masker, drawers, styles
        self._seed, self._faces, self._want, self._holes = seed, faces, want, holes
        self._last: Located_ | None = None

    def __call__(self, job: Job, data: bytes, tell: Tell) -> Outcome:
        """Draw on the photo in `data`."""
        from mask2face.masking.faces import draw_on
        from mask2face.splits import digest

        photo, located = self._located(job, data, tell)
        drawing = self._drawers[self._styles.get(job.target, "") if job.target else ""]
        drawn = draw_on(photo.pixels, located, drawing, digest(self._seed, job.name))
        facts = {
            "seed": self._seed,
            "faces": [_facts(face) for face in drawn.faces],
            "undrawn": [results.rounded(box) for box in drawn.undrawn],
        }
        if drawn.undrawn:
            tell(f"warning: {job.source or 'stdin'}: {_left_out(drawn)}")
        if not drawn.faces:
            why = _left_out(drawn) if drawn.undrawn else "no face"
            return Outcome("not written", f"{why}: not written", None, facts)
        out = self._encoded(photo, drawn, job, tell)
        if self._holes and job.target is not None:
            _write_beside(drawn, job, facts)
        return Outcome("done", _words(drawn), out, facts)

    def _located(
        self, job: Job, data: bytes, tell: Tell
    ) -> "tuple[photos.Photo, tuple[Located, ...]]":
        if self._last is None or self._last[0] != data:
            photo = results.read(job, data, tell)
            located = self._masker.locate(photo.pixels, self._faces)
            self._last = data, photo, located
            if not located:
                named = job.source or "stdin"
                tell(f"warning: {named}: no face found: not written")
        return self._last[1:]

    def _encoded(self, photo: photos.Photo, drawn: "Masked", job: Job, tell: Tell) -> bytes:
        from mask2face.masking import STATEMENT

        if (drawn.photo != photo.pixels).any():  # the style `bare` draws nothing
            xmp = provenance.mark(photo.xmp, STATEMENT, provenance.DRAWN)
            photo = replace(photo, pixels=drawn.photo, xmp=xmp)
            results.warn_without_mark(photo, job, self._want, tell)
        return results.encoded(photo, job, self._want)


def styled(plan: Plan, styles: Collection[str]) -> tuple[Plan, dict[Path, str]]:
    """Give every photo a job for each style: `a.jpg` goes to `a.masked.surgical.jpg` and so on.

    Args:
        plan: one job for each photo.
        styles: at least one; one "" alone changes no name.

    Returns:
        The new plan, a batch where there are several styles, and the style of each target.

    Raises:
        UsageError: several photos would go to stdout.
        OutputError: an output is an input.
    """
    if set(styles) == {""}:
        return plan, {}
    inputs = files.all_real(job.source for job in plan.jobs if job.source is not None)
    jobs, style_of = [], {}
    for job in plan.jobs:
        if job.target is None:
            raise UsageError("--style all is a photo for each style: name an output, not stdout")
        for style in styles:
            target = job.target.with_name(f"{job.target.stem}.{style}{job.target.suffix}")
            if files.real(target) in inputs:
                raise OutputError(f"{target} is an input too: choose another output")
            jobs.append(replace(job, target=target))
            style_of[target] = style
    return Plan(tuple(jobs), batch=True), style_of


def without_results(plan: Plan, styles: Collection[str]) -> Plan:
    """Leave out what an earlier `--style all` wrote beside the photos of a glob.

    Raises:
        UsageError: nothing else is there.
    """
    ends = tuple(f".{TAG}.{style}" for style in styles)

    def is_result(source: Path | None, target: Path | None) -> bool:
        if source is None or target is None or source.parent != target.parent:
            return False
        return plan.batch and source.stem.endswith(ends)

    jobs = tuple(job for job in plan.jobs if not is_result(job.source, job.target))
    if not jobs:
        raise UsageError("there are only results of earlier runs: name other photos")
    return replace(plan, jobs=jobs)


def check_beside(plan: Plan, overwrite: bool) -> None:
    """Refuse to write holes and facts where they would replace each other, a result or an input.

    In a batch, those of photos that are there stay with them: such photos are skipped. What a run
    that broke off left without its photo is known by its facts, and written again.

    Raises:
        UsageError: the output is stdout, or two files would get one name.
        OutputError: the hole or the facts are there already, in a batch those of something else.
    """
    taken = {files.real(path) for job in plan.jobs for path in (job.source, job.target) if path}
    for job in plan.jobs:
        if job.target is None:
            raise UsageError("--holes needs a file to write beside: name an output")
        for beside in _beside(job.target):
            if files.real(beside) in taken:
                raise UsageError(
                    f"{job}: the hole's file {beside} is taken: rename one of the photos"
                )
            taken.add(files.real(beside))
            if not plan.batch:
                files.check_target(beside, overwrite)
            elif not overwrite and _is_alone(beside, job.target) and not _is_left(job):
                raise OutputError(
                    f"{beside} exists, but not its photo {job.target}: rename or remove it, or "
                    "replace it (--overwrite)"
                )


def _is_alone(beside: Path, target: Path) -> bool:
    return os.path.lexists(beside) and not os.path.lexists(target)


def _is_left(job: Job) -> bool:
    """Say whether the facts are those of a run that broke off before this job's photo."""
    if job.target is None:
        return False
    facts, _ = _beside(job.target)
    try:
        page = json.loads(facts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(page, dict) and page.get("photo") == job.name


def _beside(target: Path) -> Iterator[Path]:
    """Yield `NAME.faces.json` and `NAME.hole.png`."""
    for end in ("faces.json", "hole.png"):
        yield target.with_name(f"{target.stem}.{end}")


def _write_beside(drawn: "Masked", job: Job, facts: Mapping[str, Any]) -> None:
    """Write what is known of the faces, then the hole, grey, 255 = covered.

    What `check_beside` let pass is replaced: with `--overwrite`, or of a run that broke off before
    the photo, which is written last.

    Raises:
        OutputError: one cannot be written.
    """
    if job.target is None:
        return
    height, width = drawn.hole.shape
    page = {"photo": job.name, "width": width, "height": height, **facts}
    text = json.dumps(page, indent=1) + "\n"
    contents = (text.encode(), results.grey_png(drawn.hole))
    for path, content in zip(_beside(job.target), contents, strict=True):
        files.write(content, path, overwrite=True)


def _words(drawn: "Masked") -> str:
    count = len(drawn.faces)
    styles = ", ".join(face.style for face in drawn.faces)
    more = f"; {_left_out(drawn)}" if drawn.undrawn else ""
    return f"{count} face{'s' if count != 1 else ''}: {styles}{more}"


def _left_out(drawn: "Masked") -> str:
    count = len(drawn.undrawn)
    return f"{count} face{'s' if count != 1 else ''} too small or cut off to draw on"


def _facts(face: "MaskedFace") -> dict[str, Any]:
    return {
        "box": results.rounded(face.box),
        "score": round(face.score, 4),
        "style": face.style,
        "options": face.options,
        "pose": {name: round(angle, 2) for name, angle in face.pose._asdict().items()},
        "landmarks": [results.rounded(point) for point in face.landmarks.tolist()],
    }
