#!/usr/bin/env python3
"""check_links.py FOLDER: every link of its HTML pages to a file of the folder, or to a place in one, leads there.

Those of Doxygen's own pages (reference/) are Doxygen's business, but for what others link to there.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8", errors="replace"))

    def handle_starttag(self, tag: str, attributes: list) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


def main() -> int:
    root = Path(sys.argv[1]).resolve()
    pages = {path: Page(path) for path in root.rglob("*.html")}
    broken = 0
    for path, page in pages.items():
        if (root / "reference") in path.parents:
            continue
        for link in page.links:
            if urlparse(link).scheme or link.startswith("//"):
                continue
            target, place = urldefrag(link)
            target = target.partition("?")[0]
            file = (path.parent / unquote(target)).resolve() if target else path
            if not file.exists():
                print(f"{path.relative_to(root)}: {link} leads nowhere")
                broken += 1
            elif place and file in pages and unquote(place) not in pages[file].places and place != "top":
                print(f"{path.relative_to(root)}: there is no place {place} in {file.relative_to(root)}")
                broken += 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
