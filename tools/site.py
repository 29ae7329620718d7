"""For mkdocs: pages that stand outside docs/, and links that lead out of it.

README, CONTRIBUTING and CHANGELOG become pages of the site. Contract and examples stay files of the repository: a link
to one of them becomes its path in code type, because the site has no address of a repository to point to.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

__all__ = ["on_config", "on_files", "on_page_markdown"]

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def on_config(config: Any) -> Any:
    """Put pages that the navigation does not name at its end, so that each can be found."""
    named = set(_named(config["nav"]))
    found = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
    config["nav"] = [*config["nav"], *(name for name in found if name not in named)]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand outside docs/."""
    for source, name in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead every link to a page of the site, or name the file that it leads to."""
    own = {name: source for source, name in PAGES.items()}
    folder = posixpath.dirname(own.get(page.file.src_uri, f"docs/{page.file.src_uri}"))

    def lead(link: re.Match[str]) -> str:
        text, target = link.groups()
        if re.match(r"[a-z]+:|#", target):
            return link.group()
        path, hash_sign, anchor = target.partition("#")
        source = posixpath.normpath(posixpath.join(folder, path))
        name = PAGES.get(source, source.removeprefix("docs/"))
        if source.startswith("docs/") or source in PAGES:
            return f"[{text}]({name}{hash_sign}{anchor})"
        return f"{text} (`{source}`)" if text.strip("`") != source else f"`{source}`"

    return _LINK.sub(lead, markdown)


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    else:
        for one in part.values() if isinstance(part, dict) else part:
            yield from _named(one)
