"""The repository that tests of studies share."""

from filed_experiments import repository

__all__ = ["repository"]
