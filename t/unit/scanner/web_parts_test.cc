// Tests scanner/web's robots.cc, web_options.cc and settling.cc, and scanner/list's time_zone.cc.
#include <cppunit/extensions/HelperMacros.h>

#include "core/http_date.h"
#include "scanner/list/entry.h"
#include "scanner/list/time_zone.h"
#include "scanner/web/robots.h"
#include "scanner/web/settling.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::web {

class WebPartsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WebPartsTest);
  CPPUNIT_TEST(heedsRobotsTxt);
  CPPUNIT_TEST(believesATimeZoneOnceHeadHasShownIt);
  CPPUNIT_TEST(believesFilesOfOneMinuteLate);
  CPPUNIT_TEST(asksByHeadForWhatStaysInDoubt);
  CPPUNIT_TEST(findsTheTimeZoneFromAFewFiles);
  CPPUNIT_TEST(takesTheTimeZoneOffWhereTimesAreOthers);
  CPPUNIT_TEST(asksAgainWhereSummerTimeDecides);
  CPPUNIT_TEST(givesUpOnAServerWhoseTimesAreNoFiles);
  CPPUNIT_TEST(losesNoFileToARequestForTheZone);
  CPPUNIT_TEST(takesNoFileForNewerThanItIs);
  CPPUNIT_TEST(noticesFilesWithoutATime);
  CPPUNIT_TEST(readsOptions);
  CPPUNIT_TEST_SUITE_END();

 public:
  void heedsRobotsTxt() {
    struct {
      const char *text, *path;
      bool allowed;
    } const cases[] = {
        {"", "/", true},
        {"User-agent: *\nDisallow: /", "/pub/", false},
        {"User-agent: *\nDisallow:", "/pub/", true},
        {"user-AGENT: *\r\ndisallow: /pub\r\n", "/pub/", false},
        {"User-agent: *\nDisallow: /pub/\nAllow: /pub/x/", "/pub/x/y", true},
        {"User-agent: *\nDisallow: /pub/\nAllow: /pub/x/", "/pub/y", false},
        {"User-agent: *\nDisallow: /x\nAllow: /x", "/x", true},
        {"User-agent: *\nDisallow: /\n\nUser-agent: mod_mirror\nAllow: /", "/pub/", true},
        {"User-agent: Mod_Mirror\nUser-agent: x\nDisallow: /pub/", "/pub/", false},
        {"User-agent: x\nDisallow: /", "/pub/", true},
        {"User-agent: *\nDisallow: /*/secret$", "/a/b/secret", false},
        {"User-agent: *\nDisallow: /*/secret$", "/a/b/secret/", true},
        {"User-agent: *\nDisallow: /a*b*c", "/axxbyyc/", false},
        {"User-agent: *\nDisallow: /a*b*c", "/axxbyy/", true},
        {"Disallow: /", "/pub/", true},
        {"User-agent: * # all\nDisallow: /pub/ # none", "/pub/", false},
        {"<html>no robots</html>", "/", true},
    };
    for (const auto& c : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.text) + " of " + c.path, c.allowed,
                                   Robots(c.text).allows(c.path));
    }
  }

  void believesATimeZoneOnceHeadHasShownIt() {
    using Fit = TimeZone::Fit;
    constexpr std::int64_t kSource = 1'000'000'007;
    const auto listed = [](std::int64_t ahead_s) { return ListedTime{kSource - 47 + ahead_s, 60}; };
    // Files of other times, that it shows so much ahead.
    const auto learn = [](TimeZone& zone, std::int64_t ahead_s, int i) {
      const std::int64_t source_s = kSource + std::int64_t{i} * 61;
      zone.learn({source_s - 47 + ahead_s, 60}, source_s, source_s);
    };
    for (const std::int64_t ahead_s : {3600, -18000, 20700}) {
      TimeZone zone;
      CPPUNIT_ASSERT(zone.judge(listed(0), kSource) == Fit::same);
      CPPUNIT_ASSERT(zone.judge(listed(120), kSource) == Fit::other);
      CPPUNIT_ASSERT(zone.judge(listed(15 * 3600), kSource) == Fit::other);
      for (int i = 0; i < 3; ++i) {
        CPPUNIT_ASSERT(!zone.is_known() && zone.judge(listed(ahead_s), kSource) == Fit::ask);
        learn(zone, ahead_s, i);
      }
      CPPUNIT_ASSERT(zone.is_known() && zone.judge(listed(ahead_s), kSource) == Fit::same);
      // Summer time, or none, is possible; another zone is not.
      for (const std::int64_t hour_s : {-3600, 3600})
        CPPUNIT_ASSERT(zone.judge(listed(ahead_s + hour_s), kSource) == Fit::ask);
      CPPUNIT_ASSERT(zone.judge(listed(ahead_s + 7200), kSource) == Fit::other);
      CPPUNIT_ASSERT_EQUAL(kSource - 47, zone.in_utc(listed(ahead_s)).low_s);
    }
    TimeZone zone;
    for (int i = 0; i < 3; ++i) {
      learn(zone, 7200, i);
      learn(zone, 3600, i);
    }
    CPPUNIT_ASSERT(zone.judge(listed(3600), kSource) == Fit::same);
    // It is an older file: the zone is known, and has no time of that name.
    CPPUNIT_ASSERT(zone.judge(listed(-3600), kSource) == Fit::other);
    // A file of another time looked the same: from now on all of that offset are asked for.
    zone.learn(listed(3600), kSource, kSource + 3600);
    CPPUNIT_ASSERT(zone.judge(listed(3600), kSource) == Fit::ask);
    CPPUNIT_ASSERT(zone.judge(listed(7200), kSource) == Fit::same);
    CPPUNIT_ASSERT(zone.judge({kSource + 3600, 1, true}, kSource) == Fit::other);
  }

  // They show little more than one of them, and there may be no others.
  void believesFilesOfOneMinuteLate() {
    TimeZone zone;
    for (int i = 0; i < 8; ++i) {
      CPPUNIT_ASSERT(!zone.is_known());
      zone.learn({kFile_s + 3600 - 59 * (i % 2), 60}, kFile_s, kFile_s);
    }
    CPPUNIT_ASSERT(zone.is_known());
  }

  void asksByHeadForWhatStaysInDoubt() {
    constexpr std::int64_t kTime = 1'000'000'000;
    const ListedTime minute{kTime, 60}, exact{kTime, 1, true}, later{kTime + 120, 60},
        zone{kTime + 3600, 60}, far{kTime - 5 * 3600, 60};
    const ListedSize rounded{1000, 1100}, size{1050, 1050};
    struct {
      const char* what;
      std::optional<ListedSize> size;
      std::optional<ListedTime> time;
      std::vector<std::int64_t> earlier;
      bool head;
    } const cases[] = {
        {"no size", {}, minute, {}, true},
        {"no time", size, {}, {}, true},
        {"all that is needed", rounded, minute, {}, false},
        {"an hour more", rounded, zone, {}, true},
        {"in another zone", rounded, far, {}, false},
        {"another time", rounded, later, {}, false},
        {"an earlier version of a size that fits", rounded, minute, {7, 1099}, true},
        {"an earlier version of another size", rounded, minute, {7, 1101}, false},
        {"an earlier version of the same size", size, minute, {1050}, true},
        {"an earlier version, and all is exact", size, exact, {1050}, false},
        {"another size", ListedSize{5, 5}, zone, {}, false},
        {"the size of an earlier version", ListedSize{5, 6}, minute, {5}, true},
    };
    for (const auto& c : cases) {
      Settling settling = in_utc();
      Item item = item_of(kTime, c.size, c.time, c.earlier);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, c.head, settling.next(item) == Settling::Next::ask);
    }
  }

  // As many files as the server has, all in one zone: eight are asked for, the others wait.
  void findsTheTimeZoneFromAFewFiles() {
    Settling settling;
    std::vector<Item> items;
    for (int i = 0; i < 100; ++i)
      items.push_back(shown_ahead(kFile_s + i * 1000, kFile_s + i * 1000, 7200));
    for (int i = 0; i < 8; ++i) CPPUNIT_ASSERT(settling.next(items[i]) == Settling::Next::ask);
    CPPUNIT_ASSERT(settling.next(items[8]) == Settling::Next::wait);
    settling.refuse(items[0]);
    CPPUNIT_ASSERT(items[0].absent && settling.next(items[8]) == Settling::Next::ask);
    for (int i = 1; i < 4; ++i) settling.take(items[i], head_of(items[i].known->mtime_s));
    for (int i = 9; i < 100; ++i) {
      CPPUNIT_ASSERT(settling.next(items[i]) == Settling::Next::settled);
      CPPUNIT_ASSERT_EQUAL(items[i].known->mtime_s, items[i].mtime_s);
    }
    CPPUNIT_ASSERT(settling.fidelity().times == db::Precision::minute);
  }

  // A mirror that does not keep times, west of UTC: what it shows is before the source's time, what
  // it has is not.
  void takesTheTimeZoneOffWhereTimesAreOthers() {
    constexpr std::int64_t kLater_s = 3600 + 100;
    for (const std::int64_t ahead_s : {-8 * 3600, 0, 5 * 3600 + 1800}) {
      Settling settling;
      std::vector<Item> items;
      for (int i = 0; i < 50; ++i)
        items.push_back(shown_ahead(kFile_s + i * 3600, kFile_s + i * 3600 + kLater_s, ahead_s));
      int asked = 0;
      for (Item& item : items) {
        if (settling.next(item) == Settling::Next::ask) {
          ++asked;
          settling.take(item, head_of(item.known->mtime_s + kLater_s));
        }
        // As asked or not, to the minute.
        const std::int64_t time_s = item.known->mtime_s + kLater_s;
        CPPUNIT_ASSERT_EQUAL(time_s - time_s % 60, item.mtime_s);
      }
      CPPUNIT_ASSERT_EQUAL(3, asked);
    }
  }

  // It is older in the one of the server's zones, and not in the other.
  void asksAgainWhereSummerTimeDecides() {
    Settling settling;
    for (int i = 0; i < 4; ++i) {
      const std::int64_t time_s = kFile_s - i * 1000;
      Item item = shown_ahead(time_s, time_s, i == 3 ? 7200 : 3600);
      CPPUNIT_ASSERT(settling.next(item) == Settling::Next::ask);
      settling.take(item, head_of(time_s));
    }
    Item near = shown_ahead(kFile_s, kFile_s + 600, 3600);
    CPPUNIT_ASSERT(settling.next(near) == Settling::Next::ask);
    settling.take(near, head_of(kFile_s + 600));
    Item far = shown_ahead(kFile_s, kFile_s + 86400 + 600, 3600);
    CPPUNIT_ASSERT(settling.next(far) == Settling::Next::settled && far.mtime_s > kFile_s);
  }

  void givesUpOnAServerWhoseTimesAreNoFiles() {
    Settling settling;
    int asked = 0;
    for (int i = 0; i < 1000; ++i) {
      Item item = shown_ahead(kFile_s, kFile_s + 500, 0);
      if (settling.next(item) == Settling::Next::settled) continue;
      ++asked;
      settling.take(item, head_of(kFile_s + 1'000'100));
    }
    CPPUNIT_ASSERT_EQUAL(64, asked);
  }

  // Of those that need none of their own.
  void losesNoFileToARequestForTheZone() {
    net::PoolAnswer nothing, no_time, other_length = head_of(kFile_s);
    no_time.headers = {{"Content-Length", std::to_string(kSize)}};
    other_length.headers[0].second = "7";
    for (const net::PoolAnswer* const answer : {&nothing, &no_time, &other_length}) {
      Settling settling;
      int asked = 0;
      for (int i = 0; i < 100; ++i) {
        Item item = shown_ahead(kFile_s + i * 1000, kFile_s + i * 1000, 7200);
        if (settling.next(item) == Settling::Next::ask) {
          ++asked;
          settling.take(item, *answer);
          settling.settle_rest(item);
        }
        CPPUNIT_ASSERT(!item.absent && item.size_bytes == kSize);
        // In any zone it is no newer.
        CPPUNIT_ASSERT_EQUAL(item.shown->time->time_s - 14 * 3600, item.mtime_s);
      }
      CPPUNIT_ASSERT_EQUAL(16, asked);
      CPPUNIT_ASSERT(settling.fidelity().shows_times);
    }
    // Others show the zone.
    Settling settling;
    std::vector<Item> items;
    for (int i = 0; i < 4; ++i) {
      items.push_back(shown_ahead(kFile_s + i * 1000, kFile_s + i * 1000, 7200));
      CPPUNIT_ASSERT(settling.next(items.back()) == Settling::Next::ask);
    }
    settling.take_nothing(items[0]);
    for (int i = 1; i < 4; ++i) settling.take(items[i], head_of(kFile_s + i * 1000));
    settling.settle_rest(items[0]);
    CPPUNIT_ASSERT(!items[0].absent && items[0].mtime_s == kFile_s);
  }

  // While nobody knows its server's zone.
  void takesNoFileForNewerThanItIs() {
    struct {
      const char* what;
      std::int64_t ahead_s;  // as shown, of the source's
      bool likely_utc;
      std::int64_t listed_s;
    } const cases[] = {
        {"the source's", 0, false, 0},
        {"east", 7200, false, 7200 - 14 * 3600},
        {"west", -7200, false, -7200},
        {"of no zone", 500, false, 500 - 14 * 3600},
        {"older, of no zone", -500, false, -500 - 14 * 3600},
        {"of a server that shows UTC", 500, true, 500},
    };
    for (const auto& c : cases) {
      Settling settling;
      Item item = item_of(kMinute_s, ListedSize{kSize, kSize},
                          ListedTime{kMinute_s + c.ahead_s, 60, false, c.likely_utc}, {kSize});
      CPPUNIT_ASSERT(settling.next(item) == Settling::Next::ask);
      net::PoolAnswer answer;
      answer.headers = {{"Content-Length", std::to_string(kSize)}};
      settling.take(item, answer);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, kMinute_s + c.listed_s, item.mtime_s);
    }
  }

  void noticesFilesWithoutATime() {
    Settling settling;
    const auto ask = [&](std::int64_t size_bytes) {
      Item item = item_of(kFile_s, {}, {}, {});
      CPPUNIT_ASSERT(settling.next(item) == Settling::Next::ask);
      net::PoolAnswer answer;
      answer.headers = {{"Content-Length", std::to_string(size_bytes)}};
      settling.take(item, answer);
      CPPUNIT_ASSERT(!item.absent && item.size_bytes == size_bytes);
      CPPUNIT_ASSERT_EQUAL(kNoTime_s, item.mtime_s);
    };
    ask(7);
    CPPUNIT_ASSERT(settling.timeless() == 0 && settling.fidelity().shows_times);
    ask(kSize);
    CPPUNIT_ASSERT(settling.timeless() == 1 && !settling.fidelity().shows_times);
  }

  void readsOptions() {
    const WebOptions options = read_web_options(
        {"connections=3", "rate=0.5", "robots=ignore", "heads=7", "off", "bandwidth=3"});
    CPPUNIT_ASSERT(options.connections == 3 && options.requests_per_s == 0.5 &&
                   !options.heeds_robots && options.heads == 7 && options.bytes_per_s() == 3072);
    for (const char* good : {"connections=32", "rate=10000", "robots=heed", "heads=0", "off"})
      CPPUNIT_ASSERT_MESSAGE(good, !web_option_fault(good));
    for (const char* bad : {"", "connections", "connections=", "connections=0", "connections=33",
                            "connections=3x", "bandwidth=0", "bandwidth=1.5", "rate=0", "rate=nan",
                            "rate=-1", "robots=", "heads=-1", "Off", "x=1", "connections=1 "})
      CPPUNIT_ASSERT_MESSAGE(bad, web_option_fault(bad).has_value());
    for (const char* bad : {"", "rsync://h/m/", "http://h/x", "http://h/?x/", "ftp://h/"})
      CPPUNIT_ASSERT_MESSAGE(bad, web_url_fault(bad).has_value());
    CPPUNIT_ASSERT(!web_url_fault("https://h/pub/"));
  }

 private:
  static constexpr std::int64_t kSize = 1050, kFile_s = 1'700'000'000, kMinute_s = 1'700'000'040;

  static Item item_of(std::int64_t source_s, std::optional<ListedSize> size,
                      std::optional<ListedTime> time, std::vector<std::int64_t> earlier) {
    Item item;
    static PageEntries shown;
    item.shown = &shown.emplace_back(PageEntry{"x", false, size, time});
    item.known = db::KnownFile{kSize, source_s, std::move(earlier)};
    return item;
  }
  // A file of that time on the mirror, whose server is so far ahead of UTC.
  static Item shown_ahead(std::int64_t source_s, std::int64_t mirror_s, std::int64_t ahead_s) {
    const std::int64_t shown_s = mirror_s + ahead_s;
    return item_of(source_s, ListedSize{kSize, kSize}, ListedTime{shown_s - shown_s % 60, 60}, {});
  }
  static net::PoolAnswer head_of(std::int64_t time_s) {
    net::PoolAnswer answer;
    answer.headers = {{"Content-Length", std::to_string(kSize)},
                      {"Last-Modified", http_date(time_s)}};
    return answer;
  }
  // One that knows that the server shows UTC.
  static Settling in_utc() {
    Settling settling;
    for (int i = 0; i < 3; ++i) {
      const std::int64_t time_s = kFile_s + i * 1000;
      Item item = shown_ahead(time_s, time_s + 500, 0);
      CPPUNIT_ASSERT(settling.next(item) == Settling::Next::ask);
      settling.take(item, head_of(time_s + 500));
    }
    return settling;
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(WebPartsTest);

}  // namespace mirror::scanner::web
