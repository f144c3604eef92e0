"""CelebA, aligned and cropped: where it is and what its authors allow."""

from typing import Final

from mask2face.datasets.celeba import ANNOTATIONS, PHOTOS, annotation, home
from mask2face.fetching.source import RemoteFile, Source

# Google Drive of CelebA's authors; it often answers with a page on quotas. Sizes and SHA-256 are
# those in TensorFlow Datasets. identity_CelebA.txt is left out: the authors give it on request.
_DRIVE: Final = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
_FILES: Final = (
    RemoteFile(
        "img_align_celeba.zip",
        (f"{_DRIVE}0B7EVK8r0v71pZjFTYXZWM3FlRnM",),
        "sha256:46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
        1_443_490_838,
    ),
    RemoteFile(
        "list_eval_partition.txt",
        (f"{_DRIVE}0B7EVK8r0v71pY0NSMzRuSXJEVkk",),
        "sha256:fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
        2_836_386,
    ),
    RemoteFile(
        "list_landmarks_align_celeba.txt",
        (f"{_DRIVE}0B7EVK8r0v71pd0FJY3Blby1HUTQ",),
        "sha256:6c02a87569907f6db2ba99019085697596730e8129f67a3d61659f198c48d43b",
        12_156_055,
    ),
)

CELEBA = Source(
    name="celeba",
    terms=(
        "CelebA is for non-commercial research only: you agree not to sell or publish any part of "
        "it, nor to pass it on outside your organisation. Its authors give the file that says who "
        "is who (identity_CelebA.txt) on request."
    ),
    editions=(_FILES,),
    archives=(_FILES[0].name,),
    annotations=ANNOTATIONS,
    inside=PHOTOS,
    home=home,
    annotation=annotation,
    by_hand=(
        "open https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html in a browser, agree to its terms, "
        "and get Img/img_align_celeba.zip and the files of Anno and Eval from its Google Drive or "
        "Baidu Drive"
    ),
)
