"""Weights of a `ModelProto` that are stored small: the nodes that make them float32 again."""

from collections.abc import Sequence
from typing import Any, Final

LEAST: Final = 256  # numbers of a weight that is worth nodes of its own; smaller ones stay float32


def put_first(model: Any, nodes: Sequence[Any]) -> None:  # noqa: ANN401
    """Put `nodes` before all others of a `ModelProto`, as what they make is used by these.

    Runtimes compute nodes of constants once, when they open the file. What was known of the shapes
    of their outputs, which were constants, is forgotten.
    """
    made = {output for node in nodes for output in node.output}
    graph = model.graph
    everything = [*nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(everything)
    for known in [one for one in graph.value_info if one.name in made]:
        graph.value_info.remove(known)
