/* Launch scripts as they stand in public repositories, in wording of our own: what the launch is, and what run. */
#include "moetest.h"

#include "doc/doc.h"
#include "spec/spec.h"
#include <moesim/import.h>
#include <string.h>

/* Files beside the script. */
static char *read_beside(G_GNUC_UNUSED void *data, const char *path, gsize *length)
{
  static const char *const beside[][2] = {
      {"./sizes.sh", "HIDDEN=512\nLAYERS=12\n"},
      {"template.json", "{\"train_batch_size\": BATCH, \"zero_optimization\": {\"stage\": STAGE}}"}};

  for (gsize i = 0; i < G_N_ELEMENTS(beside); i++)
    if (strcmp(beside[i][0], path) == 0) {
      *length = strlen(beside[i][1]);
      return g_strdup(beside[i][1]);
    }
  return NULL;
}

#define SMALL_MODEL "--num-layers 4 --hidden-size 512 --num-attention-heads 8 --vocab-size 512 --seq-length 64 --bf16\n"

static const MoeImportFiles files = {read_beside, NULL};

static char *launch_of(const char *text, const char *const *given)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = moe_import_script(text, strlen(text), "run.sh", given, &files, &error);

  return words ? g_strjoinv(" ", words) : g_strdup(error->message);
}

static void check_launch(const char *text, const char *const *given, const char *expected)
{
  g_autofree char *launch = launch_of(text, given);

  ck_assert_str_eq(launch, expected);
}

/* Words keyed by name, read from here-strings and documents, files that the script writes, options of its own. */
START_TEST(follows_words_of_other_places)
{
  static const char *const given[] = {"-t", "4", "-x", "-n16", NULL};

  check_launch("declare -A SIZES=(\n  [8b]=\"4 512\" # layers, width\n  [70b]=\"8 1024\"\n)\nMODEL=70b\n"
               "PAIR=(${SIZES[$MODEL]})\nSIZES[1b]=2\npython t.py --num-layers ${PAIR[0]} --hidden-size ${PAIR[1]} "
               "--ffn ${SIZES[1b]}\n",
               NULL, "python t.py --num-layers 8 --hidden-size 1024 --ffn 2");
  check_launch("read -r -d '' ARGS <<END\n--num-layers 4\n--bf16\nEND\nIFS=',' read -ra P <<< \"4,2\"\n"
               "read -r A B <<< \"1 2 3\"\npython t.py $ARGS --x ${P[1]} $A $B\n",
               NULL, "python t.py --num-layers 4 --bf16 --x 2 1 2 3");
  check_launch("cat > a.txt <<END\n--num-layers 4\nEND\npython t.py $(cat a.txt) --hidden-size $(python3 -c "
               "\"print(4 * 128)\") $(< a.txt)\n",
               NULL, "python t.py --num-layers 4 --hidden-size 512 --num-layers 4");
  check_launch("while getopts \"t:n:x\" opt; do\n  case $opt in\n    t) T=$OPTARG ;;\n    n) N=$OPTARG ;;\n    x) X=1 "
               ";;\n  esac\ndone\npython t.py --num-layers $T --n $N --x $X\n",
               given, "python t.py --num-layers 4 --n 16 --x 1");
}
END_TEST

/* Slurm's directives and the options of launchers say how many processes there are. */
START_TEST(counts_processes)
{
  static const struct {
    const char *text;
    int64_t gpus;
  } cases[] = {
      {"#!/bin/bash\n#SBATCH --nodes=4 --gpus-per-node=8\nsrun python t.py " SMALL_MODEL, 32},
      {"#!/bin/bash\n#SBATCH -N 2\n#SBATCH --gres=gpu:h100:4 # all\nsrun -N 2 python t.py " SMALL_MODEL, 8},
      {"#!/bin/bash\n#SBATCH -N4 --ntasks-per-node=8\nsrun python t.py " SMALL_MODEL, 32},
      {"#!/bin/bash\n#SBATCH --nodes=4\n#SBATCH --ntasks-per-node=1\nsrun torchrun --nnodes $SLURM_NNODES "
       "--nproc_per_node 8 t.py " SMALL_MODEL,
       32},
      {"mpirun -np 16 -x A=1 python t.py " SMALL_MODEL, 16},
      {"srun -n 8 -N 1 python t.py " SMALL_MODEL, 8},
      {"accelerate launch --num_processes 16 --num_machines 2 t.py " SMALL_MODEL, 16},
      {"nice -n 10 torchrun --nproc_per_node 8 t.py " SMALL_MODEL, 8},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import =
        moe_import_megatron_file(&(MoeImportText){cases[i].text, strlen(cases[i].text), "run.sh"}, NULL, NULL,
                                 &(MoeImportOptions){.global_batch = 64}, &error);
    g_autofree char *expected = g_strdup_printf("\n  gpus: %" G_GINT64_FORMAT "\n", cases[i].gpus);

    ck_assert_msg(import != NULL, "%s", error ? error->message : "");
    ck_assert_msg(strstr(import->text, expected) != NULL, "%u: %s", i, import->text);
  }
}
END_TEST

/* A script is read as bash reads it, as far as launch scripts go. */
START_TEST(follows_variables_and_branches)
{
  static const char *const given[] = {"moe", "EP=16", "--x", NULL};

  check_launch(
      "#!/bin/bash\nLAYERS=4 # so many\nA=(\n  --num-layers $LAYERS # layers\n  --hidden-size $((LAYERS * 256))\n)\n"
      "torchrun --nproc_per_node 8 train.py ${A[@]} \\\n  --seq-length ${SEQ:-4096} 2>&1 | tee log.txt\n",
      NULL, "torchrun --nproc_per_node 8 train.py --num-layers 4 --hidden-size 1024 --seq-length 4096");
  check_launch("SIZE=$1\nif [ $SIZE = dense ]; then\n  M=\" --swiglu\"\nelif [[ $SIZE == moe && -n \"$EP\" ]]; then\n"
               "  M=\" --num-experts 8 --expert-model-parallel-size ${EP}\"\nelse\n  exit 1\nfi\n"
               "CMD=\"python train.py --num-layers 2 ${M} $UNSET --save $OUT\"\neval $CMD\n",
               given,
               "python train.py --num-layers 2 --num-experts 8 --expert-model-parallel-size 16 $UNSET --save $OUT");
  check_launch("case $MODE in\n  a|b) N=1 ;;\n  *) N=7 ;;\nesac\nfor i in 1 2; do\n  N=99\ndone\nf() {\n  N=98\n}\n"
               "[ -z \"$MODE\" ] && N=$(($N + 1))\nARGS+=(--num-layers \"$N\")\nARGS+=('--data x y')\npython t.py "
               "\"${ARGS[@]}\"\n",
               NULL, "python t.py --num-layers 100 --data x y");
  check_launch("srun bash -c \"cd /x; torchrun t.py --num-layers 3 --bf16\"\n", NULL,
               "torchrun t.py --num-layers 3 --bf16");
  check_launch("cat <<EOF > x\nMARK=${broken\nEOF\nP=$(($Q > 1 ? 2 : 4))\nexport Q=3; P=$(( Q > 1 ? 2 : 4 ))\nt "
               "--num-layers $P\n",
               NULL, "t --num-layers 2");
  check_launch("MLM_ARGS=\"\n --num-layers 6 \\\n --hidden-size 64\n\"\n", NULL, "--num-layers 6 --hidden-size 64");
  check_launch("echo nothing --num-layers\n", NULL,
               "run.sh: no launch, expected a script that ends in one with --num-layers or --hidden-size");
}
END_TEST

/* Loops, functions and the commands that only make words. */
START_TEST(follows_loops_and_functions)
{
  check_launch("N=5\narr=()\nfor ((i=0; i<N; i++)); do\n  if (( i < 2 )); then\n    arr+=(0)\n  else\n    arr+=(1)\n  "
               "fi\ndone\nprintf -v FREQ \"[%s]\" \"$(IFS=', '; echo \"${arr[*]}\")\"\nt --num-layers $N "
               "--moe-layer-freq $FREQ\n",
               NULL, "t --num-layers 5 --moe-layer-freq [0,0,1,1,1]");
  check_launch("for s in $(seq 3); do\n  [ $s -eq 2 ] && break\n  L+=$s\ndone\nt --num-layers $L\n", NULL,
               "t --num-layers 1");
  check_launch("launch() {\n  local n=$1; shift\n  torchrun t.py --num-layers $n \"$@\"\n}\nif false; then\n  unused() "
               "{\n  L=1\n}\nfi\nlaunch 7 --bf16\n",
               NULL, "torchrun t.py --num-layers 7 --bf16");
  check_launch("while [[ $# -gt 0 ]]; do\n  case $1 in\n    --x) L=9; shift ;;\n    *) shift ;;\n  esac\ndone\n"
               "t --num-layers $L\n",
               (const char *const[]){"a", "--x", NULL}, "t --num-layers 9");
  check_launch("I=0\nwhile [ 1 = 1 ]; do\n  ((I++))\ndone\nt --num-layers ${I}\n", NULL, "t --num-layers 10000");
  check_launch("while true; do\n  t --num-layers 2\n  sleep 60\ndone\n", NULL, "t --num-layers 2");
}
END_TEST

/* Rounds of a loop are bounded by what they read: 1 MB in all. */
START_TEST(bounds_loops)
{
  g_autofree char *filler = g_strnfill(10000, 'x');
  g_autofree char *text =
      g_strdup_printf("I=0\nwhile [ 1 = 1 ]; do\n  ((I++))\n  : %s\ndone\nt --num-layers ${I}\n", filler);
  g_autofree char *launch = launch_of(text, NULL);
  gint64 rounds = g_ascii_strtoll(strrchr(launch, ' '), NULL, 10);

  ck_assert(rounds > 10 && rounds < 200);
}
END_TEST

/* What braces and commands make of values. */
START_TEST(follows_expansions)
{
  check_launch("A=(4 8 16)\nF=a/b-70B.json\nS=${F##*/}; S=${S%.*}\nt --num-layers ${A[1]} --x ${#A[@]} --s $S --t "
               "${S//-/_} --u ${S,,}\n",
               NULL, "t --num-layers 8 --x 3 --s b-70B --t b_70B --u b-70b");
  check_launch(
      "t --num-layers $(expr 3 + 4) --a `basename x/y.sh .sh` --b $(echo \"2 * 3\" | bc) --c $(nvidia-smi | wc)\n",
      NULL, "t --num-layers 7 --a y --b 6 --c $(command)");
  check_launch(": ${L:=12}; : \"${H=$((L * 64))}\"\nt --num-layers $L --hidden-size $H --x ${L:=3}\n", NULL,
               "t --num-layers 12 --hidden-size 768 --x 12");
  check_launch("t --num-layers $((UNKNOWN * 2 / 1)) --y $#\n", NULL, "t --num-layers $UNKNOWN --y 0");
}
END_TEST

/* Files that the script writes, names or hands to another shell. */
START_TEST(follows_files_and_shells)
{
  check_launch("source $(dirname \"$0\")/sizes.sh\nt --num-layers $LAYERS --hidden-size $HIDDEN\n", NULL,
               "t --num-layers 12 --hidden-size 512");
  check_launch("B=16\nF=./ds.$JOB.json\ncat <<EOT > $F\n{\"train_batch_size\": $B}\nEOT\nt --num-layers 2 "
               "--deepspeed_config $F\n",
               NULL, "t --num-layers 2 --deepspeed_config {\"train_batch_size\": 16}\n");
  check_launch("B=16\nsed \"s/BATCH/${B}/\" template.json | sed \"s/STAGE/1/\" > made.json\nt --num-layers 2 "
               "--deepspeed_config made.json\n",
               NULL,
               "t --num-layers 2 --deepspeed_config {\"train_batch_size\": 16, \"zero_optimization\": {\"stage\": 1}}");
  check_launch(
      "CMD=\"train.py --num-layers 3\"\nclear; srun --jobid $ID bash -c '$RUN --node_rank $RANK $CMD' 2>&1 | tee l\n",
      NULL, "$RUN --node_rank $RANK train.py --num-layers 3");
  check_launch("CMD=\"train.py --num-layers 3\"\nsbatch <<EOF\n#!/bin/bash\n#SBATCH --nodes=4\nsrun --mpi=pmix -l \\\n "
               " bash -x -c "
               "\"${CMD}\"\nEOF\n",
               NULL, "train.py --num-layers 3");
  check_launch(
      "#SBATCH --nodes=48\n#SBATCH --gpus-per-node 8\nt --num-layers 3 --nnodes $SLURM_NNODES --nproc-per-node "
      "$SLURM_GPUS_ON_NODE\n",
      NULL, "t --num-layers 3 --nnodes 48 --nproc-per-node 8");
}
END_TEST

/* A comment ends with its line, and a variable of arguments is not taken for a launch that was not understood. */
START_TEST(takes_no_part_for_the_whole)
{
  check_launch("ARGS=\"--num-layers 4\"\n#   --old \\\nCMD=\"t.py --bf16 $ARGS\"\npython $CMD\n", NULL,
               "python t.py --bf16 --num-layers 4");
  check_launch("ARGS=\"--num-layers 4\"\ntorchrun $UNSET_SCRIPT_AND_ARGUMENTS\n", NULL,
               "run.sh: no launch, expected a script that ends in one with --num-layers or --hidden-size");
}
END_TEST

/* ---- runs ------------------------------------------------------------------------------------ */

static MoeImport *import_script(const char *text, GError **error)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir};
  g_auto(GStrv) words = moe_import_script(text, strlen(text), "run.sh", NULL, &files, error);

  return words ? moe_import_megatron((const char *const *)words, &options, error) : NULL;
}

static MoeRun *run_of(const char *text)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeRunOptions options = {.data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) made = import_script(text, &error);

  ck_assert_msg(made != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeDoc) doc = moe_doc_parse(made->text, -1, "imported", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  MoeRun *run = moe_run_from_doc(g_steal_pointer(&doc), "imported", &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static void check_refused(const char *text, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) made = import_script(text, &error);

  ck_assert(made == NULL);
  ck_assert_msg(strstr(error->message, expected) != NULL, "%s", error->message);
}

#define MODEL                                                                                                          \
  "--num-layers 8 --hidden-size 1024 --num-attention-heads 16 --seq-length 1024 --vocab-size 51200 "                   \
  "--micro-batch-size 1 --global-batch-size 64 "

/* DeepSpeed's file decides sharding and precision, the arguments all else; its own pipeline counts the embeddings. */
START_TEST(deepspeed_file_of_a_launch)
{
  g_autoptr(MoeRun) run = run_of(
      "cat <<END > ds.json\n{\"zero_optimization\": {\"stage\": 1}, \"bf16\": {\"enabled\": true}, "
      "\"steps_per_print\": 2000}\nEND\nsrun --wait=60 python -m torch.distributed.run --nproc_per_node 8 --nnodes 4 "
      "--max_restarts 0 pretrain_gpt.py " MODEL "--fp16 --pipeline-model-parallel-size 2 --pp-partition-method "
      "'type:transformer|embedding' --deepspeed --deepspeed_config ds.json "
      "--abort-on-unmet-fused-kernel-constraints\n");

  ck_assert_int_eq(run->parallelism.zero, 1);
  ck_assert_int_eq(run->parallelism.gpus, 32);
  ck_assert_int_eq(run->parallelism.pipeline, 2);
  ck_assert(run->parallelism.embedding_as_layer && run->parallelism.head_as_layer);
  ck_assert_int_eq(run->training.precision.gemm, MOE_BF16);
}
END_TEST

/* Experts of Megatron-DeepSpeed: in every second layer, one for a token. */
START_TEST(deepspeed_experts)
{
  g_autoptr(MoeRun) run = run_of("deepspeed pretrain_gpt.py " MODEL "--fp16 --num-experts 16 "
                                 "--moe-expert-parallel-size 8 --deepspeed\n");

  ck_assert_int_eq(run->architecture.moe.first_layer, 1);
  ck_assert_int_eq(run->architecture.moe.every, 2);
  ck_assert_int_eq(run->architecture.moe.top_k, 1);
  ck_assert_double_eq(run->training.routing.capacity_factor, 1);
  check_refused("deepspeed pretrain_gpt.py " MODEL "--fp16 --num-experts 16 32 --deepspeed\n",
                "--num-experts: 2 values that differ, expected one");
}
END_TEST

/* Mamba without a pattern, and the layers of Megatron's own hybrids. */
START_TEST(mamba)
{
  g_autoptr(MoeRun) run = run_of("torchrun pretrain_mamba.py " MODEL "--bf16 --position-embedding-type none --spec "
                                 "megatron.core.models.mamba.mamba_layer_specs mamba_stack_spec\n");

  ck_assert_uint_eq(run->architecture.n_pattern, 1);
  ck_assert_int_eq(run->architecture.pattern[0].kind.mixer, MOE_MIXER_LINEAR);
  ck_assert_int_eq(run->architecture.layers, 8);
  check_refused("torchrun pretrain_gpt.py " MODEL "--bf16 --spec own.layers get_spec\n",
                "--spec: a run cannot say: layers that code elsewhere describes");
}
END_TEST

/* The gated delta rule in three layers of four, an output gate, an index of sparse attention. */
START_TEST(variants)
{
  g_autoptr(MoeRun) run = run_of("torchrun pretrain_gpt.py " MODEL "--bf16 --attention-output-gate "
                                 "--experimental-attention-variant gated_delta_net --linear-attention-freq 4 "
                                 "--linear-num-key-heads 4 --linear-num-value-heads 8\n");
  const MoeArchitecture *a = &run->architecture;

  ck_assert(a->attention.gated);
  ck_assert_uint_eq(a->n_pattern, 4);
  ck_assert_int_eq(a->pattern[0].kind.mixer, MOE_MIXER_LINEAR);
  ck_assert_int_eq(a->pattern[0].count, 3);
  ck_assert_int_eq(a->pattern[1].kind.mixer, MOE_MIXER_ATTENTION);
  ck_assert_int_eq(a->linear.value_heads, 8);
  ck_assert_int_eq(a->linear.key_dim, 128);
  g_autoptr(MoeRun) sparse = run_of("torchrun pretrain_gpt.py " MODEL "--bf16 --multi-latent-attention "
                                    "--experimental-attention-variant dsa --dsa-indexer-n-heads 4 "
                                    "--dsa-indexer-head-dim 64 --dsa-indexer-topk 512\n");

  ck_assert_int_eq(sparse->architecture.attention.index.top_k, 512);
  check_refused("torchrun pretrain_gpt.py " MODEL "--bf16 --experimental-attention-variant dsa\n",
                "expected --dsa-indexer-n-heads");
  check_refused("torchrun pretrain_gpt.py " MODEL "--bf16 --experimental-attention-variant gdn "
                "--linear-attention-freq '[1,0]'\n",
                "--linear-attention-freq");
}
END_TEST

/* A share of the optimizer that the CPU steps, or all of its state waiting there. */
START_TEST(offload)
{
  g_autoptr(MoeRun) run = run_of("torchrun pretrain_gpt.py " MODEL "--bf16 --optimizer-cpu-offload "
                                 "--optimizer-offload-fraction 0.5 --overlap-cpu-optimizer-d2h-h2d\n");
  g_autoptr(MoeRun) waiting = run_of("torchrun pretrain_gpt.py " MODEL "--bf16 --offload-optimizer-states\n");

  ck_assert_double_eq(run->offload.optimizer, 0.5);
  ck_assert(run->offload.overlap && run->offload.update == MOE_UPDATE_HOST);
  ck_assert(waiting->offload.optimizer == 1 && waiting->offload.update == MOE_UPDATE_DEVICE);
  check_refused("torchrun pretrain_gpt.py " MODEL "--bf16 --optimizer-cpu-offload --optimizer-offload-fraction 2\n",
                "--optimizer-offload-fraction: 2, expected 0 to 1");
}
END_TEST

/* Names of recomputation before 2022. */
START_TEST(old_recomputation)
{
  g_autoptr(MoeRun) run = run_of("python pretrain_gpt.py " MODEL "--fp16 --activations-checkpoint-method uniform\n");

  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_FULL);
}
END_TEST

/* Scripts that train no decoder say so, whatever their arguments; a launcher's own arguments are nothing. */
START_TEST(other_programs)
{
  check_refused("torchrun pretrain_bert.py " MODEL "--bf16\n",
                "pretrain_bert.py: a run cannot say: an encoder that sees both sides (BERT)");
  check_refused("python tools/run_text_generation_server.py " MODEL "--bf16\n", "generation, which is no training");
  g_autoptr(MoeRun) run =
      run_of("srun --jobid 7 --unheard-of x torchrun --nproc-per-node 4 pretrain_gpt.py " MODEL "--bf16\n");

  ck_assert_int_eq(run->parallelism.gpus, 4);
}
END_TEST

/* GPUs that nobody names are as many as the batch can be dealt out to. */
START_TEST(gpus_follow_the_batch)
{
  g_autoptr(MoeRun) run =
      run_of("python pretrain_gpt.py --num-layers 8 --hidden-size 1024 --num-attention-heads 16 "
             "--seq-length 1024 --vocab-size 51200 --micro-batch-size 2 --global-batch-size 32 --bf16 "
             "--tensor-model-parallel-size 2\n");

  ck_assert_int_eq(run->parallelism.gpus, 32);
}
END_TEST

/* A file of settings alone: of a hybrid as well, and with the tokenizer that it names beside them. */
START_TEST(reads_settings)
{
  check_launch("TOKENIZER_MODEL=nvidia/Nemotron-H-8B-Base-8K\nMODEL_ARGS=\" \\\n --hidden-size 512 \\\n "
               "--hybrid-layer-pattern M-M*- \\\n\"\n",
               NULL, "--hidden-size 512 --hybrid-layer-pattern M-M*- --tokenizer-model nvidia/Nemotron-H-8B-Base-8K");
  check_launch("TOKENIZER_MODEL=a/b\nMODEL_ARGS=(--num-layers 4 --vocab-size 512)\n", NULL,
               "--num-layers 4 --vocab-size 512");
}
END_TEST

/* Of several trainings the last is read, and how many there are is said; the same one twice is one. */
START_TEST(says_that_there_are_several)
{
  static const struct {
    const char *text, *note;
  } cases[] = {
      {"python t.py " SMALL_MODEL "python t.py --world-size 8 " SMALL_MODEL,
       "the script launches 2 trainings, of which the last is taken; it differs from the one before in "
       "\"--world-size\""},
      {"for TP in 1 2 4; do\npython t.py --tensor-model-parallel-size $TP " SMALL_MODEL "done\n",
       "the script launches 3 trainings, of which the last is taken; it differs from the one before in \"4\""},
      {"python t.py --swiglu " SMALL_MODEL "python t.py --swiglu " SMALL_MODEL, NULL},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *script = g_strconcat("#!/bin/bash\n", cases[i].text, NULL);
    const MoeImportText file = {script, strlen(script), "run.sh"};
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) made = moe_import_megatron_file(&file, NULL, NULL, NULL, &error);
    const char *first = made ? g_ptr_array_index(made->notes, 0) : error->message;

    if (cases[i].note)
      ck_assert_str_eq(first, cases[i].note);
    else
      ck_assert_ptr_null(strstr(first, "trainings"));
    ck_assert(!cases[i].note || strstr(made->text, cases[i].note));
  }
}
END_TEST

/* Branches that a variable from outside decides are followed as bash would, and it is said which they are; asking
 * whether there is a value is no such branch. */
START_TEST(says_what_nothing_assigns)
{
#define NOTE "conditions compare what nothing assigns, taken as empty: "
  static const struct {
    const char *text, *note;
  } cases[] = {
      {"if [ \"$NODES\" -gt 4 ] || [[ ${NODES} -gt 2 || $KIND == big ]]; then TP=8; else TP=2; fi\n",
       NOTE "$NODES, $KIND;"},
      {"case $SIZE in\n7B) TP=2;;\n*) TP=1;;\nesac\n", NOTE "$SIZE;"},
      {"if [ $1 = big ]; then TP=8; else TP=2; fi\n", NOTE "$1;"},
      {"N=8\nif [ -z $NODES ] || [ \"$NODES\" = \"\" ] || [ ${KIND:-a} = b ] || [ $N -gt 4 ]; then TP=8; fi\n", NULL},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *script =
        g_strconcat(cases[i].text, "python t.py --world-size 8 --tensor-model-parallel-size $TP ", SMALL_MODEL, NULL);
    const MoeImportText file = {script, strlen(script), "run.sh"};
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) made = moe_import_megatron_file(&file, NULL, NULL, NULL, &error);

    ck_assert_msg(made != NULL, "%s", error ? error->message : "");
    const char *first = g_ptr_array_index(made->notes, 0);

    ck_assert_msg(g_str_has_prefix(first, cases[i].note ? cases[i].note : "") &&
                      (cases[i].note || !g_str_has_prefix(first, NOTE)),
                  "%s: %s", cases[i].text, first);
  }
}
END_TEST

/* A value given behind the file is taken, or it is said why it is not. */
START_TEST(says_which_value_does_not_count)
{
  static const struct {
    const char *text, *given, *note;
  } cases[] = {
      {"TP=${TP:-2}\n", "TP=4", NULL},
      {"EXTRA=\"$EXTRA --bf16\"\n[ \"$EXTRA\" = x ] && TP=1\n: ${TP:=2}\n", "EXTRA=--fp16", NULL},
      {"export TP=2\n", "TP=4", "TP=4 behind the file does not count: the script itself assigns \"2\""},
      {"TP=2\n", "TPP=4", "TPP=4 behind the file does not count: the script asks for no TPP"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *script =
        g_strconcat(cases[i].text, "python t.py --world-size 8 --tensor-model-parallel-size $TP ", SMALL_MODEL, NULL);
    const MoeImportText file = {script, strlen(script), "run.sh"};
    const char *const given[] = {cases[i].given, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) made = moe_import_megatron_file(&file, given, NULL, NULL, &error);
    guint said = 0;

    ck_assert_msg(made != NULL, "%s", error ? error->message : "");
    for (guint n = 0; n < made->notes->len; n++) {
      const char *note = g_ptr_array_index(made->notes, n);

      said += g_strcmp0(note, cases[i].note) == 0 ? 1 : 0;
      ck_assert_msg(cases[i].note || !strstr(note, "does not count"), "%s: %s", cases[i].text, note);
    }
    ck_assert_msg(said == (cases[i].note ? 1 : 0), "%s", cases[i].text);
  }
}
END_TEST

MOE_TEST_MAIN("interchange/scripts", reads_settings, says_that_there_are_several, says_what_nothing_assigns,
              says_which_value_does_not_count, follows_variables_and_branches, follows_loops_and_functions,
              bounds_loops, follows_expansions, follows_files_and_shells, takes_no_part_for_the_whole,
              deepspeed_file_of_a_launch, deepspeed_experts, mamba, variants, offload, old_recomputation,
              other_programs, gpus_follow_the_batch, follows_words_of_other_places, counts_processes)
