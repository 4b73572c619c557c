"""The report page, its figures and tables, and model cards."""
