"""Monolingual, cross-lingual and multilingual-pool retrieval for any embedding model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbench._util.errors import UserError
    from xbench.analysis.compare import compare
    from xbench.analysis.comparison import Comparison
    from xbench.analysis.run_bias import LanguageBias, language_bias
    from xbench.data.perturbation import perturb
    from xbench.evaluation.evaluate import evaluate, get_tasks
    from xbench.evaluation.mteb_plugin import register
    from xbench.results.loading import Results, load_results
    from xbench.tasks.own import ParallelRetrieval
    from xbench.tasks.perturbed import perturb_task

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "LanguageBias",
    "ParallelRetrieval",
    "Results",
    "UserError",
    "__version__",
    "compare",
    "evaluate",
    "get_tasks",
    "language_bias",
    "load_results",
    "perturb",
    "perturb_task",
    "register",
]

_HOME = {
    "Comparison": "xbench.analysis.comparison",
    "LanguageBias": "xbench.analysis.run_bias",
    "ParallelRetrieval": "xbench.tasks.own",
    "Results": "xbench.results.loading",
    "UserError": "xbench._util.errors",
    "compare": "xbench.analysis.compare",
    "evaluate": "xbench.evaluation.evaluate",
    "get_tasks": "xbench.evaluation.evaluate",
    "language_bias": "xbench.analysis.run_bias",
    "load_results": "xbench.results.loading",
    "perturb": "xbench.data.perturbation",
    "perturb_task": "xbench.tasks.perturbed",
    "register": "xbench.evaluation.mteb_plugin",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name when it is first used, so that `import xbench` stays light."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'xbench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
