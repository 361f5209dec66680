/* A run to a program: checks, lowering, freezing. */
#include "internal.h"

/* The program with what only its owner sees. */
typedef struct {
  MoeProgram program; /* first: callers hold a pointer to it */
  MoeArena *arena;
  MoeLayout *layout;
  MoeRouter *router;
  const MoeLoadedKernel *loaded; /* [n_kernels]; NULL with a single load class */
} Owned;

/* ---- builder ------------------------------------------------------------------------------------ */

static void builder_clear(MoeBuilder *builder)
{
  moe_tables_clear(&builder->tables);
  moe_intern_clear(&builder->block_keys);
  moe_intern_clear(&builder->split_keys);
  g_clear_pointer(&builder->halves, g_ptr_array_unref);
  g_clear_pointer(&builder->blocks, g_array_unref);
  g_clear_pointer(&builder->parts, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeBuilder, builder_clear)

/* A run that was validated passes. */
static gboolean check_schedule(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  g_autofree char *wrong = moe_schedule_check(p->schedule, p->pipeline, p->virtual_stages, p->micro_batches, NULL);

  return !wrong || moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0}, "%s", wrong);
}

static gboolean check_divides(const char *what, int64_t whole, const char *by, int64_t part, GError **error)
{
  if (part < 1 || whole % part != 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "%s %" G_GINT64_FORMAT " not divisible by %s %" G_GINT64_FORMAT, what, whole, by, part);
  return TRUE;
}

static gboolean check_shape(const MoeBuilder *builder, GError **error)
{
  const MoeArchitecture *a = builder->shape.arch;
  const MoeParallelism *p = &builder->shape.run->parallelism;

  return check_divides("architecture.attention.query_heads", a->attention.query_heads, "parallelism.tensor", p->tensor,
                       error) &&
         (a->moe.experts == 0 ||
          check_divides("architecture.moe.experts", a->moe.experts, "parallelism.expert", p->expert, error)) &&
         check_divides("training.sequence_length", builder->shape.run->training.sequence_length, "parallelism.context",
                       p->context, error);
}

static void init_placement(MoeBuilder *builder)
{
  const MoeParallelism *p = &builder->shape.run->parallelism;

  moe_placement_init(p->schedule, p->pipeline, p->virtual_stages, p->micro_batches, builder->shape.merge_batches,
                     &builder->placement);
}

static gboolean builder_init(MoeBuilder *builder, const MoeRun *run, Owned *owned, const MoeStepSeed *seed,
                             GError **error)
{
  moe_shape_init(&builder->shape, run);
  moe_shape_widen(&builder->shape, &builder->wide_precisions, &builder->wide);
  builder->arena = owned->arena;
  moe_tables_init(&builder->tables);
  moe_intern_init(&builder->block_keys, sizeof(MoeBlockKey));
  moe_intern_init(&builder->split_keys, sizeof(MoeSplitKey));
  builder->halves = g_ptr_array_new_with_free_func((GDestroyNotify)moe_flow_free);
  builder->blocks = g_array_new(FALSE, FALSE, sizeof(MoeBlock));
  builder->schedule = moe_schedule_find(run->parallelism.schedule);
  if (!check_shape(builder, error) || !check_schedule(run, error))
    return FALSE;
  init_placement(builder);
  owned->layout = builder->layout = moe_layout_new(&run->parallelism, error);
  if (!builder->layout)
    return FALSE;
  if (!moe_routing_is_balanced(&builder->shape)) {
    owned->router = builder->router = moe_router_new(&builder->shape, seed, error);
    if (!builder->router)
      return FALSE;
  }
  builder->parts = moe_run_chunks_new(run);
  return TRUE;
}

/* ---- freezing ----------------------------------------------------------------------------------- */

static int64_t scaled(int64_t value, double factor)
{
  return (int64_t)((double)value * factor + 0.5);
}

/* A kernel as a load class sees it: its rows follow the load; m is the fullest expert's. */
static void apply_load(const MoeRouter *router, int load, int64_t column, MoeKernel *kernel)
{
  double rows = moe_router_rows(router, load, column);

  if (kernel->klass == MOE_KERNEL_GROUPED_GEMM) {
    int64_t mean = moe_ceil_div(kernel->rows, MAX(kernel->groups, 1));

    kernel->rows = scaled(kernel->rows, rows);
    kernel->m = MAX(scaled(mean, moe_router_fullest(router, load, column)), moe_ceil_div(kernel->rows, kernel->groups));
  }
  kernel->read_bytes *= rows;
  kernel->write_bytes *= rows;
  kernel->model_flop *= rows;
}

void moe_program_kernel(const MoeProgram *program, guint load, guint index, MoeKernel *kernel)
{
  const Owned *owned = (const Owned *)program;

  if (load == 0 || !program->kernel_varies || !program->kernel_varies[index]) {
    *kernel = program->kernels[index];
    return;
  }
  *kernel = owned->loaded[index].kernel;
  apply_load(owned->router, (int)owned->loaded[index].load, load, kernel);
}

/* What the time of a kernel of the forward pass depends on; recomputing takes the same. */
static MoeLoadedKernel forward_of(const MoeLoadedKernel *loaded)
{
  MoeLoadedKernel forward;

  memcpy(&forward, loaded, sizeof forward); /* with its zeroed padding, by which equal ones are found */
  forward.kernel.pass = MOE_PASS_FORWARD;
  forward.kernel.scope = 0;
  forward.kernel.name = NULL;
  forward.kernel.model_flop = 0;
  return forward;
}

static const guint *find_like(const MoeBuilder *builder)
{
  const MoeIntern *table = &builder->tables.kernels;
  const MoeLoadedKernel *loaded = moe_intern_at(table, 0);
  guint *like = moe_arena_raw(builder->arena, (size_t)table->n * sizeof(guint));
  g_autofree guint *first = g_new(guint, table->n + 1);
  MoeIntern forwards;

  moe_intern_init(&forwards, sizeof(MoeLoadedKernel));
  for (guint i = 0; i < table->n; i++) {
    MoePass pass = loaded[i].kernel.pass;

    like[i] = i;
    if (pass != MOE_PASS_FORWARD && pass != MOE_PASS_RECOMPUTE)
      continue;
    MoeLoadedKernel forward = forward_of(&loaded[i]);
    guint known = forwards.n, index = moe_intern_add(&forwards, &forward);

    if (index == known)
      first[index] = i;
    else if (pass == MOE_PASS_RECOMPUTE)
      like[i] = first[index];
  }
  moe_intern_clear(&forwards);
  return like;
}

/* A class is a few numbers per kernel: only the first one is written out. */
static void freeze_kernels(const MoeBuilder *builder, Owned *owned)
{
  const MoeIntern *table = &builder->tables.kernels;
  const MoeLoadedKernel *loaded = moe_intern_at(table, 0);
  MoeKernel *kernels = moe_arena_raw(builder->arena, (size_t)table->n * sizeof(MoeKernel));
  gboolean *varies = moe_arena_raw(builder->arena, (size_t)table->n * sizeof(gboolean));

  for (guint i = 0; i < table->n; i++) {
    kernels[i] = loaded[i].kernel;
    varies[i] = loaded[i].load != MOE_NO_LOAD;
    if (varies[i])
      apply_load(builder->router, (int)loaded[i].load, 0, &kernels[i]);
  }
  owned->program.n_kernels = table->n;
  owned->program.kernels = kernels;
  owned->program.kernel_like = find_like(builder);
  if (builder->router) {
    owned->program.kernel_varies = varies;
    owned->loaded = moe_arena_copy(builder->arena, loaded, (size_t)table->n * table->size);
  }
}

static gconstpointer freeze_table(const MoeBuilder *builder, const MoeIntern *table, guint *n)
{
  *n = table->n;
  return moe_arena_copy(builder->arena, table->records->data, (size_t)table->n * table->size);
}

static gconstpointer freeze_array(const MoeBuilder *builder, const GArray *array, size_t size, guint *n)
{
  *n = array->len;
  return moe_arena_copy(builder->arena, array->data, array->len * size);
}

static void freeze(const MoeBuilder *builder, const MoeCalls *calls, Owned *owned)
{
  MoeProgram *program = &owned->program;
  const MoeRun *run = builder->shape.run;
  MoeModelFlops flops;

  moe_count_model_flops(&run->architecture, &run->training, &flops);
  program->n_load_draws = builder->router ? moe_router_draws(builder->router) : 1;
  program->n_load_classes = builder->router ? program->n_load_draws * (guint)builder->shape.ep : 1;
  freeze_kernels(builder, owned);
  program->collectives = freeze_table(builder, &builder->tables.collectives, &program->n_collectives);
  program->copies = freeze_table(builder, &builder->tables.copies, &program->n_copies);
  program->delays = freeze_table(builder, &builder->tables.delays, &program->n_delays);
  program->blocks = freeze_array(builder, builder->blocks, sizeof(MoeBlock), &program->n_blocks);
  program->roles = freeze_array(builder, calls->roles, sizeof(MoeRole), &program->n_roles);
  program->messages = freeze_array(builder, calls->messages, sizeof(MoeMessage), &program->n_messages);
  program->tokens_per_step = (double)run->training.global_batch * (double)run->training.sequence_length;
  program->model_flop_per_step = flops.causal * program->tokens_per_step;
  program->layout = builder->layout;
}

/* ---- the program -------------------------------------------------------------------------------- */

MoeProgram *moe_program_build(const MoeRun *run, uint64_t seed, GError **error)
{
  return moe_program_build_step(run, seed, 0, error);
}

MoeProgram *moe_program_build_step(const MoeRun *run, uint64_t seed, uint64_t step, GError **error)
{
  const MoeStepSeed of_step = {seed, step};
  Owned *owned = g_new0(Owned, 1);
  g_autoptr(MoeProgram) program = &owned->program;
  g_auto(MoeBuilder) builder = {0};
  MoeCalls calls;

  owned->arena = moe_arena_new();
  if (!builder_init(&builder, run, owned, &of_step, error))
    return NULL;
  moe_calls_build(&builder, &calls);
  freeze(&builder, &calls, owned);
  g_array_unref(calls.roles);
  g_array_unref(calls.messages);
  return g_steal_pointer(&program);
}

/* All groups go through the draws in an order that micro-batches shuffle, each from its own place: different groups
 * have different loads as long as there are draws enough, and each meets them all. */
guint moe_program_load_draw(const MoeProgram *program, guint group, uint32_t micro_batch)
{
  guint n = program->n_load_draws;
  uint64_t shuffled = micro_batch == 0 ? 0 : moe_random_mix(micro_batch);

  return (guint)((group % n + shuffled % n) % n);
}

void moe_program_free(MoeProgram *program)
{
  Owned *owned = (Owned *)program;

  if (!program)
    return;
  moe_router_free(owned->router);
  moe_layout_free(owned->layout);
  moe_arena_free(owned->arena);
  g_free(owned);
}
