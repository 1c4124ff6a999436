"""Tasks whose corpora fit in no memory: their passages are searched shard by shard."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from xbench._util.errors import UserError
from xbench.data.catalogue import CONTENT_REVISION
from xbench.data.download import DataLocation
from xbench.data.parallel_corpus import Texts
from xbench.data.perturbation import perturb
from xbench.data.streamed.corpus import LanguageFiles, StreamedCorpus
from xbench.data.streamed.scan import scan
from xbench.metrics import PoolRanks
from xbench.models.encoder import EncodingReport
from xbench.models.options import ModelOptions
from xbench.search.ranked_lists import from_best
from xbench.search.score_keys import ScoreArray
from xbench.search.streamed.model_session import session_of
from xbench.search.streamed.plan import Plan, Queries, target
from xbench.search.streamed.shards import Target, pool_id
from xbench.search.top_k import IdArray
from xbench.tasks.base import RetrievalTask


class StreamedRetrieval(RetrievalTask):
    """Retrieval in corpora that are read and searched shard by shard, scored at depth 1000.

    A dataset is one more module with a subclass that says how its languages are read.

    Args:
        *args: As `RetrievalTask` takes them; passages have one form, which ``sentence`` stands for.
        **kwargs: As `RetrievalTask` takes them.

    Attributes:
        model_options: What the model was loaded by, so that workers can load it, too.

    Raises:
        UserError: If another form of passages is asked for.
    """

    model_options: ModelOptions | None = None
    _ranked: tuple[object, dict[str, PoolRanks]] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        if self.passage_form != "sentence":
            raise UserError(
                f"--passage-form {self.passage_form}: {self.task_name} has passages of one form "
                "only; leave the option out"
            )

    @classmethod
    @abstractmethod
    def read_language(cls, language: str, location: DataLocation) -> LanguageFiles:
        """Read what there is in a language, all but the passages.

        Args:
            language: ISO 639-1 code.
            location: Where the data is.

        Raises:
            UserError: If something is missing or malformed.
        """

    @classmethod
    def read_topics(cls, language: str, location: DataLocation) -> Texts:
        """Read the queries of a language; a subclass may do it where there are no passages."""
        return cls.read_language(language, location).topics

    @property
    def needed(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages of the chosen subsets."""
        chosen = [self.subsets[name] for name in self.hf_subsets]
        return tuple(sorted({a for s in chosen for a in (s.query_language, *s.passage_languages)}))

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Read queries and judgments, and look through all files before anything is encoded."""
        if self.data_loaded:
            return
        files = {code: self.read_language(code, self.location) for code in self.needed}
        self.queries = {code: self._queries(code, own) for code, own in files.items()}
        self.corpora = {code: self._scan(code, own) for code, own in files.items()}
        self.data_loaded = True
        if self.location.data_dir is not None:
            self._identify(files)

    def _queries(self, code: str, files: LanguageFiles) -> Queries:
        topics = files.topics
        if self.perturb:
            changed = perturb(topics.texts, self.perturb, code, self.perturb_seed)
            topics = Texts(topics.ids, tuple(changed))
        return Queries(
            texts=topics,
            relevant={
                question: tuple(passage for passage, grade in judged.items() if grade > 0)
                for question, judged in files.qrels.judgments.items()
            },
        )

    def _identify(self, files: Mapping[str, LanguageFiles]) -> None:
        """Set the digest of local data, and make it the revision if they are not the published."""
        content = [
            [
                own.topics.ids,
                own.topics.texts,
                own.qrels.fingerprint,
                self.corpora[code].fingerprint,
            ]
            for code, own in sorted(files.items())
        ]
        self.data_digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        if self.non_default_settings:
            revision = f"{CONTENT_REVISION}{self.data_digest[:40]}"
            dataset: Any = {**self.metadata.dataset, "revision": revision}
            self.metadata = self.metadata.model_copy(update={"dataset": dataset})

    def _scan(self, code: str, files: LanguageFiles) -> StreamedCorpus:
        return scan(
            code,
            files.passages,
            files.qrels,
            on_bad_line=self.search.on_bad_line,
            cache_dir=self.location.cache_dir,
            progress=self.search.show_progress,
        )

    def inspect_data(self) -> None:
        """Load local files, on which it depends whether a result is that of the published ones."""
        if self.location.data_dir is not None:
            self.load_data()

    @property
    def non_default_settings(self) -> dict[str, str]:
        """Which corpora are not the published ones, as far as files were loaded."""
        if not self.data_loaded:
            return {}
        expected = self.source.passages
        other = [
            f"{code}-{corpus.fingerprint[:12]}"
            for code, corpus in self.corpora.items()
            if corpus.passages != expected[code] or corpus.skipped
        ]
        return {"passages": ",".join(other)} if other else {}

    def plans(self) -> list[Plan]:
        """Return what to search for the chosen subsets, each corpus once.

        With a pool of all languages each corpus is searched alone, too, for the queries of its own
        language: what the pool costs is measured against that.
        """
        if self.setting == "monolingual":
            return [self._plan(f"{name}", [name], pooled=False) for name in self.hf_subsets]
        return [self._plan("pool", list(self.corpora), pooled=True)]

    def _plan(self, name: str, pool: Sequence[str], *, pooled: bool) -> Plan:
        languages = [code for code in self.hf_subsets if code in pool]
        targets = [target("monolingual", a, [a], self.queries[a]) for a in languages]
        if pooled:
            targets += [target("multilingual", a, pool, self.queries[a]) for a in languages]
        changed = "-".join([*self.perturb, str(self.perturb_seed)]).replace(":", "-")
        return Plan(
            name=f"{self.source.folder}-{name}{f'-{changed}' if self.perturb else ''}",
            corpora={code: self.corpora[code] for code in pool},
            queries={code: self.queries[code] for code in languages},
            targets=tuple(targets),
        )

    def ranks(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
    ) -> dict[str, PoolRanks]:
        """Return the ranks of the relevant passages of every chosen subset, by its name.

        mteb asks for one subset at a time; the ranks of all of them are kept for the next.
        """
        from xbench.models.identity import change_token

        self.load_data()
        key = (id(model), change_token(model), repr(encode_kwargs), tuple(self.hf_subsets))
        if self._ranked is None or self._ranked[0] != key:
            self._ranked = key, self._search(model, encode_kwargs)
        return self._ranked[1]

    def _search(self, model: Any, encode_kwargs: Mapping[str, Any]) -> dict[str, PoolRanks]:  # noqa: ANN401
        found: dict[str, PoolRanks] = {}
        texts = sum(len(own.texts) for own in self.queries.values())
        report = EncodingReport(texts, texts, 0)
        with session_of(
            model,
            type(self).metadata,
            encode_kwargs,
            {code: own.texts.texts for code, own in self.queries.items()},
            self.search,
            self.location,
            self.model_options,
        ) as session:
            report = replace(report, truncated=session.truncated_queries)
            for plan in self.plans():
                searched = session.search(plan, self._keep_best if self.keep_lists else None)
                found |= searched.ranks
                report = EncodingReport(
                    texts=report.texts + searched.passages,
                    encoded=report.encoded + searched.encoded,
                    truncated=report.truncated + searched.truncated,
                )
        self.report = report
        alone = {name: found[f"monolingual-{name}"] for name in self.hf_subsets}
        if self.setting == "monolingual":
            return alone
        return {
            name: replace(found[f"multilingual-{name}"], own_rank=own.rank)
            for name, own in alone.items()
        }

    def _keep_best(self, target: Target, scores: ScoreArray, ids: IdArray) -> None:
        """Keep the lists of a subset; with passages of one language, under their own ids."""
        code = target.query_language
        if self.keep_lists is None or target.name != f"{self.setting}-{code}":
            return
        queries, start = self.queries[code], pool_id(code, "")
        relevant = queries.relevant
        if self.setting == "multilingual":
            relevant = {q: tuple(start + p for p in found) for q, found in relevant.items()}
            start = ""
        lists = from_best(queries.texts.ids, scores, ids, relevant, code, start)
        self.keep_lists(code, lists)

    def save_predictions(
        self,
        model: Any,  # noqa: ANN401
        names: Sequence[str],
        encode_kwargs: Mapping[str, Any],
        prediction_folder: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Refuse: the best passages are forgotten when they are ranked.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"{self.task_name}: no predictions are kept of corpora that are streamed; leave "
            "prediction_folder out"
        )

    def unload_data(self) -> None:
        """Let go of the data and of the ranks that are kept."""
        self._ranked = None
        super().unload_data()
