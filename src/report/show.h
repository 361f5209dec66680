/* show: the keys of a run. Part of report (floor 12). Every text is the caller's to free. */
#ifndef MOESIM_REPORT_SHOW_H
#define MOESIM_REPORT_SHOW_H

#include <moesim/report.h>

G_BEGIN_DECLS

/* What is shown of a run. */
typedef struct {
  const MoeRun *run;
  const char *only;  /* dotted path: this key and what is below it; NULL: everything */
  gboolean defaults; /* also what may be given and is not, and the range of every key */
} MoeShown;

/* A row per value in the order of the files: key, value, where it is written, and what is assumed of it. */
char *moe_report_show_table(const MoeShown *shown, MoeSheet sheet);
char *moe_report_show_csv(const MoeShown *shown);
/* A list of rows: "key", "value", "file", "line", "assumed", with defaults "range". */
char *moe_report_show_json(const MoeShown *shown);

G_END_DECLS

#endif
