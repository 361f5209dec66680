#!/bin/sh
# The options that --help lists, the manual page and both completions have are the same, for every command.
#   documented.sh MOESIM SOURCE
. "$(dirname "$0")/lib.sh"

source=$2
page=$source/docs/moesim.1
mkdir "$work/bin"
ln -s "$moesim" "$work/bin/moesim"
PATH=$work/bin:$PATH
export PATH

# Options of --help, one per line.
help_options() {
  "$moesim" "$1" --wide --help | awk '/^Options:/ { inside = 1; next } /^$/ { inside = 0 }
    inside { sub(/^ *(-[a-zA-Z], )?/, ""); sub(/[= ].*/, ""); print }' | sort
}

# What a section of the manual page has as items: "section HEADING", a heading as it stands behind .SH or .SS.
section_text() {
  tr -d '\\' < "$page" | awk -v heading="$1" '
    /^\.S[HS] / { line = $0; sub(/^\.S[HS] "?/, "", line); sub(/"$/, "", line)
                  inside = line == heading || index(line, heading " ") == 1; next }
    inside'
}
section_options() {
  section_text "$1" | awk '/^\.TP/ { item = 1; next } item && match($0, /--[a-z-]+/) { print substr($0, RSTART, RLENGTH); item = 0 }
    item && !/c$/ { item = 0 }'
}

# The manual page names what is common once.
page_options() {
  {
    echo "--help"
    echo "--wide"
    section_options "$1"
    if section_text "$1" | grep -q 'Takes the common options'; then
      section_text "$1" | sed -n 's/.*Takes the common options but \(.*\), too.*/\1/p' | grep -o -e '--[a-z-]*' > "$work/less"
      section_options "COMMON OPTIONS" | grep -vFx -f "$work/less"
    fi
  } | sort
}

bash_options() {
  bash -c '. "$1/tools/completion/moesim.bash"; COMP_WORDS=(moesim "$2" --); COMP_CWORD=2; _moesim
    printf "%s\n" "${COMPREPLY[@]}"' bash "$source" "$1" | sort
}

# The functions of zsh's completion system, as far as they are called.
zsh_options() {
  zsh -fc 'compadd() { print -l -- ${(P)2} }
    words=(moesim $2 --); CURRENT=3; . $1/tools/completion/_moesim' zsh "$source" "$1" | sort
}

# same WHAT COMMAND: the options are those of --help.
same() {
  said="moesim $2: $1"
  "$1"_options "$2" > "$work/out"
  diff "$work/help" "$work/out" > "$work/err"
  check "options differ from --help (<)" [ ! -s "$work/err" ]
}

commands=$("$moesim" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
check "no commands" [ -n "$commands" ]
for command in $commands; do
  help_options "$command" > "$work/help"
  check "no options" grep -q -e '^--help$' "$work/help"
  same page "$command"
  same bash "$command"
  if command -v zsh > /dev/null; then same zsh "$command"; fi
done

said="commands of the manual page"
section_text COMMANDS > "$work/out"
tr -d '\\' < "$page" | sed -n '/^\.SH COMMANDS/,/^\.SH COMMON/s/^\.SS "\([a-z-]*\).*/\1/p' > "$work/listed"
echo "$commands" | diff - "$work/listed" > "$work/err"
check "commands differ from --help (<)" [ ! -s "$work/err" ]

finish
