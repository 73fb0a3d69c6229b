"""The files of a benchmark as distributed -> BENCHMARK_IMAGES, _LABELS, _BOXES, _MASKS."""
