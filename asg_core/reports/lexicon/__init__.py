"""Files of phrases that a person edits -> phrases with their meaning, and a matcher."""
