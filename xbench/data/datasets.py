"""The datasets: their languages, files, revisions and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from xbench.data.belebele_tags import TAGS

Setting = Literal["monolingual", "crosslingual", "multilingual"]
"""Queries of language a against the passages of: a; one other language b; all languages."""

SETTINGS: tuple[Setting, ...] = get_args(Setting)

PassageForm = Literal["sentence", "context"]
"""What a passage's text is: the sentence alone, or the sentence followed by its paragraph."""

PASSAGE_FORMS: tuple[PassageForm, ...] = get_args(PassageForm)

Unit = Literal["article", "paragraph", "question"]
"""What intervals and tests draw: all questions of an article, those of a paragraph, or each."""

UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset as it is published.

    Attributes:
        prefix: Start of its task names (``XQuADR``).
        title: Name as in the literature (``XQuAD-R``).
        folder: Folder of its files, at the source and in a local copy.
        revision: Commit of the source repository, or the version of a shipped set.
        url: Address of a file, with ``{revision}`` and ``{path}`` to fill in; empty if there is
            none.
        sha256: Digest of the file of each language, by ISO 639-1 code.
        demonstration: Whether the set only demonstrates, and is never ranked with the others.
        hub: Name on the Hugging Face hub, for a set that is read from there; else empty.
        passages: Number of passages of each language of a set that is streamed, by ISO 639-1 code.
        variant: Part of its task names after the setting (``HardNegatives``).
        settings: The settings it has tasks for.
        split: Name of the split that is evaluated.
        main_score: The score that models are ranked by.
    """

    prefix: str
    title: str
    folder: str
    revision: str
    url: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    demonstration: bool = False
    hub: str = ""
    passages: Mapping[str, int] = field(default_factory=dict)
    variant: str = ""
    settings: tuple[Setting, ...] = SETTINGS
    split: str = "test"
    main_score: str = "map"

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of all languages, in alphabetical order."""
        return tuple(sorted(self.sha256 or self.passages))

    @property
    def streamed(self) -> bool:
        """Whether its passages are read shard by shard, because they fit in no memory."""
        return bool(self.passages)

    def task_name(self, setting: Setting) -> str:
        """Return the name of the task of a setting.

        >>> XQUAD_R.task_name("crosslingual")
        'XQuADRCrosslingualRetrieval'
        """
        return f"{self.prefix}{setting.capitalize()}{self.variant}Retrieval"


LAREQA_URL = "https://raw.githubusercontent.com/google-research-datasets/lareqa/{revision}/{path}"

XQUAD_R = Dataset(
    prefix="XQuADR",
    title="XQuAD-R",
    folder="xquad-r",
    revision="9bc8c7fb6dd8d01d72a05a93c2cb96882b0d299c",
    url=LAREQA_URL,
    sha256={
        "ar": "c52922d3b8ac1ae03ed5ac38647ad59870dca3dda2beefe18ecdc30729acb69d",
        "de": "16fb0f4bf4916154b585a20c24c66074591c9718a1affe764ff4697572328949",
        "el": "163fd43ee785a30eb534ae2061e9eaa766a7ee4e8ffce5e4b422480c150f64b6",
        "en": "7b0954f39297c27a31fef610f0883337dd2907fa8699151dc922afdd0fa12ffe",
        "es": "f8e836b2d91009c4363e04315f7ede363eedbbb49c67dda60de6c4aa782f58de",
        "hi": "ea45ba8ae4513d1533b222bebdc02a90bc319c055d3aeea68584a053d2e92872",
        "ru": "7f4dff853538b9a5fcc28c070b8bb983a5c5d190ac747b8e005a1ada9cab18f1",
        "th": "c3a041864c3a9fb0b4dd91cfdf99cf36b411b3e704c58a303c97bc6dc786cfe4",
        "tr": "f3e8c13002bbce154a4578f535f7533cb70f3da08840e6b62735935baec7bd94",
        "vi": "e35926bf5cc6fc6ecbdfca49467aabeb454f08d152d7818143a906bd31dde995",
        "zh": "80c2cde7b9c2fb134c303cbb52f2ba396ead9eb0014aec43993543d2ba9e93ed",
    },
)

MLQA_R = Dataset(
    prefix="MLQAR",
    title="MLQA-R",
    folder="mlqa-r",
    revision="354d67d1cd066854cdfbf5ad0e6105528976141d",
    url=LAREQA_URL,
    sha256={
        "ar": "2132fbc03208535c0fe01f2e2c5121d06f9c2aa799af93b0a719dbc105bdf137",
        "de": "ce9454dc5aa6f2d85c23cd6e49cb367fbb7c4c6e62d7f71e355c6b5dae4d0886",
        "en": "fedd9a5cc0848dda80caf84aa36f482adaae230526a3f6e9e86926a93ef3b1e4",
        "es": "70ecba276b8c96a692b120693a595d076ce94ad21d4b28311538a9fcbfe0f9d7",
        "hi": "4dd0fb3c06f737a5481d705bc1dcac7876712a5815c9265908fbb3a0696cb654",
        "vi": "9d3baff6ba03e6793b25594217265ea59a136b9733833dca8a9582a84a78ff85",
        "zh": "57f01d2fff50cf3392805635b01445339f225ad5bf28ba8443b12f8dbd1e69dc",
    },
)

MINI = Dataset(
    prefix="XBenchMini",
    title="XBench-Mini",
    folder="mini",
    revision="1",
    url="",
    sha256=dict.fromkeys(("ar", "de", "en", "es", "hi", "ru", "th", "zh"), ""),
    demonstration=True,
)

MIRACL = Dataset(
    prefix="MIRACL",
    title="MIRACL",
    folder="miracl",
    revision="9c09abc13478308c27598f350e31d8f06b9b5481",
    hub="mteb/MIRACLRetrieval",
    passages={
        "ar": 2_061_414,
        "bn": 297_265,
        "de": 15_866_222,
        "en": 32_893_221,
        "es": 10_373_953,
        "fa": 2_207_172,
        "fi": 1_883_509,
        "fr": 14_636_953,
        "hi": 506_264,
        "id": 1_446_315,
        "ja": 6_953_614,
        "ko": 1_486_752,
        "ru": 9_543_918,
        "sw": 131_924,
        "te": 518_079,
        "th": 542_166,
        "yo": 49_043,
        "zh": 4_934_368,
    },
    settings=("monolingual", "multilingual"),
    split="dev",
    main_score="ndcg_at_10",
)

MIRACL_HARD_NEGATIVES = Dataset(
    prefix="MIRACL",
    title="MIRACL hard negatives",
    folder="miracl-hard-negatives",
    revision="d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c",
    hub="mteb/MIRACLRetrievalHardNegatives",
    passages={
        "ar": 192_103,
        "bn": 297_265,
        "de": 71_277,
        "en": 178_768,
        "es": 146_750,
        "fa": 133_596,
        "fi": 194_415,
        "fr": 75_357,
        "hi": 63_066,
        "id": 168_173,
        "ja": 185_319,
        "ko": 43_293,
        "ru": 219_114,
        "sw": 131_924,
        "te": 101_961,
        "th": 116_649,
        "yo": 49_043,
        "zh": 81_309,
    },
    variant="HardNegatives",
    settings=("monolingual", "multilingual"),
    split="dev",
    main_score="ndcg_at_10",
)

BELEBELE = Dataset(
    prefix="BelebeleR",
    title="Belebele",
    folder="belebele",
    revision="75b399394a9803252cfec289d103de462763db7c",
    hub="facebook/belebele",
    sha256=dict.fromkeys(TAGS, ""),
)

MTOP_FILES = Dataset(
    prefix="MTOP",
    title="MTOP",
    folder="mtop",
    revision="af03531af8cb6a39504e1044ba1edebef6c76d15",
    url="https://raw.githubusercontent.com/psunlpgroup/XSemPLR/{revision}/dataset/{path}",
    sha256={
        "dev": "90786d97756b710c07db31610ad0fb60b8a15afee02e49a7db2be91b008c5e63",
        "test": "47d0f025d30abf205589d342ba31a432bb7eafb71dec476582e08ae0157a00c7",
    },
)
"""The two files of MTOP, by the name of the split; each has all languages."""

MTOP = replace(
    MTOP_FILES,
    url="",
    sha256=dict.fromkeys(("de", "en", "es", "fr", "hi", "th"), ""),
    settings=("crosslingual", "multilingual"),
)
"""Utterances and their translations; for studies, and never ranked with the others."""

DATASETS = (XQUAD_R, MLQA_R, MIRACL, MIRACL_HARD_NEGATIVES, BELEBELE, MINI)

PARALLEL_DATASETS = tuple(dataset for dataset in DATASETS if not dataset.hub)
"""Those whose questions have the same id in every language, and of which all is read at once."""
