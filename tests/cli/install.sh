#!/bin/sh
# What is installed works where it lies: the program finds its data beside it, and the completion finds the commands.
. "$(dirname "$0")/lib.sh"

said="meson install"
DESTDIR=$work/root meson install -C "${MOESIM_BUILD:?}" --no-rebuild > "$work/out" 2> "$work/err"
status=$?
expect_status 0
bin=$(dirname "$(find "$work/root" -type f -name moesim -path '*/bin/*')")
check "no program" [ -x "$bin/moesim" ]

source=$data
unset MOESIM_DATA
cd "$work" || exit 1
said="installed moesim run"
"$bin/moesim" run "$bin/../share/moesim/models/mixtral-8x7b.yaml" --cluster h800-hgx > out 2> err
status=$?
expect_status 0
expect_out "mixtral-8x7b on h800-hgx"

# Its data are the source's: what it predicts of a case is what the source's program does. It finds the cases without being told.
for folder in clusters models plots stacks validation; do
  said="installed $folder"
  diff -r --exclude=out "$source/$folder" "$bin/../share/moesim/$folder" > "$work/out" 2> "$work/err"
  status=$?
  expect_status 0
done
said="installed moesim validate"
"$bin/moesim" validate --parts > "$work/out" 2> "$work/err" < /dev/null
status=$?
expect_status 0
expect_out "optimizer"

said="completion"
: > "$work/err"
PATH=$bin:$PATH bash -c ". '$(find "$work/root" -path '*bash-completion*' -name moesim)'
  COMP_WORDS=(moesim comp) COMP_CWORD=1; _moesim; echo \"\${COMPREPLY[*]}\"
  COMP_WORDS=(moesim run --vari) COMP_CWORD=2; _moesim; echo \"\${COMPREPLY[*]}\"" > "$work/out" 2> "$work/err"
status=$?
expect_status 0
check "commands and options are not completed" [ "$(cat "$work/out")" = "compare
--variant" ]

# The package stands where the Python that meson found looks, and finds the library and the data from there.
# Not under AddressSanitizer, which must be in the process before Python is.
package=$(find "$work/root" -path '*/moesim/_door.py')
if [ -n "$package" ] && ! grep -q __asan_init "$(find "$work/root" -type f -name 'libmoesim.so*' | head -n 1)"; then
  said="installed Python package"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(dirname "$(dirname "$package")") python3 -c \
    'import moesim; print(moesim.predict("mixtral-8x7b", cluster="h800-hgx")["cluster"])' > "$work/out" 2> "$work/err"
  status=$?
  expect_status 0
  expect_out "h800-hgx"
fi

finish
