"""Every model of sentence-transformers: loaded as its files say, its own similarity honoured."""

from __future__ import annotations

import json
import logging
import shutil
from importlib.util import find_spec

import mteb
import numpy as np
import pytest

import xbench
from tests.conftest import make_tiny_transformer
from tests.models.test_forms import static_model
from xbench._util.errors import UserError
from xbench.evaluation.mteb_plugin import find_task
from xbench.evaluation.run_settings import Selection, run_settings
from xbench.models.embedding_store import EmbeddingStore, embed
from xbench.models.encoder import MtebTextEncoder
from xbench.models.loading import load_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.models.prompts import warn_of_unused
from xbench.results.settings_schema import XBenchSettings
from xbench.search.options import SearchOptions

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)
METADATA = find_task(MONO).metadata


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_folder):
    import torch
    from sentence_transformers import MultiVectorEncoder, SparseEncoder
    from transformers import AutoConfig, AutoTokenizer, BertForMaskedLM

    place = tmp_path_factory.mktemp("library")
    torch.manual_seed(5)
    BertForMaskedLM(AutoConfig.from_pretrained(tiny_folder)).save_pretrained(place / "mlm")
    AutoTokenizer.from_pretrained(tiny_folder).save_pretrained(place / "mlm")
    SparseEncoder(str(place / "mlm"), device="cpu", max_active_dims=24).save(str(place / "sparse"))
    MultiVectorEncoder(str(tiny_folder), device="cpu").save(str(place / "tokens"))
    static_model().save(str(place / "static"))
    return place


def load(model, **options):
    options = ModelOptions(str(model), device="cpu", **options)
    return load_model(find_model(options, offline=True), options)


def evaluate(model, task, tmp_path, **options):
    return xbench.evaluate(
        model,
        task,
        output=tmp_path / "results",
        cache_dir=tmp_path / "cache",
        no_progress=True,
        **options,
    )


def maps(results):
    frame = results.to_dataframe().query("measure == 'map' and average == ''")
    return dict(zip(frame["subset"], frame["value"], strict=True))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kind", "task"),
    [
        *(("sparse", task) for task in (MONO, CROSS, MULTI)),
        *(pytest.param("tokens", own, marks=pytest.mark.slow) for own in (MONO, CROSS, MULTI)),
    ],
)
def test_exact_ranks_are_those_of_mtebs_own_search(folders, kind, task, tmp_path):
    found = maps(evaluate(str(folders / kind), task, tmp_path))
    model = load(folders / kind)
    (own,) = xbench.get_tasks(task)
    own.load_data()
    for name in own.hf_subsets[:3]:
        theirs = own._evaluate_subset(
            model,
            own.dataset[name]["test"],
            encode_kwargs={"batch_size": 32, "show_progress_bar": False},
            hf_split="test",
            hf_subset=name,
            timer=mteb.timing.TimingStack(),
        )
        assert found[name] == pytest.approx(theirs["map_at_1000"], abs=5e-4)
    again = evaluate(str(folders / kind), task, tmp_path, overwrite=True)
    assert maps(again) == found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sparse", "tokens"])
def test_the_object_and_mteb_give_what_the_folder_gives(folders, kind, tmp_path):
    import sentence_transformers

    cls = {"sparse": "SparseEncoder", "tokens": "MultiVectorEncoder"}[kind]
    thing = getattr(sentence_transformers, cls)(str(folders / kind), device="cpu")
    expected = maps(evaluate(str(folders / kind), MULTI, tmp_path))
    assert maps(evaluate(thing, MULTI, tmp_path)) == pytest.approx(expected, abs=2e-6)
    tasks = xbench.get_tasks(MULTI)
    (result,) = mteb.evaluate(load(folders / kind), tasks, cache=None, show_progress_bar=False)
    by_mteb = {subset["hf_subset"]: subset["map"] for subset in result.scores["test"]}
    assert by_mteb == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("kind", ["sparse", "tokens"])
def test_matrices_are_stored_and_read_as_they_were(folders, kind, tmp_path):
    encoder = MtebTextEncoder(load(folders / kind), METADATA, {"batch_size": 4})
    texts = ["a", "a longer text", "b"]
    embed(encoder, "passage", [texts], EmbeddingStore(tmp_path))
    store = EmbeddingStore(tmp_path)
    store.load(texts)
    for stored, text in zip(store.get(texts).vectors, texts, strict=True):
        (new,) = encoder.vectors([text], "passage")
        np.testing.assert_allclose(stored, new, atol=1e-5)


SCORES = {
    "cosine": lambda q, p: (q / np.linalg.norm(q)) @ (p / np.linalg.norm(p)),
    "dot": lambda q, p: q @ p,
    "euclidean": lambda q, p: -np.linalg.norm(q - p),
    "manhattan": lambda q, p: -np.abs(q - p).sum(),
}


@pytest.mark.parametrize("name", SCORES)
def test_the_models_own_similarity(name, tmp_path):
    model = static_model()
    model.similarity_fn_name = name
    model.save(str(tmp_path / "own"))
    encoder = MtebTextEncoder(load(tmp_path / "own"), METADATA, {})
    query, passage = (encoder.vectors([t], r) for t, r in (("Who?", "query"), ("He.", "passage")))
    expected = SCORES[name](query[0].astype(float), passage[0].astype(float))
    assert encoder.similarity(query, passage)[0, 0] == pytest.approx(expected, rel=1e-4)
    results = evaluate(str(tmp_path / "own"), MONO, tmp_path)
    (path,) = results.files.values()
    (line,) = path.with_name("run_settings.jsonl").read_text().splitlines()
    settings = json.loads(line)["xbench"]
    assert settings.get("similarity", "cosine") == name
    XBenchSettings.model_validate(settings)


def test_no_maximum_length_is_written_as_null(folders, tmp_path):
    model = load(folders / "static")
    (task,) = xbench.get_tasks(MONO)
    settings = run_settings(model, task, ModelOptions("x"), Selection((MONO,)), SearchOptions())[
        "xbench"
    ]
    assert settings["maximum_length"] is None
    json.dumps(settings, allow_nan=False)
    assert "Infinity" not in MtebTextEncoder(model, METADATA, {}).settings("query")


def test_the_first_dimensions(folders, tmp_path):
    whole = MtebTextEncoder(load(folders / "static"), METADATA, {})
    cut = MtebTextEncoder(load(folders / "static", truncate_dim=8), METADATA, {})
    np.testing.assert_array_equal(cut.vectors(["a"], "query"), whole.vectors(["a"], "query")[:, :8])
    assert cut.identity("query") != whole.identity("query")
    results = evaluate(str(folders / "static"), MONO, tmp_path, truncate_dim=8)
    (path,) = results.files.values()
    assert path.parent.name == "truncate_dim_8"
    with pytest.raises(UserError, match=r"--truncate-dim 64: .* have 32 dimensions"):
        load(folders / "static", truncate_dim=64)
    with pytest.raises(UserError, match=r"--truncate-dim cannot be applied: .* is a SparseEncoder"):
        load(folders / "sparse", truncate_dim=8)


def test_code_that_comes_with_a_model_runs_only_if_allowed(tiny_folder, tmp_path):
    folder = tmp_path / "coded"
    shutil.copytree(tiny_folder, folder)
    (folder / "own_pooling.py").write_text(
        "from sentence_transformers.models import Pooling\n\n\nclass Own(Pooling):\n    pass\n"
    )
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "own_pooling.Own"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UserError) as caught:
        load(folder)
    assert "--trust-remote-code" in str(caught.value)
    allowed = load(folder, trust_remote_code=True)
    assert type(allowed.model[1]).__name__ == "Own"


def test_an_adapter_without_its_package(tmp_path):
    if find_spec("peft") is not None:
        pytest.skip("peft is installed")
    (tmp_path / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 4})
    )
    with pytest.raises(UserError, match="is an adapter, for which the package peft is needed"):
        load(tmp_path)


def test_prompts_named_passage_or_by_our_tasks_are_used(tmp_path, caplog):
    caplog.set_level(logging.WARNING, logger="xbench")
    model = make_tiny_transformer()
    model.prompts = {
        "query": "q: ",
        "passage": "p: ",
        f"{CROSS}-query": "cross: ",
        "clustering": "topic: ",
    }
    model.save(str(tmp_path / "own"))
    plain = make_tiny_transformer()
    plain.save(str(tmp_path / "plain"))
    loaded = load(tmp_path / "own")
    for task, prompts in ((MONO, ("q: ", "p: ")), (CROSS, ("cross: ", "p: "))):
        encoder = MtebTextEncoder(loaded, find_task(task).metadata, {})
        by_hand = MtebTextEncoder(load(tmp_path / "plain"), METADATA, {})
        for role, prompt in zip(("query", "passage"), prompts, strict=True):
            assert encoder.prompt(role) == prompt
            found, expected = (
                encoder.vectors(["x y"], role),
                by_hand.vectors([f"{prompt}x y"], role),
            )
            np.testing.assert_allclose(found, expected, atol=1e-6)
    caplog.clear()
    warn_of_unused(loaded, [find_task(MONO).metadata, find_task(CROSS).metadata], "own")
    assert "not used here: clustering 'topic: '. To use one, give its text" in caplog.text
    caplog.clear()
    warn_of_unused(loaded, [find_task(MONO).metadata], "own")
    assert f"{CROSS}-query 'cross: '" in caplog.text


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("my model (v2)", "local/my-model-v2"),
        ("модель", "local/model"),
        ("a+b@c", "local/a-b-c"),
        ("plain_1.0", "local/plain_1.0"),
    ],
)
def test_the_name_of_a_folder_is_made_valid_before_it_is_run(tiny_folder, tmp_path, folder, name):
    shutil.copytree(tiny_folder, tmp_path / folder)
    source = find_model(ModelOptions(str(tmp_path / folder)), offline=True)
    assert source.meta.name == name
    chosen = find_model(ModelOptions(str(tmp_path / folder), name="org/own"), offline=True)
    assert chosen.meta.name == "org/own"
    assert chosen.identity == source.identity


@pytest.mark.parametrize(
    "name", ["own", "org/mein Modell", "org/..", "/own", "org/модель", "a/b/c"]
)
def test_a_name_that_results_cannot_have(tiny_folder, name):
    with pytest.raises(UserError, match=r"--name .*expected organisation/model"):
        find_model(ModelOptions(str(tiny_folder), name=name), offline=True)


def test_a_model_with_a_name_of_its_own_keeps_it():
    for model in ("intfloat/multilingual-e5-small", "xbench/bm25"):
        with pytest.raises(UserError, match="--name cannot be applied"):
            find_model(ModelOptions(model, name="org/own"), offline=True)


def test_each_folder_has_a_name_and_a_place_of_its_own(tiny_folder, tmp_path):
    other = tmp_path / "tiny"
    make_tiny_transformer(seed=1).save(str(other))
    encoders = [MtebTextEncoder(load(folder), METADATA, {}) for folder in (tiny_folder, other)]
    assert {encoder.name for encoder in encoders} == {"local/tiny"}
    assert len({encoder.weights() for encoder in encoders}) == 2
