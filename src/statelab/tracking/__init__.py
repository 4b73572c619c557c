"""MLflow: what is logged, and how it keeps up with DVC."""
