"""A body in a view -> the outlines of its bones, organs and walls."""
