# shellcheck shell=bash
# Headless Chromium on the console and on stored web apps, with the Linux process.

check "build" cargo build
suite "browser" count_plain tests/browser/run
