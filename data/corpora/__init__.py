"""Corpora as they are published: where each recording lies and what its corpus says of it.

One module per layout. Nothing here decodes audio.
"""
