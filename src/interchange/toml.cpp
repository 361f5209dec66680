// TOML to JSON by toml++ (Debian: libtomlplusplus-dev), the only C++ here: the project's C has no TOML library in
// Debian 12.
#include "toml.h"

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>

#define TOML_HEADER_ONLY 1
// Some wrong keys run into an assertion of the parser (3.3): wrong input is no mistake of ours.
#define TOML_ASSERT(expression)                                                                                        \
  do {                                                                                                                 \
    if (!(expression))                                                                                                 \
      throw std::runtime_error("no TOML");                                                                             \
  } while (false)
#include <toml++/toml.h>

static char *copy_text(const std::string &text)
{
  char *copy = static_cast<char *>(std::malloc(text.size() + 1));

  if (copy)
    std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

extern "C" char *interchange_toml_to_json(const char *text, size_t length, InterchangeTomlError *error)
{
  try {
    const toml::table table = toml::parse(std::string_view(text, length));
    std::ostringstream json;

    json << toml::json_formatter{table};
    return copy_text(json.str());
  } catch (const toml::parse_error &reason) {
    error->line = static_cast<int>(reason.source().begin.line);
    error->column = static_cast<int>(reason.source().begin.column);
  } catch (const std::exception &) {
    error->line = error->column = 0;
  }
  return nullptr;
}
