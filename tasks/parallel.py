"""The base of all tasks: retrieval in a parallel corpus, in one of the three settings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

from mteb.abstasks import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import CrossEncoderProtocol, EncoderProtocol, SearchProtocol
from mteb.models.model_meta import ScoringFunction
from mteb.timing import TimingStack

from xbench.catalogue import (
    Dataset,
    PassageForm,
    Setting,
    Subset,
    subsets,
)
from xbench.corpus import ParallelCorpus
from xbench.languages import language
from xbench.metrics import PoolRanks, scores
from xbench.sources import DataLocation
from xbench.tasks.search import SplitView, rank_with_search

if TYPE_CHECKING:
    from typing_extensions import Self

    from xbench.tasks.engine import EncodingReport

DESCRIPTIONS: dict[Setting, str] = {
    "monolingual": "Queries of each language against the passages of the same language.",
    "crosslingual": "Queries of each language against the passages of each other language; "
    "subset `ar-de` has Arabic queries and German passages.",
    "multilingual": "Queries of each language against one pool of the passages of all languages; "
    "the relevant passages are the parallel versions of the answer.",
}

PROMPT: Any = {"query": "Given a question, retrieve passages that answer the question"}


def describe(source: Dataset, setting: Setting, description: str, **fields: Any) -> TaskMetadata:  # noqa: ANN401
    """Return the metadata of one task of a dataset.

    Args:
        source: The dataset.
        setting: The setting of the task.
        description: What the dataset is; the setting's description follows it.
        **fields: The other fields of mteb's `TaskMetadata`.
    """
    names = subsets(setting, source.languages)
    pairs = {
        name: dict.fromkeys(
            [
                subset.query_language,
                *(subset.passage_languages if setting == "crosslingual" else ()),
            ]
        )
        for name, subset in names.items()
    }
    return TaskMetadata(
        name=source.task_name(setting),
        description=f"{description} {DESCRIPTIONS[setting]}",
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=["test"],
        eval_langs={name: [language(a).mteb for a in codes] for name, codes in pairs.items()},
        main_score="map",
        prompt=PROMPT,
        **fields,
    )


@dataclass
class _Kept:
    """The ranks of the last model, kept because mteb asks for one subset at a time.

    Attributes:
        source: What the ranks come from: an engine's ranking, or a search model.
        names: The subsets.
        ranks: Ranks by subset name.
        scores: Scores by subset name, once they were asked for.
    """

    source: object
    names: Mapping[str, Subset]
    ranks: dict[str, PoolRanks]
    scores: dict[str, dict[str, float]] = field(default_factory=dict)


class ParallelRetrieval(AbsTaskRetrieval):
    """Retrieval in a parallel corpus, scored at full depth.

    Args:
        passage_form: Whether a passage is the sentence alone or followed by its paragraph.
        languages: ISO 639-1 codes to keep; none keeps all. Only subsets whose languages are all
            kept remain, and a multilingual pool holds the passages of the kept languages.
        location: Where the data is; by default as the environment says.
        **kwargs: As mteb's tasks take them.

    In its metadata, a task of another form or of part of the languages adds them to its name, so
    that mteb never takes its results for the full ones.

    Attributes:
        source: The dataset.
        setting: The setting.
        subsets: The subsets by name.
        report: What the last evaluation with an encoder encoded.
    """

    source: ClassVar[Dataset]
    setting: ClassVar[Setting]
    report: EncodingReport | None = None
    _kept: _Kept | None = None
    _kept_token: tuple[str, str] | None = None

    def __init__(
        self,
        passage_form: PassageForm = "sentence",
        languages: Sequence[str] = (),
        location: DataLocation | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        kept = tuple(a for a in self.source.languages if not languages or a in languages)
        self.passage_form = passage_form
        self.location = location or DataLocation.from_environment()
        pools = self.setting != "multilingual" or len(kept) > 1
        self.subsets: dict[str, Subset] = subsets(self.setting, kept) if pools else {}
        self.hf_subsets = list(self.subsets)
        marks: list[str] = [passage_form] if passage_form != "sentence" else []
        marks += kept if kept != self.source.languages else ()
        if marks:
            name = "-".join([self.task_name, *marks])
            self.metadata = self.metadata.model_copy(update={"name": name})

    @property
    def task_name(self) -> str:
        """Name of the task, whatever its passage form and languages."""
        return type(self).metadata.name

    @abstractmethod
    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages, in the task's passage form."""

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Load the corpus of the languages that the chosen subsets need."""
        if self.data_loaded:
            return
        chosen = {name: self.subsets[name] for name in self.hf_subsets}
        needed = {a for s in chosen.values() for a in (s.query_language, *s.passage_languages)}
        self.corpus_data = self.load_corpus(tuple(sorted(needed)))
        self.dataset = SplitView(self.corpus_data, chosen, "test")  # type: ignore[assignment]
        self.data_loaded = True

    def evaluate(
        self,
        model: Any,  # noqa: ANN401
        split: str = "test",
        subsets_to_run: list[str] | None = None,
        *,
        encode_kwargs: Mapping[str, Any],
        prediction_folder: Any = None,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, dict[str, float]]:
        """Evaluate a model and return the scores of each subset, as mteb's tasks do."""
        if not self.data_loaded:
            self.load_data()
        names = [
            name for name in self.hf_subsets if subsets_to_run is None or name in subsets_to_run
        ]
        if prediction_folder is not None:
            self._save_predictions(
                model, names, encode_kwargs, prediction_folder, kwargs.get("timer") or TimingStack()
            )
        found = self.scores(self.ranks(model, encode_kwargs))
        return {name: dict(found[name]) for name in names}

    def ranks(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
    ) -> dict[str, PoolRanks]:
        """Return the ranks of the relevant passages of every chosen subset, by its name.

        mteb asks for one subset at a time; the ranks of all of them are kept for the next.
        """
        from xbench.models.identity import change_token
        from xbench.tasks.engine import rank_with_encoder

        self.load_data()
        chosen = {name: self.subsets[name] for name in self.hf_subsets}
        if not _is_single_vector(model):
            token = (change_token(model), repr(encode_kwargs))
            if not self._keeps(model, chosen) or self._kept_token != token:
                found = dict(
                    rank_with_search(
                        model, type(self).metadata, encode_kwargs, self.dataset, chosen
                    )
                )
                self._kept = _Kept(model, chosen, {name: found[name] for name in chosen})
                self._kept_token = token
            return self._kept.ranks  # type: ignore[union-attr]
        ranking = rank_with_encoder(
            model,
            type(self).metadata,
            encode_kwargs,
            self.corpus_data,
            sorted({subset.query_language for subset in chosen.values()}),
            sorted({a for subset in chosen.values() for a in subset.passage_languages}),
            self.location.cache_dir,
        )
        self.report = ranking.report
        if not self._keeps(ranking, chosen):
            ranks = {
                name: ranking.table.ranks(subset.query_language, subset.passage_languages)
                for name, subset in chosen.items()
            }
            self._kept = _Kept(ranking, chosen, ranks)
        return self._kept.ranks  # type: ignore[union-attr]

    def _keeps(self, source: object, names: Mapping[str, Subset]) -> bool:
        return (
            self._kept is not None and (self._kept.source is source) and self._kept.names == names
        )

    def unload_data(self) -> None:
        """Let go of the data and of the ranks that are kept."""
        self._kept = None
        super().unload_data()

    def convert_to_reranking(self, *args: Any, **kwargs: Any) -> Self:  # noqa: ANN401
        """Re-rank another model's predictions, as mteb's tasks do."""
        self._kept = None
        return super().convert_to_reranking(*args, **kwargs)

    def scores(self, ranks: Mapping[str, PoolRanks]) -> dict[str, dict[str, float]]:
        """Return the scores of every subset, by its name, with mteb's main score."""
        if self._kept is not None and self._kept.ranks is ranks and self._kept.scores:
            return self._kept.scores
        found = scores(ranks, multilingual=self.setting == "multilingual")
        for values in found.values():
            values["main_score"] = values[self.metadata.main_score]
        if self._kept is not None and self._kept.ranks is ranks:
            self._kept.scores = found
        return found

    def _save_predictions(
        self,
        model: Any,  # noqa: ANN401
        names: Sequence[str],
        encode_kwargs: Mapping[str, Any],
        prediction_folder: Any,  # noqa: ANN401
        timer: TimingStack,
    ) -> None:
        """Let mteb search and write its prediction files; the engine ranks without them."""
        for name in names:
            self._evaluate_subset(
                model,
                self.dataset[name]["test"],
                encode_kwargs=cast("Any", encode_kwargs),
                hf_split="test",
                hf_subset=name,
                prediction_folder=prediction_folder,
                timer=timer,
            )


def _is_single_vector(model: Any) -> bool:  # noqa: ANN401
    if isinstance(model, (SearchProtocol, CrossEncoderProtocol)):
        return False
    return (
        isinstance(model, EncoderProtocol)
        and model.mteb_model_meta.similarity_fn_name != ScoringFunction.MAX_SIM
    )
