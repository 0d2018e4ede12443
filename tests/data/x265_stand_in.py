#!/usr/bin/env python3
"""The command line of x265 around the packaged FFmpeg's libx265: a build of one's own in tests."""

import re
import subprocess
import sys

SWITCHES = ["wpp", "info", "cutree", "open-gop"]
words = sys.argv[1:]
if words == ["--version"]:
    print("x265 [info]: HEVC encoder version 9.9+stand-in", file=sys.stderr)
    sys.exit(0)
if words == ["--fullhelp"]:
    print("\n".join(f"   --[no-]{name}     Enable it. Default enabled" for name in SWITCHES))
    print("   --[no-]slices <integer>       Enable Multiple Slices feature. Default 1")
    sys.exit(1)  # as x265 does
options, place = {}, 0
while place < len(words):
    name = words[place].removeprefix("--")
    if name.removeprefix("no-") in SWITCHES:
        options[name.removeprefix("no-")] = "0" if name.startswith("no-") else "1"
        place += 1
    elif name == "y4m":
        place += 1
    else:
        options[name] = words[place + 1]
        place += 2
source, target, preset = (options.pop(name) for name in ("input", "output", "preset"))
options.pop("output-depth")
text = ":".join(f"{name}={value}" for name, value in options.items())
tags = "setparams=range=limited:chroma_location=unknown,setsar=0"  # Y4M has some of its own
command = ["FFMPEG", "-v", "warning", "-y", "-i", source, "-vf", tags, "-c:v", "libx265",
           "-preset", preset, "-x265-params", text, "-f", "hevc", target]  # fmt: skip
done = subprocess.run(command, capture_output=True, text=True)
if re.search("Unknown option|Invalid value", done.stderr):
    sys.exit(done.stderr)
sys.exit(done.returncode)
