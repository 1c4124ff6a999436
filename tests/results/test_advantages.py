"""Language advantages where not every question has its answer in every language."""

from __future__ import annotations

import pytest

import xbench


def test_a_language_without_a_third_one_for_some_query_language(tmp_path):
    """French has one question, whose answer is there in German only: no pair of others."""
    rows = [
        ("1", "de", "welche Farbe hat Gras", "Gras ist meist kurz und dicht"),
        ("1", "en", "what colour is grass", "grass is mostly short and dense"),
        ("1", "es", "de que color es la hierba", "la hierba es corta y densa"),
        ("2", "fr", "quelle heure est-il", "il est presque trois heures"),
        ("2", "de", "wie spät ist es", "es ist beinahe drei Uhr"),
    ]
    lines = ["id,language,query,passage", *(",".join(row) for row in rows)]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    results = xbench.evaluate(
        "xbench/char-ngram", data=tmp_path / "own.csv", output=tmp_path / "r", no_progress=True
    )
    scores = results.to_dataframe().query("measure == 'language_advantage'")
    assert "fr" not in set(scores["query_language"])
    english = scores.query("query_language == 'de' and passage_language == 'en'")["value"]
    spanish = scores.query("query_language == 'de' and passage_language == 'es'")["value"]
    assert float(english.iloc[0]) + float(spanish.iloc[0]) == pytest.approx(1)
