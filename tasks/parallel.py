"""Tasks whose whole corpus fits in memory: retrieval in a parallel corpus, at full depth."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mteb.timing import TimingStack

from xbench._util.errors import UserError
from xbench.data.catalogue import Subset
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.data.perturbation import perturbed_queries
from xbench.metrics import PoolRanks
from xbench.models.inner import embedding_kind
from xbench.models.reranked import Reranked
from xbench.search.ranked_lists import KeepLists, from_scores
from xbench.search.search_model_ranks import SplitView, rank_with_search
from xbench.tasks.base import RetrievalTask

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class _CachedRanks:
    """The ranks of the last model, kept because mteb asks for one subset at a time.

    Attributes:
        source: What the ranks come from: an engine's ranking, or a search model.
        names: The subsets.
        ranks: Ranks by subset name.
    """

    source: object
    names: Mapping[str, Subset]
    ranks: dict[str, PoolRanks]


class ParallelCorpusRetrieval(RetrievalTask):
    """Retrieval in a parallel corpus, scored at full depth."""

    _cached: _CachedRanks | None = None
    _kept_token: tuple[str, str] | None = None
    _asked: tuple[object, frozenset[str]] = (None, frozenset())
    _goes_on: bool = False

    @abstractmethod
    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages, in the task's passage form."""

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Load the corpus of the languages that the chosen subsets need."""
        if self.data_loaded:
            return
        chosen = {name: self.subsets[name] for name in self.hf_subsets}
        needed = {a for s in chosen.values() for a in (s.query_language, *s.passage_languages)}
        corpus = self.load_corpus(tuple(sorted(needed)))
        if self.perturb:
            corpus = perturbed_queries(corpus, self.perturb, self.perturb_seed)
        self.corpus_data = corpus
        self.dataset = SplitView(self.corpus_data, chosen, self.source.split)  # type: ignore[assignment]
        self.data_loaded = True

    def evaluate(
        self,
        model: Any,  # noqa: ANN401
        split: str = "",
        subsets_to_run: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, dict[str, float]]:
        """Evaluate a model and return the scores of each subset, as mteb's tasks do.

        Whoever asks for one subset after another means the same model; whoever asks for one again
        may have changed it.
        """
        names = frozenset(subsets_to_run or self.hf_subsets)
        asked_of, asked = self._asked
        self._goes_on = asked_of is model and not names & asked
        self._asked = model, names | (asked if self._goes_on else frozenset())
        try:
            return super().evaluate(model, split, subsets_to_run, **kwargs)
        finally:
            self._goes_on = False

    def is_encoded(self, model: Any, encode_kwargs: Mapping[str, Any]) -> bool:  # noqa: ANN401
        """Return whether all embeddings that the ranks of a model need are stored."""
        from xbench.search.encoder_ranks import is_encoded

        self.load_data()
        return is_encoded(
            model,
            type(self).metadata,
            encode_kwargs,
            self.corpus_data,
            *self._languages({name: self.subsets[name] for name in self.hf_subsets}),
            self.location.cache_dir,
        )

    def _languages(self, chosen: Mapping[str, Subset]) -> tuple[list[str], list[str]]:
        """Return the languages of the queries and of the passages of some subsets."""
        queries = sorted({subset.query_language for subset in chosen.values()})
        return queries, sorted({a for own in chosen.values() for a in own.passage_languages})

    def ranks(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
    ) -> dict[str, PoolRanks]:
        """Return the ranks of the relevant passages of every chosen subset, by its name.

        mteb asks for one subset at a time; the ranks of all of them are kept for the next.
        """
        self.load_data()
        chosen = {name: self.subsets[name] for name in self.hf_subsets}
        if self.variant is not None and embedding_kind(model) != "dense":
            raise UserError(
                f"--variants cannot be applied: {model.mteb_model_meta.name} does not give each "
                "text one vector. Leave the option out."
            )
        if isinstance(model, Reranked):
            return self._ranked_again(model, encode_kwargs, chosen)
        if embedding_kind(model) is None:
            return self._searched(model, encode_kwargs, chosen)
        return self._encoded(model, encode_kwargs, chosen)

    def _ranked_again(
        self, model: Reranked, encode_kwargs: Mapping[str, Any], chosen: Mapping[str, Subset]
    ) -> dict[str, PoolRanks]:
        from xbench.search.reranking import rank_again

        found = rank_again(
            model,
            type(self).metadata,
            encode_kwargs,
            self.corpus_data,
            self.dataset,
            chosen,
            self.location.cache_dir,
        )
        return {name: found[name] for name in chosen}

    def _searched(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
        chosen: Mapping[str, Subset],
    ) -> dict[str, PoolRanks]:
        from xbench.models.identity import change_token

        token = (change_token(model), repr(encode_kwargs))
        if self._keeps(model, chosen) and self._kept_token == token:
            return self._cached.ranks  # type: ignore[union-attr]
        search = rank_with_search(
            model, type(self).metadata, encode_kwargs, self.dataset, chosen, self.keep_lists
        )
        found = dict(search)
        ranks = {name: found[name] for name in chosen}
        self._cached, self._kept_token = _CachedRanks(model, chosen, ranks), token
        return ranks

    def _encoded(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
        chosen: Mapping[str, Subset],
    ) -> dict[str, PoolRanks]:
        from xbench.search.encoder_ranks import rank_with_encoder

        ranking = rank_with_encoder(
            model,
            type(self).metadata,
            encode_kwargs,
            self.corpus_data,
            *self._languages(chosen),
            self.location.cache_dir,
            is_same=self._goes_on or self.same_model,
            variant=self.variant,
        )
        self.report = ranking.report
        if not self._keeps(ranking, chosen):
            ranks = {
                name: ranking.table.ranks(subset.query_language, subset.passage_languages)
                for name, subset in chosen.items()
            }
            self._cached = _CachedRanks(ranking, chosen, ranks)
        if self.keep_lists is not None:
            self._keep_lists(model, encode_kwargs, chosen, self.keep_lists)
        return self._cached.ranks  # type: ignore[union-attr]

    def _keep_lists(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
        chosen: Mapping[str, Subset],
        keep: KeepLists,
    ) -> None:
        from xbench.search.encoder_ranks import score_with_encoder

        languages = sorted({subset.query_language for subset in chosen.values()})
        score = score_with_encoder(
            model,
            type(self).metadata,
            encode_kwargs,
            self.corpus_data,
            languages,
            self.location.cache_dir,
            self.variant,
        )
        for language in languages:
            scores = score(language)
            for name, subset in chosen.items():
                if subset.query_language == language:
                    keep(name, from_scores(self.corpus_data, subset, scores))

    def _keeps(self, source: object, names: Mapping[str, Subset]) -> bool:
        return (
            self._cached is not None
            and (self._cached.source is source)
            and self._cached.names == names
        )

    def unload_data(self) -> None:
        """Let go of the data and of the ranks that are kept."""
        self._cached, self._asked = None, (None, frozenset())
        super().unload_data()

    def convert_to_reranking(self, *args: Any, **kwargs: Any) -> Self:  # noqa: ANN401
        """Re-rank another model's predictions, as mteb's tasks do."""
        self._cached = None
        return super().convert_to_reranking(*args, **kwargs)

    def save_predictions(
        self,
        model: Any,  # noqa: ANN401
        names: Sequence[str],
        encode_kwargs: Mapping[str, Any],
        prediction_folder: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Let mteb search and write its prediction files; the engine ranks without them."""
        split = self.source.split
        for name in names:
            self._evaluate_subset(
                model,
                self.dataset[name][split],
                encode_kwargs=cast("Any", encode_kwargs),
                hf_split=split,
                hf_subset=name,
                prediction_folder=prediction_folder,
                timer=kwargs.get("timer") or TimingStack(),
            )
