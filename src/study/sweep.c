/* Points of a sweep, and the run at each of them. */
#include "base/base.h"
#include <moesim/sweep.h>

#include <math.h>
#include <string.h>

/* Values of an axis that are looked at before anything is computed, half a millisecond each. */
#define MOST_CHECKED 64

static const MoeMark command_line = {.file = NULL};

/* ---- points ------------------------------------------------------------------------------------------------------ */

static gboolean count_zipped(MoeSweep *sweep, GError **error)
{
  sweep->n_points = sweep->axes[0].n;
  for (guint a = 1; a < sweep->n_axes; a++)
    if (sweep->axes[a].n != sweep->n_points)
      return moe_fail(error, MOE_ERROR_INPUT, command_line,
                      "--zip: %s has %u values and %s has %u, expected equally many", sweep->axes[0].key,
                      sweep->n_points, sweep->axes[a].key, sweep->axes[a].n);
  return TRUE;
}

static gboolean count_crossed(MoeSweep *sweep, GError **error)
{
  guint64 n = 1;

  for (guint a = 0; a < sweep->n_axes && n <= MOE_SWEEP_MAX_POINTS; a++)
    n *= sweep->axes[a].n;
  sweep->n_points = (guint)n;
  return n <= MOE_SWEEP_MAX_POINTS ||
         moe_fail(error, MOE_ERROR_INPUT, command_line, "--vary: more than %d points, expected fewer values",
                  MOE_SWEEP_MAX_POINTS);
}

static gboolean is_new_key(const MoeSweep *sweep, const char *key)
{
  for (guint a = 0; a + 1 < sweep->n_axes; a++)
    if (strcmp(sweep->axes[a].key, key) == 0)
      return FALSE;
  return TRUE;
}

static gboolean add_axis(MoeSweep *sweep, const char *text, GError **error)
{
  MoeSweepAxis *axis = &sweep->axes[sweep->n_axes++];

  if (!moe_sweep_axis_read(text, axis, error))
    return FALSE;
  return is_new_key(sweep, axis->key) ||
         moe_fail(error, MOE_ERROR_INPUT, command_line, "--vary: %s stands twice, expected one list of its values",
                  axis->key);
}

MoeSweep *moe_sweep_new(const char *path, const MoeRunOptions *options, const char *const *vary, gboolean zip,
                        GError **error)
{
  g_autoptr(MoeSweep) sweep = g_new0(MoeSweep, 1);
  guint n = vary ? g_strv_length((char **)vary) : 0;

  sweep->path = g_strdup(path);
  sweep->options = *options;
  sweep->zip = zip;
  sweep->axes = g_new0(MoeSweepAxis, n + 1);
  if (n == 0) {
    moe_fail(error, MOE_ERROR_INPUT, command_line, "nothing varies, expected --vary KEY=VALUE,VALUE");
    return NULL;
  }
  for (guint i = 0; i < n; i++)
    if (!add_axis(sweep, vary[i], error))
      return NULL;
  if (!(zip ? count_zipped : count_crossed)(sweep, error))
    return NULL;
  return g_steal_pointer(&sweep);
}

void moe_sweep_free(MoeSweep *sweep)
{
  if (!sweep)
    return;
  for (guint a = 0; a < sweep->n_axes; a++)
    moe_sweep_axis_clear(&sweep->axes[a]);
  g_free(sweep->axes);
  g_free(sweep->path);
  g_free(sweep);
}

const char *moe_sweep_value(const MoeSweep *sweep, guint point, guint axis)
{
  guint below = 1;

  if (sweep->zip)
    return sweep->axes[axis].value[point];
  for (guint a = axis + 1; a < sweep->n_axes; a++)
    below *= sweep->axes[a].n;
  return sweep->axes[axis].value[point / below % sweep->axes[axis].n];
}

static void append_set(GString *text, const char *name, const char *value)
{
  if (value)
    g_string_append_printf(text, " --%s %s", name, value);
}

char *moe_sweep_identity(const MoeSweep *sweep)
{
  GString *text = g_string_new(sweep->path);

  append_set(text, "variant", sweep->options.variant);
  append_set(text, "cluster", sweep->options.cluster);
  append_set(text, "stack", sweep->options.stack);
  if (sweep->options.gpus > 0)
    g_string_append_printf(text, " --gpus %" G_GINT64_FORMAT, sweep->options.gpus);
  if (sweep->options.scaling != MOE_SCALING_AS_SAID)
    append_set(text, "scaling", moe_scaling_words[sweep->options.scaling - MOE_SCALING_WEAK]);
  for (const char *const *set = sweep->options.sets; set && *set; set++)
    append_set(text, "set", *set);
  for (guint a = 0; a < sweep->n_axes; a++) {
    g_autofree char *values = g_strjoinv(",", sweep->axes[a].value);

    g_string_append_printf(text, " --vary %s=%s", sweep->axes[a].key, values);
  }
  return g_string_free(g_string_append(text, sweep->zip ? " --zip" : ""), FALSE);
}

/* ---- the run at a point ----------------------------------------------------------------------------------------- */

static gboolean set_gpus(MoeRunOptions *options, const char *value, GError **error)
{
  double gpus = 0;

  if (!moe_quantity_parse(value, MOE_DIM_NONE, &gpus, NULL) || gpus < 1 || gpus > G_MAXINT32 || gpus != floor(gpus))
    return moe_fail(error, MOE_ERROR_INPUT, command_line, "--vary gpus: \"%s\", expected a number of GPUs", value);
  options->gpus = (int64_t)gpus;
  return TRUE;
}

/* Options have their own meaning (gpus: the batch follows); any other key is an override. */
static gboolean apply_value(MoeRunOptions *options, GPtrArray *sets, const char *key, const char *value, GError **error)
{
  if (strcmp(key, "gpus") == 0)
    return set_gpus(options, value, error);
  if (strcmp(key, "variant") == 0)
    options->variant = value;
  else if (strcmp(key, "cluster") == 0)
    options->cluster = value;
  else if (strcmp(key, "stack") == 0)
    options->stack = value;
  else
    g_ptr_array_add(sets, g_strdup_printf("%s=%s", key, value));
  return TRUE;
}

/* The run with the point's values of axes first to last - 1. */
static MoeRun *load_with(const MoeSweep *sweep, guint point, guint first, guint last, GError **error)
{
  g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(g_free);
  MoeRunOptions options = sweep->options;

  for (const char *const *set = options.sets; set && *set; set++)
    g_ptr_array_add(sets, g_strdup(*set));
  for (guint a = first; a < last; a++)
    if (!apply_value(&options, sets, sweep->axes[a].key, moe_sweep_value(sweep, point, a), error))
      return NULL;
  g_ptr_array_add(sets, NULL);
  options.sets = (const char *const *)sets->pdata;
  return moe_run_load(sweep->path, &options, error);
}

MoeRun *moe_sweep_load(const MoeSweep *sweep, guint point, GError **error)
{
  return load_with(sweep, point, 0, sweep->n_axes, error);
}

/* ---- values that nobody can read -------------------------------------------------------------------------------- */

/* The first point that has value v of an axis. */
static guint first_point_of(const MoeSweep *sweep, guint axis, guint v)
{
  guint below = 1;

  for (guint a = axis + 1; a < sweep->n_axes; a++)
    below *= sweep->axes[a].n;
  return sweep->zip ? v : v * below;
}

/* Whether a value is wrong in itself: alone and beside the others for the same reason. A layout that cannot be is none
 * of this: it is a point without an answer. */
static gboolean check_value(const MoeSweep *sweep, guint axis, guint v, GError **error)
{
  guint point = first_point_of(sweep, axis, v);
  g_autoptr(GError) alone = NULL, beside = NULL;
  g_autoptr(MoeRun) run G_GNUC_UNUSED = load_with(sweep, point, axis, axis + 1, &alone);

  if (!g_error_matches(alone, MOE_ERROR, MOE_ERROR_INPUT))
    return TRUE;
  g_autoptr(MoeRun) whole G_GNUC_UNUSED = moe_sweep_load(sweep, point, &beside);
  if (!beside || strcmp(alone->message, beside->message) != 0)
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, command_line, "--vary %s=%s: %s", sweep->axes[axis].key,
                  moe_sweep_value(sweep, point, axis), moe_error_without_option(alone));
}

/* Values of a long axis are those of a range: what is wrong with one is wrong with its first ones or its last. */
gboolean moe_sweep_check_values(const MoeSweep *sweep, GError **error)
{
  for (guint a = 0; a < sweep->n_axes; a++)
    for (guint v = 0; v < sweep->axes[a].n; v++)
      if ((v < MOST_CHECKED || v + 1 == sweep->axes[a].n) && !check_value(sweep, a, v, error))
        return FALSE;
  return TRUE;
}
