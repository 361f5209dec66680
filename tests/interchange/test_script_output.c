/* What $(...) prints in launch scripts: functions, conditions, arrays; what is not followed stays open. */
#include "moetest.h"

#include <moesim/import.h>
#include <string.h>

#define LAUNCH                                                                                                         \
  "python t.py --world-size 8 --tensor-model-parallel-size $TP --num-layers 4 --hidden-size 512 "                      \
  "--num-attention-heads 8 "                                                                                           \
  "--vocab-size 512 --seq-length 64 --bf16\n"

static MoeImport *import_launch(const char *head, GError **error)
{
  g_autofree char *script = g_strconcat(head, LAUNCH, NULL);

  return moe_import_megatron_file(&(MoeImportText){script, strlen(script), "run.sh"}, NULL, NULL, NULL, error);
}

/* What the script's own functions print, and what they leave behind: nothing of $(...), no open if of a return. */
START_TEST(what_is_printed_counts)
{
  static const char *const heads[] = {
      "degree() { local n=$1; echo \"$((n * 2))\"; }\nTP=$(degree 2)\n",
      "degree() {\n  if [ $1 = big ]; then\n    TP=1; printf '%s\\n' 4; return\n  fi\n  echo 1\n}\nTP=8\n"
      "if [ $TP = 8 ]; then\n  N=$(degree big)\nelse\n  N=2\nfi\n[ $TP = 8 ] && TP=$N\n",
      "set_it() {\n  if true && [ 1 = 1 ]; then\n    TP=4; return\n  fi\n}\nif [ 1 = 1 ]; then\n  set_it\nelse\n  "
      "TP=1\nfi\n",
      "pair() { echo \"4 $1\"; }\nread -r TP OTHER <<< \"$(pair 9)\"\n",
      "mapfile -t ALL < <(printf '%s\\n' 2 4)\nTP=${ALL[1]}\n",
      "TP=$((2 ** 3 >> 1))\nif (( TP > 2 && TP < 8 || TP == 9 )); then TP=4; else TP=1; fi\n",
      "N=8\nLIST=($([[ $N -gt 4 ]] && echo \"4 8\") )\nTP=${LIST[0]}\n",
      "N=8\nTP=$(if [ $N = 8 ]; then echo wrong >&2; echo 4; else echo 2; fi)\n",
      "N=8\nTP=$( [ $N -gt 8 ] && echo 8 || echo 4 )\n",
      "pick() { mkdir -p x; cat << END\n4\nEND\n}\nTP=$(pick)\n",
      "LIST=()\nset --\nall() { echo $#; }\nN=$(all \"${LIST[@]}\" \"$@\" \"${@:2}\" \"\" \"x$@\")\nTP=$((N * 2))\n",
      "N=2; case \"$N\" in 1) ;; (2) LIST=(4 8); TP=${LIST[0]};; *) LIST=(1); TP=1;; esac\n",
      "case 7b in 7*) LIST=( 4 );; *) LIST=( 1 );; esac\nTP=${LIST[0]}\n",
      "LIST=(2 4 8)\nset -- \"${LIST[@]:1:1}\" 16\nTP=${@:1:1}\n",
      "NAME=tp4x\nset -- a b \"${NAME:2:1}\"\npick() { echo \"$1\"; }\nTP=$(pick \"${@:3}\")\n",
      "LIST=(1 2 4)\nTP=${LIST[@]: -1}\n",
      "lines() { echo 4; echo 8; }\nreadarray -t ALL < <(lines)\nTP=${ALL[0]}\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) made = import_launch(heads[i], &error);

    ck_assert_msg(made != NULL, "%s: %s", heads[i], error ? error->message : "");
    ck_assert_msg(strstr(made->text, "\n  tensor: 4\n") != NULL, "%s: %s", heads[i], made->text);
  }
}
END_TEST

/* What is printed by a command that is not followed stays open. */
START_TEST(what_is_not_followed_stays_open)
{
  static const char *const heads[] = {
      "degree() { echo 1; nvidia-smi -L; }\nTP=$(degree)\n",
      "TP=$(echo 4 | awk '{print $1 * 2}')\n",
      "TP=$([ 1 = 1 ] && hostname || echo 4)\n",
      "degree() { echo 4 | wc -l; }\nTP=$(degree)\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) made = import_launch(heads[i], &error);

    ck_assert_msg(made == NULL, "%s: %s", heads[i], made ? made->text : "");
    ck_assert_msg(strstr(error->message, "--tensor-model-parallel-size: ") != NULL, "%s", error->message);
  }
}
END_TEST

MOE_TEST_MAIN("interchange/script_output", what_is_printed_counts, what_is_not_followed_stays_open)
