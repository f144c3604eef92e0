"""Errors -> answers that programs can read: problem details (RFC 9457), without paths or traces."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from mask2face.errors import Mask2FaceError, MissingExtraError, OutputError

PROBLEM_TYPE: Final = "application/problem+json"
FAILED: Final = "the server failed; its log says why, under this request_id"


class Problem(BaseModel):
    """What went wrong, after RFC 9457."""

    type: str = Field("about:blank", description="the status says all there is to the kind")
    title: str = Field(examples=["Content Too Large"])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["the upload is longer than 32 MiB: send less"])
    request_id: str = Field(description="also in the header X-Request-ID and the server's log")


def answer(
    status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer that says what went wrong."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    problem = Problem(
        type="about:blank", title=title, status=status, detail=detail, request_id=request_id
    )
    return JSONResponse(problem.model_dump(), status, dict(headers or {}), PROBLEM_TYPE)


def status_of(error: Mask2FaceError) -> int:
    """Return the HTTP status of an error of the package."""
    if isinstance(error, OutputError):  # the format asked for cannot hold the photo
        return 422
    if isinstance(error, MissingExtraError):  # "heif" is about a format, the others about a route
        return 415 if error.extra == "heif" else 501
    return error.http_status


def detail_of(error: Mask2FaceError, status: int) -> str:
    """Return what the client may know: of an error of the server, nothing."""
    if status == 413:
        return str(error).replace(", or raise max_pixels", "")
    if status < 500 or isinstance(error, MissingExtraError):
        return str(error)
    return FAILED


def said(errors: Any) -> str:  # noqa: ANN401 - pydantic's list of dicts
    """Return in words what pydantic found wrong with the options of a request."""
    lines = []
    for error in errors:
        name = ".".join(str(part) for part in error["loc"][1:]) or "the request"
        lines.append(f"{name}: {error['msg']}")
    return "; ".join(lines)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers with these statuses for OpenAPI."""
    content = {PROBLEM_TYPE: {"schema": Problem.model_json_schema()}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
