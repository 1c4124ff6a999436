"""Character n-grams hashed into a vector: an encoder with nothing to train or download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta, ScoringFunction
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import HashingVectorizer

from .tokenization import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.types import BatchedInput, EncodeKwargs, PromptType
    from numpy.typing import NDArray
    from torch.utils.data import DataLoader
    from typing_extensions import Unpack

_DIMENSIONS = 1024
_BUCKETS = 2**20

_vectorizer = HashingVectorizer(
    preprocessor=normalize,
    analyzer="char_wb",
    ngram_range=(2, 5),
    n_features=_BUCKETS,
    alternate_sign=True,
    norm=None,
    dtype=np.float32,
)


class CharNgramEncoder(AbsEncoder):
    """Lexical baseline in the form of an encoder, for demonstrations and tests.

    A text becomes the signed, hashed counts of its character 2- to 5-grams within words. Cosine
    similarity then measures only how much of their spelling two texts share. Nothing is learned:
    synonyms do not match, rare n-grams weigh no more than frequent ones, and across languages
    nothing but names and numbers in a common script can match. A trained embedding model should
    be far better across languages, and BM25 is better within one.

    The counts are damped to ln(1 + tf) in a space where n-grams hardly ever collide and only then
    folded to the final dimensions, so that no frequency is that of several n-grams at once.

    See Weinberger et al. (2009), "Feature Hashing for Large Scale Multitask Learning".

    Attributes:
        mteb_model_meta: Description of the model for mteb.
    """

    def __init__(
        self,
        model_name: str = "xbench/char-ngram",
        revision: str | None = "1",
        *,
        device: str | None = None,
        **kwargs: object,
    ) -> None:
        """Accept the arguments with which mteb loads any encoder; none has an effect.

        Args:
            model_name: Not used.
            revision: Not used.
            device: Not used.
            **kwargs: Not used.
        """
        self.mteb_model_meta: ModelMeta = CHAR_NGRAM_META

    def encode(
        self,
        inputs: DataLoader[BatchedInput],
        *,
        task_metadata: TaskMetadata,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **kwargs: Unpack[EncodeKwargs],
    ) -> NDArray[np.float32]:
        """Encode texts as unit vectors, and a text without any n-gram as the zero vector.

        Queries and passages are encoded alike; all arguments but `inputs` are there for mteb and
        have no effect.

        Returns:
            One row per text.
        """
        blocks = [_encode_texts(batch["text"]) for batch in inputs]
        return np.vstack([np.empty((0, _DIMENSIONS), dtype=np.float32), *blocks])


def _encode_texts(texts: Sequence[str]) -> NDArray[np.float32]:
    counts = _vectorizer.transform(texts)
    damped = np.copysign(np.log1p(np.abs(counts.data)), counts.data)
    folded = csr_array(
        (damped, counts.indices % _DIMENSIONS, counts.indptr), shape=(len(texts), _DIMENSIONS)
    )
    vectors: NDArray[np.float32] = folded.toarray()
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, norms, out=vectors, where=norms > 0)
    return vectors


CHAR_NGRAM_META = ModelMeta(
    loader=CharNgramEncoder,
    name="xbench/char-ngram",
    revision="1",
    release_date=None,
    languages=None,
    n_parameters=0,
    n_embedding_parameters=0,
    memory_usage_mb=0,
    max_tokens=None,
    embed_dim=_DIMENSIONS,
    license="apache-2.0",
    open_weights=True,
    public_training_code=None,
    public_training_data=None,
    framework=["NumPy"],
    similarity_fn_name=ScoringFunction.COSINE,
    use_instructions=False,
    training_datasets=set(),
    model_type=["dense"],
)
"""Description of the model for mteb."""
