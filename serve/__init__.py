"""The service: the pipeline of one query, the search index, the HTTP interface, the pages.

This package knows nothing of training.
"""
