"""A Git repository with experiments as DVC files them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from evaluations import as_json, evaluation, mode_scores, over_seeds

from statelab.pipeline import paths

RESET = {"mean": 0.25, "low": 0.125, "high": 0.5}
CARRIED = {"mean": 0.75, "low": 0.625, "high": 0.875}


def git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the one experiment `post-full` on its only commit."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Begin")
    scored = mode_scores(
        {
            "accuracy": over_seeds(0.98765, 0.98, 0.99),
            "final_accuracy": over_seeds(0.75),
        },
        ceiling={"accuracy": 1.0},
    )
    files = {
        paths.EVALUATION: as_json(evaluation(stateless=scored, stateful=scored)),
        paths.timing("stateless"): json.dumps({"seconds_per_epoch": 0.456}),
    }
    file_experiment("post-full", files)
    return tmp_path


def file_experiment(name: str, files: Mapping[Path, str]) -> None:
    """File an experiment where DVC does, in the repository of this folder."""
    for file, content in files.items():
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(content)
    git("add", "metrics")
    head = git("rev-parse", "HEAD")
    commit = git("commit-tree", git("write-tree"), "-p", head, "-m", "experiment")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", commit)
