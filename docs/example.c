/* What is a run's MFU, and how does it change with another NVLink domain?
 *
 *     cc example.c $(pkg-config --cflags --libs moesim) -o example && ./example models/mixtral-8x7b.yaml
 */
#include <moesim/study.h>
#include <stdio.h>

/* Predicts a run on a cluster (NULL: its own); FALSE after a message when that cannot be. */
static gboolean print_mfu(const char *path, const char *cluster)
{
  g_autoptr(GError) error = NULL;
  const MoeRunOptions options = {.cluster = cluster, .data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, NULL, &error) : NULL;

  if (!result) {
    fprintf(stderr, "%s\n", error->message); /* file:line:column: what is wrong, what was expected */
    return FALSE;
  }
  g_autofree char *step = moe_quantity_format(result->step_time_s, MOE_DIM_SECONDS);
  g_autofree char *peak = moe_quantity_format(result->peak_flop_per_s, MOE_DIM_FLOP_PER_S);

  printf("%s on %" G_GINT64_FORMAT " GPUs of %s: step %s, MFU %.1f %% of %s\n", result->run, result->gpus,
         result->cluster, step, 100 * result->mfu_causal, peak);
  for (int cause = 0; cause < MOE_N_CAUSES; cause++)
    printf("  %-20s %5.1f %%\n", moe_cause_words[cause], 100 * result->cause_s[cause] / result->step_time_s);
  return TRUE;
}

int main(int argc, char **argv)
{
  if (argc < 2) {
    fprintf(stderr, "usage: %s RUN.yaml [CLUSTER]\n", argv[0]);
    return 2;
  }
  return print_mfu(argv[1], NULL) && (argc < 3 || print_mfu(argv[1], argv[2])) ? 0 : 2;
}
