"""Tuning a recogniser to a domain: examples, the run, its record, experiments. Knows nothing of HTTP and traffic."""
