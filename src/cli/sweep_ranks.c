/* A sweep by several processes: workers ask for points, and bring back the last one's record with the question. */
#include "sweep_ranks.h"

#include "ranks.h"

#include <string.h>

/* Between two looks for questions. */
#define LOOK_US 200
/* Nobody asked for this long after everything was done: the workers that are left are lost. */
#define GRACE_S 15
/* What a worker says first, and what it hears last. */
#define NOTHING "-"
/* What it hears instead when another one was lost. */
#define LOST "!"
/* Kinds of answers. */
#define ANSWER  'a'
#define REFUSAL 'r'
#define TROUBLE 't'

/* What is done and what is being done. */
typedef struct {
  const MoeSweep *sweep;
  const MoeSweepWork *work;
  MoeStore *store;
  GArray *idle; /* of int: workers that wait */
  MoeSweepPoint *points;
  guint *copies;  /* [n_points] how often handed out */
  gboolean *done; /* [n_points] */
  guint next, n_done;
  MoeProgressFunc progress;
  gpointer progress_data;
  GMutex lock;
} Board;

/* ---- handing out ------------------------------------------------------------------------------------------------ */

/* A fresh point, or the one in work that was handed out least. FALSE when all are done. */
static gboolean choose(Board *board, guint *point)
{
  guint n = board->sweep->n_points, least = G_MAXUINT;

  if (board->n_done == n)
    return FALSE;
  if (board->next < n) {
    *point = board->next++;
    return TRUE;
  }
  for (guint i = 0; i < n; i++)
    if (!board->done[i] && board->copies[i] < least) {
      least = board->copies[i];
      *point = i;
    }
  return least != G_MAXUINT;
}

static gboolean hand_out(Board *board, guint *point)
{
  g_mutex_lock(&board->lock);
  gboolean there = choose(board, point);
  if (there)
    board->copies[*point]++;
  g_mutex_unlock(&board->lock);
  return there;
}

/* ---- taking in -------------------------------------------------------------------------------------------------- */

/* Keeps a new record, or fetches the known one; FALSE when that is no longer there: the point is computed again. */
static gboolean complete(const Board *board, guint point, MoeSweepPoint *result)
{
  if (result->record && board->store)
    moe_store_put(board->store, board->sweep, board->work, point, result);
  if (result->record || result->trouble)
    return TRUE;
  moe_sweep_point_clear(result);
  return board->store && moe_store_get(board->store, point, result);
}

static void settle(Board *board, guint point, MoeSweepPoint *result)
{
  if (!complete(board, point, result))
    return;
  board->points[point] = *result;
  *result = (MoeSweepPoint){0};
  board->done[point] = TRUE;
  board->n_done++;
  if (board->progress)
    board->progress(board->n_done, board->sweep->n_points, board->progress_data);
}

/* The first answer counts. */
static void take_in(Board *board, guint point, MoeSweepPoint *result)
{
  g_mutex_lock(&board->lock);
  if (!board->done[point])
    settle(board, point, result);
  g_mutex_unlock(&board->lock);
  moe_sweep_point_clear(result);
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* Hash of what the store has of a point, or NOTHING. Caller frees. */
static char *known_hash(const Board *board, guint point)
{
  g_auto(MoeSweepPoint) known = {0};

  if (board->store && moe_store_get(board->store, point, &known))
    return g_steal_pointer(&known.hash);
  return g_strdup(NOTHING);
}

/* "POINT KNOWN-HASH" */
static char *write_task(const Board *board, guint point)
{
  g_autofree char *known = known_hash(board, point);

  return g_strdup_printf("%u %s", point, known);
}

/* "POINT KIND HASH TEXT": the record, the reason of the trouble, or "-" when what is known holds. */
static char *write_answer(guint point, const MoeSweepPoint *result)
{
  char kind = result->trouble ? TROUBLE : result->failed ? REFUSAL : ANSWER;
  const char *text = result->trouble ? result->trouble->message : result->record;

  return g_strdup_printf("%u %c %s %s", point, kind, result->hash, text ? text : NOTHING);
}

static gboolean read_answer(const char *text, guint n_points, guint *point, MoeSweepPoint *result)
{
  g_auto(GStrv) part = g_strsplit(text, " ", 4);

  if (g_strv_length(part) != 4)
    return FALSE;
  *point = (guint)g_ascii_strtoull(part[0], NULL, 10);
  *result = (MoeSweepPoint){.hash = g_strdup(part[2]), .failed = *part[1] == REFUSAL};
  if (*part[1] == TROUBLE)
    result->trouble = g_error_new_literal(MOE_ERROR, MOE_ERROR_IO, part[3]);
  else if (strcmp(part[3], NOTHING) != 0)
    result->record = g_strdup(part[3]);
  return *point < n_points;
}

/* ---- coordinator ------------------------------------------------------------------------------------------------ */

static void reply(Board *board, int worker, const char *text)
{
  g_auto(MoeSweepPoint) result = {0};
  guint point;

  if (strcmp(text, NOTHING) != 0 && read_answer(text, board->sweep->n_points, &point, &result))
    take_in(board, point, &result);
  if (!hand_out(board, &point)) {
    g_array_append_val(board->idle, worker);
    return;
  }
  g_autofree char *task = write_task(board, point);
  moe_ranks_answer(worker, task);
}

/* The coordinator's own work: it goes on when every worker is lost. */
static gpointer work_here(gpointer data)
{
  Board *board = data;
  guint point;

  while (hand_out(board, &point)) {
    g_autofree char *known = known_hash(board, point);
    MoeSweepPoint result;

    moe_sweep_compute(board->sweep, board->work, point, known, &result);
    take_in(board, point, &result);
  }
  return NULL;
}

static gboolean is_finished(Board *board)
{
  g_mutex_lock(&board->lock);
  gboolean finished = board->n_done == board->sweep->n_points;
  g_mutex_unlock(&board->lock);

  return finished;
}

static void coordinate(Board *board)
{
  GThread *own = g_thread_try_new("moesim", work_here, board, NULL); /* without it, the workers do all */

  while (!is_finished(board)) {
    g_autofree char *text = NULL;
    int worker;

    if (moe_ranks_next(&worker, &text))
      reply(board, worker, text);
    else
      g_usleep(LOOK_US);
  }
  if (own)
    g_thread_join(own);
}

MoeSweepPoint *moe_sweep_coordinate(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, GArray *idle,
                                    MoeProgressFunc progress, gpointer progress_data, GError **error)
{
  g_autofree guint *copies = g_new0(guint, sweep->n_points);
  g_autofree gboolean *done = g_new0(gboolean, sweep->n_points);
  Board board = {.sweep = sweep,
                 .work = work,
                 .store = store,
                 .idle = idle,
                 .points = g_new0(MoeSweepPoint, sweep->n_points + 1),
                 .copies = copies,
                 .done = done,
                 .progress = progress,
                 .progress_data = progress_data};

  g_mutex_init(&board.lock);
  coordinate(&board);
  g_mutex_clear(&board.lock);
  if (moe_sweep_check_points(sweep, board.points, error))
    return board.points;
  moe_sweep_points_free(board.points, sweep->n_points);
  return NULL;
}

gboolean moe_sweep_dismiss(GArray *idle)
{
  guint all = (guint)moe_ranks_count() - 1;
  gint64 last_us = g_get_monotonic_time();

  while (idle->len < all && g_get_monotonic_time() - last_us < GRACE_S * G_USEC_PER_SEC) {
    g_autofree char *text = NULL;
    int worker;

    if (!moe_ranks_next(&worker, &text)) {
      g_usleep(LOOK_US);
      continue;
    }
    g_array_append_val(idle, worker);
    last_us = g_get_monotonic_time();
  }
  for (guint i = 0; i < idle->len; i++)
    moe_ranks_answer(g_array_index(idle, int, i), idle->len < all ? LOST : NOTHING);
  return idle->len < all;
}

/* ---- worker ----------------------------------------------------------------------------------------------------- */

/* The answer to one task; NULL when there is none. */
static char *do_task(const MoeSweep *sweep, const MoeSweepWork *work, const char *task)
{
  g_auto(GStrv) part = g_strsplit(task, " ", 2);
  g_auto(MoeSweepPoint) result = {0};
  guint point;

  if (g_strv_length(part) != 2)
    return NULL;
  point = (guint)g_ascii_strtoull(part[0], NULL, 10);
  moe_sweep_compute(sweep, work, point, part[1], &result);
  return write_answer(point, &result);
}

gboolean moe_sweep_serve(const MoeSweep *sweep, const MoeSweepWork *work)
{
  g_autofree char *text = g_strdup(NOTHING);
  gboolean lost = FALSE;

  while (text) {
    g_autofree char *task = moe_ranks_ask(text);

    g_clear_pointer(&text, g_free);
    lost = !task || strcmp(task, LOST) == 0;
    if (task)
      text = do_task(sweep, work, task);
  }
  return lost;
}
