// mb catalog status: what redirects on this host are made from, and how old it is.
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "catalog/error.h"
#include "tools/mb/catalog/catalog_choice.h"
#include "tools/mb/commands.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

struct Wanted {
  std::string directory;
  bool json = false;
};

struct Status {
  std::string directory, file, state, fault, writer;
  bool is_written = false;
  catalog::Environment::Size size;
  catalog::Meta meta;
  std::size_t files = 0, links = 0, cohorts = 0, mirrors = 0;
  std::int64_t as_of_s = 0, age_s = 0;

  bool can_be_read() const { return state == "complete" || state == "incomplete"; }
};

void look_into(const catalog::Directory& directory, Status& status) {
  const auto environment = open_current(directory);
  if (environment == nullptr) return;
  status.size = environment->size();
  const catalog::Snapshot snapshot(environment);
  status.meta = snapshot->meta();
  status.files = snapshot->files();
  status.links = snapshot->links();
  status.cohorts = snapshot->cohorts();
  status.mirrors = snapshot->mirrors()->all().size();
  status.as_of_s = as_of_s(directory, status.meta);
  status.age_s = std::max<std::int64_t>(0, std::time(nullptr) - status.as_of_s);
  status.state = status.meta.complete ? "complete" : "incomplete";
}

Status look(const catalog::Directory& directory) {
  Status status;
  status.directory = directory.path();
  status.state = "none";
  status.file = directory.current().value_or("");
  status.writer = directory.writer();
  status.is_written = directory.is_written();
  try {
    look_into(directory, status);
  } catch (const catalog::Error& error) {
    if (!error.corrupt() && error.code() != ENOENT) throw;
    status.state = "damaged";
    status.fault = error.what();
  }
  return status;
}

nlohmann::json to_json(const Status& status) {
  using nlohmann::json;
  const auto text_or_null = [](std::string_view text) {
    return text.empty() ? json() : json(std::string(text));
  };
  json result = {{"directory", status.directory},         {"state", status.state},
                 {"file", text_or_null(status.file)},     {"fault", text_or_null(status.fault)},
                 {"writer", text_or_null(status.writer)}, {"written", status.is_written}};
  if (!status.can_be_read()) return result;
  const catalog::Meta& meta = status.meta;
  result.update({{"used_bytes", status.size.used_bytes},
                 {"max_bytes", status.size.max_bytes},
                 {"reader_slots_used", status.size.readers},
                 {"reader_slots", status.size.max_readers},
                 {"rev", meta.rev},
                 {"token", text_or_null(meta.token)},
                 {"mirrors_rev", meta.mirrors_rev},
                 {"region", text_or_null(region_code(meta.region))},
                 {"hashes", meta.hashes},
                 {"files", status.files},
                 {"links", status.links},
                 {"cohorts", status.cohorts},
                 {"mirrors", status.mirrors},
                 {"as_of", rfc3339(status.as_of_s)},
                 {"age_s", status.age_s}});
  return result;
}

std::string bytes_text(std::size_t bytes) {
  return grouped(static_cast<std::int64_t>(bytes)) + " bytes";
}

std::string writer_text(const Status& status) {
  if (status.is_written)
    return status.writer.empty() ? "mb catalog import, just now"
                                 : "an httpd that follows " + status.writer;
  return status.writer.empty() ? "nobody: the catalog was imported"
                               : "nobody now; last an httpd that followed " + status.writer;
}

void say_table(const Status& status) {
  const catalog::Meta& meta = status.meta;
  Table table(2);
  table.add({"directory", status.directory});
  table.add({"state", status.fault.empty() ? status.state : status.state + ": " + status.fault});
  if (!status.file.empty()) table.add({"file", status.file});
  if (status.can_be_read()) {
    const auto count = [](std::size_t number) {
      return grouped(static_cast<std::int64_t>(number));
    };
    const std::string region(region_code(meta.region));
    table.add({"size", fmt::format("{} of {} at most", bytes_text(status.size.used_bytes),
                                   bytes_text(status.size.max_bytes))});
    table.add({"revision", meta.token.empty() ? std::to_string(meta.rev)
                                              : fmt::format("{} ({})", meta.rev, meta.token)});
    table.add(
        {"mirrors", fmt::format("{} at revision {}{}", count(status.mirrors), meta.mirrors_rev,
                                region.empty() ? "" : "; only those for " + region)});
    table.add({"files", count(status.files)});
    table.add({"links", count(status.links)});
    table.add({"cohorts", count(status.cohorts)});
    table.add({"hashes", meta.hashes ? "all" : "SHA-256 alone"});
    table.add({"age", fmt::format("{} s; it was equal to the database at {}", status.age_s,
                                  utc_minute(status.as_of_s))});
    table.add(
        {"reader slots", fmt::format("{} of {}", status.size.readers, status.size.max_readers)});
  }
  table.add({"written by", writer_text(status)});
  table.say();
}

int run(Context& context, const Wanted& wanted) {
  const Status status = look(choose_directory(context, wanted.directory));
  if (wanted.json) {
    say_json(to_json(status));
  } else {
    say_table(status);
  }
  // An imported catalog does not follow a database.
  const bool kept = status.is_written || status.writer.empty();
  return status.state == "complete" && kept ? kSuccess : kFailure;
}

}  // namespace

Action setup_catalog_status(cli::Options& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  add_directory_option(app, wanted->directory);
  app.add_flag("--json", wanted->json, "As JSON");
  return [&context, wanted] { return run(context, *wanted); };
}

}  // namespace mirror::mb
