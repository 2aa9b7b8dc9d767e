#include "geo/geo.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "samples.h"

namespace mirror {
namespace {

namespace fs = std::filesystem;

const std::string kData =
    MIRROR_TEST_GEO;  // make-mmdb.pl's databases from geo.txt, in odd/ those from geo-odd.txt

// "DE EU 52.52,13.4 AS64496 Example Net Berlin": what is known, in this order.
std::string text(const Client& client) {
  std::string words;
  const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
  if (client.country.known()) add(std::string(client.country.text()));
  if (client.region != Region::unknown) add(std::string(region_code(client.region)));
  if (client.place) {
    std::ostringstream place;
    place << client.place->latitude << ',' << client.place->longitude;
    add(place.str());
  }
  if (client.asn != 0) add("AS" + std::to_string(client.asn));
  if (!client.as_name.empty()) add(client.as_name);
  return words;
}

std::string located(const std::vector<std::string>& files, std::string_view at) {
  std::vector<std::string> paths;
  for (const auto& file : files) paths.push_back(kData + "/" + file);
  return text(GeoDatabases(paths).locate(address(at)));
}

// The reason for which a file is refused.
std::string refusal(const std::string& path) {
  try {
    GeoDatabases{{path}};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

class GeoTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GeoTest);
  CPPUNIT_TEST(readsBothLayouts);
  CPPUNIT_TEST(joinsCityAndAsnInAnyOrder);
  CPPUNIT_TEST(leavesOutWhatADatabaseDoesNotSay);
  CPPUNIT_TEST(findsTheIpv4AddressInside);
  CPPUNIT_TEST(knowsNoIpv6InAnIpv4Database);
  CPPUNIT_TEST(leavesOutWhatMakesNoSense);
  CPPUNIT_TEST(refusesWhatIsNoSuchDatabase);
  CPPUNIT_TEST(survivesCutAndDamagedFiles);
  CPPUNIT_TEST(reopensWhatWasReplaced);
  CPPUNIT_TEST(keepsTheContentOfAFileThatIsOverwritten);
  CPPUNIT_TEST(opensTheOthersWhereOneIsMissing);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    char name[] = "/tmp/mirror-geo-test-XXXXXX";
    CPPUNIT_ASSERT(mkdtemp(name) != nullptr);
    folder_ = name;
  }
  void tearDown() override { fs::remove_all(folder_); }

  void readsBothLayouts() {
    for (const auto& files : {std::vector<std::string>{"city.mmdb", "asn.mmdb"}, {"flat.mmdb"}}) {
      CPPUNIT_ASSERT_EQUAL(std::string("DE EU 52.52,13.4 AS64496 Example Net Berlin"),
                           located(files, "127.0.10.1"));
      CPPUNIT_ASSERT_EQUAL(std::string("JP AS 34.69,135.5 AS64497 Example Net Tokyo"),
                           located(files, "192.0.2.255"));
      CPPUNIT_ASSERT_EQUAL(std::string("DE EU 52.52,13.4 AS64496 Example Net Berlin"),
                           located(files, "2001:db8:de::1"));
      CPPUNIT_ASSERT_EQUAL(std::string(), located(files, "127.0.0.1"));
      CPPUNIT_ASSERT_EQUAL(std::string(), located(files, "2001:db9::1"));
    }
  }

  void joinsCityAndAsnInAnyOrder() {
    CPPUNIT_ASSERT_EQUAL(std::string("DE EU 52.52,13.4"), located({"city.mmdb"}, "127.0.10.1"));
    CPPUNIT_ASSERT_EQUAL(std::string("AS64496 Example Net Berlin"),
                         located({"asn.mmdb"}, "127.0.10.1"));
    CPPUNIT_ASSERT_EQUAL(located({"city.mmdb", "asn.mmdb"}, "127.0.10.1"),
                         located({"asn.mmdb", "city.mmdb"}, "127.0.10.1"));
    CPPUNIT_ASSERT_EQUAL(std::string(), text(GeoDatabases({}).locate(address("127.0.10.1"))));
  }

  void leavesOutWhatADatabaseDoesNotSay() {
    for (const auto& files : {std::vector<std::string>{"city.mmdb", "asn.mmdb"}, {"flat.mmdb"}}) {
      CPPUNIT_ASSERT_EQUAL(std::string("SE EU"), located(files, "127.0.20.1"));
      CPPUNIT_ASSERT_EQUAL(std::string("AS64496 Example Net Berlin"), located(files, "127.0.21.1"));
      CPPUNIT_ASSERT_EQUAL(std::string("EU"), located(files, "127.0.22.1"));
      CPPUNIT_ASSERT_EQUAL(std::string("GB EU 51.51,-0.13"), located(files, "127.0.18.1"));
    }
  }

  void findsTheIpv4AddressInside() {
    for (const char* outer : {"::ffff:127.0.11.1", "64:ff9b::127.0.11.1", "2002:7f00:b01::1"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(outer, located({"flat.mmdb"}, "127.0.11.1"),
                                   located({"flat.mmdb"}, outer));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(outer, located({"flat.mmdb"}, "127.0.11.1"),
                                   located({"ipv4.mmdb"}, outer));
    }
  }

  void knowsNoIpv6InAnIpv4Database() {
    CPPUNIT_ASSERT_EQUAL(std::string("DE EU 52.52,13.4 AS64496 Example Net Berlin"),
                         located({"ipv4.mmdb"}, "127.0.10.1"));
    CPPUNIT_ASSERT_EQUAL(std::string(), located({"ipv4.mmdb"}, "2001:db8:de::1"));
    CPPUNIT_ASSERT_EQUAL(located({"flat.mmdb"}, "2001:db8:de::1"),
                         located({"ipv4.mmdb", "flat.mmdb"}, "2001:db8:de::1"));
  }

  void leavesOutWhatMakesNoSense() {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.0", "52.52,13.4"},
        {"192.0.2.1", "AS4294967295 Too short, too far north"},
        {"192.0.2.2", "AS64496 Signs, and too far east"},
        {"192.0.2.3", "AS64496 Everyone, and no number"},
        {"192.0.2.4", "EU AS64496 Not ASCII, and without end"},
        {"192.0.2.5", "DE EU -90,-180 AS64496 Lower case, and the very edge"},
    };
    for (const auto& [at, known] : cases) {
      CPPUNIT_ASSERT_EQUAL(std::string(known), located({"odd/flat.mmdb"}, at));
      CPPUNIT_ASSERT_EQUAL(std::string(known), located({"odd/city.mmdb", "odd/asn.mmdb"}, at));
    }
  }

  void refusesWhatIsNoSuchDatabase() {
    write("text", "no database\n");
    write("empty", "");
    const std::pair<std::string, const char*> cases[] = {
        {folder_ + "/missing", "No such file or directory"},
        {folder_, "not a regular file"},
        {"/dev/null", "not a regular file"},
        {folder_ + "/text", "invalid metadata"},
        {kData + "/other.mmdb", "no countries"},
        {folder_ + "/empty", ""},
    };
    for (const auto& [path, reason] : cases) {
      const std::string said = refusal(path);
      CPPUNIT_ASSERT_MESSAGE(said, said.starts_with("GeoIP database " + path + ": ") &&
                                       said.find(reason) != said.npos);
    }
  }

  // Whatever stands in a file: an answer or a reason.
  void survivesCutAndDamagedFiles() {
    std::mt19937 random(7);
    for (const char* name : {"city.mmdb", "asn.mmdb", "flat.mmdb", "ipv4.mmdb"}) {
      const std::string whole = content_of(kData + "/" + name);
      CPPUNIT_ASSERT(whole.size() > 1000);
      for (std::size_t size = 0; size < whole.size(); size += 37) use(whole.substr(0, size));
      for (int i = 0; i < 100; ++i) {
        std::string damaged = whole;
        for (int n = 0; n < 5; ++n)
          damaged[random() % damaged.size()] = static_cast<char>(random());
        use(damaged);
      }
    }
  }

  void reopensWhatWasReplaced() {
    const std::string path = folder_ + "/geo";
    replace(path, content_of(kData + "/asn.mmdb"));
    GeoDatabases databases({path});
    const auto now = [&] { return text(databases.locate(address("127.0.18.1"))); };
    CPPUNIT_ASSERT_EQUAL(std::string(), now());
    CPPUNIT_ASSERT(databases.reopen_changed().empty());
    replace(path, content_of(kData + "/city.mmdb"));
    CPPUNIT_ASSERT(databases.reopen_changed().empty());
    CPPUNIT_ASSERT_EQUAL(std::string("GB EU 51.51,-0.13"), now());
    for (const std::string& broken :
         {std::string("broken"), content_of(kData + "/other.mmdb"), std::string()}) {
      if (broken.empty())
        fs::remove(path);
      else
        replace(path, broken);
      const auto troubles = databases.reopen_changed();
      CPPUNIT_ASSERT(troubles.size() == 1 && troubles[0].starts_with("GeoIP database " + path));
      CPPUNIT_ASSERT(troubles[0].ends_with("; the previous content stays in use"));
      CPPUNIT_ASSERT_EQUAL(std::string("GB EU 51.51,-0.13"), now());
    }
  }

  void keepsTheContentOfAFileThatIsOverwritten() {
    const std::string path = folder_ + "/geo", whole = content_of(kData + "/city.mmdb");
    replace(path, whole);
    GeoDatabases databases({path});
    const auto now = [&] { return text(databases.locate(address("127.0.18.1"))); };
    for (const std::string& written :
         {std::string(), whole.substr(0, 600), whole.substr(0, whole.size() / 2)}) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << written;  // in place
      CPPUNIT_ASSERT_EQUAL(std::string("GB EU 51.51,-0.13"), now());
      const auto troubles = databases.reopen_changed();
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, troubles.size());
      CPPUNIT_ASSERT(troubles[0].ends_with("; the previous content stays in use"));
      CPPUNIT_ASSERT_EQUAL(std::string("GB EU 51.51,-0.13"), now());
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content_of(kData + "/asn.mmdb");
    CPPUNIT_ASSERT(databases.reopen_changed().empty());
    CPPUNIT_ASSERT_EQUAL(std::string(), now());
  }

  void opensTheOthersWhereOneIsMissing() {
    const std::string late = folder_ + "/late";
    std::vector<std::string> troubles;
    GeoDatabases databases({late, kData + "/city.mmdb"}, &troubles);
    const auto now = [&] { return text(databases.locate(address("127.0.10.1"))); };
    CPPUNIT_ASSERT_EQUAL("GeoIP database " + late + ": No such file or directory", troubles.at(0));
    CPPUNIT_ASSERT_EQUAL(std::string("DE EU 52.52,13.4"), now());
    CPPUNIT_ASSERT(databases.reopen_changed() == troubles);
    replace(late, content_of(kData + "/asn.mmdb"));
    CPPUNIT_ASSERT(databases.reopen_changed().empty());
    CPPUNIT_ASSERT_EQUAL(std::string("DE EU 52.52,13.4 AS64496 Example Net Berlin"), now());
  }

 private:
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
  }

  // By rename: a file that is mapped must not shrink.
  void replace(const std::string& path, const std::string& content) {
    write("new", content);
    fs::rename(folder_ + "/new", path);
  }

  void use(const std::string& content) {
    replace(folder_ + "/damaged", content);
    try {
      const GeoDatabases databases({folder_ + "/damaged"});
      for (const char* at :
           {"127.0.10.1", "127.0.22.1", "192.0.2.200", "2001:db8:de::1", "0.0.0.0", "ffff::"}) {
        const Client client = databases.locate(address(at));
        CPPUNIT_ASSERT(client.as_name.size() <= 200);
      }
    } catch (const std::runtime_error& error) {
      CPPUNIT_ASSERT(std::string_view(error.what()).starts_with("GeoIP database "));
    }
  }

  std::string folder_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(GeoTest);

}  // namespace mirror
