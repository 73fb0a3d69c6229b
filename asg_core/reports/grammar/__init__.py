"""The matches of one sentence -> clauses, cues and places -> claims."""
