"""Sphinx builds the site from the pages of the repository, each at its own path: `make site`.

The source directory is the repository, so that links between pages hold on a forge and on the site.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers import JsonLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
html_title = project
extensions = ["myst_parser"]
root_doc = "README"
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/*.md", "roles/**/README.md", "tools/**/README.md"]
exclude_patterns = [".*", "build", "changelog.d", "dist", "orchestrator", "tests", "results"]

myst_heading_anchors = 4

html_theme = "furo"
html_favicon = "images/icon.svg"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
highlight_language = "none"
smartquotes = False  # or `--option` would lose a dash

NAVIGATION = {
    "Start": ["docs/tutorial", "docs/recipes", "docs/doctor", "docs/command-line", "docs/errors"],
    "Writing experiments": [
        "docs/experiment-file",
        "docs/kernels",
        "docs/roles",
        "roles/migbench/files/README",
    ],
    "Places": ["docs/hosts", "docs/guests", "docs/places", "docs/clouds"],
    "Results": ["docs/results", "docs/reports", "docs/statistics", "docs/bundles", "docs/across-kernels"],
    "Reference": [
        "docs/performance",
        "docs/reliability",
        "docs/security",
        "roles/kernel/files/README",
        "roles/kernel/files/linux-6.12/README",
        "roles/kernel/files/linux-7.3/README",
        "tools/count-instructions/README",
    ],
    "Project": ["docs/design", "CONTRIBUTING", "SECURITY", "docs/licences", "CHANGELOG"],
}
"""The pages in the order of the sidebar, below the headings of their groups."""


def add_navigation(_app: Sphinx, name: str, text: list[str]) -> None:
    """Append the table of contents to the front page: on a forge, README.md has its own."""
    if name == root_doc:
        for caption, pages in NAVIGATION.items():
            text[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"


def add_index(app: Sphinx, error: Exception | None) -> None:
    """Serve the front page at the root of the site, too."""
    if error is None and app.builder.name == "html":
        shutil.copy(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    """Connect the functions above; Sphinx calls this."""
    app.add_lexer("jsonl", JsonLexer)
    app.connect("source-read", add_navigation)
    app.connect("build-finished", add_index)
