"""Summaries that someone made to mislead or to break what reads them."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

from xbench.results.summaries import FORMAT, digest


def rewrite(path: Path, change, *, beside: bool = False) -> None:
    """Change a summary in place; with `next to`, let it name the files that are next to it."""
    document = json.loads(gzip.decompress(path.read_bytes()))
    change(document)
    if beside:
        name = path.name.removesuffix(".summary.json.gz")
        document["result"] = digest(path.with_name(f"{name}.json").read_bytes())
        document["ranks"] = digest(path.with_name(f"{name}.per_query.json.gz").read_bytes())
    path.write_bytes(gzip.compress(json.dumps(document).encode(), mtime=0))


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


HOSTILE = {
    "empty": b"",
    "no gzip": b"no gzip",
    "cut off": packed("{}" * 99)[:-9],
    "two members": packed("{}") * 2,
    "pickle": gzip.compress(pickle.dumps(print)),
    "bare pickle": pickle.dumps(print),
    "zip bomb": gzip.compress(b"[" + b"0," * 2**23 + b"0]"),
    "large": gzip.compress(bytes(range(256)) * 2**13, 0),
    "deep": packed("[" * 100_000),
    "list": packed("[]"),
    "no fields": packed("{}"),
    "no format": packed('{"task": "x"}'),
    "another format": packed(f'{{"format": {FORMAT + 1}}}'),
    "a key twice": packed(f'{{"format": {FORMAT}, "format": {FORMAT}}}'),
    "only a format": packed(f'{{"format": {FORMAT}}}'),
    "a format of text": packed('{"format": "<script>"}'),
    "long number": packed('{"format": ' + "1" * 5000 + "}"),
}


def own(document):
    return document["evidence"]["map"]


def set_value(value):
    def change(document):
        own(document)["values"][0][0] = value

    return change


FORGERIES = {
    "a value is nan": set_value(float("nan")),
    "a value is infinite": set_value(float("inf")),
    "a value is 1e308": set_value(1e308),
    "a value is a whole number of 300 digits": set_value(10**300),
    "a value is text": set_value("<script>"),
    "a value is null": set_value(None),
    "a value is true": set_value(True),
    "another value": set_value(0.123),
    "micro is nan": lambda d: d.update(micro=float("nan")),
    "micro is above 1": lambda d: d.update(micro=1.5),
    "chance is a number": lambda d: d.update(chance=0.5),
    "chance is nan": lambda d: d["chance"].update(map=float("nan")),
    "an advantage above 1": lambda d: d["advantages"]["ar"].update(de=1.5),
    "a wrong share is nan": lambda d: d["wrong_shares"].update(de=float("nan")),
    "an advantage without interval": lambda d: d["favoured"]["de"].pop("interval"),
    "no evidence": lambda d: d.update(evidence={}),
    "another measure": lambda d: d["evidence"].update({"<b>": own(d)}),
    "a measure is missing": lambda d: d["evidence"].pop("rank_distance"),
    "no columns": lambda d: own(d).update(present=[], values=[]),
    "an empty column": lambda d: own(d).update(present=[""], values=[[]]),
    "more columns than subsets": lambda d: own(d).update(
        present=own(d)["present"] * 9, values=own(d)["values"] * 9
    ),
    "columns of different lengths": lambda d: own(d).update(
        present=[*own(d)["present"], "x"], values=[*own(d)["values"], [0.5]]
    ),
    "more letters than values": lambda d: own(d)["values"][0].pop(),
    "other letters": lambda d: own(d).update(present=[own(d)["present"][0].replace("x", "1")]),
    "one question": lambda d: own(d).update(present=["x"], values=[own(d)["values"][0][:1]]),
    "interval of one end": lambda d: own(d)["interval"].pop(),
    "interval the other way": lambda d: own(d).update(interval=[0.9, 0.1]),
    "interval out of range": lambda d: own(d).update(interval=[0.1, 7.0]),
    "no shares": lambda d: d.update(shares={}),
    "a share of another language": lambda d: d["shares"]["ar"].update({"<b>": 0.0}),
    "a language less": lambda d: d["shares"].pop("ar"),
    "shares above 1": lambda d: d["shares"].update(ar=dict.fromkeys(d["shares"]["ar"], 0.5)),
    "another task": lambda d: d.update(task="XQuADRMultilingualRetrieval"),
    "another form": lambda d: d.update(passage_form="context"),
    "another result": lambda d: d.update(result="0" * 64),
    "other ranks": lambda d: d.update(ranks="0" * 64),
    "sums of a subset less": lambda d: d["sums"]["means"].popitem(),
    "no base64": lambda d: d["sums"].update(added="<b>" + d["sums"]["added"]),
    "a sum less": lambda d: d["sums"].update(added=d["sums"]["added"][:-16]),
    "a sum is infinite": lambda d: d["sums"].update(added="AACAfw" + d["sums"]["added"][6:]),
    "a sum is above the questions": lambda d: d["sums"].update(
        added="AAB6RA" + d["sums"]["added"][6:]
    ),
    "another mean of a subset": lambda d: d["sums"]["means"].update(de=0.5),
    "a group twice": lambda d: d["sums"]["groups"].__setitem__(0, d["sums"]["groups"][1]),
    "a group without a name": lambda d: d["sums"]["groups"].__setitem__(0, ""),
    "a field more": lambda d: d.update(more=1),
    "a field less": lambda d: d.pop("chance"),
}
"""Changes to the summary of a multilingual task that are impossible, or contradict its scores."""

PLAUSIBLE = {
    "micro": lambda d: d.update(micro=d["micro"] + 0.01),
    "chance.map": lambda d: d["chance"].update(map=d["chance"]["map"] / 2),
    "best.worst_rank": lambda d: d["best"].pop("worst_rank"),
    "advantages.de.en": lambda d: d["advantages"]["de"].update(en=0.5),
    "favoured.en.value": lambda d: d["favoured"]["en"].update(value=0.5),
    "favoured.en.questions": lambda d: d["favoured"]["en"].update(questions=9),
    "wrong_shares.en": lambda d: d["wrong_shares"].update(en=0.5),
    "evidence.english_advantage": lambda d: d["evidence"].pop("english_advantage"),
    "shares.de.de": lambda d: d["shares"]["de"].update(de=0.0),
    "evidence.map.interval[0]": lambda d: own(d)["interval"].__setitem__(0, 0.0),
    "evidence.map.values[0]": lambda d: own(d)["values"][0].reverse(),
    "sums": lambda d: d.update(sums=None),
    "sums.chance.de": lambda d: d["sums"]["chance"].update(de=0.5),
    "sums.groups": lambda d: d["sums"]["groups"].reverse(),
    "sums.added": lambda d: d["sums"].update(added="AAAAPw" + d["sums"]["added"][6:]),
    "evidence.rank_distance.interval[1]": lambda d: d["evidence"]["rank_distance"][
        "interval"
    ].__setitem__(1, 1e5),
}
"""Changes that only the ranks tell, by the field that they are found in."""
