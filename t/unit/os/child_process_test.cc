#include "os/child_process.h"

#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mirror {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kChatty = "while :; do echo x; sleep 0.05; done";

class ChildProcessTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChildProcessTest);
  CPPUNIT_TEST(aProgramThatEndsIsRead);
  CPPUNIT_TEST(aDeadlineEndsAProgramThatNeverFallsSilent);
  CPPUNIT_TEST(aStopEndsReadingAndWaiting);
  CPPUNIT_TEST_SUITE_END();

 public:
  void aProgramThatEndsIsRead() {
    ChildProcess child = run("echo x; exit 3");
    CPPUNIT_ASSERT(read(child, Clock::now() + milliseconds(20'000)) == ReadEnd::finished);
    CPPUNIT_ASSERT_EQUAL(3, child.wait(milliseconds(20'000)));
    CPPUNIT_ASSERT_EQUAL(std::string("x\n"), said_);
  }

  void aDeadlineEndsAProgramThatNeverFallsSilent() {
    ChildProcess child = run(kChatty);
    const auto began = Clock::now();
    CPPUNIT_ASSERT(read(child, began + milliseconds(300)) == ReadEnd::idle);
    CPPUNIT_ASSERT(Clock::now() - began < milliseconds(5000));
    CPPUNIT_ASSERT(!said_.empty());
  }

  void aStopEndsReadingAndWaiting() {
    int ends[2];
    CPPUNIT_ASSERT_EQUAL(0, ::pipe(ends));
    CPPUNIT_ASSERT_EQUAL(ssize_t{1}, ::write(ends[1], "x", 1));
    ChildProcess child = run(kChatty);
    const auto began = Clock::now();
    CPPUNIT_ASSERT(read(child, std::nullopt, ends[0]) == ReadEnd::stopped);
    CPPUNIT_ASSERT_EQUAL(128 + 9, child.wait(milliseconds(20'000), ends[0]));
    CPPUNIT_ASSERT(Clock::now() - began < milliseconds(10'000));
    ::close(ends[0]);
    ::close(ends[1]);
  }

 private:
  static ChildProcess run(const char* script) {
    return {"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}};
  }

  ReadEnd read(ChildProcess& child, std::optional<Clock::time_point> deadline, int stop_fd = -1) {
    const auto keep = [this](std::string_view data) { said_ += data; };
    return child.read(keep, keep, {milliseconds(20'000), milliseconds(20'000), deadline}, stop_fd);
  }

  std::string said_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ChildProcessTest);

}  // namespace
}  // namespace mirror
