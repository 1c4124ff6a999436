"""The tasks as mteb sees them: metadata, settings and what the engine encodes."""

from __future__ import annotations

import numpy as np
import pytest
from mteb.abstasks.task_metadata import TaskMetadata

from tests.conftest import HashEncoder
from xbench.data.catalogue import TASKS, subsets
from xbench.data.datasets import BELEBELE, MINI, MIRACL, MTOP, SETTINGS
from xbench.data.download import DataLocation
from xbench.data.languages import language
from xbench.tasks import (
    TASK_CLASSES,
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)

MINI_CLASSES = (
    XBenchMiniMonolingualRetrieval,
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)
KWARGS = {"batch_size": 32, "show_progress_bar": False}
CHECKED = 2 * 8
"""Texts that are encoded again before embeddings of an object are used again."""


def test_there_is_a_class_for_every_task_of_the_catalogue():
    assert [cls.metadata.name for cls in TASK_CLASSES] == list(TASKS)


@pytest.mark.parametrize("cls", TASK_CLASSES, ids=lambda cls: cls.__name__)
class TestMetadata:
    def test_is_complete_and_valid(self, cls):
        assert cls.metadata.is_filled()
        TaskMetadata.model_validate(cls.metadata.model_dump())
        dataset, _ = TASKS[cls.metadata.name]
        assert cls.metadata.main_score == dataset.main_score
        assert cls.metadata.eval_splits == [dataset.split]
        assert cls.__name__ == cls.metadata.name

    def test_subsets_and_languages(self, cls):
        dataset, setting = TASKS[cls.metadata.name]
        expected = subsets(setting, dataset.languages)
        assert cls.metadata.hf_subsets == list(expected)
        for name, codes in cls.metadata.eval_langs.items():
            subset = expected[name]
            others = subset.passage_languages if setting == "crosslingual" else ()
            assert codes == [language(a).mteb for a in (subset.query_language, *others)]

    def test_is_cited(self, cls):
        dataset, _ = TASKS[cls.metadata.name]
        if not dataset.demonstration:
            keys = {MIRACL.prefix: "zhang2023miracl", BELEBELE.prefix: "bandarkar2024belebele"}
            keys[MTOP.prefix] = "li2021mtop"
            assert keys.get(dataset.prefix, "roy2020lareqa") in cls.metadata.bibtex_citation
            assert cls.metadata.reference.startswith("https://")


def evaluate_mini(model, location, **options):
    return [
        cls(location=location, **options).evaluate(model, encode_kwargs=KWARGS)
        for cls in MINI_CLASSES
    ]


def test_all_settings_together_encode_no_text_twice(location):
    model = HashEncoder()
    evaluate_mini(model, location)
    assert len(set(model.seen)) == 2 * 8 * 48
    assert len(model.seen) - len(set(model.seen)) == 2 * CHECKED


def test_one_subset_at_a_time_gives_the_same_as_all_at_once(location):
    for cls in MINI_CLASSES:
        whole = cls(location=location).evaluate(HashEncoder(), encode_kwargs=KWARGS)
        model, task = HashEncoder(), cls(location=location)
        for name in task.hf_subsets[:5]:
            alone = task.evaluate(model, subsets_to_run=[name], encode_kwargs=KWARGS)
            assert alone == {name: whole[name]}
        assert len(model.seen) == len(set(model.seen))
        task.evaluate(model, subsets_to_run=task.hf_subsets[:1], encode_kwargs=KWARGS)
        assert len(model.seen) - len(set(model.seen)) == CHECKED


def test_the_shipped_set_is_parallel_and_large_enough(location):
    task = XBenchMiniMultilingualRetrieval(location=location)
    task.load_data()
    corpus = task.corpus_data
    assert len(MINI.languages) >= 6
    for code in MINI.languages:
        assert len(set(corpus.passages[code].texts)) == len(set(corpus.queries[code].texts)) >= 40
        assert corpus.queries[code].ids == corpus.queries["en"].ids


def test_context_puts_the_paragraph_behind_the_sentence(location):
    sentence, context = (
        XBenchMiniMonolingualRetrieval(passage_form=form, location=location)
        for form in ("sentence", "context")
    )
    sentence.load_data()
    context.load_data()
    plain, long = (task.corpus_data.passages["en"].texts for task in (sentence, context))
    for i, text in enumerate(long):
        assert text.startswith(f"{plain[i]}\n")
        paragraph = plain[4 * (i // 4) : 4 * (i // 4) + 4]
        assert text.endswith(" ".join(paragraph))


@pytest.mark.parametrize("setting", SETTINGS)
def test_languages_keep_the_subsets_whose_languages_are_all_named(location, setting):
    cls = MINI_CLASSES[SETTINGS.index(setting)]
    task = cls(languages=("ar", "de"), location=location)
    expected = {"crosslingual": ["ar-de", "de-ar"]}.get(setting, ["ar", "de"])
    assert task.hf_subsets == expected
    pool = {"multilingual": ("ar", "de")}
    assert task.subsets[expected[0]].passage_languages in (pool.get(setting), ("ar",), ("de",))


def test_mtebs_own_language_filter_encodes_only_what_is_needed(location):
    model = HashEncoder()
    task = XBenchMiniMonolingualRetrieval(location=location).filter_languages(["eng"])
    scores = task.evaluate(model, encode_kwargs=KWARGS)
    assert list(scores) == ["en"]
    assert len(model.seen) == 2 * 48
    whole = XBenchMiniMonolingualRetrieval(location=location).evaluate(
        HashEncoder(), encode_kwargs=KWARGS
    )
    assert scores["en"] == whole["en"]


def test_a_filtered_multilingual_task_keeps_the_whole_pool(location):
    task = XBenchMiniMultilingualRetrieval(location=location).filter_languages(["eng"])
    scores = task.evaluate(HashEncoder(), encode_kwargs=KWARGS)
    whole = XBenchMiniMultilingualRetrieval(location=location).evaluate(
        HashEncoder(), encode_kwargs=KWARGS
    )
    alone = {name: value for name, value in whole["en"].items() if name != "rank_correlation"}
    assert scores == {"en": alone}


def test_a_perfect_encoder_is_perfect(location):
    class Oracle(HashEncoder):
        """Gives a question and all versions of its answer the same vector."""

        def vector(self, role, text):
            return super().vector("", meaning[text])

    task = XBenchMiniMultilingualRetrieval(location=location)
    task.load_data()
    corpus = task.corpus_data
    meaning = {
        text: i
        for side in (corpus.queries, corpus.passages)
        for texts in side.values()
        for i, text in zip(texts.ids, texts.texts, strict=True)
    }
    meaning = {text: i.split(".")[-1] for text, i in meaning.items()}
    mono, cross, multi = evaluate_mini(Oracle(64), location)
    for scores in (mono, cross, multi):
        assert np.mean([s["map"] for s in scores.values()]) == pytest.approx(1)
    assert {s["rank_distance"] for s in multi.values()} == {7}


def test_changed_weights_are_noticed(location, tiny_transformer):
    import torch

    before = XBenchMiniMonolingualRetrieval(location=location, languages=("en", "de"))
    first = before.evaluate(tiny_transformer, encode_kwargs=KWARGS)
    with torch.no_grad():
        for weight in tiny_transformer.model.parameters():
            weight.add_(torch.randn_like(weight))
    again = XBenchMiniMonolingualRetrieval(location=location, languages=("en", "de"))
    assert again.evaluate(tiny_transformer, encode_kwargs=KWARGS) != first
    assert again.report.encoded == again.report.texts


def test_a_model_in_memory_is_recognised_by_its_weights(location, tiny_transformer, monkeypatch):
    from xbench.search import corpus_embeddings

    task = XBenchMiniMonolingualRetrieval(location=location, languages=("en",))
    first = task.evaluate(tiny_transformer, encode_kwargs=KWARGS)
    corpus_embeddings._MEMORY.clear()
    task = XBenchMiniMonolingualRetrieval(location=location, languages=("en",))
    assert task.evaluate(tiny_transformer, encode_kwargs=KWARGS) == first
    assert task.report.encoded == 0


def test_an_object_that_cannot_be_told_apart_is_never_stored(location):
    evaluate_mini(HashEncoder(), location)
    assert not list(location.cache_dir.rglob("*.safetensors"))


def test_no_location_means_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XBENCH_CACHE_DIR", str(tmp_path))
    assert XBenchMiniMonolingualRetrieval().location == DataLocation.from_environment()


class Pooled(HashEncoder):
    """An encoder around a torch module whose vectors also depend on something else."""

    def __init__(self, module, pooling):
        super().__init__()
        self.model = module
        self.pooling = pooling

    def vector(self, role, text):
        return super().vector(role + self.pooling, text)


def test_another_encoder_around_the_same_weights_is_encoded_anew(location, tiny_transformer):
    def task():
        return XBenchMiniMonolingualRetrieval(location=location, languages=("en",))

    module = tiny_transformer.model
    first = task().evaluate(Pooled(module, "mean"), encode_kwargs=KWARGS)
    changed = Pooled(module, "mean")
    assert task().evaluate(changed, encode_kwargs=KWARGS) == first
    changed.pooling = "max"
    second = task().evaluate(changed, encode_kwargs=KWARGS)
    assert second != first
    assert task().evaluate(Pooled(module, "max"), encode_kwargs=KWARGS) == second


def test_an_encoder_that_cannot_be_hashed(location):
    class Unhashable(HashEncoder):
        __hash__ = None

    task = XBenchMiniMonolingualRetrieval(location=location, languages=("en",))
    same = XBenchMiniMonolingualRetrieval(location=location, languages=("en",))
    expected = same.evaluate(HashEncoder(), encode_kwargs=KWARGS)
    assert task.evaluate(Unhashable(), encode_kwargs=KWARGS) == expected


@pytest.mark.integration
def test_mteb_never_merges_part_of_the_languages_or_another_form_with_the_full_task(
    location, tmp_path
):
    import mteb
    from mteb.cache import ResultCache

    def evaluate(cache, **options):
        task = XBenchMiniMultilingualRetrieval(location=location, **options)
        result = mteb.evaluate(HashEncoder(), task, cache=cache, show_progress_bar=False)[0]
        return {s["hf_subset"]: s["rank_distance"] for s in result.scores["test"]}

    cache = ResultCache(tmp_path)
    for options in ({"languages": ("de", "en")}, {}, {"passage_form": "context"}, {}):
        assert evaluate(cache, **options) == pytest.approx(evaluate(None, **options), abs=1e-5)


def test_a_task_keeps_its_name_when_its_data_are_unloaded(location):
    """mteb gives a task the published metadata back when it unloads its data."""
    task = XBenchMiniMonolingualRetrieval(location=location, languages=("de", "en"))
    task.load_data()
    task.unload_data()
    assert task.metadata.name == "XBenchMiniMonolingualRetrieval-de-en"


def test_one_language_makes_no_multilingual_pool(location):
    assert not XBenchMiniMultilingualRetrieval(location=location, languages=("de",)).hf_subsets
