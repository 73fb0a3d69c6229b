"""The one target that every table has beside regions, findings and benchmarks' own."""

ALL = "all"
"""The name of everything: the target of a row over all items, what a job without wildcards
is about, and what a run is asked for when nobody names a target."""
