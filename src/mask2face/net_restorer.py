"""A torch net on photos: find faces, cut them, run the net, paste what it invents."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mask2face.detectors import CenterFace
from mask2face.errors import UsageError
from mask2face.extra_input import FACE, NOISE, FaceVectors
from mask2face.faces import alignment, cut, paste
from mask2face.nets import extras
from mask2face.torch_devices import to_pictures, to_tensor


class NetRestorer:
    """Take face masks off with a net as it is in memory, on the CPU.

    What is shipped is an exported file, which `pipeline.Unmasker` runs with more care.

    Args:
        net: (N, 3, S, S) -> (N, 4, S, S), in inference mode.
        side: S in px.
        embed: gives face embeddings to a net that wants them; None for the others.
    """

    def __init__(self, net: nn.Module, side: int, embed: FaceVectors | None = None) -> None:
        self._net, self._side, self._embed = net, side, embed
        self._detector: CenterFace | None = None

    def __call__(self, pixels: NDArray[np.uint8], seed: int | None = None) -> NDArray[np.uint8]:
        """Return a photo without its face masks, both RGB uint8 (H, W, 3).

        Where no face is found, the whole photo is taken for a crop.

        Args:
            pixels: the photo.
            seed: of the faces that a net with noise draws; None gives the likeliest ones.

        Raises:
            UsageError: `seed` is given to a net that draws nothing, or is below 0.
            ModelError: what computes face embeddings is missing or does not fit.
        """
        if self._detector is None:
            self._detector = CenterFace("cpu")
        found = self._detector(pixels)
        if not found:
            return self.crop(pixels, seed)
        matrices = [alignment(face, self._side) for face in found]
        crops = np.stack([cut(pixels, matrix, self._side) for matrix in matrices])
        for crop, hole, matrix in zip(*self._restored(crops, seed), matrices, strict=True):
            pixels, _ = paste(pixels, crop, hole, matrix)
        return pixels

    def crop(self, pixels: NDArray[np.uint8], seed: int | None = None) -> NDArray[np.uint8]:
        """Return a crop, as the inputs of a pair folder are, without its face mask.

        Args:
            pixels: RGB uint8 (H, W, 3) of any size.
            seed: see `__call__`.

        Raises:
            UsageError: see `__call__`.
            ModelError: see `__call__`.
        """
        sides = (self._side, self._side)
        small = np.asarray(cv2.resize(pixels, sides, interpolation=cv2.INTER_AREA), np.uint8)
        pictures, holes = self._restored(small[None], seed)
        return paste(pixels, pictures[0], holes[0], _whole(pixels, self._side))[0]

    @torch.no_grad()
    def _restored(
        self, crops: NDArray[np.uint8], seed: int | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return pictures uint8 (N, S, S, 3) and the weights with which to paste them (N, S, S)."""
        extra = self._extra(crops, seed)
        result = extras.run(self._net, to_tensor(crops, torch.device("cpu")), extra)
        # a soft edge that ends at 0 where the net is sure that there is no face mask
        holes = (2 * result[:, 3] - 0.5).clamp(0, 1)
        return to_pictures(result[:, :3]), holes.numpy()

    def _extra(self, crops: NDArray[np.uint8], seed: int | None) -> torch.Tensor | None:
        """Return the second input of the net (N, E); None where it has none, or zeros will do."""
        wanted = extras.extra_of(self._net)
        if seed is not None and (wanted is None or wanted.name != NOISE):
            raise UsageError(
                f"seed is {seed}, but this net draws nothing: leave it out, or build a 'vae'"
            )
        if seed is not None and seed < 0:
            raise UsageError(f"seed is {seed}: give 0 or more")
        if wanted is not None and wanted.name == FACE and self._embed is not None:
            return torch.from_numpy(self._embed(crops))
        if wanted is None or seed is None:
            return None
        drawn = np.random.default_rng(seed).standard_normal((len(crops), wanted.size))
        return torch.from_numpy(drawn.astype(np.float32))


def _whole(photo: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that takes the whole photo to a crop."""
    height, width = photo.shape[:2]
    x, y = side / width, side / height
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
