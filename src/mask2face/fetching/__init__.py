"""Get a data set: downloaded from its mirrors, or from an archive or folder that is here."""

from mask2face.fetching.celeba import CELEBA
from mask2face.fetching.fetcher import Fetched, fetch
from mask2face.fetching.lfw import LFW
from mask2face.fetching.source import RemoteFile, Source

SOURCES: dict[str, Source] = {
    "celeba": CELEBA,
    "lfw": LFW,
}

__all__ = ["SOURCES", "Fetched", "RemoteFile", "Source", "fetch"]
