"""The plan of the house, kept by tests: which room may import which, and what importing costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mirkit
from mirkit.tasks import TASKS

ROOT = Path(mirkit.__file__).parent

FLOORS = [
    ("__main__",),
    ("cli",),
    ("server", "hosts"),
    ("library",),
    ("exporting",),
    ("training", "evaluation", "analysis"),
    ("music", "sound"),
    ("system",),
    ("recording", "peers", "model_cache"),
    ("gate", "model"),
    ("windows", "plots", "sonification"),
    ("rendering",),
    ("formats",),
    ("features", "backbones", "decoding", "metrics", "datasets"),
    ("zoo",),
    ("annotation", "calibration"),
    ("activations", "audio"),
    ("frames",),
    ("vocab", "text"),
    ("batch", "values", "checks"),
    ("markup",),
    ("arrays", "tasks"),
    ("errors",),
]
"""Rooms from the roof down; a room imports only from floors below its own, or from itself."""

FLOOR_OF = {room: height for height, floor in enumerate(FLOORS) for room in floor}
MODULES = sorted(ROOT.rglob("*.py"))


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path):
    """The rooms that a module names in its imports, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "mirkit" and len(parts) > 1 and parts[1] in FLOOR_OF:
                yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    room = room_of(path)
    if room == "__init__":
        return  # the front door names every room, and opens each when asked
    assert room in FLOOR_OF, f"{room} has no floor; give it one here"
    for other in set(imported_rooms(path)) - {room}:
        assert FLOOR_OF[other] > FLOOR_OF[room], f"{room} imports {other}, which is not below it"


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path, modules):
    """The modules that a file imports from, in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:  # a name of a package is a module of its own, or lies in it
                inside = f"{node.module}.{alias.name}"
                yield inside if inside in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def find_circle(graph):
    """A list of modules of which each imports the next, and the last the first; None without."""
    done = set()
    for start in graph:
        path, todo = [], [(start, iter(graph[start]))]
        while todo:
            name, others = todo[-1]
            if len(path) < len(todo):
                path.append(name)
            other = next((x for x in others if x not in done), None)
            if other is None:
                done.add(path.pop())
                todo.pop()
            elif other in path:
                return path[path.index(other) :]
            else:
                todo.append((other, iter(graph[other])))
    return None


def test_no_files_import_each_other_in_a_circle():
    modules = {module_of(path): path for path in MODULES}
    graph = {
        name: sorted({x for x in imported_modules(path, modules) if x in modules} - {name})
        for name, path in modules.items()
    }
    circle = find_circle(graph)
    assert circle is None, " → ".join([*circle, circle[0]])


def test_a_circle_is_found_and_named():
    assert find_circle({"a": ["b", "c"], "b": ["c"], "c": [], "d": ["a"]}) is None
    assert find_circle({"a": ["b", "d"], "b": [], "c": ["b", "a"], "d": ["c"]}) == ["a", "d", "c"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_grows_past_500_lines(path):
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_docstring_begins_with_a_question_word(path):
    """A docstring begins with a verb or the term of the field, not "What a front end computes"."""
    wrong = [
        f"{getattr(node, 'name', 'module')}: {doc.splitlines()[0]}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (doc := ast.get_docstring(node))
        and doc.split()[0] in ("What", "Where", "Which", "How", "Whether", "When", "Who")
    ]
    assert not wrong


def test_public_names_are_these():
    assert sorted(mirkit.__all__) == [
        "Activations", "Analysis", "Audio", "AudioError", "Beats", "Caption", "Embedding", "Events",
        "Features", "FormatError", "FrameGrid", "Head", "Key", "MirkitError", "MissingExtra",
        "NotStreamable", "ParameterError", "Segments", "Tags", "Tempo", "TempoHypothesis",
        "TempoMap", "Track", "UnknownName", "WeightsError", "__version__", "analyze", "ask",
        "beats", "caption", "chords", "embed", "evaluate", "events", "export", "key", "load",
        "loudness", "models", "notes", "plot", "read", "save", "score", "sections", "sonify",
        "tags", "tempo", "zero_shot",
    ]  # fmt: skip
    for name in mirkit.__all__:
        assert getattr(mirkit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'beat'"):
        _ = mirkit.beat


def test_the_stub_names_what_the_front_door_gives():
    tree = ast.parse((ROOT / "__init__.pyi").read_text())
    stubs = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom)
             for alias in node.names} | {"__version__"}  # fmt: skip
    assert stubs == set(mirkit.__all__)


def modules_after(code):
    """The top-level modules loaded in a fresh process that has run `code`."""
    probe = f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_mirkit_loads_nothing_heavy():
    heavy = {"numpy", "scipy", "torch", "librosa", "jams", "soundfile", "onnxruntime", "mir_eval"}
    assert not modules_after("import mirkit") & heavy


def test_parsing_the_command_line_loads_nothing_heavy():
    loaded = modules_after(
        "import mirkit.cli as c\ntry: c.main(['beats', '--help'])\nexcept SystemExit: pass"
    )
    assert not loaded & {"numpy", "scipy", "torch", "librosa", "jams", "soundfile", "onnxruntime"}


FORMAT_TABLES = ("formats/",)
"""Rooms whose tables say in which member or namespace a task stands."""


def task_names_in(node):
    """The task names among the texts of a literal collection: its items, or keys of a mapping."""
    items = node.keys if isinstance(node, ast.Dict) else node.elts
    return {x.value for x in items if isinstance(x, ast.Constant)} & set(TASKS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_are_listed_in_their_table_alone(path):
    place = path.relative_to(ROOT).as_posix()
    if place == "tasks.py" or place.startswith(FORMAT_TABLES):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            names = task_names_in(node)
            assert len(names) < 2, f"{place}:{node.lineno} lists {', '.join(sorted(names))}"
