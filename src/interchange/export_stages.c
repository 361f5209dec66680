/* Megatron-LM arguments that say which layers lie on which pipeline stage. */
#include "export_megatron.h"

static int64_t count_positions(const MoeChunk *chunks)
{
  int64_t n = 0;

  while (!chunks[n].head)
    n++;
  return n + 1;
}

/* Whether a position's layers are given with its stage. */
static gboolean is_given(const MoeParallelism *p, int64_t position)
{
  int64_t stage = position % p->pipeline;

  return p->pipeline > 1 &&
         ((stage == 0 && p->first_stage_layers >= 0) || (stage == p->pipeline - 1 && p->last_stage_layers >= 0));
}

/* Megatron divides by equal numbers alone (get_num_layers_to_build of transformer_block.py, which stops at a
 * remainder): positions whose layers are not given hold the same number, an end that counts as a layer included. It
 * takes stages that are given or ends that count, not both. */
static gboolean is_equal(const MoeParallelism *p, const MoeChunk *chunks, int64_t positions)
{
  gboolean given = p->first_stage_layers >= 0 || p->last_stage_layers >= 0;
  int64_t usual = -1;

  if (given && (p->embedding_as_layer || p->head_as_layer))
    return FALSE;
  for (int64_t i = 0; i < positions; i++) {
    int64_t places = chunks[i].count + (i == 0 && p->embedding_as_layer) + (i == positions - 1 && p->head_as_layer);

    if (is_given(p, i))
      continue;
    if (usual >= 0 && places != usual)
      return FALSE;
    usual = places;
  }
  return TRUE;
}

static void append_part(GString *layout, char part, int64_t n)
{
  if (n == 1)
    g_string_append_c(layout, part);
  else if (n > 1)
    g_string_append_printf(layout, "%c*%" G_GINT64_FORMAT, part, n);
}

/* "Et*3|t*4|...|t*3mL". Caller frees. */
static char *layout_of(const MoeChunk *chunks, int64_t positions)
{
  GString *layout = g_string_new(NULL);

  for (int64_t i = 0; i < positions; i++) {
    if (i > 0)
      g_string_append_c(layout, '|');
    append_part(layout, 'E', chunks[i].embedding);
    append_part(layout, 't', chunks[i].count);
    append_part(layout, 'm', chunks[i].mtp);
    append_part(layout, 'L', chunks[i].head);
  }
  return g_string_free(layout, FALSE);
}

static void add_numbers(MegatronWords *writer, const MoeParallelism *p)
{
  words_count_unless(writer, "--num-virtual-stages-per-pipeline-rank", p->virtual_stages, 1);
  words_count_unless(writer, "--decoder-first-pipeline-num-layers", p->first_stage_layers, -1);
  words_count_unless(writer, "--decoder-last-pipeline-num-layers", p->last_stage_layers, -1);
  words_flag_if(writer, "--account-for-embedding-in-pipeline-split", p->embedding_as_layer);
  words_flag_if(writer, "--account-for-loss-in-pipeline-split", p->head_as_layer);
}

void words_stages(MegatronWords *writer)
{
  const MoeParallelism *p = &writer->run->parallelism;
  g_autofree MoeChunk *chunks = moe_run_chunks_new(writer->run);
  int64_t positions = count_positions(chunks);
  g_autofree char *layout = p->layout || is_equal(p, chunks, positions) ? NULL : layout_of(chunks, positions);

  if (p->layout || layout)
    words_text(writer, "--pipeline-model-parallel-layout", layout ? layout : p->layout);
  else
    add_numbers(writer, p);
  words_note_if(writer,
                p->schedule != MOE_SCHEDULE_NONE && p->schedule != MOE_SCHEDULE_1F1B &&
                    p->schedule != MOE_SCHEDULE_INTERLEAVED,
                "the pipeline schedule; Megatron runs 1f1b, or interleaves virtual stages");
}
