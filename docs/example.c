/* What is a run's MFU, and how does it change with another NVLink domain? Both doors of the library: structs of C, and
 * text of JSON for whoever has other languages.
 *
 *     cc example.c $(pkg-config --cflags --libs moesim) -o example && ./example models/mixtral-8x7b.yaml
 */
#include <moesim/door.h>
#include <moesim/predict.h>
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

/* The same question as text: docs/door.md. The run is a name that ships, or a path. */
static gboolean print_answer(const char *run, const char *cluster)
{
  g_autofree char *request = g_strdup_printf("{\"run\": \"%s\", \"cluster\": \"%s\"}", run, cluster);
  char *answer = moe_predict_json(request);
  gboolean good = !g_strrstr(answer, "\"error\" : {");

  fputs(answer,
        good ? stdout : stderr); /* an object with the keys of docs/outputs.md, or {"error": {"message": ...}} */
  moe_text_free(answer);
  return good;
}

int main(int argc, char **argv)
{
  if (argc < 2) {
    fprintf(stderr, "usage: %s RUN.yaml [CLUSTER]\n", argv[0]);
    return 2;
  }
  return print_mfu(argv[1], NULL) && (argc < 3 || print_answer(argv[1], argv[2])) ? 0 : 2;
}
