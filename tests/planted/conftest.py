"""Scripts to be run, not imported: the search for doctests must let them be."""

collect_ignore_glob = ["*.py", "*/*.py"]
