"""The tables of the pages: their cells, how numbers and names are written, their files."""
