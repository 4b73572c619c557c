"""A Git repository with experiments as DVC files them."""

import json
import subprocess
from pathlib import Path

import pytest


def git(*words: str, given: str = "") -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
        input=given,
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
    scored = {
        "accuracy": {"mean": 0.98765, "low": 0.98, "high": 0.99},
        "final_accuracy": {"mean": 0.75},
        "ceiling": {"accuracy": 1.0},
    }
    files = {
        "evaluate.json": {"stateless": scored},
        "timing/stateless.json": {"seconds_per_epoch": 0.456},
    }
    file_experiment("post-full", files)
    return tmp_path


def file_experiment(name: str, files: dict) -> None:
    """File an experiment where DVC does, in the repository of this folder."""
    for path, content in files.items():
        file = Path("metrics", path)
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(json.dumps(content))
    git("add", "metrics")
    head = git("rev-parse", "HEAD")
    commit = git("commit-tree", git("write-tree"), "-p", head, "-m", "experiment")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", commit)


RESET = {"mean": 0.25, "low": 0.125, "high": 0.5}


CARRIED = {"mean": 0.75, "low": 0.625, "high": 0.875}
