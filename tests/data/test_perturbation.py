"""Perturbed queries: seeded, by grapheme clusters, at the rate that was asked for."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

import xbench
from tests.conftest import ROOT
from xbench.data.datasets import MINI
from xbench.data.keyboards import ROWS
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.data.perturbation import KINDS, clusters, perturbed_queries

ROWS_OF_MINI = [
    json.loads(line) for line in (ROOT / "tasks/data/mini.jsonl").read_text("utf-8").splitlines()
]
VIETNAMESE = [
    "Thủ đô của Việt Nam là thành phố nào?",
    "Ai đã phát minh ra bóng đèn điện vào thế kỷ mười chín?",
    unicodedata.normalize("NFD", "Những người nổi tiếng nhất ở đó là ai?"),
]
SCRIPTS = {
    **{code: [row["questions"][code] for row in ROWS_OF_MINI] for code in MINI.languages},
    "vi": VIETNAMESE,
}
HARD = ["ar", "hi", "th", "vi", "zh"]
ANY = st.sampled_from(sorted(KINDS))
RATES = st.sampled_from([0.05, 0.1, 0.3, 0.7, 1.0])
TRICKY = st.text(alphabet="aé́ñक्षत्रियि้ำเกจ漢字한국각ᅡᄀ👩‍👧🇩🇪‍़ً ", max_size=30)


def allowed(language: str) -> set[str]:
    """The clusters of a language's texts, their bare and changed forms, and its keyboard's."""
    found = {own for text in SCRIPTS[language] for own in clusters(text)}
    found |= {own for text in SCRIPTS["en"] for own in clusters(text)}
    found |= {own.swapcase() for own in found}
    found |= set("".join(ROWS.get(language, ROWS["en"]))) | set("".join(ROWS["en"]))
    found |= {own.upper() for own in found}
    bare = {
        unicodedata.normalize(
            "NFC",
            "".join(
                c for c in unicodedata.normalize("NFD", own) if unicodedata.category(c) != "Mn"
            ),
        )
        for own in found
    }
    return found | bare


@pytest.mark.parametrize("language", HARD)
@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_no_cluster_is_broken(language, kind, rate):
    texts, known = SCRIPTS[language], allowed(language)
    translations = [[text] for text in (SCRIPTS["en"] * 2)[: len(texts)]]
    made = xbench.perturb(texts, [f"{kind}:{rate}"], language, 3, translations)
    for before, after in zip(texts, made, strict=True):
        assert after.strip()
        assert set(clusters(after)) <= known, (before, after)


@given(text=TRICKY, kind=ANY, rate=RATES, seed=st.integers(0, 5))
@example(text="a\u094d\u0937 e", kind="diacritics", rate=1.0, seed=0)
@settings(deadline=None)
def test_clusters_never_merge_with_their_neighbours(text, kind, rate, seed):
    (made,) = xbench.perturb([text], [f"{kind}:{rate}"], "hi", seed)
    if kind == "typo":
        letters = set(clusters(text)) | set("".join(ROWS["hi"]))
        assert set(clusters(made)) <= letters
    elif kind in ("case", "diacritics"):
        assert len(clusters(made)) == len(clusters(text))
    else:
        assert made == text


@pytest.mark.parametrize("language", sorted(SCRIPTS))
def test_a_rate_of_zero_changes_nothing_and_one_seed_gives_the_same_text(language):
    texts = [f"  {text}\t" for text in SCRIPTS[language]]
    for kind in KINDS:
        assert xbench.perturb(texts, [f"{kind}:0"], language) == texts
        first, second = (xbench.perturb(texts, [f"{kind}:0.3"], language, 7) for _ in range(2))
        assert first == second
        assert first[::-1] == xbench.perturb(texts[::-1], [f"{kind}:0.3"], language, 7)
    assert xbench.perturb(texts, ["typo:0.3"], language, 1) != xbench.perturb(
        texts, ["typo:0.3"], language, 2
    )


def letters(text: str) -> int:
    return sum(unicodedata.category(own[0])[0] in "LN" for own in clusters(text))


def distance(first: list[str], second: list[str]) -> int:
    """Edits between two lists, an exchange of neighbours as one (Damerau's)."""
    table = [
        [i + j if i * j == 0 else 0 for j in range(len(second) + 1)] for i in range(len(first) + 1)
    ]
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            same = first[i - 1] == second[j - 1]
            table[i][j] = min(
                table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (not same)
            )
            if i > 1 and j > 1 and first[i - 2 : i] == second[j - 2 : j][::-1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@pytest.mark.parametrize("language", ["ar", "de", "en", "hi", "ru", "th", "zh"])
def test_typing_errors_are_as_many_as_the_rate_says(language):
    texts = SCRIPTS[language]
    made = xbench.perturb(texts, ["typo:0.1"], language, 1)
    edits = sum(distance(clusters(a), clusters(b)) for a, b in zip(texts, made, strict=True))
    assert edits / sum(map(letters, texts)) == pytest.approx(0.1, abs=0.02)


def test_case_diacritics_and_codeswitch_do_what_they_say():
    (upper,) = xbench.perturb(["straße und Haus"], ["case:1"], "de")
    assert upper == "STRAßE UND hAUS"
    assert xbench.perturb(["Où est né Ünal?"], ["diacritics:1"], "fr") == ["Ou est ne Unal?"]
    assert xbench.perturb(["हिन्दी"], ["diacritics:1"], "hi") == ["हिन्दी"]
    (mixed,) = xbench.perturb(
        ["one two three four five six seven eight nine ten"],
        ["codeswitch:0.3"],
        "en",
        2,
        [["eins zwei drei vier fünf sechs sieben acht neun zehn"]],
    )
    words = mixed.split()
    german = [own for own in words if own in "eins zwei drei vier fünf sechs sieben acht neun zehn"]
    assert len(words) == 10
    assert len(german) == 3
    assert regex.search(" ".join(german), mixed)


def test_a_corpus_keeps_its_passages_and_switches_to_the_versions_of_the_same_question():
    corpus = ParallelCorpus(
        queries={
            "de": Texts(("q", "r"), ("wo ist der hohe Turm", "allein")),
            "en": Texts(("q",), ("where is the high tower",)),
        },
        passages={"de": Texts(("d",), ("da",)), "en": Texts(("e",), ("there",))},
        relevant={"de": {"q": ("d",), "r": ("d",)}, "en": {"q": ("e",)}},
    )
    made = perturbed_queries(corpus, ["codeswitch:1"])
    assert made.queries["de"].texts == ("where is the high tower", "allein")
    assert made.passages == corpus.passages
    assert made.fingerprint != corpus.fingerprint


@pytest.mark.parametrize(
    ("given_steps", "message"),
    [
        (["tipo:0.1"], "unknown kind 'tipo'.*Did you mean 'typo'"),
        (["typo"], "expected a kind and a rate as in typo:0.1"),
        (["typo:2"], "rate of typo is 2.0; expected 0 to 1"),
    ],
)
def test_wrong_perturbations_are_refused(given_steps, message):
    with pytest.raises(xbench.UserError, match=message):
        xbench.perturb(["a"], given_steps)


def test_a_thousand_queries_take_less_than_encoding_them():
    texts = (SCRIPTS["en"] * 21)[:1000]
    began = time.perf_counter()
    xbench.perturb(texts, ["typo:0.1"], "en")
    assert time.perf_counter() - began < 1000 / 137
