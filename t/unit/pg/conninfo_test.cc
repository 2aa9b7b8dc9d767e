#include "pg/conninfo.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <stdexcept>

namespace mirror::db {

class ConninfoTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ConninfoTest);
  CPPUNIT_TEST(namesTheDatabaseWithoutSecrets);
  CPPUNIT_TEST(saysWhatIsWrong);
  CPPUNIT_TEST(repeatsNoPassword);
  CPPUNIT_TEST(triesEachHost);
  CPPUNIT_TEST(becomesVariablesForOtherPrograms);
  CPPUNIT_TEST(noticesASilentPeerWithinTwoMinutes);
  CPPUNIT_TEST_SUITE_END();

 public:
  void namesTheDatabaseWithoutSecrets() {
    const std::pair<const char*, const char*> cases[] = {
        {"", "libpq's default database"},
        {"password=hush", "libpq's default database"},
        {"dbname=mirrors user=joe password=hush sslpassword=hush", "dbname=mirrors"},
        {"host=a,b port=5432, dbname='two words'", "host=a,b port=5432, dbname=two words"},
        {"postgresql://joe:hush@h:65535/mirrors?sslmode=require",
         "host=h port=65535 dbname=mirrors"},
        {"postgresql://[2001:db8::1]:1,h/", "host=2001:db8::1,h port=1,"},
        {"hostaddr=127.0.0.1 service=main", "service=main hostaddr=127.0.0.1"},
    };
    for (const auto& [conninfo, name] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(name), sorted(database_name(conninfo)));
  }

  void saysWhatIsWrong() {
    const std::pair<const char*, const char*> cases[] = {
        {"dbname", "missing \"=\" after \"dbname\""},
        {"nonsense=1", "invalid connection option \"nonsense\""},
        {"dbname='a", "unterminated quoted string"},
        {"port=0", "\"0\" is not a port from 1 to 65535"},
        {"port=65536", "\"65536\" is not a port"},
        {"port=-1", "\"-1\" is not a port"},
        {"port=5432x", "\"5432x\" is not a port"},
        {"host=a,b port=5432,x", "\"x\" is not a port"},
        {"port=99999999999999999999", "is not a port"},
        {"postgresql://h:x/", "\"x\" is not a port"},
        {"postgresql://h/db?nonsense=1", "invalid URI query parameter"},
        {"postgresql://h/%zz", "invalid percent-encoded token"},
    };
    for (const auto& [conninfo, reason] : cases) {
      const std::string said = fault(conninfo);
      CPPUNIT_ASSERT_MESSAGE(said, said.find(reason) != said.npos && !said.ends_with('\n'));
      CPPUNIT_ASSERT_THROW(single_hosts(std::string("nonsense=1 ") + "dbname=x"),
                           std::invalid_argument);
    }
  }

  void repeatsNoPassword() {
    for (const char* uri : {"postgresql://joe:hush@[::1/db", "postgresql://joe:hush@[]/db",
                            "postgresql://joe:hush@[::1]x/db"}) {
      const std::string said = fault(uri);
      CPPUNIT_ASSERT_MESSAGE(said, !said.empty() && said.find("hush") == said.npos);
    }
  }

  void becomesVariablesForOtherPrograms() {
    const std::pair<const char*, const char*> cases[] = {
        {"", ""},
        {"dbname=mirrors user=joe password='h u=s\\'h'",
         "PGDATABASE=mirrors PGPASSWORD=h u=s'h PGUSER=joe "},
        {"postgresql://joe:hush@a:1,b/db?sslmode=verify-full&options=-cjit%3Doff",
         "PGDATABASE=db PGHOST=a,b PGOPTIONS=-cjit=off PGPASSWORD=hush PGPORT=1, "
         "PGSSLMODE=verify-full PGUSER=joe "},
        {"service=main keepalives_idle=5 passfile=/x", "PGPASSFILE=/x PGSERVICE=main "}};
    for (const auto& [conninfo, variables] : cases) {
      std::vector<std::string> found = environment_of(conninfo);
      std::sort(found.begin(), found.end());
      std::string text;
      for (const std::string& variable : found) text += variable + ' ';
      CPPUNIT_ASSERT_EQUAL(std::string(variables), text);
    }
    CPPUNIT_ASSERT_THROW(environment_of("nonsense=1"), std::invalid_argument);
  }

  void noticesASilentPeerWithinTwoMinutes() {
    const auto value = [](const std::string& conninfo, std::string_view keyword) {
      std::string last;
      for (const auto& [name, text] : all_hosts(conninfo)) {
        if (name == keyword) last = text;
      }
      return last;
    };
    for (const char* conninfo :
         {"", "host=a", "keepalives=0", "keepalives_idle=7200", "tcp_user_timeout=0",
          "tcp_user_timeout=900000", "keepalives_count=x"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("1"), value(conninfo, "keepalives"));
      const int idle = std::stoi(value(conninfo, "keepalives_idle")),
                every = std::stoi(value(conninfo, "keepalives_interval")),
                count = std::stoi(value(conninfo, "keepalives_count"));
      CPPUNIT_ASSERT(idle + every * count <= 120);
      CPPUNIT_ASSERT_EQUAL(std::string("120000"), value(conninfo, "tcp_user_timeout"));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("5"), value("keepalives_idle=5", "keepalives_idle"));
    CPPUNIT_ASSERT_EQUAL(std::string("9000"), value("tcp_user_timeout=9000", "tcp_user_timeout"));
    for (const ConnectionOptions& host : single_hosts("host=a,b"))
      CPPUNIT_ASSERT(std::find(host.begin(), host.end(),
                               std::pair<std::string, std::string>("keepalives", "1")) !=
                     host.end());
  }

  void triesEachHost() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, single_hosts("dbname=x").size());
    const auto attempts = single_hosts("host=a,b,c port=1,2,3 dbname=x");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, attempts.size());
    ConnectionOptions second = attempts[1];
    std::erase_if(second, [](const auto& option) {
      return option.first.starts_with("keepalives") || option.first == "tcp_user_timeout";
    });
    CPPUNIT_ASSERT(second == (ConnectionOptions{{"dbname", "x"}, {"host", "b"}, {"port", "2"}}));
  }

 private:
  static std::string fault(const std::string& conninfo) {
    try {
      database_name(conninfo);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  }

  // libpq's order of options differs between its versions: service, host, hostaddr, port, dbname.
  static std::string sorted(const std::string& name) {
    std::string words;
    for (const char* keyword : {"service=", "host=", "hostaddr=", "port=", "dbname="}) {
      const std::size_t begin = (" " + name).find(std::string(" ") + keyword);
      if (begin == std::string::npos) continue;
      std::size_t end = name.size();
      for (const char* next : {" service=", " host=", " hostaddr=", " port=", " dbname="})
        end = std::min(end, name.find(next, begin));
      words += (words.empty() ? "" : " ") + name.substr(begin, end - begin);
    }
    return words.empty() ? name : words;
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConninfoTest);

}  // namespace mirror::db
