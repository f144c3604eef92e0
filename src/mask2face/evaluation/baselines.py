"""What a model must beat: `(inputs, holes) -> restored`, all uint8 (N, S, S, 3).

None of them is trained by gradient descent; those that learn are fitted in closed form on the train
split.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Crops = NDArray[np.uint8]
Holes = NDArray[np.float32]
Baseline = Callable[[Crops, Holes], Crops]

TELEA_RADIUS = 4  # pixels around each one that Telea's method looks at
VISIBLE = 1 / 32  # of the hole, below it a pixel of the reduced crop counts as visible


def masked_input(inputs: Crops, holes: Holes) -> Crops:
    """Return the crops as they are, face masks and all."""
    return inputs


def telea(inputs: Crops, holes: Holes) -> Crops:
    """Fill the holes from their rims: Telea (2004), as OpenCV implements it."""
    restored = [
        cv2.inpaint(crop, (hole > 0).astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA)
        for crop, hole in zip(inputs, holes, strict=True)
    ]
    return np.array(restored, np.uint8).reshape(inputs.shape)


class MeanFace:
    """Fill every hole with the mean face.

    Args:
        outputs: bare faces of the train split, uint8 (M, S, S, 3).
    """

    def __init__(self, outputs: Crops) -> None:
        self.face = np.rint(outputs.mean(axis=0)).astype(np.uint8)

    def __call__(self, inputs: Crops, holes: Holes) -> Crops:
        """Return the mean face once a crop."""
        return np.broadcast_to(_resized(self.face[None], inputs.shape[1]), inputs.shape).copy()


class RidgeMap:
    """Predict a face's principal components from the crop with its hole blanked: one ridge map.

    Args:
        outputs: bare faces of the train split, uint8 (M, S, S, 3).
        holes: of the same pairs, float32 (M, S, S) in [0, 1].
        components: number of principal components, at most M - 1.
        side: pixels of the reduced crop that it works on.
        penalty: of the ridge, grey levels squared; the best of 300 to 10000 on validation pairs.
    """

    def __init__(
        self,
        outputs: Crops,
        holes: Holes,
        components: int = 256,
        side: int = 32,
        penalty: float = 3000.0,
    ) -> None:
        self.side = min(side, outputs.shape[1])
        faces = _resized(outputs, self.side).reshape(len(outputs), -1).astype(np.float32)
        self.mean = faces.mean(axis=0)
        faces -= self.mean
        count = min(components, len(outputs) - 1, faces.shape[1])
        self.axes, _ = _principal(faces, count)  # (P, K)
        seen = self._seen(faces, holes)
        normal = seen.T @ seen
        normal[np.diag_indices(len(normal))] += penalty * len(faces)
        self.map = np.linalg.solve(normal, seen.T @ (faces @ self.axes))  # (P + side², K)

    def __call__(self, inputs: Crops, holes: Holes) -> Crops:
        """Return the predicted whole faces at the inputs' size."""
        small = _resized(inputs, self.side).reshape(len(inputs), -1).astype(np.float32)
        faces = self.mean + self._seen(small - self.mean, holes) @ self.map @ self.axes.T
        made = np.rint(np.clip(faces, 0, 255)).astype(np.uint8)
        return _resized(made.reshape(-1, self.side, self.side, 3), inputs.shape[1])

    def _seen(self, faces: NDArray[np.float32], holes: Holes) -> NDArray[np.float32]:
        """Return centred pixels, 0 where hidden, and which are hidden: (M, P + side²)."""
        covered = np.stack(
            [cv2.resize(one, (self.side, self.side), interpolation=cv2.INTER_AREA) for one in holes]
        ).reshape(len(holes), -1)
        visible = (covered < VISIBLE).astype(np.float32)
        # grey levels, so that one penalty suits both
        return np.hstack([faces * np.repeat(visible, 3, axis=1), 100 * (1 - visible)])


class PosteriorPCA:
    """Predict a face's principal components from its visible pixels, hole by hole.

    Bare faces are modelled as a mean and principal components (a Gaussian); for each crop the
    components are regressed on the pixels outside its own hole, with a ridge penalty in
    proportion to the noise over each component's variance: the posterior mean of probabilistic
    PCA (Tipping and Bishop, 1999) with missing pixels. Stronger than `RidgeMap`: it solves anew
    for each hole instead of fitting one map for all.

    Args:
        outputs: bare faces of the train split, uint8 (M, S, S, 3).
        components: number of principal components, at most M - 1.
        side: pixels of the reduced crop that it works on.
        penalty: factor on the ridge; above 1 because the left-over is not white noise.
    """

    def __init__(
        self, outputs: Crops, components: int = 256, side: int = 32, penalty: float = 15.0
    ) -> None:
        if len(outputs) < 2:
            raise ValueError(f"ridge/PCA needs at least 2 faces to learn from, got {len(outputs)}")
        self.side = min(side, outputs.shape[1])
        faces = _resized(outputs, self.side).reshape(len(outputs), -1).astype(np.float32)
        self.mean = faces.mean(axis=0)
        faces -= self.mean
        count = min(components, len(outputs) - 1, faces.shape[1])
        self.axes, variances = _principal(faces, count)  # (P, K), (K,)
        left = max(float((faces**2).mean(axis=0).sum()) - float(variances.sum()), 0.0)
        noise = max(left / max(faces.shape[1] - count, 1), 1.0)  # grey levels squared
        self.ridge = penalty * noise / np.maximum(variances, 1e-3)

    def __call__(self, inputs: Crops, holes: Holes) -> Crops:
        """Return the predicted whole faces at the inputs' size."""
        small = _resized(inputs, self.side)
        restored = np.empty_like(inputs)
        for index, (crop, hole) in enumerate(zip(small, holes, strict=True)):
            covered = cv2.resize(hole, (self.side, self.side), interpolation=cv2.INTER_AREA)
            visible = np.repeat(covered.ravel() < VISIBLE, 3)
            axes = self.axes[visible]
            normal = axes.T @ axes
            normal[np.diag_indices(len(normal))] += self.ridge
            seen = crop.ravel()[visible].astype(np.float32) - self.mean[visible]
            weights = np.linalg.solve(normal, axes.T @ seen)
            face = (self.mean + self.axes @ weights).reshape(self.side, self.side, 3)
            large = cv2.resize(face, inputs.shape[1:3], interpolation=cv2.INTER_CUBIC)
            restored[index] = np.rint(np.clip(large, 0, 255)).astype(np.uint8)
        return restored


def _principal(
    faces: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first principal axes (P, count) and variances of centred `faces` (M, P).

    Randomised subspace iteration (Halko, Martinsson and Tropp, 2011, algorithm 4.4).
    """
    rng = np.random.default_rng(0)
    wide = min(count + 20, *faces.shape)
    basis = rng.standard_normal((faces.shape[1], wide), np.float32)
    for _ in range(3):
        basis, _ = np.linalg.qr(faces.T @ (faces @ basis))
    _, singular, rotation = np.linalg.svd(faces @ basis, full_matrices=False)
    axes = (basis @ rotation.T)[:, :count]
    return axes, (singular[:count] ** 2 / len(faces)).astype(np.float32)


def _resized(crops: Crops, side: int) -> Crops:
    """Return crops (N, S, S, 3) at another side, area-averaged when smaller."""
    if crops.shape[1] == side:
        return crops
    method = cv2.INTER_AREA if side < crops.shape[1] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(crop, (side, side), interpolation=method) for crop in crops])


def fit_baselines(outputs: Crops | None = None, holes: Holes | None = None) -> dict[str, Baseline]:
    """Return the baselines by name; those that learn only where there are faces to learn from.

    Args:
        outputs: bare faces of the train split, uint8 (M, S, S, 3), or None.
        holes: of the same pairs, float32 (M, S, S).
    """
    found: dict[str, Baseline] = {"masked input": masked_input, "OpenCV Telea": telea}
    if outputs is not None and holes is not None and len(outputs) > 1:
        found["mean face"] = MeanFace(outputs)
        found["ridge/PCA"] = RidgeMap(outputs, holes)
        found["PPCA, hole by hole"] = PosteriorPCA(outputs)
    return found
