"""Reports -> sentences -> triplets: what each sentence claims, and where."""
