"""The machine-readable mark of altered videos: into the metadata of a video file, and back."""

import struct
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mask2face import provenance
from mask2face.errors import OutputError
from mask2face.video.clip import Clip

if TYPE_CHECKING:
    from av.container import OutputContainer

MARK: Final = f"{provenance.SOFTWARE}: {provenance.STATEMENT} ({provenance.SOURCE_TYPE})"
_TAG: Final = "DIGITALSOURCETYPE"  # of Matroska and WebM, which hold no XMP
_XMP: Final = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
# of the box that holds XMP in ISO files: XMP Specification Part 3, section 1.1.7 (MPEG-4)


def holds_xmp(file: "OutputContainer") -> bool:
    """Say whether a file in the making is of a kind that holds XMP: MP4 and MOV."""
    return file.format.name in ("mp4", "mov")


def declare(file: "OutputContainer") -> None:
    """Say in the tags of a file in the making that lower faces are invented; other tags stay."""
    comment = file.metadata.get("comment", "")
    if MARK not in comment:
        comment = f"{comment}; {MARK}" if comment else MARK
    file.metadata.update({"comment": comment})
    if not holds_xmp(file):
        file.metadata.update({_TAG: provenance.SOURCE_TYPE})


def append_xmp(path: Path, packet: bytes) -> None:
    """Put an XMP packet at the end of an MP4 or MOV file.

    Raises:
        OutputError: it cannot be written.
    """
    box = struct.pack(">I4s16s", 24 + len(packet), b"uuid", _XMP) + packet
    try:
        with path.open("ab") as file:
            file.write(box)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): check free space") from (
            error
        )


def read_mark(path: str | Path) -> provenance.Provenance | None:
    """Return what the mark in a video says, or None where there is none.

    MP4 and MOV: the XMP packet; without one, and in other files, the tags that `declare` writes.

    Raises:
        UsageError: no such file.
        VideoError: broken, or nothing in it can be decoded as video.
        MissingExtraError: PyAV is not installed.
    """
    with Clip(path) as clip:
        tags = {key.upper(): value for key, value in clip.container.metadata.items()}
    found = provenance.read_packet(tags.get("XMP", "").encode())
    if found is not None:
        return found
    source_type, comment = tags.get(_TAG, ""), tags.get("COMMENT", "")
    history = (f"{provenance.SOFTWARE}: {provenance.STATEMENT}",) if MARK in comment else ()
    if not source_type and history:
        source_type = provenance.SOURCE_TYPE
    return provenance.Provenance(source_type, history) if source_type else None
