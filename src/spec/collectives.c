/* Reader of a stack's section `collectives:`. */
#include "internal.h"

/* More than any GPU has. */
#define MAX_SMS 1024

static const char *const communicator_words[] = {"flat", "two-level", NULL};
static const char *const algorithm_words[] = {"tuned", "ring", NULL};

/* SMs: NCCL takes 16 channels of one SM each for rings on Hopper and Blackwell, DeepSeek-V3 took 20 for expert traffic
 * (ISCA 2025), NCCL sends take 2 to 4. */
static const MoeStackCollectives defaults = {
    .nvls = TRUE, .nccl = MOE_NCCL_DEFAULT, .sms_collective = 16, .sms_expert = 20, .sms_p2p = 2};

static char *print_library(gconstpointer target)
{
  return g_strdup(((const MoeStackCollectives *)target)->expert_library);
}

static char *print_nccl(gconstpointer target)
{
  int nccl = (int)((const MoeStackCollectives *)target)->nccl;

  return g_strdup_printf("\"%d.%d.%d\"", nccl / 10000, nccl / 100 % 100, nccl % 100);
}

static char *print_algorithms(gconstpointer target)
{
  return g_strdup(algorithm_words[((const MoeStackCollectives *)target)->rings_only ? 1 : 0]);
}

static const MoeField sms_fields[] = {
    {"collective", MOE_FIELD_COUNT(MoeStackCollectives, sms_collective, 0, MAX_SMS),
     .meaning = "while a ring collective runs"},
    {"expert", MOE_FIELD_COUNT(MoeStackCollectives, sms_expert, 0, MAX_SMS),
     .meaning = "while tokens are dispatched and combined"},
    {"p2p", MOE_FIELD_COUNT(MoeStackCollectives, sms_p2p, 0, MAX_SMS), .meaning = "while a send runs"},
    {NULL},
};

static const MoeSection sms_section = {"collectives.sms", sms_fields, &defaults};

static const MoeField stack_fields[] = {
    {"nvls", MOE_FIELD_FLAG(MoeStackCollectives, nvls), .meaning = "NVLink SHARP is used where the domain has it"},
    {"sharp", MOE_FIELD_FLAG(MoeStackCollectives, sharp),
     .meaning = "in-network reduction is used where the network has it"},
    {"deterministic", MOE_FIELD_FLAG(MoeStackCollectives, deterministic),
     .meaning = "only algorithms whose sums do not depend on time"},
    {"hierarchical", MOE_FIELD_FLAG(MoeStackCollectives, hierarchical),
     .meaning = "older name of communicators: two-level, and prevails"},
    {"deduplicate", MOE_FIELD_FLAG(MoeStackCollectives, deduplicate), .otherwise = "as the expert library does",
     .meaning = "one copy of a token per destination rank also inside a domain"},
    {"expert_library", .kind = MOE_FIELD_WORD, .own = TRUE, .words = moe_expert_library_words, .print = print_library,
     .otherwise = "nccl", .meaning = "library of dispatch and combine"},
    {"nccl", .kind = MOE_FIELD_TEXT, .own = TRUE, .print = print_nccl, .meaning = "version of NCCL"},
    {"communicators", .kind = MOE_FIELD_WORD, .own = TRUE, .words = communicator_words, .otherwise = "flat",
     .meaning = "data-parallel collectives in one piece, or one in the domain and one along the rails"},
    {"algorithms", .kind = MOE_FIELD_WORD, .own = TRUE, .words = algorithm_words, .print = print_algorithms,
     .otherwise = "ring where deterministic, else tuned",
     .meaning = "what NCCL may take: whatever its tuner likes, or rings only (NCCL_ALGO=Ring)"},
    {"symmetric", MOE_FIELD_FLAG(MoeStackCollectives, symmetric),
     .meaning = "buffers are registered as symmetric windows: NCCL gathers and scatters rail by rail from 2.29.7 on"},
    {"sms", MOE_FIELD_PART(sms_section), .meaning = "streaming multiprocessors that communication holds"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

const MoeSection moe_collectives_section = {"collectives", stack_fields, &defaults};

static void set_library(MoeStackCollectives *collectives, const char *name)
{
  collectives->library = moe_expert_library(name);
  collectives->expert_library = collectives->library->name;
  collectives->deduplicate = collectives->library->deduplicates;
}

void moe_stack_collectives_default(MoeStackCollectives *collectives)
{
  *collectives = defaults;
  set_library(collectives, NULL);
}

static gboolean read_expert_library(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  const MoeNode *node = moe_node_get(map, "expert_library");
  int word = 0;

  if (node && !moe_node_read_word(node, moe_expert_library_words, &word, error))
    return FALSE;
  set_library(collectives, node ? moe_expert_library_words[word] : NULL);
  return TRUE;
}

/* How the software builds the communicators of data-parallel groups; `hierarchical` is the older key and prevails. */
static gboolean read_communicators(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  const MoeNode *node = moe_node_get(map, "communicators");
  int word = 0;

  if (node && !moe_node_read_word(node, communicator_words, &word, error))
    return FALSE;
  collectives->hierarchical = word == 1;
  return TRUE;
}

/* A tree's order of sums is not the user's to fix: Megatron-LM's deterministic mode refuses Tree and sets
 * NCCL_ALGO=Ring where nothing is set (docs/user-guide/deterministic-training.md, d98e8a64), Megatron-Bridge sets Ring
 * (recipes/utils/determinism_utils.py). */
static gboolean read_algorithms(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  const MoeNode *node = moe_node_get(map, "algorithms");
  int word = collectives->deterministic ? 1 : 0;

  if (node && !moe_node_read_word(node, algorithm_words, &word, error))
    return FALSE;
  collectives->rings_only = word == 1;
  return TRUE;
}

/* "2.27.3" or "2.27" -> 22703 or 22700. */
static gboolean read_nccl(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  const MoeNode *node = moe_node_get(map, "nccl");
  g_auto(GStrv) parts = NULL;
  guint64 number[3] = {0};

  if (!node)
    return TRUE;
  const char *text = moe_node_text(node);
  gboolean good = text != NULL;

  parts = g_strsplit(text ? text : "", ".", 4);
  guint n = g_strv_length(parts);
  for (guint i = 0; i < MIN(n, 3); i++)
    good = good && g_ascii_string_to_unsigned(parts[i], 10, 0, 99, &number[i], NULL);
  if (!good || n < 2 || n > 3)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                    "nccl is \"%s\", expected the version of NCCL as in \"2.27.3\"", text ? text : "not a text");
  collectives->nccl = (int64_t)(number[0] * 10000 + number[1] * 100 + number[2]);
  return TRUE;
}

gboolean moe_stack_collectives_read(const MoeNode *node, MoeStackCollectives *collectives, GError **error)
{
  *collectives = defaults;
  return moe_node_expect(node, MOE_NODE_MAP, "collectives", error) && read_expert_library(node, collectives, error) &&
         read_nccl(node, collectives, error) && read_communicators(node, collectives, error) &&
         moe_node_read_fields(node, stack_fields, "collectives", collectives, error) &&
         read_algorithms(node, collectives, error) &&
         moe_section_read(node, "sms", sms_fields, "collectives.sms", collectives, error);
}
