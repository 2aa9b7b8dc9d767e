#include "scanner/report/report_lines.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace mirror::scanner::report {
namespace {

constexpr std::int64_t kNow = 1'795'564'800;  // 2026-11-25 00:00:00 UTC

class ReportLinesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReportLinesTest);
  CPPUNIT_TEST(readsWhatRsyncPrints);
  CPPUNIT_TEST(readsWhatFindPrints);
  CPPUNIT_TEST(readsWhatLsPrintsBelowTheFirstFolder);
  CPPUNIT_TEST(readsEachTimeStyleOfLs);
  CPPUNIT_TEST(givesTimesWithoutAYearTheLastOneThatIsPast);
  CPPUNIT_TEST(readsDigests);
  CPPUNIT_TEST(knowsWhatOthersMayRead);
  CPPUNIT_TEST(keepsBlanksAndColonsInNames);
  CPPUNIT_TEST(refusesWhatIsNoneOfTheFirstLinesShape);
  CPPUNIT_TEST(saysHowExactTheTimesWere);
  CPPUNIT_TEST_SUITE_END();

  // "kind path size time": each entry of the report, or "fault".
  static std::vector<std::string> read(const std::vector<std::string>& report,
                                       std::optional<Shape> shape) {
    Lines lines(kNow);
    Line line;
    std::vector<std::string> entries;
    for (const std::string& text : report) {
      const Lines::Taken taken = lines.take(text, line);
      if (taken.fault) entries.emplace_back("fault");
      if (!taken.has_entry) continue;
      const Entry& entry = line.entry;
      const char kind = "fdls"[static_cast<int>(entry.kind)];
      entries.push_back(
          fmt::format("{} {} {} {}", kind, entry.path, entry.size_bytes, entry.mtime_s));
    }
    CPPUNIT_ASSERT(lines.shape() == shape);
    return entries;
  }
  static void expect(const std::vector<std::string>& wanted, const std::vector<std::string>& report,
                     std::optional<Shape> shape) {
    const std::vector<std::string> entries = read(report, shape);
    CPPUNIT_ASSERT_EQUAL(wanted.size(), entries.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) CPPUNIT_ASSERT_EQUAL(wanted[i], entries[i]);
  }
  static std::int64_t ls_time(const std::string& time) {
    Lines lines(kNow);
    Line line;
    CPPUNIT_ASSERT_MESSAGE(time, lines.take("-rw-r--r-- 1 u g 7 " + time + " a", line).has_entry);
    CPPUNIT_ASSERT_EQUAL(std::string("a"), line.entry.path);
    return line.entry.mtime_s;
  }
  static db::Precision precision_of(const std::vector<std::string>& report) {
    Lines lines(kNow);
    Line line;
    for (const std::string& text : report) CPPUNIT_ASSERT(!lines.take(text, line).fault);
    return lines.precision();
  }

 public:
  void readsWhatRsyncPrints() {
    expect({"d . 4096 1795479003", "f pool/a 1234 1795479003", "l s 4 1795479003"},
           {"drwxr-xr-x          4,096 2026/11/24 00:10:03 .",
            "-rw-r--r--          1,234 2026/11/24 00:10:03 pool/a",
            "lrwxrwxrwx              4 2026/11/24 00:10:03 s -> pool"},
           Shape::rsync);
  }

  void readsWhatFindPrints() {
    expect(
        {"d . 4096 1795479003", "f pool/a b 1234 1795479003", "l s 4 -5"},
        {"d 755 4096 1795479003.1234567890 ", "f 644 1234 1795479003.0 pool/a b", "l 777 4 -5.0 s"},
        Shape::find);
    expect({"f pool/a 1234 1795479003", "f 7 0 1"}, {"1234 1795479003.0 ./pool/a", "0 1 7"},
           Shape::find);
  }

  void readsWhatLsPrintsBelowTheFirstFolder() {
    const std::vector<std::string> entries = {"d pool 4096 1795479000", "f f 1 1795479000",
                                              "f pool/a 1234 1795479000",
                                              "l pool/x/l 1 1795479000"};
    for (const std::string base : {".", "/srv/mirror", "/srv/mirror/"}) {
      const std::string below = base.ends_with('/') ? base : base + '/';
      expect(entries,
             {base + ":", "total 8", "drwxr-xr-x 2 u g 4096 Nov 24 00:10 pool",
              "-rw-r--r-- 1 u g    1 Nov 24 00:10 f", "", below + "pool:", "total 4",
              "-rw-r--r-- 1 u g 1234 Nov 24 00:10 a", "", below + "pool/x:", "total 0",
              "lrwxrwxrwx 1 u g    1 Nov 24 00:10 l -> a"},
             Shape::ls);
    }
    expect({"fault"}, {"/srv/mirror:", "/srv/other:"}, Shape::ls);
  }

  void readsEachTimeStyleOfLs() {
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795479003}, ls_time("2026-11-24 00:10:03.123456789 +0000"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795479003}, ls_time("2026-11-24 01:40:03.0 +0130"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795479000}, ls_time("2026-11-24 00:10"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795479000}, ls_time("Nov 24 00:10"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795479000}, ls_time("24 Nov 00:10"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1763942400}, ls_time("Nov 24  2025"));
  }

  void givesTimesWithoutAYearTheLastOneThatIsPast() {
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1795565400}, ls_time("Nov 25 00:10"));  // a clock ahead
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1767139800}, ls_time("Dec 31 00:10"));  // of 2025
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1709165400}, ls_time("Feb 29 00:10"));  // of 2024
  }

  void readsDigests() {
    const std::string hex(64, 'a');
    Lines lines(kNow);
    Line line;
    CPPUNIT_ASSERT(lines.take(hex + "  ./pool/a", line).has_entry);
    CPPUNIT_ASSERT_EQUAL(std::string("pool/a"), line.entry.path);
    CPPUNIT_ASSERT_EQUAL(std::string(32, '\xaa'), line.digest->value);
    CPPUNIT_ASSERT(lines.take("SHA256 (pool/b) = " + hex, line).has_entry);
    CPPUNIT_ASSERT(lines.take(hex.substr(1) + "  short", line).fault);
    CPPUNIT_ASSERT(Lines(kNow).take(hex + "  a:", line).has_entry);  // no header of ls
    CPPUNIT_ASSERT(lines.shape() == Shape::sums);
  }

  void knowsWhatOthersMayRead() {
    for (const auto& [text, readable] :
         std::vector<std::pair<std::string, bool>>{{"f 640 1 1 a", false},
                                                   {"f 604 1 1 a", true},
                                                   {"d 754 1 1 a", false},
                                                   {"d 755 1 1 a", true},
                                                   {"1 1 a", true},
                                                   {"-rw-r----- 1 u g 1 Nov 24 00:10 a", false},
                                                   {"-rw-r--r--. 1 u g 1 Nov 24 00:10 a", true},
                                                   {"drwxrwxrwt+ 1 u g 1 Nov 24 00:10 a", true}}) {
      Lines lines(kNow);
      Line line;
      CPPUNIT_ASSERT_MESSAGE(text, lines.take(text, line).has_entry);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, readable, line.entry.world_readable);
    }
  }

  void keepsBlanksAndColonsInNames() {
    expect({"f  a  b : 7 1795479000", "f c: 7 1795479000"},
           {".:", "-rw-r--r-- 1 u g 7 Nov 24 00:10  a  b :", "-rw-r--r-- 1 u g 7 Nov 24 00:10 c:"},
           Shape::ls);
  }

  void refusesWhatIsNoneOfTheFirstLinesShape() {
    for (const std::string line :
         {"nonsense", "f 644 x 1 a", "f 99 1 1 a", "1 2", "-5 1 a", "1 1x a",
          "-rw-r--r-- 1 u g 7 Foo 24 00:10 a", "-rw-r--r-- 1 u g 7 Nov 31 00:10 a",
          "-rw-r--r-- 1 u g 7 Nov 24 25:10 a", "-rw-r--r-- 1 u g 7 2026-02-30 00:10 a",
          "-rw-r--r-- 1 u g 7 2026-11-24 00:10:03 a", "-rw-r--r-- 1 u g 7 Nov 24 00:10",
          "lrwxrwxrwx 1 u g 7 Nov 24 00:10 a", "99999999999999999999 1 a"})
      expect({"fault"}, {line}, std::nullopt);
    expect({"f a 1 1", "fault"}, {"1 1 a", "-rw-r--r-- 1 u g 7 Nov 24 00:10 a"}, Shape::find);
    expect({"s null 0 1795479000"}, {"crw-rw-rw- 1 u g 1, 3 Nov 24 00:10 null"}, Shape::ls);
  }

  void saysHowExactTheTimesWere() {
    const std::string minute = "-rw-r--r-- 1 u g 7 Nov 24 00:10 a";
    CPPUNIT_ASSERT(precision_of({"1 1 a"}) == db::Precision::second);
    CPPUNIT_ASSERT(precision_of({minute}) == db::Precision::minute);
    CPPUNIT_ASSERT(precision_of({minute, "-rw-r--r-- 1 u g 7 Nov 24  2025 b"}) ==
                   db::Precision::day);
    CPPUNIT_ASSERT(precision_of({minute, "drwxr-xr-x 1 u g 7 Nov 24  2025 b"}) ==
                   db::Precision::minute);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReportLinesTest);

}  // namespace
}  // namespace mirror::scanner::report
