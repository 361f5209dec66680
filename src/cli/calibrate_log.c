/* moesim calibrate --log: what a training's log says, beside the prediction of its run; a case for infer and validate.
 */
#include "calibrate_profile.h"

#include "record/output.h"
#include "report/findings.h"

/* The run as it was logged: its batch may be another one than the file's. NULL and *error. */
static MoeResult *predict(const MoeLog *log, const char *argument, GError **error)
{
  g_autofree char *batch = g_strdup_printf("training.global_batch=%.0f", log->global_batch);
  char *sets[] = {log->global_batch > 0 ? batch : NULL, NULL};
  MoeCliRun options = {.sets = sets};
  MoeSimOptions sim;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, &options, error);

  return run && moe_cli_sim_options(&options, &sim) ? moe_study_predict(run, &sim, error) : NULL;
}

/* A case stands in another folder than its run. */
static gboolean write_case(const MoeLog *log, const char *path, const char *run, const char *output, GError **error)
{
  g_autofree char *source = g_path_get_basename(path);
  g_autofree char *whole = g_canonicalize_filename(run, NULL);
  g_autofree char *text = moe_log_case(log, source, whole);

  return moe_output_save(output, text, error);
}

int moe_cli_log(const char *path, const char *run, const char *output, const char *format)
{
  MoeCliRun words = {.format = (char *)format};
  g_autoptr(GError) error = NULL;
  MoeFormat as;

  if (!moe_cli_format(&words, &as))
    return MOE_EXIT_BAD_INPUT;
  if (output && (!run || !g_file_test(run, G_FILE_TEST_IS_REGULAR)))
    return moe_cli_complain("--output of a log, expected --run, the file of what ran");
  g_autofree MoeLog *log = moe_log_load(path, &error);
  g_autoptr(MoeResult) result = log && run ? predict(log, run, &error) : NULL;
  if (!log || (run && !result) || (output && !write_case(log, path, run, output, &error)))
    return moe_cli_fail(error);
  moe_cli_show(as, moe_report_log(log, result, moe_cli_sheet(as)));
  return MOE_EXIT_DONE;
}
