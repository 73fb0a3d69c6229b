"""A seed and a patient number -> what is the case: people, findings, words to be said."""
