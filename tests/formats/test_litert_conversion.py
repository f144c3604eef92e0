"""What the converter says stays inside; its failures name the layer."""

import logging
import sys
import warnings

import pytest
import torch
from torch import nn

from mask2face.formats import litert_conversion
from mask2face.formats.litert_conversion import quiet


def test_quiet_keeps_everything_in(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = logging.root.manager.disable
    with quiet():
        print("to stdout")  # noqa: T201
        print("to stderr", file=sys.stderr)  # noqa: T201
        logging.getLogger("x").warning("logged")
        warnings.warn("warned", UserWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    assert logging.root.manager.disable == before


def test_quiet_lets_errors_through() -> None:
    before = logging.root.manager.disable
    with pytest.raises(ValueError, match="that"), quiet():
        raise ValueError("that")
    assert logging.root.manager.disable == before


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
