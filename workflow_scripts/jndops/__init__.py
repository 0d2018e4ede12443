"""jndops: running the suite: settings, plan, doctor, summary, mirror of results.

It may import jndlab, never the reverse.
"""
