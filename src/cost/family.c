/*
 * Which constants price a kernel: the stack's, else the accelerator's, else those of the nearest relative, else generic
 * ones.
 *
 * Search order for (class, family, precision, pass), documented in docs/model-kernels.md:
 *   1. the family itself in this precision; 2. the family's stand-ins in this precision (fa4 -> cudnn -> fa3 -> fa2);
 * 3. the same in the precision's stand-ins (mxfp8 -> fp8-block -> fp8 -> bf16: constants are shares of each precision's
 * own peak, so they carry over); 4. any family of the class; 5. the generic constants. Within a step the stack goes
 * before the accelerator, and an entry that names precision and pass before one that says "any".
 */
#include "spec/spec.h"

#include <string.h>

#include "internal.h"

/* Constants are shares of a precision's own peak; these pairs run on the same pipes with the same tiles. */
static const int precision_relatives[MOE_N_PRECISIONS] = {
    [MOE_BF16] = -1,         [MOE_FP16] = MOE_BF16,     [MOE_FP32] = MOE_TF32,
    [MOE_TF32] = MOE_BF16,   [MOE_BF16X3] = MOE_BF16,   [MOE_BF16X9] = MOE_BF16,
    [MOE_FP8] = MOE_BF16,    [MOE_FP8_BLOCK] = MOE_FP8, [MOE_MXFP8] = MOE_FP8_BLOCK,
    [MOE_NVFP4] = MOE_MXFP8,
};

int moe_cost_precision_fallback(int precision)
{
  return precision_relatives[precision];
}

static const MoeRelative *relative_of(MoeKernelClass klass, const char *family)
{
  for (const MoeRelative *r = moe_cost_class(klass)->relatives; r->family; r++)
    if (strcmp(r->family, family) == 0)
      return r;
  return NULL;
}

const char *moe_cost_family_fallback(MoeKernelClass klass, const char *family)
{
  const MoeRelative *relative = relative_of(klass, family);

  return relative ? relative->fallback : NULL;
}

const char *moe_cost_family_run(MoeKernelClass klass, const char *family)
{
  const MoeRelative *relative = relative_of(klass, family);

  return relative && relative->same ? relative->fallback : family;
}

/* ---- roles ------------------------------------------------------------------------------------------------------- */

static MoeKernelClass class_of(MoeFamilyRole role)
{
  return moe_cost_roles[role].klass;
}

static const char *role_family(const MoeStack *stack, MoeFamilyRole role)
{
  const char *named = *moe_cost_role_family((MoeStack *)stack, role);

  return named ? named : moe_cost_class(class_of(role))->families[0].name;
}

/* ---- searching --------------------------------------------------------------------------------------------------- */

/* Longest chain of stand-ins worth following: the table has cycles (cudnn and fa3 stand in for each other). */
#define CHAIN_MAX  4
#define ANY_FAMILY (1u << CHAIN_MAX)

G_STATIC_ASSERT(MOE_CONSTANTS_MAX <= 32);

/* An entry of stack or accelerator, its names compared once. */
typedef struct {
  const MoeKernelFamily *entry;
  guint families;                  /* bit i: it is of the i-th family of the chain; ANY_FAMILY */
  guint has;                       /* bit c: it brings constant c of the class */
  double value[MOE_CONSTANTS_MAX]; /* generic where it does not */
} Entry;

/* What there is for a role: entries of its class, the stack's before the accelerator's. */
typedef struct {
  const MoeCostConstant *constants;
  guint n_constants;
  const char *requested;
  guint n_families, n_stack, n;
  Entry *entries;
} Shelf;

typedef struct {
  guint families, has; /* one of these; all of these */
  int precision, pass;
} Wanted;

static void fill_entry(const Shelf *shelf, const char *const *chain, const MoeKernelFamily *family, Entry *entry)
{
  *entry = (Entry){.entry = family, .families = ANY_FAMILY};
  for (guint i = 0; i < shelf->n_families; i++)
    entry->families |= strcmp(family->name, chain[i]) == 0 ? 1u << i : 0;
  for (guint c = 0; c < shelf->n_constants; c++)
    entry->value[c] = shelf->constants[c].generic;
  for (guint i = family->n_constants; i-- > 0;) /* of two of a name the first counts */
    for (guint c = 0; c < shelf->n_constants; c++)
      if (strcmp(family->constant[i], shelf->constants[c].name) == 0) {
        entry->has |= 1u << c;
        entry->value[c] = family->value[i];
      }
}

static void fill_shelf(Shelf *shelf, const char *const *chain, MoeKernelClass klass, const MoeKernelFits *fits)
{
  for (guint i = 0; i < fits->n; i++)
    if (fits->family[i].klass == klass)
      fill_entry(shelf, chain, &fits->family[i], &shelf->entries[shelf->n++]);
}

static void shelf_init(const MoeCostModel *model, MoeFamilyRole role, Shelf *shelf)
{
  const MoeKernelFits *stack = &model->stack->kernels, *accelerator = &model->accelerator->kernels;
  const char *chain[CHAIN_MAX], *family = role_family(model->stack, role);

  *shelf = (Shelf){.requested = family, .entries = g_new(Entry, stack->n + accelerator->n + 1)};
  shelf->constants = moe_cost_constants(class_of(role), &shelf->n_constants);
  for (; family && shelf->n_families < CHAIN_MAX; family = moe_cost_family_fallback(class_of(role), family))
    chain[shelf->n_families++] = family;
  fill_shelf(shelf, chain, class_of(role), stack);
  shelf->n_stack = shelf->n;
  fill_shelf(shelf, chain, class_of(role), accelerator);
}

/* 0 = no match, else the more the more specific. */
static int match(const Entry *e, const Wanted *w)
{
  const MoeKernelFamily *f = e->entry;

  if (!(e->families & w->families) || (e->has & w->has) != w->has)
    return 0;
  if ((f->precision >= 0 && f->precision != w->precision) || (f->pass >= 0 && f->pass != w->pass))
    return 0;
  return 1 + 2 * (f->precision >= 0) + (f->pass >= 0);
}

static const Entry *find_in(const Entry *entries, guint n, const Wanted *w)
{
  const Entry *best = NULL;
  int best_match = 0;

  for (guint i = 0; i < n; i++) {
    int m = match(&entries[i], w);

    if (m > best_match) {
      best = &entries[i];
      best_match = m;
    }
  }
  return best;
}

static const Entry *find(const Shelf *shelf, const Wanted *w)
{
  const Entry *found = find_in(shelf->entries, shelf->n_stack, w);

  return found ? found : find_in(shelf->entries + shelf->n_stack, shelf->n - shelf->n_stack, w);
}

/* The family, then its stand-ins, in one precision. */
static const Entry *find_families(const Shelf *shelf, Wanted w)
{
  const Entry *found = NULL;

  for (guint i = 0; i < shelf->n_families && !found; i++) {
    w.families = 1u << i;
    found = find(shelf, &w);
  }
  return found;
}

/* NULL: nobody has what is wanted; else *precision is the one found. wanted->families does not matter. */
static const Entry *search(const Shelf *shelf, const Wanted *wanted, int *precision)
{
  Wanted w = *wanted;

  for (; w.precision >= 0; w.precision = moe_cost_precision_fallback(w.precision)) {
    const Entry *found = find_families(shelf, w);

    *precision = w.precision;
    if (found)
      return found;
  }
  w.families = ANY_FAMILY;
  for (w.precision = wanted->precision; w.precision >= 0; w.precision = moe_cost_precision_fallback(w.precision)) {
    const Entry *found = find(shelf, &w);

    *precision = w.precision;
    if (found)
      return found;
  }
  return NULL;
}

static void fill_use(const Shelf *shelf, const Entry *found, MoeKernelClass klass, int wanted_precision, int precision,
                     MoeFamilyUse *use)
{
  const char *run = moe_cost_family_run(klass, shelf->requested);
  gboolean any_precision = found && found->entry->precision < 0;

  use->requested = shelf->requested;
  use->used = found ? found->entry->name : "generic";
  use->precision = (MoePrecision)(found ? precision : wanted_precision);
  use->origin = !found                                    ? MOE_ORIGIN_GENERIC
                : found < shelf->entries + shelf->n_stack ? MOE_ORIGIN_STACK
                                                          : MOE_ORIGIN_ACCELERATOR;
  use->fit = found ? found->entry : NULL;
  use->exact = found && (any_precision || precision == wanted_precision) &&
               (strcmp(use->used, use->requested) == 0 || strcmp(use->used, run) == 0);
}

/* Whole entries: constants of one fit belong together; those an entry lacks are generic. */
static void fill(const Shelf *shelf, const Entry *found, MoeKernelClass klass, double tiles, double *value)
{
  for (guint c = 0; c < shelf->n_constants; c++)
    value[c] = found ? found->value[c] : shelf->constants[c].generic;
  if (tiles > 0 && moe_cost_class(klass)->describe && !(found && (found->has & (1u << MOE_GEMM_TILES))))
    value[MOE_GEMM_TILES] = tiles;
}

/* Bandwidth-bound kinds are independent: each share comes from the nearest entry that has it. */
static void fill_bandwidth(const Shelf *shelf, Wanted wanted, MoeFit *fit)
{
  for (guint c = 0; c < shelf->n_constants; c++) {
    int precision;

    wanted.has = 1u << c;
    const Entry *found = search(shelf, &wanted, &precision);
    fit->value[c] = found ? found->value[c] : shelf->constants[c].generic;
    if (c < MOE_N_BANDWIDTH_KINDS)
      fit->kind[c] = found ? found->entry : NULL;
  }
}

/* ---- resolving --------------------------------------------------------------------------------------------------- */

static gboolean brought(const MoeKernelFits *fits, MoeKernelClass klass, const char *family)
{
  for (guint i = 0; i < fits->n; i++)
    if (fits->family[i].klass == klass && strcmp(fits->family[i].name, family) == 0)
      return TRUE;
  return FALSE;
}

/* NULL-terminated; the names are static. */
static const char **names_of(MoeKernelClass klass)
{
  GPtrArray *names = g_ptr_array_new();

  for (const MoeNamedFamily *family = moe_cost_families(klass); family->name; family++)
    g_ptr_array_add(names, (gpointer)family->name);
  g_ptr_array_add(names, NULL);
  return (const char **)g_ptr_array_free(names, FALSE);
}

static gboolean check_family(const MoeCostModel *model, MoeFamilyRole role, GError **error)
{
  MoeKernelClass klass = class_of(role);
  const char *family = role_family(model->stack, role);

  if (moe_cost_knows_family(klass, family) || brought(&model->stack->kernels, klass, family) ||
      brought(&model->accelerator->kernels, klass, family))
    return TRUE;
  g_autofree const char **names = names_of(klass);
  g_autofree char *known = g_strjoinv(", ", (char **)names);
  const char *near = moe_nearest_word(family, names);
  return moe_fail(error, MOE_ERROR_INPUT, model->stack->family.mark[moe_cost_roles[role].place],
                  "stack %s: unknown kernel family \"%s\" for %s%s%s%s, expected one of %s",
                  model->stack->name ? model->stack->name : "(inline)", family, moe_cost_roles[role].key,
                  near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "", known);
}

/* The tile set belongs to the silicon: any GEMM entry of the accelerator knows it. 0 = none does. */
static double accelerator_tiles(const MoeAccelerator *accelerator)
{
  for (guint i = 0; i < accelerator->kernels.n; i++) {
    double tiles = moe_family_constant(&accelerator->kernels.family[i], "tiles", 0);

    if (tiles > 0)
      return tiles;
  }
  return 0;
}

static void resolve_one(const Shelf *shelf, MoeFamilyRole role, const Wanted *wanted, double tiles, MoeFit *fit)
{
  int precision;
  const Entry *found = search(shelf, wanted, &precision);

  fill_use(shelf, found, class_of(role), wanted->precision, precision, &fit->use);
  if (moe_cost_class(class_of(role))->kinds_apart)
    fill_bandwidth(shelf, *wanted, fit);
  else
    fill(shelf, found, class_of(role), tiles, fit->value);
}

static void resolve_role(MoeCostModel *model, MoeFamilyRole role, double tiles)
{
  Shelf shelf;

  shelf_init(model, role, &shelf);
  for (int precision = 0; precision < MOE_N_PRECISIONS; precision++)
    for (int pass = 0; pass < MOE_FIT_PASSES; pass++)
      resolve_one(&shelf, role, &(Wanted){.precision = precision, .pass = pass}, tiles,
                  &model->fit[role][precision][pass]);
  g_free(shelf.entries);
}

/* Of a bandwidth-bound kernel the entry that its kind's share comes from counts. */
void moe_cost_family(const MoeCostModel *model, const MoeKernel *kernel, MoeFamilyUse *use)
{
  Wanted wanted = {.precision = (int)kernel->precision, .pass = moe_cost_fit_pass(kernel->pass)};
  int precision;
  Shelf shelf;

  if (moe_cost_class(kernel->klass)->one_backward)
    wanted.pass = MIN(wanted.pass, 1);
  if (moe_cost_class(kernel->klass)->kinds_apart)
    wanted.has = 1u << kernel->bandwidth;
  shelf_init(model, moe_cost_role(kernel), &shelf);
  const Entry *found = search(&shelf, &wanted, &precision);
  fill_use(&shelf, found, kernel->klass, wanted.precision, precision, use);
  g_free(shelf.entries);
}

gboolean moe_cost_resolve(MoeCostModel *model, GError **error)
{
  double tiles = accelerator_tiles(model->accelerator);

  for (int role = 0; role < MOE_N_ROLES; role++) {
    if (!check_family(model, role, error))
      return FALSE;
    resolve_role(model, role, tiles);
  }
  return TRUE;
}
