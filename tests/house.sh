#!/bin/sh
# The house tests its law (CONTRIBUTING.md): what a person would otherwise have to see in review.
# usage: house.sh SOURCE_ROOT [RULE...]      every rule, or those named
#        house.sh --prove FOLDER             each FOLDER/RULE breaks RULE, and is refused for it alone
set -u

readonly FUNCTION_LINES=45 FILE_LINES=500 TEXT_COLUMNS=140
readonly RULES="functions files variables goto output headers types format documents"

for tool in ctags clang-format; do
  command -v $tool > /dev/null || { echo "house.sh: $tool is missing; tools/install.sh test" >&2; exit 2; }
done

# The sources below the root: of the program, and of the tests with them.
ours() {
  find "$root/src" "$root/include" -name '*.[ch]' 2> /dev/null | sort
}

all() {
  ours
  find "$root/tests" -name '*.[ch]' -not -path '*-bad/*' 2> /dev/null | sort
}

# Functions of at most FUNCTION_LINES lines, braces and signature with them.
check_functions() {
  ours | ctags -L - -x --kinds-C=f --_xformat='%F %n %{end} %N' 2> /dev/null |
    awk -v most="$FUNCTION_LINES" '$3 - $2 + 1 > most { print $1 ":" $2 ": " $4 " has " $3 - $2 + 1 " lines, at most " most }'
}

check_files() {
  ours | xargs -r wc -l | awk -v most="$FILE_LINES" '$2 != "total" && $1 > most { print $2 ": " $1 " lines, at most " most }'
}

# No variable that changes lives longer than a call. interrupt.c has what a signal handler needs.
check_variables() {
  # A definition's first line is its own, or the one where a struct without a name opens.
  ours | grep -v '/src/cli/interrupt\.c$' | ctags -L - -x --kinds-C=v --_xformat='%F %n %N' 2> /dev/null |
    while read -r file line name; do
      head -n "$line" "$file" | awk -v place="$file:$line" -v name="$name" '
        /^(static|const|extern)/ { first = $0 }
        { last = $0 }
        END {
          text = last ~ /^}/ ? first : last
          sub(/[[=].*/, "", text)
          star = match(text, /\*[^*]*$/)
          if ((star ? substr(text, star) : text) !~ /const/) print place ": " name " can change, expected const"
        }'
    done
  ours | xargs -r grep -nE '^ +static ' /dev/null | grep -vE 'static (inline )?const|\*const ' |
    sed 's/:[^:]*$/: a variable of a function that outlives its calls/'
}

check_goto() {
  all | xargs -r grep -nE '^[^"/*]*\bgoto +[a-z_]+;' /dev/null | sed 's/$/  (no goto)/'
}

# Only cli prints, exits and reads the environment; where the data folder is looked for, it is read, too.
check_output() {
  ours | grep -v -e '/src/cli/' -e '/src/door/data\.c$' |
    xargs -r grep -nE '(^|[^a-z_0-9])(f?printf|puts|putchar|perror|exit|abort|getenv|g_getenv|g_print|g_printerr|g_warning|g_message) *\(' /dev/null |
    grep -vE ':[0-9]+: *(/?\*|//)' | sed 's/$/  (only cli does this)/'
}

# Header of a library -> the modules that may include it. Those of the language and GLib are free.
may_include() {
  case $1 in
  yaml.h) echo doc notation ;;
  json-glib/*) echo door figure interchange measured notation record report serve trace ;;
  zlib.h) echo interchange measured record trace ;;
  libsmartcols.h) echo record ;;
  nlopt.h) echo calibrate infer ;;
  sqlite3.h) echo infer measured study ;;
  dlfcn.h) echo base cli door serve ;;
  malloc.h | mpi.h | signal.h) echo cli ;;
  fcntl.h | unistd.h | sys/* | linux/*) echo cli doc record report serve study ;;
  microhttpd.h | arpa/* | netdb.h | poll.h) echo serve ;;
  assert.h | ctype.h | errno.h | float.h | inttypes.h | limits.h | locale.h | math.h | stdarg.h | stddef.h | stdint.h | stdio.h | stdlib.h | string.h | glib.h | glib/*)
    echo '*' ;;
  esac
}

check_headers() {
  ours | xargs -r grep -nE '^ *# *include *<' /dev/null | grep -v '<moesim/' | while IFS=: read -r file line text; do
    header=$(echo "$text" | sed 's/.*<\(.*\)>.*/\1/')
    module=$(basename "$(dirname "$file")")
    may=$(may_include "$header")
    case " $may " in
    ' * ' | *" $module "*) ;;
    *) echo "$file:$line: $module may not include <$header>" ;;
    esac
  done
}

# What a header names, nothing else is called.
check_types() {
  ours | ctags -L - -x --kinds-C=t --_xformat='%N %F:%n' 2> /dev/null | sort -u | awk '
    { places[$1] = places[$1] " " $2; n[$1]++; if ($2 ~ /\.h:/) shared[$1] = 1 }
    END { for (name in n) if (n[name] > 1 && shared[name]) print "type " name " is defined in" places[name] }' | sort
}

check_format() {
  all | xargs -r clang-format --style="file:$style" --dry-run 2>&1 | grep -E ': warning:' | sed 's/warning: //' | sort -u
}

# Documents have one width, tables apart, whose rows are lines; each page is found from README.md.
check_documents() {
  find "$root" -name '*.md' -not -path "$root/build*" -not -path '*/.*' -not -path '*-bad/*/*' 2> /dev/null | sort |
    LC_ALL=C.UTF-8 xargs -r awk -v most="$TEXT_COLUMNS" '
      !/^\|/ && length($0) > most { print FILENAME ":" FNR ": " length($0) " columns, at most " most }'
  for page in "$root"/docs/*.md; do
    [ ! -e "$page" ] || grep -qsF "(docs/$(basename "$page"))" "$root/README.md" || echo "$page: README.md does not lead there"
  done
}

# run RULE: prints its breaches.
run() {
  check_"$1"
}

style=$(realpath "$(dirname "$0")/../.clang-format")

prove() {
  missed=0
  for rule in $RULES; do
    root=$1/$rule
    [ -d "$root" ] || { echo "no example breaks $rule"; missed=$((missed + 1)); continue; }
    for other in $RULES; do
      found=$(run "$other")
      if [ "$other" = "$rule" ] && [ -z "$found" ]; then
        echo "$root: $rule is not noticed"
        missed=$((missed + 1))
      elif [ "$other" != "$rule" ] && [ -n "$found" ]; then
        echo "$root: breaks $other, too: $found"
        missed=$((missed + 1))
      fi
    done
  done
  echo "$missed rules without proof"
  [ "$missed" -eq 0 ]
}

if [ "$1" = --prove ]; then
  prove "$(realpath "$2")"
  exit
fi

root=$(realpath "$1") || exit 2
shift
breaches=$(for rule in ${*:-$RULES}; do run "$rule"; done)
[ -z "$breaches" ] || echo "$breaches" | sed "s|$root/||g"
echo "$(printf '%s' "$breaches" | grep -c '') breaches of the house"
[ -z "$breaches" ]
