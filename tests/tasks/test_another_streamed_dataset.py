"""A streamed dataset other than MIRACL: one subclass that says how its languages are read."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from xbench.data.datasets import Dataset
from xbench.data.download import DataLocation
from xbench.data.parallel_corpus import Qrels, Texts
from xbench.data.streamed.corpus import LanguageFiles
from xbench.evaluation.estimate_workloads import workloads_of
from xbench.search.options import SearchOptions
from xbench.tasks import StreamedRetrieval
from xbench.tasks.base import describe

COLOURS = {
    "de": {"1": "Der Himmel ist blau.", "2": "Das Gras ist grün.", "3": "Die Sonne ist gelb."},
    "en": {"1": "The sky is blue.", "2": "The grass is green.", "3": "The sun is yellow."},
}
QUERIES = {"de": {"q": "Ist der Himmel blau?"}, "en": {"q": "Is the sky blue?"}}
SOURCE = Dataset(
    prefix="Colours",
    title="Colours",
    folder="colours",
    revision="1",
    passages={"de": 3, "en": 3},
    settings=("monolingual", "multilingual"),
)


@dataclass(frozen=True)
class LinesInMemory:
    """The passages of one language, in one file that is none."""

    language: str
    names = ("lines",)
    place = "colours"
    size = None

    @property
    def identity(self):
        return (self.language,)

    def cache_key(self):
        return [[self.language, 1]]

    def iter_checked(self, file, seen):
        yield from self.rows(file, 0)

    def rows(self, file, start):
        yield from list(COLOURS[self.language].items())[start:]


class _Colours(StreamedRetrieval):
    source = SOURCE

    @classmethod
    def read_language(cls, language, location):
        ids, texts = zip(*QUERIES[language].items(), strict=True)
        judgments = {"q": {"1": 1}}
        return LanguageFiles(
            topics=Texts(ids, texts),
            qrels=Qrels(judgments, "qrels", {"q": {"1": 1}}),
            passages=LinesInMemory(language),
        )


def fields():
    return {
        "dataset": {"path": "own/colours", "revision": "1"},
        "reference": "https://example.org",
        "date": ("2026-01-01", "2026-01-02"),
        "domains": ["Written"],
        "task_subtypes": [],
        "license": "apache-2.0",
        "annotations_creators": "human-annotated",
        "dialect": [],
        "sample_creation": "created",
        "bibtex_citation": "",
    }


class ColoursMonolingualRetrieval(_Colours):
    setting = "monolingual"
    metadata = describe(SOURCE, "monolingual", "Colours.", **fields())


class ColoursMultilingualRetrieval(_Colours):
    setting = "multilingual"
    metadata = describe(SOURCE, "multilingual", "Colours.", **fields())


@pytest.fixture
def own(tmp_path):
    location = DataLocation(None, tmp_path / "cache", offline=True)
    search = SearchOptions(show_progress=False)
    return {"location": location, "search": search}


@pytest.mark.parametrize("cls", [ColoursMonolingualRetrieval, ColoursMultilingualRetrieval])
def test_it_is_searched_and_scored(cls, own):
    from xbench.models.baselines.char_ngram import CharNgramEncoder

    task = cls(**own)
    found = task.evaluate(CharNgramEncoder(), encode_kwargs={})
    assert {name: scores["ndcg_at_10"] for name, scores in found.items()} == {"de": 1.0, "en": 1.0}
    assert task.non_default_settings == {}


def test_it_can_be_estimated_and_its_topics_read(own):
    (german, english) = workloads_of([ColoursMonolingualRetrieval(**own)])
    assert (german.passages, english.own_queries) == (3, ("Is the sky blue?",))
    assert ColoursMonolingualRetrieval.read_topics("de", own["location"]).ids == ("q",)


def test_it_has_nothing_to_fetch_ahead_of_time(own):
    assert ColoursMonolingualRetrieval.remote_files(["de"], own["location"]) == []


def test_a_class_without_a_reader_is_no_task():
    class Without(StreamedRetrieval):
        source = SOURCE
        setting = "monolingual"
        metadata = ColoursMonolingualRetrieval.metadata

        def load_data(self, *args, **kwargs): ...

    with pytest.raises(TypeError, match="read_language"):
        Without()


@pytest.mark.parametrize(
    ("cls", "start"), [(ColoursMonolingualRetrieval, ""), (ColoursMultilingualRetrieval, "de/")]
)
def test_what_is_retrieved_can_be_kept(cls, start, own):
    """The search was finished before and is done again, as only its ranks were kept."""
    from xbench.models.baselines.char_ngram import CharNgramEncoder

    before = cls(**own).ranks(CharNgramEncoder(), {})
    kept, task = {}, cls(**own)

    def keep(name, lists):
        kept[name] = [(q, ids, scores.tolist()) for q, ids, scores in lists.ranked], lists.relevant

    task.keep_lists = keep
    assert task.ranks(CharNgramEncoder(), {})["de"].rank.tolist() == before["de"].rank.tolist()
    assert list(kept) == ["de", "en"]
    ((query, passages, scores),), relevant = kept["de"]
    assert (query, passages[0], relevant) == ("q", f"{start}1", {"q": (f"{start}1",)})
    assert scores == sorted(scores, reverse=True)
    assert len(set(passages)) == (6 if start else 3)


def test_lists_that_were_kept_are_not_searched_again(own, monkeypatch):
    """The pool's search answers the monolingual task too, as it does without lists."""
    from xbench.models.baselines.bm25 import BM25
    from xbench.search.streamed.session import Session

    kept, searched = {}, []
    run = Session._run
    monkeypatch.setattr(
        Session, "_run", lambda *given: searched.append(given[1].name) or run(*given)
    )
    for _ in range(2):
        for cls in (ColoursMultilingualRetrieval, ColoursMonolingualRetrieval):
            task = cls(**own)
            task.keep_lists = lambda name, lists, cls=cls: kept.setdefault((cls, name), []).append(
                [(q, ids, scores.tolist()) for q, ids, scores in lists.ranked]
            )
            task.ranks(BM25(), {})
    assert searched == ["colours-pool"]
    assert len(kept) == 4
    assert all(len(found) == 2 and found[0] == found[1] for found in kept.values())
