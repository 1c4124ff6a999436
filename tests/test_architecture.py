"""Who may import whom: downward only, as CONTRIBUTING.md draws it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"xbench": ROOT / "xbench", "xbench.tasks": ROOT / "tasks"}
PACKAGES["xbench.leaderboard"] = ROOT / "leaderboard"

LAYERS = [
    {"cli", "__main__"},
    {"studies"},
    {"estimation"},
    {"leaderboard", "training", "evaluation", "comparison", "bias", "plots"},
    {"validation", "candidates"},
    {"run_settings"},
    {"plugin"},
    {"tasks"},
    {"streaming"},
    {"models", "baselines"},
    {"runs", "summaries"},
    {"embeddings", "ranking", "search", "statistics"},
    {"results"},
    {"scanning"},
    {"passages"},
    {"hub_files", "passage_files", "passage_rows", "repeated_ids"},
    {"metrics", "sources", "corpus"},
    {"catalogue", "files", "languages"},
    {"errors"},
]
"""From top to bottom; a part may import its own layer and those below."""

FORBIDDEN = {
    "metrics": {"mteb", "torch", "sentence_transformers", "datasets"},
    "leaderboard": {"mteb", "torch", "sentence_transformers", "datasets"},
    "results": {"mteb", "torch", "sentence_transformers", "datasets"},
    "ranking": {"mteb", "torch", "sentence_transformers", "datasets"},
    "catalogue": {"mteb", "torch", "numpy"},
    **{
        name: {"mteb", "torch", "sentence_transformers", "datasets"}
        for name in (
            "bias",
            "candidates",
            "comparison",
            "runs",
            "scanning",
            "statistics",
            "summaries",
            "validation",
        )
    },
}
EXCEPTIONS = {
    ("leaderboard", "evaluation"),
    ("evaluation", "leaderboard"),
    ("leaderboard", "training"),
    ("training", "leaderboard"),
    ("training", "evaluation"),
    ("evaluation", "training"),
    ("sources", "corpus"),
}


def modules():
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            inner = ".".join(path.relative_to(folder).with_suffix("").parts)
            yield f"{package}.{inner}".removesuffix(".__init__"), path


def imports(path: Path, module: str) -> set[str]:
    found = set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            found.add(f"{base}.{node.module}" if node.level else str(node.module))
    return found


def part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def layer(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: str(value))
def test_imports_go_downward(module, path):
    own = part(module)
    for imported in imports(path, module):
        root = imported.split(".")[0]
        assert root not in ("tasks", "leaderboard", "tests"), f"{module} imports {imported}"
        assert root not in FORBIDDEN.get(own, ()), f"{module} imports {imported}"
        other = part(imported) if root == "xbench" else ""
        if own and other and own != other:
            assert layer(own) <= layer(other), f"{module} imports {imported}, which is above it"
            assert (own, other) not in EXCEPTIONS, f"{module} imports {imported}"


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return {name.split(".")[0] for name in output.split()}


@pytest.mark.parametrize("statement", ["import xbench", "import xbench.cli"])
def test_the_face_and_the_command_line_load_nothing_heavy(statement):
    assert not loaded_by(statement) & {
        "numpy",
        "torch",
        "mteb",
        "datasets",
        "sentence_transformers",
    }


def test_the_leaderboard_loads_neither_torch_nor_mteb():
    heavy = {"torch", "mteb", "datasets", "sentence_transformers"}
    assert not loaded_by("from xbench.leaderboard import build_site") & heavy


def test_private_names_of_mteb_stand_in_the_plugin_only():
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
