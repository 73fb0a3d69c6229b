"""TRIPLETS of some reports -> a sheet that a person marks -> TRIPLET_SCORES."""
