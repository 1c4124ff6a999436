"""Tests of tokenization across scripts, and of real questions meeting real passages."""

import doctest
import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from xbench.models.baselines import tokenization
from xbench.models.baselines.tokenization import normalize, tokenize

ZERO_WIDTH_SPACE, ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER = "\u200b", "\u200c", "\u200d"
SOFT_HYPHEN, VARIATION_SELECTOR = "\u00ad", "\ufe0f"

# Language, question, passage, and a word of each: other forms of one word, or of one name.
QUESTIONS_AND_PASSAGES = [
    ("ar", "أين تقع الجامعة؟", "تأسست جامعة القاهرة عام ١٩٠٨.", "الجامعة", "جامعة"),
    ("ar", "ما هي عاصمة الإمارات؟", "عاصمةُ الامـــارات هي أبو ظبي.", "الإمارات", "الامـــارات"),
    ("de", "Welche Städte hatte Preußen?", "Die Stadt PREUSSENS.", "Preußen", "PREUSSENS"),
    ("el", "Ποια ερώτηση έμεινε;", "Οι ΕΡΩΤΉΣΕΙΣ των μαθητών.", "ερώτηση", "ΕΡΩΤΉΣΕΙΣ"),
    ("el", "Τι ρώτησαν στις ερωτήσεις;", "Οι ΕΡΩΤΗΣΕΙΣ των μαθητών.", "ερωτήσεις", "ΕΡΩΤΗΣΕΙΣ"),
    ("en", "Who was running?", "She RUNS every day.", "running", "RUNS"),
    ("es", "¿Cuántas canciones hay?", "La canción es larga.", "canciones", "canción"),
    ("fa", "کتاب‌های ایران", "اين كتاب است", "کتاب‌های", "كتاب"),
    ("fi", "Kuka asuu talossa?", "Talo on vanha.", "talossa", "Talo"),
    ("fr", "Quelles fêtes nationales ?", "La fête nationale.", "nationales", "nationale"),
    ("hi", "लड़की का नाम क्या है?", "दो लड़कियों ने पुरस्कार जीता।", "लड़की", "लड़कियों"),
    ("id", "Siapa yang membacakan?", "Buku bacaan.", "membacakan", "bacaan"),
    ("ja", "東京タワーは？", "芝公園の東京ﾀﾜｰ。", "東京タワー", "東京ﾀﾜｰ"),
    ("ru", "Какая столица России?", "Москва стала столицей России.", "столица", "столицей"),
    ("th", "ก่อตั้งในปี ๒๔๖๐", "มหาวิทยาลัยก่อตั้งเมื่อ 2460", "๒๔๖๐", "2460"),
    ("tr", "Kitaplar nerede?", "Çoğu kitabın kapağı, kitapların adı.", "Kitaplar", "kitapların"),
    ("tr", "istanbul'un ışığı", "İSTANBUL'UN IŞIĞI", "ışığı", "IŞIĞI"),
    ("tr", "istanbul'un ışığı", "İSTANBUL'UN IŞIĞI", "istanbul'un", "İSTANBUL'UN"),
    (
        "vi",
        "Thủ đô của Việt Nam là gì?",
        unicodedata.normalize("NFD", "HÀ NỘI LÀ THỦ ĐÔ CỦA VIỆT NAM"),
        "Thủ đô",
        unicodedata.normalize("NFD", "THỦ ĐÔ"),
    ),
    ("zh", "中国的首都在哪里？", "中国的首都是北京。", "首都", "首都"),
]


@pytest.mark.parametrize(
    ("language", "question", "passage", "asked", "answered"), QUESTIONS_AND_PASSAGES
)
def test_the_question_finds_another_form_of_its_word(language, question, passage, asked, answered):
    assert asked in question
    assert answered in passage
    shared = set(tokenize(question, language)) & set(tokenize(passage, language))
    assert tokenize(asked, language)[0] == tokenize(answered, language)[0]
    assert tokenize(asked, language)[0] in shared


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("ar", "الجامعة", "المدرسة"),
        ("el", "ερώτηση", "απάντηση"),
        ("hi", "लड़की", "किताब"),
        ("th", "ประเทศ", "โรงเรียน"),
        ("tr", "kız", "kiz"),
        ("vi", "má", "mà"),
        ("zh", "首都", "都首"),
        ("es", "año", "ano"),
    ],
)
def test_different_words_stay_apart(language, one, other):
    assert not set(tokenize(one, language)) & set(tokenize(other, language))


@pytest.mark.parametrize(
    "text",
    ["हिन्दी की किताब", "বাংলা ভাষার বই", "తెలుగు పుస్తకం", "தமிழ் புத்தகம்", "עִבְרִית שָׂפָה", "ọ̀rọ̀ s̩è̩"],
)
def test_vowel_signs_and_other_combining_marks_survive(text):
    text = unicodedata.normalize("NFKC", text)
    assert tokenize(text) == text.split()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("黑豹隊", ["黑豹", "豹隊"]),
        ("家", ["家"]),
        ("東京タワーは", ["東京", "京タ", "タワ", "ワー", "ーは"]),
        ("佐々木〆切", ["佐々", "々木", "木〆", "〆切"]),
        ("2015年10月", ["2015", "年", "10", "月"]),
        ("ที่นี่ดี", ["ที่นี่", "นี่ดี"]),
        ("ລາວ", ["ລາ", "າວ"]),
        ("ນີ້", ["ນີ້"]),
        ("សៀវភៅ", ["សៀវ", "វភៅ"]),
        ("မြန်မာ", ["မြန်", "န်မ", "မာ"]),
        ("中ไทย", ["中", "ไท", "ทย"]),
        ("한국 문화", ["한국", "문화"]),
    ],
)
def test_scripts_without_spaces_become_bigrams_of_grapheme_clusters(text, terms):
    text, terms = (unicodedata.normalize("NFKC", part) for part in (text, " ".join(terms)))
    assert tokenize(text) == terms.split()


@pytest.mark.parametrize("language", [None, "th", "zh", "ar", "hi"])
def test_a_foreign_name_stays_one_word(language):
    assert tokenize("ทีมNFLดี Beyoncé的 Beyoncé", language) == [
        "ทีม", "nfl", "ดี", "beyoncé", "的", "beyoncé",
    ]  # fmt: skip


def test_letters_of_unspaced_scripts_without_marks_are_clusters_by_themselves():
    characters = map(chr, range(sys.maxunicode + 1))
    unspaced = "".join(
        character
        for character in characters
        if character.isalnum()
        and unicodedata.is_normalized("NFKC", character)
        and tokenization._RUN.match(character)["unspaced"]
    )
    assert len(unspaced) > 90_000
    assert regex.findall(r"\X", unspaced) == list(unspaced)
    assert regex.findall(r"\X", unspaced[::-1]) == list(unspaced[::-1])


UNSPACED = st.text(
    st.sampled_from("黑豹ーゝ々〆タ゛\u3099\u302a\ufe0fのทีมที่ำນີ້ຳមភៅ្မြန်မာ က္က"), max_size=20
)


@given(UNSPACED | st.text())
def test_every_unspaced_run_is_cut_at_grapheme_clusters(text):
    for run in tokenization._RUN.finditer(normalize(text)):
        if run["unspaced"]:
            assert tokenization._grapheme_clusters(run[0]) == regex.findall(r"\X", run[0])


def test_an_unknown_language_is_not_stemmed():
    assert tokenize("running Runners") == ["running", "runners"]
    assert tokenize("running Runners", "yo") == ["running", "runners"]
    assert tokenize("running Runners", "en") == ["run", "runner"]


def test_languages_without_a_two_letter_code_and_with_a_script_or_territory():
    assert tokenize("Houses", "ceb") == tokenize("Houses", "ar-Latn") == ["houses"]
    assert tokenize("Houses", "en-GB") == tokenize("Houses", "en") == ["hous"]


@pytest.mark.parametrize("code", ["EN", "english", "en_GB", ""])
def test_what_is_not_a_code_is_refused(code):
    with pytest.raises(ValueError, match="must be a code such as"):
        tokenize("text", code)


def test_invisible_characters_do_not_split_words_where_they_do_not_separate_them():
    assert tokenize(f"co{SOFT_HYPHEN}op na{VARIATION_SELECTOR}me \ufeffend") == [
        "coop", "name", "end",
    ]  # fmt: skip
    assert tokenize(f"क्{ZERO_WIDTH_JOINER}ष") == tokenize(f"क्{ZERO_WIDTH_NON_JOINER}ष") == ["क्ष"]
    assert tokenize(f"می{ZERO_WIDTH_NON_JOINER}خواهم") == ["می", "خواهم"]
    assert tokenize(f"left{ZERO_WIDTH_SPACE}right") == ["left", "right"]


def test_punctuation_symbols_and_lone_marks_are_no_terms():
    assert tokenize("— ¿? ★ ❤️ $ + _ \u0301 \n\t") == []
    assert tokenize("") == []


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("ＦＵＬＬ Straße ﬁn", "full strasse fin"),
        ("Άγιος Μαΐου Ϊ", "αγιοσ μαιου ι"),
        ("Café ÅNGSTRÖM", "café ångström"),
        ("آأإ ى مـــدرسة كِتَابٌ", "ااا ي مدرسة كتاب"),
        ("٣ ३ ๓ ３", "3 3 3 3"),
        ("İ I", "i i"),
    ],
)
def test_normalization_folds_spelling_variants(text, normalized):
    assert normalize(text) == normalized


def test_turkish_keeps_dotted_and_dotless_i_apart():
    assert normalize("İ I i ı", "tr") == "i ı i ı"
    assert normalize("I\u0307", "tr") == "i"


def test_teh_marbuta_matches_heh():
    assert tokenize("مدرسة") == tokenize("مدرسه")
    assert tokenize("مدرسة", "ar") == tokenize("مدرسه", "ar")


@given(st.text(), st.sampled_from([None, "ar", "el", "en", "fa", "hi", "th", "tr", "zh"]))
def test_terms_are_words_whatever_the_text(text, language):
    terms = tokenize(text, language)
    assert all(term and not any(map(str.isspace, term)) for term in terms)
    for form in ("NFC", "NFD"):
        assert tokenize(unicodedata.normalize(form, text), language) == terms


def test_doctests():
    results = doctest.testmod(tokenization)
    assert results.attempted > 0
    assert results.failed == 0
