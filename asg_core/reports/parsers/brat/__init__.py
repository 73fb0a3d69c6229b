"""BRAT standoff files that people have marked -> claims."""
