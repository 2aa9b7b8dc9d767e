// A mirror's columns on the command line, as text and as JSON, all driven by db's list of columns.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "tools/cli/json.h"
#include "tools/cli/options.h"

#include "db/mirror/comments.h"
#include "db/mirror/mirrors.h"
#include "explain/client.h"

namespace mirror::mb {

// The column options of `mb new` and `mb edit`: `--http-url URL`, `--prefix-only` and
// `--no-prefix-only`, …
class ColumnOptions {
 public:
  // Adds an option for every column; the object must outlive the parser.
  explicit ColumnOptions(cli::Options& app);
  bool given(const char* column) const;
  // What was given, in the order of the columns.
  std::vector<db::Change> changes() const;
  // The value given for the column, "" without one.
  std::string value(const char* column) const;

 private:
  struct Entry {
    const db::MirrorColumn* column;
    std::string text;
    bool flag = false;
    cli::Option* option = nullptr;
  };
  std::vector<std::unique_ptr<Entry>> entries_;
};

// The region of a country that was given without a region: a country is in one region.
void add_region(std::vector<db::Change>& changes);
// What is wrong with a country's code: "": nothing.
std::string country_fault(std::string_view code);
// A message for each given code that no country has.
void complain_of_countries(const ColumnOptions& given);

// Everything that is known about a mirror.
nlohmann::json to_json(const db::MirrorRecord& record);

// The same, less what was measured: what an admin sets.
nlohmann::json settings_json(const db::MirrorRecord& record);
// What was noted of it: a list of objects; a table of who noted what.
nlohmann::json comments_json(const std::vector<db::Comment>& comments);
void say_comments(const std::vector<db::Comment>& comments, const std::string& indent);

// The networks and ASes that it serves first, with `between` between them.
std::string served_first(const Mirror& mirror, std::string_view between);

// "enabled", "partly down", or the first reason why no client is sent there: "disabled", "offline",
// "down", "weight 0".
std::string state_text(const Mirror& mirror);
}  // namespace mirror::mb
