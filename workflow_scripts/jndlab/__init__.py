"""jndlab: the science of the suite, importable and free of workflow and tracking code.

Packages depend downwards only:
``media < codecs < quality < jnd < models < training < datasets < report < papers``.
"""

import os

# NumPy's matrix products take the kernel of the processor, and kernels round differently: 8x8
# transforms then differ in single samples of a filtered clip, and its stream by up to 2 %. This one
# runs on every x86-64 since AVX2.
try:
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as _cpu:
        if " avx2 " in _cpu.read(4096):  # of the first core
            os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
except OSError:
    pass
