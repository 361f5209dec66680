/* What was not published, learned from what was. */
#include "infer/infer.h"
#include "internal.h"
#include "report/findings.h"

#include <string.h>

#define MAX_SIMULATIONS 100000
#define LEAST_PARTICLES 100
#define MOST_PARTICLES  100000
#define PARTICLES       1000 /* as moesim infer has it where nothing is said */
#define WITHIN          0.05

static char *existing(const char *folder, const char *inside, const char *file)
{
  g_autofree char *path = g_build_filename(folder, inside, file, NULL);

  return g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&path) : NULL;
}

/* "mai-base-1", "validation/mai-base-1.yaml" or a path of the caller's; NULL when there is no such file. */
static char *find_file(const MoeRequest *request, const char *name)
{
  const char *folder = request->data_dir ? request->data_dir : ".";
  g_autofree char *file = g_strconcat(name, g_str_has_suffix(name, ".yaml") ? "" : ".yaml", NULL);

  if (!request->options->confined && g_file_test(name, G_FILE_TEST_IS_REGULAR))
    return g_strdup(name);
  if (request->options->confined && (g_path_is_absolute(name) || strstr(name, "..")))
    return NULL;
  char *found = existing(folder, "", file);
  return found ? found : existing(folder, "validation", file);
}

/* "FILE" or "FILE:ID" with the file as it is found. */
static char *find_cases(const MoeRequest *request, const char *said)
{
  const char *colon = strrchr(said, ':');
  char *whole = find_file(request, said);
  g_autofree char *name = colon ? g_strndup(said, (gsize)(colon - said)) : NULL;
  g_autofree char *file = !whole && name ? find_file(request, name) : NULL;

  return whole ? whole : file ? g_strconcat(file, colon, NULL) : NULL;
}

/* The cases of a key, NULL-terminated; empty when absent. NULL and *error when one is nowhere. */
static GPtrArray *read_cases(const MoeRequest *request, const char *key, GError **error)
{
  g_autoptr(GPtrArray) said = moe_request_list(request, key, error);
  g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; said && said->pdata[i]; i++) {
    char *cases = find_cases(request, said->pdata[i]);

    if (!cases) {
      moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_request_get(request, key)),
               "no cases '%s', expected FILE or FILE:ID of a file such as validation/mai-base-1.yaml",
               (const char *)said->pdata[i]);
      return NULL;
    }
    g_ptr_array_add(found, cases);
  }
  g_ptr_array_add(found, NULL);
  return said ? g_steal_pointer(&found) : NULL;
}

/* A share above 0 and below 1; *share stays where nothing is said. */
static gboolean read_share(const MoeRequest *request, const char *key, double *share, GError **error)
{
  const MoeNode *node = moe_request_get(request, key);

  if (!node)
    return TRUE;
  return moe_node_read_quantity(node, MOE_DIM_NONE, share, error) &&
         ((*share > 0 && *share < 1) || moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                                                 "%g, expected a share above 0 and below 1, as 0.03", *share));
}

static gboolean read_options(const MoeRequest *request, MoeInferOptions *options, GError **error)
{
  int64_t particles = PARTICLES, simulations = 0;

  if (!moe_request_sim(request, &options->sim, error) || !moe_request_jobs(request, &options->jobs, error) ||
      !read_share(request, "noise", &options->noise, error) ||
      !read_share(request, "within", &options->within, error) ||
      !moe_request_integer(request, "particles", LEAST_PARTICLES, MOST_PARTICLES, &particles, error) ||
      !moe_request_integer(request, "simulations", 0, MAX_SIMULATIONS, &simulations, error))
    return FALSE;
  options->n_particles = (guint)particles;
  options->n_simulations = (guint)simulations;
  return TRUE;
}

char *moe_door_infer(const MoeRequest *request, GError **error)
{
  MoeInferOptions options = {.within = WITHIN,
                             .data_dir = request->data_dir,
                             .salt = "",
                             .progress = moe_request_progress,
                             .progress_data = (gpointer)request};
  g_autoptr(GPtrArray) from = read_options(request, &options, error) ? read_cases(request, "cases", error) : NULL;
  g_autoptr(GPtrArray) out = from ? read_cases(request, "hold_out", error) : NULL;
  g_autoptr(GError) none = NULL;

  if (!out)
    return NULL;
  if (!from->pdata[0]) {
    moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_doc_root(request->doc)),
             "no \"cases\", expected a list of FILE or FILE:ID");
    return NULL;
  }
  options.from = (const char *const *)from->pdata;
  options.hold_out = (const char *const *)out->pdata;
  g_autoptr(MoeResiduals) residuals = moe_ask_residuals(request->data_dir, &none);
  if (none) {
    g_propagate_error(error, g_steal_pointer(&none));
    return NULL;
  }
  options.residuals = residuals;
  g_autoptr(MoeInference) inference = moe_infer(&options, error);
  return inference ? moe_report_infer(inference, MOE_JSON) : NULL;
}
