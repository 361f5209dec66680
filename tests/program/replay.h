/*
 * A max-plus replay of a program's calls with given times for forward, data gradient and weight gradient: no engine, no
 * costs, messages take no time. Small enough to be believed.
 */
#ifndef PROGRAM_REPLAY_H
#define PROGRAM_REPLAY_H

#include "program/program.h"
#include <string.h>

typedef struct {
  double f, d, w; /* of one chunk: forward, data gradient, weight gradient */
  double both;    /* forward beside backward; 0 = their sum */
  double message; /* a stage is held up by each message it sends */
} ReplayTimes;

typedef struct {
  double makespan;
  double idle;       /* of the stage that idles most, between 0 and the makespan */
  double inner_idle; /* the same, between the stage's own first start and last end */
} Replay;

static inline double replay_time(const ReplayTimes *t, const char *name)
{
  if (strcmp(name, "F") == 0)
    return t->f;
  if (strcmp(name, "B") == 0)
    return t->d + t->w;
  if (strcmp(name, "Bd") == 0)
    return t->d;
  if (strcmp(name, "W") == 0)
    return t->w;
  if (strcmp(name, "F+B") == 0)
    return t->both > 0 ? t->both : t->f + t->d + t->w;
  return 0;
}

/* Slots 0 and 2 of a call come in, 1 and 3 go out. Returns FALSE when a message has not been sent yet. */
static inline gboolean replay_ready(const MoeCall *call, const double *sent, double *start)
{
  for (guint slot = 0; slot < 4; slot += 2) {
    uint32_t id = call->message[slot];

    if (id == MOE_NO_MESSAGE)
      continue;
    if (sent[id] < 0)
      return FALSE;
    *start = MAX(*start, sent[id]);
  }
  return TRUE;
}

static inline int replay_sends(const MoeCall *call)
{
  return (call->message[1] != MOE_NO_MESSAGE) + (call->message[3] != MOE_NO_MESSAGE);
}

/* Runs stages round robin until all are done. Returns FALSE on deadlock. */
static inline gboolean replay(const MoeProgram *p, const ReplayTimes *times, Replay *result)
{
  g_autofree double *sent = g_new(double, MAX(p->n_messages, 1));
  g_autofree double *clock = g_new0(double, p->n_roles);
  g_autofree double *busy = g_new0(double, p->n_roles);
  g_autofree double *begin = g_new(double, p->n_roles);
  g_autofree uint32_t *next = g_new0(uint32_t, p->n_roles);
  gboolean moved = TRUE, done = FALSE;

  for (guint i = 0; i < p->n_messages; i++)
    sent[i] = -1;
  for (guint r = 0; r < p->n_roles; r++)
    begin[r] = -1;
  while (moved && !done) {
    moved = FALSE;
    done = TRUE;
    for (guint r = 0; r < p->n_roles; r++) {
      const MoeRole *role = &p->roles[r];

      for (; next[r] + 1 < role->n_calls; next[r]++) { /* the last call is the optimizer */
        const MoeCall *call = &role->calls[next[r]];
        double start = clock[r], length = replay_time(times, p->blocks[call->block].name);

        if (!replay_ready(call, sent, &start))
          break;
        begin[r] = begin[r] < 0 ? start : begin[r];
        clock[r] = start + length + times->message * replay_sends(call);
        busy[r] += length;
        for (guint slot = 1; slot < 4; slot += 2)
          if (call->message[slot] != MOE_NO_MESSAGE)
            sent[call->message[slot]] = clock[r];
        moved = TRUE;
      }
      done = done && next[r] + 1 == role->n_calls;
    }
  }
  *result = (Replay){0};
  for (guint r = 0; r < p->n_roles; r++)
    result->makespan = MAX(result->makespan, clock[r]);
  for (guint r = 0; r < p->n_roles; r++) {
    result->idle = MAX(result->idle, result->makespan - busy[r]);
    result->inner_idle = MAX(result->inner_idle, clock[r] - begin[r] - busy[r]);
  }
  return done;
}

#endif
