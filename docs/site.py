"""What the site shows beside the pages of docs/: the README, CONTRIBUTING, the rooms of the library, and linked files.

Links are written as the repository's viewer follows them. Here they lead to the same things within the site.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BROUGHT_IN = {"index.md": ROOT / "README.md", "contributing.md": ROOT / "CONTRIBUTING.md"}
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")
ROLE = re.compile(r":(?:class|meth|func|mod|attr):<code>([^<&]*?)(?: &lt;[^<]*&gt;)?</code>")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/, and the files that pages link to."""
    for name, path in BROUGHT_IN.items():
        files.append(File.generated(config, name, content=path.read_text()))
    for room in rooms():
        files.append(File.generated(config, f"api/{room}.md", content=f"# {room}\n\n::: {room}\n"))
    for path in linked_files():
        if path.is_dir():
            files.append(File.generated(config, in_site(path), content=listing(path)))
        else:
            files.append(File.generated(config, in_site(path), abs_src_path=str(path)))
    complete(config.nav or [], files)
    return files


def complete(nav: list[Any], files: Files) -> None:
    """Put the pages of single methods and of rooms where the navigation has a place for them."""
    names = sorted(file.src_uri for file in files.documentation_pages())
    for entry in nav:
        if "Methods" in entry:
            pages = [name for name in names if name.startswith("methods/") and name != "methods/README.md"]
            entry["Methods"].append({"One by one": pages})
        if "Reference" in entry:
            entry["Reference"] = [*(name for name in names if name.startswith("api/")), "contributing.md"]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links into links within the site."""
    source = BROUGHT_IN.get(page.file.src_uri, DOCS / page.file.src_uri)
    up = "../" * page.file.src_uri.count("/")
    parts = FENCE.split(markdown)
    return "".join(part if FENCE.match(part) else LINK.sub(lambda link: led(link, source, up), part) for part in parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leave out the roles before names in docstrings, which the site does not know."""
    return ROLE.sub(r"<code>\1</code>", html)


def led(link: re.Match[str], source: Path, up: str) -> str:
    """Return a link as it is on the site; an address stays as it is."""
    target = target_of(link["target"], source)
    if target is None:
        return link[0]
    return f"{link['before']}{up}{in_site(target)}{link['anchor'] or ''}"


def target_of(link: str, source: Path) -> Path | None:
    """Return the file of this repository that a link leads to; None for an address."""
    if re.match(r"\w+:", link):
        return None
    target = (source.parent / link).resolve()
    return target if target.exists() else None


def in_site(target: Path) -> str:
    """Return where a file, or for a folder its listing, is in the site."""
    for name, path in BROUGHT_IN.items():
        if path == target:
            return name
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    return f"files/{target.relative_to(ROOT).as_posix()}" + (".md" if target.is_dir() else "")


def linked_files() -> set[Path]:
    """Return the files outside docs/ that pages link to."""
    pages = [*DOCS.rglob("*.md"), *BROUGHT_IN.values()]
    targets = {target_of(link["target"], page) for page in pages for link in LINK.finditer(page.read_text())}
    outside = {target for target in targets if target and not target.is_relative_to(DOCS)}
    return outside - set(BROUGHT_IN.values())


def rooms() -> list[str]:
    """Return the packages of the library that export something."""
    faces = sorted((ROOT / "plastic_rl").rglob("__init__.py"))
    return [".".join(face.parent.relative_to(ROOT).parts) for face in faces if "__all__" in face.read_text()]


def listing(folder: Path) -> str:
    """Return a page with the names of a folder's files, which the site does not hold."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return "\n".join(
        [f"# {folder.relative_to(ROOT).as_posix()}", "", "In the repository:", "", *(f"- `{name}`" for name in names)]
    )
