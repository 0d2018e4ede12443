"""jndlab: the science of the suite, importable and free of workflow and tracking code.

Packages depend downwards only:
``media < codecs < quality < jnd < models < training < datasets < report < papers``.
"""
