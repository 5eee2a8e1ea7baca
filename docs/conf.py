"""Configuration of the documentation: `make docs` builds it without a network."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import mirkit  # noqa: E402

project = "mirkit"
author = "the mirkit developers"
copyright = "the mirkit developers, MIT license"
release = mirkit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "**/README.md"]
html_theme = "furo"
html_title = "mirkit"
html_static_path: list[str] = []

default_role = "code"  # docstrings name other things in single backticks
napoleon_google_docstring = False
autodoc_typehints = "none"  # the signatures of the verbs say them already
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
copybutton_prompt_text = "$ "

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Pages link to files of the repository, such as benchmarks, which are no pages of the site.
suppress_warnings = ["myst.xref_missing"]


def setup(app: Sphinx) -> None:
    """Fill the pages that list what the package holds."""
    app.connect("source-read", fill)


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the places that a page leaves for lists."""
    if page == "api":
        source[0] = source[0].replace("@api@", api())
    if page == "models":
        source[0] = source[0].replace("@models@", models())


def api() -> str:
    """Return directives that document every public name, the verbs first."""
    verbs, values, errors = [], [], []
    for name in mirkit.__all__:
        value = getattr(mirkit, name)
        if not isinstance(value, type):
            if callable(value):
                verbs.append(f".. autofunction:: mirkit.{name}\n")
            continue
        kind = errors if issubclass(value, Exception) else values
        kind.append(f".. autoclass:: mirkit.{name}\n   :members:\n")
    parts = {"Verbs": verbs, "Values": values, "Errors": errors}
    return "\n\n".join(
        f"## {title}\n\n```{{eval-rst}}\n" + "\n".join(entries) + "```"
        for title, entries in parts.items()
    )


def models() -> str:
    """Return a table of the cards."""
    rows = ["| model | task | code | weights | summary |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| `{card.name}` | {card.task} | {card.license_code} | {card.license_weights} "
        f"| {card.summary} |"
        for card in mirkit.models()
    ]
    return "\n".join(rows)
