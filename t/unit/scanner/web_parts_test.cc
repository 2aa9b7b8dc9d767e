// Tests scanner/web's robots.cc, time_zone.cc, web_options.cc and folder.cc.
#include <cppunit/extensions/HelperMacros.h>

#include "scanner/list/time_zone.h"
#include "scanner/web/folder.h"
#include "scanner/web/robots.h"
#include "scanner/web/web_options.h"

namespace mirror::scanner::web {

class WebPartsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WebPartsTest);
  CPPUNIT_TEST(heedsRobotsTxt);
  CPPUNIT_TEST(believesATimeZoneOnceHeadHasShownIt);
  CPPUNIT_TEST(asksByHeadForWhatStaysInDoubt);
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
                                   Robots(c.text, "mod_mirror").allows(c.path));
    }
  }

  void believesATimeZoneOnceHeadHasShownIt() {
    using Fit = TimeZone::Fit;
    constexpr std::int64_t kSource = 1'000'000'007;
    const auto listed = [](std::int64_t ahead_s) { return ListedTime{kSource - 47 + ahead_s, 60}; };
    TimeZone zone;
    CPPUNIT_ASSERT(zone.judge(listed(0), kSource) == Fit::same);
    CPPUNIT_ASSERT(zone.judge(listed(120), kSource) == Fit::other);
    CPPUNIT_ASSERT(zone.judge(listed(15 * 3600), kSource) == Fit::other);
    for (const std::int64_t ahead_s : {3600, 7200, -18000, 20700}) {
      for (int i = 0; i < 3; ++i) {
        CPPUNIT_ASSERT(zone.judge(listed(ahead_s), kSource) == Fit::ask);
        zone.learn(listed(ahead_s), kSource, kSource);
      }
      CPPUNIT_ASSERT(zone.judge(listed(ahead_s), kSource) == Fit::same);
    }
    // A file of another time looked the same: from now on all of that offset are asked for.
    zone.learn(listed(3600), kSource, kSource + 3600);
    CPPUNIT_ASSERT(zone.judge(listed(3600), kSource) == Fit::ask);
    CPPUNIT_ASSERT(zone.judge(listed(7200), kSource) == Fit::same);
    CPPUNIT_ASSERT(zone.judge({kSource + 3600, 1, true}, kSource) == Fit::other);
  }

  void asksByHeadForWhatStaysInDoubt() {
    constexpr std::int64_t kTime = 1'000'000'000;
    const ListedTime minute{kTime, 60}, exact{kTime, 1, true}, later{kTime + 120, 60},
        zone{kTime + 3600, 60};
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
        {"in another zone", rounded, zone, {}, true},
        {"another time", rounded, later, {}, false},
        {"an earlier version of a size that fits", rounded, minute, {7, 1099}, true},
        {"an earlier version of another size", rounded, minute, {7, 1101}, false},
        {"an earlier version of the same size", size, minute, {1050}, true},
        {"an earlier version, and all is exact", size, exact, {1050}, false},
        {"another size", ListedSize{5, 5}, zone, {}, false},
        {"the size of an earlier version", ListedSize{5, 6}, minute, {5}, true},
    };
    for (const auto& c : cases) {
      const PageEntry shown{"x", false, c.size, c.time};
      const db::KnownFile known{1050, kTime, c.earlier};
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, c.head, needs_head(shown, known, TimeZone()));
    }
  }

  void readsOptions() {
    const WebOptions options =
        read_web_options({"connections=3", "rate=0.5", "robots=ignore", "heads=7", "off"});
    CPPUNIT_ASSERT(options.connections == 3 && options.requests_per_s == 0.5 &&
                   !options.heeds_robots && options.heads == 7);
    for (const char* good : {"connections=32", "rate=10000", "robots=heed", "heads=0", "off"})
      CPPUNIT_ASSERT_MESSAGE(good, !web_option_fault(good));
    for (const char* bad :
         {"", "connections", "connections=", "connections=0", "connections=33", "connections=3x",
          "rate=0", "rate=nan", "rate=-1", "robots=", "heads=-1", "Off", "x=1", "connections=1 "})
      CPPUNIT_ASSERT_MESSAGE(bad, web_option_fault(bad).has_value());
    for (const char* bad : {"", "rsync://h/m/", "http://h/x", "http://h/?x/", "ftp://h/"})
      CPPUNIT_ASSERT_MESSAGE(bad, web_url_fault(bad).has_value());
    CPPUNIT_ASSERT(!web_url_fault("https://h/pub/"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(WebPartsTest);

}  // namespace mirror::scanner::web
