"""`xbench.compare`: models compared on what all of them were run on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench._util.options import make, options_of, refuse_unknown
from xbench.analysis import comparison
from xbench.analysis.compared_models import read_candidates
from xbench.analysis.options import CompareOptions
from xbench.data.languages import codes
from xbench.results.loading import Results


def compare(
    *models: Any,  # noqa: ANN401
    results: str | PathLike[str] = "results",
    languages: str | Sequence[str] | None = None,
    **options: Any,  # noqa: ANN401
) -> comparison.Comparison:
    """Compare models on the tasks that all were run on, with intervals and tests.

    Nothing is run: the scores come from the per-query files.

    Args:
        *models: Models' names, ``org/model``, ``org/model@revision``, or of a variant
            ``org/model@dim=128,int8``; folders of their results; what `xbench.evaluate` or
            `xbench.load_results` returned; or a list of such.
        results: Folder of all results, in which names are looked up.
        languages: Languages to compare on; none compares on all. Full results answer for pairs of
            languages; a pool of part of them has to have been evaluated.
        **options: ``resample``, what intervals and tests draw: ``"article"``, ``"paragraph"`` or
            ``"question"``; ``seed``; and ``show``, what its text shows: ``"summary"``,
            ``"languages"``, ``"bias"`` or ``"all"``.

    Raises:
        UserError: If there is no such model, or they have no task in common or were run on
            different data.

    Examples:
        >>> import xbench
        >>> compared = xbench.compare("xbench/bm25", "xbench/char-ngram")
        >>> table = compared.to_dataframe()
        >>> rows = table.query("table == 'settings'").set_index(["task", "model"])
        >>> float(rows.loc[("XBenchMiniMonolingualRetrieval", "xbench/bm25"), "value"].round(3))
        0.771
    """
    sources = [source for own in models for source in _listed(own)]
    names = [name for source in sources for name in _names(source)]
    if not names:
        raise UserError("compare: no model is named; expected names, folders or results")
    wanted = codes(name for part in _listed(languages or []) for name in part.split(","))
    refuse_unknown(options, options_of(CompareOptions))
    chosen = make(CompareOptions, options)
    return comparison.compare(read_candidates(names, Path(results), languages=wanted), chosen)


def _listed(models: Any) -> list[Any]:  # noqa: ANN401
    return list(models) if isinstance(models, list | tuple) else [models]


def _names(source: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(source, Results):
        source.check_unchanged()
        yield from dict.fromkeys(str(path.parent) for path in source.files.values())
    elif isinstance(source, str | PathLike):
        yield str(source)
    else:
        raise UserError(
            f"compare: got a {type(source).__name__}; expected a model's name, a folder of "
            "results, or what evaluate or load_results returned"
        )
