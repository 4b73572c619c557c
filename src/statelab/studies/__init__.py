"""Ready-made studies: the post, where it stops, and real data sets."""
