"""The networks that can find regions, behind one pair of methods."""
