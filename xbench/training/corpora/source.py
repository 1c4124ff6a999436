"""Where a training corpus is, and how to read it; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from glob import escape, glob
from pathlib import Path
from typing import Any, Literal, get_args

from xbench._util.errors import UserError
from xbench.training.corpora.labels import is_known, language_labels

Format = Literal["auto", "wide", "long", "columns", "scored", "squad", "mmarco", "squadshifts"]

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
            (columns ``id``, ``language``, ``query`` and ``passage``), ``columns`` (anchor,
            positive, negative, negative_1 and so on), ``scored`` (texts with a ``score`` or
            ``label``, for the losses that take one), ``squad``, or that of a published corpus of
            which ``path`` is a copy; by default what it looks like.
        languages: Languages to take, of those that there are, by any usual code or the label that
            the data has; none takes all.
        language: For ``columns``: the language of all columns, or of each by name. Without it the
            data's own column ``language`` says that of each row.
        columns: For ``columns``: the role (query, passage or negative) of columns that have other
            names than these.
        negatives: Hard negatives of a pair that are used at most; none uses all.
        split: Split of a dataset.
        revision: Revision of a dataset of the hub.
        passage: For SQuAD-style files, whether a passage is the sentence with the answer or the
            paragraph.
        rows: Rows to take, the first ones; none takes all.
        sampling: How batches of this corpus are drawn, where not as those of the run.
        alpha: Probability that a hybrid batch of this corpus is monolingual, where not the run's.
        weight: Times that each of its questions is drawn in an epoch.
        query_prompt: Put before its queries, where not the run's.
        passage_prompt: Put before its passages, where not the run's.
        loss: Loss of its batches, where not the run's.
        loss_options: Options of that loss.

    Raises:
        UserError: If a value is not one of these.
    """

    path: str
    name: str | None = None
    format: Format = "auto"
    languages: tuple[str, ...] = ()
    language: str | Mapping[str, str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    negatives: int | None = None
    split: str = "train"
    revision: str | None = None
    passage: Passage = "sentence"
    rows: int | None = None
    sampling: str | None = None
    alpha: float | None = None
    weight: float = 1.0
    query_prompt: str | None = None
    passage_prompt: str | None = None
    loss: str | None = None
    loss_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        label = language_labels(self.languages)
        labels = tuple(label[text] for text in self.languages)
        object.__setattr__(self, "languages", labels)
        if len(set(labels)) < len(labels):
            raise UserError(f"{self.path}: languages {','.join(labels)} has one twice")
        for name, expected in (("format", get_args(Format)), ("passage", get_args(Passage))):
            if (value := getattr(self, name)) not in expected:
                raise UserError(
                    f"{self.path}: {name} is {value!r}; expected one of {', '.join(expected)}"
                )
        if not self.weight > 0:
            raise UserError(f"{self.path}: weight is {self.weight!r}; expected more than 0")
        if self.negatives is not None and self.negatives < 0:
            raise UserError(f"{self.path}: negatives is {self.negatives}; expected 0 or more")

    @property
    def title(self) -> str:
        """Name of the corpus."""
        return self.name or Path(self.path.replace(PLACEHOLDER, "")).stem or self.path

    @property
    def on_hub(self) -> bool:
        """Whether the path is not a file or folder, but the name of a dataset on the hub."""
        return not (Path(self.path).exists() or squad_files(self.path))


def squad_files(path: str) -> dict[str, Path]:
    """Return the files by language of a folder with ``<code>.json`` or a path with ``{lang}``.

    Without the placeholder only files that are named by a known language are taken.
    """
    marked = PLACEHOLDER in path
    pattern = path if marked else str(Path(path) / f"{PLACEHOLDER}.json")
    start, _, end = pattern.partition(PLACEHOLDER)
    found = {
        tag: Path(file)
        for file in glob(  # noqa: PTH207
            f"{escape(start)}*{escape(end).replace('{lang}', '*')}"
        )
        if Path(file).is_file()
        and (tag := file[len(start) :].split("/")[0].removesuffix(end.split("/")[0]))
        and file == pattern.replace(PLACEHOLDER, tag)
    }
    label = language_labels(tag for tag in found if marked or is_known(tag))
    return {label[tag]: found[tag] for tag in label}
