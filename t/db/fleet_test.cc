// Who may serve whom: random events on a fleet (scans, single files, health, standing, switches,
// changes of the source), and after each of them a plain model, which knows nothing of how the
// database and ranking find the answer.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <optional>
#include <random>
#include <set>

#include "db/lookup.h"
#include "db/merge/one_file.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/standing.h"
#include "db/path_rules.h"
#include "db/probe/health_rows.h"
#include "rank/rank.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};
const PathRules kRules({"pool/**"}, {{"g", {"anchor"}, {}}});
constexpr DoubtKind kKinds[] = {DoubtKind::wrong, DoubtKind::returning, DoubtKind::scans,
                                DoubtKind::stamp, DoubtKind::files};
constexpr int kMirrors = 5;

bool is_stale(DoubtKind kind) { return kind != DoubtKind::wrong && kind != DoubtKind::returning; }

struct ModelMirror {
  bool enabled = true, http = true, https = false, ipv4 = true, ipv6 = false;
  std::set<DoubtKind> doubts;
  std::set<std::string> down;  // ways, as their rows name them
  std::set<std::string> files;
};

class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}
  int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

  // Who may serve this client, by name.
  std::set<std::string> may_serve(const std::string& path, bool https, Family family) const {
    std::set<std::string> names;
    for (const auto& [name, mirror] : mirrors) {
      if (has(mirror, path) && mirror.enabled && is_believed(mirror, path) &&
          is_reached(mirror, https, family))
        names.insert(name);
    }
    return names;
  }

  std::map<std::string, Entry> source;
  std::map<std::string, ModelMirror> mirrors;

 private:
  bool has(const ModelMirror& mirror, const std::string& path) const {
    if (path == "g/anchor") return false;  // the origin's alone
    if (!path.starts_with("g/") || !source.contains("g/anchor")) return mirror.files.contains(path);
    for (const auto& [other, entry] : source) {
      if (other.starts_with("g/") && other != "g/anchor" && !mirror.files.contains(other))
        return false;
    }
    return true;
  }
  static bool is_believed(const ModelMirror& mirror, const std::string& path) {
    for (const DoubtKind kind : mirror.doubts) {
      if (!is_stale(kind) || !path.starts_with("pool/")) return false;
    }
    return true;
  }
  static bool is_reached(const ModelMirror& mirror, bool https, Family family) {
    std::string over = family == Family::ipv6 ? "ipv6" : "ipv4";
    if (over == "ipv4" && !mirror.ipv4) return false;
    if (over == "ipv6" && !mirror.ipv6 && mirror.ipv4) over = "ipv4";  // by a translator
    const auto up = [&](const std::string& scheme) {
      return (scheme == "https" ? mirror.https : mirror.http) &&
             !mirror.down.contains(scheme + "/" + over);
    };
    return up("https") || (!https && up("http"));
  }

  std::mt19937 random_;
};

class FleetTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FleetTest);
  CPPUNIT_TEST(randomEventsAgreeWithAPlainModel);
  CPPUNIT_TEST_SUITE_END();

 public:
  void randomEventsAgreeWithAPlainModel() {
    const unsigned seed = std::random_device()();
    database_.emplace();
    connection_.emplace(database_->connect());
    model_.emplace(seed);
    store_path_rules(c(), kRules);
    for (int i = 0; i < kMirrors; ++i) join(fmt::format("m{}", i));
    change_source(0);
    for (int step = 1; step <= 250; ++step) {
      happen(step);
      const std::string wrong = difference();
      CPPUNIT_ASSERT_EQUAL_MESSAGE(fmt::format("seed {}, step {}", seed, step), std::string(),
                                   wrong);
    }
    CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(c()));
    connection_.reset();
    database_.reset();
  }

 private:
  Connection& c() { return *connection_; }
  int roll(int sides) { return model_->roll(sides); }
  MirrorId id_of(const std::string& name) { return find_mirror(c(), name)->mirror.id; }

  void happen(int step) {
    const auto one = std::next(model_->mirrors.begin(), roll(kMirrors));
    switch (roll(12)) {
      case 0:
      case 1:
        return change_source(step);
      case 2:
      case 3:
      case 4:
        return scan(one->first, one->second);
      case 5:
      case 6:
        return look_at_one_file(one->first, one->second);
      case 7:
      case 8:
        return probe(one->first, one->second);
      case 9:
        return doubt(one->first, one->second);
      case 10:
        one->second.enabled = !one->second.enabled;
        c().run("UPDATE mirror SET enabled = $1 WHERE identifier = $2",
                Params().boolean(one->second.enabled).text(one->first));
        return;
      default:
        if (roll(4) == 0) {
          delete_mirror(c(), id_of(one->first));
          join(one->first);
        }
    }
  }

  void join(const std::string& name) {
    ModelMirror& mirror = model_->mirrors[name] = {};
    mirror.https = roll(2) == 0;
    mirror.http = !mirror.https || roll(2) == 0;
    mirror.ipv6 = roll(2) == 0;
    mirror.ipv4 = !mirror.ipv6 || roll(3) > 0;
    const auto yes = [](bool on) { return std::string(on ? "yes" : "no"); };
    insert_mirror(c(), name,
                  {{"http_url", mirror.http ? "http://" + name + ".example/" : ""},
                   {"https_url", mirror.https ? "https://" + name + ".example/" : ""},
                   {"ipv4", yes(mirror.ipv4)},
                   {"ipv6", yes(mirror.ipv6)},
                   {"enabled", "yes"}});
  }

  // Immutable files come and go; the others also change.
  void change_source(int step) {
    for (int i = step == 0 ? 40 : 1 + roll(5); i > 0; --i) {
      const char* const folders[] = {"pool", "plain", "g"};
      std::string path = fmt::format("{}/{}", folders[roll(3)], roll(6));
      if (path == "g/0") path = "g/anchor";
      const bool known = model_->source.contains(path);
      if (known && path.starts_with("pool/")) continue;
      model_->source[path] = {.path = path, .size = 1 + roll(3), .mtime = 1000 + step};
      for (auto& [name, mirror] : model_->mirrors) mirror.files.erase(path);
    }
    Tree tree;
    for (const auto& [path, entry] : model_->source) tree.push_back(entry);
    scan_source(c(), tree, kForce);
  }

  // What is listed is there, in its version or in another one; and what is not listed is not. Where
  // the web server is asked, all files are young and few, so it is asked for each that is there.
  void scan(const std::string& name, ModelMirror& mirror) {
    Tree tree;
    mirror.files.clear();
    const int percent = roll(2) ? 100 : 80;
    for (const auto& [path, entry] : model_->source) {
      if (roll(100) >= percent) continue;
      tree.push_back(entry);
      if (roll(20) == 0)
        tree.back().size += 10;
      else
        mirror.files.insert(path);
    }
    MergeOptions how{.max_shrink_percent = 100, .force = roll(2) == 0};
    if (roll(2)) how.ask_for_newest = [&](const auto& files) { return ask(files, mirror); };
    scan_mirror(c(), name, tree, how);
  }

  std::vector<std::int64_t> ask(const std::vector<ProbeFile>& files, ModelMirror& mirror) {
    std::set<std::string> asked;
    for (const ProbeFile& file : files) asked.insert(file.path);
    CPPUNIT_ASSERT_EQUAL(fmt::format("{}", mirror.files), fmt::format("{}", asked));
    std::vector<std::int64_t> not_served;
    for (const ProbeFile& file : files) {
      if (roll(10) > 0) continue;
      not_served.push_back(file.id);
      mirror.files.erase(file.path);
    }
    return not_served;
  }

  void look_at_one_file(const std::string& name, ModelMirror& mirror) {
    const auto file =
        std::next(model_->source.begin(), roll(static_cast<int>(model_->source.size())));
    const Result row =
        c().run("SELECT id, version_rev FROM file WHERE path = $1", Params().bytes(file->first));
    const FileOnMirror seen{id_of(name), row.int8(0, 0), row.int8(0, 1)};
    if (roll(2)) {
      confirm_files(c(), {seen});
      mirror.files.insert(file->first);
    } else {
      withdraw_files(c(), {seen});
      mirror.files.erase(file->first);
    }
  }

  void probe(const std::string& name, ModelMirror& mirror) {
    const Way way = kWays[static_cast<std::size_t>(roll(4))];
    if (!(way.https ? mirror.https : mirror.http)) return;
    const int state = roll(3);
    HealthRow row{id_of(name), way, state == 0 ? "down" : state == 1 ? "up" : "unknown",
                  "",          {},  {}};
    if (state == 0) {
      row.reason = "connection refused";
      mirror.down.insert(way.text());
    } else {
      mirror.down.erase(way.text());
    }
    write_health(c(), {row});
  }

  void doubt(const std::string& name, ModelMirror& mirror) {
    const DoubtKind kind = kKinds[roll(5)];
    if (roll(2)) {
      set_doubt(c(), id_of(name), kind, "for a reason");
      mirror.doubts.insert(kind);
    } else {
      clear_doubt(c(), id_of(name), kind);
      mirror.doubts.erase(kind);
    }
  }

  // Every file, for clients of both schemes and families.
  std::string difference() {
    const auto table = load_mirrors(c());
    const PathRules rules = load_path_rules(c());
    for (const auto& [path, entry] : model_->source) {
      FoundFile found = find_file(c(), path);
      heed_rules(found, rules);
      for (const Way way : kWays) {
        const auto model = model_->may_serve(path, way.https, way.family);
        const auto real = served(found, *table, way, rules.is_immutable(path));
        if (model != real)
          return fmt::format("{} for {}: the model says {}, ranking {}", path, way.text(), model,
                             real);
      }
    }
    return "";
  }

  static std::set<std::string> served(const FoundFile& found, const MirrorTable& table, Way way,
                                      bool immutable) {
    Client client;
    client.address = *Address::parse(way.family == Family::ipv6 ? "2001:db8::1" : "192.0.2.1");
    const RankRequest request{.https = way.https, .size_bytes = 1, .with_stale = immutable};
    std::set<std::string> names;
    for (const Candidate& candidate : rank(client, request, found.file.mirrors, table, {}).accepted)
      names.insert(candidate.mirror->identifier);
    return names;
  }

  std::optional<TestDatabase> database_;
  std::optional<Connection> connection_;
  std::optional<Model> model_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(FleetTest);

}  // namespace
}  // namespace mirror::db::test
