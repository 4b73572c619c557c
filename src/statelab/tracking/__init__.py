"""What is logged to MLflow, and how it is kept in step with DVC.

MLflow reads some of its settings as it is imported, so they are set before any module
of this package is.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# By default a server that is down is tried for four minutes, and that seven times.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
