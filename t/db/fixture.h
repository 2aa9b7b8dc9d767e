// What many database tests begin with: a database for each test, a connection of its owner, and one
// of the scanner's role. Some go on with a source and a mirror.
#pragma once

#include <cppunit/TestFixture.h>

#include <optional>

#include "t/db/database.h"

namespace mirror::db::test {

class DatabaseTest : public CppUnit::TestFixture {
 public:
  void setUp() override {
    database_.emplace();
    owner_.emplace(database_->connect());
    scanner_.emplace(database_->connect("mirror_scanner"));
  }
  void tearDown() override {
    scanner_.reset();
    owner_.reset();
    database_.reset();
  }

 protected:
  const TestDatabase& database() const { return *database_; }
  Connection& owner() { return *owner_; }
  Connection& scanner() { return *scanner_; }

 private:
  std::optional<TestDatabase> database_;
  std::optional<Connection> owner_, scanner_;
};

// With a source of 30 files, and the mirror `one`, which was not scanned yet.
class OneMirrorTest : public DatabaseTest {
 public:
  void setUp() override {
    DatabaseTest::setUp();
    one_ = add_mirror(owner(), "one");
    scan_source(owner(), tree_);
  }

 protected:
  // The source gets five files.
  void add_new() {
    for (Entry& file : files("new", 5)) tree_.push_back(file);
    scan_source(owner(), tree_, {.force = true});
  }

  MirrorId one_ = 0;
  Tree tree_ = files("f", 30);
};

}  // namespace mirror::db::test
