"""The options in a request's address, and the JSON of the answers: what OpenAPI says of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_SEEDS = 2**32 - 1


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    faces: Literal["all", "largest"] = Field("all", description="Which faces.")
    format: str | None = Field(
        None,
        description="jpeg, png, webp, tiff or bmp. Default: what Accept asks for, else as sent.",
        examples=["png"],
        max_length=10,
    )
    quality: int | None = Field(
        None, ge=1, le=100, description="Of JPEG and WebP. Default: as sent."
    )
    inline: bool = Field(
        False, description="Of a JSON answer: the picture too, in base64, as `photo`."
    )


class UnmaskOptions(_Options):
    """Options of `POST /v1/unmask`, as those of `mask2face unmask`."""

    threshold: float = Field(
        0.5, gt=0, lt=1, description="From which probability a pixel is face mask."
    )
    hole_only: bool = Field(
        False, description="Answer with what would be replaced instead: a grey PNG, 255 = replaced."
    )
    sample: int = Field(
        1,
        ge=1,
        le=1000,
        description="Which of several plausible faces, 1 the likeliest; above 1 only of models "
        "that know several, as an exported 'vae'. The picture OUT-2 of `--samples` is sample=2.",
    )
    seed: int = Field(0, ge=0, le=_SEEDS, description="Of `sample`: the same gives the same.")
    only: str | None = Field(
        None,
        max_length=2000,
        pattern=r"^(none|\d{1,4}(,\d{1,4})*)$",
        description="Which face masks to replace: the faces' places in the JSON answer, from 0, "
        "or none. Default: all of them.",
        examples=["0,2"],
    )


class MaskOptions(_Options):
    """Options of `POST /v1/mask`, as those of `mask2face mask`."""

    style: str = Field(
        "random",
        max_length=200,
        description="A face mask, several with commas, or random.",
        examples=["surgical"],
    )
    color: str | None = Field(None, max_length=20, examples=["#0473e2"])
    color_weight: float | None = Field(None, ge=0, le=1, description="Share of `color`.")
    pattern: str | None = Field(None, max_length=40, description="A print.", examples=["dots"])
    pattern_weight: float | None = Field(None, ge=0, le=1, description="Share of `pattern`.")
    wear: str | None = Field(
        None, max_length=40, description="over_nose, nose_out, chin or one_ear."
    )
    in_front: str | None = Field(
        None, max_length=40, description="hand, cup, microphone, glasses, card, hair, ..."
    )
    seed: int = Field(0, ge=0, le=_SEEDS, description="The same draws the same.")


class _Answer(BaseModel):
    width: int
    height: int
    notes: list[str] = Field(description="What could not be kept of the file.")
    statement: str = Field(description="What the picture is, in words.")
    media_type: str | None = Field(None, description="Of `photo`.")
    photo: str | None = Field(None, description="The picture in base64, with ?inline=true.")


class UnmaskedFace(BaseModel):
    """A face of a photo; lengths in photo pixels, origin top left."""

    box: list[float] = Field(description="x0, y0, x1, y1", examples=[[169.1, 52.8, 282.4, 200.6]])
    landmarks: list[list[float]] = Field(description="Five points: eyes, nose, mouth corners.")
    score: float = Field(description="The detector's confidence, 0 to 1.", examples=[0.97])
    masked: bool = Field(description="Whether it wears a face mask.")
    replaced: bool = Field(description="Whether that was replaced: so unless `only` leaves it out.")
    hole_fraction: float = Field(description="Share of the aligned crop that the face mask covers.")


class Unmasked(_Answer):
    """What was found and replaced."""

    changed: bool
    faces: list[UnmaskedFace]
    model: str = Field(examples=["natural"])
    sample: int
    seed: int


class FaceWithMask(BaseModel):
    """A face and the face mask drawn on it; lengths in photo pixels, angles in degrees."""

    box: list[float]
    score: float
    style: str = Field(examples=["surgical"])
    options: dict[str, str | float]
    pose: dict[str, float]
    landmarks: list[list[float]] = Field(description="68 points.")


class WithMasks(_Answer):
    """What was drawn."""

    seed: int
    faces: list[FaceWithMask]
    undrawn: list[list[float]] = Field(description="Boxes of faces too small or cut off.")
