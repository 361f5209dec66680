#!/bin/sh
# Floors are law: a module includes public headers of lower floors only, siblings do not see each other, private headers stay in their
# folder, and every public header compiles alone.
# usage: floors.sh SOURCE_ROOT [CC]
#        floors.sh --links MODULE    the module and all that it stands on, for tests/meson.build
set -u

# The rooms of studies, one question each.
studies="study calibrate goodput explain validate search certainty plan infer"

# Module -> modules whose public headers it may include (docs/architecture.md).
allowed() {
  case $1 in
  base) echo "" ;;
  engine | doc | share | schedule) echo "base" ;;
  spec) echo "base doc schedule" ;;
  topo | cost | layer) echo "base doc spec" ;;
  program) echo "base doc schedule spec layer" ;;
  coll) echo "base doc spec topo" ;;
  fabric) echo "base engine topo share coll" ;;
  sim) echo "base engine spec topo cost program share coll fabric" ;;
  metrics) echo "base doc spec layer topo cost program sim" ;;
  study) echo "base doc schedule spec layer topo cost program share coll fabric sim metrics" ;;
  calibrate) echo "base doc spec layer topo cost coll" ;;
  goodput) echo "base engine doc spec layer metrics study" ;;
  explain | validate) echo "base doc spec layer program metrics study" ;;
  search) echo "base doc schedule spec layer topo cost program coll sim metrics study goodput" ;;
  certainty) echo "base doc spec metrics study goodput validate" ;;
  infer) echo "base doc spec metrics study goodput validate certainty" ;;
  plan) echo "base doc spec metrics study goodput search certainty" ;;
  interchange) echo "base doc schedule spec layer topo cost program coll sim metrics" ;;
  replay) echo "base engine spec topo cost share coll fabric sim interchange" ;;
  report) echo "base doc schedule spec layer topo cost program metrics $studies" ;;
  door) echo "base doc schedule spec layer topo cost program coll sim metrics $studies interchange report" ;;
  serve) echo "base" ;;
  cli) echo "base engine doc schedule spec layer topo cost program share coll fabric sim metrics $studies interchange replay report door serve" ;;
  *) return 1 ;;
  esac
}

# A module and the modules that it needs to link.
links() {
  for used in $(allowed "$1"); do
    links "$used"
  done
  echo "$1"
}

if [ "$1" = --links ]; then
  links "$2" | sort -u
  exit 0
fi

root=$(realpath "$1") || exit 1
cc=${2:-cc}
failures=0

# Header name -> its module: what its comment says ("Part of spec"), else its name up to the first underscore (report_plot.h).
module_of() {
  part=$(sed -n 's/.*[Pp]art of \([a-z]*\)[ .(].*/\1/p' "$root/include/moesim/$1" 2> /dev/null | head -n 1)
  name=${1%.h}
  echo "${part:-${name%%_*}}"
}

complain() {
  echo "$1"
  failures=$((failures + 1))
}

# check_file MODULE FILE
check_file() {
  for included in $(sed -n 's/^ *# *include *<moesim\/\([^>]*\)>.*/\1/p' "$2"); do
    other=$(module_of "$included")
    case " $1 $(allowed "$1") " in
    *" $other "*) ;;
    *) complain "$2: $1 may not include <moesim/$included>" ;;
    esac
  done
  if grep -nE '^ *# *include *"(\.\.|moesim/|src/)' "$2"; then
    complain "$2: private headers are included from their own folder only"
  fi
}

check_module() {
  if ! ls "$root/src/$1"/*.[ch] > /dev/null 2>&1; then
    return # nothing in it yet
  fi
  if ! allowed "$1" > /dev/null; then
    complain "src/$1: no such module in the table of floors"
    return
  fi
  for file in "$root/src/$1"/*.[ch]; do
    [ -e "$file" ] && check_file "$1" "$file"
  done
}

for folder in "$root"/src/*/; do
  check_module "$(basename "$folder")"
done

for header in "$root"/include/moesim/*.h; do
  check_file "$(module_of "$(basename "$header")")" "$header"
  # shellcheck disable=SC2046 # several flags
  if ! "$cc" -std=c11 -fsyntax-only -Wall -Wextra -Werror -I"$root/include" $(pkg-config --cflags glib-2.0) -x c "$header"; then
    complain "$header: does not compile alone"
  fi
done

echo "$failures breaches of the floors"
[ "$failures" -eq 0 ]
