"""A configuration -> what is made of it: stages, files, settings, checks before the start."""
