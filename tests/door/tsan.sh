#!/bin/sh
# Many threads at the JSON door under ThreadSanitizer: builds what that needs in FOLDER and asks so many REQUESTS.
# usage: tsan.sh FOLDER REQUESTS
set -eu

source=$(realpath "$(dirname "$0")/../..")
folder=$1
requests=$2
if [ ! -e "$folder/build.ninja" ]; then
  meson setup "$folder" "$source" --buildtype=debugoptimized -Doptimization=1 -Db_sanitize=thread -Db_lundef=false -Dmpi=disabled \
    -Dserve=disabled -Dc_args=-g1 > /dev/null
fi
ninja -C "$folder" tests/door/door_threads
MOESIM_DATA=$source
# Memory that GLib hands from thread to thread goes through malloc, which ThreadSanitizer sees.
G_SLICE=always-malloc
TSAN_OPTIONS="suppressions=$source/tests/door/tsan.supp exitcode=66"
export MOESIM_DATA G_SLICE TSAN_OPTIONS
"$folder/tests/door/door_threads" "$requests"
