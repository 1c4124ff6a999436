"""Files of a folder of results as they are on disk, or as they were in a commit."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from xbench._util.errors import UserError

Form = Literal["file", "executable", "link", "submodule", "folder", "other"]
"""What there is at a path; a folder is listed only if it is empty."""

FORMS: Mapping[str, Form] = {
    "100644": "file",
    "100664": "file",
    "100755": "executable",
    "120000": "link",
    "160000": "submodule",
}
"""Forms by the mode that git has for them."""

FILES = 20_000
"""How many files a folder may hold, so that looking through it ends."""

GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "-c", "core.quotePath=false")


@dataclass(frozen=True)
class Tree:
    """The files of a folder of results.

    Attributes:
        forms: What there is at each path below the folder, with slashes.
        digest: Returns what is the same for files of the same content.
        read: Returns the content of a file.
    """

    forms: Mapping[str, Form]
    digest: Callable[[str], str]
    read: Callable[[str], bytes]


def disk_tree(root: Path) -> Tree:
    """Return the files that are on disk; nothing there is followed out of the folder."""
    forms: dict[str, Form] = {}
    for place, folders, names in os.walk(root):
        inside = Path(place).relative_to(root)
        folders.sort()
        linked = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted([*names, *linked]):
            forms[(inside / name).as_posix()] = _form(Path(place, name))
        if not folders and not names and place != str(root):
            forms[inside.as_posix()] = "folder"
        if len(forms) > FILES:
            break
    executable = [path for path, form in forms.items() if form == "executable"]
    if len(executable) == sum(form in ("file", "executable") for form in forms.values()) > 1:
        forms |= dict.fromkeys(executable, "file")  # a file system without such bits
    read = _reader(root)
    return Tree(forms, lambda path: blob_id(read(path)), read)


def _form(path: Path) -> Form:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link"
    if not stat.S_ISREG(mode):
        return "other"
    return "executable" if mode & 0o111 else "file"


def _reader(root: Path) -> Callable[[str], bytes]:
    return lambda path: (root / path).read_bytes()


def blob_id(content: bytes) -> str:
    """Return the name that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Repository:
    """A git repository, and the folder of results in it.

    Attributes:
        top: Its folder.
        prefix: Path of the folder of results in it, with slashes.
    """

    top: Path
    prefix: str

    @classmethod
    def of(cls, folder: Path) -> Repository:
        """Find the repository that a folder is in.

        Raises:
            UserError: If it is in none.
        """
        there = next(own for own in (folder, *folder.parents) if own.is_dir())
        top = Path(git(there, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
        inside = Path(os.path.realpath(folder)).relative_to(os.path.realpath(top))
        return cls(top, inside.as_posix())

    def commit(self, ref: str) -> str:
        """Return the commit of a reference.

        Raises:
            UserError: If there is no such reference.
        """
        commit = git(self.top, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        return commit.decode().strip()

    def merge_base(self, ref: str) -> str:
        """Return the last commit that a reference and what is checked out have in common.

        Raises:
            UserError: If there is no such reference, or they have nothing in common.
        """
        return git(self.top, "merge-base", self.commit(ref), "HEAD").decode().strip()

    def tree(self, commit: str) -> Tree:
        """Return the files of a commit."""
        listed = git(self.top, "ls-tree", "-r", "-z", "--full-tree", commit, "--", self.prefix)
        forms: dict[str, Form] = {}
        ids: dict[str, str] = {}
        for mode, path, digest in _entries(listed, self.prefix):
            forms[path], ids[path] = FORMS.get(mode, "other"), digest

        def read(path: str) -> bytes:
            return git(self.top, "cat-file", "blob", ids[path])

        return Tree(forms, ids.__getitem__, read)

    def checked_out(self, root: Path) -> Tree:
        """Return the files on disk, with the forms that git has for those that it knows."""
        tree = disk_tree(root)
        listed = git(self.top, "ls-files", "-s", "-z", "--", self.prefix)
        known = {path: FORMS.get(mode, "other") for mode, path, _ in _entries(listed, self.prefix)}
        links = {path for path, form in known.items() if form == "submodule"}
        inside = {path for path in tree.forms if any(path.startswith(f"{own}/") for own in links)}
        kept = {
            path: known.get(path, form) for path, form in tree.forms.items() if path not in inside
        }
        return Tree(kept | dict.fromkeys(links, "submodule"), tree.digest, tree.read)

    def changed_elsewhere(self, commit: str) -> Sequence[str]:
        """Return the files outside the folder of results that differ from a commit."""
        listed = git(self.top, "diff", "--name-only", "--no-renames", "-z", commit, "HEAD")
        paths = os.fsdecode(listed).split("\0")
        return [path for path in paths if path and not path.startswith(f"{self.prefix}/")]


@contextmanager
def written(tree: Tree, paths: Iterable[str]) -> Iterator[Path]:
    """Write some files of a tree to a folder of their own, and remove it in the end.

    Args:
        tree: The files.
        paths: Those to write; what is not a regular file of the tree is skipped.
    """
    with TemporaryDirectory() as folder:
        for path in paths:
            if tree.forms.get(path) == "file":
                place = Path(folder, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(tree.read(path))
        yield Path(folder)


def _entries(listed: bytes, prefix: str) -> list[tuple[str, str, str]]:
    """Return mode, path below the prefix, and digest of what git lists."""
    found = []
    for line in os.fsdecode(listed).split("\0"):
        about, _, path = line.partition("\t")
        if path:
            mode, *words = about.split(" ")
            digest = next(word for word in words if len(word) >= 40)
            found.append((mode, path.removeprefix(f"{prefix}/"), digest))
    return found


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in a folder, and return what it prints.

    Raises:
        UserError: If it fails, with what it says.
    """
    command = [*GIT, "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
    except FileNotFoundError as error:
        raise UserError("git: not found; expected it to be installed") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode("utf-8", "replace").strip()
        raise UserError(
            f"git {' '.join(arguments[:2])} failed in {folder}: {said or 'no answer'}; expected a "
            "checkout that has the commit of --base"
        ) from error
