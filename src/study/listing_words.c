/* The words that keys take, and the keys, by name and in one line. */
#include "cost/cost.h"
#include "doc/doc.h"
#include "schedule/schedule.h"
#include "spec/expert_library.h"
#include "spec/schema.h"
#include "spec/spec.h"
#include "study/listing.h"

#include <string.h>

GPtrArray *moe_list_schedules(void)
{
  GPtrArray *found = moe_listing_new();

  for (guint i = 0; i < MOE_N_SCHEDULES; i++)
    moe_listing_add(found, moe_schedule_words[i], moe_schedule_find((MoeScheduleKind)i)->title);
  return found;
}

GPtrArray *moe_list_libraries(void)
{
  GPtrArray *found = moe_listing_new();

  for (const char *const *word = moe_expert_library_words; *word; word++)
    moe_listing_add(found, *word, moe_expert_library(*word)->title);
  return found;
}

GPtrArray *moe_list_kernels(void)
{
  GPtrArray *found = moe_listing_new();

  for (int klass = 0; klass < MOE_N_KERNEL_CLASSES; klass++)
    for (const MoeNamedFamily *family = moe_cost_families((MoeKernelClass)klass); family->name; family++)
      moe_listing_add(found, family->name, family->title)->klass = g_strdup(moe_kernel_class_words[klass]);
  return found;
}

GPtrArray *moe_list_keys(void)
{
  GPtrArray *found = moe_listing_new();
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);

  for (guint i = 0; i < keys->len; i++) {
    const MoeSchemaKey *key = keys->pdata[i];
    g_autofree char *range = moe_field_range(key->field);

    if (key->field->kind != MOE_FIELD_MAP && !strchr(key->path, '[') && !strstr(key->path, "NAME"))
      moe_listing_add(found, key->path, key->field->meaning)->values = g_strdup(range ? range : "");
  }
  return found;
}

GPtrArray *moe_list_variants(const char *path, GError **error)
{
  g_auto(GStrv) names = moe_run_variants(path, error);
  g_autoptr(MoeDoc) doc = names ? moe_doc_load(path, NULL) : NULL;
  const MoeNode *variants = doc ? moe_doc_find(doc, "variants") : NULL;
  GPtrArray *found = names ? moe_listing_new() : NULL;

  for (char **name = names; name && *name; name++) {
    const MoeNode *variant = variants ? moe_node_get(variants, *name) : NULL;
    const MoeNode *title = variant ? moe_node_get(variant, "title") : NULL;

    moe_listing_add(found, *name, title ? moe_node_text(title) : NULL);
  }
  return found;
}
