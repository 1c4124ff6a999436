"""Names of models in their results: made of what the user has, or checked."""

from __future__ import annotations

import re

from xbench._util.errors import UserError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
"""An organisation and a model, in the alphabet of the Hugging Face hub."""

LONGEST = 120


def checked_name(name: str) -> str:
    """Return a name that a user chose.

    Raises:
        UserError: If it is not organisation/model in the hub's alphabet.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise UserError(
            f"--name {name!r}: expected organisation/model, each of A-Z, a-z, 0-9, '.', '_' and "
            f"'-' and with a letter or digit first, at most {LONGEST} characters"
        )
    return name


def made_name(text: str) -> str:
    """Return a name made of that of a folder, file or class.

    >>> made_name("tiny_model"), made_name("my model (v2)"), made_name("a+b@c"), made_name("модель")
    ('local/tiny_model', 'local/my-model-v2', 'local/a-b-c', 'local/model')
    """
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", text)
    if words != text:
        words = words.strip("-")
    return f"local/{re.sub('^[^A-Za-z0-9]+', '', words)[: LONGEST - 6] or 'model'}"


def public_name(name: str) -> str:
    """Return the name that a model of mteb's registry has in its results.

    >>> public_name("org/model"), public_name("org/model (embed_dim=512)")
    ('org/model', 'org/model-embed_dim-512')
    """
    if NAME.fullmatch(name):
        return name
    parts = (re.sub(r"[^A-Za-z0-9._-]+", "-", part) for part in name.split("/", 1))
    return "/".join(part.strip("-.") for part in parts)
