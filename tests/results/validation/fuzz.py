"""Check mutated files of sound submissions: ``python -m tests.results.validation.fuzz 50000``.

Whatever a file holds, the check ends with findings, within 2 seconds and 500 MB, writes nothing
outside a folder of its own, and accepts no other score than that of the ranks.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.leaderboard.sound_results import write_sound
from tests.results.validation.pull_requests import MONO, MULTI, PUBLICATION
from xbench.results.validation import check_changes
from xbench.results.validation.report import as_json, as_markdown, as_text

SUFFIXES = (".json", ".jsonl", ".gz")
SECONDS, MEMORY = 2.0, 500 * 2**20
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 1.5, -0.0, 1e308, 10**18, 10**400),
    *(float("nan"), float("inf"), "", "x", "x" * 9_000, "\u202e", "\ud800", "\x00", "../../x"),
    *("=1+1", "<b>", "NaN", "1e999", [], {}, [[]], {"": {}}, [None] * 1_000, ["x"] * 50),
    {str(i): i for i in range(100)},
]
PIECES = [
    *(b"", b"\x00", b"{", b"}", b"[", b'"', b",", b"NaN", b"\xff"),
    *(b"1" * 500, b"[" * 2_000, b'{"a":' * 500),
]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values, of long lists the first, the last and one between."""
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*path, key))
    elif isinstance(document, list):
        for index in sorted({0, len(document) // 2, len(document) - 1} & set(range(len(document)))):
            yield from places(document[index], (*path, index))


def mutated_document(document: Any, chance: random.Random) -> Any:
    """Return a document with a value changed, removed, doubled or moved."""
    path = chance.choice(list(places(document)))
    value = chance.choice(VALUES)
    if not path:
        return value
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    kind = chance.randrange(5)
    if kind == 0:
        del inner[path[-1]]
    elif kind == 1 and isinstance(inner, list):
        inner.insert(path[-1], inner[path[-1]])
    elif kind == 2 and isinstance(inner, dict):
        inner[chance.choice(["", "x", "\u202e", "__proto__", path[-1] + "\u00ad"])] = value
    elif kind == 3 and isinstance(inner[path[-1]], (int, float)):
        inner[path[-1]] += chance.choice([-1, 1, 1e-3, 0.5])
    else:
        inner[path[-1]] = value
    return document


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with some changed, removed, doubled or put in."""
    start = chance.randrange(len(content) + 1)
    end = min(len(content), start + chance.choice([0, 1, 8, 100]))
    piece = chance.choice([*PIECES, bytes([chance.randrange(256)]), content[start:end] * 2])
    return content[:start] + piece + content[end:]


def mutated(path: Path, chance: random.Random) -> bytes:
    """Return another content of a file."""
    content = path.read_bytes()
    if chance.random() < 0.3:
        return mutated_bytes(content, chance)
    packed = path.suffix == ".gz"
    plain = gzip.decompress(content) if packed else content
    if chance.random() < 0.3:
        plain = mutated_bytes(plain, chance)
    else:
        lines = plain.splitlines() if path.suffix == ".jsonl" else [plain]
        chosen = chance.randrange(len(lines))
        changed = mutated_document(json.loads(lines[chosen]), chance)
        text = json.dumps(changed, ensure_ascii=chance.random() < 0.5)
        lines[chosen] = text.encode("utf-8", "surrogatepass")
        plain = b"\n".join(lines) + b"\n"
    return gzip.compress(plain, 1, mtime=0) if packed else plain


def sound(root: Path) -> None:
    """Write two submissions with their summaries, and published scores."""
    for task, model in ((MONO, "acme/mono"), (MULTI, "acme/multi")):
        write_sound(root, task, model=model, summary=True)
    (root / "reported").mkdir()
    (root / "reported" / "paper.json").write_text(json.dumps(PUBLICATION))


def check_one(root: Path, base: Path, path: Path, content: bytes) -> str:
    """Check a submission with one file changed, and return what is wrong with the check."""
    before = path.read_bytes()
    around = sorted(root.parent.iterdir())
    path.write_bytes(content)
    started = time.process_time()
    try:
        changes = check_changes(root, base)
        for report in (as_text, as_json, as_markdown):
            report(changes.checks, changes.sentences).encode()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        path.write_bytes(before)
    spent = time.process_time() - started
    if spent > SECONDS:
        return f"took {spent:.1f} s"
    if sorted(root.parent.iterdir()) != around:
        return "wrote outside its folder"
    accepted = [item.result for item in changes.checks if item.run and item.path == path]
    return "" if all(maps(own) == maps(json.loads(before)) for own in accepted) else "another score"


def maps(result: Any) -> list[float]:
    """Return the scores of a result."""
    return [entry["map"] for entry in result["scores"]["test"]]


def fuzz(number: int, seed: int) -> list[str]:
    """Check so many mutated files, and return what was wrong."""
    chance, wrong = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder:
        root, base = Path(folder, "submission", "results"), Path(folder, "base")
        sound(root)
        shutil.copytree(root, base)
        files = [path for path in sorted(root.rglob("*.*")) if path.suffix in SUFFIXES]
        for count in range(number):
            path = chance.choice(files)
            content = mutated(path, chance)
            if reason := check_one(root, base, path, content):
                kept = Path(f"fuzz-{seed}-{count}-{path.name}")
                kept.write_bytes(content)
                wrong.append(f"{kept}: {reason}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return [*wrong, *([f"seed {seed}: {peak} bytes of memory"] if peak > MEMORY else [])]


def main(number: int) -> int:
    """Check mutated files on all cores, and print what was wrong."""
    step = 500
    seeds = range(1, -(-number // step) + 1)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        wrong = [line for found in pool.map(fuzz, [step] * len(seeds), seeds) for line in found]
    print(*wrong, f"{len(seeds) * step} files checked, {len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000))
