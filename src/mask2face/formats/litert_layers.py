"""A net as LiteRT wants it: channels last, and no layer that phones run badly."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from mask2face.formats.folding import folded


class ChannelsLast(nn.Module):
    """A net whose pictures have their channels last, with the names of the file's ports.

    Args:
        net: (N, 3, H, W) and more inputs -> one output, as `prepared` makes it.
        output: name of the output.
    """

    def __init__(self, net: nn.Module, output: str) -> None:
        super().__init__()
        self.net, self.output = net, output

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        """Return the output by its name, of the picture (N, H, W, 3) and what comes after it.

        An output with four dimensions has its channels last, too; others are left alone.
        """
        picture, *more = inputs.values()
        with _Spread():
            result = self.net(picture.permute(0, 3, 1, 2), *more)
        return {self.output: result.permute(0, 2, 3, 1) if result.dim() == 4 else result}


def prepared(net: nn.Module, inputs: Mapping[str, Tensor]) -> nn.Module:
    """Return a copy of `net` that computes the same from simpler layers.

    PixelUnshuffle and PixelShuffle become strided convolutions with fixed weights of 0 and 1, since
    LiteRT has them only as chains of reshaped and transposed copies. A transposed convolution that
    pads its output has a wider kernel instead. Normalisation is folded, see `folding`.

    Args:
        net: any module on the CPU; the copy is in inference mode.
        inputs: an example of each of its inputs; run once.
    """
    frozen = folded(net)
    for module in list(frozen.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.PixelUnshuffle):
                setattr(module, name, Unshuffle(child.downscale_factor))
            elif isinstance(child, nn.PixelShuffle):
                setattr(module, name, Shuffle(child.upscale_factor))
        if isinstance(module, nn.ConvTranspose2d):
            _widen(module)
    with torch.no_grad():
        frozen(*inputs.values())  # fixed weights get their size
    return frozen


class _Spread(TorchFunctionMode):
    """Enlarge what the net expands from one position to all: the converter confuses the axes."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        if function is Tensor.expand and len(args) == 5 and args[0].shape[2:] == (1, 1):
            return functional.interpolate(args[0], size=args[3:], mode="nearest")
        return function(*args, **dict(kwargs or {}))


class _Fixed(nn.Module):
    """A layer whose weights follow from its first input's channels.

    Args:
        factor: r.
    """

    kernel: Tensor | None

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.register_buffer("kernel", None)

    def places(self, channels: int) -> Tensor:
        """Return (C r², C, r, r): channel c r² + y r + x of a pixel is its block's (c, y, x)."""
        if self.kernel is None:
            size = channels * self.factor**2
            self.kernel = torch.eye(size).reshape(size, channels, self.factor, self.factor)
        return self.kernel


class Unshuffle(_Fixed):
    """PixelUnshuffle as a convolution: (N, C, rS, rS) -> (N, C r², S, S).

    >>> x = torch.rand(1, 3, 4, 6)
    >>> torch.equal(Unshuffle(2)(x), functional.pixel_unshuffle(x, 2))
    True
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return each r x r block's pixels as channels of one pixel."""
        return functional.conv2d(x, self.places(x.shape[1]), stride=self.factor)


class Shuffle(_Fixed):
    """PixelShuffle as a transposed convolution: (N, C r², S, S) -> (N, C, rS, rS).

    >>> x = torch.rand(1, 8, 2, 3)
    >>> torch.equal(Shuffle(2)(x), functional.pixel_shuffle(x, 2))
    True
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return each pixel's channels as an r x r block."""
        kernel = self.places(x.shape[1] // self.factor**2)
        return functional.conv_transpose2d(x, kernel, stride=self.factor)


def _widen(layer: nn.ConvTranspose2d) -> None:
    """Give `layer` zeros at the kernel's end in place of padding at its output's end."""
    down, right = (int(size) for size in layer.output_padding)
    if down or right:
        layer.weight = nn.Parameter(functional.pad(layer.weight.detach(), (0, right, 0, down)))
        height, width = layer.kernel_size
        layer.kernel_size = (height + down, width + right)
        layer.output_padding = (0, 0)
