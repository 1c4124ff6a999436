"""Labels that name one language in several ways, such as ``ZH``, ``zh-Hans`` and ``cmn``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from xbench.data.languages import by_name


class _Variety(NamedTuple):
    """A language in a script, and in a territory if the label names one."""

    language: str
    script: str
    territory: str


def one_form(labels: Collection[str]) -> Mapping[str, str]:
    """Return what to call the languages that have several labels, by label.

    Labels are of one language if they have the same language and script, as ISO 639 and BCP 47
    define them: ``zh``, ``zho``, ``cmn``, ``zh-CN`` and ``Chinese`` are, ``zh-Hant`` and ``yue``
    are not. Labels of different territories, such as ``pt-BR`` and ``pt-PT``, are taken as meant to
    be different. A label that is not a language keeps its name, as one without a double does.

    >>> one_form(["ZH", "zh-Hans", "cmn", "en", "Old Norse"])
    {'ZH': 'zh', 'cmn': 'zh', 'zh-Hans': 'zh'}
    >>> one_form(["pt-BR", "pt-PT", "zh", "zh-Hant"])
    {}
    """
    groups: dict[tuple[str, str], dict[str, _Variety]] = {}
    for label in sorted(set(labels)):
        if (variety := _variety(label)) is not None:
            groups.setdefault(variety[:2], {})[label] = variety
    merged: dict[str, str] = {}
    for group in groups.values():
        territories = {own.territory for own in group.values()} - {""}
        same: dict[str, list[str]] = {}
        for label, own in group.items():
            apart = own.territory if len(territories) > 1 else ""
            same.setdefault(_code(own, apart), []).append(label)
        for code, doubles in same.items():
            merged |= dict.fromkeys(doubles, code) if len(doubles) > 1 else {}
    return merged


def _variety(label: str) -> _Variety | None:
    """Return what a label names, or None if it is not a language."""
    import langcodes

    known = by_name().get(label.strip().casefold())
    try:
        tag = langcodes.standardize_tag(known.code if known else label.strip(), macro=True)
        found = langcodes.Language.get(tag)
    except (LookupError, ValueError):
        return None
    plain = not (found.variants or found.extensions or found.private or found.extlangs)
    if found.language in (None, "und", "mul") or not plain or not found.is_valid():
        return None
    return _Variety(str(found.language), found.maximize().script or "", found.territory or "")


def _code(variety: _Variety, territory: str) -> str:
    """Return the shortest code of a variety."""
    import langcodes

    usual = langcodes.Language.get(variety.language).maximize().script or ""
    script = "" if variety.script == usual else variety.script
    return "-".join(part for part in (variety.language, script, territory) if part)
