"""Prompts: the texts that a model puts before queries and passages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.abs_encoder import get_prompt_name
from mteb.types import PromptType

from xbench.models.embedding_store import Role
from xbench.models.inner import sentence_transformer

logger = logging.getLogger(__name__)

PROMPT_TYPES: dict[Role, PromptType] = {
    "query": PromptType.query,
    "passage": PromptType.document,
}

NAMES: dict[Role, tuple[str, ...]] = {
    "query": ("query",),
    "passage": ("document", "passage", "corpus"),
}
"""Names of the prompts that sentence-transformers uses itself, the first that there is."""


def prompt_text(model: Any, metadata: TaskMetadata, role: Role) -> str | None:  # noqa: ANN401
    """Return the prompt that an mteb model uses for a task and role, if that is known."""
    if getattr(model, "instruction_template", None) is not None:
        return str(model.get_task_instruction(metadata, PROMPT_TYPES[role]))
    name = _prompt_name(model, metadata, role)
    prompts = getattr(model, "model_prompts", None) or {}
    if name in prompts:
        return str(prompts[name])
    return None if name is None else saved_prompts(model).get(name)


def saved_prompts(model: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the prompts that are saved in a model of sentence-transformers, by name."""
    inner = sentence_transformer(model)
    prompts = {} if inner is None else dict(inner.prompts or {})
    return {name: text for name, text in prompts.items() if text is not None}


def _prompt_name(model: Any, metadata: TaskMetadata, role: Role) -> str | None:  # noqa: ANN401
    """Return the name of a prompt: mteb's choice, or that of sentence-transformers without one."""
    prompts = getattr(model, "model_prompts", None)
    if prompts and hasattr(model, "get_prompt_name"):
        name = model.get_prompt_name(metadata, PROMPT_TYPES[role])
        if name is not None:
            return str(name)
    elif prompts and sentence_transformer(model) is not None:
        name = get_prompt_name(prompts, metadata, PROMPT_TYPES[role])
        if name is not None:
            return str(name)
    inner = sentence_transformer(model)
    if inner is None:
        return None
    known = saved_prompts(model)
    default = inner.default_prompt_name
    return next((name for name in NAMES[role] if name in known), default)


def use_all_prompts(model: Any) -> None:  # noqa: ANN401
    """Let a model use every prompt that is saved in it, also those named by xbench's tasks.

    mteb drops what is not named by one of its own tasks, types of tasks, or roles, and an empty
    prompt "document", which sentence-transformers adds, hides one named "passage".
    """
    saved = saved_prompts(model)
    if not any(saved.values()):
        return
    prompts = {**saved, **(model.model_prompts or {})}
    passage = next((text for name in NAMES["passage"] if (text := saved.get(name))), "")
    if passage and not prompts.get("document"):
        prompts["document"] = passage
    model.model_prompts = prompts


def with_prompt(prompts: Mapping[str, str], role: str, prompt: str) -> dict[str, str]:
    """Return prompts in which a role has this one, whatever more specific ones mteb would prefer.

    >>> with_prompt({"Retrieval": "a: ", "Retrieval-query": "b: "}, "query", "q: ")
    {'Retrieval-document': 'a: ', 'query': 'q: '}
    """
    other = "document" if role == "query" else "query"
    kept: dict[str, str] = {}
    for key, text in prompts.items():
        if key == other or key.endswith(f"-{other}"):
            kept[key] = text
        elif key != role and not key.endswith(f"-{role}"):
            kept.setdefault(f"{key}-{other}", text)
    return {**kept, role: prompt}


def warn_of_unused(model: Any, tasks: Iterable[TaskMetadata], name: str) -> None:  # noqa: ANN401
    """Name every prompt that is saved in a model and that none of these tasks uses."""
    used = set()
    for metadata in tasks:
        for role in NAMES:
            used |= {_prompt_name(model, metadata, role), prompt_text(model, metadata, role)}
    unused = [
        f"{prompt} {text!r}"
        for prompt, text in saved_prompts(model).items()
        if text and not {prompt, text} & used
    ]
    if unused:
        logger.warning(
            "%s: prompts that are saved in the model and not used here: %s. To use one, give its "
            "text with --query-prompt or --passage-prompt.",
            name,
            "; ".join(unused),
        )
