"""An unmasker that requests share: their crops go through one network call."""

import copy
from collections.abc import Callable
from pathlib import Path

from mask2face.batching import SharedUnmasker, share_of_cores
from mask2face.extra_input import FACE
from mask2face.pipeline import FACES
from mask2face.registry import lookup
from mask2face.restorer import find_model


class BatchedUnmasker(SharedUnmasker):
    """A `SharedUnmasker` whose options each request chooses. Arguments and errors as there.

    Args:
        model: as in `Unmasker`.
        device: as in `Unmasker`.
        heard: as in `Batcher`.
        workers: requests that are worked on at the same time; on a CPU they share the cores.
        detector: as in `Unmasker`.

    Attributes:
        file: the model's ONNX file, not quantised: what runs here may be its int8 twin.
        portable: whether the model needs nothing beside its file, so that a browser can run it too.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        device: str = "auto",
        heard: Callable[[int], None] | None = None,
        workers: int = 1,
        detector: str = "centerface",
    ) -> None:
        threads = share_of_cores(workers, device)
        super().__init__(model, device, heard=heard, threads=threads, detector=detector)
        self.file = find_model(model)
        extra = self._restorer.extra
        self.portable = extra is None or extra.name != FACE

    def asked(self, faces: str, threshold: float) -> "BatchedUnmasker":
        """Return the same unmasker, for one request, with other options.

        Raises:
            UnknownNameError: `faces` is not one of `FACES`.
        """
        lookup("word for faces", dict.fromkeys(FACES), faces)
        other = copy.copy(self)
        other.faces, other.threshold = faces, threshold
        return other
