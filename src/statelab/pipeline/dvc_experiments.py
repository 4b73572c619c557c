"""Named DVC experiments: which a commit lacks, how one is run, and what it gave."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from statelab.config import params
from statelab.pipeline import paths

REFS = "refs/exps"  # where DVC keeps them, by the commit that they start from
Sections = dict[str, dict[str, object]]  # of params.yaml, all but the seed


def changed(base: Sections, **sections: Mapping[str, object]) -> Sections:
    """Return the sections of params.yaml with some keys of some of them changed.

    Example:
        >>> changed({"model": {"units": 10, "layers": 1}}, model={"units": 3})
        {'model': {'units': 3, 'layers': 1}}
    """
    return {name: {**keys, **sections.get(name, {})} for name, keys in base.items()}


def missing(names: Iterable[str]) -> list[str]:
    """Return the names of the experiments that the current commit does not have."""
    return [name for name in names if named(name).read(paths.EVALUATION) is None]


def run(name: str, sections: Sections, copied: Iterable[Path] = ()) -> None:
    """Run one experiment in a copy of the workspace, which stays as it is.

    Args:
        name: what DVC is to call it.
        sections: of params.yaml; the seed is 0.
        copied: folders that Git ignores and the experiment needs, which DVC would leave
            out of the copy. Of a single file it copies no folder, and fails.

    Raises:
        subprocess.CalledProcessError: DVC failed, and has said why.
    """
    options = changes({"seed": 0, **params.flatten(sections)})
    for folder in copied:
        options += ["--copy-paths", str(folder)]
    dvc("exp", "run", "--temp", "--name", name, *options)


def changes(keys: Mapping[str, Any]) -> list[str]:
    """Return the options of `dvc exp run` that set keys of params.yaml.

    Example:
        >>> changes({"window.stride": 2, "model.cell": "gru"})
        ['-S', 'window.stride=2', '-S', 'model.cell="gru"']
    """
    return [
        word
        for key, value in keys.items()
        for word in ("-S", f"{key}={json.dumps(value)}")
    ]


def dvc(*words: str, **environment: str) -> None:
    """Run DVC, the one that is installed beside this Python.

    Args:
        words: of the command line.
        environment: of the stages, besides this process's own.

    Raises:
        subprocess.CalledProcessError: DVC failed, and has said why.
    """
    here = str(Path(sys.executable).parent)  # stages say `python`, and mean this one
    path = os.pathsep.join([here, os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        env={**os.environ, **environment, "PATH": path},
        check=True,
    )


class Experiment(NamedTuple):
    """A DVC experiment that has been run."""

    name: str
    baseline: str  # the commit that it starts from
    revision: str  # its own, or what Git knows it by

    def read(self, file: Path) -> str | None:
        """Return a file of it that Git has; None where there is no such."""
        shown = _git("show", f"{self.revision}:./{file}")  # seen from this folder
        return shown.stdout if shown.returncode == 0 else None


def listed() -> list[Experiment]:
    """Return the experiments of every commit, the oldest first."""
    fields = "--format=%(objectname) %(refname)"
    refs = _git("for-each-ref", "--sort=creatordate", fields, REFS).stdout
    experiments = []
    for line in refs.splitlines():
        revision, ref = line.split(" ", 1)
        # what else is there, DVC needs while one runs
        at = re.fullmatch(f"{REFS}/([0-9a-f]{{2}})/([0-9a-f]{{38}})/(.+)", ref)
        if at:
            experiments.append(Experiment(at[3], at[1] + at[2], revision))
    return experiments


def named(name: str) -> Experiment:
    """Return the experiment of the current commit that has a name, there or not."""
    commit = head()
    return Experiment(name, commit, f"{REFS}/{commit[:2]}/{commit[2:]}/{name}")


def head() -> str:
    """Return the current commit; "none" before the first one, or without Git."""
    return _git("rev-parse", "--verify", "--quiet", "HEAD").stdout.strip() or "none"


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False)
