"""`Mask2FaceModel`, the article's class: build, train on a pair folder, predict, save and load."""

import math
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face import photos
from mask2face.checkpoint import Checkpoint
from mask2face.comparison import write_comparisons
from mask2face.detectors import CenterFace
from mask2face.errors import UsageError
from mask2face.faces import alignment, cut, paste
from mask2face.feed import StoredPairs
from mask2face.losses import LOSSES
from mask2face.nets import NETS
from mask2face.recipe import Phase, Recipe
from mask2face.registry import lookup
from mask2face.torch_devices import to_pictures, to_tensor
from mask2face.training import train

_HOLE_WEIGHT: Final = 0.3  # of the hole's cross-entropy beside the loss that was asked for
_CHUNK: Final = 512  # pairs in memory at once; 330 MB at 256 px


class UNet(Enum):
    """The article's architectures that exist here, by their name in `nets.NETS`."""

    RESNET = "resnet_unet"


class Mask2FaceModel:
    """A net with its weights: photos of people in face masks in, lower faces out.

    Made by `build_model` or `load_model`.

    Args:
        about: net, options and crop side.
        net: (N, 3, S, S) -> (N, 4, S, S), see `nets`.

    Attributes:
        about: what a checkpoint says about itself.
        net: in inference mode.
    """

    def __init__(self, about: Checkpoint, net: nn.Module) -> None:
        self.about = about
        self.net = net.eval()
        self._detector: CenterFace | None = None

    @classmethod
    def build_model(
        cls,
        architecture: UNet | str = UNet.RESNET,
        input_size: tuple[int, int, int] = (256, 256, 3),
        filters: tuple[int, ...] | None = None,
        kernels: tuple[int, ...] | None = None,
        *,
        seed: int = 0,
    ) -> "Mask2FaceModel":
        """Build a model with fresh weights.

        Args:
            architecture: a `UNet`, or a key of `nets.NETS`.
            input_size: (S, S, 3), the crop's side in px and its channels.
            filters: channels of each block; None takes the architecture's own.
            kernels: side of each block's convolutions; None takes the architecture's own.
            seed: of the weights.

        Raises:
            UnknownNameError: no such architecture.
            UsageError: `input_size` is not square RGB, or the net cannot halve S often enough.
            ModelError: the architecture refuses the filters or kernels.

        >>> model = Mask2FaceModel.build_model(UNet.RESNET, (64, 64, 3), (8, 8), (3, 3))
        >>> model.about.net, model.about.side
        ('resnet_unet', 64)
        """
        name = architecture.value if isinstance(architecture, UNet) else architecture
        lookup("architecture", NETS, name)
        given = {"filters": filters, "kernels": kernels}
        options = {key: list(value) for key, value in given.items() if value is not None}
        about = Checkpoint(name, options, _side(input_size))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = checkpoints.build(about)
        _check_side(net, about.side)
        return cls(about, net)

    @classmethod
    def load_model(cls, path: str | Path) -> "Mask2FaceModel":
        """Load a model that `save_model` or a training run wrote.

        Args:
            path: a .safetensors file, or a run folder, whose best weights are taken.

        Raises:
            ModelError: missing, broken, or not one of ours.
            UnknownNameError: the file's net is not known here.
        """
        path = Path(path)
        return cls(*checkpoints.load(path / "best.safetensors" if path.is_dir() else path))

    def save_model(self, path: str | Path) -> None:
        """Write the model to a .safetensors file.

        Raises:
            OutputError: it cannot be written.
        """
        checkpoints.save(path, self.about, self.net.state_dict())

    def train(
        self,
        epochs: float = 20,
        batch_size: int = 12,
        loss_function: str = "ssim_l1_loss",
        learning_rate: float = 1e-4,
        *,
        data: str | Path | None = None,
        run: str | Path | None = None,
        seed: int = 0,
        device: str = "auto",
        workers: int = 0,
        quiet: bool = False,
    ) -> Path:
        """Train on a pair folder, from the weights as they are, and keep the best.

        As in the article: Adam at a constant rate and one named loss. Departures: cross-entropy
        teaches the hole, and the weights that count are averaged over the steps. The best are
        those with the highest PSNR in the validation's holes, measured after each epoch; without
        validation pairs, the last ones.

        Args:
            epochs: times each training pair is seen.
            batch_size: pairs in a step.
            loss_function: a key of `losses.LOSSES`.
            learning_rate: of Adam.
            data: pair folder; None takes `train_data_path`, and with it `train_data_limit`, of
                `configuration.json` in the working directory; then, if `test_data_path` is there,
                input, expected and given output of the test's first `test_data_limit` pairs are
                written to `test_results_dir`/<name of the run folder>.
            run: run folder, see `training`; one that was stopped is continued. None makes a new
                one, `runs/<net>-<number>`.
            seed: of the pairs' order.
            device: "auto", "cpu" or "cuda".
            workers: processes that read pairs ahead; with any, a script that calls this needs
                `if __name__ == "__main__":`. 0 reads in this one.
            quiet: no progress bar.

        Returns:
            The run folder: weights, log, TensorBoard, pictures.

        Raises:
            DataError: the pairs are missing or broken, or `run` was started with other settings.
            UsageError: a number is not accepted.
            ConfigurationError: `configuration.json` is missing or wrong.
            UnknownNameError: no such loss or device.
            OutputError: `run` cannot be written.
            DeviceError: the device is not available.
        """
        source = _pairs(data)
        recipe = _recipe(
            self.about, source.count("train"), epochs, batch_size, loss_function, learning_rate
        )
        recipe = replace(recipe, seed=seed)
        folder = _new_run(self.about.net) if run is None else Path(run)
        start = folder / "start.safetensors"
        if not start.exists():  # a run that is continued began with its own
            self.save_model(start)
        train(source, recipe, folder, start_from=start, workers=workers, device=device, quiet=quiet)
        self.about, net = checkpoints.load(folder / "best.safetensors")
        self.net = net.eval()
        if data is None:
            self._compare(folder.name)
        return folder

    def _compare(self, name: str) -> None:
        """Write pictures of the test's first pairs, if the configuration's test is there."""
        from mask2face.configuration import Configuration

        settings = Configuration()
        if settings.test_data_path.exists():
            write_comparisons(settings, self._restore, name)

    def _restore(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the crop of a pair without its face mask, both uint8 (S, S, 3), any S."""
        side = self.about.side
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        pictures, holes = self._restored(np.asarray(small, np.uint8)[None])
        return paste(crop, pictures[0], holes[0], _whole(crop, side))[0]

    def predict(self, photo: photos.Source) -> NDArray[np.uint8]:
        """Replace the face mask of every face of a photo by what the net invents.

        Each face found is cut, restored and pasted back. Where none is found, the whole photo is
        taken for a crop, as the inputs of a pair folder are.

        Args:
            photo: path, bytes, Pillow image, or RGB uint8 array (H, W, 3).

        Returns:
            RGB uint8 (H, W, 3), the size of the photo; pixels outside the predicted holes are the
            photo's own.

        Raises:
            PhotoError: the photo cannot be read.
        """
        pixels = photos.read(photo).pixels
        if self._detector is None:
            self._detector = CenterFace("cpu")
        side = self.about.side
        found = self._detector(pixels)
        if found:
            matrices = [alignment(face, side) for face in found]
            crops = np.stack([cut(pixels, matrix, side) for matrix in matrices])
        else:
            matrices = [_whole(pixels, side)]
            small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
            crops = np.asarray(small, np.uint8)[None]
        for crop, hole, matrix in zip(*self._restored(crops), matrices, strict=True):
            pixels, _ = paste(pixels, crop, hole, matrix)
        return pixels

    def summary(self) -> str:
        """Return the net's parts and their parameters as text, a line each.

        >>> print(Mask2FaceModel.build_model("resnet_unet", (4, 4, 3), (2, 2), (3, 3)).summary())
        resnet_unet, crops 4 x 4 px, {'filters': [2, 2], 'kernels': [3, 3]}
        stem               56
        downs             228
        bottleneck         38
        ups               448
        merge              74
        head               12
        total             856
        """
        counts = {name: _parameters(part) for name, part in self.net.named_children()}
        counts["total"] = _parameters(self.net)
        lines = [f"{name:<12}{count:>9,}" for name, count in counts.items() if count]
        side = self.about.side
        return "\n".join(
            [f"{self.about.net}, crops {side} x {side} px, {self.about.options}", *lines]
        )

    @torch.no_grad()
    def _restored(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return pictures uint8 (N, S, S, 3) and the weights with which to paste them (N, S, S)."""
        result = self.net(to_tensor(crops, torch.device("cpu")))
        # a soft edge that ends at 0 where the net is sure that there is no face mask
        holes = (2 * result[:, 3] - 0.5).clamp(0, 1)
        return to_pictures(result[:, :3]), holes.numpy()


def _side(input_size: Any) -> int:  # noqa: ANN401
    """Return S of (S, S, 3)."""
    sizes = tuple(input_size) if isinstance(input_size, tuple | list) else ()
    if len(sizes) != 3 or sizes[0] != sizes[1] or sizes[2] != 3:
        raise UsageError(f"input_size is {input_size!r}: give (S, S, 3), as (256, 256, 3)")
    if isinstance(sizes[0], bool) or not isinstance(sizes[0], int) or sizes[0] < 1:
        raise UsageError(f"input_size is {input_size!r}: S must be a whole number of pixels")
    return int(sizes[0])


def _check_side(net: nn.Module, side: int) -> None:
    multiple = getattr(net, "multiple", 1)
    if side % multiple:
        fitting = max(1, round(side / multiple)) * multiple
        raise UsageError(
            f"input_size is ({side}, {side}, 3): this net takes multiples of {multiple}, "
            f"so give ({fitting}, {fitting}, 3) or fewer filters"
        )


def _recipe(
    about: Checkpoint, pairs: int, epochs: float, batch: int, loss: str, rate: float
) -> Recipe:
    """Return the recipe that shows each of `pairs` pairs `epochs` times."""
    if not epochs > 0 or batch < 1:
        raise UsageError(f"epochs is {epochs}, batch_size is {batch}: both must be above 0")
    lookup("loss", LOSSES, loss)
    phase = Phase(
        side=about.side,
        steps=max(1, math.ceil(epochs * pairs / batch)),
        batch=batch,
        rate=rate,
        losses={loss: 1.0, "hole_bce": _HOLE_WEIGHT},
    )
    return Recipe(
        (phase,),
        about.net,
        about.options,
        weight_decay=0.0,  # AdamW without it is Adam
        echo=1,
        chunk=_CHUNK,
        validate_every=max(1, math.ceil(pairs / batch)),
    )


def _pairs(data: str | Path | None) -> StoredPairs:
    if data is not None:
        return StoredPairs(data)
    from mask2face.configuration import Configuration

    settings = Configuration()
    return StoredPairs(settings.train_data_path, settings.train_data_limit)


def _new_run(name: str) -> Path:
    number = 1
    while (folder := Path("runs") / f"{name}-{number}").exists():
        number += 1
    return folder


def _whole(photo: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that takes the whole photo to a crop."""
    height, width = photo.shape[:2]
    x, y = side / width, side / height
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])


def _parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
