"""A board with two models and a publication, and pull requests that change it."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.leaderboard.sound_results import write_sound
from xbench.results.validation import Changes, check_changes

MONO, MULTI = "XBenchMiniMonolingualRetrieval", "XBenchMiniMultilingualRetrieval"
OLD, NEW = "old/model", "acme/new-model"
REVISION = "0123abc"
PUBLICATION = {
    "source": "arXiv 2004.05484",
    "title": "A publication",
    "url": "https://arxiv.org/abs/2004.05484",
    "entries": [
        {"model": "mBERT", "dataset": "XQuAD-R", "setting": "multilingual", "measure": "map",
         "value": 0.5, "average": "micro"},
        {"model": "LaBSE", "dataset": "XQuAD-R", "setting": "monolingual", "measure": "map",
         "value": 0.6, "language": "ar"},
    ],
}  # fmt: skip


@dataclass
class PullRequest:
    """A copy of the board, in which a model is added that may be spoilt."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / NEW.replace("/", "__") / REVISION

    @property
    def old(self) -> Path:
        return self.root / OLD.replace("/", "__") / REVISION

    def add(self, model: str = NEW, **options: Any) -> Path:
        """Add a sound model, and return its folder."""
        options = {"seed": 5, "badness": 1.5} | options
        paths = [write_sound(self.root, task, model=model, **options) for task in (MONO, MULTI)]
        return paths[0].parent

    def edit(self, name: str, change: Callable[[Any], object], folder: Path | None = None) -> None:
        """Change a JSON document, of settings every line."""
        path = (folder or self.folder) / name
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        documents = (
            [json.loads(line) for line in content.splitlines()]
            if path.suffix == ".jsonl"
            else [json.loads(content)]
        )
        for document in documents:
            change(document)
        text = "\n".join(map(json.dumps, documents)).encode() + b"\n"
        path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)

    def meta(self, **fields: Any) -> None:
        self.edit("model_meta.json", lambda meta: meta.update(fields))

    def settings(self, *path: Any) -> None:
        self.edit("run_settings.jsonl", put(*path))

    def publication(self, change: Callable[[Any], object]) -> None:
        self.edit("paper.json", change, self.root / "reported")

    def check(self, base: Path) -> Changes:
        return check_changes(self.root, base)


def put(*path: Any) -> Callable[[Any], object]:
    """Return a change that sets a field: the last argument is the value, or makes it of the old."""
    *keys, last, value = path

    def change(document: Any) -> None:
        for key in keys:
            document = document[key]
        document[last] = value(document[last]) if callable(value) else value

    return change


def make_board(root: Path) -> Path:
    """Write the board."""
    for model, seed in ((OLD, 1), ("org.dots/second_model", 2)):
        for task in (MONO, MULTI):
            write_sound(
                root, task, model=model, seed=seed, meta={"training_datasets": ["MLQARetrieval"]}
            )
    (root / "reported").mkdir()
    (root / "reported" / "paper.json").write_text(json.dumps(PUBLICATION))
    for lock in root.rglob(".run_settings.lock"):
        lock.unlink()
    return root


def copy_of(board: Path, folder: Path) -> PullRequest:
    return PullRequest(Path(shutil.copytree(board, folder / "results")))
