"""What `--model` names in Python code: `path/to/file.py:NAME`, or `package.module:NAME`."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from xbench._util.atomic_write import usable
from xbench._util.errors import UserError, did_you_mean

IN_FILE = re.compile(r"(.+\.py):([\w.]+)")
IN_MODULE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):([A-Za-z_][\w.]*)")


@dataclass(frozen=True)
class NamedCode:
    """A class, function or object in Python code, not yet run.

    Attributes:
        text: What the user typed.
        path: The file that it is in.
        attribute: Its name there.
        module: The module's name; None for a file.
        root: Folder from which the file's imports are looked up.
    """

    text: str
    path: Path
    attribute: str
    module: str | None
    root: Path

    @property
    def name(self) -> str:
        """A name for it in results."""
        module = self.path.stem if self.module is None else self.module
        return f"{module}-{self.attribute}"

    def digest(self) -> str:
        """Return the digest of the file, and of those next to it that it imports.

        Raises:
            UserError: If a file cannot be read.
        """
        files = self._files()
        contents = []
        for path in files:
            with usable(path, "Make it readable.", doing="read"):
                contents.append(hashlib.sha256(path.read_bytes()).hexdigest())
        if len(contents) == 1:
            return contents[0]
        lines = [
            f"{path.relative_to(self.root)} {content}\n"
            for path, content in zip(files, contents, strict=True)
        ]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def load(self) -> Any:  # noqa: ANN401
        """Run the code and return what it names.

        Raises:
            UserError: If the code fails, or has no such name.
        """
        try:
            found: Any = self._run()
        except Exception as error:
            raise UserError(
                f"--model {self.text}: {self.path} failed: {type(error).__name__}: {error}"
            ) from error
        for part in self.attribute.split("."):
            if not hasattr(found, part):
                raise _no_such_name(self.text, self.path, part, vars(found))
            found = getattr(found, part)
        return found

    def _run(self) -> ModuleType:
        if self.module is not None:
            return importlib.import_module(self.module)
        folder = str(self.root)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        neighbours = set(map(str, self._files()))
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) in neighbours:
                del sys.modules[name]
        name = self.path.stem if self.path.stem not in sys.modules else f"_model_{self.path.stem}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.path} is not a Python file")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _files(self) -> list[Path]:
        """Return the file and those that it imports, directly or not, itself first."""
        package = self.module.split(".")[0] if self.module else None
        found, waiting = [self.path], [self.path]
        while waiting:
            path = waiting.pop()
            for imported in sorted(set(_imports(path, self.root))):
                own = package is None or imported.relative_to(self.root).parts[0] == package
                if own and imported not in found:
                    found.append(imported)
                    waiting.append(imported)
        return [self.path, *sorted(found[1:])]


def named_code(text: str) -> NamedCode | None:
    """Return the code that a text names, without running it; None if it names none.

    Raises:
        UserError: If there is no such file or module, or no such name in it.
    """
    if match := IN_FILE.fullmatch(text):
        path = Path(match[1])
        if not path.is_file():
            raise UserError(f"--model {text}: there is no file {path}")
        path = path.resolve()
        found = NamedCode(text, path, match[2], None, path.parent)
    elif match := IN_MODULE.fullmatch(text):
        path = _module_file(text, match[1])
        root = path.parents[match[1].count(".") + (path.name == "__init__.py")]
        found = NamedCode(text, path, match[2], match[1], root)
    else:
        return None
    _check_name(found)
    return found


def _module_file(text: str, module: str) -> Path:
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    try:
        spec = importlib.util.find_spec(module)
    except Exception as error:
        raise UserError(
            f"--model {text}: the package of {module} cannot be imported "
            f"({type(error).__name__}: {error})"
        ) from error
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise UserError(
            f"--model {text}: there is no Python module {module} in the installed packages or the "
            "current folder; to name a file, write path/to/file.py:NAME"
        )
    return Path(spec.origin).resolve()


def _check_name(code: NamedCode) -> None:
    """Refuse a name that the file does not have, as far as its text says, before it is run."""
    with usable(code.path, "Make it readable.", doing="read"):
        source = code.path.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"--model {code.text}: {code.path} is not Python ({error})") from error
    names = set(_assigned(tree))
    first = code.attribute.split(".")[0]
    if first not in names and not names & {"*", "__getattr__"}:
        raise _no_such_name(code.text, code.path, first, names)


def _assigned(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _no_such_name(text: str, path: Path, name: str, names: Any) -> UserError:  # noqa: ANN401
    public = sorted(own for own in names if not own.startswith("_"))
    return UserError(
        f"--model {text}: {path.name} has no name {name!r}{did_you_mean(name, public) or '.'} "
        "Expected a class, a factory, an object, or a function from a list of texts to an array"
    )


def _imports(path: Path, root: Path) -> Iterator[Path]:
    """Yield the files under a folder that a file imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = root if node.level == 0 else path.parents[node.level - 1]
            module = node.module.split(".") if node.module else []
            yield from _module_files(base, module)
            for alias in node.names:
                yield from _module_files(base, [*module, alias.name])


def _module_files(base: Path, parts: list[str]) -> Iterator[Path]:
    for length in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:length])
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if path.is_file():
                yield path
