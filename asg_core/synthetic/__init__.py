"""A synthetic chest world -> a corpus and five benchmarks on disk, in the real layouts."""
