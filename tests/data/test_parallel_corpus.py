import pytest

from xbench.data.parallel_corpus import ParallelCorpus, Texts

EN, DE = Texts(("q1", "q2"), ("Who?", "When?")), Texts(("q1",), ("Wer?",))


def corpus(**relevant):
    return ParallelCorpus(
        queries={"de": DE, "en": EN},
        passages={"de": Texts(("de.1",), ("Er.",)), "en": Texts(("en.1", "en.2"), ("He.", "Now."))},
        relevant={
            "de": {"q1": ("de.1",)},
            "en": {"q1": ("en.1",), "q2": ("en.2",)},
            **relevant,
        },
    )


def test_relevant_passages_of_a_pool():
    assert corpus().relevant_passages("en", ["de", "en"]) == {
        "q1": ("de.1", "en.1"),
        "q2": ("en.2",),
    }
    assert corpus().relevant_passages("en", ["de"]) == {"q1": ("de.1",)}


def test_the_fingerprint_follows_the_content():
    assert corpus().fingerprint == corpus().fingerprint
    assert corpus().fingerprint != corpus(de={}).fingerprint


def test_an_unknown_relevant_passage_is_refused():
    with pytest.raises(ValueError, match="question 'q1': a relevant passage is not in de"):
        corpus(de={"q1": ("de.9",)})


def test_a_passage_id_in_two_languages_is_refused():
    both = {"de": Texts(("p",), ("a",)), "en": Texts(("p",), ("b",))}
    with pytest.raises(ValueError, match="'p' occurs in two languages"):
        ParallelCorpus(queries={"de": DE, "en": EN}, passages=both, relevant={"de": {}, "en": {}})


@pytest.mark.parametrize(("ids", "texts"), [(("a",), ()), (("a", "a"), ("x", "y"))])
def test_ids_and_texts_must_match(ids, texts):
    with pytest.raises(ValueError, match=r"ids for|occurs twice"):
        Texts(ids, texts)
