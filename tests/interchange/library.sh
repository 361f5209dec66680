#!/bin/sh
# The shared library: exports what the headers declare and nothing else, under a version; installed, a program builds against it with
# pkg-config.
# usage: library.sh MOESIM LIBRARY EXAMPLE
. "$(dirname "$0")/../cli/lib.sh"
library=$2
example=$3
source=$(realpath "$(dirname "$0")/../..")

said="nm $library"
nm -D --defined-only "$library" > "$work/out" 2> "$work/err"
status=$?
expect_status 0
expect_out "moe_run_load@@MOESIM_"
expect_out "moe_cause_words@@MOESIM_"
check "exports other names" sh -c "! awk '\$2 ~ /^[TDRBW]\$/ {print \$3}' '$work/out' | grep -vE '^(moe_[a-z0-9_]+@@MOESIM_[0-9.]+|MOESIM_[0-9.]+)\$' | grep -vE '^(__|_init|_fini)'"
for private in moe_coll_set_bytes moe_architecture_read moe_sim_run moe_doc_load moe_table_new chakra_group_new trace_walk chakra_proto_msg__node__unpack; do
  check "$private is exported" sh -c "! grep -q '$private' '$work/out'"
done
# The map names what the public headers declare: all of it is there, and nothing else.
grep -oE '^ +moe_[a-z0-9_]+' "$(dirname "$library")/moesim.map" | tr -d ' ' | sort > "$work/declared"
grep -oE 'moe_[a-z0-9_]+' "$work/out" | sort -u > "$work/exported"
check "declared and exported differ: $(comm -3 "$work/declared" "$work/exported" | tr -d '\t' | tr '\n' ' ')" cmp -s "$work/declared" "$work/exported"
check "fewer than 100 functions" [ "$(wc -l < "$work/exported")" -ge 100 ]

said="example"
"$example" "$data/models/mixtral-8x7b.yaml" h800-hgx > "$work/out" 2> "$work/err"
status=$?
expect_status 0
expect_out "GPUs of h100-hgx: step "
expect_out "math"
expect_out '"cluster" : "h800-hgx"'
said="example with a cluster that nobody has"
"$example" "$data/models/mixtral-8x7b.yaml" no-such > "$work/out" 2> "$work/err"
status=$?
expect_status 2
expect_err '"message" : "no file clusters/no-such.yaml'

said="example without its run"
"$example" no-such-run.yaml > "$work/out" 2> "$work/err"
status=$?
expect_status 2
expect_err "no-such-run.yaml"
check "more than 60 lines" [ "$(wc -l < "$source/docs/example.c")" -le 60 ]

said="meson install"
DESTDIR=$work/root meson install -C "${MOESIM_BUILD:?}" --no-rebuild > "$work/out" 2> "$work/err"
status=$?
expect_status 0
pc=$(find "$work/root" -name moesim.pc)
check "no moesim.pc" [ -f "$pc" ]
said="pkg-config"
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$work/root pkg-config --cflags moesim 2> "$work/err")
status=$?
expect_status 0
# glib's own headers are not below the root of the installation
said="cc example.c with the installed headers: $flags"
# shellcheck disable=SC2046,SC2086 # lists of flags
cc -std=c11 -fsyntax-only -Wall -Wextra -Werror $(echo "$flags" | tr ' ' '\n' | grep moesim) -I"$(dirname "$(find "$work/root" -path '*moesim/door.h')")/.." \
  $(pkg-config --cflags glib-2.0) "$source/docs/example.c" > "$work/out" 2> "$work/err"
status=$?
expect_status 0
# Nothing but what a user needs, and each header stands alone, in C and in C++.
check "$(find "$work/root" -path '*/include/*' -name '*.h' | wc -l) headers" [ "$(find "$work/root" -path '*/include/*' -name '*.h' | wc -l)" -le 15 ]
include=$(dirname "$(find "$work/root" -path '*moesim/door.h')")/..
for header in "$include"/moesim/*.h; do
  for language in "c -std=c11" "c++ -std=c++17"; do
    said="$header in $language"
    # shellcheck disable=SC2046,SC2086 # lists of flags
    cc -fsyntax-only -Wall -Wextra -Werror -x $language -I"$include" $(pkg-config --cflags glib-2.0) "$header" > "$work/out" 2> "$work/err"
    status=$?
    expect_status 0
  done
done
check "no library" [ -n "$(find "$work/root" -name 'libmoesim.so.*' -type f)" ]
check "no manual page" [ -n "$(find "$work/root" -name 'moesim.1*')" ]

finish
