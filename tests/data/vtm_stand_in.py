"""Stands in for VTM's EncoderApp and DecoderApp: refuses what they refuse, prints what they print.

Called under a name that starts with `DecoderApp` it decodes, else it encodes, with the packaged
FFmpeg and VVenC; or it replays a real stream and log. Environment:
VTM_STAND_IN_VERSION  version of its banner (default 11.0)
VTM_STAND_IN_REPLAY   encoder: copy this path + `.266` and print this path + `.log`
VTM_STAND_IN_FAULT    encoder: killed | refused | cut | tail | short_log; decoder: other
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

FAULT = os.environ.get("VTM_STAND_IN_FAULT", "")
VERSION = os.environ.get("VTM_STAND_IN_VERSION", "11.0")
FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
SHORT = {"-c": "config", "-i": "InputFile", "-wdt": "SourceWidth", "-hgt": "SourceHeight",
         "-fr": "FrameRate", "-f": "FramesToBeEncoded", "-q": "QP", "-b": "BitstreamFile",
         "-o": "ReconFile", "-d": "OutputBitDepth"}  # fmt: skip
LONG = {"InputBitDepth", "OutputBitDepth", "TemporalSubsampleRatio", "SAO"}
TYPES = {"IntraPeriod": int, "TemporalSubsampleRatio": int, "SourceWidth": int, "SourceHeight": int,
         "FrameRate": int, "FramesToBeEncoded": int, "QP": int, "InputBitDepth": int,
         "OutputBitDepth": int}  # fmt: skip


def refuse(message):
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(1)


def parse(words):
    options = {"TemporalSubsampleRatio": "1"}
    while words:
        word = words.pop(0)
        if word in SHORT:
            name, value = SHORT[word], words.pop(0)
        elif (found := re.fullmatch(r"--(\w+)=(.*)", word)) and found[1] in LONG:
            name, value = found.groups()
        else:
            refuse(f"Unhandled argument ignored: `{word}'")
        if name == "config":
            lines = (line.split("#")[0] for line in Path(value).read_text().splitlines())
            pairs = [[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]
            options.update(dict(pairs))
        else:
            options[name] = value
    return {name: TYPES.get(name, str)(value) for name, value in options.items()}


def encode(o):
    width, height = o["SourceWidth"], o["SourceHeight"]
    if width % 8 or height % 8:
        refuse("Picture size must be a multiple of the minimum CU size")
    depth = 1 if o["InputBitDepth"] == 8 else 2
    available = Path(o["InputFile"]).stat().st_size / (width * height * 3 // 2 * depth)
    if available != o["FramesToBeEncoded"]:
        refuse(f"{available} frames in the input, {o['FramesToBeEncoded']} asked for")
    if o["ReconFile"] != "/dev/null":
        refuse("the reconstruction would be written")
    stream = Path(o["BitstreamFile"])
    if FAULT == "refused":
        refuse("Unknown profile")
    if FAULT == "killed":
        stream.write_bytes(b"\0\0\1half a picture")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if replay := os.environ.get("VTM_STAND_IN_REPLAY"):
        stream.write_bytes(Path(replay + ".266").read_bytes())
        log = Path(replay + ".log").read_text().split("\n", 2)[2]  # without the banner
        print(log.split("LayerId")[0] if FAULT == "short_log" else log)
    else:
        encode_with_vvenc(o, stream)
    data = stream.read_bytes()
    if FAULT == "cut":
        stream.write_bytes(data[:-3])
    if FAULT == "tail":
        stream.write_bytes(data + bytes(range(1, 30)))


def encode_with_vvenc(o, stream):
    from jndlab.codecs.vvenc import VvencCodec

    # The intra files of VTM code every 8th picture by default.
    step = o["TemporalSubsampleRatio"]
    intra = o["IntraPeriod"] == 1
    options = VvencCodec("faster").parameters("AI" if intra else "LDP", 0)
    options |= {"sao": o["SAO"]} if "SAO" in o else {}
    options["maxparallelframes"] = "0"  # without it some short encodes end without a picture
    sizes = stream.with_name("stand_in_sizes.txt")
    subprocess.run(
        [*FFMPEG, "-f", "rawvideo", "-pix_fmt",
         "yuv420p" if o["InputBitDepth"] == 8 else "yuv420p10le",
         "-video_size", f"{o['SourceWidth']}x{o['SourceHeight']}", "-i", o["InputFile"],
         "-vf", f"select=not(mod(n\\,{step}))", "-fps_mode", "passthrough", "-c:v", "libvvenc",
         "-preset", "faster", "-qp", str(o["QP"]), "-qpa", "0", "-threads", "1", "-vvenc-params",
         ":".join(f"{k}={v}" for k, v in options.items()), "-stats_enc_post", str(sizes),
         "-stats_enc_post_fmt", "{size}", "-f", "vvc", str(stream)],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    bits = [8 * int(line) for line in sizes.read_text().split()]
    sizes.unlink()
    print("\n started @ Sat Nov 21 03:00:00 2026")
    for poc, size in enumerate(bits):
        nal, kind = ("IDR_N_LP", "I") if poc == 0 else ("CRA", "I") if intra else ("TRAIL", "P")
        print(f"POC {poc:4d} LId:  0 TId: 0 ( {nal}, {kind}-SLICE, QP {o['QP']} ) {size:10d} bits "
              "[Y 40.0000 dB    U 41.0000 dB    V 42.0000 dB] [ET     1 ] [L0] [L1]")  # fmt: skip
    rate = sum(bits) * o["FrameRate"] / len(bits) / 1000
    print("\nLayerId  0\n\tTotal Frames |   Bitrate     Y-PSNR    U-PSNR    V-PSNR    YUV-PSNR   ")
    print(f"\t {len(bits):8d}    a {rate:12.4f}   40.0000   41.0000   42.0000   40.5000\n")
    print(" finished @ Sat Nov 21 03:00:01 2026")
    print(" Total Time:        1.000 sec. [user]        1.250 sec. [elapsed]")


def decode(o):
    if o["OutputBitDepth"] != 0:
        refuse("asked for another depth than the internal one")
    subprocess.run(
        [*FFMPEG, "-f", "vvc", "-i", o["BitstreamFile"], "-fps_mode", "passthrough",
         "-f", "rawvideo", "-pix_fmt", "yuv420p10le", o["ReconFile"]],
        check=True,
    )  # fmt: skip
    if FAULT == "other":
        with open(o["ReconFile"], "r+b") as planes:
            planes.write(b"\1")


decoding = Path(sys.argv[0]).name.startswith("DecoderApp")
print(f"\nVVCSoftware: VTM {'Decoder' if decoding else 'Encoder'} Version {VERSION} "
      "[Linux][GCC 12.2.0][64 bit] [SIMD=AVX2] ")  # fmt: skip
if sys.argv[1:] in ([], ["--help"]):
    print("  --help [0]\n  -c []")
    sys.exit(1)
(decode if decoding else encode)(parse(sys.argv[1:]))
