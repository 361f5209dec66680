#!/bin/sh
# Floors are law: a module includes headers of lower floors only, siblings do not see each other, private headers stay in their folder, and
# every header that others may include compiles alone.
# usage: floors.sh SOURCE_ROOT [CC]
#        floors.sh --links MODULE    the module and all that it stands on, for tests/meson.build
#        floors.sh --headers SOURCE  headers of modules that others include, but for those of programs
set -u

# The rooms of studies, one question each.
studies="study calibrate goodput explain validate search certainty plan infer"

# Module -> modules whose headers it may include (docs/architecture.md).
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

# A module's own header, which others include as "module/name.h", names its floor in its comment; all others are private.
is_shared() {
  case $1 in */cli/*) return 1 ;; esac # nobody stands above
  sed -n '1,/\*\//p' "$1" | grep -qE 'Floor [0-9]|\(floor [0-9]'
}

if [ "$1" = --headers ]; then
  for header in "$2"/*/*.h; do
    case $header in */serve/*) ;; *) ! is_shared "$header" || echo "$header" ;; esac
  done
  exit 0
fi

root=$(realpath "$1") || exit 1
cc=${2:-cc}
failures=0

# Public header -> its module: what its comment says ("Part of spec"), else its name.
module_of() {
  part=$(sed -n 's/.*[Pp]art of \([a-z]*\)[ .(].*/\1/p' "$root/include/moesim/$1" 2> /dev/null | head -n 1)
  echo "${part:-${1%.h}}"
}

complain() {
  echo "$1"
  failures=$((failures + 1))
}

may_include() {
  case " $1 $(allowed "$1") " in
  *" $2 "*) ;;
  *) complain "$3: $1 may not include $4" ;;
  esac
}

# check_file MODULE FILE
check_file() {
  for included in $(sed -n 's/^ *# *include *<moesim\/\([^>]*\)>.*/\1/p' "$2"); do
    may_include "$1" "$(module_of "$included")" "$2" "<moesim/$included>"
  done
  for included in $(sed -n 's/^ *# *include *"\([^"]*\/[^"]*\)".*/\1/p' "$2"); do
    may_include "$1" "${included%%/*}" "$2" "\"$included\""
    [ -e "$root/src/$included" ] && is_shared "$root/src/$included" ||
      complain "$2: \"$included\" is no header for others: its comment names no floor"
  done
  for included in $(sed -n 's/^ *# *include *"\([^"/]*\)".*/\1/p' "$2"); do
    [ ! -e "$root/src/$1/$included" ] || ! is_shared "$root/src/$1/$included" || complain "$2: \"$1/$included\" is the name of \"$included\""
  done
}

check_compiles() {
  # shellcheck disable=SC2046 # several flags
  "$cc" -std=c11 -fsyntax-only -Wall -Wextra -Werror -I"$root/include" -I"$root/src" $(pkg-config --cflags glib-2.0) -x c "$1" ||
    complain "$1: does not compile alone"
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
  check_compiles "$header"
done
for header in "$root"/src/*/*.h; do
  [ -e "$header" ] && is_shared "$header" && check_compiles "$header"
done

echo "$failures breaches of the floors"
[ "$failures" -eq 0 ]
