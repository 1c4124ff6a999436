"""The house: its rooms, what each is for, and who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "xbench": ROOT / "xbench",
    "xbench.tasks": ROOT / "tasks",
    "xbench.leaderboard": ROOT / "leaderboard",
}

ROOMS = {
    "cli": "the commands, one file each",
    "leaderboard": "a static site from the score table",
    "training": "training with monolingual, cross-lingual and hybrid batches",
    "evaluation": "a run from a model's name to its result files",
    "analysis": "results compared and explained, without models",
    "tasks": "mteb's task classes",
    "search": "ranks from a model and a corpus",
    "results": "the files of a result: written, read, checked, and the score table",
    "models": "any model, found by name and seen as a text encoder",
    "data": "what data exists, where it is read from, how its files are read",
    "metrics": "measures and statistics: functions of ranks, NumPy and SciPy only",
    "_util": "errors that users can fix, files written whole or not at all",
}

LAYERS = [
    {"cli"},
    {"leaderboard", "training"},
    {"evaluation", "analysis"},
    {"tasks"},
    {"search"},
    {"results"},
    {"models", "data"},
    {"metrics", "_util"},
]
"""From top to bottom; a room imports what is below it, never what is next to or above it."""

ALSO = {
    ("training.study", "evaluation"),
    ("training.study", "analysis"),
    ("training.studies.measuring", "analysis"),
    ("training.studies.measuring", "results"),
    ("training.studies.measuring", "search"),
}
NEVER = {
    ("leaderboard", "tasks"),
    ("leaderboard", "search"),
    ("leaderboard", "models"),
    ("leaderboard", "evaluation"),
    ("training", "evaluation"),
    ("training", "analysis"),
    ("training", "search"),
    ("training", "results"),
    ("analysis", "models"),
    ("analysis", "tasks"),
    ("tasks", "results"),
    ("results", "models"),
    ("metrics", "_util"),
}
"""What is below and still not imported, but by the modules in `ALSO`."""

INNER = {
    "data.own": "data",
    "data.streamed": "data",
    "models.baselines": "models",
    "search.streamed": "search",
    "results.validation": "results",
    "training.batching": "training",
    "training.corpora": "training",
    "training.studies": "training",
}
IMPORTED_BY_OUTER = {"training.batching", "training.corpora"}
"""Inner folders that the modules around them import; the others import the modules around them."""

HEAVY = {"mteb", "torch", "sentence_transformers", "datasets"}
FORBIDDEN = {
    "analysis": HEAVY,
    "data": HEAVY - {"datasets"},
    "leaderboard": HEAVY,
    "metrics": HEAVY | {"pandas", "pydantic"},
    "results": HEAVY,
}


def modules():
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            inner = ".".join(path.relative_to(folder).with_suffix("").parts)
            yield f"{package}.{inner}".removesuffix(".__init__"), path


@cache
def imports(path: Path, module: str) -> set[str]:
    found = set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            name = f"{base}.{node.module}" if node.level else str(node.module)
            names = [f"{name}.{alias.name}" for alias in node.names]
            found |= {own for own in names if own in MODULES} or {name}
    return found


MODULES = {module for module, _ in modules()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def layer(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


def inner(module: str) -> str:
    return ".".join(module.split(".")[1:3])


def test_there_are_these_rooms_and_nothing_else():
    folders = {p.name for p in PACKAGES["xbench"].iterdir() if p.is_dir()} - {"__pycache__"}
    files = {p.name for p in PACKAGES["xbench"].iterdir() if p.is_file()}
    assert folders == set(ROOMS) - {"tasks", "leaderboard"}
    assert files == {"__init__.py", "__main__.py", "py.typed"}


def test_the_picture_of_the_house_is_true():
    blocks = re.findall(
        r"^```text\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.S | re.M
    )
    picture = next(block for block in blocks if block.startswith("cli\n"))
    assert [set(line.split()) for line in picture.splitlines()] == LAYERS


def test_imports_go_downward():
    for module, path in modules():
        own = room(module)
        for imported in imports(path, module):
            root = imported.split(".")[0]
            message = f"{module} imports {imported}"
            assert root not in ("tasks", "leaderboard", "tests"), message
            other = room(imported) if root == "xbench" else ""
            if own in ROOMS and other and own != other:
                assert layer(own) < layer(other), f"{message}, which is not below it"
                allowed = (module.removeprefix("xbench."), other) in ALSO
                assert allowed or (own, other) not in NEVER, message


def test_inner_folders_import_the_folder_around_them():
    for module, path in modules():
        for imported in imports(path, module) & MODULES:
            own, other = inner(module), inner(imported)
            if room(imported) != room(module):
                continue
            if other in INNER and own not in INNER:
                assert other in IMPORTED_BY_OUTER, f"{module} imports {imported}"
            if own in IMPORTED_BY_OUTER and own != other:
                assert other in IMPORTED_BY_OUTER, f"{module} imports {imported}"


def test_heavy_packages_are_imported_where_they_are_needed():
    for module, path in modules():
        roots = {name.split(".")[0] for name in imports(path, module)}
        assert not roots & FORBIDDEN.get(room(module), set()), module
        if module in {"xbench.data.catalogue", "xbench.data.datasets"}:
            assert "numpy" not in roots


def test_there_are_few_arrows():
    arrows = {
        (room(module), room(imported))
        for module, path in modules()
        for imported in imports(path, module)
        if imported.startswith("xbench.") and room(module) != room(imported)
    }
    assert len({arrow for arrow in arrows if all(arrow)}) <= 60


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return {name.split(".")[0] for name in output.split()}


@pytest.mark.parametrize("statement", ["import xbench", "import xbench.cli"])
def test_the_face_and_the_command_line_load_nothing_heavy(statement):
    assert not loaded_by(statement) & (HEAVY | {"numpy", "pandas", "pydantic"})


@pytest.mark.integration
@pytest.mark.parametrize(
    "statement",
    [
        "from xbench.leaderboard import build_site",
        "from xbench.analysis.comparison import compare",
        "from xbench.analysis.run_bias import language_bias",
        "from xbench.results.validation import check",
    ],
)
def test_reading_results_loads_neither_torch_nor_mteb(statement):
    assert not loaded_by(statement) & HEAVY


@pytest.mark.integration
def test_the_tasks_load_no_more_than_a_run_from_stored_embeddings_needs():
    assert not loaded_by("import xbench.tasks") & {"sentence_transformers", "langcodes"}


@pytest.mark.integration
def test_private_names_of_mteb_are_in_the_plugin_only():
    for module, path in modules():
        names = [name for name in imports(path, module) if name.startswith("mteb")]
        private = [name for name in names if any(p.startswith("_") for p in name.split("."))]
        assert not private, f"{module} imports {private}"
        tree = ast.parse(path.read_text("utf-8"))
        if module == "xbench.evaluation.mteb_plugin":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mteb"):
                bad = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not bad, f"{module} imports {bad} from {node.module}"
