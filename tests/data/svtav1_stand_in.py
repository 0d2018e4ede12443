#!/usr/bin/env python3
"""The command line of SvtAv1EncApp around the packaged FFmpeg's library: a build in tests."""

import subprocess
import sys

words = sys.argv[1:]
if words == ["--version"]:
    print("SVT-AV1 v9.9.9-stand-in (release)")
    sys.exit(0)
options = {name.lstrip("-"): value for name, value in zip(words[::2], words[1::2], strict=True)}
source, target, preset = (options.pop(name) for name in ("i", "b", "preset"))
text = ":".join(f"{name}={value}" for name, value in options.items())
tags = "setparams=range=limited:chroma_location=unknown,setsar=0"  # Y4M has some of its own
command = ["FFMPEG", "-v", "warning", "-y", "-i", source, "-vf", tags, "-c:v", "libsvtav1",
           "-preset", preset, "-svtav1-params", text, "-f", "ivf", target]  # fmt: skip
done = subprocess.run(command, capture_output=True, text=True)
sys.exit(done.stderr if "Error parsing option" in done.stderr else done.returncode)
