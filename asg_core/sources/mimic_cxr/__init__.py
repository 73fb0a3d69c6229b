"""MIMIC-CXR-JPG and MIMIC-CXR as PhysioNet distributes them -> the tables of a source."""
