#!/bin/sh
# What only a terminal sees: a bar while it takes long, gone when it is done, and bold headers. Skipped (77) without script(1).
. "$(dirname "$0")/lib.sh"
# Without pseudo-terminals (a bare chroot) there is nothing to see either.
script -qec true /dev/null < /dev/null > /dev/null 2>&1 || exit 77

run=$data/models/mixtral-8x7b.yaml
escape=$(printf '\033')

# on_terminal ENVIRONMENT ARGUMENT...: both outputs to one terminal; lines of $work/out end where the cursor returns.
on_terminal() {
  environment=$1
  shift
  said="$environment moesim $* on a terminal"
  : > "$work/err"
  # shellcheck disable=SC2086 # words
  env $environment script -qec "'$moesim' $*" /dev/null < /dev/null | tr '\r' '\n' > "$work/out"
}

on_terminal TERM=xterm sensitivity "$run" --samples 5 --jobs 1
bars=$(grep -c '^\[[#.]* *' "$work/out")
total=$(sed -n 's/^\[#*\] [0-9]* \/ \([0-9]*\), 0 s left *$/\1/p' "$work/out")
check "simulations: $total" [ "${total:-0}" -gt 5 ]
check "$bars bars of $total simulations" [ "$bars" -eq "${total:-0}" ]
check "bars are thirty wide" sh -c "grep '^\[' '$work/out' | grep -vqE '^\[[#.]{30}\] ' && exit 1 || exit 0"
check "the bar is not erased" grep -q "^$escape\[K" "$work/out"
check "no bold header" grep -q "^$escape\[1m .*MFU causal" "$work/out"
expect_out "5 combinations"

# Who wants no colours gets none; a terminal that knows no escapes neither.
for environment in "TERM=xterm NO_COLOR=1" "TERM=dumb"; do
  on_terminal "$environment" memory "$run"
  check "escapes" sh -c "! grep -q '$escape\[1m' '$work/out'"
  expect_out "weights"
done

finish
