"""Scores, ceilings, baselines, statistics, and the verdict."""
