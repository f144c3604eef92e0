"""What mkdocs does beside rendering: help texts go into pages, linked files of the repository too.

So that the same Markdown is right on the site and where the repository is browsed.
"""

import re
from pathlib import Path
from posixpath import normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
FOLDER = "repository"  # of the site: what pages link to outside docs/
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md")  # of the repository, shown as pages
_OUTSIDE = re.compile(r"\]\(\.\./(?!\.)([^)#\s]+)")
_HELP = re.compile(r"^<!-- help:([a-z ]*)-->$", re.MULTILINE)
_WIDTH = 76  # characters of a help text


def help_text(words: list[str]) -> str:
    """Return what `mask2face WORDS --help` says.

    Raises:
        PluginError: there is no such command.
    """
    from typer.testing import CliRunner

    from mask2face.cli import app

    command = " ".join(["mask2face", *words])
    done = CliRunner().invoke(
        app, [*words, "--help"], prog_name="mask2face", terminal_width=_WIDTH, max_content_width=99
    )
    if done.exit_code != 0:
        raise PluginError(f"{command} --help fails: {done.output}")
    return done.output.strip()


def on_files(files: Files, *, config: MkDocsConfig, **_: object) -> Files:
    """Add the files of the repository that pages link to."""
    wanted = set(PAGES)
    for file in files.documentation_pages():
        wanted |= set(_OUTSIDE.findall(file.content_string))
    for path in sorted(map(normpath, wanted)):
        source = ROOT / path
        if not source.is_file():
            raise PluginError(f"a page links to {path}, which is no file of the repository")
        files.append(File.generated(config, f"{FOLDER}/{path}", abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Put help texts in, and lead links that leave docs/ to what `on_files` added."""
    if page.file.src_uri.startswith(f"{FOLDER}/"):
        return markdown.replace("](docs/", "](../")

    def block(match: re.Match[str]) -> str:
        words = match[1].split()
        return f"```text\n$ {' '.join(['mask2face', *words])} --help\n{help_text(words)}\n```"

    return _OUTSIDE.sub(rf"]({FOLDER}/\1", _HELP.sub(block, markdown))
