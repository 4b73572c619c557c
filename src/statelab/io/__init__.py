"""Files that are seen whole or not at all: JSON, CSV, arrays, predictions."""
