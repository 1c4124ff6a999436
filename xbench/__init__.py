"""Monolingual, cross-lingual and multilingual-pool retrieval for any embedding model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbench.analysis.run_bias import LanguageBias, language_bias
    from xbench.evaluation.evaluate_tasks import Evaluated, evaluate
    from xbench.evaluation.mteb_plugin import register
    from xbench.evaluation.run_settings import Selection
    from xbench.models.options import ModelOptions

__version__ = "0.1.0"

__all__ = [
    "Evaluated",
    "LanguageBias",
    "ModelOptions",
    "Selection",
    "__version__",
    "evaluate",
    "language_bias",
    "register",
]

_HOME = {
    "Evaluated": "xbench.evaluation.evaluate_tasks",
    "LanguageBias": "xbench.analysis.run_bias",
    "language_bias": "xbench.analysis.run_bias",
    "ModelOptions": "xbench.models.options",
    "Selection": "xbench.evaluation.run_settings",
    "evaluate": "xbench.evaluation.evaluate_tasks",
    "register": "xbench.evaluation.mteb_plugin",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name when it is first used, so that `import xbench` stays light."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'xbench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
