"""The search for the smallest window that is not worse than the best."""
