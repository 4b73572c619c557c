"""Named DVC experiments: which a commit lacks, how one is run, and what it gave."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from statelab import params

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
    return [name for name in names if show(name, "evaluate.json") is None]


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
    changes = ["-S", "seed=0"]
    for key, value in params.flatten(sections).items():
        changes += ["-S", f"{key}={json.dumps(value)}"]
    for folder in copied:
        changes += ["--copy-paths", str(folder)]
    here = str(Path(sys.executable).parent)  # stages say `python`, and mean this one
    subprocess.run(
        [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", name, *changes],
        env={**os.environ, "PATH": os.pathsep.join([here, os.environ["PATH"]])},
        check=True,
    )


def show(experiment: str, file: str) -> dict[str, Any] | None:
    """Return a file of metrics/ from an experiment; None where there is no such."""
    head = _git("rev-parse", "HEAD").stdout.strip()
    ref = f"refs/exps/{head[:2]}/{head[2:]}/{experiment}"  # where DVC keeps them
    shown = _git("show", f"{ref}:metrics/{file}")
    return json.loads(shown.stdout) if shown.returncode == 0 else None


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False)
