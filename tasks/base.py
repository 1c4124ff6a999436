"""The base of all tasks: a dataset in one of the settings, with its subsets and its scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from mteb.abstasks import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

from xbench.data.catalogue import Subset, subsets
from xbench.data.datasets import Dataset, PassageForm, Setting
from xbench.data.download import DataLocation, remote_files
from xbench.data.fetch import RemoteFile
from xbench.data.languages import Language, chosen_languages, codes, language
from xbench.metrics import PoolRanks, scores
from xbench.metrics.subsets import Values
from xbench.models.encoder import EncodingReport
from xbench.search.options import SearchOptions
from xbench.search.ranked_lists import KeepLists
from xbench.search.variants import Variant

DESCRIPTIONS: dict[Setting, str] = {
    "monolingual": "Queries of each language against the passages of the same language.",
    "crosslingual": "Queries of each language against the passages of each other language; "
    "subset `ar-de` has Arabic queries and German passages.",
    "multilingual": "Queries of each language against one pool of the passages of all languages; "
    "the relevant passages are the parallel versions of the answer.",
}

PROMPT: Any = {"query": "Given a question, retrieve passages that answer the question"}


def describe(
    source: Dataset,
    setting: Setting,
    description: str,
    *,
    settings: Mapping[Setting, str] = DESCRIPTIONS,
    names: Mapping[str, Subset] | None = None,
    languages: Mapping[str, Language] | None = None,
    **fields: Any,  # noqa: ANN401
) -> TaskMetadata:
    """Return the metadata of one task of a dataset.

    Args:
        source: The dataset.
        setting: The setting of the task.
        description: What the dataset is; the setting's description follows it.
        settings: What each setting is.
        names: The subsets by name, by default all of the setting.
        languages: The languages by code, if `language` does not find all of them.
        **fields: The other fields of mteb's `TaskMetadata`.
    """
    names = subsets(setting, source.languages) if names is None else names
    known = languages or {code: language(code) for code in source.languages}
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
        description=f"{description} {settings[setting]}",
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=[source.split],
        eval_langs={name: [known[a].mteb for a in own] for name, own in pairs.items()},
        main_score=source.main_score,
        **{"prompt": PROMPT, **fields},
    )


class RetrievalTask(AbsTaskRetrieval):
    """A dataset in one of the settings.

    Args:
        passage_form: Whether a passage is the sentence alone or followed by its paragraph.
        languages: ISO 639-1 codes to keep; none keeps all. Only subsets whose languages are all
            kept remain, and a multilingual pool holds the passages of the kept languages.
        location: Where the data is; by default as the environment says.
        search: How to read and search corpora that are streamed.
        **kwargs: As mteb's tasks take them.

    In its metadata, a task of another form or of part of the languages adds them to its name, so
    that mteb never takes its results for the full ones.

    Attributes:
        source: The dataset.
        setting: The setting.
        subsets: The subsets by name.
        partial: Whether languages of the dataset are not among those to keep.
        data_digest: SHA-256 of queries, judgments and passages where they are from a local folder
            whose files may change, once they are loaded; else empty.
        groups: What questions are grouped by, such as an article, by the question's id.
        run_first: Whether its search answers other tasks of the dataset, too, so that it
            should be evaluated before them.
        report: What the last evaluation with an encoder encoded.
        keep_lists: What `ranks` does with what is retrieved; by default nothing.
        variant: What `ranks` makes of an encoder's embeddings; by default nothing.
        perturb: What is done to the queries, such as ``("typo:0.1",)``; by default nothing.
        perturb_seed: Seed of it.
        same_model: Whether `ranks` is given the model of its last call, unchanged.
    """

    source: ClassVar[Dataset]
    setting: ClassVar[Setting]
    run_first: ClassVar[bool] = False
    data_digest: str = ""
    groups: Mapping[str, str] = MappingProxyType({})
    report: EncodingReport | None = None
    keep_lists: KeepLists | None = None
    variant: Variant | None = None
    perturb: tuple[str, ...] = ()
    perturb_seed: int = 0
    same_model: bool = False
    _scored: tuple[Mapping[str, PoolRanks], dict[str, dict[str, float]]] | None = None

    def __init__(
        self,
        passage_form: PassageForm = "sentence",
        languages: Sequence[str] = (),
        location: DataLocation | None = None,
        search: SearchOptions | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.search = search or SearchOptions()
        kept = chosen_languages(codes(languages), self.source.languages)
        self.passage_form = passage_form
        self.location = location or DataLocation.from_environment()
        self.partial = kept != self.source.languages
        self.subsets = self.subsets_of(kept)
        self.hf_subsets = list(self.subsets)
        marks: list[str] = [passage_form] if passage_form != "sentence" else []
        marks += kept if self.partial else ()
        if marks:
            name = "-".join([self.task_name, *marks])
            self.metadata = self.metadata.model_copy(update={"name": name})

    def subsets_of(self, languages: tuple[str, ...]) -> dict[str, Subset]:
        """Return the subsets that some languages make, by name; one makes no pool of several."""
        pools = self.setting != "multilingual" or len(languages) > 1
        return subsets(self.setting, languages) if pools else {}

    @property
    def task_name(self) -> str:
        """Name of the task, whatever its passage form and languages."""
        return type(self).metadata.name

    @classmethod
    def remote_files(cls, languages: Sequence[str], location: DataLocation) -> list[RemoteFile]:
        """Return the files of some languages that can be fetched ahead of time; by default none.

        Args:
            languages: ISO 639-1 codes.
            location: Where they are kept.
        """
        if not cls.source.url:
            return []
        return list(remote_files(cls.source, languages, location).values())

    def inspect_data(self) -> None:
        """Look at what decides whether results are standard ones, before results are looked for."""

    @property
    def non_default_settings(self) -> dict[str, str]:
        """What makes the data other than the full, standard ones, once they are loaded."""
        return {}

    @abstractmethod
    def ranks(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
    ) -> dict[str, PoolRanks]:
        """Return the ranks of the relevant passages of every chosen subset, by its name."""

    def evaluate(
        self,
        model: Any,  # noqa: ANN401
        split: str = "",
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
            self.save_predictions(model, names, encode_kwargs, prediction_folder, **kwargs)
        found = self.scores(self.ranks(model, encode_kwargs))
        return {name: dict(found[name]) for name in names}

    @abstractmethod
    def save_predictions(
        self,
        model: Any,  # noqa: ANN401
        names: Sequence[str],
        encode_kwargs: Mapping[str, Any],
        prediction_folder: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Write what the model retrieves for some subsets as mteb's prediction files."""

    def scores(
        self, ranks: Mapping[str, PoolRanks], values: Values | None = None
    ) -> dict[str, dict[str, float]]:
        """Return the scores of every subset, by its name, with mteb's main score.

        mteb asks for one subset at a time; the scores of the last ranks are kept for the next.

        Args:
            ranks: Ranks by subset name.
            values: What `xbench.metrics.task_per_query` makes of them, where it is there already.
        """
        if self._scored is None or self._scored[0] is not ranks:
            pooled = self.setting == "multilingual"
            found = scores(ranks, multilingual=pooled, values=values)
            for own in found.values():
                own["main_score"] = own[self.metadata.main_score]
            self._scored = ranks, found
        return self._scored[1]

    def unload_data(self) -> None:
        """Let go of the data and of the scores that are kept; the name stays that of this task."""
        own = self.metadata
        self._scored = None
        super().unload_data()
        self.metadata = own
