/* The loop: events from the calendar to units, until nothing is left to do. */
#include "internal.h"

#define EVENTS_BETWEEN_LOOKS 1024
#define MAX_EVENTS           G_GUINT64_CONSTANT(20000000000) /* of one step; far above any real one, so that a runaway ends */

static void run_work_list(Sim *sim)
{
  while (sim->n_work > 0) {
    Unit *unit = &sim->unit[sim->work_list[--sim->n_work]];

    unit->in_work_list = FALSE;
    sim_unit_run(sim, unit);
  }
}

/* A tick may have the fabric solve once more: nothing is left when nothing was before it. */
static void tick(Sim *sim)
{
  if (moe_engine_pending(sim->engine) == 0 && sim->now > 0)
    return;
  g_assert(sim->options->tick); /* whose class of events this is */
  MoeTime next = sim->options->tick->func(sim->fabric, sim->now, sim->options->tick->data);

  g_assert(next > sim->now);
  moe_engine_post(sim->engine, sim->class_tick, 0, next);
}

static void handle(Sim *sim, const MoeEvent *event)
{
  if (event->klass == sim->class_tick) {
    tick(sim);
  } else if (event->klass == sim->class_segment) {
    sim_segment_end(sim, &sim->unit[event->id]);
  } else if (event->klass == sim->class_issue) {
    Unit *unit = &sim->unit[event->id / MOE_N_STREAMS];

    unit->stream[event->id % MOE_N_STREAMS].state = STREAM_IDLE;
    sim_unit_ready(sim, unit, event->id % MOE_N_STREAMS);
  } else if (event->klass == sim->class_host) {
    sim_unit_ready(sim, &sim->unit[event->id], HOST_BIT);
  } else {
    uint32_t flight;

    if (moe_fabric_handle(sim->fabric, event, &flight))
      sim_exchange_delivered(sim, flight);
  }
}

#define CACHED_BYTES (G_GUINT64_CONSTANT(256) << 10) /* so many of units stay in the second level by themselves */

/* The units whose segments probably end next come into the cache while this event is handled, where they are too many
 * to be there. */
static void prefetch_next(const Sim *sim)
{
  MoeEvent next[MOE_ENGINE_AHEAD];

  if (sim->n_units * sizeof(Unit) <= CACHED_BYTES)
    return;
  guint n = moe_engine_next_movable(sim->engine, next);

  for (guint i = 0; i < n; i++)
    if (next[i].klass == sim->class_segment)
      sim_prefetch(&sim->unit[next[i].id]);
}

gboolean moe_sim_go_on(const MoeSimOptions *options, GError **error)
{
  return !options->stopped || !options->stopped(options->stopped_data) ||
         moe_fail(error, MOE_ERROR_STOPPED, (MoeMark){0}, "stopped before the work was done");
}

/* Whether the caller wants no more of it; looked at once in some events, which take less than a millisecond. */
static gboolean is_stopped(const Sim *sim)
{
  const MoeSimOptions *options = sim->options;

  return options->stopped && moe_engine_events(sim->engine) % EVENTS_BETWEEN_LOOKS == 0 &&
         options->stopped(options->stopped_data);
}

uint64_t sim_most_events(const Sim *sim)
{
  return sim->options->max_events ? sim->options->max_events : MAX_EVENTS;
}

static gboolean loop(Sim *sim, GError **error)
{
  const uint64_t limit = sim_most_events(sim);
  const MoeTime longest = moe_time_from_seconds(SIM_LONGEST_S);
  MoeEvent event;

  for (guint u = 0; u < sim->n_units; u++)
    sim_unit_start(sim, &sim->unit[u]);
  if (sim->options->tick)
    moe_engine_post(sim->engine, sim->class_tick, 0, 0);
  run_work_list(sim);
  while (moe_engine_pop(sim->engine, &event)) {
    if (event.time > longest)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "the step takes more than %g s, expected rates, latencies and amounts of work that end earlier",
                      SIM_LONGEST_S);
    sim->now = event.time;
    prefetch_next(sim);
    handle(sim, &event);
    run_work_list(sim);
    if (is_stopped(sim))
      return moe_fail(error, MOE_ERROR_STOPPED, (MoeMark){0}, "stopped before the step ended");
    if (moe_engine_events(sim->engine) > limit)
      return moe_fail(
          error, MOE_ERROR_INPUT, (MoeMark){0},
          "the step needs more than %" G_GUINT64_FORMAT " events, expected a smaller run or --fidelity folded", limit);
  }
  return TRUE;
}

/* After the last event everything must be done; otherwise the program waits for itself. */
static gboolean check_finished(const Sim *sim, GError **error)
{
  for (guint u = 0; u < sim->n_units; u++)
    for (unsigned s = 0; s < MOE_N_STREAMS; s++) {
      const Stream *stream = &sim->unit[u].stream[s];

      if (stream->state != STREAM_FINISHED)
        return moe_fail(error, MOE_ERROR_INTERNAL, (MoeMark){0},
                        "the program cannot finish: rank %u, stream %s, call %u, operation %u waits (state %u, on %u)",
                        sim->unit[u].rank, moe_stream_words[s], stream->call, stream->pos, stream->state,
                        stream->waits_on);
    }
  return TRUE;
}

static void make_engine(Sim *sim)
{
  sim->engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  sim->class_segment = moe_engine_add_class(sim->engine, sim->modes_matter, sim->n_units);
  sim->class_issue = moe_engine_add_class(sim->engine, FALSE, 0);
  sim->class_host = moe_engine_add_class(sim->engine, FALSE, 0);
  sim->class_tick = moe_engine_add_class(sim->engine, FALSE, 0);
  sim->fabric = moe_fabric_new(sim->engine, sim->topo);
  if (sim->options->traffic)
    moe_fabric_count_carried(sim->fabric);
}

static void choose_traced(Sim *sim)
{
  const MoeSimOptions *options = sim->options;

  if (!options->slice)
    return;
  sim->traced = g_new0(gboolean, sim->n_units);
  if (options->n_trace_ranks == 0)
    sim->traced[sim->colour_of_rank[0]] = TRUE;
  for (guint i = 0; i < options->n_trace_ranks; i++)
    if (options->trace_ranks[i] >= 0 && options->trace_ranks[i] < moe_layout_ranks(sim->program->layout))
      sim->traced[sim->colour_of_rank[options->trace_ranks[i]]] = TRUE;
}

/* The program's collectives, without the padding that the counterfactual leaves out. */
void sim_copy_collectives(Sim *sim)
{
  guint n = sim->program->n_collectives;

  sim->collectives = g_new(MoeCollective, n + 1);
  for (guint c = 0; c < n; c++) {
    sim->collectives[c] = sim->program->collectives[c];
    if ((sim->without & MOE_WITHOUT_PADDING) && sim->collectives[c].padding > 1)
      sim->collectives[c].padding = 1;
  }
}

static void clear(Sim *sim)
{
  moe_fabric_free(sim->fabric);
  moe_engine_free(sim->engine);
  sim_exchange_clear(sim);
  sim_between_clear(sim);
  sim_price_clear(sim);
  sim_place_clear(sim);
  g_free(sim->collectives);
  g_free(sim->traced);
  g_free(sim->work_list);
}

static void count_links(const Sim *sim)
{
  const MoeSimTraffic *traffic = sim->options->traffic;

  for (guint r = 0; traffic && r < moe_topo_n_resources(sim->topo); r++)
    traffic->link_bytes[r] = moe_fabric_carried(sim->fabric, r);
}

static MoeSimResult *run(Sim *sim, GError **error)
{
  sim_copy_collectives(sim);
  if (!sim_place(sim, error) || !sim_price(sim, error) || !sim_effort_check(sim, error))
    return NULL;
  sim->work_list = g_new(uint32_t, sim->n_units);
  make_engine(sim);
  sim_exchange_init(sim);
  sim_between_init(sim);
  choose_traced(sim);
  if (!loop(sim, error) || !check_finished(sim, error))
    return NULL;
  count_links(sim);
  sim_between_finish(sim);
  return sim_account(sim);
}

MoeSimResult *moe_sim_run(const MoeProgram *program, const MoeRun *r, const MoeTopo *topo, const MoeCostModel *cost,
                          const MoeSimOptions *options, GError **error)
{
  static const MoeSimOptions defaults = {.kernel_jitter = -1};
  g_autofree Sim *sim = g_new0(Sim, 1);

  g_assert(moe_topo_gpus(topo) >= moe_layout_ranks(program->layout));
  sim->program = program;
  sim->run = r;
  sim->topo = topo;
  sim->cost = cost;
  sim->options = options ? options : &defaults;
  sim->without = sim->options->without;
  sim->jitter = sim->options->kernel_jitter >= 0 ? sim->options->kernel_jitter : r->stack.kernel_jitter;
  if (sim->without & MOE_WITHOUT_PEER_WAIT)
    sim->jitter = 0;
  sim->jitter_stream = moe_random_stream("kernel-jitter");
  MoeSimResult *result = run(sim, error);
  clear(sim);
  return result;
}
