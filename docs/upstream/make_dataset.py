"""Write XQuAD-R as the data set that the tasks of this folder read.

    python docs/upstream/make_dataset.py FOLDER

It reads LAReQA's files through xbench and writes, for each language, the configurations
corpus-LANGUAGE, queries-LANGUAGE and qrels-LANGUAGE as parquet, and a README.md with their list,
which is what the Hugging Face hub shows and `datasets.load_dataset` reads. Nothing is uploaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import yaml

from xbench.data.parallel_corpus import ParallelCorpus


def write(corpus: ParallelCorpus, folder: Path) -> None:
    """Write the configurations of each language and their list.

    Args:
        corpus: The parallel corpus.
        folder: Where to write; made if it does not exist.
    """
    configurations = []
    for code, queries in corpus.queries.items():
        passages = corpus.passages[code]
        pairs = [(q, p, 1) for q, found in corpus.relevant[code].items() for p in found]
        parts = {
            "corpus": table(("id", "text"), zip(passages.ids, passages.texts, strict=True)),
            "queries": table(("id", "text"), zip(queries.ids, queries.texts, strict=True)),
            "qrels": table(("query-id", "corpus-id", "score"), pairs),
        }
        for part, frame in parts.items():
            name = f"{part}-{code}"
            (folder / name).mkdir(parents=True, exist_ok=True)
            frame.to_parquet(folder / name / "test.parquet", index=False)
            files = [{"split": "test", "path": f"{name}/test.parquet"}]
            configurations.append({"config_name": name, "data_files": files})
    head = yaml.safe_dump({"license": "cc-by-sa-4.0", "configs": configurations}, sort_keys=False)
    (folder / "README.md").write_text(f"---\n{head}---\n", "utf-8")


def table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> pd.DataFrame:
    """Return rows as a table."""
    return pd.DataFrame(list(rows), columns=list(columns))


if __name__ == "__main__":
    from xbench.tasks import XQuADRMultilingualRetrieval

    task = XQuADRMultilingualRetrieval()
    task.load_data()
    write(task.corpus_data, Path(sys.argv[1]))
