"""A dataset's own files -> the tables studies, images, reports, annotated_boxes."""
