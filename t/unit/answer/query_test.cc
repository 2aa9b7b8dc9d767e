#include "answer/decide.h"
#include "samples.h"

namespace mirror {

// "country=DE as=5 representation=meta4 malformed", as far as it applies.
std::string understood(std::string_view text) {
  const Query query = parse_query(text);
  std::string words;
  const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
  if (query.country) add("country=" + std::string(query.country->text()));
  if (query.asn) add("as=" + std::to_string(*query.asn));
  if (query.representation)
    add("representation=" + std::string(info_of(*query.representation).name));
  return query.malformed ? "malformed" : words;
}

class QueryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(QueryTest);
  CPPUNIT_TEST(readsOverrides);
  CPPUNIT_TEST(noticesMalformedOverrides);
  CPPUNIT_TEST(knowsEveryRepresentation);
  CPPUNIT_TEST(ignoresWhatItDoesNotKnow);
  CPPUNIT_TEST(takesSeveralCountriesAndIgnoresUnknownOnes);
  CPPUNIT_TEST(takesTheClientOutOfAllCountries);
  CPPUNIT_TEST(readsProtocolsAndAddresses);
  CPPUNIT_TEST(movesTheClient);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsOverrides() {
    const std::pair<const char*, const char*> cases[] = {
        {"country=de", "country=DE"},
        {"country=DE&as=680", "country=DE as=680"},
        {"as=4294967295", "as=4294967295"},
        {"x=1&&country=f%72;as=%31&", "country=FR as=1"},
        {"country=de&country=fr", "country=FR"},
        {"c%6Funtry=de", "country=DE"},
        {"country=uk", "country=GB"},
        {"country=El", "country=GR"},
        {"country=zz", ""},
        {"country=de&country=zz", "country=DE"},
    };
    for (const auto& [text, words] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string(words), understood(text));
  }

  void noticesMalformedOverrides() {
    for (const char* text :
         {"country=", "country=d", "country=deu", "country=**", "country=de,x", "country=d%00",
          "country=%", "as=", "as=0", "as=-1", "as=+1", "as=4294967296", "as=99999999999999999999",
          "as=AS680", "as=1x", "as=1 ", "country=d&country=de", "country=de&as=x",
          "country='; DROP TABLE mirror; --"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, std::string("malformed"), understood(text));
    }
  }

  void knowsEveryRepresentation() {
    for (const std::string name : {"meta4", "metalink", "mirrorlist", "torrent", "magnet", "zsync",
                                   "md5", "sha1", "sha256", "sha512", "btih", "json"}) {
      for (const std::string& text :
           {name, name + "=", name + "=1", "x&" + name, name + "&newmirror"}) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(text, "representation=" + name, understood(text));
      }
    }
    CPPUNIT_ASSERT_EQUAL(std::string("representation=meta4"), understood("%6deta4"));
    CPPUNIT_ASSERT_EQUAL(std::string("country=FR representation=md5"),
                         understood("md5&country=fr"));
    for (const char* text : {"md5&only_hash", "only_hash=1;md5"})
      CPPUNIT_ASSERT(parse_query(text).only_hash);
    CPPUNIT_ASSERT(!parse_query("md5&x=only_hash&country=fr").only_hash);
  }

  void ignoresWhatItDoesNotKnow() {
    for (const std::string& text :
         {std::string(), std::string("newmirror"), std::string("fakefile=1&only_hash"),
          std::string("C=M;O=A"), std::string("country"), std::string("as"), std::string("meta4x"),
          std::string("x=meta4"), std::string("%zz=1"), std::string("====&&&;;;"),
          std::string(65536, '&'), std::string(65536, 'm')}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text.substr(0, 20), std::string(), understood(text));
    }
  }

  void takesSeveralCountriesAndIgnoresUnknownOnes() {
    const Query query("country=zz,se,JP,se,uk");
    CPPUNIT_ASSERT(!query.malformed && query.country == country("SE"));
    const std::vector<CountryCode> further = {country("JP"), country("GB")};
    CPPUNIT_ASSERT(query.further_countries == further);
    CPPUNIT_ASSERT(Query("country=se,jp&country=fr").further_countries.empty());
    std::string many = "country=de";
    for (char c = 'A'; c <= 'Z'; ++c) many += std::string(",A") + c + ",B" + c;
    CPPUNIT_ASSERT_EQUAL(kMostCountries - 1, Query(many).further_countries.size());
  }

  void takesTheClientOutOfAllCountries() {
    Client client = sample_client("DE");
    client.asn = 680;
    client = overridden(client, Query("country=Global"));
    CPPUNIT_ASSERT(client.overridden && !client.country.known() && client.asn == 0);
    CPPUNIT_ASSERT(client.region == Region::unknown && !Query("country=global").malformed);
  }

  void readsProtocolsAndAddresses() {
    using S = Query::Schemes;
    for (const auto& [text, schemes] :
         {std::pair("protocol=http", S::http), std::pair("protocol=HTTPS", S::https),
          std::pair("protocol=https,http", S::any), std::pair("protocol=rsync", S::any),
          std::pair("protocol=ftp,https", S::https), std::pair("x=1", S::any)}) {
      CPPUNIT_ASSERT_MESSAGE(text, Query(text).schemes == schemes && !Query(text).malformed);
    }
    CPPUNIT_ASSERT(Query("ip=2001:db8::1").address == Address::parse("2001:db8::1"));
    CPPUNIT_ASSERT(!Query("ip=here").address && !Query("ip=here").malformed);
  }

  void movesTheClient() {
    Client client = sample_client("DE");
    client.place = Place{52, 13};
    client.asn = 680;
    client.as_name = "DFN";

    const Client same = overridden(client, parse_query("newmirror"));
    CPPUNIT_ASSERT(!same.overridden && same.place && same.asn == 680u);

    const Client in_japan = overridden(client, parse_query("country=jp"));
    CPPUNIT_ASSERT(in_japan.overridden && in_japan.country == country("JP") &&
                   in_japan.region == Region::AS);
    CPPUNIT_ASSERT(!in_japan.place && in_japan.asn == 0 && in_japan.as_name.empty());

    const Client in_as = overridden(client, parse_query("as=99"));
    CPPUNIT_ASSERT(in_as.overridden && in_as.country == country("DE") &&
                   in_as.region == Region::EU);
    CPPUNIT_ASSERT(!in_as.place && in_as.asn == 99 && in_as.as_name.empty());

    const Client both = overridden(client, parse_query("as=99&country=br"));
    CPPUNIT_ASSERT(both.country == country("BR") && both.region == Region::SA && both.asn == 99);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(QueryTest);

}  // namespace mirror
