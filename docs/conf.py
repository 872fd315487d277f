"""The site, of these pages: tools/site.sh builds it. Needs Sphinx, MyST and the theme furo, and no network."""

import re
from pathlib import Path

project = "Riffle"
author = "the Riffle authors"
project_copyright = "2026, the Riffle authors"
header = Path(__file__).parent.parent / "include" / "riffle" / "version.h"
version = release = re.search(r'RIFFLE_VERSION "([^"]+)"', header.read_text()).group(1)

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["README.md", "pictures"]  # README.md is the index for who reads the folder
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # pages that are read on their own begin where they like
highlight_language = "none"

html_theme = "furo"
html_title = f"Riffle {version}"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wide_tables.css"]


def resolve_links(app, name, source):
    """Makes links that hold in the source folder such that hold on the site, which has the pages of docs alone."""
    text = source[0]
    at_root = name == "start"
    if at_root:
        text = (Path(app.srcdir).parent / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"(^```.*?^```$|^    .*?$)", text, flags=re.MULTILINE | re.DOTALL)
    source[0] = "".join(part if i % 2 else site_links(part, at_root) for i, part in enumerate(parts))


def site_links(text, at_root):
    """Of a text without code: README and index are pages of the site by other names; what is no page loses its link."""
    if at_root:
        text = re.sub(r"\]\((?!docs/|https?:|#)", "](../", text).replace("](docs/", "](")
    text = text.replace("](../README.md)", "](start.md)").replace("](README.md)", "](index.md)")
    text = re.sub(r"\[(docs/)?\w+\.md\]\(", "[](", text)  # MyST writes the title of the page
    return re.sub(r"\[`?([^\]`]*)`?\]\(\.\./[^)]*\)", r"`\1`", text)


def setup(app):
    app.connect("source-read", resolve_links)
