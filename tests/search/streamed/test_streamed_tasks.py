"""MIRACL's tasks on a small copy of its layout: against brute force, and through the checkpoint."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from tests.search.same_places import assert_same_ties
from tests.search.streamed.conftest import IntegerEncoder
from xbench._util.errors import UserError
from xbench.data.download import DataLocation
from xbench.metrics import scores
from xbench.search.options import SearchOptions
from xbench.search.run_ranks import ranks_in_run
from xbench.search.streamed import plan
from xbench.search.streamed.local_backend import LocalBackend
from xbench.tasks import MIRACLMonolingualRetrieval, MIRACLMultilingualRetrieval

pytestmark = pytest.mark.integration

QUIET = SearchOptions(show_progress=False)
LANGUAGES = ("ar", "en", "sw")


def task_of(cls, location, languages=LANGUAGES, search=QUIET):
    return cls(languages=languages, location=location, search=search)


def read_tsv(path):
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()]


def read_passages(data, code):
    for path in sorted((data / "miracl" / f"miracl-corpus-v1.0-{code}").iterdir()):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            row = json.loads(line)
            yield f"{code}/{row['docid']}", row["text"].strip()


def brute_force(data, encoder, queries_in, pool, places):
    """Rank all passages of a pool by the encoder's score, ties by id descending."""
    passages = {passage: text for code in pool for passage, text in read_passages(data, code)}
    own = data / "miracl" / f"miracl-v1.0-{queries_in}"
    name = f"miracl-v1.0-{queries_in}-dev.tsv"
    topics = read_tsv(own / "topics" / f"topics.{name}")
    relevant = {f"{queries_in}/{q}": [] for q, _ in topics}
    for question, _, passage, grade in read_tsv(own / "qrels" / f"qrels.{name}"):
        if grade == "1":
            relevant[f"{queries_in}/{question}"].append(f"{queries_in}/{passage}")
    run = {}
    for question, text in topics:
        query = encoder.vector("query", text)
        scored = {i: float(query @ encoder.vector("passage", t)) for i, t in passages.items()}
        best = sorted(scored.items(), key=lambda item: item[::-1], reverse=True)[:places]
        run[f"{queries_in}/{question}"] = dict(best)
    language = {passage: passage.partition("/")[0] for passage in passages}
    return ranks_in_run(run, relevant, language, queries_in)


def assert_same_ranks(found, expected):
    assert found.questions == expected.questions
    assert found.pool == expected.pool
    places = zip(found.query.tolist(), found.rank.tolist(), strict=True)
    others = zip(expected.query.tolist(), expected.rank.tolist(), strict=True)
    assert sorted(places) == sorted(others)
    if len(expected.pool) > 1:
        expected = replace(expected, top=expected.top[:, : found.top.shape[1]])
    assert_same_ties(found, expected)


@pytest.mark.parametrize("places", [5, 30, 1000])
def test_ranks_are_those_of_brute_force(
    small_miracl, small_location, integer_encoder, monkeypatch, places
):
    monkeypatch.setattr(plan, "RUN_DEPTH", places)
    pooled = task_of(MIRACLMultilingualRetrieval, small_location).ranks(integer_encoder, {})
    alone = task_of(MIRACLMonolingualRetrieval, small_location).ranks(integer_encoder, {})
    for code in LANGUAGES:
        expected = brute_force(small_miracl, integer_encoder, code, LANGUAGES, places)
        assert_same_ranks(pooled[code], expected)
        expected = brute_force(small_miracl, integer_encoder, code, [code], places)
        assert_same_ranks(alone[code], expected)
        assert pooled[code].own_rank.tolist() == alone[code].rank.tolist()


def test_a_pool_has_its_own_scores(small_location, integer_encoder):
    task = task_of(MIRACLMultilingualRetrieval, small_location)
    found = task.evaluate(integer_encoder, encode_kwargs={})
    alone = task_of(MIRACLMonolingualRetrieval, small_location).evaluate(
        integer_encoder, encode_kwargs={}
    )
    for code in LANGUAGES:
        lost = alone[code]["ndcg_at_10"] - found[code]["ndcg_at_10"]
        assert found[code]["ndcg_at_10_lost"] == pytest.approx(lost)
        assert 0 <= found[code]["other_language_share_at_10"] <= 1
        assert found[code]["main_score"] == found[code]["ndcg_at_10"]
        assert "rank_distance" not in found[code]
        assert {"ndcg_at_100", "precision_at_3", "recall_at_1000", "mrr_at_10"} <= set(found[code])
        assert "ndcg_at_10_lost" not in alone[code]


def test_each_passage_is_encoded_once_for_both_settings(small_location, integer_encoder):
    task_of(MIRACLMultilingualRetrieval, small_location).evaluate(integer_encoder, encode_kwargs={})
    seen = [text for role, text in integer_encoder.seen if role == "document"]
    assert len(seen) == 90 + 150 + 40


class InterruptedSearchError(Exception):
    pass


@pytest.fixture
def known(monkeypatch):
    """Let the checkpoint believe that an encoder's weights is known, and what they are."""

    def tell(encoder, identity):
        monkeypatch.setattr(
            "xbench.models.encoder.model_identity", lambda model: model.__dict__.get("told")
        )
        encoder.told = identity
        return encoder

    return tell


def interrupt_after(monkeypatch, shards):
    """Stop the search after some shards, as if the process ended there."""
    original = LocalBackend.run

    def run(self, *args):
        for number, found in enumerate(original(self, *args)):
            if number == shards:
                raise InterruptedSearchError
            yield found

    monkeypatch.setattr(LocalBackend, "run", run)


@pytest.mark.parametrize("cls", [MIRACLMonolingualRetrieval, MIRACLMultilingualRetrieval])
@pytest.mark.parametrize("shards", [0, 1, 3])
def test_goes_on_where_it_stopped(small_location, known, monkeypatch, cls, shards):
    expected = task_of(cls, small_location, ("ar", "en")).ranks(IntegerEncoder(4), {})
    with monkeypatch.context() as patch:
        interrupt_after(patch, shards)
        with pytest.raises(InterruptedSearchError):
            task_of(cls, small_location, ("ar", "en")).ranks(known(IntegerEncoder(4), "w"), {})
    encoder = known(IntegerEncoder(4), "w")
    task = task_of(cls, small_location, ("ar", "en"))
    found = task.ranks(encoder, {})
    for code, ranks in expected.items():
        assert_same_ranks(found[code], ranks)
    passages = [text for role, text in encoder.seen if role == "document"]
    assert len(passages) == 90 + 150 - sum((25, 25, 10)[:shards])
    assert task.report.encoded == len(passages) + 16
    again = known(IntegerEncoder(4), "w")
    task_of(cls, small_location, ("ar", "en")).ranks(again, {})
    assert [role for role, _ in again.seen if role == "document"] == []


def begin(location, known, monkeypatch, encoder):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        with pytest.raises(InterruptedSearchError):
            task_of(MIRACLMonolingualRetrieval, location, ("en",)).ranks(encoder, {})


def test_other_weights_of_the_same_name_have_a_place_of_their_own(
    small_location, known, monkeypatch
):
    begin(small_location, known, monkeypatch, known(IntegerEncoder(4), "old"))
    passages = []
    for weights in ("new", "old"):
        encoder = known(IntegerEncoder(4), weights)
        task_of(MIRACLMonolingualRetrieval, small_location, ("en",)).ranks(encoder, {})
        passages.append(len([role for role, _ in encoder.seen if role == "document"]))
    assert passages[1] < passages[0]


def test_other_options_refuse_the_checkpoint(small_location, known, monkeypatch):
    begin(small_location, known, monkeypatch, known(IntegerEncoder(4), "w"))
    with pytest.raises(UserError, match="options of encode was"):
        task_of(MIRACLMonolingualRetrieval, small_location, ("en",)).ranks(
            known(IntegerEncoder(4), "w"), {"precision": "int8"}
        )


def test_other_passages_refuse_the_checkpoint(small_location, known, monkeypatch, tmp_path):
    import shutil

    begin(small_location, known, monkeypatch, known(IntegerEncoder(4), "w"))
    data = tmp_path / "data"
    shutil.copytree(small_location.data_dir, data)
    with gzip.open(data / "miracl" / "miracl-corpus-v1.0-en" / "docs-3.jsonl.gz", "wt") as file:
        file.write(json.dumps({"docid": "new", "title": "A", "text": "new passage"}) + "\n")
    location = DataLocation(data, small_location.cache_dir, offline=True)
    with pytest.raises(UserError, match="passages in en was"):
        task_of(MIRACLMonolingualRetrieval, location, ("en",)).ranks(
            known(IntegerEncoder(4), "w"), {}
        )


def test_other_queries_refuse_the_checkpoint(small_location, known, monkeypatch, tmp_path):
    import shutil

    begin(small_location, known, monkeypatch, known(IntegerEncoder(4), "w"))
    data = tmp_path / "data"
    shutil.copytree(small_location.data_dir, data)
    topics = data / "miracl/miracl-v1.0-en/topics/topics.miracl-v1.0-en-dev.tsv"
    topics.write_text(topics.read_text().replace("?", "!"))
    location = DataLocation(data, small_location.cache_dir, offline=True)
    with pytest.raises(UserError, match="queries in en was"):
        task_of(MIRACLMonolingualRetrieval, location, ("en",)).ranks(
            known(IntegerEncoder(4), "w"), {}
        )


def test_a_damaged_checkpoint_is_told(small_location, known, monkeypatch):
    begin(small_location, known, monkeypatch, known(IntegerEncoder(4), "w"))
    (file,) = small_location.cache_dir.rglob("begun/*/*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"damaged.*to start this search again"):
        task_of(MIRACLMonolingualRetrieval, small_location, ("en",)).ranks(
            known(IntegerEncoder(4), "w"), {}
        )


def test_two_processes_do_not_share_a_checkpoint(small_location, known, monkeypatch):
    from filelock import FileLock

    begin(small_location, known, monkeypatch, known(IntegerEncoder(4), "w"))
    (folder,) = small_location.cache_dir.rglob("begun/*/")
    with FileLock(f"{folder}.lock"), pytest.raises(UserError, match="another process"):
        task_of(MIRACLMonolingualRetrieval, small_location, ("en",)).ranks(
            known(IntegerEncoder(4), "w"), {}
        )


def test_a_model_that_cannot_be_told_keeps_nothing(small_location, integer_encoder):
    task_of(MIRACLMonolingualRetrieval, small_location).ranks(integer_encoder, {})
    assert not (small_location.cache_dir / "search").exists()


def test_the_scores_follow_from_the_ranks_on_disk(small_location, integer_encoder, tmp_path):
    from xbench.results.per_query_file import PerQuery, write_per_query
    from xbench.results.reading import read_ranks

    task = task_of(MIRACLMultilingualRetrieval, small_location)
    ranks = task.ranks(integer_encoder, {})
    content = PerQuery(task.task_name, "1", "sentence", True, ranks)
    write_per_query(tmp_path, content)
    again = read_ranks(tmp_path / f"{task.task_name}.per_query.json.gz")
    assert scores(again.subsets, multilingual=True) == scores(ranks, multilingual=True)
    assert replace(again, subsets={}) == replace(content, subsets={})


def test_passages_have_one_form(small_location):
    with pytest.raises(UserError, match="--passage-form context"):
        MIRACLMonolingualRetrieval(passage_form="context", location=small_location)


def test_a_model_that_searches_itself_is_refused(small_location):
    class Search:
        mteb_model_meta = IntegerEncoder().mteb_model_meta

        def index(self, *args, **kwargs): ...

        def search(self, *args, **kwargs): ...

    with pytest.raises(UserError, match="can be searched with an encoder, or with xbench/bm25"):
        task_of(MIRACLMonolingualRetrieval, small_location).ranks(Search(), {})


def test_an_encoder_that_fails_keeps_what_was_finished(small_location, known):
    class Failing(IntegerEncoder):
        def encode(self, inputs, *, prompt_type=None, **kwargs):
            if len(self.seen) > 60:
                raise RuntimeError("CUDA out of memory")
            return super().encode(inputs, prompt_type=prompt_type, **kwargs)

    failing = known(Failing(4), "w")
    with pytest.raises(UserError, match=r"out of memory.*smaller --batch-size"):
        task_of(MIRACLMonolingualRetrieval, small_location, ("en",)).ranks(failing, {})
    encoder = known(IntegerEncoder(4), "w")
    task_of(MIRACLMonolingualRetrieval, small_location, ("en",)).ranks(encoder, {})
    assert len([role for role, _ in encoder.seen if role == "document"]) == 150 - 50


def test_bm25_ranks_as_it_does_in_memory(small_miracl, small_location):
    from xbench.models.baselines.bm25 import BM25

    pooled = task_of(MIRACLMultilingualRetrieval, small_location).ranks(BM25(), {})
    alone = task_of(MIRACLMonolingualRetrieval, small_location).ranks(BM25(), {})
    for code in LANGUAGES:
        for found, pool in ((pooled[code], LANGUAGES), (alone[code], [code])):
            assert_same_ranks(found, in_memory(small_miracl, code, pool))
    assert not list(small_location.cache_dir.rglob("counts/*"))


def in_memory(data, queries_in, pool):
    """Rank the passages of a pool with mteb's own protocol of search models."""
    from datasets import Dataset

    from xbench.models.baselines.bm25 import BM25

    rows = [(*passage, code) for code in pool for passage in read_passages(data, code)]
    relevant = {}
    ids, texts, languages = zip(*rows, strict=True)
    own = data / "miracl" / f"miracl-v1.0-{queries_in}"
    name = f"miracl-v1.0-{queries_in}-dev.tsv"
    topics = read_tsv(own / "topics" / f"topics.{name}")
    for question, _, passage, grade in read_tsv(own / "qrels" / f"qrels.{name}"):
        if grade == "1":
            key = f"{queries_in}/{question}"
            relevant.setdefault(key, []).append(f"{queries_in}/{passage}")
    columns = {"id": [f"{queries_in}/{q}" for q, _ in topics], "text": [t for _, t in topics]}
    queries = Dataset.from_dict({**columns, "language": [queries_in] * len(topics)})
    corpus = Dataset.from_dict({"id": ids, "text": texts, "language": languages})
    common = {"task_metadata": None, "hf_split": "", "hf_subset": "", "encode_kwargs": {}}
    bm25 = BM25()
    bm25.index(corpus, **common)
    run = bm25.search(queries, top_k=1000, **common)
    return ranks_in_run(run, relevant, dict(zip(ids, languages, strict=True)), queries_in)
