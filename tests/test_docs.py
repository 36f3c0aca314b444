r"""The documentation: links lead somewhere, commands have verbs and options that exist, every page is on the site."""

import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from pyg_moleblend.cli.app import VERBS, make_parser, normalise

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
TEXTS = [ROOT / "README.md", *PAGES]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*).*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"\bmoleblend\)? (?P<verb>[a-z]+)(?P<words>.*)")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(content: str) -> str:
    r"""Without blocks of code, and without code within lines."""
    return re.sub(r"(`+).+?\1", "", FENCE.sub("", content))


def anchors(content: str) -> set[str]:
    r"""What GitHub calls the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", content), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(content: str) -> list[tuple[str, list[str]]]:
    r"""Verb and words of every command in blocks of bash."""
    found = []
    for language, block in FENCE.findall(content):
        if language == "bash":
            for line in block.replace("\\\n", " ").splitlines():
                if match := COMMAND.search(line):
                    found.append((match["verb"], shlex.split(match["words"], comments=True)))
    return found


@cache
def options(verb: str) -> set[str]:
    return {option for action in make_parser(verb)[0]._actions for option in action.option_strings}


@cache
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site_hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path):
    generated = {ROOT / "docs" / "cli.md": set(VERBS)}
    for target in LINK.findall(prose(text(path))):
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        assert place in generated or place.exists(), target
        if anchor and place.suffix == ".md":
            assert anchor in generated.get(place, set()) | (anchors(text(place)) if place.is_file() else set()), target


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_exist(path: Path):
    for verb, words in commands(text(path)):
        assert verb in VERBS, verb
        given = {word.partition("=")[0] for word in normalise(words, make_parser(verb)[0]) if word.startswith("--")}
        assert given <= options(verb), f"moleblend {verb}: {sorted(given - options(verb))}"


def test_every_page_is_on_the_site():
    navigation = text(ROOT / "mkdocs.yml").partition("\nnav:")[2]
    named = set(re.findall(r"[\w/-]+\.md", navigation))
    assert named == {path.relative_to(ROOT / "docs").as_posix() for path in PAGES} | {"cli.md"}


def test_generated_pages_are_complete():
    page = hooks().command_line()
    for verb in VERBS:
        section = page.partition(f"\n## {verb}\n")[2].partition("\n## ")[0]
        skipped = {"-h", "--help", "--config", "--plugin", "--print_config", "--model", "--schedule", "--machine"}
        said = {line.strip("`").replace("-", "_").replace("__", "--", 1) for line in section.splitlines()}
        assert {option for option in options(verb) - skipped if not option.endswith("+")} <= said
    for package in hooks().PACKAGES:
        assert importlib.import_module(f"pyg_moleblend.{package}").__all__


def test_a_broken_page_is_noticed():
    content = "# A `b` — c\n```bash\nmoleblend predict \\\n    --top-most 3 x  # --comment\n```\n[x](`y`)"
    assert anchors(content) == {"a-b--c"}
    assert commands(content) == [("predict", ["--top-most", "3", "x"])]
    assert "--top_most" not in options("predict")
    assert LINK.findall(prose("[a](b.md#c) `[d](e)` [f](https://g)")) == ["b.md#c"]
