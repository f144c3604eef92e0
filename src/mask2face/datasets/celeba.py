"""CelebA, aligned and cropped: one folder of numbered photos -> photo records."""

from pathlib import Path

from mask2face.datasets.record import Dataset, PhotoRecord, existing, not_empty, photo_files
from mask2face.errors import DataError

_LAYOUT = (
    "img_align_celeba/000001.jpg and, to know who is who, identity_CelebA.txt beside that folder"
)


def photos(root: Path) -> list[PhotoRecord]:
    """List the photos of CelebA below `root`.

    With `identity_CelebA.txt` (lines `000001.jpg 2880`) the identity is `celeba/person/2880`;
    without it each photo has an identity of its own, `celeba/000001`, marked as not known.

    Raises:
        DataError: the folder is missing or empty, or a line or a photo of the identity file is.
    """
    root = existing(Path(root), _LAYOUT)
    people = _identities(root / "identity_CelebA.txt")
    files = photo_files((root / "img_align_celeba").glob("*"))
    lost = [path.name for path in files if path.name not in people] if people else []
    if lost:
        raise DataError(
            f"identity_CelebA.txt has no line for {lost[0]!r} ({len(lost)} photos in all): "
            "complete the file, or remove it to go without identities"
        )
    records = [
        PhotoRecord(
            path,
            people.get(path.name, f"celeba/{path.stem}"),
            "celeba",
            f"img_align_celeba/{path.name}",
            known=bool(people),
        )
        for path in files
    ]
    return not_empty(records, root, _LAYOUT)


def _identities(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    people: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            raise DataError(
                f"line {number} of {path.name} is {line!r}; expected a file name and an identity, "
                "as in '000001.jpg 2880'"
            )
        people[words[0]] = f"celeba/person/{words[1]}"
    if not people:
        raise DataError(f"{path.name} is empty: remove it to go without identities")
    return people


CELEBA = Dataset("celeba", _LAYOUT, photos)
