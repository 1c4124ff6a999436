"""The version number: in `xbench/__init__.py`, and nowhere else."""

from __future__ import annotations

import shutil

from setuptools.config.pyprojecttoml import read_configuration

import xbench
from tests.conftest import ROOT


def test_the_package_takes_its_version_from_the_module(tmp_path):
    (tmp_path / "xbench").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    source = (ROOT / "xbench" / "__init__.py").read_text("utf-8")
    changed = source.replace(f'"{xbench.__version__}"', '"98.7.6"')
    (tmp_path / "xbench" / "__init__.py").write_text(changed, "utf-8")
    read = read_configuration(tmp_path / "pyproject.toml")
    assert read["project"]["version"] == "98.7.6"
