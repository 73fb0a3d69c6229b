"""An encoder and a benchmark -> SCORES -> METRICS."""
