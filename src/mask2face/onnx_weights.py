"""The weights inside an exported ONNX file -> a checkpoint to train on, as with the shipped models.

Export folds batch normalisation into the convolution before it. Here the convolution keeps what it
got, and the normalisation becomes the identity: `settle` gives it statistics again.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from mask2face import devices
from mask2face.checkpoint import Checkpoint, build, load_weights
from mask2face.errors import ModelError
from mask2face.formats.onnx_int8_weights import SCALE, STORED
from mask2face.formats.packages import check_packages
from mask2face.nets import extras
from mask2face.registry import lookup
from mask2face.restorer import CARD_KEY, INPUT, OUTPUT, ModelCard, shipped_models

SUFFIX: Final = ".onnx"
_HALF: Final = ".float16"  # ends the name of a weight that `exporters.onnx_fp16` stored
_FOLDED: Final = "weight_bias"  # ends the name of what a normalisation left
_NEAR: Final = 1e-3  # largest difference of outputs in [0, 1]: a file's own weights give 2e-4
_WHOLE: Final = "net."  # begins every name in a file of `exporters.self_ensemble`


def named(model: str | Path) -> Path:
    """Return the file that `model` means: a shipped model's name, or a path.

    Raises:
        UnknownNameError: neither.
    """
    path = Path(model)
    if path.suffix or len(path.parts) > 1 or path.exists():
        return path
    return lookup("model to start from (or a path)", shipped_models(), str(model))


def read(path: Path) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Return what an ONNX file of ours says about itself, and all tensors of its net.

    Args:
        path: of a file of `exporters.onnx`, `onnx_fp16` or `onnx_int8_weights`, whose net has no
            weights that only learning uses, as the VAE's.

    Raises:
        ModelError: the file is missing, broken, not of ours, or it does not say all about its net:
            what it computes is compared with what the net computes from these tensors.
        MissingExtraError: `onnx` is not installed.
    """
    card, weights, whole = _opened(path)
    about = Checkpoint(card.net, dict(card.options), card.side, embedder=card.embedder)
    net = build(about).eval()
    seen = _Seen(net, card.side)
    tensors = {name: value.clone() for name, value in net.state_dict().items()}
    for name, value in tensors.items():
        if name in weights and value.dtype.is_floating_point:
            tensors[name] = _fitting(weights[name], value.shape, name, path)
    for name, module in net.named_modules():
        weight, bias = f"{name}.weight", f"{name}.{_FOLDED}"
        if not isinstance(module, nn.Conv2d):
            continue
        if weight not in weights:
            tensors[weight] = _solved(module, seen.given.get(name), weights, name, path)
        if bias in weights:
            tensors |= _identity(seen.after.get(name), net, weights[bias], name, path)
    load_weights(net, tensors, str(path))
    _compare(net, path, card.side, whole)
    return about, tensors


def _compare(net: nn.Module, path: Path, side: int, ensemble: bool) -> None:
    """Refuse a net that does not compute what its file does; `ensemble` is one of two views."""
    session = devices.session(path, "cpu")
    crops = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    extra = extras.extra_of(net)
    feed = {INPUT: crops.numpy()}
    if extra is not None:
        feed[extra.name] = np.zeros((1, extra.size), np.float32)
    with torch.no_grad():
        made = extras.run(net, crops)
        if ensemble:
            made = (made + extras.run(net, crops.flip(3)).flip(3)) / 2
    try:
        off = float(np.abs(session.run([OUTPUT], feed)[0] - made.numpy()).max())
    except Exception as error:  # what ONNX Runtime raises has no common class
        raise _other(path, f"it does not run: {error}") from error
    if not off <= _NEAR:
        raise _other(path, f"its net is another one: outputs differ by {off:.2g}")


def settle(net: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Give batch normalisation the statistics of `inputs`; what the net computes stays the same.

    Only in inference mode, that is. While it learns, a net uses the statistics of the batch, which
    would spoil the weights where these differ much from those it has.

    Args:
        net: changed in place, and left in inference mode.
        inputs: crops (N, 3, S, S) RGB in [0, 1].
    """
    norms = {
        name: module for name, module in net.named_modules() if isinstance(module, nn.BatchNorm2d)
    }
    sums: dict[str, list[Any]] = {name: [0, 0.0, 0.0] for name in norms}

    def watch(name: str) -> Any:  # noqa: ANN401
        def add(module: nn.Module, given: tuple[Tensor, ...]) -> None:
            x, total = given[0].double(), sums[name]
            total[0] += x.numel() // x.shape[1]
            total[1] += x.sum((0, 2, 3))
            total[2] += (x * x).sum((0, 2, 3))

        return add

    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in norms.items()]
    net.eval()
    with torch.no_grad():
        for crops in inputs:
            extras.run(net, crops)
        for hook in hooks:
            hook.remove()
        for name, norm in norms.items():
            count, first, second = sums[name]
            if count:
                mean = first / count
                _restate(norm, mean, (second / count - mean**2).clamp(min=0))


def _restate(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Give `norm` other statistics, and the weights with which it computes what it did."""
    old: Any = norm
    before = torch.sqrt(old.running_var.double() + norm.eps)
    scale = norm.weight.double() / before
    shift = norm.bias.double() + scale * (mean - old.running_mean.double())
    norm.weight.copy_(scale * torch.sqrt(variance + norm.eps))
    norm.bias.copy_(shift)
    old.running_mean.copy_(mean)
    old.running_var.copy_(variance)


class _Seen:
    """What a run of the net on black crops shows.

    Attributes:
        after: convolution -> the batch normalisation that takes what it gives, by name.
        given: convolution -> its input.
    """

    def __init__(self, net: nn.Module, side: int) -> None:
        self.after: dict[str, str] = {}
        self.given: dict[str, Tensor] = {}
        made: dict[int, tuple[str, Tensor]] = {}  # the tensors too, so that no address comes twice

        def watch(name: str, module: nn.Module) -> Any:  # noqa: ANN401
            def note(_: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
                if isinstance(module, nn.Conv2d):
                    self.given[name] = given[0]
                    made[id(result)] = name, result
                elif id(given[0]) in made:
                    self.after[made[id(given[0])][0]] = name

            return note

        hooks = [
            module.register_forward_hook(watch(name, module))
            for name, module in net.named_modules()
            if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
        ]
        with torch.no_grad():
            extras.run(net, torch.zeros(1, 3, side, side))
        for hook in hooks:
            hook.remove()


def _opened(path: Path) -> tuple[ModelCard, dict[str, Tensor], bool]:
    """Return the card, the weights by their names in the net, and whether it is an ensemble."""
    check_packages("train", "onnx")
    import onnx

    try:
        model = onnx.load(path)
    except Exception as error:  # what protobuf raises has no common class
        raise ModelError(f"{str(path)!r} is no ONNX file to start from: {error}") from error
    cards = [one.value for one in model.metadata_props if one.key == CARD_KEY]
    if not cards:
        raise ModelError(f"{str(path)!r} has no card, so it is none of ours: give another file")
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    weights, ensemble = {}, False
    for key, numbers in stored.items():
        name, scale = key.removesuffix(_HALF), np.ones((), np.float32)
        if key.endswith(STORED) and key.removesuffix(STORED) + SCALE in stored:
            name = key.removesuffix(STORED)
            scale = stored[name + SCALE]
        elif numbers.dtype not in (np.float16, np.float32):
            continue
        ensemble |= name.startswith(_WHOLE)
        floats = np.asarray(numbers.astype(np.float32) * scale)
        weights[name.removeprefix(_WHOLE)] = torch.from_numpy(floats)
    return ModelCard.from_json(cards[0]), weights, ensemble


def _fitting(value: Tensor, shape: torch.Size, name: str, path: Path) -> Tensor:
    if value.shape != shape:
        raise _other(path, f"its {name!r} is {tuple(value.shape)}, not {tuple(shape)}")
    return value


def _identity(
    norm: str | None, net: nn.Module, bias: Tensor, name: str, path: Path
) -> dict[str, Tensor]:
    """Return a batch normalisation that adds `bias` and does nothing else."""
    if norm is None:
        raise _other(path, f"a normalisation was folded into {name!r}, where the net has none")
    module: Any = net.get_submodule(norm)
    return {
        f"{norm}.weight": torch.ones_like(bias),
        f"{norm}.bias": _fitting(bias, module.bias.shape, f"{norm}.bias", path),
        f"{norm}.running_mean": torch.zeros_like(bias),
        f"{norm}.running_var": torch.full_like(bias, 1 - module.eps),
    }


def _solved(
    layer: nn.Conv2d, given: Tensor | None, weights: dict[str, Tensor], name: str, path: Path
) -> Tensor:
    """Return the weights of a 1 x 1 convolution of a constant, of which the file has the result."""
    if given is None:
        raise _other(path, f"it lacks {name!r}, which only learning uses")
    planes = given[0].flatten(1).double()  # (C, hw)
    shape = (1, layer.out_channels, *given.shape[2:])
    known = [value for value in weights.values() if value.shape == shape]
    # an ensemble has it once for each of its views
    alone = bool(known) and all(torch.equal(value, known[0]) for value in known)
    if layer.kernel_size != (1, 1) or not alone:
        raise _other(path, f"it lacks {name!r}")
    if torch.linalg.matrix_rank(planes) < len(planes):
        raise _other(path, f"crops so small do not tell what {name!r} was")
    wanted = known[0][0].flatten(1).double()
    found: Tensor = torch.linalg.lstsq(planes.T, wanted.T).solution.T
    return found.float()[:, :, None, None]


def _other(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{str(path)!r} cannot be trained on ({why}): give a file that computes in floats and says "
        "its net's options, or the run's own last.safetensors"
    )
