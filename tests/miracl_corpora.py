"""Corpora in MIRACL's shape and of any size, around its real topics and qrels.

``python -m tests.miracl_corpora FOLDER LANGUAGE PASSAGES`` writes one by hand; FOLDER is then a
``--data-dir``.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import yaml

from xbench.data.parallel_corpus import Qrels, Texts
from xbench.data.streamed.miracl_tables import read_qrels, read_topics

REAL = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "miracl"

CHARACTERS = {
    **{"ar": 320, "bn": 384, "de": 415, "en": 402, "es": 405, "fa": 264, "fi": 360, "fr": 345},
    **{"hi": 372, "id": 351, "ja": 147, "ko": 175, "ru": 333, "sw": 230, "te": 397, "th": 358},
    **{"yo": 160, "zh": 121},
}
"""Mean characters of a passage with its title, from mteb's descriptive statistics."""

LATIN = "abcdefghijklmnopqrstuvwxyz"
LETTERS = {
    "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "bn": "কখগঘচছজটডতথদধনপফবভমযরলশসহািুে",
    "de": LATIN + "äöüß",
    "es": LATIN + "áéíóúñ",
    "fa": "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی",
    "fi": LATIN + "äö",
    "fr": LATIN + "àâçéèêîôù",
    "hi": "कखगघचछजटडतथदधनपफबभमयरलवशसहािुे",
    "ja": "".join(map(chr, [*range(0x3042, 0x3094), *range(0x4E00, 0x4F00)])),
    "ko": "".join(map(chr, range(0xAC00, 0xAC00 + 4_000, 7))),
    "ru": "абвгдежзийклмнопрстуфхцчшщыьэюя",
    "te": "కఖగఘచఛజటడతథదధనపఫబభమయరలవశసహాిుే",
    "th": "กขคงจฉชซญดตถทธนบปผฝพฟภมยรลวสหอะาิ",
    "yo": LATIN + "ẹọṣáàéèíìóòúù",
    "zh": "".join(map(chr, range(0x4E00, 0x4E00 + 3_000))),
}
UNSEGMENTED = ("ja", "th", "zh")

WORDS, POOL_WORDS, TITLES, BLOCK = 20_000, 300_000, 4_096, 8_192


def topics_and_qrels(language: str, queries: int = 20) -> tuple[Texts, Qrels]:
    """Return the real ones where they are next to the checkout, else made-up ones."""
    name = f"miracl-v1.0-{language}-dev.tsv"
    if (REAL / f"topics.{name}").is_file():
        return read_topics(REAL / f"topics.{name}"), read_qrels(REAL / f"qrels.{name}")
    return made_up(language, queries)


def made_up(language: str, queries: int = 20) -> tuple[Texts, Qrels]:
    """Return questions of made-up words, each with two relevant passages and two others."""
    words = _words(language, np.random.default_rng(len(language)))
    join = "" if language in UNSEGMENTED else " "
    ids = tuple(str(query) for query in range(queries))
    texts = tuple(join.join(words[100 + 6 * q : 106 + 6 * q]) for q in range(queries))
    judgments = {str(q): {f"{q + 7}#{n}": int(n < 2) for n in range(4)} for q in range(queries)}
    lines = {str(q): {f"{q + 7}#{n}": 4 * q + n + 1 for n in range(4)} for q in range(queries)}
    return Texts(ids, texts), Qrels(judgments, f"made-up-{language}.tsv", lines)


def write_corpus(
    folder: Path,
    language: str,
    passages: int,
    *,
    topics: Texts,
    qrels: Qrels,
    seed: int = 0,
    file_size: int = 500_000,
    compressed: bool = True,
) -> Path:
    """Write ``docs-<n>.jsonl.gz`` into a folder, every judged passage among them."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = _blocks(language, passages, topics, qrels, np.random.default_rng(seed), file_size)
    for number in range(-(-passages // file_size)):
        rows = min(file_size, passages - number * file_size)
        name = f"docs-{number}.jsonl" + (".gz" if compressed else "")
        with (folder / name).open("wb") as raw, ThreadPoolExecutor(1) as writer:
            gz = gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0)
            file = gz if compressed else raw
            written = writer.submit(bytes)
            for lines in islice(blocks, -(-rows // BLOCK)):
                content = "".join(lines).encode()
                written.result()
                written = writer.submit(file.write, content)
            written.result()
            gz.close() if compressed else None
    return folder


def write_miracl(
    data_dir: Path,
    sizes: Mapping[str, int],
    *,
    seed: int = 0,
    file_size: int = 500_000,
    real: bool = True,
    folder: str = "miracl",
) -> Path:
    """Write topics, qrels and passages of some languages in MIRACL's own layout."""
    for language, passages in sizes.items():
        topics, qrels = (topics_and_qrels if real else made_up)(language)
        version = f"miracl-v1.0-{language}"
        for kind, lines in (
            ("topics", (f"{i}\t{t}" for i, t in zip(topics.ids, topics.texts, strict=True))),
            ("qrels", (f"{q}\tQ0\t{d}\t{r}" for q, d, r in _triples(qrels))),
        ):
            path = data_dir / folder / version / kind / f"{kind}.{version}-dev.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        corpus = data_dir / folder / f"miracl-corpus-v1.0-{language}"
        write_corpus(
            corpus,
            language,
            passages,
            topics=topics,
            qrels=qrels,
            seed=seed,
            file_size=file_size,
        )
    return data_dir


def write_clone(
    repository: Path, language: str, corpus: Path, *, topics: Texts, qrels: Qrels
) -> Path:
    """Write a small corpus as a clone of the hub's repository, a parquet file for every file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(part: str, tables: list[dict[str, list[object]]]) -> None:
        for n, table in enumerate(tables):
            path = repository / f"{language}-{part}" / f"dev-{n:05}-of-{len(tables):05}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(table), path, row_group_size=1_000)

    files = sorted(corpus.glob("docs-*.gz"), key=lambda path: int(path.name[5:].split(".")[0]))
    contents = [
        [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        for file in files
    ]
    columns = {"_id": "docid", "title": "title", "text": "text"}
    write(
        "corpus", [{to: [row[o] for row in rows] for to, o in columns.items()} for rows in contents]
    )
    write("queries", [{"_id": [*topics.ids], "text": [*topics.texts]}])
    names = ("query-id", "corpus-id", "score")
    write("qrels", [dict(zip(names, map(list, zip(*_triples(qrels), strict=True)), strict=True))])
    configs = [
        {"config_name": path.name, "data_files": [{"split": "dev", "path": f"{path.name}/dev-*"}]}
        for path in sorted(repository.glob("*-*"))
        if path.is_dir()
    ]
    readme = f"---\n{yaml.safe_dump({'configs': configs})}---\n"
    (repository / "README.md").write_text(readme, encoding="utf-8")
    return repository


def _triples(qrels: Qrels) -> Iterator[tuple[str, str, int]]:
    for query, judged in qrels.judgments.items():
        for docid, relevance in judged.items():
            yield query, docid, relevance


def _words(language: str, random: np.random.Generator) -> list[str]:
    letters = np.array(list(LETTERS.get(language, LATIN)))
    longest = 3 if len(letters) > 200 else 10
    lengths = random.integers(1, longest + 1, 2 * WORDS)
    text = "".join(random.choice(letters, lengths.sum()))
    ends = lengths.cumsum()
    words = (text[end - length : end] for end, length in zip(ends, lengths, strict=True))
    return list(dict.fromkeys(words))[:WORDS]


class _Pool:
    """A long text of words drawn by Zipf's law; a passage is a piece of it."""

    def __init__(self, language: str, random: np.random.Generator) -> None:
        words = _words(language, random)
        weights = 1 / np.arange(1, len(words) + 1)
        drawn = random.choice(len(words), POOL_WORDS, p=weights / weights.sum())
        self.join = "" if language in UNSEGMENTED else " "
        stop = "。" if language in ("ja", "zh") else f".{self.join}"
        ends = np.where(np.arange(POOL_WORDS) % 15 == 14, stop, self.join).tolist()
        pieces = [words[i] + end for i, end in zip(drawn.tolist(), ends, strict=True)]
        self.text = "".join(pieces)
        starts = np.cumsum([0, *map(len, pieces)])
        self._mean = CHARACTERS.get(language, 350)
        self.starts = starts[starts < len(self.text) - 20 * self._mean]
        self.titles = [
            self.text[a : a + 12].strip() for a in random.choice(self.starts, TITLES).tolist()
        ]

    def pieces(self, count: int, random: np.random.Generator) -> list[str]:
        spread, mean = 0.6, self._mean - 12
        drawn = random.lognormal(np.log(mean) - spread**2 / 2, spread, count)
        lengths = np.clip(drawn, 5, 20 * self._mean).astype(int).tolist()
        starts = random.choice(self.starts, count).tolist()
        return [self.text[a : a + n] for a, n in zip(starts, lengths, strict=True)]


def _blocks(
    language: str,
    passages: int,
    topics: Texts,
    qrels: Qrels,
    random: np.random.Generator,
    file_size: int,
) -> Iterator[list[str]]:
    """Yield lines in blocks that end where files end."""
    pool = _Pool(language, random)
    asked = _asked(topics, qrels)
    judged = random.permutation(np.array(list(asked), dtype=object)).tolist()
    if len(judged) > passages:
        raise ValueError(f"{passages} passages cannot hold {len(judged)} judged ones")
    places = iter(sorted(random.choice(passages, len(judged), replace=False).tolist()))
    place = next(places, passages)
    article = 1 + max((int(docid.split("#")[0]) for docid in asked), default=0)
    number = done = 0
    while done < passages:
        count = min(BLOCK, passages - done, file_size - done % file_size)
        opens = (random.random(count) < 0.2).tolist()
        lines = []
        for position, (opening, text) in enumerate(
            zip(opens, pool.pieces(count, random), strict=True), done
        ):
            if position == place:
                lines.append(_judged(judged.pop(), asked, text, pool))
                place = next(places, passages)
                continue
            article, number = (article + 1, 0) if opening else (article, number + 1)
            title = pool.titles[article % TITLES]
            lines.append(
                f'{{"docid": "{article}#{number}", "title": "{title}", "text": "{text}"}}\n'
            )
        done += count
        yield lines


def _asked(topics: Texts, qrels: Qrels) -> dict[str, list[str]]:
    """Return by judged docid the questions that it is relevant to."""
    texts = dict(zip(topics.ids, topics.texts, strict=True))
    asked: dict[str, list[str]] = {}
    for query, docid, relevance in _triples(qrels):
        questions = asked.setdefault(docid, [])
        if relevance > 0:
            questions.append(texts[query])
    return asked


def _judged(docid: str, asked: dict[str, list[str]], text: str, pool: _Pool) -> str:
    """Return a passage that holds two thirds of each question that it is relevant to."""
    title = pool.titles[int(docid.split("#")[0]) % TITLES]
    for question in asked[docid]:
        units = question.split() if pool.join else question
        text = pool.join.join([text, *units[: -(-2 * len(units) // 3)]])
    row = {"docid": docid, "title": title, "text": text}
    return json.dumps(row, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_miracl(Path(sys.argv[1]), {sys.argv[2]: int(sys.argv[3])})
