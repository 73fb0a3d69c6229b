"""Closed vocabularies: regions, findings, existence, views. Depends on nothing."""
