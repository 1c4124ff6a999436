"""Make mteb know the tasks: the one module that touches mteb's private names.

mteb has no plugin hook: it builds its registries from its own modules at import. `register` adds to
those registries. What it relies on is listed in `PRIVATE_NAMES`, so that a test can say which name
an mteb release moved.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any

import mteb
from mteb import Benchmark
from mteb.abstasks import AbsTask

from xbench._util.errors import UserError, unknown_name
from xbench.data.catalogue import BENCHMARKS, ENTRY_POINT_GROUP
from xbench.models.lookup import BUILT_IN, find_model
from xbench.models.options import ModelOptions
from xbench.tasks import TASK_CLASSES, RetrievalTask

PRIVATE_NAMES = (
    "mteb.get_tasks:TASK_LIST",
    "mteb.get_tasks:_TASKS_REGISTRY",
    "mteb.benchmarks.benchmarks",
    "mteb.benchmarks.get_benchmark:_build_registry",
    "mteb.models.model_implementations:MODEL_REGISTRY",
)

CITATION = r"""
@article{elmahdy2024synergistic,
  archiveprefix = {arXiv},
  author = {Elmahdy, Adel and Lin, Sheng-Chieh and Ahmad, Amin},
  eprint = {2408.10536},
  title = {Synergistic Approach for Simultaneous Optimization of Monolingual, Cross-lingual, and Multilingual Information Retrieval},
  year = {2024},
}
"""  # noqa: E501


_PARALLEL = (
    "Retrieval within a language, across languages and from one pool of many languages, from "
    "parallel questions and answers."
)

DESCRIPTIONS = {
    "XBench": _PARALLEL,
    "XBenchMini": f"{_PARALLEL} A demonstration on a small shipped set, never ranked.",
    "XBenchBelebele": f"{_PARALLEL} Questions about FLORES passages in 122 language variants.",
    "XTREME-R": "The part of XTREME-R that is LAReQA: XQuAD-R, of which XTREME-R reports mAP@20 in "
    "the pool of all languages. Tatoeba is a task of mteb's own; Mewsli-X is not among its tasks.",
    "XBenchMIRACL": "Retrieval in 18 languages, in each language's own index and in one of all, "
    "from the passages that mteb pooled as hard negatives of MIRACL.",
    "XBenchMIRACLFull": "Retrieval in 18 languages, in each language's own index and in one of "
    "all, from all passages of MIRACL.",
}
"""What each benchmark is."""


def register() -> None:
    """Add xbench's tasks, benchmarks and built-in models to mteb; calling it again does nothing.

    After it, `mteb.get_task`, `mteb.get_tasks`, `mteb.get_benchmark`, `TaskResult.task` and mteb's
    tables know them.

    Raises:
        UserError: If mteb has moved a name that this relies on, or an installed package's entry
            point is broken.
    """
    tasks, registry, benchmarks, build_registry, models = map(_private, PRIVATE_NAMES)
    classes = task_classes()
    new = {cls.metadata.name: cls for cls in classes if cls.metadata.name not in registry}
    registry.update(new)
    importlib.import_module("mteb.get_tasks").__dict__["TASK_LIST"] = (*tasks, *new.values())
    if not hasattr(benchmarks, "XBENCH"):
        for name in BENCHMARKS:
            setattr(benchmarks, name.upper(), benchmark(name))
        build_registry.cache_clear()
    _register_models(models)


def _register_models(models: dict[str, Any]) -> None:
    for name in BUILT_IN:
        if name not in models:
            models[name] = find_model(ModelOptions(name), offline=True).meta


def benchmark(name: str) -> Benchmark:
    """Return a benchmark of xbench as mteb's object.

    Raises:
        UserError: If there is no such benchmark.
    """
    if name not in BENCHMARKS:
        raise unknown_name("benchmark", name, BENCHMARKS)
    own = {cls.metadata.name: cls for cls in TASK_CLASSES}
    return Benchmark(
        name=name,
        tasks=[own[task]() for task in BENCHMARKS[name]],
        description=DESCRIPTIONS[name],
        reference="https://arxiv.org/abs/2408.10536",
        citation=CITATION,
    )


def task_classes() -> dict[type[AbsTask], None]:
    """Return xbench's task classes and those that installed packages add.

    Raises:
        UserError: If an installed package's entry point is broken.
    """
    classes: dict[type[AbsTask], None] = dict.fromkeys(TASK_CLASSES)
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            loaded = entry.load()
            added = list(loaded) if isinstance(loaded, Iterable) else [loaded]
        except Exception as error:
            raise UserError(
                f"entry point {entry.name!r} ({entry.value}) of group {ENTRY_POINT_GROUP!r} cannot "
                f"be loaded: {type(error).__name__}: {error}. Fix or uninstall that package."
            ) from error
        for cls in added:
            if not (isinstance(cls, type) and issubclass(cls, AbsTask)):
                raise UserError(
                    f"entry point {entry.name!r} ({entry.value}) of group {ENTRY_POINT_GROUP!r} "
                    f"gives {cls!r}; expected an mteb task class"
                )
        classes.update(dict.fromkeys(added))
    return classes


def find_task(name: str) -> type[RetrievalTask]:
    """Return the class of a task of xbench or of an installed package.

    Raises:
        UserError: If there is no such task.
    """
    known = {cls.metadata.name: cls for cls in task_classes() if issubclass(cls, RetrievalTask)}
    if name not in known:
        raise unknown_name("task", name, known)
    return known[name]


def _private(name: str) -> Any:  # noqa: ANN401
    module, _, attribute = name.partition(":")
    try:
        loaded = importlib.import_module(module)
        return getattr(loaded, attribute) if attribute else loaded
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"mteb {mteb.__version__} has no {name}, which xbench needs to register its tasks; "
            "install a version of mteb that xbench supports: pip install 'xbench-mteb' --upgrade"
        ) from error
