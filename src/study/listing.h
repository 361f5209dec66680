/*
 * listing: what ships, by name and in one line. Part of study (floor 8).
 */
#ifndef MOESIM_LISTING_H
#define MOESIM_LISTING_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *name;  /* as a run, a cluster or a stack is asked for: no folder, no ending; inner folders stay */
  char *title; /* of the file, or what the word means; "" where it has none */
  char *date;  /* of a stack: the month that it describes, "" where it is not said; NULL of all else */
  char *base; /* of a stack: what it stands on, as SOFTWARE:VARIANT; NULL where it stands on nothing, and of all else */
  char *klass;  /* of a family of kernels: its class; NULL of all else */
  char *values; /* of a key: what it may be given, "" where that is any text; NULL of all else */
} MoeListed;

void moe_listed_free(MoeListed *listed);

/* An array of MoeListed that frees its elements, and one more in it, with copies of both texts (title NULL: ""). */
GPtrArray *moe_listing_new(void);
MoeListed *moe_listing_add(GPtrArray *found, const char *name, const char *title);

/* The YAML files of a data folder ("models", "clusters", "stacks"), sorted by name; with `inner` those of folders in it
 * too. What is there to be extended alone (no title of its own) is left out with `titled`. An array of MoeListed that
 * frees its elements; empty when there is no such folder. */
GPtrArray *moe_list_files(const char *data_dir, const char *folder, gboolean inner, gboolean titled);

/* The runs in models/: what an architecture alone or the part that several share is, they are not. As moe_list_files
 * gives them. */
GPtrArray *moe_list_models(const char *data_dir);

/* The stacks of a data folder by name, software by software, each followed by its variants (SOFTWARE:VARIANT) in their
 * order. As moe_list_files gives them. */
GPtrArray *moe_list_stacks(const char *data_dir);

/* Words that keys take, in the order of their tables, with what each means: schedules, libraries that carry tokens to
 * experts, families of kernels by class. */
GPtrArray *moe_list_schedules(void);
GPtrArray *moe_list_libraries(void);
GPtrArray *moe_list_kernels(void);

/* Keys that --set and --vary give a value, each with its meaning and the values that it may have. */
GPtrArray *moe_list_keys(void);

/* The variants of a run's file in their order, or the cases of a file of cases. NULL and *error when it is neither. */
GPtrArray *moe_list_variants(const char *path, GError **error);

G_END_DECLS

#endif
