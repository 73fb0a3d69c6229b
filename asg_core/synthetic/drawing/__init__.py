"""A body and what a study shows -> the pixels of a radiograph, and its boxes."""
