"""`xbench.evaluate`: a model and the names of tasks in, scores out."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbench._util.errors import UserError
from xbench._util.garbage import no_collection
from xbench._util.options import make, options_of, refuse_unknown
from xbench.data.catalogue import check_task_name, task_names
from xbench.data.download import DataLocation, LocationOptions
from xbench.data.languages import codes
from xbench.data.own.corpus import OwnCorpus, refuse_one_language, summary
from xbench.data.own.reading import read_own_corpus
from xbench.evaluation.options import GROUPS, OPTIONS, RunOptions
from xbench.models.options import ModelOptions
from xbench.search.options import SearchOptions

if TYPE_CHECKING:
    from xbench.results.loading import Results
    from xbench.tasks import ParallelRetrieval, RetrievalTask

Names = str | Sequence[str] | None

logger = logging.getLogger(__name__)


def evaluate(
    model: Any,  # noqa: ANN401
    tasks: Names | ParallelRetrieval = None,
    benchmark: Names = None,
    languages: Names = None,
    output: str | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
    data_name: str | None = None,
    variants: Names = None,
    perturb: Names = None,
    **options: Any,  # noqa: ANN401
) -> Results:
    """Evaluate a model and write its results; what is there already is not computed again.

    Args:
        model: What ``--model`` takes: a name in mteb's registry or on the hub, a folder,
            ``xbench/bm25``, ``path/to/file.py:NAME``, ``package.module:NAME``, the address of an
            endpoint; or an object: a model of sentence-transformers, an mteb encoder or search
            model, anything with ``encode`` or LangChain's ``embed_documents``, a function from a
            list of texts to an array, or a class or factory of such.
        tasks: Names of tasks, or an `xbench.ParallelRetrieval`.
        benchmark: Name of a benchmark, whose tasks are run; XBench if no task is named either.
        languages: Languages to keep; results on part of them are stored apart from the full ones.
        output: Folder of all results, by default ``results``.
        data: A corpus of one's own: a table, or a folder with a part per language.
        data_name: Name of that corpus, by default that of the file.
        variants: Lists such as ``"dim=64,128"``, ``"quantize=int8,binary"`` or
            ``"dim=64,128;quantize=int8"``: each truncation and quantisation of the embeddings has
            results of its own, from the one encoding.
        perturb: What is done to the queries, such as ``["typo:0.1", "codeswitch:0.3"]``, in this
            order, as `xbench.perturb` has it; stored apart from the results on the queries as they
            are. Passages are not encoded again.
        **options: The options of ``xbench evaluate`` under the same names, such as
            ``query_prompt``, ``max_length``, ``batch_size``, ``data_dir``, ``offline`` or
            ``overwrite``; ``rerank`` may be an object, too.

    Returns:
        The scores of these tasks: those computed now, and those that were there.

    Raises:
        UserError: If a name, an option or a file is wrong, or the model misbehaves; results of
            tasks that were finished are kept.

    Examples:
        >>> import xbench
        >>> xbench.evaluate("xbench/char-ngram", benchmark="XBenchMini", no_progress=True)
        Results of xbench/char-ngram on 3 tasks: 1,056 scores
    """
    second = options.get("rerank")
    if second is not None and not isinstance(second, str):
        options["rerank"] = getattr(second, "__name__", type(second).__name__)
    given = _by_group(options if output is None else options | {"output": output})
    run = make(RunOptions, given[RunOptions])
    search = make(SearchOptions, given[SearchOptions])
    location = location_of(given[LocationOptions])
    named = isinstance(model, str | PathLike)
    name = str(model) if named else type(model).__name__
    chosen = make(ModelOptions, given[ModelOptions] | {"model": name})
    lists, steps = _names("variants", variants), _names("perturb", perturb)
    codes, own = _codes(languages), own_corpora(tasks, data, data_name)
    names: Any = None if hasattr(tasks, "task_classes") else tasks
    chosen_tasks = () if own and not (names or benchmark) else selected_tasks(names, benchmark)

    with no_collection():
        from xbench.evaluation import evaluate_tasks
        from xbench.evaluation.run_settings import Selection
        from xbench.models.objects import object_source
        from xbench.results.loading import load_results
        from xbench.search.variants import variants_of

    made = variants_of(lists)
    source = None
    if not named:
        source = object_source(model, chosen)
        chosen = replace(chosen, model=source.meta.name or name)
    evaluated = evaluate_tasks.evaluate(
        chosen,
        Selection(
            chosen_tasks,
            codes,
            run.passage_form,
            own_tasks(own, codes),
            steps,
            run.perturb_seed,
        ),
        source=source,
        second=second,
        output=run.output,
        location=location,
        search=search,
        overwrite=run.overwrite,
        show_progress=not run.no_progress,
        save_runs=run.save_runs,
        save_failures=run.save_failures,
        variants=made,
    )
    reused = sum(item.skipped for item in evaluated)
    if reused:
        logger.info(
            "%d of %d tasks already had results; use --overwrite to re-run them.",
            reused,
            len(evaluated),
        )
    return load_results([item.path for item in evaluated])


def own_corpora(
    tasks: Any,  # noqa: ANN401
    data: str | PathLike[str] | None,
    name: str | None,
) -> list[OwnCorpus]:
    """Return the corpora of one's own, which are read before anything is loaded."""
    given = [tasks.corpus] if hasattr(tasks, "task_classes") else []
    return given if data is None else [*given, read_own_corpus(Path(data), name or "")]


def own_tasks(
    corpora: Sequence[OwnCorpus], languages: Sequence[str]
) -> tuple[ParallelRetrieval, ...]:
    """Return the tasks of corpora of one's own, after saying what was understood of each."""
    from xbench.tasks import ParallelRetrieval

    for corpus in corpora:
        for line in summary(corpus):
            logger.info("%s", line)
        if not languages:
            refuse_one_language(corpus)
    return tuple(ParallelRetrieval.from_corpus(corpus, languages) for corpus in corpora)


def _by_group(options: dict[str, Any]) -> dict[type, dict[str, Any]]:
    refuse_unknown(options, OPTIONS)
    return {
        group: {name: options[name] for name in options_of(group) if name in options}
        for group in GROUPS
    }


def _signature() -> inspect.Signature:
    """Return the signature of `evaluate` with every option and its default."""
    named = list(inspect.signature(evaluate).parameters.values())[:-1]
    known = {parameter.name for parameter in named}
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, (_, default) in OPTIONS.items()
        if name not in known
    ]
    return inspect.Signature([*named, *options])


evaluate.__signature__ = _signature()  # type: ignore[attr-defined]


def get_tasks(
    tasks: Names = None,
    benchmark: Names = None,
    languages: Names = None,
    **options: Any,  # noqa: ANN401
) -> list[RetrievalTask]:
    """Return tasks as `mteb.evaluate` takes them.

    Args:
        tasks: Names of tasks.
        benchmark: Name of a benchmark, whose tasks are meant; XBench if no task is named either.
        languages: ISO 639-1 codes to keep; none keeps all.
        **options: ``passage_form``, ``on_bad_line``, ``data_dir``, ``cache_dir`` and ``offline``,
            as in `xbench.evaluate`.

    Raises:
        UserError: If a name or an option is wrong.

    Examples:
        >>> import xbench
        >>> [task.metadata.name for task in xbench.get_tasks(benchmark="XBenchMini")][:2]
        ['XBenchMiniMonolingualRetrieval', 'XBenchMiniCrosslingualRetrieval']
    """
    known = (*options_of(SearchOptions), *options_of(LocationOptions), "passage_form")
    refuse_unknown(options, dict.fromkeys(known))
    location = {name: options.pop(name) for name in options_of(LocationOptions) if name in options}
    form = {name: options.pop(name) for name in ("passage_form",) if name in options}
    chosen, codes = selected_tasks(tasks, benchmark), _codes(languages)
    passage_form, search = make(RunOptions, form).passage_form, make(SearchOptions, options)

    from xbench.evaluation import evaluate_tasks
    from xbench.evaluation.run_settings import Selection

    selection = Selection(chosen, codes, passage_form)
    return evaluate_tasks.chosen_tasks(selection, location_of(location), search)


def selected_tasks(tasks: Names, benchmark: Names) -> tuple[str, ...]:
    """Return the names of tasks that are named, and of those of benchmarks.

    Raises:
        UserError: If a name is wrong.
    """
    names = _names("tasks", tasks)
    for name in names:
        check_task_name(name)
    return task_names(names, _names("benchmark", benchmark))


def location_of(options: dict[str, Any]) -> DataLocation:
    """Return where data is, as options and the environment say.

    Raises:
        UserError: If an option is wrong.
    """
    chosen = make(LocationOptions, options)
    return DataLocation.from_environment(**vars(chosen))


def _codes(languages: Names) -> tuple[str, ...]:
    parts = [part for name in _names("languages", languages) for part in name.split(",")]
    return tuple(dict.fromkeys(codes(part for part in parts if part.strip())))


def _names(option: str, names: Names) -> tuple[str, ...]:
    if names is None or isinstance(names, str):
        return (names,) if names else ()
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{option}: {names!r}; expected a name, or a list of names")
    return tuple(names)
