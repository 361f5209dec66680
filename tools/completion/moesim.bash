# bash completion for moesim. Asks the program itself, so that it never lags behind.
_moesim()
{
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}

  # A colon begins a word of its own.
  local word=$current option=$previous
  if [ "$previous" = : ] && [ "$COMP_CWORD" -gt 3 ]; then
    word=${COMP_WORDS[COMP_CWORD - 2]}:$current option=${COMP_WORDS[COMP_CWORD - 3]}
  elif [ "$current" = : ] && [ "$COMP_CWORD" -gt 2 ]; then
    word=$previous: option=${COMP_WORDS[COMP_CWORD - 2]}
  fi

  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(COLUMNS=9999 moesim --help 2> /dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p') --help --version" -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(moesim "$command" --wide --help 2> /dev/null | sed -nE '/^Options:/,/^$/s/^ +(-[a-zA-Z], )?(--[a-z-]+).*/\2/p')" -- "$current")
  elif [ "$command" = plot ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(moesim plot --wide --help 2> /dev/null | sed -n '/^Kinds:/,/^$/s/^  \([a-z-]*\) .*/\1/p')" -- "$current")
  elif [ "$command" = import ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "hf megatron torchtitan deepspeed" -- "$current")
  elif [ "$command" = export ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "goal chakra megatron torchtitan hf" -- "$current")
  elif [ "$command" = list ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "models architectures clusters stacks schedules kernels libraries plots keys axes variants" -- "$current")
  elif [[ "$option" = --cluster || "$option" = --stack ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(moesim list "${option#--}s" --wide 2> /dev/null | sed 1d | awk '{ print $1 }')" -- "$word")
    # What stands before the colon of SOFTWARE:VARIANT is there already.
    [ "$word" = "$current" ] || COMPREPLY=("${COMPREPLY[@]#*:}")
  elif [ "$command" = schema ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "run cluster stack accelerator fabric case" -- "$current")
  elif [ "$command" = store ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "check" -- "$current")
  elif [[ "$previous" = --set || "$previous" = --vary || "$previous" = --with || "$previous" = --limit ]]; then
    mapfile -t COMPREPLY < <(compgen -S = -W "$(_moesim_names "$previous")" -- "$current")
    compopt -o nospace 2> /dev/null
  elif [[ "$previous" = = || "$current" = = ]] && [ "$COMP_CWORD" -gt 3 ]; then # the shell breaks KEY=VALUE at "="
    local key=${COMP_WORDS[COMP_CWORD - 2]}
    [ "$current" = = ] && key=$previous current=
    mapfile -t COMPREPLY < <(compgen -W "$(_moesim_values "$key")" -- "$current")
  elif [[ "$previous" = : && -f ${COMP_WORDS[COMP_CWORD - 2]} || "$current" = : && -f $previous ]]; then # RUN.yaml:VARIANT
    mapfile -t COMPREPLY < <(compgen -W "$(_moesim_variants)" -- "${current#:}")
  elif [ "$previous" = --variant ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_moesim_variants)" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

# Keys of a run, or for --limit the dimensions of a search.
_moesim_names()
{
  local kind=keys

  [ "$1" = --limit ] && kind=axes
  moesim list $kind --wide 2> /dev/null | sed 1d | awk '{ print $1 }'
}

# Words that a key takes; machines and software by name.
_moesim_values()
{
  case $1 in
  cluster | stack) moesim list "$1s" --wide 2> /dev/null | sed 1d | awk '{ print $1 }' ;;
  *) moesim list keys --format csv 2> /dev/null | awk -F, -v key="$1" '$1 == key && $NF ~ / \| / { gsub(/ \| /, " ", $NF); print $NF }' ;;
  esac
}

# Of the first file on the line.
_moesim_variants()
{
  local word

  for word in "${COMP_WORDS[@]:2}"; do
    [ -f "$word" ] && moesim list variants "$word" --wide 2> /dev/null | sed 1d | awk '{ print $1 }' && return
  done
}
complete -o filenames -F _moesim moesim
