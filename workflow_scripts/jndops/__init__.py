"""jndops: running the suite (settings, plan, doctor, mirror of results); may import jndlab, never the reverse."""
