#!/bin/sh
# Install the browser that the test of the rating page drives: Debian's chromium and its driver.
# Does nothing where both are there. Needs root and apt; without them it says so and fails.
set -eu

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "chromium and chromedriver are not installed, and this system has no apt-get" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "chromium and chromedriver are not installed; as root: apt-get install chromium chromium-driver" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends chromium chromium-driver
