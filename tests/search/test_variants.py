"""Truncated and quantised embeddings: the ranks of brute force, from one encoding."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

import xbench
from tests.commands import invoke
from tests.conftest import HashEncoder
from xbench._util.errors import UserError
from xbench.search import encoder_ranks
from xbench.search.variants import Variant, VariantVectors, variants_of

pytestmark = pytest.mark.integration

MINI = [f"XBenchMini{setting}Retrieval" for setting in ("Multilingual", "Monolingual")]


def evaluate(model, place, tasks=MINI, **options):
    return xbench.evaluate(
        model,
        tasks,
        output=place / "results",
        cache_dir=place / "cache",
        no_progress=True,
        **options,
    )


def ranks(results, settings=""):
    frame = results.per_question().query("settings == @settings")
    keys = ["task", "subset", "question", "passage_language"]
    return frame.sort_values([*keys, "rank"])[[*keys, "rank"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("variants")
    encoder = HashEncoder(dimensions=48)
    lists = ["dim=16,48", "quantize=int8,binary", "dim=40;quantize=int8,binary"]
    return evaluate(encoder, place, variants=lists), encoder, place


def brute_force(encoder, scores):
    """Return the mean average precision of every subset, each pool sorted by its scores."""
    found = {}
    for task in xbench.get_tasks(MINI):
        task.load_data()
        corpus = task.corpus_data
        passages = {
            code: np.array([encoder.vector("document", text) for text in own.texts])
            for code, own in corpus.passages.items()
        }
        every = np.concatenate(list(passages.values()))
        for name, subset in task.subsets.items():
            pool = np.concatenate([passages[code] for code in subset.passage_languages])
            ids = [i for code in subset.passage_languages for i in corpus.passages[code].ids]
            relevant = corpus.relevant_passages(subset.query_language, subset.passage_languages)
            queries = corpus.queries[subset.query_language]
            values = []
            for question, text in zip(queries.ids, queries.texts, strict=True):
                score = dict(
                    zip(ids, scores(encoder.vector("query", text), pool, every), strict=True)
                )
                order = sorted(sorted(ids, reverse=True), key=lambda i: -score[i])
                places = sorted(order.index(own) + 1 for own in relevant.get(question, ()))
                values += [np.mean([(n + 1) / own for n, own in enumerate(places)])] * bool(places)
            found[task.metadata.name, name] = np.mean(values)
    return found


def cosine(query, pool):
    return pool @ query / np.linalg.norm(query) / np.linalg.norm(pool, axis=1)


def int8(query, pool, every, dim=None):
    low, high = every[:, :dim].min(axis=0), every[:, :dim].max(axis=0)
    one, other = (
        np.round((np.clip(v[..., :dim], low, high) - low) / (high - low) * 255) / 255 * (high - low)
        + low
        for v in (query, pool)
    )
    return cosine(one, other)


def binary(query, pool, every, dim=None):
    one, other = (np.packbits(v[..., :dim] > 0, axis=-1) for v in (query, pool))
    return -np.unpackbits(one ^ other, axis=-1).sum(axis=1).astype(int)


@pytest.mark.parametrize(
    ("settings", "scores"),
    [
        ("dim=16", lambda q, p, e: cosine(q[:16], p[:, :16])),
        ("quantize=int8", int8),
        ("quantize=binary", binary),
        ("dim=40, quantize=int8", lambda q, p, e: int8(q, p, e, 40)),
        ("dim=40, quantize=binary", lambda q, p, e: binary(q, p, e, 40)),
    ],
)
def test_ranks_are_those_of_brute_force(settings, scores, made):
    results, encoder, _ = made
    frame = results.to_dataframe().query("settings == @settings and measure == 'map'")
    values = frame[frame["subset"] != ""].set_index(["task", "subset"])["value"].to_dict()
    assert len(values) == 16
    assert values == pytest.approx(brute_force(encoder, scores), abs=2e-4)


def test_everything_is_encoded_once_and_counted_once_a_variant(tmp_path, monkeypatch):
    tables = []

    class Counted(encoder_ranks.RankTable):
        def __init__(self, *args):
            tables.append(1)
            super().__init__(*args)

    monkeypatch.setattr(encoder_ranks, "RankTable", Counted)
    encoder = HashEncoder(dimensions=48)
    plain = HashEncoder(dimensions=48)
    evaluate(encoder, tmp_path, variants=["dim=16,32", "quantize=int8,binary"])
    evaluate(plain, tmp_path / "plain")
    assert len(tables) == 5 + 1
    extra = len(encoder.seen) - len(plain.seen)
    assert extra == 4 * len(MINI) * 16
    assert len(set(encoder.seen)) == len(set(plain.seen))


def test_all_dimensions_are_the_embeddings_themselves(made):
    results, *_ = made
    assert ranks(results, "dim=48").equals(ranks(results))
    assert not ranks(results, "dim=16").equals(ranks(results))


def test_dimensions_are_those_of_truncate_dim(tiny_folder, tmp_path):
    variant = evaluate(str(tiny_folder), tmp_path, variants="dim=8")
    truncated = evaluate(str(tiny_folder), tmp_path / "other", truncate_dim=8)
    one, other = ranks(variant, "dim=8"), ranks(truncated, "truncate_dim=8")
    assert len(one) > 100
    assert one.equals(other)


def test_names_in_files_comparisons_pages_and_submissions(made, tmp_path):
    _, _, place = made
    (line, *_) = (
        (place / "results/test__hash-encoder/1/experiments/dim_40__quantize_int8")
        .joinpath("run_settings.jsonl")
        .read_text()
        .splitlines()
    )
    own = json.loads(line)["xbench"]
    assert own["variant"] == {"dim": 40, "quantize": "int8", "ranges": "passages"}
    assert "--variants 'dim=40;quantize=int8'" in shlex.join(own["command"])
    names = ["test/hash-encoder", "test/hash-encoder@dim=40,int8", "test/hash-encoder@1@binary"]
    compared = invoke(place, "compare", *names)
    assert compared.returncode == 0, compared.stderr
    for shown in ("test/hash-encoder@dim=40,int8", "test/hash-encoder@binary"):
        assert shown in compared.stdout
    wrong = invoke(place, "compare", names[0], "test/hash-encoder@dim=41")
    assert wrong.returncode == 2
    assert (
        "no results of the variant 'dim=41'; there are binary, dim=16, dim=40,bin" in wrong.stderr
    )
    assert invoke(place, "validate", "results").returncode == 0
    built = invoke(place, "leaderboard", "build", "--results", "results", "--output", "site")
    assert built.returncode == 0, built.stderr
    pages = [path.read_text("utf-8") for path in (place / "site").rglob("*.html")]
    assert any("test/hash-encoder@dim=40,int8" in page for page in pages)
    done = invoke(place, "submit", "test/hash-encoder", "--output", tmp_path / "submission")
    assert done.returncode == 0, done.stderr + done.stdout
    kept = {path.parent.name for path in (tmp_path / "submission").rglob("run_settings.jsonl")}
    assert {"1", "dim_16", "dim_40__quantize_int8", "quantize_binary"} <= kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variants": "dim=0"}, "'dim=0'; expected dim=64,128"),
        ({"variants": "dims=8"}, "'dims=8'; expected"),
        ({"variants": ["quantize=int4"]}, "'quantize=int4'; expected"),
        ({"variants": " ; "}, "an empty list"),
        ({"variants": "dim=8", "rerank": "x"}, "cannot be applied with --rerank"),
        ({"variants": "dim=8", "tasks": "MIRACLMonolingualRetrieval"}, "streamed passages are not"),
        ({"variants": "dim=49"}, "dim=49: the embeddings of test/hash-encoder have 48 dimensions"),
        ({"variants": "dim=8", "model": "xbench/bm25"}, "does not give each text one vector"),
    ],
)
def test_what_cannot_be_made_is_refused(options, message, tmp_path):
    options = {"model": HashEncoder(dimensions=48)} | options
    with pytest.raises(UserError, match=message):
        evaluate(options.pop("model"), tmp_path, **options)


def test_lists():
    assert variants_of(["dim=64,128", "quantize=int8"]) == (
        Variant(64),
        Variant(128),
        Variant(None, "int8"),
    )
    both = variants_of(["dim=64,128 quantize=int8,binary", "dim=64;quantize=int8"])
    assert [str(own) for own in both] == [
        "dim=64,int8",
        "dim=64,binary",
        "dim=128,int8",
        "dim=128,binary",
    ]


def test_queries_beyond_the_range_of_passages_get_its_end():
    passages = np.array([[0.0, 5.0], [255.0, 5.0]], np.float32)
    made = VariantVectors(Variant(quantize="int8"), passages, "m")
    queries = np.array([[-9.0, 5.0], [900.0, 5.0], [1.4, 5.0]], np.float32)
    np.testing.assert_array_equal(made(queries), [[0, 5], [255, 5], [1, 5]])
