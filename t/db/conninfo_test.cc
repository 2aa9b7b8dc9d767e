// Tests lib/pg/conninfo.cc, and that connecting gives each of several hosts its share of the time.
#include <cppunit/extensions/HelperMacros.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "t/db/database.h"

namespace mirror::db::test {
namespace {

using namespace std::chrono_literals;

// A port of 127.0.0.1 that takes connections and never says a word.
class SilentHost {
 public:
  SilentHost() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CPPUNIT_ASSERT(::bind(socket_, generic, size) == 0 && ::listen(socket_, 8) == 0 &&
                   ::getsockname(socket_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentHost() { ::close(socket_); }
  int port() const { return port_; }

 private:
  int socket_, port_ = 0;
};

// What every attempt has of limits on a dead peer is tested in t/unit/pg.
bool is_limit(std::string_view keyword) {
  return keyword.starts_with("keepalives") || keyword == "tcp_user_timeout";
}

std::string text(const std::vector<ConnectionOptions>& attempts) {
  std::string text;
  for (auto options : attempts) {
    std::sort(options.begin(), options.end());
    for (const auto& [keyword, value] : options) {
      if (!is_limit(keyword)) text += keyword + '=' + value + ' ';
    }
    text += "| ";
  }
  return text;
}

class ConninfoTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ConninfoTest);
  CPPUNIT_TEST(namesTellNoSecret);
  CPPUNIT_TEST(listsBecomeSingleHosts);
  CPPUNIT_TEST(hostsOfTheEnvironmentCountToo);
  CPPUNIT_TEST(whatLibpqRefusesIsLeftToIt);
  CPPUNIT_TEST(aSilentHostDoesNotHideTheNext);
  CPPUNIT_TEST(theFirstHostToTryMayBeChosen);
  CPPUNIT_TEST(onlySilentHostsEndInATimeout);
  CPPUNIT_TEST_SUITE_END();

 public:
  void namesTellNoSecret() {
    CPPUNIT_ASSERT_EQUAL(std::string("host=a,b port=1"),
                         database_name("host=a,b port=1 user=u password=secret"));
    CPPUNIT_ASSERT_EQUAL(std::string("dbname=d host=h port=5"),
                         database_name("postgresql://u:secret@h:5/d"));
    CPPUNIT_ASSERT_EQUAL(std::string("libpq's default database"), database_name(""));
    CPPUNIT_ASSERT_THROW(database_name("host='"), std::invalid_argument);
    CPPUNIT_ASSERT_THROW(database_name("nonsense=1"), std::invalid_argument);
  }

  void listsBecomeSingleHosts() {
    for (const auto& [conninfo, expected] : std::vector<std::pair<std::string, std::string>>{
             {"host=a dbname=d port=1", "dbname=d host=a port=1 | "},
             {"host=a,b port=1,2 dbname=d", "dbname=d host=a port=1 | dbname=d host=b port=2 | "},
             {"host=a,b port=7", "host=a port=7 | host=b port=7 | "},
             {"postgresql://u@a:1,b:2/d",
              "dbname=d host=a port=1 user=u | dbname=d host=b port=2 user=u | "},
             {"host=a,b hostaddr=10.0.0.1,10.0.0.2 port=,3",
              "host=a hostaddr=10.0.0.1 | host=b hostaddr=10.0.0.2 port=3 | "},
             {"host=a,b hostaddr=,10.0.0.2 port=1",
              "host=a port=1 | host=b hostaddr=10.0.0.2 port=1 | "},
             {"host=/run/a,b port=1 dbname='x=y z'",
              "dbname=x=y z host=/run/a port=1 | dbname=x=y z host=b port=1 | "},
             {"host=a,b port=1 target_session_attrs=prefer-standby",
              "host=a port=1 target_session_attrs=standby | host=b port=1 "
              "target_session_attrs=standby | "
              "host=a port=1 target_session_attrs=any | host=b port=1 target_session_attrs=any "
              "| "}}) {
      CPPUNIT_ASSERT_EQUAL(expected, text(single_hosts(conninfo)));
    }
  }

  void hostsOfTheEnvironmentCountToo() {
    const char* host = std::getenv("PGHOST");
    const std::string before = host != nullptr ? host : "";
    ::setenv("PGHOST", "a,b", 1);
    const std::string found = text(single_hosts("port=1"));
    host != nullptr ? ::setenv("PGHOST", before.c_str(), 1) : ::unsetenv("PGHOST");
    CPPUNIT_ASSERT_EQUAL(std::string("host=a port=1 | host=b port=1 | "), found);
  }

  void whatLibpqRefusesIsLeftToIt() {
    CPPUNIT_ASSERT_EQUAL(std::string("host=a,b port=1,2,3 | "),
                         text(single_hosts("host=a,b port=1,2,3")));
    CPPUNIT_ASSERT_EQUAL(std::string("host=a,b hostaddr=1.1.1.1 port=1 | "),
                         text(single_hosts("host=a,b hostaddr=1.1.1.1 port=1")));
    CPPUNIT_ASSERT_THROW(Connection("host=a,b port=1,2,3", "test", 1s), ConnectionError);
    CPPUNIT_ASSERT_THROW(single_hosts("host='"), std::invalid_argument);
  }

  void aSilentHostDoesNotHideTheNext() {
    const SilentHost one, two;
    const auto start = Clock::now();
    Connection connection(hosts({one.port(), two.port(), 0}), "test", 1500ms);
    CPPUNIT_ASSERT(Clock::now() - start < 1500ms);
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), connection.host());
    CPPUNIT_ASSERT_EQUAL(1, connection.run("SELECT 1").int4(0, 0));
    CPPUNIT_ASSERT(!connection.broken());
  }

  void theFirstHostToTryMayBeChosen() {
    const SilentHost silent;
    for (const std::size_t first : {1, 3}) {
      const auto start = Clock::now();
      const Connection connection(hosts({silent.port(), 0}), "test", 10s, first);
      CPPUNIT_ASSERT(Clock::now() - start < 3s);
      CPPUNIT_ASSERT_EQUAL(std::size_t(1), connection.host());
    }
  }

  void onlySilentHostsEndInATimeout() {
    const SilentHost one, two;
    const auto start = Clock::now();
    CPPUNIT_ASSERT_THROW(Connection(hosts({one.port(), two.port()}), "test", 300ms), Timeout);
    CPPUNIT_ASSERT(Clock::now() - start < 2s);
    try {
      Connection(fmt::format("host=127.0.0.1,/nonexistent port={} dbname=x", one.port()), "test",
                 200ms);
      CPPUNIT_FAIL("connected");
    } catch (const ConnectionError& error) {
      const std::string said = error.what();
      CPPUNIT_ASSERT_MESSAGE(said, said.find("did not answer in time; ") != said.npos &&
                                       said.find("/nonexistent") != said.npos);
    }
  }

 private:
  // Ports of 127.0.0.1; 0 for the cluster of the PG… variables.
  std::string hosts(const std::vector<int>& ports) const {
    const char* own_host = std::getenv("PGHOST");
    const char* own_port = std::getenv("PGPORT");
    std::string names, numbers;
    for (const int port : ports) {
      names.append(names.empty() ? "" : ",")
          .append(port != 0             ? "127.0.0.1"
                  : own_host != nullptr ? own_host
                                        : "/run/postgresql");
      numbers.append(numbers.empty() ? "" : ",")
          .append(port != 0             ? std::to_string(port)
                  : own_port != nullptr ? own_port
                                        : "5432");
    }
    return fmt::format("host={} port={} dbname={}", names, numbers, database_.name());
  }
  TestDatabase database_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConninfoTest);

}  // namespace
}  // namespace mirror::db::test
