"""The HTTP server: photos in, photos out; nothing of them is kept. Needs the extra `serve`.

`create_app(settings)` is the ASGI application, `run.serve` what `mask2face serve` starts.
"""

from mask2face.errors import MissingExtraError

try:
    import fastapi
    import prometheus_client
    import python_multipart
    import uvicorn
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or "fastapi", "serve") from error

from mask2face.server.app import create_app
from mask2face.server.settings import Settings

NEEDED = (fastapi, prometheus_client, python_multipart, uvicorn)

__all__ = ["NEEDED", "Settings", "create_app"]
