#!/bin/sh
# Configures once and builds: build.sh DIRECTORY MESON_OPTION...
set -eu
cd "$(dirname "$0")/.."

directory=$1
shift
if [ ! -f "$directory/build.ninja" ]; then
  meson setup "$directory" "$@"
fi
ninja -C "$directory" --quiet
