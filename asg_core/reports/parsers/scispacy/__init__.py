"""Dependency trees of a scispaCy model -> claims."""
