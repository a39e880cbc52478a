"""The site: its links lead somewhere in it, nothing is fetched from elsewhere, and all pages are reached."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site():
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named_in(nav):
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from (
                name for names in entry.values() for name in ([names] if isinstance(names, str) else named_in(names))
            )


def navigation():
    text = (ROOT / "mkdocs.yml").read_text()
    return set(named_in(yaml.safe_load(text[text.index("\nnav:") :])["nav"]))


def test_every_page_is_in_the_navigation_and_nothing_else():
    methods = {f"methods/{path.name}" for path in (ROOT / "docs" / "methods").glob("*.md")} - {"methods/README.md"}
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert navigation() == pages - methods | {"index.md"}


@pytest.mark.parametrize(
    ("place", "link", "on_the_site"),
    [
        ("README.md", "docs/concepts.md", "concepts.md"),
        ("README.md", "CONTRIBUTING.md", "contributing.md"),
        ("README.md", "results/bit_flipping/figure.png", "files/results/bit_flipping/figure.png"),
        ("README.md", "results/bit_flipping", "files/results/bit_flipping.md"),
        ("docs/concepts.md", "../README.md#train", "index.md#train"),
        ("docs/concepts.md", "doctor.md#what", "doctor.md#what"),
        ("docs/methods/redo.md", "../concepts.md", "../concepts.md"),
        ("docs/concepts.md", "https://example.org/docs/concepts.md", "https://example.org/docs/concepts.md"),
    ],
)
def test_links_of_the_repository_are_links_of_the_site(site, place, link, on_the_site):
    source = ROOT / place
    up = "../" * (len(source.relative_to(ROOT / "docs").parts) - 1) if place.startswith("docs/") else ""
    assert site.LINK.sub(lambda found: site.led(found, source, up), f"[a]({link})") == f"[a]({on_the_site})"


@pytest.mark.slow
def test_it_is_built_without_a_warning_and_fetches_nothing(tmp_path, monkeypatch):
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    monkeypatch.chdir(ROOT)
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path)))
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        fetched = re.findall(
            r"<(?:script|img|iframe)[^>]*?\bsrc=\"(?:https?:)?//[^\"]*|<link[^>]*rel=\"stylesheet\"[^>]*//",
            page.read_text(),
        )
        assert fetched == []
    assert "ContinualBackprop" in (tmp_path / "api" / "plastic_rl.optim.html").read_text()
    assert not re.search(r":(?:class|func|meth|mod):", (tmp_path / "api" / "plastic_rl.optim.html").read_text())
