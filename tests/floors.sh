#!/bin/sh
# Floors are law: a module includes headers of lower floors only, siblings do not see each other, private headers stay in their folder, and
# every header that others may include compiles alone, a public one without the others.
# usage: floors.sh SOURCE_ROOT [CC]
#        floors.sh --links MODULE    the module and all that it stands on, for tests/meson.build
set -u

# The rooms of studies, one question each.
studies="study calibrate goodput explain validate search certainty plan infer"

# Module -> modules whose headers it may include (docs/architecture.md).
allowed() {
  case $1 in
  base) echo "" ;;
  engine | doc | notation | script | share | schedule | record) echo "base" ;;
  spec) echo "base doc schedule" ;;
  topo | cost | layer) echo "base doc spec" ;;
  program) echo "base doc schedule spec layer" ;;
  coll) echo "base doc spec topo" ;;
  check) echo "base doc schedule record spec layer cost program" ;;
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
  measured) echo "base doc notation" ;;
  interchange) echo "base doc notation script schedule spec layer topo cost program coll sim metrics" ;;
  replay) echo "base engine spec topo cost share coll fabric sim interchange" ;;
  diff) echo "base doc spec topo cost program coll calibrate sim metrics study measured" ;;
  report) echo "base doc schedule spec layer topo cost program coll metrics $studies interchange replay diff measured record" ;;
  figure) echo "base doc schedule spec layer topo coll metrics $studies report record" ;;
  trace) echo "base doc schedule spec layer cost program metrics study report record" ;;
  door) echo "base doc schedule spec layer topo cost program coll check sim metrics $studies interchange report record" ;;
  serve) echo "base" ;;
  cli) echo "base engine doc schedule spec layer topo cost program share coll check fabric sim metrics $studies measured interchange replay diff report figure trace door serve record" ;;
  *) return 1 ;;
  esac
}

# Adds a module and the modules that it needs to link to $linked, each once.
linked=
links() {
  case " $linked " in *" $1 "*) return ;; esac
  linked="$linked $1"
  for used in $(allowed "$1"); do
    links "$used"
  done
}

if [ "$1" = --links ]; then
  links "$2"
  printf '%s' "$linked" | tr ' ' '\n' | sed 1d | sort
  exit 0
fi

# A module's own header, which others include as "module/name.h", names its floor in its comment; all others are private.
is_shared() {
  case $1 in */cli/*) return 1 ;; esac # nobody stands above
  sed -n '1,/\*\//p' "$1" | grep -qE 'Floor [0-9]|\(floor [0-9]'
}

root=$(realpath "$1") || exit 1
cc=${2:-cc}
failures=0

complain() {
  echo "$1"
  failures=$((failures + 1))
}

# Public header -> its module, what its comment says ("Part of spec"), else its name: " explain.h=explain ...".
public=$(for header in "$root"/include/moesim/*.h; do
  part=$(sed -n 's/.*[Pp]art of \([a-z]*\)[ .(].*/\1/p' "$header" | head -n 1)
  name=$(basename "$header" .h)
  echo "$name.h=${part:-$name}"
done | tr '\n' ' ')
# " spec/spec.h ...": what modules may include of one another.
shared=$(for header in "$root"/src/*/*.h; do
  ! is_shared "$header" || echo "${header#"$root/src/"}"
done | tr '\n' ' ')

# check_include MODULE "MODULES BELOW" FILE INCLUDED
check_include() {
  name=${4#?}
  name=${name%?}
  case $4 in
  '<'*)
    other=" $public"
    other=${other#* "${name#moesim/}"=}
    other=${other%% *}
    ;;
  */*)
    other=${name%%/*}
    case " $shared " in *" $name "*) ;; *) complain "$3: $4 is no header for others: its comment names no floor" ;; esac
    ;;
  *)
    case " $shared " in *" $1/$name "*) complain "$3: the name of $4 is \"$1/$name\"" ;; esac
    return
    ;;
  esac
  case " $1 $2 " in
  *" $other "*) ;;
  *) complain "$3: $1 may not include $4" ;;
  esac
}

# check_files MODULE FILE...
check_files() {
  module=$1
  shift
  if ! below=$(allowed "$module"); then
    complain "src/$module: no such module in the table of floors"
    return
  fi
  while IFS=: read -r file included; do
    [ -z "$file" ] || check_include "$module" "$below" "$file" "$included"
  done << END
$(grep -E '^ *# *include *(<moesim/|")' /dev/null "$@" | sed 's/: *# *include */:/; s/\([>"]\)[^>"]*$/\1/')
END
}

# check_compiles HEADER [-IFOLDER]
check_compiles() {
  # shellcheck disable=SC2046,SC2086 # several flags
  "$cc" -std=c11 -fsyntax-only -Wall -Wextra -Werror -I"$root/include" $2 $(pkg-config --cflags glib-2.0 json-glib-1.0) -x c "$1" ||
    complain "$1: does not compile alone"
}

for folder in "$root"/src/*/; do
  check_files "$(basename "$folder")" "$folder"*.[ch]
done

for header in "$root"/include/moesim/*.h; do
  name=$(basename "$header")
  other=" $public"
  other=${other#* "$name"=}
  check_files "${other%% *}" "$header"
  check_compiles "$header" ""
done
for header in $shared; do
  check_compiles "$root/src/$header" -I"$root/src"
done

echo "$failures breaches of the floors"
[ "$failures" -eq 0 ]
