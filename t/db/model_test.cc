// Hundreds of random scans against a plain model (a set of mirrors per file), and the same scans in
// parallel.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "t/db/database.h"

namespace mirror::db::test {
namespace {

constexpr int kMirrors = 6;
std::string mirror_name(int i) { return "m" + std::to_string(i); }

// What the model knows of a file: its version, and which mirrors had that version when they were
// last looked at.
struct ModelFile {
  Entry entry;
  std::set<std::string> mirrors;
  bool gone = false;
};

class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}
  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

  Tree source() const {
    Tree tree;
    for (const auto& [path, file] : files) {
      if (!file.gone) tree.push_back(file.entry);
    }
    return tree;
  }

  // Some files come, change, go and come back; most scans change few.
  void change_source() {
    const int versions = ++version_;
    std::set<std::string> done;  // a file that came and went between two scans was never there
    for (int i = roll(12); i > 0; --i) {
      const std::string path = fmt::format("d{}/f{}", roll(4), roll(60));
      if (!done.insert(path).second) continue;
      ModelFile& file = files[path];
      const bool is_new = file.entry.path.empty();
      if (!is_new && !file.gone && roll(3) == 0) {
        file.gone = true;
      } else if (file.gone && roll(2) == 0) {
        file.gone = false;
      } else {
        file.entry = {.path = path, .size = 1 + roll(3), .mtime = 1000 + versions};
        file.mirrors.clear();
        file.gone = false;
      }
    }
  }

  // A listing of the files that the mirror shall have; some of them in another version, some
  // unknown.
  Tree listing(const std::string& mirror, const std::string& subtree, int percent) {
    Tree tree;
    for (auto& [path, file] : files) {
      if (!subtree.empty() && !path.starts_with(subtree + '/')) continue;
      const bool listed = roll(100) < percent, outdated = roll(20) == 0;
      if (listed) {
        tree.push_back(file.entry);
        if (outdated) tree.back().size += 10;
      }
      if (!listed || outdated)
        file.mirrors.erase(mirror);
      else if (!file.gone)
        file.mirrors.insert(mirror);
    }
    tree.push_back({.path = (subtree.empty() ? "" : subtree + "/") + "stranger"});
    std::shuffle(tree.begin(), tree.end(), random_);
    return tree;
  }

  std::map<std::string, ModelFile> files;

 private:
  std::mt19937 random_;
  int version_ = 0;
};

std::map<std::string, std::string> database_state(Connection& connection) {
  const Result rows = connection.run(
      "SELECT f.path, (SELECT coalesce(string_agg(m.identifier, ',' ORDER BY m.identifier), '') "
      "FROM mirror m "
      "WHERE m.id = ANY (c.mirrors)), cardinality(c.mirrors) FROM file f JOIN cohort c ON c.id = "
      "f.cohort_id");
  std::map<std::string, std::string> state;
  for (int row = 0; row < rows.rows(); ++row) {
    std::string names(rows.bytes(row, 1));
    const auto known = names.empty() ? 0 : std::count(names.begin(), names.end(), ',') + 1;
    if (known != rows.int4(row, 2)) names += " and unknown ones";
    state[std::string(rows.bytes(row, 0))] = names;
  }
  return state;
}

std::map<std::string, std::string> model_state(const Model& model) {
  std::map<std::string, std::string> state;
  for (const auto& [path, file] : model.files)
    state[path] = fmt::format("{}", fmt::join(file.mirrors, ","));
  return state;
}

std::string difference(const std::map<std::string, std::string>& model,
                       const std::map<std::string, std::string>& database) {
  for (const auto& [path, mirrors] : model) {
    const auto found = database.find(path);
    if (found == database.end()) return path + " is missing";
    if (found->second != mirrors)
      return fmt::format("{}: the model says '{}', the database '{}'", path, mirrors,
                         found->second);
  }
  return model.size() == database.size() ? "" : "the database has more files";
}

class ModelTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ModelTest);
  CPPUNIT_TEST(randomScansAgreeWithTheModel);
  CPPUNIT_TEST(parallelScansEndAsSerialOnes);
  CPPUNIT_TEST(parallelScansEndAsSerialOnesWithoutNotes);
  CPPUNIT_TEST_SUITE_END();

 public:
  void randomScansAgreeWithTheModel() {
    const unsigned seed = std::random_device()();
    const std::string which = fmt::format("seed {}", seed);
    TestDatabase database;
    Connection connection = database.connect();
    Model model(seed);
    for (int i = 0; i < kMirrors; ++i) add_mirror(connection, mirror_name(i));
    const MergeOptions force{.force = true};
    for (int step = 0; step < 300; ++step) {
      const int action = model.roll(20);
      if (step == 0 || action < 4) {
        model.change_source();
        if (model.source().empty()) continue;
        scan_source(connection, model.source(), force);
      } else if (action == 4) {
        replace_mirror(connection, model);
      } else if (action == 5) {
        join_cohorts(connection, model.roll(50));
      } else {
        const std::string mirror = mirror_name(model.roll(kMirrors));
        const std::string subtree = model.roll(3) == 0 ? "d" + std::to_string(model.roll(4)) : "";
        static constexpr int kPercents[] = {0, 5, 50, 95, 100, 100};
        scan_mirror(connection, mirror, model.listing(mirror, subtree, kPercents[model.roll(6)]),
                    force, subtree);
      }
      if (step % 10 == 0) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(),
                                     difference(model_state(model), database_state(connection)));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, std::string(), inconsistency(connection));
      }
    }
  }

  // Eight mirrors scanned at once, in several rounds, each round with a source scan between: no
  // deadlock, nothing lost.
  void parallelScansEndAsSerialOnes() { check_parallel_scans(false); }
  void parallelScansEndAsSerialOnesWithoutNotes() { check_parallel_scans(true); }

 private:
  void check_parallel_scans(bool lose) {
    const unsigned seed = std::random_device()();
    Model model(seed);
    TestDatabase parallel, serial;
    Connection first = parallel.connect(), second = serial.connect();
    if (lose) lose_notes(first, 1);
    for (int i = 0; i < 8; ++i) {
      add_mirror(first, mirror_name(i));
      add_mirror(second, mirror_name(i));
    }
    for (int i = 0; i < 40; ++i) model.change_source();
    const MergeOptions force{.force = true};
    scan_source(first, model.source(), force);
    scan_source(second, model.source(), force);
    for (int round = 0; round < 4; ++round) {
      std::vector<Tree> listings;
      for (int i = 0; i < 8; ++i)
        listings.push_back(model.listing(mirror_name(i), "", 20 * (i % 6)));
      // The source changes other files than the listings speak of: their order with it does not
      // matter then.
      Tree source = model.source();
      for (int i = 0; i < 20; ++i) source.push_back({.path = fmt::format("new{}/{}", round, i)});
      std::vector<std::string> errors(9);
      std::vector<std::thread> threads;
      for (int i = 0; i < 9; ++i) {
        threads.emplace_back([&, i] {
          try {
            Connection own = parallel.connect();
            if (i == 8)
              scan_source(own, source, force);
            else
              scan_mirror(own, mirror_name(i), listings[i], force);
          } catch (const std::exception& error) {
            errors[i] = error.what();
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      for (const std::string& error : errors) CPPUNIT_ASSERT_EQUAL(std::string(), error);
      scan_source(second, source, force);
      for (int i = 0; i < 8; ++i) scan_mirror(second, mirror_name(i), listings[i], force);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(fmt::format("seed {}", seed), std::string(),
                                   difference(database_state(second), database_state(first)));
      CPPUNIT_ASSERT_EQUAL(std::string(), inconsistency(first));
    }
  }

  void replace_mirror(Connection& connection, Model& model) {
    const std::string mirror = mirror_name(model.roll(kMirrors));
    delete_mirror(connection, find_mirror(connection, mirror)->mirror.id);
    add_mirror(connection, mirror);
    for (auto& [path, file] : model.files) file.mirrors.erase(mirror);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ModelTest);

}  // namespace
}  // namespace mirror::db::test
