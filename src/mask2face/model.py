"""`Mask2FaceModel`, the article's class: build, train on a pair folder, predict, save and load."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from mask2face import architectures, photos
from mask2face import checkpoint as checkpoints
from mask2face.architectures import UNet
from mask2face.checkpoint import Checkpoint
from mask2face.comparison import write_comparisons
from mask2face.epochs import Epochs
from mask2face.extra_input import BUILT_IN, FACE, FaceVectors
from mask2face.feed import StoredPairs
from mask2face.net_restorer import NetRestorer
from mask2face.nets.extras import extra_of
from mask2face.run_folder import new_run, weights_of, write_picture
from mask2face.training import train

__all__ = ["Mask2FaceModel", "UNet"]


class Mask2FaceModel:
    """A net with its weights: photos of people in face masks in, lower faces out.

    Made by `build_model` or `load_model`.

    Args:
        about: net, options and crop side.
        net: (N, 3, S, S) -> (N, 4, S, S), see `nets`.
        path: of the file that it came from; a FaceNet file is looked for beside it.

    Attributes:
        about: what a checkpoint says about itself.
        net: in inference mode.
    """

    def __init__(self, about: Checkpoint, net: nn.Module, path: Path | None = None) -> None:
        self._take(about, net, path)

    def _take(self, about: Checkpoint, net: nn.Module, path: Path | None) -> None:
        """Become this net."""
        self.about = about
        self.net = net.eval()
        wanted, embed = extra_of(net), None
        if wanted is not None and wanted.name == FACE:
            place = Path(about.net) if path is None else path
            embed = FaceVectors(place, about.embedder or BUILT_IN, wanted.size)
        self._restorer = NetRestorer(self.net, about.side, embed)

    @classmethod
    def build_model(
        cls,
        architecture: UNet | str = UNet.RESNET,
        input_size: tuple[int, int, int] = (256, 256, 3),
        filters: tuple[int, ...] | None = None,
        kernels: tuple[int, ...] | None = None,
        *,
        seed: int = 0,
        **options: Any,  # noqa: ANN401
    ) -> "Mask2FaceModel":
        """Build a model with fresh weights.

        Args:
            architecture: a `UNet`, or a key of `nets.NETS`.
            input_size: (S, S, 3), the crop's side in px and its channels.
            filters: channels of each block; None takes the architecture's own.
            kernels: side of each block's convolutions; None takes the architecture's own.
            seed: of the weights.
            options: other arguments of the net's constructor, as `latent=32` of "vae".

        Raises:
            UnknownNameError: no such architecture.
            UsageError: `input_size` is not square RGB, or the net cannot halve S often enough.
            ModelError: the architecture refuses the filters, kernels or options.

        >>> model = Mask2FaceModel.build_model(UNet.RESNET, (64, 64, 3), (8, 8), (3, 3))
        >>> model.about.net, model.about.side
        ('resnet_unet', 64)
        """
        given = {"filters": filters, "kernels": kernels} | options
        return cls(*architectures.build(architecture, input_size, given, seed))

    @classmethod
    def load_model(cls, path: str | Path) -> "Mask2FaceModel":
        """Load a model that `save_model` or a training run wrote.

        Args:
            path: a .safetensors file, or a run folder, whose best weights are taken, or its last
                ones if it ended with a critic.

        Raises:
            ModelError: missing, broken, or not one of ours.
            UnknownNameError: the file's net is not known here.
        """
        path = Path(path)
        path = weights_of(path) if path.is_dir() else path
        return cls(*checkpoints.load(path), path)

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
        predict_difference: bool = False,
        *,
        adversarial: float = 0.0,
        patience: int = 0,
        data: str | Path | None = None,
        run: str | Path | None = None,
        seed: int = 0,
        device: str = "auto",
        workers: int = 0,
        quiet: bool = False,
    ) -> Path:
        """Train on a pair folder, from the weights as they are, and keep the best.

        As in the article: Adam at a constant rate and one named loss. Departures: cross-entropy
        teaches the hole, "vae" and "refinement" add a term of their own, and the weights that
        count are averaged over the steps. The best are those with the highest PSNR in the
        validation's holes, measured after each epoch; without validation pairs, or with a critic,
        the last ones.

        Args:
            epochs: times each training pair is seen.
            batch_size: pairs in a step.
            loss_function: a key of `losses.LOSSES`.
            learning_rate: of Adam.
            predict_difference: let the net learn what to add to its input instead of the whole
                picture; a net that does already goes on with it.
            adversarial: weight of a PatchGAN critic, which joins for the last 30 % of the steps;
                0 trains without. 0.01 to 0.1 is usual.
            patience: epochs without a better validation after which training stops; 0 is never.
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
            The run folder: weights, log, TensorBoard, pictures, and where matplotlib is
            installed `history.png`, see `history`.

        Raises:
            DataError: the pairs are missing or broken, `run` was started with other settings, or
                the net wants face embeddings and the pairs have none.
            UsageError: a number is not accepted.
            ConfigurationError: `configuration.json` is missing or wrong.
            UnknownNameError: no such loss or device.
            ModelError: `predict_difference` was asked of a net that cannot.
            OutputError: `run` cannot be written.
            DeviceError: the device is not available.
        """
        plan = Epochs(epochs, batch_size, loss_function, learning_rate, adversarial, patience, seed)
        source = _pairs(data, self.net)
        if predict_difference:
            self._take(*architectures.with_difference(self.about, self.net), None)
        recipe = plan.recipe(self.about, source.count("train"))
        folder = new_run(self.about.net) if run is None else Path(run)
        start = folder / "start.safetensors"
        if not start.exists():  # a run that is continued began with its own
            self.save_model(start)
        train(source, recipe, folder, start_from=start, workers=workers, device=device, quiet=quiet)
        path = weights_of(folder)
        self._take(*checkpoints.load(path), path)
        write_picture(folder)
        if data is None:
            self._compare(folder.name)
        return folder

    def _compare(self, name: str) -> None:
        """Write pictures of the test's first pairs, if the configuration's test is there."""
        from mask2face.configuration import Configuration

        settings = Configuration()
        if settings.test_data_path.exists():
            write_comparisons(settings, self._restorer.crop, name)

    def predict(self, photo: photos.Source, *, seed: int | None = None) -> NDArray[np.uint8]:
        """Replace the face mask of every face of a photo by what the net invents.

        Each face found is cut, restored and pasted back. Where none is found, the whole photo is
        taken for a crop, as the inputs of a pair folder are.

        Args:
            photo: path, bytes, Pillow image, or RGB uint8 array (H, W, 3).
            seed: another plausible face a seed, of a net that draws them ("vae"); None gives the
                likeliest.

        Returns:
            RGB uint8 (H, W, 3), the size of the photo; pixels outside the predicted holes are the
            photo's own.

        Raises:
            PhotoError: the photo cannot be read.
            UsageError: `seed` is given to a net that draws nothing.
            ModelError: what computes the face embeddings that the net wants is missing.
            MissingExtraError: the same, and an extra brings it.
        """
        return self._restorer(photos.read(photo).pixels, seed)

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
        parts = [*self.net.named_children(), ("total", self.net)]
        counts = {name: sum(p.numel() for p in part.parameters()) for name, part in parts}
        lines = [f"{name:<12}{count:>9,}" for name, count in counts.items() if count]
        title = f"{self.about.net}, crops {self.about.side} x {self.about.side} px"
        return "\n".join([f"{title}, {self.about.options}", *lines])


def _pairs(data: str | Path | None, net: nn.Module) -> StoredPairs:
    """Return the pairs, with face embeddings if the net wants them: before a run is made."""
    limit = None
    if data is None:
        from mask2face.configuration import Configuration

        settings = Configuration()
        data, limit = settings.train_data_path, settings.train_data_limit
    wanted = extra_of(net)
    return StoredPairs(data, limit, wanted.size if wanted and wanted.name == FACE else 0)
