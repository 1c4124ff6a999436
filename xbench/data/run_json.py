"""Runs and qrels in JSON: of ranx and BEIR, and mteb's predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError, unknown_name

_MTEB = "mteb_model_meta"

Pairs = list[tuple[str, Any]]


class JsonObject(list[tuple[str, Any]]):
    """A JSON object with all its pairs, the names that occur twice among them."""

    def items(self) -> Pairs:
        """Return the pairs in their order."""
        return self


def read_json(path: Path, content: bytes) -> Any:  # noqa: ANN401
    """Return what a file holds, its objects as `JsonObject`.

    Raises:
        UserError: If it is not JSON.
    """
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=JsonObject)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}: line {error.lineno}: is not JSON ({error.msg}); write the file again"
        ) from error
    except RecursionError as error:
        raise UserError(f"{path}: is nested too deeply; expected queries and passages") from error


def is_predictions(pairs: Pairs) -> bool:
    """Return whether a JSON object is a file of mteb's predictions."""
    return any(key == _MTEB for key, _ in pairs)


def _nested(content: object) -> bool:
    return isinstance(content, (Mapping, JsonObject))


def predictions(pairs: Pairs, name: str, subset: str | None) -> Pairs:
    """Return the queries of mteb's predictions: of one subset, or of all if their ids differ.

    Args:
        pairs: The model's metadata, then each subset and its queries by split.
        name: What messages call the file.
        subset: Name of the subset, with ``/`` and the split if there are several.

    Raises:
        UserError: If there is no such subset, or subsets have queries of the same id.
    """
    parts = {}
    for own, splits in pairs:
        if own == _MTEB:
            continue
        if not _nested(splits) or not all(_nested(found) for _, found in splits.items()):
            raise UserError(
                f"{name}: subset {own!r}: expected {{split: {{query id: {{passage id: score}}}}}}, "
                "as mteb saves predictions of retrieval; run the model again"
            )
        for split, found in splits.items():
            parts[own if len(splits) == 1 else f"{own}/{split}"] = list(found.items())
    if subset is not None:
        if subset not in parts:
            raise unknown_name(f"subset of {name}", subset, parts)
        return parts[subset]
    queries = [pair for part in parts.values() for pair in part]
    if len({query for query, _ in queries}) < len(queries):
        raise UserError(
            f"{name}: the subsets {', '.join(parts)} have queries of the same id; name the subset "
            "to measure"
        )
    return queries
