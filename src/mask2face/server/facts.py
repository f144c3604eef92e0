"""Faces of the package -> their JSON."""

from typing import TYPE_CHECKING, Any

from mask2face.pipeline import RestoredFace
from mask2face.server.options import FaceWithMask, UnmaskedFace

if TYPE_CHECKING:
    from mask2face.masking import MaskedFace


def unmasked_face(face: RestoredFace, replaced: bool) -> UnmaskedFace:
    """Return what is known of a face of `unmask`, and whether its face mask was replaced."""
    return UnmaskedFace(
        box=rounded(face.box),
        landmarks=[rounded(point) for point in face.landmarks.tolist()],
        score=round(face.score, 4),
        masked=face.masked,
        replaced=replaced,
        hole_fraction=round(face.hole_fraction, 4),
    )


def face_with_mask(face: "MaskedFace") -> FaceWithMask:
    """Return what is known of a face of `mask`."""
    return FaceWithMask(
        box=rounded(face.box),
        score=round(face.score, 4),
        style=face.style,
        options=face.options,
        pose={name: round(angle, 2) for name, angle in face.pose._asdict().items()},
        landmarks=[rounded(point) for point in face.landmarks.tolist()],
    )


def rounded(values: Any) -> list[float]:  # noqa: ANN401
    """Return numbers with two decimals, for JSON."""
    return [round(float(value), 2) for value in values]
