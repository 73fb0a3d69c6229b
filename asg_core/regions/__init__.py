"""Pixels and annotated boxes -> a detector -> one box per region and image."""
