"""The two protocols of MGCA's code: a linear classifier and a decoder, trained."""
