"""Image files of any of the usual formats -> the pixel cache; geometry of boxes."""
