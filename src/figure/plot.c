/* Runs gnuplot. */
#include "figure/plot.h"
#include "base/base.h"
#include "record/output.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SCALE         2.0 /* pixels per point: sharp on a slide */
#define POINTS_PER_CM 50  /* of a PDF: 26 cm x 16 cm by default */

const char *const moe_theme_words[] = {"light", "dark", "print", NULL};

/* Backgrounds by MoeTheme, as plots/style.gp has them. */
static const char *const paper[] = {"#FFFFFF", "#16181C", "#FFFFFF"};

typedef struct {
  const char *suffix;
  void (*set)(const MoeFigure *figure, int width, int height, GString *script);
  const char *end; /* what stands near the end of a whole picture */
} Terminal;

static void append_number(GString *script, const char *before, double number)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append(script, before);
  g_string_append(script, g_ascii_formatd(digits, sizeof digits, "%.6g", number));
}

/* The font is in fonts-dejavu-core, which Debian's gnuplot-nox wants. */
static void set_png(const MoeFigure *figure, int width, int height, GString *script)
{
  double scale = figure->scale > 0 ? figure->scale : SCALE;

  append_number(script, "pngcairo size ", round(width * scale));
  append_number(script, ",", round(height * scale));
  append_number(script, " fontscale ", scale);
  append_number(script, " linewidth ", scale);
  append_number(script, " pointscale ", scale);
  g_string_append_printf(script, " font 'DejaVu Sans,13' background '%s'", paper[figure->theme]);
}

static void set_svg(const MoeFigure *figure, int width, int height, GString *script)
{
  g_string_append_printf(script, "svg size %d,%d font 'DejaVu Sans,15' background '%s'", width, height,
                         paper[figure->theme]);
}

static void set_pdf(const MoeFigure *figure, int width, int height, GString *script)
{
  append_number(script, "pdfcairo size ", (double)width / POINTS_PER_CM);
  append_number(script, "cm,", (double)height / POINTS_PER_CM);
  g_string_append_printf(script, "cm font 'DejaVu Sans,11' background '%s'", paper[figure->theme]);
}

static const Terminal terminals[] = {
    {".png", set_png, "IEND"},
    {".svg", set_svg, "</svg>"},
    {".pdf", set_pdf, "%%EOF"},
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

/* "name" with everything but letters and digits as octal numbers: in double quotes gnuplot would run what stands in
 * back quotes, and no quotes take a line end. */
static void append_file(GString *script, const char *name, const char *path)
{
  g_string_append_printf(script, "%s = \"", name);
  for (; *path; path++) {
    if (g_ascii_isalnum(*path) || strchr("/._-", *path))
      g_string_append_c(script, *path);
    else
      g_string_append_printf(script, "\\%03o", (guchar)*path);
  }
  g_string_append(script, "\"; ");
}

/* Commands for `gnuplot -e`, which wants semicolons instead of line ends. */
static char *make_script(const MoeFigure *figure, const Terminal *terminal, const char *data_path, const char *picture)
{
  GString *script = g_string_new(NULL);
  g_autofree char *style = g_build_filename(figure->templates, "style.gp", NULL);
  g_autofree char *template = template_path(figure);

  g_string_append(script, "set terminal ");
  terminal->set(figure, figure->width > 0 ? figure->width : MOE_FIGURE_WIDTH,
                figure->height > 0 ? figure->height : MOE_FIGURE_HEIGHT, script);
  g_string_append(script, " noenhanced; ");
  append_variable(script, "theme", moe_theme_words[figure->theme]);
  append_variable(script, "axis", figure->axis ? figure->axis : "");
  append_variable(script, "x_axis", figure->x_axis ? figure->x_axis : "");
  append_variable(script, "y_axis", figure->y_axis ? figure->y_axis : "");
  append_file(script, "data", data_path);
  append_variable(script, "title", figure->title);
  append_variable(script, "source", figure->source ? figure->source : "");
  append_file(script, "picture", picture);
  append_file(script, "style", style);
  append_file(script, "template", template);
  g_string_append(script, "set output picture; load style; load template; unset output");
  return g_string_free(script, FALSE);
}

#define MOST_SAID 500 /* bytes of what gnuplot complains that are repeated */

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
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = figure->path}, "gnuplot failed: %s: %.*s", reason->message,
                    MOST_SAID, g_strstrip(said));
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
static gboolean is_whole(const char *bytes, gsize length, const Terminal *terminal)
{
  gsize tail = MIN(length, END_BYTES);

  return memmem(bytes + length - tail, tail, terminal->end, strlen(terminal->end)) != NULL;
}

/* gnuplot calls every SVG "Gnuplot": what a reader of the page hears is the figure's own title. */
static char *name_svg(const char *svg, const char *title)
{
  static const char placeholder[] = "<title>Gnuplot</title>";
  g_autofree char *escaped = g_markup_printf_escaped("<title>%s</title>", title);
  const char *at = strstr(svg, placeholder);

  return at ? g_strdup_printf("%.*s%s%s", (int)(at - svg), svg, escaped, at + strlen(placeholder)) : g_strdup(svg);
}

static gboolean save_picture(const MoeFigure *figure, const Terminal *terminal, const char *bytes, gsize length,
                             GError **error)
{
  g_autoptr(MoeOutput) output = moe_output_new(figure->path, error);

  if (!output)
    return FALSE;
  if (terminal->set == set_svg) {
    g_autofree char *named = name_svg(bytes, figure->title);

    moe_output_write(output, named, -1);
  } else {
    moe_output_write(output, bytes, (gssize)length);
  }
  return moe_output_commit(output, error);
}

/* What gnuplot drew, under the name that was asked for. */
static gboolean take_picture(const MoeFigure *figure, const Terminal *terminal, const char *drawn, GError **error)
{
  g_autofree char *bytes = NULL;
  gsize length = 0;

  gboolean whole = g_file_get_contents(drawn, &bytes, &length, NULL) && is_whole(bytes, length, terminal);
  g_unlink(drawn); /* its name is the output's own until that is done */
  if (!whole)
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = figure->path},
                    "cannot write: gnuplot made no whole picture");
  return save_picture(figure, terminal, bytes, length, error);
}

gboolean moe_figure_draw(const MoeFigure *figure, const char *data, GError **error)
{
  if (!moe_figure_check(figure, error))
    return FALSE;
  const Terminal *terminal = terminal_for(figure->path, NULL);
  g_autofree char *data_path = data_path_for(figure->path);
  g_autofree char *drawn = moe_output_temporary(figure->path);
  g_autofree char *script = make_script(figure, terminal, data_path, drawn);
  gboolean good = moe_output_save(data_path, data, error) && spawn_gnuplot(figure, script, error) &&
                  take_picture(figure, terminal, drawn, error);

  g_unlink(drawn);
  return good;
}
