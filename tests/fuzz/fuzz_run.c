/* A run file of any bytes, after resolution, reading and validation: it loads with finite, positive counts or is
 * refused. Inputs that start with "--set " are overrides of a run that exists. */
#include "layer/layer.h"
#include <math.h>
#include <string.h>

#include "fuzz.h"

#define SET "--set "

static void check_run(const MoeRun *run)
{
  MoeParameters parameters;
  MoeModelFlops flops;

  moe_count_parameters(&run->architecture, &parameters);
  moe_count_model_flops(&run->architecture, &run->training, &flops);
  g_assert_true(isfinite(parameters.total) && parameters.total > 0 && parameters.active <= parameters.total);
  g_assert_true(isfinite(flops.causal) && flops.causal > 0 && flops.causal <= flops.full);
  g_assert_true(run->parallelism.data >= 1 && run->parallelism.micro_batches >= 1);
}

static MoeRun *load_text(const char *text, size_t size, const MoeRunOptions *options, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, (gssize)size, "fuzz", NULL, error);

  return doc ? moe_run_from_doc(g_steal_pointer(&doc), "fuzz", options, error) : NULL;
}

static MoeRun *load_with(const char *assignment, MoeRunOptions *options, GError **error)
{
  g_autofree char *path = g_build_filename(options->data_dir, "models", "mixtral-8x7b.yaml", NULL);
  const char *const sets[] = {assignment, NULL};

  options->sets = sets;
  MoeRun *run = moe_run_load(path, options, error);

  options->sets = NULL;
  return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *folder = g_getenv("MOESIM_DATA");
  MoeRunOptions options = {.data_dir = folder ? folder : "."};
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(GError) error = NULL;
  gboolean set = g_str_has_prefix(text, SET);
  g_autoptr(MoeRun) run =
      set ? load_with(text + strlen(SET), &options, &error) : load_text((const char *)data, size, &options, &error);

  if (run)
    check_run(run);
  else
    g_assert_true(error && *error->message && !strchr(error->message, '\n'));
  return 0;
}
