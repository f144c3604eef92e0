"""Data sets of face photos: where the photos are and who is in them."""

from mask2face.datasets.celeba import CELEBA
from mask2face.datasets.folder import FOLDER
from mask2face.datasets.lfw import LFW
from mask2face.datasets.record import Dataset, PhotoRecord, official_splits

DATASETS: dict[str, Dataset] = {
    "celeba": CELEBA,
    "folder": FOLDER,
    "lfw": LFW,
}

__all__ = ["DATASETS", "Dataset", "PhotoRecord", "official_splits"]
