#!/bin/sh
# Prints docs/inputs.md: its introduction as it stands, and from the first kind of file on what the program says of its keys.
# usage: tools/inputs.sh MOESIM > inputs.md
set -eu

moesim=$(realpath "$1")
cd "$(dirname "$0")/.."
sed '/^## /,$d' docs/inputs.md
COLUMNS=140 "$moesim" schema
