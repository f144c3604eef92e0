"""Score an exported model: on pairs with truth against baselines, and on real photos."""

from mask2face.evaluation.baselines import (
    MeanFace,
    PosteriorPCA,
    RidgeMap,
    fit_baselines,
    masked_input,
    telea,
)
from mask2face.evaluation.real import evaluate_real
from mask2face.evaluation.scoring import composite, evaluate
from mask2face.evaluation.stack import PairStack

__all__ = [
    "MeanFace",
    "PairStack",
    "PosteriorPCA",
    "RidgeMap",
    "composite",
    "evaluate",
    "evaluate_real",
    "fit_baselines",
    "masked_input",
    "telea",
]
