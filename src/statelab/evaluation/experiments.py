"""Evaluations of DVC experiments, as Git holds them."""

from typing import Any, NamedTuple

from statelab.config import defaults, params
from statelab.evaluation import evaluation
from statelab.evaluation.evaluation import Evaluation
from statelab.pipeline import dvc_experiments, paths
from statelab.pipeline.dvc_experiments import Experiment


class Finished(NamedTuple):
    """A pipeline that has been evaluated."""

    name: str  # of the experiment; HEAD for the commit itself
    params: dict[str, Any]  # params.yaml
    evaluation: Evaluation


def evaluation_of(name: str) -> Evaluation | None:
    """Return the evaluation of an experiment of the current commit; None without."""
    text = dvc_experiments.named(name).read(paths.EVALUATION)
    return None if text is None else evaluation.parse(text)


def finished() -> list[Finished]:
    """Return the current commit and its experiments, as far as they are evaluated.

    Returns:
        The commit, and then the experiments, the newest first; none outside of Git.
    """
    commit = dvc_experiments.head()
    own = [e for e in reversed(dvc_experiments.listed()) if e.baseline == commit]
    pipelines = []
    for experiment in [Experiment("HEAD", commit, commit), *own]:
        settings = experiment.read(params.FILE)
        evaluated = experiment.read(paths.EVALUATION)
        if settings is not None and evaluated is not None:
            read = defaults.filled(params.parse(settings))
            pipelines.append(
                Finished(experiment.name, read, evaluation.parse(evaluated))
            )
    return pipelines
