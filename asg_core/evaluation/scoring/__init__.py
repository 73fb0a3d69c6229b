"""Scores of single images -> metrics with intervals."""
