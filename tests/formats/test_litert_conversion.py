"""A converter's failures name the layer."""

import torch
from torch import nn

from mask2face.formats import litert_conversion
from mask2face.formats.hush import quiet


class Outer(nn.Module):
    """Two layers, the second of which is meant."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Softplus())

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return self.net(crops)


def test_a_failure_names_the_layer() -> None:
    example = {"crops": torch.rand(1, 3, 4, 4)}
    said = "Lowering not found: aten.softplus.default\n\nWhile executing ..."
    with quiet():  # torch's exporter warns about its own internals
        found, whole, unknown = (
            litert_conversion._layer(Outer(), example, message)
            for message in (said, "it broke", "no aten.unheard.default")
        )
    assert found == "'aten.softplus.default' in the layer '1'"
    assert whole == "this net"
    assert unknown == "'aten.unheard.default'"
