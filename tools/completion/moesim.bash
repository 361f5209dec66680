# bash completion for moesim. Asks the program itself, so that it never lags behind.
_moesim()
{
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}

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
    mapfile -t COMPREPLY < <(compgen -W "models clusters stacks schedules kernels libraries plots" -- "$current")
  elif [[ "$previous" = --cluster || "$previous" = --stack ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(moesim list "${previous#--}s" --wide 2> /dev/null | sed 1d | awk '{ print $1 }')" -- "$current")
  elif [ "$command" = schema ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "run cluster stack accelerator fabric case" -- "$current")
  elif [ "$command" = store ] && [ "$COMP_CWORD" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W "check" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _moesim moesim
