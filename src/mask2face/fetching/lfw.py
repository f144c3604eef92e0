"""Labeled Faces in the Wild: where it is and what its authors say of it."""

from typing import Final

from mask2face.datasets.lfw import home
from mask2face.fetching.source import RemoteFile, Source

# The university's site has often not answered since 2025; it alone has the deep-funneled photos,
# for which only an MD5 is published (by the site itself, and in torchvision). The SHA-256 of the
# others are those in scikit-learn, whose copies stand on figshare, and in TensorFlow Datasets.
_SITE: Final = "vis-www.cs.umass.edu/lfw"
_DEEPFUNNELED: Final = RemoteFile(
    "lfw-deepfunneled.tgz",
    (f"https://{_SITE}/lfw-deepfunneled.tgz", f"http://{_SITE}/lfw-deepfunneled.tgz"),
    "md5:68331da3eb755a505a502b5aacb3c201",
)
_FUNNELED: Final = RemoteFile(
    "lfw-funneled.tgz",
    ("https://ndownloader.figshare.com/files/5976015", f"http://{_SITE}/lfw-funneled.tgz"),
    "sha256:b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
)
_ORIGINAL: Final = RemoteFile(
    "lfw.tgz",
    ("https://ndownloader.figshare.com/files/5976018", f"http://{_SITE}/lfw.tgz"),
    "sha256:055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
    180_566_744,
)

LFW = Source(
    name="lfw",
    terms=(
        "Labeled Faces in the Wild is a research benchmark of press photos: for research only; its "
        "authors say that no result on it shows that something is fit for commercial use."
    ),
    editions=((_DEEPFUNNELED,), (_FUNNELED,), (_ORIGINAL,)),
    archives=(_DEEPFUNNELED.name, _FUNNELED.name, _ORIGINAL.name),
    annotations=(),
    inside="",
    home=home,
    annotation=lambda _root, _name: None,
    by_hand="get lfw-deepfunneled.tgz, lfw-funneled.tgz or lfw.tgz from anyone who has it",
)
