#include "tools/mb/moving/import_write.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/path.h"
#include "core/utf8.h"
#include "tools/mb/mirrors/record.h"

namespace mirror::mb {
namespace {

using moving::MovedMirror;
using moving::MovedMirrors;

constexpr std::size_t kLongest = 65'536;  // bytes of a value

// "": nothing is wrong with it.
const char* text_fault(std::string_view text) {
  if (text.size() > kLongest) return "has more than 65,536 bytes";
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.length == 0) return "is not UTF-8";
    if (point.value == 0) return "has a NUL";
    text.remove_prefix(point.length);
  }
  return "";
}

void check_texts(const MovedMirror& mirror) {
  const auto check = [](std::string_view name, std::string_view text) {
    if (const std::string_view fault = text_fault(text); !fault.empty())
      throw db::Error(fmt::format("{}: {}", name, fault), "22023");
  };
  check("identifier", mirror.identifier);
  for (const auto& [name, value] : mirror.columns) check(name, value);
  for (const std::string& served : mirror.serves_first) check("serves_first", served);
  for (const moving::MovedComment& comment : mirror.comments) {
    check("a comment", comment.text);
    check("a comment", comment.by);
  }
}

// The codes of a list that are good.
std::string good_codes(const std::string& column, std::string_view list, MovedMirror& mirror) {
  std::string good;
  while (!list.empty()) {
    const std::string_view code = list.substr(0, list.find(','));
    list.remove_prefix(std::min(code.size() + 1, list.size()));
    const std::string fault = country_fault(code);
    if (fault.empty())
      good += (good.empty() ? "" : ",") + std::string(code);
    else
      mirror.leave_out(column, fault);
  }
  return good;
}

std::string_view spelled_alike(std::string_view value, db::ColumnShape shape) {
  if (shape != db::ColumnShape::boolean) return value;
  return value == "true" ? "yes" : value == "false" ? "no" : value;
}

class Import {
 public:
  Import(db::Connection& connection, const ImportWishes& wishes)
      : connection_(connection), wishes_(wishes) {
    for (db::MirrorRecord& record : db::list_mirrors(connection))
      known_.emplace(record.mirror.identifier, std::move(record));
  }

  void take(const MovedMirror& mirror) {
    if (!seen_.insert(mirror.identifier).second) throw db::Error("it is there twice", "23505");
    check_texts(mirror);
    const auto known = known_.find(mirror.identifier);
    if (known == known_.end()) {
      db::Savepoint part(connection_);
      add(mirror);
      part.release();
      outcome_.added.push_back(mirror.identifier);
    } else if (!wishes_.update) {
      outcome_.exist.push_back(mirror.identifier);
    } else {
      db::Savepoint part(connection_);
      const bool differs = update(known->second, mirror);
      part.release();
      (differs ? outcome_.updated : outcome_.unchanged).push_back(mirror.identifier);
    }
  }

  ImportOutcome& outcome() { return outcome_; }

 private:
  void add(const MovedMirror& mirror) {
    std::vector<db::Change> columns;
    for (const auto& column : mirror.columns) {
      if (!column.second.empty() && !(wishes_.disabled && column.first == "enabled"))
        columns.push_back(column);
    }
    add_region(columns);
    const MirrorId id = db::insert_mirror(connection_, mirror.identifier, columns);
    for (const std::string& served :
         std::set(mirror.serves_first.begin(), mirror.serves_first.end()))
      db::add_mirror_prefix(connection_, id, served);
    add_comments(id, mirror);
  }

  // Whether one of them is new.
  bool add_comments(MirrorId id, const MovedMirror& mirror) {
    bool added = false;
    for (const moving::MovedComment& one : mirror.comments)
      added = db::restore_comment(connection_, id, {one.at_s, one.by, one.text}) || added;
    return added;
  }

  // What the mirror does not have as it is here.
  std::vector<db::Change> differing(const db::MirrorRecord& before, const MovedMirror& mirror) {
    std::vector<db::Change> all = mirror.columns, changes;
    add_region(all);
    for (db::Change& change : all) {
      const auto column =
          std::find_if(db::mirror_columns().begin(), db::mirror_columns().end(),
                       [&](const db::MirrorColumn& one) { return change.first == one.name; });
      const bool kept = change.first == "enabled" &&
                        (wishes_.disabled || (!wishes_.may_enable && !before.mirror.enabled));
      if (!kept && (column == db::mirror_columns().end() ||
                    spelled_alike(change.second, column->shape) != column_text(before, *column)))
        changes.push_back(std::move(change));
    }
    return changes;
  }

  // Whether some were added or taken away.
  bool update_served(const Mirror& before, const MovedMirror& mirror) {
    std::set<std::string> old, now(mirror.serves_first.begin(), mirror.serves_first.end());
    for (const Prefix& prefix : before.prefixes) old.insert(prefix.text());
    for (const AsNumber asn : before.served_as) old.insert(fmt::format("AS{}", asn));
    bool differs = false;
    for (const std::string& one : old) {
      if (!now.contains(one) &&
          (one.starts_with("AS") ? mirror.says_all_ases : mirror.says_all_networks))
        differs = db::remove_mirror_prefix(connection_, before.id, one) || differs;
    }
    for (const std::string& one : now) {
      if (old.contains(one)) continue;
      db::remove_mirror_prefix(connection_, before.id, one);  // in another spelling
      db::add_mirror_prefix(connection_, before.id, one);
      differs = true;
    }
    return differs;
  }

  // Whether something differs afterwards.
  bool update(const db::MirrorRecord& before, const MovedMirror& mirror) {
    const MirrorId id = before.mirror.id;
    const std::vector<db::Change> columns = differing(before, mirror);
    if (!columns.empty()) db::update_mirror(connection_, id, columns);
    const bool served = update_served(before.mirror, mirror);
    if (add_comments(id, mirror)) return true;
    return (served || !columns.empty()) &&
           to_json(*db::find_mirror(connection_, id)) != to_json(before);
  }

  db::Connection& connection_;
  const ImportWishes& wishes_;
  std::map<std::string, db::MirrorRecord, std::less<>> known_;
  ImportOutcome outcome_;
  std::set<std::string> seen_;
};

}  // namespace

void keep_known_columns(MovedMirrors& moved) {
  const std::vector<db::MirrorColumn>& known = db::mirror_columns();
  for (MovedMirror& mirror : moved.mirrors) {
    const auto unknown = std::stable_partition(
        mirror.columns.begin(), mirror.columns.end(), [&](const auto& column) {
          return std::any_of(known.begin(), known.end(),
                             [&](const db::MirrorColumn& one) { return column.first == one.name; });
        });
    for (auto column = unknown; column != mirror.columns.end(); ++column)
      mirror.leave_out(column->first, column->second);
    mirror.columns.erase(unknown, mirror.columns.end());
  }
}

void check_countries(MovedMirrors& moved, bool is_ours) {
  if (is_ours) return;
  for (MovedMirror& mirror : moved.mirrors) {
    for (auto& [name, value] : mirror.columns) {
      if (name == "country" || name == "other_countries" || name == "excluded_countries")
        value = good_codes(name, value, mirror);
      if (name != "region" || parse_region(value)) continue;
      mirror.leave_out(name, value);
      value.clear();
    }
    std::erase_if(mirror.columns, [](const auto& column) { return column.second.empty(); });
  }
}

ImportOutcome import_mirrors(db::Connection& connection, const MovedMirrors& moved,
                             const ImportWishes& wishes) {
  db::Transaction transaction(connection);
  Import import(connection, wishes);
  for (const MovedMirror& mirror : moved.mirrors) {
    try {
      import.take(mirror);
    } catch (const db::Error& error) {
      if (connection.broken()) throw;
      import.outcome().refused.emplace_back(mirror.identifier, error.what());
    }
  }
  if (!wishes.dry_run) transaction.commit();
  return std::move(import.outcome());
}

}  // namespace mirror::mb
