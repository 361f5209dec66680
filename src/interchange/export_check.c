/* Whether a configuration that was written for other software is still the run's model. */
#include "export_loss.h"
#include "layer/layer.h"
#include <math.h>
#include <moesim/export.h>
#include <moesim/import.h>
#include <string.h>

#define GIGA     1e9
#define MOST_OFF 0.01 /* of parameters: padding of the vocabulary and biases stay below */

static MoeImport *import_again(MoeExportKind kind, const char *text, const MoeImportOptions *options, GError **error)
{
  gsize length = strlen(text);

  if (kind == MOE_EXPORT_HF)
    return moe_import_hf(text, length, "config.json", options, error);
  if (kind == MOE_EXPORT_TORCHTITAN)
    return moe_import_torchtitan(text, length, "torchtitan", options, error);
  g_auto(GStrv) words = moe_import_words(text, length, "arguments", error);

  return words ? moe_import_megatron((const char *const *)words, options, error) : NULL;
}

static MoeRun *run_again(const MoeRun *run, MoeExportKind kind, const char *text, const char *data_dir, GError **error)
{
  const MoeImportOptions options = {.data_dir = data_dir, .cluster = run->cluster.name, .stack = run->stack.name};
  const MoeRunOptions load = {.data_dir = data_dir};
  g_autoptr(MoeImport) import = import_again(kind, text, &options, error);

  return import ? moe_run_parse(import->text, -1, run->name, NULL, &load, error) : NULL;
}

static gboolean is_near(double a, double b)
{
  return fabs(a - b) <= MOST_OFF * b;
}

static gboolean fail(const MoeRun *run, const char *what, const GPtrArray *notes, GError **error)
{
  g_autoptr(GString) lost = g_string_new(NULL);

  for (guint i = 0; notes && i < notes->len; i++)
    g_string_append_printf(lost, "; %s", (const char *)g_ptr_array_index(notes, i));
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = run->name},
                  "%s, expected a model that the export can say%s", what, lost->str);
}

/* What shapes a step, and what a Hugging Face configuration says of it. */
static const char *const whole[] = {"training", "parallelism", "recompute",    "offload",
                                    "cluster",  "stack",       "architecture", NULL};
static const char *const model[] = {"architecture", NULL};

gboolean moe_export_check(const MoeRun *run, MoeExportKind kind, const char *text, GPtrArray *notes,
                          const char *data_dir, GError **error)
{
  g_autoptr(GError) reason = NULL;
  g_autoptr(MoeRun) again = run_again(run, kind, text, data_dir, &reason);
  MoeParameters here, there;

  if (!again)
    return fail(run, notes && notes->len > 0 ? "what is exported cannot be read again" : reason->message, notes, error);
  moe_count_parameters(&run->architecture, &here);
  moe_count_parameters(&again->architecture, &there);
  if (is_near((double)there.total, (double)here.total) && is_near((double)there.active, (double)here.active)) {
    if (notes)
      export_add_losses(run, again, kind == MOE_EXPORT_HF ? model : whole, notes);
    return TRUE;
  }
  g_autofree char *what = g_strdup_printf(
      "exported it has %.4g G parameters, %.4g G active, in place of %.4g and %.4g G", (double)there.total / GIGA,
      (double)there.active / GIGA, (double)here.total / GIGA, (double)here.active / GIGA);

  return fail(run, what, notes, error);
}
