"""The Open-i collection of Indiana University -> the tables of a source."""
