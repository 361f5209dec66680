/* moesim serve: questions of the library as doors of a server. */
#include "serve_page.h"
#include "cli.h"

#include "serve/serve.h"
#include <moesim/door.h>

#include <stdio.h>
#include <string.h>

/* Between two looks for a signal. */
#define LOOK_US (G_USEC_PER_SEC / 20)

/* ---- doors ------------------------------------------------------------------------------------------------------- */

/* A question of the library, and under which conditions it is answered. */
typedef struct {
  const char *question;
  const MoeDoorOptions *options;
} Desk;

static void stop(gpointer cancel)
{
  moe_cancel_set(cancel);
}

static void tell(unsigned done, unsigned total, void *call)
{
  const MoeServeCall *asked = call;

  asked->progress(done, total, asked->user_data);
}

/* Answers that are errors begin with that key. */
static gboolean is_error(const char *text)
{
  static const char key[] = "\"error\"";
  const char *first = text + strspn(text, " \n{");

  return *text == '{' && strncmp(first, key, sizeof key - 1) == 0;
}

static char *answer(const char *request, const MoeServeCall *call, gpointer data, MoeServeKind *kind)
{
  const Desk *desk = data;
  MoeDoorOptions options = *desk->options;
  MoeCancel *cancel = moe_cancel_new();

  options.cancel = cancel;
  options.progress = tell;
  options.progress_data = (gpointer)call;
  call->on_stop(stop, cancel, call->user_data);
  char *text = moe_answer_json(desk->question, request, &options);
  call->on_stop(NULL, NULL, call->user_data);
  moe_cancel_free(cancel);
  *kind = is_error(text) ? MOE_SERVE_REFUSED : MOE_SERVE_DONE;
  return text;
}

/* ---- serving ----------------------------------------------------------------------------------------------------- */

/* Without the token: others see what programs are started with. The page asks for it. */
static void show_page(const char *whole_url)
{
  g_autofree char *url = g_strndup(whole_url, strcspn(whole_url, "#"));
  const char *argv[] = {"xdg-open", url, NULL};
  g_autoptr(GError) error = NULL;

  if (!g_spawn_async(NULL, (char **)argv, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                     &error))
    moe_cli_warn("no browser was opened: %s", error->message);
}

/* Until a signal comes. */
static int serve(const MoeServeOptions *options, gboolean open)
{
  g_autoptr(GError) error = NULL;

  moe_cli_hold();
  moe_cli_comfort("; the server is closed");
  g_autoptr(MoeServer) server = moe_server_new(options, &error);
  if (server) {
    g_autofree char *url = moe_server_url(server);
    g_autofree char *line = g_strconcat(url, "\n", NULL);
    moe_cli_print(line);
    fflush(stdout);
    if (open)
      show_page(url);
  }
  while (server && !moe_cli_interrupted())
    g_usleep(LOOK_US);
  g_clear_pointer(&server, moe_server_free);
  moe_cli_release();
  return error ? moe_cli_fail(error) : MOE_EXIT_DONE;
}

int moe_cli_serve(const MoeCliServe *said)
{
  static const char *const questions[] = {"check",   "convert", "explain", "goodput",     "list", "memory", "plan",
                                          "predict", "schema",  "search",  "sensitivity", "show", "sweep",  "timeline"};
  char *data = moe_data_dir();
  const MoeDoorOptions conditions = {.data_dir = data, .confined = TRUE, .budget_s = MOE_SERVE_ANSWER_S};
  Desk desks[G_N_ELEMENTS(questions)];
  MoeServeDoor doors[G_N_ELEMENTS(questions)];

  for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
    desks[i] = (Desk){questions[i], &conditions};
    /* how far a search comes within its budget is not the same each time */
    gboolean kept = strcmp(questions[i], "search") != 0 && strcmp(questions[i], "plan") != 0;
    doors[i] = (MoeServeDoor){.name = questions[i], .answer = answer, .user_data = &desks[i], .kept = kept};
  }
  MoeServeOptions options = {.address = said->listen,
                             .port = said->port,
                             .token = said->token,
                             .save = said->save,
                             .data = data,
                             .version = moe_version(),
                             .doors = doors,
                             .n_doors = G_N_ELEMENTS(doors)};
  int status = data ? serve(&options, said->open) : moe_cli_complain("no data folder, expected one in MOESIM_DATA");
  moe_text_free(data);
  return status;
}
