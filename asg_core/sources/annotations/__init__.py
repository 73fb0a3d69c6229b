"""Boxes of anatomical regions that come with a corpus -> the table `annotated_boxes`."""
