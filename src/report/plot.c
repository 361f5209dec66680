/* Runs gnuplot. */
#include <moesim/report_plot.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Sizes suit a page and a screen; the font is in fonts-dejavu-core, which Debian's gnuplot-nox wants. */
typedef struct {
  const char *suffix;
  const char *terminal;
  const char *end; /* what stands near the end of a whole picture */
} Terminal;

static const Terminal terminals[] = {
    {".png", "pngcairo size 1300,800 font 'DejaVu Sans,13' noenhanced", "IEND"},
    {".svg", "svg size 1300,800 font 'DejaVu Sans,15' background 'white' noenhanced", "</svg>"},
    {".pdf", "pdfcairo size 26cm,16cm font 'DejaVu Sans,11' noenhanced", "%%EOF"},
};

static const Terminal *terminal_for(const char *path, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(terminals); i++)
    if (g_str_has_suffix(path, terminals[i].suffix))
      return &terminals[i];
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path},
           "unknown kind of picture, expected a name that ends in .png, .svg or .pdf");
  return NULL;
}

static char *template_path(const MoeFigure *figure)
{
  g_autofree char *file = g_strconcat(figure->kind, ".gp", NULL);

  return g_build_filename(figure->templates, file, NULL);
}

gboolean moe_figure_check(const MoeFigure *figure, GError **error)
{
  g_autofree char *program = g_find_program_in_path("gnuplot");
  g_autofree char *template = template_path(figure);
  MoeMark mark = {.file = figure->path};

  if (!terminal_for(figure->path, error))
    return FALSE;
  if (!program)
    return moe_fail(error, MOE_ERROR_IO, mark, "gnuplot is not installed (Debian: apt-get install gnuplot-nox)");
  if (!g_file_test(template, G_FILE_TEST_IS_REGULAR))
    return moe_fail(error, MOE_ERROR_IO, mark, "no template %s; MOESIM_DATA names the folder with plots/", template);
  return TRUE;
}

/* 'text' as gnuplot reads it: inside single quotes only the quote itself is doubled. */
static void append_variable(GString *script, const char *name, const char *value)
{
  g_string_append_printf(script, "%s = '", name);
  for (; *value; value++) {
    if (*value == '\'')
      g_string_append_c(script, '\'');
    g_string_append_c(script, g_ascii_iscntrl(*value) ? ' ' : *value);
  }
  g_string_append(script, "'; ");
}

/* Commands for `gnuplot -e`, which wants semicolons instead of line ends. */
static char *make_script(const MoeFigure *figure, const char *terminal, const char *data_path, const char *picture)
{
  GString *script = g_string_new(NULL);
  g_autofree char *style = g_build_filename(figure->templates, "style.gp", NULL);
  g_autofree char *template = template_path(figure);

  g_string_append_printf(script, "set terminal %s; ", terminal);
  append_variable(script, "data", data_path);
  append_variable(script, "title", figure->title);
  append_variable(script, "source", figure->source ? figure->source : "");
  append_variable(script, "picture", picture);
  append_variable(script, "style", style);
  append_variable(script, "template", template);
  g_string_append(script, "set output picture; load style; load template; unset output");
  return g_string_free(script, FALSE);
}

static gboolean spawn_gnuplot(const MoeFigure *figure, const char *script, GError **error)
{
  g_autofree char *said = NULL;
  g_autoptr(GError) reason = NULL;
  char *arguments[] = {(char *)"gnuplot", (char *)"-e", (char *)script, NULL};
  int status = 0;

  if (!g_spawn_sync(NULL, arguments, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &said,
                    &status, &reason) ||
      !g_spawn_check_wait_status(status, &reason)) {
    g_strdelimit(said ? said : (said = g_strdup("")), "\n", ' ');
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = figure->path}, "gnuplot failed: %s: %s", reason->message,
                    g_strstrip(said));
  }
  return TRUE;
}

/* FILE.png -> FILE.dat */
static char *data_path_for(const char *path)
{
  return g_strdup_printf("%.*s.dat", (int)(strlen(path) - strlen(".png")), path);
}

#define END_BYTES 16 /* of a picture, with room for what follows its last word */

/* gnuplot takes no notice of a full disk: the picture has to end as its format does. */
static gboolean is_whole(const char *picture, const Terminal *terminal)
{
  g_autofree char *bytes = NULL;
  gsize length = 0;

  if (!g_file_get_contents(picture, &bytes, &length, NULL))
    return FALSE;
  gsize tail = MIN(length, END_BYTES);

  return memmem(bytes + length - tail, tail, terminal->end, strlen(terminal->end)) != NULL;
}

gboolean moe_figure_draw(const MoeFigure *figure, const char *data, GError **error)
{
  if (!moe_figure_check(figure, error))
    return FALSE;
  const Terminal *terminal = terminal_for(figure->path, NULL);
  g_autofree char *data_path = data_path_for(figure->path);
  g_autofree char *picture = g_strdup_printf("%s.%d.part", figure->path, (int)getpid());
  g_autofree char *script = make_script(figure, terminal->terminal, data_path, picture);
  gboolean drawn = moe_output_save(data_path, data, error) && spawn_gnuplot(figure, script, error);

  if (drawn && (!is_whole(picture, terminal) || g_rename(picture, figure->path) != 0))
    drawn =
        moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = figure->path}, "cannot write: gnuplot made no whole picture");
  if (!drawn)
    g_unlink(picture);
  return drawn;
}
