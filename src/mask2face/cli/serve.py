"""`mask2face serve`: the HTTP server."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer


def serve(
    *,
    host: Annotated[str, typer.Option(help="Others reach it on 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    model: Annotated[
        str | None, typer.Option(help="A shipped model's name or an ONNX file. Default: natural.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, coreml or dml.")] = "auto",
    detector: Annotated[
        str,
        typer.Option(
            help="Of unmask, on the server: centerface, or own: about five times as fast, finds a "
            "tenth fewer faces. Browsers and mask have centerface."
        ),
    ] = "centerface",
    api_key_file: Annotated[
        Path | None,
        typer.Option(help="Its first line is the key. Default: MASK2FACE_API_KEY, if it is set."),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Others may use it without a key.")
    ] = False,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Programs only: no page for browsers.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Photos at the same time. 0: one a core, 2 to 8.")
    ] = 0,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait for a worker.")] = 32,
    max_mb: Annotated[int, typer.Option(min=1, max=512, help="MiB of an upload.")] = 32,
    max_megapixels: Annotated[int, typer.Option(min=1, max=178, help="Of a photo.")] = 40,
    quiet: Annotated[bool, typer.Option("--quiet", help="No line for each request.")] = False,
) -> None:
    """Serve photos over HTTP, for this machine only unless told else; nothing is kept.

    Needs: pip install 'mask2face[serve]'. Open http://127.0.0.1:8000 in a browser, or try:
    curl -F file=@in.jpg -o out.jpg http://127.0.0.1:8000/v1/unmask
    """
    from mask2face.server import Settings, create_app
    from mask2face.server.run import listen
    from mask2face.server.run import serve as start
    from mask2face.server.settings import check_exposure, find_key, is_local

    # with --no-auth a key in the environment is not meant; one in a file contradicts it
    key = None if no_auth and api_key_file is None else find_key(api_key_file)
    check_exposure(host, key, no_auth)
    settings = Settings(
        model=model,
        device=device,
        detector=detector,
        api_key=key,
        local=is_local(host),
        page=not no_page,
        workers=workers,
        queue=queue,
        max_bytes=max_mb * 1024**2,
        max_pixels=max_megapixels * 1_000_000,
    )
    level = logging.WARNING if quiet else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("mask2face.server").setLevel(level)
    with listen(host, port) as listening:
        app = create_app(settings)
        about = app.state.shared.service.unmasker
        typer.echo(f"using {about.provider}, model {about.card.name}", err=True)
        start(app, settings, listening, lambda url: typer.echo(f"listening on {url}", err=True))
