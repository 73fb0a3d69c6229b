"""What a study shows -> strokes on the layers of a radiograph."""
