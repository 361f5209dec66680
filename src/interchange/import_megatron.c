/* Megatron-LM / Megatron-Core arguments to a run: reading, then section by section. */
#include "megatron.h"
#include "place.h"

#define DEFAULT_DROPOUT 0.1 /* of --attention-dropout and --hidden-dropout */
#define DEFAULT_STASH   1.1 /* of --moe-paged-stash-buffer-size-factor-cuda */

static gboolean take_all(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  return megatron_architecture(draft, arguments, error) && megatron_hybrid(draft, arguments, error) &&
         megatron_variant(draft, arguments, error) && megatron_layers(draft, arguments, error) &&
         megatron_blocks(draft, arguments, error) && megatron_training(draft, arguments, error) &&
         megatron_parallelism(draft, arguments, error) && megatron_recompute(draft, arguments, error) &&
         megatron_activations(draft, arguments, error) && megatron_stack(draft, arguments, error);
}

/* `notes` (may be NULL) go before those of the import. */
static MoeImport *import_words(const char *const *words, const MoeImportOptions *options, GPtrArray *notes,
                               GError **error)
{
  g_autoptr(GPtrArray) modules = g_ptr_array_new(), scopes = g_ptr_array_new(), spec = g_ptr_array_new(),
                       windows = g_ptr_array_new(), away = g_ptr_array_new();
  MegatronArguments arguments = {.hidden_dropout = DEFAULT_DROPOUT,
                                 .attention_dropout = DEFAULT_DROPOUT,
                                 .optimizer_share = 1,
                                 .away_share = 1,
                                 .wide_first = 1,
                                 .wide_last = 1,
                                 .stash_pages = DEFAULT_STASH,
                                 .away_modules = away,
                                 .recompute_modules = modules,
                                 .graph_scopes = scopes,
                                 .spec = spec,
                                 .window_sizes = windows};
  Draft draft;

  import_begin(&draft, options, "Megatron-LM arguments", "imported from Megatron-LM arguments", IMPORT_MEGATRON);
  g_autoptr(MoeImport) import = draft.import;
  g_autoptr(GPtrArray) open = draft.open;
  for (guint i = 0; notes && i < notes->len; i++)
    import_note(&draft, "%s", (const char *)g_ptr_array_index(notes, i));
  if (!megatron_read(words, &arguments, import, open, error) || !import_settle(&draft, error))
    return import_fail(error);
  g_autofree char *pattern = megatron_ratio_pattern(&arguments);

  arguments.made_pattern = pattern;
  g_autofree char *layout = megatron_hybrid_layout(&arguments); /* the draft borrows it */

  if (layout)
    arguments.layout = layout;
  draft.usual_cluster = arguments.primus_cluster;
  if (!take_all(&draft, &arguments, error) || !import_settle(&draft, error) || !import_finish(&draft, error))
    return import_fail(error);
  return g_steal_pointer(&import);
}

MoeImport *moe_import_megatron(const char *const *words, const MoeImportOptions *options, GError **error)
{
  return import_words(words, options, NULL, error);
}

MoeImport *moe_import_megatron_file(const MoeImportText *file, const char *const *given, const MoeImportFiles *files,
                                    const MoeImportOptions *options, GError **error)
{
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_auto(GStrv) words = import_file_words(file, given, files, notes, error);
  MoeImport *import = words ? import_words((const char *const *)words, options, notes, error) : NULL;

  if (!import)
    import_place(file, error);
  return import;
}
