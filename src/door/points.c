/* Points of a sweep as records. */
#include "door/ask.h"
#include <moesim/report.h>

const MoeSweepColumn moe_ask_point_columns[] = {
    {"step_time_s", "$.step_time_s"},
    {"tokens_per_s_per_gpu", "$.tokens_per_s_per_gpu"},
    {"mfu_causal", "$.mfu.causal"},
    {"mfu_full", "$.mfu.full"},
    {"memory_peak_bytes", "$.memory.peak_bytes"},
    {"memory_fits", "$.memory.fits"},
    {NULL, NULL},
};

char *moe_ask_point_salt(const MoeAskPoint *asked, const char *build, const char *posterior_file)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (posterior_file)
    g_file_get_contents(posterior_file, &text, &length, NULL);
  g_autofree char *sum =
      text ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length) : g_strdup("");
  g_autofree char *samples = asked->samples > 0 ? g_strdup_printf(" samples %u", asked->samples) : g_strdup("");

  return g_strdup_printf("moesim %s fidelity %d seed %" G_GUINT64_FORMAT " steps %" G_GINT64_FORMAT "%s%s%s", build,
                         asked->sim.fidelity, asked->sim.seed, asked->steps, samples, *sum ? " posterior " : "", sum);
}

static MoeSettings settings_of(const MoeSweep *sweep, guint point, const char **keys, const char **values)
{
  for (guint a = 0; a < sweep->n_axes; a++) {
    keys[a] = sweep->axes[a].key;
    values[a] = moe_sweep_value(sweep, point, a);
  }
  return (MoeSettings){sweep->n_axes, keys, values};
}

/* One thread: the points themselves are predicted side by side. */
static gboolean add_interval(const MoeAskPoint *asked, const MoeRun *run, MoeResult *result, GError **error)
{
  const MoeSensitivityOptions study = {
      .sim = asked->sim, .samples = asked->samples, .jobs = 1, .posterior = asked->posterior};

  return asked->samples == 0 || moe_ask_interval(asked->data_dir, run, &study, result, error);
}

char *moe_ask_point(const MoeSweep *sweep, guint point, const MoeRun *run, gpointer user_data, GError **error)
{
  const MoeAskPoint *asked = user_data;
  g_autoptr(MoeResult) result = moe_study_predict_steps(run, &asked->sim, asked->steps, error);
  g_autofree const char **keys = g_new(const char *, sweep->n_axes);
  g_autofree const char **values = g_new(const char *, sweep->n_axes);
  MoeSettings settings = settings_of(sweep, point, keys, values);

  if (!result || !add_interval(asked, run, result, error))
    return NULL;
  return moe_report_record(result, &settings);
}

char *moe_ask_refusal(const MoeSweep *sweep, guint point, const char *reason, G_GNUC_UNUSED gpointer user_data)
{
  g_autofree const char **keys = g_new(const char *, sweep->n_axes);
  g_autofree const char **values = g_new(const char *, sweep->n_axes);
  MoeSettings settings = settings_of(sweep, point, keys, values);

  return moe_report_refusal(reason, &settings);
}
