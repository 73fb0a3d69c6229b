"""A CSV or Parquet file that names images, reports or both -> the tables of a source."""
