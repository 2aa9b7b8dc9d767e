#include "answer/repositories.h"

#include <algorithm>

#include "samples.h"

namespace mirror {

using Answer = Outcome::Answer;

class RepositoryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RepositoryTest);
  CPPUNIT_TEST(namesTheMarkerByTheArguments);
  CPPUNIT_TEST(refusesWhatTheArgumentsDoNotAllow);
  CPPUNIT_TEST(neverLeavesTheTree);
  CPPUNIT_TEST(takesTheFirstRuleThatFits);
  CPPUNIT_TEST(knowsRulesThatCannotWork);
  CPPUNIT_TEST(listsDirectoriesOfMirrors);
  CPPUNIT_TEST(makesAMetalinkOfTheMarkerAlone);
  CPPUNIT_TEST(followsLinks);
  CPPUNIT_TEST(leavesOutFarMirrors);
  CPPUNIT_TEST_SUITE_END();

  static RepositoryArgument any(std::string name) {
    return {std::move(name), [](std::string_view) { return true; }};
  }
  static RepositoryArgument one_of(std::string name, std::vector<std::string> values) {
    return {std::move(name), [values](std::string_view value) {
              return std::find(values.begin(), values.end(), value) != values.end();
            }};
  }
  static RepositoryRule rule() {
    return {"pub/{release}/{repo}-{arch}",
            "repodata/repomd.xml",
            {any("release"), one_of("repo", {"os", "a b", "c+d"}), one_of("arch", {"x86_64"})}};
  }
  static std::string found(const std::vector<RepositoryRule>& rules, std::string_view query) {
    const auto repository = find_repository(rules, query);
    return repository ? repository->marker_path() : "none";
  }
  static Outcome ask(Repository repository, const Request& base = {}, const Settings& settings = {},
                     std::string real_path = "pub/9/os/repodata/repomd.xml") {
    repository.url = "http://r.example/metalink?repo=os";
    Request request = base;
    request.repository = &repository;
    const MirrorTable table(1, {sample_mirror(1), sample_mirror(2, "US")});
    FileHashes hashes;
    hashes.sha256 = std::string(32, '\x01');
    hashes.sha1_pieces = hashes.btih = hashes.btih_v1 = std::string(20, '1');
    hashes.btmh = hashes.pieces_root = std::string(32, '2');
    hashes.piece_bytes = 256 * 1024;
    const File marker{std::move(real_path), 3000, 784111777, first_ids(2), false};
    return decide(request, sample_client(), marker, table, settings, hashes);
  }
  static std::string body(const Outcome& outcome) { return std::get<Answer>(outcome.result).body; }

 public:
  void namesTheMarkerByTheArguments() {
    const std::string path = "pub/9/os-x86_64/repodata/repomd.xml";
    for (const char* query :
         {"release=9&repo=os&arch=x86_64", "arch=x86_64;repo=os;release=9",
          "x=y&release=%39&repo=os&arch=x86_64&z", "%72elease=9&repo=os&arch=x86_64&country=de"}) {
      CPPUNIT_ASSERT_EQUAL(path, found({rule()}, query));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("pub/9/a b-x86_64/repodata/repomd.xml"),
                         found({rule()}, "release=9&repo=a%20b&arch=x86_64"));
    CPPUNIT_ASSERT_EQUAL(std::string("pub/9/c+d-x86_64/repodata/repomd.xml"),
                         found({rule()}, "release=9&repo=c+d&arch=x86_64"));
    CPPUNIT_ASSERT_EQUAL(std::string("repodata/repomd.xml"),
                         found({{"", "repodata/repomd.xml", {}}}, ""));
  }

  void refusesWhatTheArgumentsDoNotAllow() {
    for (const char* query : {"", "release=9&repo=os", "release=9&repo=OS&arch=x86_64",
                              "release=9&repo=os&arch=x86_64&arch=x86_64",
                              "release=9&repo=os&arch=", "release=9&repo=os&arch",
                              "release=%zz&repo=os&arch=x86_64", "release=%00&repo=os&arch=x86_64",
                              "release&repo=os&arch=x86_64", "Release=9&repo=os&arch=x86_64"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("none"), found({rule()}, query));
    }
  }

  void neverLeavesTheTree() {
    const std::vector<RepositoryRule> rules = {{"pub/{release}", "m", {any("release")}}};
    for (const char* value : {"..", "../..", "a/../..", ".", "/", "", "a//b", "/etc", "a/",
                              "%2e%2e", "%2E%2e%2fx", "a%2f..%2f.."}) {
      CPPUNIT_ASSERT_EQUAL(std::string("none"), found(rules, std::string("release=") + value));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("none"), found(rules, "release=" + std::string(3000, 'x')));
    CPPUNIT_ASSERT_EQUAL(std::string("none"),
                         found({{"{release}", "m", {any("release")}}}, "release=/etc"));
    CPPUNIT_ASSERT_EQUAL(std::string("pub/{repo}/m"),
                         found(rules, "release={repo}"));  // values are no templates
  }

  void takesTheFirstRuleThatFits() {
    const std::vector<RepositoryRule> rules = {{"a/{x}", "m", {one_of("x", {"1", "2"})}},
                                               {"b/{x}", "m", {any("x")}}};
    CPPUNIT_ASSERT_EQUAL(std::string("a/2/m"), found(rules, "x=2"));
    CPPUNIT_ASSERT_EQUAL(std::string("b/3/m"), found(rules, "x=3"));
  }

  void knowsRulesThatCannotWork() {
    CPPUNIT_ASSERT_EQUAL(std::string(), repository_fault(rule()));
    CPPUNIT_ASSERT_EQUAL(std::string(), repository_fault({"", "m", {}}));
    const std::vector<std::pair<RepositoryRule, std::string>> faults = {
        {{"{x}", "m", {}}, "there is no argument NAME=REGEX for '{x}'"},
        {{"{}", "m", {any("x")}}, "'{}' has a brace outside {NAME}"},
        {{"{x", "m", {any("x")}}, "'{x' has a brace outside {NAME}"},
        {{"x}", "m", {any("x")}}, "'x}' has a brace outside {NAME}"},
        {{"a/../b", "m", {}}, "'a/../b': the path has a segment '.' or '..'"},
        {{"a//b", "m", {}}, "'a//b': the path has an empty segment"},
        {{"a", "../m", {}}, "'../m': the path has a segment '.' or '..'"},
        {{"a", "/m", {}}, "'/m': the path starts with a slash"},
        {{"a", "m/", {}}, "'m/': the path has an empty segment"},
        {{"a", "m", {any("x y")}}, "'x y' is not the name of an argument"},
        {{"a", "m", {any("")}}, "'' is not the name of an argument"},
        {{"a", "m", {any("x"), any("x")}}, "'x' is given twice"},
        {{"a", "m", {any("country")}}, "'country' is reserved for the client's place"},
    };
    for (const auto& [faulty, text] : faults) CPPUNIT_ASSERT_EQUAL(text, repository_fault(faulty));
  }

  void listsDirectoriesOfMirrors() {
    const Repository list{"pub/9/os/", "repodata/repomd.xml", Representation::text};
    CPPUNIT_ASSERT_EQUAL(
        std::string("http://m1.example/pub/pub/9/os/\nhttp://m2.example/pub/pub/9/os/\n"),
        body(ask(list)));
    CPPUNIT_ASSERT_EQUAL(
        std::string("https://m1.example/pub/pub/9/os/\nhttps://m2.example/pub/pub/9/os/\n"),
        body(ask(list, {.https = true})));
    Settings one;
    one.representations.max_mirrors = 1;
    one.representations.off.set();  // is about files
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pub/9/os/\n"),
                         body(ask(list, {}, one)));
  }

  void makesAMetalinkOfTheMarkerAlone() {
    Settings settings;
    settings.representations.magnets_in_metalinks = true;
    const std::string metalink =
        body(ask({"pub/9/os/", "repodata/repomd.xml", Representation::metalink}, {}, settings));
    CPPUNIT_ASSERT(metalink.find("<file name=\"repomd.xml\">") != metalink.npos);
    CPPUNIT_ASSERT(metalink.find(">http://m1.example/pub/pub/9/os/repodata/repomd.xml</url>") !=
                   metalink.npos);
    CPPUNIT_ASSERT(metalink.find("<hash type=\"sha256\">0101") != metalink.npos);
    CPPUNIT_ASSERT(metalink.find("origin=\"http://r.example/metalink?repo=os\"") != metalink.npos);
    CPPUNIT_ASSERT(metalink.find("torrent") == metalink.npos &&
                   metalink.find("magnet") == metalink.npos);
  }

  void followsLinks() {
    const Repository list{"pub/latest/os/", "repodata/repomd.xml", Representation::text};
    const auto first_line = [&](std::string real) {
      const std::string text = body(ask(list, {}, {}, std::move(real)));
      return text.substr(0, text.find('\n'));
    };
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pub/9/os/"),
                         first_line("pub/9/os/repodata/repomd.xml"));
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/"), first_line("repodata/repomd.xml"));
    // The marker alone is a link: its directory is where it was asked for.
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pub/latest/os/"),
                         first_line("elsewhere/repomd.xml"));
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pub/latest/os/"),
                         first_line("pub/my-repodata/repomd.xml"));
  }

  void leavesOutFarMirrors() {
    Mirror german = sample_mirror(1), french = sample_mirror(2, "FR"),
           american = sample_mirror(3, "US");
    for (Mirror* mirror : {&german, &french, &american})
      mirror->region = region_of(mirror->country);
    const MirrorTable table(1, {german, french, american});
    const auto left = [&](int enough, const Client& client) {
      std::vector<Candidate> ranked = rank_all(client, table).accepted;
      leave_out_far(ranked, client, enough);
      std::vector<MirrorId> ids;
      for (const Candidate& candidate : ranked) ids.push_back(candidate.mirror->id);
      std::sort(ids.begin(), ids.end());
      return ids;
    };
    const std::vector<MirrorId> all = {1, 2, 3}, near = {1, 2};
    CPPUNIT_ASSERT(left(0, sample_client()) == all && left(3, sample_client()) == all);
    CPPUNIT_ASSERT(left(1, sample_client()) == near && left(2, sample_client()) == near);
    CPPUNIT_ASSERT(left(1, sample_client("JP")) == all && left(1, Client()) == all);
    CPPUNIT_ASSERT(left(2, sample_client("IT")) ==
                   near);  // both are far, and in the client's region
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RepositoryTest);

}  // namespace mirror
