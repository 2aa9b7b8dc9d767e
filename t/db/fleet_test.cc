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
#include "db/merge/head_sample.h"
#include "db/merge/one_file.h"
#include "db/mirror/mirrors.h"
#include "db/mirror/standing.h"
#include "db/path_rules.h"
#include "db/probe/health_rows.h"
#include "rank/rank.h"
#include "t/db/database.h"
#include "t/db/fleet_model.h"

namespace mirror::db::test {
namespace {

const MergeOptions kForce{.force = true};
const PathRules kRules({"pool/**"}, {{"g", {"anchor"}, {}}});
constexpr DoubtKind kKinds[] = {DoubtKind::wrong, DoubtKind::returning, DoubtKind::scans,
                                DoubtKind::stamp, DoubtKind::files};
constexpr int kMirrors = 7;
// Between two versions of a file: more than a day, by which any listing that shows times tells them
// apart, and more than an upload takes.
constexpr std::int64_t kStepS = 200'000;
constexpr int kLongestUploadS = 100'000;

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
    for (int i = 0; i < kMirrors; ++i)
      join(fmt::format("m{}", i), static_cast<Kind>(i % kListingKinds));
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
          join(one->first, static_cast<Kind>(roll(kListingKinds)));
        }
    }
  }

  void join(const std::string& name, Kind kind) {
    ModelMirror& mirror = model_->mirrors[name] = {};
    mirror.kind = kind;
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
    const auto before = model_->source;
    for (int i = step == 0 ? 40 : 1 + roll(5); i > 0; --i) {
      const char* const folders[] = {"pool", "plain", "g"};
      std::string path = fmt::format("{}/{}", folders[roll(3)], roll(6));
      if (path == "g/0") path = "g/anchor";
      const bool known = model_->source.contains(path);
      if (known && path.starts_with("pool/")) continue;
      model_->source[path] = {.path = path, .size = 1 + roll(3), .mtime = (1 + step) * kStepS};
    }
    Tree tree;
    for (const auto& [path, entry] : model_->source) {
      tree.push_back(entry);
      const auto was = before.find(path);
      if (was != before.end() && was->second.mtime == entry.mtime) continue;
      if (was != before.end()) model_->earlier[path].push_back(was->second);
      for (auto& [name, mirror] : model_->mirrors) mirror.files.erase(path);
    }
    scan_source(c(), tree, kForce);
  }

  void scan(const std::string& name, ModelMirror& mirror) {
    if (mirror.kind == Kind::head) return scan_by_head(name, mirror);
    if (mirror.kind == Kind::complete) return scan_by_sample(name, mirror);
    scan_whole(name, mirror);
  }

  // What is listed is there, in its version or in another one; and what is not listed is not. Where
  // the web server is asked, all files are young and few, so it is asked for each that is there.
  void scan_whole(const std::string& name, ModelMirror& mirror) {
    Tree tree;
    std::set<std::string> files;
    const int percent = roll(2) ? 100 : 80;
    int olds = 2;  // more would say that the mirror does not keep times
    for (const auto& [path, entry] : model_->source) {
      if (roll(100) >= percent) continue;
      const bool sums = mirror.kind == Kind::sums;  // which have no other version
      if (!sums && roll(20) == 0) {
        tree.push_back(entry);
        tree.back().size += 10;
      } else if (!sums && olds > 0 && model_->earlier.contains(path) && roll(4) == 0) {
        --olds;
        const std::vector<Entry>& earlier = model_->earlier.at(path);
        tree.push_back(earlier[static_cast<std::size_t>(roll(static_cast<int>(earlier.size())))]);
      } else {
        tree.push_back(entry);
        if (model_->shows(mirror, path)) files.insert(path);
      }
    }
    mirror.files = files;
    MergeOptions how{.max_shrink_percent = 100, .force = roll(2) == 0};
    if (roll(2)) how.ask_for_newest = [&](const auto& newest) { return ask(newest.files, mirror); };
    merge(name, as_shown(tree, mirror.kind), fidelity_of(mirror.kind), how);
  }

  Tree as_shown(Tree tree, Kind kind) {
    for (Entry& entry : tree) {
      if (kind == Kind::uploads) entry.mtime += roll(kLongestUploadS);
      const auto precision = static_cast<std::int64_t>(fidelity_of(kind).times);
      entry.mtime -= entry.mtime % precision;
    }
    return tree;
  }

  // As the methods of listing say it.
  static Fidelity fidelity_of(Kind kind) {
    switch (kind) {
      case Kind::minutes:
        return {.times = Precision::minute};
      case Kind::days:
        return {.times = Precision::day};
      case Kind::uploads:
        return {.shows_times = false, .times_of_uploads = true};
      case Kind::sums:
        return {.shows_times = false};
      case Kind::head:
        return {.shows_times = false, .asked_only = true, .whole = false};
      case Kind::complete:
        return {.shows_times = false, .asked_only = true};
      case Kind::seconds:
        break;
    }
    return {};
  }

  MergeReport merge(const std::string& name, const Tree& tree, const Fidelity& fidelity,
                    const MergeOptions& how) {
    MirrorScan scan(c(), find_mirror(c(), name).value(), "rsync", "");
    for (const Entry& entry : tree) scan.add(entry.path, entry.size, entry.mtime);
    return scan.merge(fidelity, how);
  }

  // Files that are not asked for keep their state.
  void scan_by_head(const std::string& name, ModelMirror& mirror) {
    Tree answers;
    for (const auto& [path, entry] : model_->source) {
      if (roll(2)) continue;
      answers.push_back(entry);
      mirror.files.insert(path);
      if (roll(5) > 0) continue;
      answers.back().size = roll(2) ? kNotThere : entry.size + 10;
      mirror.files.erase(path);
    }
    merge(name, answers, fidelity_of(mirror.kind), {.max_shrink_percent = 100});
  }

  // The mirror has everything, but for some of the files that it is asked for.
  void scan_by_sample(const std::string& name, ModelMirror& mirror) {
    HeadSample sample(c(), id_of(name), "");
    Tree answers;
    std::set<std::string> missing;
    const auto answer = [&](const std::vector<SampleFile>& files) {
      std::int64_t newest_rev = 0;
      for (const SampleFile& file : files) {
        answers.push_back(model_->source.at(file.path));
        const bool is_missing = !file.newest && roll(10) == 0;
        if (is_missing) missing.insert(file.path);
        if (is_missing) answers.back().size = kNotThere;
        if (!is_missing) newest_rev = std::max(newest_rev, file.version_rev);
      }
      return newest_rev;
    };
    // The newest file is always among those that it shows to have.
    Fidelity fidelity = fidelity_of(mirror.kind);
    fidelity.taken = sample.take(answer(sample.choose(8)));
    answer(sample.ask_alone(*fidelity.taken, 1000));
    merge(name, answers, fidelity, {.max_shrink_percent = 100});
    sample.keep(*fidelity.taken, true);
    for (const auto& [path, entry] : model_->source) {
      if (!missing.contains(path)) mirror.files.insert(path);
    }
    for (const std::string& path : missing) mirror.files.erase(path);
  }

  Unserved ask(const std::vector<ProbeFile>& files, ModelMirror& mirror) {
    std::set<std::string> asked;
    for (const ProbeFile& file : files) asked.insert(file.path);
    CPPUNIT_ASSERT_EQUAL(fmt::format("{}", mirror.files), fmt::format("{}", asked));
    Unserved unserved;
    for (const ProbeFile& file : files) {
      if (roll(10) > 0) continue;
      unserved.ids.push_back(file.id);
      mirror.files.erase(file.path);
    }
    return unserved;
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
