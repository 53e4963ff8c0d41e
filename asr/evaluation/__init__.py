"""Error analysis: what a recogniser gets wrong, where, how sure that is, and what to work on next.

Knows nothing of models, HTTP or the search index; what it needs of them comes as records, files and functions.
"""
