"""Face embeddings of a pair folder's inputs: computed once, read by training.

`faces.npy` float32 (N, 2, E): row i of pairs.jsonl, [:, 0] of the input, [:, 1] of its mirror
image; `faces.json` says which embedder made them, for which pairs. It is written last.
"""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import files
from mask2face.errors import DataError, OutputError
from mask2face.face_embedding import BATCH, FaceEmbedder
from mask2face.pair_rows import PairRow
from mask2face.pairs import PairFolder
from mask2face.parallel import in_order
from mask2face.progress import track

FORMAT: Final = "mask2face faces 1"
_FACTS: Final = "faces.json"
_VECTORS: Final = "faces.npy"
_JOB: Final = BATCH // 2  # pairs; each is two faces

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PairEmbeddings:
    """The face embeddings of a pair folder.

    Attributes:
        embedder: what made them, as `FaceEmbedder.name`.
        vectors: float32 (N, 2, E); row i is pair i, of the input and of its mirror image.
    """

    embedder: str
    vectors: Vectors


def embed(
    folder: str | Path, embedder: str | Path, workers: int = 0, *, overwrite: bool = False
) -> PairEmbeddings:
    """Embed the inputs of a pair folder, and their mirror images, into its two files.

    Nothing is written before all is computed; the files do not depend on `workers`.

    Args:
        folder: a complete pair folder.
        embedder: "dlib" or a FaceNet's ONNX file; see `FaceEmbedder.find`.
        workers: processes; 0 works in this one.
        overwrite: replace embeddings that are there.

    Raises:
        DataError: the folder is not a complete pair folder, or a picture is broken.
        OutputError: there are embeddings already, or they cannot be written.
        UnknownNameError: there is no such embedder.
        MissingExtraError: dlib is asked for and not installed.
        ModelError: the embedder's file is missing, broken, or no FaceNet.
        WorkerDiedError: a process was killed.
    """
    pairs = PairFolder.open(folder)
    files.check_target(pairs.folder / _FACTS, overwrite)
    facts = {"format": FORMAT, "pairs": len(pairs.rows), "digest": _digest(pairs.folder)}
    # opened here in any case: what is wrong with it shows before processes start, as itself
    opened = FaceEmbedder.find(embedder, threads=1)
    facts |= {"embedder": opened.name, "size": opened.size}
    start = partial(_started, pairs, opened if workers < 1 else embedder)
    jobs = [pairs.rows[first : first + _JOB] for first in range(0, len(pairs.rows), _JOB)]
    found = (vectors for job in in_order(start, jobs, workers) for vectors in job)
    vectors = np.stack(list(track(found, len(pairs.rows), "pairs embedded")))
    _write(pairs.folder, vectors, facts)
    return PairEmbeddings(opened.name, vectors)


def read(folder: str | Path) -> PairEmbeddings | None:
    """Read the face embeddings of a pair folder; None where there are none.

    Raises:
        DataError: they are broken, or the pairs have changed since.
    """
    folder = Path(folder)
    if not (folder / _FACTS).exists():
        return None
    again = f"run  mask2face dataset embed {folder} --overwrite"
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        form, embedder, count, digest, size = (
            facts[key] for key in ("format", "embedder", "pairs", "digest", "size")
        )
        vectors: Vectors = np.load(folder / _VECTORS, allow_pickle=False)
    except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise DataError(
            f"the face embeddings of {str(folder)!r} are missing or broken ({error!r}): {again}"
        ) from error
    if form != FORMAT or not isinstance(embedder, str):
        raise DataError(f"the face embeddings of {str(folder)!r} are not of this version: {again}")
    if digest != _digest(folder):
        raise DataError(
            f"the pairs of {str(folder)!r} have changed since their faces were embedded: {again}"
        )
    if vectors.dtype != np.float32 or vectors.shape != (count, 2, size):
        raise DataError(
            f"faces.npy of {str(folder)!r} is {vectors.dtype} {vectors.shape}, "
            f"expected float32 {(count, 2, size)}: {again}"
        )
    return PairEmbeddings(embedder, vectors)


@dataclass(frozen=True)
class _Inputs:
    """Embeds the inputs of some rows and their mirror images."""

    pairs: PairFolder
    embedder: FaceEmbedder

    def __call__(self, rows: tuple[PairRow, ...]) -> Vectors:
        crops = np.stack([self.pairs.picture("inputs", row) for row in rows])
        both = np.stack([crops, crops[:, :, ::-1]], axis=1)
        return self.embedder(both.reshape(-1, *crops.shape[1:])).reshape(len(rows), 2, -1)


def _started(
    pairs: PairFolder, embedder: FaceEmbedder | str | Path
) -> Callable[[tuple[PairRow, ...]], Vectors]:
    if not isinstance(embedder, FaceEmbedder):
        embedder = FaceEmbedder.find(embedder, threads=1)
    return _Inputs(pairs, embedder)


def _write(folder: Path, vectors: Vectors, facts: dict[str, Any]) -> None:
    """Write both files; a run killed in between leaves no embeddings rather than wrong ones."""
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    try:
        (folder / _FACTS).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder / _FACTS} cannot be replaced: {error}") from error
    files.write(content.getvalue(), folder / _VECTORS, overwrite=True)
    files.write((json.dumps(facts, indent=1) + "\n").encode(), folder / _FACTS)


def _digest(folder: Path) -> str:
    try:
        return hashlib.sha256((folder / "pairs.jsonl").read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{str(folder)!r} is not a pair folder: {error}") from error
