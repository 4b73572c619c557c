"""Sequences: generated tasks, and the user's own CSV, Parquet and npz files."""
