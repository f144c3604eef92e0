"""The docs site: it builds strictly, loads nothing from elsewhere and agrees with the program."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

import mask2face
from mask2face.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ARTICLE = (
    "https://www.strv.com/blog/mask2face-how-we-built-ai-that-shows-face-beneath-mask-engineering"
)

for needed in ("mkdocs", "material", "mkdocstrings"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: the extra `docs`", allow_module_level=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Loads(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "video", "audio", "source", "embed", "input"):
            self.found += [given.get("src"), *(given.get("srcset") or "").split()]
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(given.get("href"))
        self.found += re.findall(r"url\(([^)]*)\)", given.get("style") or "")


def outside(text):
    """Return the addresses of other hosts that a page makes a browser load."""
    parser = Loads()
    parser.feed(text)
    return [one for one in parser.found if one and re.match(r"['\"]?(https?:)?//", one)]


def commands(command, words=()):
    """Yield the words of every command."""
    yield words
    for name, sub in getattr(command, "commands", {}).items():
        if not sub.hidden:
            yield from commands(sub, (*words, name))


def test_pages_load_nothing_from_other_hosts(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    found = {page.name: outside(page.read_text(encoding="utf-8")) for page in pages}
    assert not {name: places for name, places in found.items() if places}
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", text), sheet
    for page in pages:  # the theme would load a library for these
        assert 'class="mermaid"' not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://a.example/x.js"></script>',
        '<link rel="stylesheet" href="//a.example/x.css">',
        '<link rel="preconnect" href="https://a.example" crossorigin>',
        '<p style="background: url(https://a.example/x.png)">',
    ],
)
def test_the_check_for_other_hosts_sees_them(text):
    assert len(outside(text)) == 1
    assert outside('<a href="https://a.example"><script src="x.js"></script>') == []


def test_the_search_has_its_index_beside_it(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    places = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert {"install.html", "faq.html", "python.html", "command-line.html"} <= places
    assert list((site / "assets").rglob("search*.js"))


def test_every_command_has_its_help(site):
    text = (site / "command-line.html").read_text(encoding="utf-8")
    missing = [
        words
        for words in commands(typer.main.get_command(app))
        if f"$ {' '.join(['mask2face', *words])} --help" not in text
    ]
    assert not missing, "add  <!-- help: COMMAND -->  to docs/command-line.md"


def test_options_are_shown_as_the_program_says_them(site):
    text = (site / "command-line.html").read_text(encoding="utf-8")
    for option in ("--hole-only", "--in-front", "--max-megapixels", "--official-split"):
        assert option in text
    assert "<!-- help" not in text


def test_every_public_name_is_in_the_reference(site):
    text = (site / "python.html").read_text(encoding="utf-8")
    for name, home in mask2face._HOMES.items():
        assert f'id="mask2face.{home}.{name}"' in text, name


def test_the_articles_story_links_the_article(site):
    assert ARTICLE in (site / "how-it-works.html").read_text(encoding="utf-8")


def test_linked_files_of_the_repository_come_along(site):
    for path in ("notebooks/mask2face.ipynb", "src/mask2face/recipes/natural.json"):
        assert (site / "repository" / path).read_bytes() == (ROOT / path).read_bytes()
    assert "repository/notebooks/mask2face.ipynb" in (site / "training.html").read_text("utf-8")
    assert not list(site.rglob("*.py"))


def test_links_are_right_where_the_repository_is_browsed():
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (DOCS / link).exists(), f"{page.name} links to {link}"


def test_figures_agree_with_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, begin in (("how-it-works.md", "## How good it is"), ("faq.md", "# Questions")):
        text = (DOCS / name).read_text(encoding="utf-8").partition(begin)[2]
        figures = set(re.findall(r"\d+\.\d+ ?%|\d+\.\d{2,3}\b|\d+\.\d M|\b\d+ ms", text))
        assert figures
        assert not {one for one in figures if one not in readme}, name


def test_the_hooks_refuse_what_is_not_there(hooks):
    from mkdocs.exceptions import PluginError

    with pytest.raises(PluginError, match="nonsense"):
        hooks.help_text(["nonsense"])
    assert "--format" in hooks.help_text(["unmask"])


def test_the_hooks_lead_links_to_what_they_add(hooks):
    from types import SimpleNamespace

    page = SimpleNamespace(file=SimpleNamespace(src_uri="training.md"))
    text = "[a](../LICENSE) [b](faq.md#x) [c](https://a.example)\n<!-- help: dataset fetch -->"
    made = hooks.on_page_markdown(text, page=page)
    assert made.startswith("[a](repository/LICENSE) [b](faq.md#x) [c](https://a.example)\n```text")
    assert "$ mask2face dataset fetch --help\nUsage: mask2face dataset fetch" in made
    page = SimpleNamespace(file=SimpleNamespace(src_uri="repository/CHANGELOG.md"))
    assert hooks.on_page_markdown("[d](docs/faq.md)", page=page) == "[d](../faq.md)"
