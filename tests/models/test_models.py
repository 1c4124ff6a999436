"""Models: found without loading, loaded with their prompts, options applied or refused."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest

from tests.conftest import make_tiny_transformer
from xbench._util.errors import UserError
from xbench.models.encoder import MtebTextEncoder
from xbench.models.identity import change_token, model_identity
from xbench.models.loading import load_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.tasks import XBenchMiniMonolingualRetrieval

METADATA = XBenchMiniMonolingualRetrieval.metadata


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "tiny"
    make_tiny_transformer().save(str(path))
    return path


def load(model, **options):
    options = ModelOptions(str(model), **options)
    return load_model(find_model(options, offline=True), options)


def encoder(model, **options):
    return MtebTextEncoder(load(model, **options), METADATA, {"batch_size": 8})


def test_a_model_of_the_registry_is_found_without_its_weights():
    source = find_model(ModelOptions("intfloat/multilingual-e5-small"), offline=True)
    assert source.meta.name == "intfloat/multilingual-e5-small"
    assert source.meta.revision == "fd1525a9fd15316a2d503bf26ab031a61d056e98"


def test_a_revision_replaces_the_registrys():
    options = ModelOptions("intfloat/multilingual-e5-small", revision="a" * 40)
    source = find_model(options, offline=True)
    assert source.meta.revision == "a" * 40
    assert source.identity.endswith("@" + "a" * 40)


def test_the_identity_of_a_folder_follows_its_content(folder):
    first = find_model(ModelOptions(str(folder)), offline=True)
    assert first.meta.name == "local/tiny"
    assert first.meta.revision == first.identity.partition("@")[2][:12]
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert find_model(ModelOptions(str(folder)), offline=True).identity != first.identity


def test_the_size_of_a_folder_is_that_of_its_weights(folder):
    expected = sum(own.numel() for own in make_tiny_transformer().parameters())
    moved = folder.rename(folder.with_name("checkpoints"))
    shutil.copytree(moved, moved / "checkpoints" / "1")
    assert find_model(ModelOptions(str(moved)), offline=True).meta.n_parameters == expected
    folder = moved
    (folder / "model.safetensors").write_bytes(b"damaged")
    assert find_model(ModelOptions(str(folder)), offline=True).meta.n_parameters is None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("no-such-model", "'no-such-model': expected a name in mteb's registry"),
        ("org/no-such-model", "not in the local Hugging Face cache, and --offline"),
        ("missing.py:factory", "there is no file missing.py"),
        ("./mymodel", "There is no folder mymodel; this folder has models"),
        ("../no/where", r"There is no folder \.\./no/where"),
        ("models/min", r"There is no folder models/min; models has mine.*mean 'mine'"),
        ("org/a--b", "'org/a--b': expected a name in mteb's registry"),
        ("xbench/bm24", "Did you mean 'xbench/bm25'"),
    ],
)
def test_a_model_that_does_not_exist(model, message, tmp_path, monkeypatch):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        find_model(ModelOptions(model), offline=True)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(UserError, match=r"expected modules\.json or config\.json"):
        find_model(ModelOptions(str(tmp_path)), offline=True)


def test_a_damaged_folder_cannot_be_loaded(folder):
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"tiny: cannot be loaded \(SafetensorError"):
        load(folder)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("xbench/bm25", {"max_length": 9}, "--max-length cannot be applied: .*built in"),
        ("xbench/char-ngram", {"revision": "2"}, "--revision cannot be applied: .*built in"),
    ],
)
def test_an_option_that_does_not_apply_is_refused(model, options, message):
    with pytest.raises(UserError, match=message):
        find_model(ModelOptions(model, **options), offline=True)


def write_factory(tmp_path, body):
    path = tmp_path / "mine.py"
    path.write_text(f"def factory():\n    {body}\n")
    return f"{path}:factory"


def test_a_factory_is_called_without_arguments(tmp_path):
    body = (
        "from xbench.models.baselines.char_ngram import CharNgramEncoder; return CharNgramEncoder()"
    )
    name = write_factory(tmp_path, body)
    source = find_model(ModelOptions(name), offline=True)
    assert source.meta.name == "local/mine-factory"
    assert type(load(name)).__name__ == "CharNgramEncoder"


def test_a_factory_may_return_a_sentence_transformer(tmp_path):
    body = "from tests.conftest import make_tiny_transformer as t; return t()"
    assert type(load(write_factory(tmp_path, body))).__name__ == "SentenceTransformerEncoderWrapper"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 42", "got a int; expected one of: a model of sentence-transformers"),
        ("raise RuntimeError('boom')", r"factory\(\) failed: RuntimeError: boom"),
        ("import nothing_like_this", "ModuleNotFoundError"),
    ],
)
def test_a_factory_that_fails(tmp_path, body, message):
    with pytest.raises(UserError, match=message):
        load(write_factory(tmp_path, body))


def test_options_cannot_be_applied_to_another_kind_of_model(tmp_path):
    body = (
        "from xbench.models.baselines.char_ngram import CharNgramEncoder; return CharNgramEncoder()"
    )
    with pytest.raises(UserError, match=r"--max-length cannot be applied.*CharNgramEncoder"):
        load(write_factory(tmp_path, body), max_length=5)


def test_prompts_change_the_embeddings_of_their_role_only(folder):
    plain, prompted = encoder(folder), encoder(folder, query_prompt="query: ")
    assert prompted.prompt("query") == "query: "
    for role, same in (("query", False), ("passage", True)):
        ours, theirs = (e.encode(["Who?"], role).vectors for e in (plain, prompted))
        assert np.array_equal(ours, theirs) == same
        assert (plain.identity(role) == prompted.identity(role)) == same


def test_a_prompt_goes_before_the_models_more_specific_ones(tmp_path):
    model = make_tiny_transformer()
    model.prompts = {"Retrieval-query": "own: ", "Retrieval": "other: "}
    model.save(str(tmp_path / "own"))
    chosen = encoder(tmp_path / "own", query_prompt="mine: ")
    assert (chosen.prompt("query"), chosen.prompt("passage")) == ("mine: ", "other: ")


def test_prompts_equal_text_put_before_by_hand(folder):
    prompted = encoder(folder, passage_prompt="passage: ").encode(["He."], "passage").vectors
    by_hand = encoder(folder).encode(["passage: He."], "passage").vectors
    np.testing.assert_allclose(prompted, by_hand, atol=1e-6)


def test_saved_prompts_are_used(tmp_path):
    model = make_tiny_transformer()
    model.prompts = {"query": "query: ", "document": "passage: "}
    model.save(str(tmp_path / "prompted"))
    assert encoder(tmp_path / "prompted").prompt("passage") == "passage: "


def test_maximum_length_cuts_and_reports(folder):
    cut = encoder(folder, max_length=4)
    encoded = cut.encode(["abcd", "abcde"], "query")
    assert encoded.truncated.tolist() == [False, True]
    same = cut.encode(["abcdX", "abcdY"], "query").vectors
    np.testing.assert_allclose(same[0], same[1], atol=1e-6)
    assert encoder(folder, max_length=4).identity("query") != encoder(folder).identity("query")


def test_a_prompt_counts_towards_the_length(folder):
    cut = encoder(folder, max_length=6, query_prompt="xxx")
    assert cut.encode(["abc", "abcd"], "query").truncated.tolist() == [False, True]


def test_dtype_is_applied_and_vectors_are_float32(folder):
    half = encoder(folder, dtype="bfloat16")
    assert half.encode(["abc"], "query").vectors.dtype == np.float32
    assert half.identity("query") != encoder(folder).identity("query")


def test_a_model_that_says_nothing_of_prompts_is_warned_of(folder, caplog):
    caplog.set_level(logging.WARNING, logger="xbench")
    load(folder)
    assert "says nothing of prompts" in caplog.text
    caplog.clear()
    load(folder, query_prompt="q: ", passage_prompt="p: ")
    assert "says nothing of prompts" not in caplog.text


def test_the_change_token_follows_the_weights(folder):
    import torch

    model = load(folder)
    before, identity = change_token(model), model_identity(model)
    assert change_token(model) == before
    with torch.no_grad():
        next(model.model.parameters())[0, 0] += 1
    assert change_token(model) != before
    assert model_identity(model) != identity
    assert model_identity(model).startswith("weights:")
