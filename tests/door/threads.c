/* Many threads at the door: every answer is the one that a single thread gets. Under ThreadSanitizer
 * (meson setup -Db_sanitize=thread) it says, too, whether they touch each other. */
#include <moesim/door.h>

#include <glib.h>
#include <stdio.h>
#include <string.h>

#define THREADS 8
#define RUN     "\"run\": \"mixtral-8x7b\""

static const struct {
  const char *question, *request;
} asked[] = {
    {"predict", "{" RUN "}"},
    {"predict", "{" RUN ", \"set\": {\"training.micro_batch\": 2}, \"seed\": 7}"},
    {"predict", "{\"run\": \"qwen3-30b-a3b\"}"},
    {"check", "{" RUN ", \"set\": {\"parallelism.tensor\": 3}}"},
    {"check", "{" RUN ", \"try\": {\"parallelism.tensor\": [1, 2, 3, 4, 8]}}"},
    {"memory", "{" RUN "}"},
    {"sweep", "{" RUN ", \"vary\": {\"training.micro_batch\": [1, 2]}, \"jobs\": 1}"},
    {"sensitivity", "{" RUN ", \"samples\": 1, \"jobs\": 1}"},
    {"timeline", "{" RUN ", \"most\": 500}"},
    {"list", "{\"of\": \"words\"}"},
    {"predict", "{" RUN ", \"gpus\": \"many\"}"},
    {"predict", "not a request"},
    {"goodput", "{" RUN ", \"tokens\": \"1T\", \"seeds\": 2, \"samples\": 0, \"mtbf\": \"50000 h\", \"jobs\": 1}"},
    {"convert", "{\"config\": {\"model_type\": \"llama\"}}"},
};

/* The answer without the only line that differs between two equal calls. */
static char *answer_to(guint i)
{
  char *answer = moe_answer_json(asked[i].question, asked[i].request, NULL);
  g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);
  GString *kept = g_string_new(NULL);

  for (char **line = lines; *line; line++)
    if (!strstr(*line, "\"wall_time_s\""))
      g_string_append_printf(kept, "%s\n", *line);
  moe_text_free(answer);
  return g_string_free(kept, FALSE);
}

typedef struct {
  guint number, requests;
  char **expected;
  guint wrong;
} Worker;

static gpointer work(gpointer data)
{
  Worker *worker = data;

  for (guint r = 0; r < worker->requests; r++) {
    guint i =
        (r * 5 + worker->number) % G_N_ELEMENTS(asked); /* 5 and the number of questions have no divisor in common */
    g_autofree char *answer = answer_to(i);

    worker->wrong += strcmp(answer, worker->expected[i]) != 0;
  }
  return NULL;
}

int main(int argc, char **argv)
{
  guint requests = argc > 1 ? (guint)g_ascii_strtoull(argv[1], NULL, 10) : 160;
  char *expected[G_N_ELEMENTS(asked)];
  Worker workers[THREADS];
  GThread *threads[THREADS];
  guint wrong = 0;

  for (guint i = 0; i < G_N_ELEMENTS(asked); i++)
    expected[i] = answer_to(i);
  for (guint t = 0; t < THREADS; t++) {
    workers[t] = (Worker){t, requests / THREADS, expected, 0};
    threads[t] = g_thread_new("asking", work, &workers[t]);
  }
  for (guint t = 0; t < THREADS; t++) {
    g_thread_join(threads[t]);
    wrong += workers[t].wrong;
  }
  for (guint i = 0; i < G_N_ELEMENTS(asked); i++)
    g_free(expected[i]);
  printf("%u requests from %d threads, %u answers differ\n", requests, THREADS, wrong);
  return wrong == 0 ? 0 : 1;
}
