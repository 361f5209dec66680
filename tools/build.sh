#!/bin/sh
# Configures once and builds: build.sh DIRECTORY MESON_OPTION...
set -eu
cd "$(dirname "$0")/.."

directory=$1
shift
if [ ! -f "$directory/build.ninja" ]; then
  mkdir -p "$directory"
  tools/progress.sh --quiet "configuring $directory" "$directory/setup.log" meson setup "$directory" "$@"
fi
tools/progress.sh "building $directory" "$directory/build.log" ninja -C "$directory"
