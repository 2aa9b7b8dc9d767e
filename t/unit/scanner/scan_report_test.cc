#include <cppunit/extensions/HelperMacros.h>

#include <nlohmann/json.hpp>

#include "scanner/scan/report.h"

namespace mirror::scanner {

class ScanReportTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ScanReportTest);
  CPPUNIT_TEST(saysOneReadableLineAMirror);
  CPPUNIT_TEST(saysWhatTheSourceHas);
  CPPUNIT_TEST(givesMachinesEveryFigure);
  CPPUNIT_TEST(saysWhatIsUnderWay);
  CPPUNIT_TEST_SUITE_END();

  static ScanResult sample() {
    ScanResult result;
    result.name = "ftp.example.org";
    result.outcome = ScanOutcome::merged;
    result.counts = {
        .seen = 63440, .gained = 10, .lost = 2, .unknown = 3, .outdated = 4, .held = 63400};
    result.listing.entries = 70000;
    result.seconds = 1.25;
    return result;
  }

 public:
  void saysOneReadableLineAMirror() {
    ScanResult result = sample();
    CPPUNIT_ASSERT_EQUAL(std::string("ftp.example.org       63440 seen,       10 gained,        2 "
                                     "lost,        3 unknown to the source, "
                                     "       4 outdated,    1.2 s"),
                         result_line(result, 17));
    result.enabled = true;
    CPPUNIT_ASSERT(result_line(result, 0).ends_with(" s, now enabled"));
    result.error = "rsync exited 12";
    CPPUNIT_ASSERT_EQUAL(std::string("mb-scan: mirror 'ftp.example.org': rsync exited 12"),
                         error_line(result));
    CPPUNIT_ASSERT_EQUAL(std::string("3 mirrors: 2 scanned, 1 failed, 4.0 s"),
                         totals_line({.worked = 2, .failed = 1, .seconds = 4}));
  }

  void saysWhatTheSourceHas() {
    ScanResult result = sample();
    result.is_source = true;
    result.name = "/srv/pub";
    result.counts.changed = 7;
    CPPUNIT_ASSERT_EQUAL(
        std::string(
            "source /srv/pub: 63440 seen, 10 gained, 2 lost, 7 changed, 63400 current, 1.2 s"),
        result_line(result, 0));
  }

  void givesMachinesEveryFigure() {
    ScanResult result = sample();
    result.name = "odd\"\xff\n";
    result.outcome = ScanOutcome::refused;
    result.error = "too \xfe small";
    const auto json = nlohmann::json::parse(json_line(result));
    CPPUNIT_ASSERT_EQUAL(std::string("refused"), json.at("outcome").get<std::string>());
    CPPUNIT_ASSERT_EQUAL(3, json.at("unknown").get<int>());
    CPPUNIT_ASSERT_EQUAL(70000, json.at("entries").get<int>());
    CPPUNIT_ASSERT(json_line(result).find('\n') == std::string::npos);
    CPPUNIT_ASSERT(nlohmann::json::parse(json_line(sample())).at("error").is_null());
    CPPUNIT_ASSERT_EQUAL(
        1, nlohmann::json::parse(json_line(Totals{2, 1, 4})).at("summary").at("failed").get<int>());
  }

  void saysWhatIsUnderWay() {
    const std::vector<Running> running = {{"ftp.example.org", 1200, 2}, {"m\xc3\xbc", 0, 0}};
    CPPUNIT_ASSERT_EQUAL(
        std::string("1 of 9 done; ftp.example.org 1200 (600/s); m\xc3\xbc 0 (0/s)"),
        progress_text(running, 1, 9));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ScanReportTest);

}  // namespace mirror::scanner
