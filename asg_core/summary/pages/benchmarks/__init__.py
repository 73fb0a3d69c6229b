"""The page on benchmarks: METRICS and notes become tables and plots."""
