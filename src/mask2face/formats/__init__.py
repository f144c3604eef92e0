"""A net -> a file of another runtime, and that file as a callable; what it must do is its users'.

One module a format: it converts a net whose inputs and output have names, puts texts into the
file's metadata, opens it in its own runtime. `exporters` does that with the nets that restore
faces, `finding` with the one that finds them; each holds its files to its own gates.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]

Inputs = dict[str, Tensor]
"""An example of each of a net's inputs by the name of its port, in the net's order."""


Sample = dict[str, Floats]
"""One input of each name, to calibrate integers on."""


class Ports(NamedTuple):
    """Names of the two ports that every file has.

    Attributes:
        picture: the first input, (N, 3, H, W).
        output: the only output.
    """

    picture: str
    output: str
