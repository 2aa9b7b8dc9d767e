// A temporary folder for a test, which goes with it.
#pragma once

#include <cppunit/TestAssert.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace mirror {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/mirror-test-XXXXXX";
    CPPUNIT_ASSERT(mkdtemp(name) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace mirror
