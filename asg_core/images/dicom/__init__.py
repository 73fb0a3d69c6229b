"""DICOM files -> 8-bit grey pixels, and notes of what was odd about them."""
