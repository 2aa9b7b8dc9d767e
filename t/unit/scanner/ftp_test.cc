// Tests scanner/ftp's ftp_lines.cc, ftp_site.cc, ftp_times.cc and ftp_options.cc.
#include <cppunit/extensions/HelperMacros.h>

#include "scanner/ftp/ftp_lines.h"
#include "scanner/ftp/ftp_options.h"
#include "scanner/ftp/ftp_site.h"
#include "scanner/ftp/ftp_times.h"

namespace mirror::scanner::ftp {

constexpr std::int64_t kNow = 1'795'000'000;  // 2026-11-18 11:06:40
using Kind = ListedKind;

class FtpTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FtpTest);
  CPPUNIT_TEST(readsMlsd);
  CPPUNIT_TEST(readsListOfUnixAndWindows);
  CPPUNIT_TEST(refusesWhatIsNoListing);
  CPPUNIT_TEST(findsTheYear);
  CPPUNIT_TEST(readsWholeFoldersAlone);
  CPPUNIT_TEST(readsFeaturesAndTheFolderOfTheLogin);
  CPPUNIT_TEST(readsUrlsAndOptions);
  CPPUNIT_TEST(takesTheSourcesTimeWhereListShowsIt);
  CPPUNIT_TEST(asksUntilTheTimeZoneIsKnown);
  CPPUNIT_TEST(noticesThatMdtmIsInAnotherZoneToo);
  CPPUNIT_TEST_SUITE_END();

  struct Case {
    const char* line;
    LineKind kind;
    Kind entry;
    std::int64_t size, time_s;
    const char* name;
    bool readable = true;
    const char* target = "";
  };

  static void check(const Case& c, LineKind kind, const FtpEntry& read) {
    CPPUNIT_ASSERT_MESSAGE(c.line, c.kind == kind);
    if (kind != LineKind::entry) return;
    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, std::string(c.name), read.entry.path);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, std::string(c.target), read.entry.target);
    CPPUNIT_ASSERT_MESSAGE(c.line, c.entry == read.entry.kind);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, c.size, read.entry.size_bytes);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, c.time_s, read.entry.mtime_s);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.line, c.readable, read.entry.world_readable);
  }

 public:
  void readsMlsd() {
    constexpr auto kEntry = LineKind::entry, kNothing = LineKind::nothing, kFault = LineKind::fault;
    const Case cases[] = {
        {"type=file;size=5;modify=20231114221320;perm=r; a", kEntry, Kind::file, 5, 1700000000,
         "a"},
        {"Type=file;Size=5;Modify=20231114221320.123;  a  b ", kEntry, Kind::file, 5, 1700000000,
         " a  b "},
        {"modify=20231114221320;perm=fle;type=dir;unix.mode=0755; d", kEntry, Kind::directory, 0, 0,
         "d"},
        {"type=dir;unix.mode=0750; d", kEntry, Kind::directory, 0, 0, "d", false},
        {"type=dir;perm=e; d", kEntry, Kind::directory, 0, 0, "d", false},
        {"type=file;size=1;modify=20231114221320;perm=; f", kEntry, Kind::file, 1, 1700000000, "f"},
        {"type=file;size=1;modify=20231114221320;perm=adfw; f", kEntry, Kind::file, 1, 1700000000,
         "f", false},
        {"type=file;size=1;modify=20231114221320;UNIX.mode=0640; f", kEntry, Kind::file, 1,
         1700000000, "f", false},
        {"type=OS.unix=slink:/x;size=1; l", kEntry, Kind::link, 0, 0, "l"},
        {"type=OS.unix=symlink; l", kEntry, Kind::link, 0, 0, "l"},
        {"type=OS.unix=chr-1/3; c", kEntry, Kind::special, 0, 0, "c"},
        {"type=cdir;modify=20231114221320; .", kNothing, {}, 0, 0, ""},
        {"type=pdir; /pub", kNothing, {}, 0, 0, ""},
        {"type=dir; ..", kNothing, {}, 0, 0, ""},
        {"type=file;size=5;modify=yesterday; a", kEntry, Kind::file, 5, 0, "a"},
        {"type=file;size=5;modify=20231399221320; a", kEntry, Kind::file, 5, 0, "a"},
        {"type=file;modify=20231114221320; a", kFault, {}, 0, 0, ""},
        {"type=file;size=-1;modify=20231114221320; a", kFault, {}, 0, 0, ""},
        {"type=file;size=99999999999999999999;modify=20231114221320; a", kFault, {}, 0, 0, ""},
        {"size=5; a", kFault, {}, 0, 0, ""},
        {"type=file;size=5;modify=20231114221320;", kFault, {}, 0, 0, ""},
        {"type=file;size=5;modify=20231114221320; ", kFault, {}, 0, 0, ""},
        {"type=file;size=5 a", kFault, {}, 0, 0, ""},
        {"", kFault, {}, 0, 0, ""},
    };
    for (const Case& c : cases) {
      FtpEntry read;
      const LineKind kind = read_mlsd_line(c.line, read);
      check(c, kind, read);
      if (std::string_view(c.line).find("yesterday") != std::string_view::npos)
        CPPUNIT_ASSERT(read.entry.odd_time);
    }
  }

  void readsListOfUnixAndWindows() {
    constexpr auto kEntry = LineKind::entry, kNothing = LineKind::nothing;
    const Case cases[] = {
        {"-rw-r--r--    1 ftp      ftp             5 Nov 14  2023 a", kEntry, Kind::file, 5,
         1699920000, "a"},
        {"-rw-r--r--    1 ftp      ftp             5 Nov 14 2023  lead", kEntry, Kind::file, 5,
         1699920000, " lead"},
        {"-rw-r-----    1 ftp      ftp      5 Nov 14  2023 a", kEntry, Kind::file, 5, 1699920000,
         "a", false},
        {"drwxr-xr-x    2 0        0            4096 Nov 14  2023 d e", kEntry, Kind::directory,
         4096, 1699920000, "d e"},
        {"drwxr-xr-x   1 owner          0 Nov 14  2023 no group", kEntry, Kind::directory, 0,
         1699920000, "no group"},
        {"lrwxrwxrwx    1 0 0 7 Nov 14  2023 l -> to/x", kEntry, Kind::link, 7, 1699920000, "l",
         true, "to/x"},
        {"crw-rw-rw-    1 0 0 1, 3 Nov 14  2023 null", kEntry, Kind::special, 0, 1699920000,
         "null"},
        {"11-14-23  10:13PM                    5 a b", kEntry, Kind::file, 5, 1699999980, "a b"},
        {"11-14-2023  22:13                1,234  lead", kEntry, Kind::file, 1234, 1699999980,
         " lead"},
        {"11-14-23  12:13AM       <DIR>          d", kEntry, Kind::directory, 0, 1699920780, "d"},
        {"11-14-23  12:13AM       <DIR>           d", kEntry, Kind::directory, 0, 1699920780, " d"},
        {"total 12", kNothing, {}, 0, 0, ""},
        {"", kNothing, {}, 0, 0, ""},
        {"drwxr-xr-x    2 0 0 4096 Nov 14  2023 ..", kNothing, {}, 0, 0, ""},
    };
    for (const Case& c : cases) {
      FtpEntry read;
      const LineKind kind = read_list_line(c.line, kNow, read);
      check(c, kind, read);
    }
  }

  void refusesWhatIsNoListing() {
    for (const char* line :
         {"<html>", "-rw-r--r-- 1 ftp ftp 5 Nov 14 2023", "-rw-r--r-- 1 ftp ftp 5 Nov 14 2023 ",
          "-rw-r--r-- 1 ftp ftp x Nov 14 2023 a", "11-14-23 10:13PM a", "11-14-23 13:13PM 5 a",
          "02-30-23 10:13PM 5 a", "11-14-23  10:13PM  <DIR>", "total", "total x",
          "drwxr-xr-x Nov 14 2023 a"}) {
      FtpEntry read;
      CPPUNIT_ASSERT_MESSAGE(line, read_list_line(line, kNow, read) == LineKind::fault);
    }
  }

  void findsTheYear() {
    const std::pair<const char*, std::int64_t> cases[] = {{"Nov 18 11:05", 1794999900},
                                                          {"Nov 19 11:05", 1795086300},
                                                          {"Nov 20 11:08", 1763636880},
                                                          {"Dec 31 23:59", 1767225540},
                                                          {"Feb 29 00:00", 1709164800}};
    for (const auto& [when, time_s] : cases) {
      FtpEntry read;
      read_list_line(std::string("-rw-r--r-- 1 f f 5 ") + when + " a", kNow, read);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(when, time_s, read.entry.mtime_s);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(when, std::int64_t{60}, read.time.precision_s);
    }
  }

  void readsWholeFoldersAlone() {
    const std::string line = "type=file;size=5;modify=20231114221320; a";
    CPPUNIT_ASSERT_EQUAL(std::size_t{2},
                         read_folder(line + "\r\n" + line + "\n", true, kNow).entries.size());
    CPPUNIT_ASSERT(read_folder("", true, kNow).fault.empty());
    for (const std::string& bad :
         {line, line + "\r\n" + line, line + "/b\r\n", line + "\r\n\r\n",
          std::string("type=file;size=5;modify=20231114221320; ../a\r\n")}) {
      const FtpFolder folder = read_folder(bad, true, kNow);
      CPPUNIT_ASSERT_MESSAGE(bad, !folder.fault.empty() && folder.entries.empty());
    }
  }

  void readsFeaturesAndTheFolderOfTheLogin() {
    net::FtpAnswer answer;
    answer.replies =
        "220 MLSD\r\n215 UNIX Type: L8\r\n211-Features:\r\n MDTM\r\n MLST type*;size*;\r\n211 "
        "End\r\n";
    answer.login_folder = "/home/joe";
    FtpSite site = read_site(answer, "pub/x");
    CPPUNIT_ASSERT(site.has_mlsd && site.has_mdtm && site.is_unix);
    CPPUNIT_ASSERT_EQUAL(std::string("/home/joe/pub/x/"), site.folder(""));
    CPPUNIT_ASSERT_EQUAL(std::string("/home/joe/pub/x/d/"), site.folder("d"));
    CPPUNIT_ASSERT_EQUAL(std::string("/home/joe/pub/x/d"), site.file("d"));
    CPPUNIT_ASSERT_EQUAL(std::string("/srv/d/"), read_site(answer, "/srv").folder("d"));
    answer = {};
    answer.replies = "220 MLSD MDTM\r\n500 not known\r\n";
    site = read_site(answer, "");
    CPPUNIT_ASSERT(!site.has_mlsd && !site.has_mdtm && !site.is_unix);
    CPPUNIT_ASSERT_EQUAL(std::string(), site.folder(""));
    CPPUNIT_ASSERT_EQUAL(std::string("d/"), site.folder("d"));
  }

  void readsUrlsAndOptions() {
    const FtpUrl url = read_ftp_url("ftps://joe@h:990/pub/a%20b/");
    CPPUNIT_ASSERT_EQUAL(std::string("ftps://h:990"), url.server);
    CPPUNIT_ASSERT_EQUAL(std::string("joe"), url.user);
    CPPUNIT_ASSERT_EQUAL(std::string("pub/a b"), url.path);
    CPPUNIT_ASSERT_EQUAL(std::string("/srv"), read_ftp_url("ftp://h/%2Fsrv/").path);
    CPPUNIT_ASSERT_EQUAL(std::string(), read_ftp_url("ftp://h/").path);
    const FtpOptions options =
        read_ftp_options({"connections=4", "tls=require", "off", "bandwidth=2", "rate=0.5"});
    CPPUNIT_ASSERT(options.connections == 4 && options.explicit_tls);
    CPPUNIT_ASSERT(options.requests_per_s == 0.5 && options.bytes_per_s == 2048);
    for (const char* bad : {"", "connections=0", "connections=9", "connections=x", "tls=off", "x",
                            "rate=0", "bandwidth=0", "heads=1"})
      CPPUNIT_ASSERT_MESSAGE(bad, ftp_option_fault(bad));
  }

  static FtpItem item(std::int64_t listed_s, std::int64_t precision_s, std::int64_t source_s,
                      std::vector<std::int64_t> earlier = {}) {
    FtpItem made;
    made.shown.entry.size_bytes = 5;
    made.shown.entry.mtime_s = listed_s;
    made.shown.time = {listed_s, precision_s, false};
    made.known = db::KnownFile{5, source_s, std::move(earlier)};
    return made;
  }
  static constexpr std::int64_t kSource = 1'700'000'007, kMinute = 1'699'999'980,
                                kDay = 1'699'920'000;

  void takesTheSourcesTimeWhereListShowsIt() {
    const struct {
      FtpItem item;
      bool ask;
      std::int64_t time_s;
    } cases[] = {{item(kMinute, 60, kSource), false, kSource},
                 {item(kMinute + 120, 60, kSource), false, kMinute + 120},
                 {item(kMinute + 7200, 60, kSource), true, kMinute + 7200},
                 {item(kDay, 86400, kSource), false, kSource},
                 {item(kDay + 86400, 86400, kSource), false, kSource},
                 {item(kDay + 3 * 86400, 86400, kSource), false, kDay + 3 * 86400},
                 {item(kDay, 86400, kSource, {5}), true, kDay},
                 {item(kDay, 86400, kSource, {6}), false, kSource}};
    for (const auto& c : cases) {
      FtpTimes times(true);
      FtpItem copy = c.item;
      CPPUNIT_ASSERT_EQUAL(c.ask, times.must_ask(copy));
      CPPUNIT_ASSERT_EQUAL(c.time_s, copy.shown.entry.mtime_s);
      CPPUNIT_ASSERT(times.precision() == db::Precision::minute);
      FtpTimes without(false);
      copy = c.item;
      CPPUNIT_ASSERT(!without.must_ask(copy));
      CPPUNIT_ASSERT_EQUAL(c.item.shown.entry.mtime_s, copy.shown.entry.mtime_s);
    }
  }

  void asksUntilTheTimeZoneIsKnown() {
    FtpTimes times(true);
    for (int i = 0; i < 3; ++i) {
      FtpItem asked = item(kMinute + 3600 + i * 120, 60, kSource + i * 120);
      CPPUNIT_ASSERT(times.must_ask(asked) && times.take(asked, kSource + i * 120));
    }
    FtpItem known = item(kMinute + 3600, 60, kSource);
    CPPUNIT_ASSERT(!times.must_ask(known));
    CPPUNIT_ASSERT_EQUAL(kSource, known.shown.entry.mtime_s);
  }

  void noticesThatMdtmIsInAnotherZoneToo() {
    FtpTimes times(true);
    // Files of other times, as LIST shows them: MDTM may be in UTC, and in the same zone.
    for (int i = 0; i < 3; ++i) {
      FtpItem changed = item(kMinute + 3600 + i * 120, 60, kSource + i * 120);
      CPPUNIT_ASSERT(times.must_ask(changed) && times.take(changed, kSource + 3613 + i * 120));
    }
    std::vector<FtpItem> undecided;
    for (int i = 0; i < 3; ++i) {
      undecided.push_back(item(kMinute + 3600 + i * 60, 60, kSource + i * 60));
      CPPUNIT_ASSERT(times.must_ask(undecided.back()));
      CPPUNIT_ASSERT(!times.take(undecided.back(), kSource + 3600 + i * 60));
    }
    FtpItem other = item(kMinute + 900, 60, kSource);
    CPPUNIT_ASSERT(times.must_ask(other) && !times.take(other, kSource + 900));
    for (FtpItem& one : undecided) {
      times.decide(one);
      CPPUNIT_ASSERT_EQUAL(one.known->mtime_s, one.shown.entry.mtime_s);
    }
    times.decide(other);
    CPPUNIT_ASSERT_EQUAL(kSource + 900, other.shown.entry.mtime_s);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FtpTest);

}  // namespace mirror::scanner::ftp
