"""Where a training corpus is, and how to read it; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from xbench._util.errors import UserError
from xbench.data.languages import LANGUAGES, codes

Format = Literal["auto", "wide", "long", "squad", "mmarco", "squadshifts"]

Passage = Literal["sentence", "paragraph"]

PLACEHOLDER = "{lang}"
"""What stands for the language in a path."""


@dataclass(frozen=True)
class CorpusSource:
    """Where a corpus is, and how to read it.

    Attributes:
        path: A JSONL, CSV or Parquet file; a folder saved by datasets, or of SQuAD-style
            ``<language>.json`` files, or such a path with ``{lang}``; a dataset's name on the hub.
        name: Name of the corpus; by default that of the path.
        format: ``wide`` (columns ``query_<language>`` and ``passage_<language>``), ``long``
            (columns ``id``, ``language``, ``query`` and ``passage``), ``squad``, or that of a
            published corpus of which ``path`` is a copy; by default what it looks like.
        languages: Languages to take, of those that there are, kept as ISO 639-1 codes; none
            takes all.
        split: Split of a dataset.
        revision: Revision of a dataset of the hub.
        passage: For SQuAD-style files, whether a passage is the sentence with the answer or the
            paragraph.
        rows: Rows to take, the first ones; none takes all.

    Raises:
        UserError: If a value is not one of these.
    """

    path: str
    name: str | None = None
    format: Format = "auto"
    languages: tuple[str, ...] = ()
    split: str = "train"
    revision: str | None = None
    passage: Passage = "sentence"
    rows: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", codes(self.languages))
        if len(set(self.languages)) < len(self.languages):
            raise UserError(f"{self.path}: languages {','.join(self.languages)} has one twice")
        for field, expected in (("format", get_args(Format)), ("passage", get_args(Passage))):
            if (value := getattr(self, field)) not in expected:
                raise UserError(
                    f"{self.path}: {field} is {value!r}; expected one of {', '.join(expected)}"
                )

    @property
    def title(self) -> str:
        """Name of the corpus."""
        return self.name or Path(self.path.replace(PLACEHOLDER, "")).stem or self.path

    @property
    def on_hub(self) -> bool:
        """Whether the path is not a file or folder, but the name of a dataset on the hub."""
        return not (Path(self.path).exists() or squad_files(self.path))


def squad_files(path: str) -> dict[str, Path]:
    """Return the files by language of a folder with ``<code>.json`` or a path with ``{lang}``."""
    pattern = path if PLACEHOLDER in path else str(Path(path) / f"{PLACEHOLDER}.json")
    files = {code: Path(pattern.replace(PLACEHOLDER, code)) for code in sorted(LANGUAGES)}
    return {code: file for code, file in files.items() if file.is_file()}
