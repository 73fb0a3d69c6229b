"""Events that jobs append to files -> runs of an MLflow tracking store."""
