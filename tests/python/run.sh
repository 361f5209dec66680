#!/bin/sh
# The Python package with every Python from 3.9 on that is found, and its wheel, built and installed without a network.
# usage: run.sh SOURCE MOESIM LIBRARY [PYTHON...]
set -u

source=$(realpath "$1")
MOESIM_PROGRAM=$(realpath "$2")
MOESIM_LIBRARY=$(realpath "$3")
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export MOESIM_PROGRAM MOESIM_LIBRARY WORK PYTHONDONTWRITEBYTECODE=1
shift 3
failures=0
seen=" "

# Those asked for, else those in the PATH and of pyenv.
pythons() {
  if [ $# -gt 0 ]; then
    printf '%s\n' "$@"
  else
    for name in python3 python3.9 python3.10 python3.11 python3.12 python3.13; do command -v "$name"; done
    ls "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 2> /dev/null
  fi
}

fail() {
  echo "FAIL $1"
  failures=$((failures + 1))
}

# Installs the wheel into a folder of its own: nothing but what is in python/ may be needed.
check_wheel() {
  "$1" -m pip --version > /dev/null 2>&1 || return 0
  cp -r "$source/python" "$WORK/python-$2"
  "$1" -m pip install --quiet --no-index --no-deps --disable-pip-version-check --target "$WORK/site-$2" "$WORK/python-$2" > "$WORK/log" 2>&1 ||
    { fail "pip install with Python $2"; cat "$WORK/log"; return; }
  (cd "$WORK" && PYTHONPATH="$WORK/site-$2" "$1" -c 'import moesim; assert "site-" in moesim.__file__; moesim.predict("mixtral-8x7b")') ||
    fail "the installed package with Python $2"
}

for python in $(pythons "$@"); do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null) || continue
  case $version in 3.9 | 3.1[0-9]) ;; *) continue ;; esac
  case $seen in *" $version "*) continue ;; esac
  seen="$seen$version "
  PYTHONPATH=$source/python "$python" "$source/tests/python/test_moesim.py" > "$WORK/log" 2>&1 || { fail "tests with Python $version"; cat "$WORK/log"; }
  check_wheel "$python" "$version"
  [ "$seen" != " $version " ] || "$python" "$source/tests/python/test_store.py" > "$WORK/log" 2>&1 || { fail "store"; cat "$WORK/log"; }
done
[ "$seen" = " " ] && echo "no Python from 3.9 on" && exit 77
echo "Python$seen: $failures failures"
[ "$failures" -eq 0 ]
