"""What the languages of training data are called: codes where they are known, else as given."""

from __future__ import annotations

from collections.abc import Iterable

from xbench._util.errors import UserError
from xbench.data.languages import distinct_languages, language


def language_labels(texts: Iterable[str]) -> dict[str, str]:
    """Return what each language tag is called; one that names no known language keeps its form.

    Args:
        texts: Tags of ISO 639, BCP 47 or FLORES, English names, or anything else.

    >>> language_labels(["deu_Latn", "pt-BR", "pt-PT", "Old Norse"])
    {'deu_Latn': 'de', 'pt-BR': 'pt-BR', 'pt-PT': 'pt-PT', 'Old Norse': 'Old Norse'}
    """
    tags = list(dict.fromkeys(texts))
    known = [tag for tag in tags if is_known(tag)]
    return {tag: tag.strip() for tag in tags} | {
        tag: own.code for tag, own in distinct_languages(known).items()
    }


def is_known(tag: str) -> bool:
    """Return whether a tag names a language that xbench knows."""
    try:
        language(tag)
    except UserError:
        return False
    return True
