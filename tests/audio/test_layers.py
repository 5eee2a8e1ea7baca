"""The files of `mirkit.audio` import each other downwards only: a read never goes back up."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import mirkit.audio

ROOT = Path(mirkit.audio.__file__).parents[1]


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_there_is_no_circle_between_files():
    files = {name_of(path): path for path in (ROOT / "audio").rglob("*.py")}
    imports = {}
    for name, path in files.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                below = {f"{node.module}.{alias.name}" for alias in node.names} & files.keys()
                found |= below or ({node.module} & files.keys())
        imports[name] = found
    order = list(TopologicalSorter(imports).static_order())  # raises where there is a circle
    place = {name.removeprefix("mirkit.audio."): i for i, name in enumerate(order)}
    path_of_a_read = ("mixing", "values", "sources", "codecs", "reading")
    assert sorted(path_of_a_read, key=place.__getitem__) == list(path_of_a_read)
