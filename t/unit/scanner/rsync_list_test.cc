#include "scanner/rsync/rsync_list.h"

#include <cppunit/extensions/HelperMacros.h>

#include <vector>

namespace mirror::scanner {

class RsyncListTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RsyncListTest);
  CPPUNIT_TEST(readsEachKindOfEntry);
  CPPUNIT_TEST(readsSizesWithAndWithoutCommas);
  CPPUNIT_TEST(readsTimesAsUtc);
  CPPUNIT_TEST(tellsYearsThatFourDigitsCannot);
  CPPUNIT_TEST(knowsWhatOthersMayRead);
  CPPUNIT_TEST(unescapesEveryByteAndNothingElse);
  CPPUNIT_TEST(keepsSpacesInNames);
  CPPUNIT_TEST(splitsLinksByTheTargetsLength);
  CPPUNIT_TEST(refusesWhatIsNoEntry);
  CPPUNIT_TEST(cutsLinesWhateverTheChunks);
  CPPUNIT_TEST(keepsOnlyTheBeginningOfOverlongLines);
  CPPUNIT_TEST_SUITE_END();

  static Entry parsed(const std::string& line) {
    Entry entry;
    CPPUNIT_ASSERT_MESSAGE(line, parse_rsync_line(line, entry));
    return entry;
  }
  static bool parses(const std::string& line) {
    Entry entry;
    return parse_rsync_line(line, entry);
  }
  static std::string file_named(const std::string& name) {
    return parsed("-rw-r--r--           2 2026/11/24 00:10:03 " + name).path;
  }

 public:
  void readsEachKindOfEntry() {
    const std::pair<char, ListedKind> kinds[] = {
        {'-', ListedKind::file},    {'d', ListedKind::directory}, {'p', ListedKind::special},
        {'s', ListedKind::special}, {'b', ListedKind::special},   {'c', ListedKind::special}};
    for (const auto& [letter, kind] : kinds) {
      const Entry entry =
          parsed(letter + std::string("rw-r--r--           0 2026/11/24 00:10:03 x"));
      CPPUNIT_ASSERT(entry.kind == kind);
      CPPUNIT_ASSERT_EQUAL(std::string("x"), entry.path);
    }
  }

  void readsSizesWithAndWithoutCommas() {
    const std::pair<std::string, std::int64_t> sizes[] = {
        {"           0", 0},
        {"     1234567", 1234567},
        {"     1,234,567", 1234567},
        {" 5000000000000", 5000000000000},
        {" 9223372036854775807", 9223372036854775807}};
    for (const auto& [text, size] : sizes) {
      CPPUNIT_ASSERT_EQUAL(size, parsed("-rw-r--r--" + text + " 2026/11/24 00:10:03 x").size_bytes);
    }
  }

  void readsTimesAsUtc() {
    const std::pair<std::string, std::int64_t> times[] = {
        {"1970/01/01 00:00:00", 0},          {"2026/11/24 00:10:03", 1795479003},
        {"1969/12/30 20:13:20", -100000},    {"2242/03/16 12:56:32", 8589934592},
        {"2024/02/29 23:59:59", 1709251199}, {"2016/12/31 23:59:60", 1483228800}};
    for (const auto& [text, time] : times) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, time, parsed("-rw-r--r-- 1 " + text + " x").mtime_s);
    }
  }

  void tellsYearsThatFourDigitsCannot() {
    for (const char* time : {"   1/01/01 00:00:00", " 999/12/31 23:59:59", "10000/01/01 00:00:0",
                             "   0/01/01 00:00:00", "  -1/12/31 00:00:00", "-1000/01/01 00:00:0",
                             "2147483647/12/31 23", "292277026596/12/04 "}) {
      const Entry entry = parsed(std::string("-rw-r--r-- 7 ") + time + " a b");
      CPPUNIT_ASSERT_MESSAGE(time, entry.odd_time && entry.path == "a b" && entry.size_bytes == 7);
    }
    CPPUNIT_ASSERT(!parsed("-rw-r--r-- 7 1000/01/01 00:00:00 x").odd_time);
    for (const char* time : {"   x/01/01 00:00:00", "  1/01/01 00:00:00", "10000/01/01 00:00:x",
                             " 999-12-31 23:59:59", "                   ", "   -/01/01 00:00:00",
                             "9999/13/01 00:00:00", "1/01/01 00:00:00"}) {
      CPPUNIT_ASSERT_MESSAGE(time, !parses(std::string("-rw-r--r-- 7 ") + time + " a"));
    }
  }

  void knowsWhatOthersMayRead() {
    const std::pair<std::string, bool> modes[] = {
        {"-rw-r--r--", true},  {"-rw-r-----", false}, {"-rwsr-sr-x", true},  {"----r--r--", true},
        {"drwxr-xr-x", true},  {"drwxr-xr--", false}, {"drwxr-x--x", false}, {"drwxrwxrwt", true},
        {"drwxrwxrwT", false}, {"drwx------", false}};
    for (const auto& [mode, readable] : modes) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(mode, readable,
                                   parsed(mode + " 1 2026/11/24 00:10:03 x").world_readable);
    }
  }

  // As rsync 3.2 to 3.5 print them with LC_ALL=C.
  void unescapesEveryByteAndNothingElse() {
    CPPUNIT_ASSERT_EQUAL(std::string("caf\xc3\xa9"), file_named("caf\\#303\\#251"));
    CPPUNIT_ASSERT_EQUAL(std::string("lat\xe9\x31"), file_named("lat\\#3511"));
    CPPUNIT_ASSERT_EQUAL(std::string("new\nline"), file_named("new\\#012line"));
    CPPUNIT_ASSERT_EQUAL(std::string("back\\#303slash"), file_named("back\\#134#303slash"));
    CPPUNIT_ASSERT_EQUAL(std::string("back\\slash"), file_named("back\\slash"));
    CPPUNIT_ASSERT_EQUAL(std::string("b\\#\\#101"), file_named("b\\#\\#134#101"));
    CPPUNIT_ASSERT_EQUAL(std::string("\\#01"), file_named("\\#01"));
    CPPUNIT_ASSERT_EQUAL(std::string("\\#999 \\#400 \\#3 \\#"),
                         file_named("\\#999 \\#400 \\#3 \\#"));
    CPPUNIT_ASSERT_EQUAL(std::string("tab\there\x7f"), file_named("tab\there\x7f"));
    CPPUNIT_ASSERT_EQUAL(std::string("a\0b", 3), file_named("a\\#000b"));
    std::string out;
    for (int c = 0; c < 256; ++c) {
      const char digits[] = {'\\', '#', static_cast<char>('0' + c / 64),
                             static_cast<char>('0' + c / 8 % 8), static_cast<char>('0' + c % 8)};
      unescape_rsync({digits, sizeof digits}, out);
      CPPUNIT_ASSERT_EQUAL(std::string(1, static_cast<char>(c)), out);
    }
  }

  void keepsSpacesInNames() {
    for (const std::string name :
         {" lead", "trail ", "two  spaces", " ", "a -> b", "2026/11/24 00:10:03 x"}) {
      CPPUNIT_ASSERT_EQUAL(name, file_named(name));
    }
  }

  void splitsLinksByTheTargetsLength() {
    struct {
      std::string size, rest, path, target;
    } const cases[] = {
        {"5", "link -> plain", "link", "plain"},
        {"6", "l -> m -> a -> b", "l -> m", "a -> b"},
        {"1", "l -> m -> a -> b", "l -> m -> a", "b"},
        {"6", "lnk\\#0122 -> caf\\#351 x", "lnk\n2", "caf\xe9 x"},
        {"0", "a -> b -> c", "a", "b -> c"},
        {"99", "a -> b -> c", "a", "b -> c"},
        {"9223372036854775807", "a -> b", "a", "b"},
    };
    for (const auto& c : cases) {
      const std::string line = "lrwxrwxrwx " + c.size + " 2026/11/24 00:10:03 " + c.rest;
      const Entry entry = parsed(line);
      CPPUNIT_ASSERT(entry.kind == ListedKind::link);
      CPPUNIT_ASSERT_EQUAL(c.path, entry.path);
      CPPUNIT_ASSERT_EQUAL(c.target, entry.target);
    }
    CPPUNIT_ASSERT(!parses("lrwxrwxrwx 3 2026/11/24 00:10:03 no-arrow"));
    CPPUNIT_ASSERT(!parses("lrwxrwxrwx 3 2026/11/24 00:10:03  -> x"));
  }

  void refusesWhatIsNoEntry() {
    for (const std::string line : {"",
                                   "x",
                                   "Welcome to our mirror",
                                   "-rw-r--r--",
                                   "-rw-r--r-- ",
                                   "-rw-r--r--           2 2026/11/24 00:10:03",
                                   "-rw-r--r--           2 2026/11/24 00:10:03 ",
                                   "-rw-r--r--2 2026/11/24 00:10:03 x",
                                   "-rw-r--r--          -2 2026/11/24 00:10:03 x",
                                   "-rw-r--r--            2026/11/24 00:10:03 x",
                                   "-rw-r--r-- 9223372036854775808 2026/11/24 00:10:03 x",
                                   "-rw-r--r-- , 2026/11/24 00:10:03 x",
                                   "-rw-r--r-- 1.2K 2026/11/24 00:10:03 x",
                                   "-rw-r--r-- 2 2026-11-24 00:10:03 x",
                                   "-rw-r--r-- 2 2026/13/24 00:10:03 x",
                                   "-rw-r--r-- 2 2026/00/24 00:10:03 x",
                                   "-rw-r--r-- 2 2026/02/29 00:10:03 x",
                                   "-rw-r--r-- 2 2026/11/24 24:10:03 x",
                                   "-rw-r--r-- 2 2026/11/24 00:60:03 x",
                                   "-rw-r--r-- 2 2026/11/24 00:10:61 x",
                                   "-rw-r--r-- 2 12026/11/24 00:10:03 x",
                                   "-rw-r--r-- 2 +026/11/24 00:10:03 x",
                                   "?rw-r--r-- 2 2026/11/24 00:10:03 x",
                                   "-rw-r--r-? 2 2026/11/24 00:10:03 x",
                                   "-rw-r--r--  2 2026/11/24 00:10:03\tx"}) {
      CPPUNIT_ASSERT_MESSAGE(line, !parses(line));
    }
  }

  void cutsLinesWhateverTheChunks() {
    const std::string text = "one\n\ntwo words\nlast";
    for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
      std::vector<std::string> lines;
      LineCutter cutter(100, [&](std::string_view line, bool cut) {
        CPPUNIT_ASSERT(!cut);
        lines.emplace_back(line);
      });
      for (std::size_t at = 0; at < text.size(); at += chunk)
        cutter.feed(std::string_view(text).substr(at, chunk));
      CPPUNIT_ASSERT(cutter.in_line());
      cutter.finish();
      CPPUNIT_ASSERT((lines == std::vector<std::string>{"one", "", "two words", "last"}));
    }
  }

  void keepsOnlyTheBeginningOfOverlongLines() {
    const std::string text = "1234\n12345\n" + std::string(1000, 'x') + "\nok\n";
    for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
      std::vector<std::pair<std::string, bool>> lines;
      LineCutter cutter(4, [&](std::string_view line, bool cut) { lines.emplace_back(line, cut); });
      for (std::size_t at = 0; at < text.size(); at += chunk)
        cutter.feed(std::string_view(text).substr(at, chunk));
      CPPUNIT_ASSERT(
          (lines == std::vector<std::pair<std::string, bool>>{
                        {"1234", false}, {"1234", true}, {"xxxx", true}, {"ok", false}}));
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RsyncListTest);

}  // namespace mirror::scanner
