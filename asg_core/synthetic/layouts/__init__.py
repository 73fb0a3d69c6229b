"""The synthetic world -> the folders of each dataset, as that dataset is distributed."""
