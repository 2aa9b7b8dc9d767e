// What many database tests begin with: a database for each test, a connection of its owner, and one
// of the scanner's role.
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

}  // namespace mirror::db::test
