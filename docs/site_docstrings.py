r"""Sphinx's roles in docstrings as Markdown, so that the reference shows code and not markup."""

import re

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|obj|data|attr):`(?:[^`<]*<)?~?([^`>]+)>?`")
_MATH = re.compile(r":math:`([^`]+)`")
_LINK = re.compile(r"`([^`<]+) <(https?://[^`>]+)>`_")
_DIRECTIVE = re.compile(r"^\.\. (note|warning)::[ ]*\n", re.MULTILINE)


def as_markdown(text: str) -> str:
    text = _MATH.sub(r"$\1$", _LINK.sub(r"[\1](\2)", text))
    text = _DIRECTIVE.sub(r"!!! \1\n", text)
    return _ROLE.sub(lambda found: f"`{found[1].removeprefix('pyg_moleblend.')}`", text)


class RolesAsMarkdown(griffe.Extension):
    def on_instance(self, *, obj: griffe.Object, **kwargs: object) -> None:
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
