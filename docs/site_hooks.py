r"""What MkDocs makes of the repository: pages that are generated, and links that lead out of ``docs/``.

* The reference: a page a package, of what it exports.
* The command line: a page of every verb's options, from the parsers themselves.
* A file of the repository that a page links to (an example, a benchmark's results) becomes a page of the site, so that
  its link works on GitHub and here.
* Formulas become MathML, which browsers show without a script.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from argparse import SUPPRESS
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
PACKAGES = (
    *("chem", "transforms", "nn", "models", "datasets", "splits", "training", "inference", "quick", "estimators"),
    *("metrics", "checkpoints", "fields", "utils", "viz", "reports"),
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
_FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)
_LANGUAGES = {".py": "python", ".json": "json", ".yaml": "yaml", ".toml": "toml", ".csv": "text"}
_MOST_CHARACTERS = 20_000


def on_files(files: Files, config: Any) -> Files:
    from mkdocs.structure.files import File

    pages = {"cli.md": command_line(), **{f"reference/{name}.md": reference(name) for name in PACKAGES}}
    for file in list(files.documentation_pages()):
        for path in sorted(outside(file.content_string, file.src_uri)):
            pages[page_of(path)] = shown(path)
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_config(config: Any) -> Any:
    entries = [{name: f"reference/{name}.md"} for name in PACKAGES]
    config.nav = [{"Reference": entries} if entry == {"Reference": "reference"} else entry for entry in config.nav]
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    folder = posixpath.dirname(page.file.src_uri)

    def rewritten(found: re.Match[str]) -> str:
        path = repository_path(found[1], page.file.src_uri)
        if not is_outside(path):
            return found[0]
        return f"]({posixpath.relpath(page_of(path), folder or '.')}{found[2] or ''})"

    return LINK.sub(rewritten, markdown)


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    from latex2mathml.converter import convert

    # The converter knows no \lVert; both are the same bar.
    return _FORMULA.sub(lambda found: convert(_plain(found["tex"])), html)


def _plain(tex: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        tex = tex.replace(entity, character)
    return tex.replace(r"\lVert", r"\|").replace(r"\rVert", r"\|")


def repository_path(target: str, src_uri: str) -> str:
    r"""Where a link of a page leads, from the top of the repository."""
    return posixpath.normpath(posixpath.join("docs", posixpath.dirname(src_uri), target))


def is_outside(path: str) -> bool:
    return not path.startswith("docs/") and (ROOT / path).exists()


def outside(markdown: str, src_uri: str) -> Iterator[str]:
    for found in LINK.finditer(markdown):
        if is_outside(path := repository_path(found[1], src_uri)):
            yield path


def page_of(path: str) -> str:
    return f"files/{path}.md"


def shown(path: str) -> str:
    r"""A page that shows a file of the repository, or what a folder holds."""
    place = ROOT / path
    title = f"---\nsearch: {{exclude: true}}\nhide: [navigation, toc]\n---\n# {path}\n\n"
    if place.is_dir():
        return title + "\n".join(f"* `{entry.name}`" for entry in sorted(place.iterdir()) if entry.name[0] not in "._")
    text = place.read_text()
    cut = f"\nThe first {_MOST_CHARACTERS:,} of {len(text):,} characters.\n" if len(text) > _MOST_CHARACTERS else ""
    return f"{title}{cut}\n````{_LANGUAGES.get(place.suffix, 'text')}\n{text[:_MOST_CHARACTERS]}\n````\n"


def reference(package: str) -> str:
    r"""What a package exports, by ``__all__``."""
    name = f"pyg_moleblend.{package}"
    return f"# {package}\n\n::: {name}\n"


def command_line() -> str:
    from pyg_moleblend.cli.app import VERBS

    head = [
        "# Command line",
        "",
        "`moleblend VERB --help` tells the same, of the version that you have. `--some-option` and `--some_option`",
        "are one; a switch alone means true. All options can stand in a YAML file, `--config FILE`; those given after",
        "it win. `--plugin FILE.py` runs a file that registers parts of your own, with every verb. After an error of",
        "yours or of the machine's the exit code is 2, and the error is one line; `MOLEBLEND_TRACEBACK=1` shows where",
        "it comes from.",
        "",
        *(f"* [`{verb}`](#{verb}): {summary}" for verb, summary in VERBS.items()),
        "",
    ]
    return "\n".join([*head, *(line for verb in VERBS for line in _verb(verb))])


def _verb(verb: str) -> Iterator[str]:
    from pyg_moleblend.cli.app import make_parser

    parser, function = make_parser(verb)
    text = inspect.getdoc(function) or ""
    actions = [action for action in parser._actions if action.dest not in ("help", "config", "plugin", "print_config")]
    actions = [action for action in actions if action.help not in (None, SUPPRESS)]
    words = " ".join(action.dest.upper() for action in actions if not action.option_strings)
    needed = [action.dest for action in actions if action.option_strings and action.required]
    required = " ".join(f"--{name} {name.upper()}" for name in needed)
    yield from (f"## {verb}", "", text.split("\nArgs:")[0].strip(), "")
    yield from ("```text", " ".join(filter(None, ["moleblend", verb, words, required, "[options]"])), "```", "")
    for action in actions:
        given = action.option_strings[0].replace("_", "-") if action.option_strings else action.dest.upper()
        if given in ("--model", "--schedule", "--machine"):  # a file that holds the group
            continue
        default = "" if action.required or not action.option_strings else f"Default: `{_default(action.default)}`."
        help_text = re.sub(r"``", "`", str(action.help)).strip()
        yield from (f"`{given}`", f":   {help_text} {_choices(action)}{default}", "")


def _choices(action: Any) -> str:
    hint = str(getattr(action, "_typehint", ""))
    if found := re.search(r"Literal\[([^\]]+)\]", hint):
        return "One of " + ", ".join(f"`{word.strip(chr(39))}`" for word in found[1].split(", ")) + ". "
    return ""


def _default(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
