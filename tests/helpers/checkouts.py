"""A repository in which the pipeline can be run, on real DVC and real MLflow."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing
from pathlib import Path
from unittest import mock

import mlflow
from ruamel.yaml import YAML

from statelab.tracking import sync

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = {
    "generate": {"sequences": 24, "length": 4},
    "window": {"window_length": 2, "test_size": 8},
    "train_stateless": {"epochs": 2, "seeds": 2, "lookbacks": None},
    "train_stateful": {"epochs": 2, "seeds": 2},
}
TRAINED = "stages/train.py"  # in DVC's output, once for each training that ran


class Checkout:
    """A repository in which the pipeline can be run."""

    def __init__(self, root: Path):
        self.root = root
        here = str(Path(sys.executable).parent)
        self.env = {**os.environ, "PATH": os.pathsep.join([here, os.environ["PATH"]])}
        self.env.pop("MLFLOW_TRACKING_URI", None)
        self.env.pop("PYTHONPATH", None)

    def run(self, *words: str, fails: bool = False, timeout: int = 400) -> str:
        ended = subprocess.run(
            words,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert (ended.returncode != 0) == fails, ended.stdout
        return ended.stdout

    def dvc(self, *words: str, fails: bool = False, timeout: int = 400) -> str:
        return self.run("dvc", *words, fails=fails, timeout=timeout)

    def statelab(self, *words: str, fails: bool = False) -> str:
        """The command as it is in this repository."""
        own = "import sys; sys.path.insert(0, 'src'); from statelab.cli import main"
        return self.run(
            sys.executable, "-c", f"{own}; main.main()", *words, fails=fails
        )

    def sync(self, store: str = "") -> sync.Synced:
        """Bring MLflow in step in this process, which has imported it already.

        Args:
            store: another one than this repository's; one that is new, if a file of
                this one would have to be removed, which MLflow keeps open.
        """
        own = {key: value for key, value in self.env.items() if key != "DVC_ROOT"}
        own |= {"MLFLOW_TRACKING_URI": store} if store else {}
        with chdir(self.root), mock.patch.dict(os.environ, own, clear=True):
            return sync.sync()

    def changed_stages(self) -> set[str]:
        """The stages of which something is not what dvc.lock says."""
        return set(json.loads(self.dvc("status", "--json", "dvc.yaml")))

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def restore(self) -> None:
        # `dvc exp run` leaves an index in which a params.yaml of the same size passes
        # for unchanged: Git restores it only when it is gone.
        (self.root / "params.yaml").unlink()
        self.run("git", "reset", "--quiet", "--hard")

    def mlflow_runs(
        self, stage: str, name: str = "", store: str = ""
    ) -> list[mlflow.entities.Run]:
        """The runs of a stage, or those that are found by an experiment's name."""
        own = self.env.get("MLFLOW_TRACKING_URI", f"sqlite:///{self.root}/mlflow.db")
        store = store or own
        client = mlflow.MlflowClient(store)
        experiment = client.get_experiment_by_name("statelab")
        assert experiment is not None
        query = f"tags.`dvc.stage` = '{stage}'"
        if name:
            query += f" AND tags.`dvc.exp` LIKE '%{name}%'"
        return list(client.search_runs([experiment.experiment_id], query))

    def linked(self, stage: str) -> mlflow.entities.Run:
        """The run that shows what is in the workspace."""
        links = json.loads((self.root / "metrics/run.json").read_text())
        runs = {run.info.run_id: run for run in self.mlflow_runs(stage)}
        return runs[links[stage]["run_id"]]

    def outputs(self) -> dict[str, bytes]:
        folders = (self.root / "data", self.root / "metrics")
        files = [file for folder in folders for file in folder.rglob("*")]
        return {
            str(file.relative_to(self.root)): file.read_bytes()
            for file in files
            if file.is_file()
        }


def copy(trained: Path, root: Path) -> Checkout:
    """Copy a repository that has been run, with what DVC and MLflow hold of it."""
    shutil.copytree(trained, root, symlinks=True, dirs_exist_ok=True)
    # MLflow stores where files are, from the root of the machine on
    with closing(sqlite3.connect(root / "mlflow.db")) as store, store:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
        ):
            moved = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            store.execute(moved, (str(trained), str(root)))
    return Checkout(root)


def make(root: Path) -> Checkout:
    """Put the files of this repository there with a small task, commit and run it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).exists() and not name.startswith("metrics/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
    (root / "dvc.lock").unlink(missing_ok=True)
    yaml = YAML()
    params = yaml.load(root / "params.yaml")
    for section, changes in SMALL.items():
        params[section].update(changes)
    yaml.dump(params, root / "params.yaml")
    checkout = Checkout(root)
    checkout.run("git", "init", "--quiet")
    checkout.run("git", "config", "user.name", "x")
    checkout.run("git", "config", "user.email", "x@example.org")
    said = checkout.dvc("repro")
    assert said.count(TRAINED) == 2
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "-m", "Begin")
    return checkout
