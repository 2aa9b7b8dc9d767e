// Holds the schema beside the table of a mirror's members (lib/db/mirror/members.h).
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>

#include <set>

#include "db/mirror/constraints.h"
#include "db/mirror/members.h"
#include "t/db/database.h"

namespace mirror::db::test {
namespace {

using Names = std::set<std::string>;

Names listed(Connection& connection, const std::string& sql) {
  const Result rows = connection.run(sql);
  Names names;
  for (int row = 0; row < rows.rows(); ++row) names.emplace(rows.bytes(row, 0));
  return names;
}

// The columns of mirror that have members which `reader` reads.
Names columns_up_to(Reader reader) {
  Names names;
  for (const MirrorMember& member : mirror_members()) {
    if (member.stored_in == StoredIn::mirror && member.reader <= reader)
      names.insert(member.column.name);
  }
  return names;
}

std::string difference(const std::string& what, const Names& expected, const Names& found) {
  std::string text;
  for (const std::string& name : expected) {
    if (!found.contains(name)) text += fmt::format("{} lacks {}; ", what, name);
  }
  for (const std::string& name : found) {
    if (!expected.contains(name)) text += fmt::format("{} has {}; ", what, name);
  }
  return text;
}

Names readable(Connection& connection, const std::string& role, const char* right = "SELECT") {
  return listed(connection, fmt::format("SELECT attname::text FROM pg_attribute WHERE attrelid = "
                                        "'mirror'::regclass AND attnum > 0 AND NOT attisdropped "
                                        "AND has_column_privilege('{}', attrelid, attnum, '{}')",
                                        role, right));
}

// The columns whose change the trigger of redirectors compares; `side` is old or new.
Names compared(Connection& connection, const char* side) {
  return listed(connection, fmt::format("SELECT DISTINCT found[1] FROM pg_trigger, "
                                        "regexp_matches(pg_get_triggerdef(oid), '{}\\.(\\w+)', "
                                        "'gi') found WHERE tgname = 'mirror_rev_columns'",
                                        side));
}

// The columns whose change the audit trail's trigger hears of.
Names audited(Connection& connection) {
  return listed(connection,
                "SELECT attname::text FROM pg_trigger t JOIN pg_attribute a ON attrelid = tgrelid "
                "AND attnum = ANY (tgattr) WHERE tgname = 'mirror_audit_update'");
}
Names settable_columns() {
  Names names = {"identifier"};
  for (const MirrorMember& member : mirror_members()) {
    if (member.stored_in == StoredIn::mirror && member.column.help != nullptr)
      names.insert(member.column.name);
  }
  return names;
}

// What of the schema does not fit the table; "" when all does.
std::string misfits(Connection& c) {
  const Names all = columns_up_to(Reader::admins);
  return difference("table mirror", all, readable(c, "mirror_admin")) +
         difference("httpd's grant", columns_up_to(Reader::web), readable(c, "mirror_httpd")) +
         difference("the scanner's grant", columns_up_to(Reader::scans),
                    readable(c, "mirror_scanner")) +
         difference("the scanner's right to write",
                    {"keeps_times", "keeps_times_share", "last_scan", "time_offset_s"},
                    readable(c, "mirror_scanner", "UPDATE")) +
         difference("audit", settable_columns(), audited(c)) +
         difference("trigger (old)", columns_up_to(Reader::redirects), compared(c, "old")) +
         difference("trigger (new)", columns_up_to(Reader::redirects), compared(c, "new"));
}

class MirrorMembersTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MirrorMembersTest);
  CPPUNIT_TEST(theSchemaFitsTheTable);
  CPPUNIT_TEST(aMissingColumnGrantOrTriggerIsFound);
  CPPUNIT_TEST(onlyAdminsAndScansSeeEndpoints);
  CPPUNIT_TEST(everyConstraintHasWords);
  CPPUNIT_TEST(anOptionOfEachMemberIsReadAgain);
  CPPUNIT_TEST(anEmptyEndpointGoes);
  CPPUNIT_TEST(endpointsComeInTheOrderOfTheirPriority);
  CPPUNIT_TEST_SUITE_END();

 public:
  void theSchemaFitsTheTable() { CPPUNIT_ASSERT_EQUAL(std::string(), misfits(c_)); }

  void aMissingColumnGrantOrTriggerIsFound() {
    const std::pair<const char*, const char*> cases[] = {
        {"ALTER TABLE mirror ADD colour text", "table mirror has colour"},
        {"REVOKE SELECT (weight) ON mirror FROM mirror_httpd", "httpd's grant lacks weight"},
        {"GRANT SELECT (admin_email) ON mirror TO mirror_httpd", "httpd's grant has admin_email"},
        {"REVOKE SELECT (ftp_url) ON mirror FROM mirror_scanner", "grant lacks ftp_url"},
        {"GRANT UPDATE (weight) ON mirror TO mirror_scanner", "to write has weight"},
        {"CREATE OR REPLACE TRIGGER mirror_rev_columns AFTER UPDATE ON mirror FOR EACH ROW WHEN "
         "(OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION bump_mirror_rev()",
         "trigger (new) lacks weight"},
        {"CREATE OR REPLACE TRIGGER mirror_audit_update AFTER UPDATE OF weight, last_scan ON "
         "mirror "
         "FOR EACH ROW EXECUTE FUNCTION audit_mirror()",
         "audit lacks country"},
        {"CREATE OR REPLACE TRIGGER mirror_audit_update AFTER UPDATE OF weight, last_scan ON "
         "mirror "
         "FOR EACH ROW EXECUTE FUNCTION audit_mirror()",
         "audit has last_scan"},
    };
    for (const auto& [planted, words] : cases) {
      Transaction undone(c_);
      c_.script(planted);
      const std::string found = misfits(c_);
      CPPUNIT_ASSERT_MESSAGE(planted + (": " + found), found.find(words) != found.npos);
    }
  }

  void onlyAdminsAndScansSeeEndpoints() {
    for (const auto& [role, sees] :
         {std::pair("mirror_httpd", "f"), {"mirror_scanner", "t"}, {"mirror_admin", "t"}}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(
          role, std::string(sees),
          value(c_, fmt::format("SELECT left(has_any_column_privilege('{}', 'endpoint', "
                                "'SELECT')::text, 1)",
                                role)));
    }
  }

  void everyConstraintHasWords() {
    for (const std::string& name :
         listed(c_,
                "SELECT conname::text FROM pg_constraint WHERE conrelid IN ('mirror'::regclass, "
                "'mirror_prefix'::regclass, 'endpoint'::regclass) AND contype <> 'p'")) {
      // What only our programs write.
      static const Names kOurs = {"mirror_prefix_one_kind",      "endpoint_method_shape",
                                  "mirror_last_scan_range",      "mirror_keeps_times_share_range",
                                  "mirror_time_offset_range",    "mirror_down_known",
                                  "mirror_standing_known",       "mirror_standing_since_range",
                                  "mirror_standing_reason_shape"};
      if (kOurs.contains(name)) continue;
      CPPUNIT_ASSERT_MESSAGE(name, !constraint_words(name).empty());
    }
  }

  void anOptionOfEachMemberIsReadAgain() {
    std::vector<Change> changes;
    for (const MirrorColumn& column : mirror_columns())
      changes.emplace_back(column.name, sample(column));
    insert_mirror(c_, "one", changes);
    const MirrorRecord record = find_mirror(c_, "one").value();
    for (const MirrorColumn& column : mirror_columns()) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(column.name, sample(column), column_text(record, column));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(column.name, sample(column),
                                   column_text(list_mirrors(c_).at(0), column));
    }
  }

  void anEmptyEndpointGoes() {
    const MirrorId id = add_mirror(c_, "one");
    update_mirror(c_, id, {{"rsync_url", "rsync://h/m/"}, {"rsync_options", "-4"}});
    update_mirror(c_, id, {{"rsync_url", ""}});
    CPPUNIT_ASSERT_EQUAL(std::string("|{-4}"),
                         value(c_, "SELECT url || '|' || options::text FROM endpoint"));
    update_mirror(c_, id, {{"rsync_options", ""}});
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(c_, "SELECT count(*) FROM endpoint"));
    CPPUNIT_ASSERT(find_mirror(c_, "one")->endpoints.empty());
    CPPUNIT_ASSERT_THROW(update_mirror(c_, 99, {{"rsync_url", "rsync://h/m/"}}), Error);
    CPPUNIT_ASSERT_THROW(update_mirror(c_, id, {{"weight", "7"}, {"rsync_url", "rsync://a b/m/"}}),
                         Error);
    CPPUNIT_ASSERT_EQUAL(100, find_mirror(c_, "one")->mirror.weight);  // all or nothing
  }

  void endpointsComeInTheOrderOfTheirPriority() {
    const MirrorId id = add_mirror(c_, "one");
    update_mirror(c_, id, {{"rsync_url", "rsync://h/m/"}});
    c_.script(
        "INSERT INTO endpoint (mirror_id, method, url, priority) VALUES "
        "(1, 'gopher', 'gopher://h/x', -1), (1, 'http', 'http://h/x/', 0), (1, 'wais', "
        "'wais://h/x', 1)");
    for (const MirrorRecord& record : {find_mirror(c_, "one").value(), list_mirrors(c_).at(0)}) {
      std::string methods;
      for (const Endpoint& endpoint : record.endpoints) methods += endpoint.method + ' ';
      CPPUNIT_ASSERT_EQUAL(std::string("gopher rsync http wais "), methods);
    }
    delete_mirror(c_, id);
    CPPUNIT_ASSERT_EQUAL(std::string("0"), value(c_, "SELECT count(*) FROM endpoint"));
  }

 private:
  // Another value than the default, as column_text() shows it.
  static std::string sample(const MirrorColumn& column) {
    static const std::pair<std::string_view, const char*> kSamples[] = {
        {"http_url", "http://a/"},
        {"https_url", "https://a/"},
        {"rsync_url", "rsync://a/m/"},
        {"ftp_url", "ftp://a/"},
        {"index_url", "http://a/"},
        {"head_url", "https://a/"},
        {"head_options", "connections=2,budget=3,sample=9"},
        {"index_options", "connections=2,rate=3"},
        {"ftp_scan_url", "ftps://joe@a/"},
        {"ftp_options", "connections=2,tls=require"},
        {"s3_url", "s3://pub/"},
        {"s3_options", "connections=2,heads=3"},
        {"rsync_options", "-4,--ipv4"},
        {"country", "DE"},
        {"region", "EU"},
        {"latitude", "48.5"},
        {"longitude", "-11.5"},
        {"subdivision", "BY"},
        {"operator_url", "http://o/"},
        {"admin_email", "a@b"},
        {"other_countries", "AT,CH"},
        {"places", "50.1/8.7/DE,-33.9/151.2/AU"},
        {"max_age", "48"},
        {"scan_interval", "2.5"},
        {"scan_hours", "22-6"},
        {"excluded_countries", "FR"},
    };
    for (const auto& [name, value] : kSamples) {
      if (name == column.name) return value;
    }
    if (column.shape == ColumnShape::number) return "7";
    if (column.shape == ColumnShape::text) return fmt::format("some {}", column.name);
    const std::string_view name = column.name;
    return name == "online" || name == "ipv4" ? "no" : "yes";  // these are on by default
  }

  TestDatabase database_;
  Connection c_ = database_.connect();
};
CPPUNIT_TEST_SUITE_REGISTRATION(MirrorMembersTest);

}  // namespace
}  // namespace mirror::db::test
