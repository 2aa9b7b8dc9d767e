#include "t/db/database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "db/lookup.h"
#include "db/session.h"

namespace mirror::db::test {
namespace {

Connection open(const std::string& conninfo) {
  return open_session(conninfo, {.program = "test", .connect_timeout = std::chrono::seconds(20)});
}

Connection admin() { return open("dbname=postgres"); }

const std::string& template_name() {
  static const std::string name = [] {
    const std::string made = fmt::format("template_{}", getpid());
    admin().script("CREATE DATABASE " + made);
    Connection connection = open("dbname=" + made);
    init_schema(connection);
    return made;
  }();
  return name;
}

}  // namespace

TestDatabase::TestDatabase(With with) {
  static std::atomic<int> number = 0;
  name_ = fmt::format("test_{}_{}", getpid(), ++number);
  const std::string from = with == With::schema ? template_name() : "template1";
  admin().script(fmt::format("CREATE DATABASE {} TEMPLATE {}", name_, from));
}

TestDatabase::~TestDatabase() {
  try {
    admin().script(fmt::format("DROP DATABASE {} WITH (FORCE)", name_));
  } catch (const std::exception&) {
    // The cluster goes at the end of the run.
  }
}

Connection TestDatabase::connect(const std::string& user) const {
  return open(fmt::format("dbname={}{}{}", name_, user.empty() ? "" : " user=", user));
}

Tree files(const std::string& prefix, int count) {
  Tree tree;
  for (int i = 0; i < count; ++i)
    tree.push_back({.path = prefix + std::to_string(i), .size = i + 1});
  return tree;
}

MergeReport scan_source(Connection& connection, const Tree& tree, const MergeOptions& options) {
  SourceScan scan(connection, "local");
  for (const Entry& e : tree)
    scan.add(e.path, e.kind, e.size, e.mtime, e.staged, e.target, e.ctime_ns);
  return scan.merge(options);
}

MergeReport scan_mirror(Connection& connection, const std::string& identifier, const Tree& tree,
                        const MergeOptions& options, const std::string& subtree,
                        Precision precision) {
  MirrorScan scan(connection, find_mirror(connection, identifier).value(), "rsync", subtree);
  for (const Entry& e : tree) {
    if (e.kind == EntryKind::file) scan.add(e.path, e.size, e.mtime);
  }
  return scan.merge({precision}, options);
}

MirrorId add_mirror(Connection& connection, const std::string& identifier) {
  return insert_mirror(connection, identifier,
                       {{"http_url", "http://" + identifier + ".example/"}, {"enabled", "yes"}});
}

std::string mirrors_of(Connection& connection, const std::string& path) {
  const FoundFile found = find_file(connection, path);
  if (found.found == Found::absent) return "absent";
  if (found.found == Found::directory) return "directory";
  if (found.file.pending) return "pending";
  const auto table = load_mirrors(connection);
  std::string names;
  for (const MirrorId id : found.file.mirrors.ids()) {
    const Mirror* mirror = table->find(id);
    names += (names.empty() ? "" : ",") + (mirror ? mirror->identifier : "?");
  }
  return names;
}

void lose_notes(Connection& connection, double share) {
  connection.script(fmt::format(
      "CREATE FUNCTION lose_note() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN IF random() < {} THEN DELETE FROM change WHERE rev = NEW.rev; END IF; RETURN NULL; "
      "END $$;"
      "CREATE TRIGGER lose_note AFTER INSERT ON change FOR EACH ROW EXECUTE FUNCTION lose_note()",
      share));
}

std::string value(Connection& connection, const std::string& sql) {
  const Result result = connection.run("SELECT (" + sql + ")::text");
  return result.empty() || result.is_null(0, 0) ? "" : std::string(result.bytes(0, 0));
}

std::string inconsistency(Connection& connection) {
  static constexpr const char* kChecks[][2] = {
      {"n_files of a cohort is wrong",
       "SELECT count(*) FROM cohort c WHERE n_files <> (SELECT count(*) FROM file WHERE cohort_id "
       "= c.id)"},
      {"a cohort is empty", "SELECT count(*) FROM cohort WHERE n_files = 0"},
      {"a file's cohort does not exist",
       "SELECT count(*) FROM file f WHERE cohort_id IS NOT NULL AND NOT EXISTS (SELECT FROM cohort "
       "WHERE id = f.cohort_id)"},
      {"a cohort's mirrors are not sorted and distinct",
       "SELECT count(*) FROM cohort WHERE mirrors <> ARRAY(SELECT DISTINCT unnest(mirrors) ORDER "
       "BY 1)"},
      {"a merge has not noted a file that it changed",
       "SELECT count(*) FROM file f WHERE rev IN (SELECT rev FROM change) "
       "AND rev NOT IN (SELECT rev FROM change WHERE files IS NULL) "
       "AND NOT EXISTS (SELECT FROM (SELECT rev, unnest(files) AS id FROM change) c WHERE c.rev = "
       "f.rev AND c.id = f.id)"},
      {"a merge has not noted a file whose hashes it changed",
       "SELECT count(*) FROM hash h WHERE rev IN (SELECT rev FROM change) "
       "AND rev NOT IN (SELECT rev FROM change WHERE files IS NULL) "
       "AND NOT EXISTS (SELECT FROM (SELECT rev, unnest(files) AS id FROM change) c WHERE c.rev = "
       "h.rev AND c.id = h.file_id)"},
      {"hashes are of no file",
       "SELECT count(*) FROM hash WHERE file_id NOT IN (SELECT id FROM file)"},
      {"a rev is above the newest revision",
       "SELECT count(*) FROM file LEFT JOIN hash h ON file_id = id "
       "WHERE greatest(file.rev, file.version_rev, h.rev, h.version_rev) > (SELECT max(rev) FROM "
       "revision)"},
  };
  for (const auto& [what, sql] : kChecks) {
    if (value(connection, sql) != "0") return what;
  }
  return "";
}

}  // namespace mirror::db::test
