#include "answer/decide.h"

#include "core/wildcard.h"
#include "samples.h"

namespace mirror {

using Answer = Outcome::Answer;

class DecideTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DecideTest);
  CPPUNIT_TEST(redirectsToTheBestMirror);
  CPPUNIT_TEST(listsTheNextBestMirrors);
  CPPUNIT_TEST(escapesAnyPath);
  CPPUNIT_TEST(passesTheQueryOnlyWhenAsked);
  CPPUNIT_TEST(keepsHostileDataOutOfHeaders);
  CPPUNIT_TEST(answersMalformedOverrides);
  CPPUNIT_TEST(ignoresMalformedOverridesOfDownloads);
  CPPUNIT_TEST(leavesOutAMirrorThatIsThisServer);
  CPPUNIT_TEST(listsEndWithTheLastResorts);
  CPPUNIT_TEST(neverAnswersARepresentationWithTheFile);
  CPPUNIT_TEST(negotiatesMetalinks);
  CPPUNIT_TEST(describesTheFileBesideARedirect);
  CPPUNIT_TEST(appliesOverrides);
  CPPUNIT_TEST(answers304ForWhatTheClientHas);
  CPPUNIT_TEST(declinesWhatMayNotBeRedirected);
  CPPUNIT_TEST(choosesTheNearestFallback);
  CPPUNIT_TEST(fallsBackOnlyWithoutMirrors);
  CPPUNIT_TEST(usesNoMirrorDuringAPause);
  CPPUNIT_TEST(screensInOrder);
  CPPUNIT_TEST(screensNetworksOfBothFamilies);
  CPPUNIT_TEST(matchesWildcards);
  CPPUNIT_TEST(matchesNastyPatternsInTime);
  CPPUNIT_TEST_SUITE_END();

  // One request that is answered by a redirect to m1, whose parts a test may change.
  struct Scene {
    Request request{.path = "pool/a.deb"};
    Client client = sample_client("DE");
    File file{"pool/a.deb", 100'000, 784111777, first_ids(3), false};
    std::vector<Mirror> mirrors = {sample_mirror(1, "DE"), sample_mirror(2, "FR"),
                                   sample_mirror(3, "**")};
    Settings settings;
    std::optional<Pause> pause;

    Scene() {
      request.now_s = 1'795'600'000;
      mirrors[1].excluded_countries = {country("JP")};
      mirrors[2].weight = 0;
    }
    Outcome outcome() const {
      const MirrorTable table(1, mirrors, {}, pause);
      Outcome outcome = decide(request, client, file, table, settings);
      outcome.mirror = nullptr;  // the table goes
      return outcome;
    }
    Answer answer() const { return std::get<Answer>(outcome().result); }
    std::string declined() const {
      return std::string(decline_text(std::get<DeclineReason>(outcome().result)));
    }
  };

  static std::string header(const Answer& answer, std::string_view name) {
    std::string values;
    for (const auto& [key, value] : answer.headers) {
      if (key == name) values.append(values.empty() ? "" : "\n").append(value);
    }
    return values;
  }

  static void assert_clean(const Answer& answer) {
    for (const auto& [name, value] : answer.headers) {
      for (const unsigned char c : value)
        CPPUNIT_ASSERT_MESSAGE(std::string(name), c >= ' ' && c != 0x7f);
    }
  }

 public:
  void redirectsToTheBestMirror() {
    const Scene scene;
    const MirrorTable table(1, scene.mirrors);
    const Outcome outcome = decide(scene.request, scene.client, scene.file, table, scene.settings);
    CPPUNIT_ASSERT(outcome.mirror == table.find(1) && outcome.tier == Tier::country);
    const auto answer = std::get<Answer>(outcome.result);
    CPPUNIT_ASSERT_EQUAL(302, answer.status);
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pool/a.deb"),
                         header(answer, "Location"));
    CPPUNIT_ASSERT_EQUAL(std::string("m1"), header(answer, "X-Mirror"));
    CPPUNIT_ASSERT_EQUAL(std::string("country"), header(answer, "X-Mirror-Tier"));
    CPPUNIT_ASSERT_EQUAL(std::string("private, no-cache"), header(answer, "Cache-Control"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("<http://m2.example/pub/pool/a.deb>; rel=duplicate; pri=1; geo=fr"),
        header(answer, "Link"));
    CPPUNIT_ASSERT(answer.body.empty());

    Scene https;
    https.request.https = true;
    CPPUNIT_ASSERT_EQUAL(std::string("https://m1.example/pub/pool/a.deb"),
                         header(https.answer(), "Location"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("<https://m2.example/pub/pool/a.deb>; rel=duplicate; pri=1; geo=fr"),
        header(https.answer(), "Link"));
  }

  void listsTheNextBestMirrors() {
    Scene scene;
    scene.mirrors.clear();
    scene.file.mirrors = first_ids(9);
    for (const MirrorId id : scene.file.mirrors.ids())
      scene.mirrors.push_back(sample_mirror(id, "**"));
    for (const int most : {5, 0, 8, 100, -1}) {
      scene.settings.max_links = most;
      const std::string links = header(scene.answer(), "Link");
      const int expected = std::clamp(most, 0, 8);
      CPPUNIT_ASSERT_EQUAL(expected, static_cast<int>(std::count(links.begin(), links.end(), '<')));
      CPPUNIT_ASSERT(expected == 0 || links.find("pri=" + std::to_string(expected)) != links.npos);
      CPPUNIT_ASSERT(links.find("geo") == links.npos);
    }
  }

  void escapesAnyPath() {
    Scene scene;
    scene.file.path = "a b/\xc3\xbc\xff%?#\r\n\">x+";
    CPPUNIT_ASSERT_EQUAL(
        std::string("http://m1.example/pub/a%20b/%C3%BC%FF%25%3F%23%0D%0A%22%3Ex%2B"),
        header(scene.answer(), "Location"));
    assert_clean(scene.answer());
  }

  void passesTheQueryOnlyWhenAsked() {
    Scene scene;
    scene.request.query = "v=1&newmirror \r\n\xff";
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pool/a.deb"),
                         header(scene.answer(), "Location"));
    scene.settings.pass_query = true;
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pool/a.deb?v=1&newmirror%20%0D%0A%FF"),
                         header(scene.answer(), "Location"));
    scene.request.query = "";
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pool/a.deb"),
                         header(scene.answer(), "Location"));
  }

  void keepsHostileDataOutOfHeaders() {
    Scene scene;
    scene.mirrors[0].identifier = "m1\r\nSet-Cookie: a";
    scene.mirrors[1].http_url = "http://m2/\r\nX: y/";
    assert_clean(scene.answer());
    CPPUNIT_ASSERT_EQUAL(std::string("m1\\x0D\\x0ASet-Cookie: a"),
                         header(scene.answer(), "X-Mirror"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("<https://m2.example/pub/pool/a.deb>; rel=duplicate; pri=1; geo=fr"),
        header(scene.answer(), "Link"));
    scene.mirrors[0].http_url = scene.mirrors[0].https_url = "http://m1/\n/";
    CPPUNIT_ASSERT_EQUAL(std::string("m2"), header(scene.answer(), "X-Mirror"));
    scene.file.mirrors = first_ids(1);
    const Fallback fallbacks[] = {{"", "", "http://f.example/\r\nX: y/"}};
    scene.settings.fallbacks = fallbacks;
    CPPUNIT_ASSERT_EQUAL(std::string("no-mirror"), scene.declined());
  }

  void answersMalformedOverrides() {
    for (const char* query : {"country=x&mirrorlist", "as=0&json", "country=%0d%0aX:y&torrent",
                              "as=1&country=zzz&meta4"}) {
      Scene scene;
      scene.request.query = query;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, scene.answer().status);
      CPPUNIT_ASSERT(!scene.answer().body.empty());
      CPPUNIT_ASSERT(header(scene.answer(), "Content-Type").starts_with("text/plain"));
      CPPUNIT_ASSERT(!screen(scene.request, scene.client.address, scene.settings));
    }
  }

  void ignoresMalformedOverridesOfDownloads() {
    for (const char* query : {"country=Germany", "as=partner", "country=", "as=1&country=zz"}) {
      Scene scene;
      scene.request.query = query;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 302, scene.answer().status);
    }
  }

  void leavesOutAMirrorThatIsThisServer() {
    Scene scene;
    CPPUNIT_ASSERT_EQUAL(std::string("m1"), header(scene.answer(), "X-Mirror"));
    const std::string own = "http://R.example:80/pub/";
    scene.mirrors[0].http_url = own;
    scene.request.tree_url = "http://r.example/pub/";
    CPPUNIT_ASSERT_EQUAL(std::string("m2"), header(scene.answer(), "X-Mirror"));
    CPPUNIT_ASSERT(header(scene.answer(), "Link").find("R.example") == std::string::npos);
    scene.file.mirrors = first_ids(1);
    CPPUNIT_ASSERT_EQUAL(std::string("no-mirror"), scene.declined());
  }

  void listsEndWithTheLastResorts() {
    Scene scene;
    const Fallback fallbacks[] = {{"", "", "http://all.example/"},
                                  {"", "DE", "http://de.example/"}};
    scene.settings.fallbacks = fallbacks;
    scene.request.query = "mirrorlist=text&country=de";
    scene.request.tree_url = "http://r.example/";
    scene.request.serves_file = true;
    const std::string tail =
        "http://de.example/pool/a.deb\nhttp://all.example/pool/a.deb\n"
        "http://r.example/pool/a.deb?direct\n";
    CPPUNIT_ASSERT(scene.answer().body.ends_with(tail));
    CPPUNIT_ASSERT(scene.answer().body != tail);
    scene.file.mirrors = {};
    CPPUNIT_ASSERT_EQUAL(tail, scene.answer().body);
    scene.settings.last_resort = LastResort::off;
    CPPUNIT_ASSERT_EQUAL(404, scene.answer().status);
  }

  void neverAnswersARepresentationWithTheFile() {
    for (const auto& [query, status] : {std::pair<std::string, int>{"meta4", 200},
                                        {"torrent=1", 404},
                                        {"x=y&sha256", 404},
                                        {"json&newmirror", 200}}) {
      Scene scene;
      scene.request.query = query;
      scene.request.validators.if_none_match = "\"186a0-2c9253feeaa40\"";
      const Fallback fallbacks[] = {{"", "", "http://f.example/"}};
      scene.settings.fallbacks = fallbacks;
      const auto assert_status = [&, query = query](int expected) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(query, expected, scene.answer().status);
        CPPUNIT_ASSERT(header(scene.answer(), "Location").empty() &&
                       header(scene.answer(), "Link").empty());
        CPPUNIT_ASSERT(!scene.answer().body.empty());
      };
      assert_status(status);
      scene.file.pending = true;
      assert_status(404);
      scene.file.mirrors = {};
      scene.file.size_bytes = 0;
      assert_status(404);
      CPPUNIT_ASSERT_EQUAL(
          404, fallback_answer(scene.request, scene.client, "pool/a.deb", scene.settings)->status);
      // No exclusion may serve it by httpd either.
      const Matcher everything[] = {[](std::string_view) { return true; }};
      scene.settings.excluded_paths = scene.settings.excluded_user_agents = everything;
      scene.settings.handle_head_locally = true;
      scene.request.method = Method::head;
      scene.request.local_size_bytes = 1;
      CPPUNIT_ASSERT(!screen(scene.request, scene.client.address, scene.settings));
    }
  }

  void negotiatesMetalinks() {
    Scene scene;
    scene.request.accept = "application/metalink4+xml, */*";
    CPPUNIT_ASSERT_EQUAL(200, scene.answer().status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/metalink4+xml"),
                         header(scene.answer(), "Content-Type"));
    CPPUNIT_ASSERT_EQUAL(std::string("Accept"), header(scene.answer(), "Vary"));
    scene.file.size_bytes = 1;
    CPPUNIT_ASSERT_EQUAL(std::string("min-size"), scene.declined());
    scene.file.size_bytes = 100'000;
    scene.settings.representations.off.set();
    CPPUNIT_ASSERT_EQUAL(302, scene.answer().status);
    CPPUNIT_ASSERT(header(scene.answer(), "Vary").empty());
  }

  void describesTheFileBesideARedirect() {
    Scene scene;
    scene.request.tree_url = "http://r.example/t/";
    FileHashes hashes;
    hashes.sha256 = "2";
    hashes.btih = std::string(20, '1');
    hashes.signature_kind = SignatureKind::asc;
    const MirrorTable table(1, scene.mirrors);
    const auto answer = std::get<Answer>(
        decide(scene.request, scene.client, scene.file, table, scene.settings, hashes).result);
    CPPUNIT_ASSERT_EQUAL(
        std::string("<http://r.example/t/pool/a.deb.meta4>; rel=describedby; "
                    "type=\"application/metalink4+xml\"\n"
                    "<http://r.example/t/pool/a.deb.torrent>; rel=describedby; "
                    "type=\"application/x-bittorrent\"\n"
                    "<http://r.example/t/pool/a.deb.asc>; rel=describedby; "
                    "type=\"application/pgp-signature\"\n"
                    "<http://m2.example/pub/pool/a.deb>; rel=duplicate; pri=1; geo=fr"),
        header(answer, "Link"));
    CPPUNIT_ASSERT_EQUAL(std::string("SHA-256=Mg=="), header(answer, "Digest"));
    CPPUNIT_ASSERT_EQUAL(std::string("sha-256=:Mg==:"), header(answer, "Repr-Digest"));
  }

  void appliesOverrides() {
    Scene scene;
    scene.request.query = "country=FR";
    CPPUNIT_ASSERT_EQUAL(std::string("m2"), header(scene.answer(), "X-Mirror"));
    scene.request.query = "country=jp";
    CPPUNIT_ASSERT_EQUAL(std::string("m1"), header(scene.answer(), "X-Mirror"));
    CPPUNIT_ASSERT(header(scene.answer(), "Link").empty());
    scene.mirrors[1].asn = 99;
    scene.request.query = "as=99";
    CPPUNIT_ASSERT_EQUAL(std::string("as"), header(scene.answer(), "X-Mirror-Tier"));
  }

  void answers304ForWhatTheClientHas() {
    Scene scene;
    scene.request.validators.if_none_match = "\"186a0-2c9253feeaa40\"";
    const Answer answer = scene.answer();
    CPPUNIT_ASSERT_EQUAL(304, answer.status);
    CPPUNIT_ASSERT_EQUAL(std::string("\"186a0-2c9253feeaa40\""), header(answer, "ETag"));
    CPPUNIT_ASSERT_EQUAL(std::string("Sun, 06 Nov 1994 08:49:37 GMT"),
                         header(answer, "Last-Modified"));
    CPPUNIT_ASSERT_EQUAL(std::string("private, no-cache"), header(answer, "Cache-Control"));
    CPPUNIT_ASSERT(header(answer, "Location").empty() && answer.body.empty());
    scene.file.size_bytes += 1;
    CPPUNIT_ASSERT_EQUAL(302, scene.answer().status);
    scene.request.validators = {"", "Sun, 06 Nov 1994 08:49:37 GMT"};
    CPPUNIT_ASSERT_EQUAL(304, scene.answer().status);
    scene.file.pending = true;
    CPPUNIT_ASSERT_EQUAL(std::string("pending"), scene.declined());
  }

  void declinesWhatMayNotBeRedirected() {
    Scene scene;
    scene.request.local_size_bytes = 100'000;
    CPPUNIT_ASSERT_EQUAL(302, scene.answer().status);
    scene.request.local_size_bytes = 100'001;
    CPPUNIT_ASSERT_EQUAL(std::string("version-differs"), scene.declined());
    scene.request.local_size_bytes.reset();
    scene.file.size_bytes = 4096;
    CPPUNIT_ASSERT_EQUAL(302, scene.answer().status);
    scene.file.size_bytes = 4095;
    CPPUNIT_ASSERT_EQUAL(std::string("min-size"), scene.declined());
    scene.file.pending = true;
    CPPUNIT_ASSERT_EQUAL(std::string("pending"), scene.declined());
    scene = Scene();
    scene.file.mirrors = {};
    CPPUNIT_ASSERT_EQUAL(std::string("no-mirror"), scene.declined());
    static constexpr MirrorId kUseless[] = {3, 99};
    scene.file.mirrors = std::span<const MirrorId>(kUseless);
    CPPUNIT_ASSERT_EQUAL(std::string("no-mirror"), scene.declined());
  }

  void choosesTheNearestFallback() {
    Settings settings;
    const Fallback fallbacks[] = {
        {"", "", "http://all.example/"},         {"EU", "", "http://eu1.example/"},
        {"eu", "", "http://eu2.example/"},       {"EU", "DE", "http://de1.example/"},
        {"", "de", "http://de2.example/"},       {"NA", "US", "http://us.example/"},
        {"", "", "https://all-secure.example/"}, {"EU", "", "https://eu-secure.example/"}};
    settings.fallbacks = fallbacks;
    const std::pair<Client, const char*> cases[] = {
        {sample_client("DE"), "http://de1.example/a%20b"},
        {sample_client("FR"), "http://eu1.example/a%20b"},
        {sample_client("US"), "http://us.example/a%20b"},
        {sample_client("CA"), "http://all.example/a%20b"},
        {sample_client(""), "http://all.example/a%20b"},
    };
    const Request request{.path = "a b"};
    for (const auto& [client, url] : cases) {
      const auto answer = fallback_answer(request, client, "a b", settings);
      CPPUNIT_ASSERT_EQUAL(std::string(url), header(answer.value(), "Location"));
      CPPUNIT_ASSERT_EQUAL(302, answer->status);
    }
    const Request elsewhere{.path = "a", .query = "country=fr"}, secure{.path = "a", .https = true};
    CPPUNIT_ASSERT_EQUAL(
        std::string("http://eu1.example/a"),
        header(*fallback_answer(elsewhere, sample_client("DE"), "a", settings), "Location"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("https://eu-secure.example/a"),
        header(*fallback_answer(secure, sample_client("DE"), "a", settings), "Location"));
    const Fallback unusable[] = {{"", "US", "http://us.example/"}, {"", "", "http://all.example"}};
    settings.fallbacks = unusable;
    CPPUNIT_ASSERT(!fallback_answer(request, sample_client("DE"), "a", settings));
    CPPUNIT_ASSERT(!fallback_answer(request, sample_client(""), "a", settings));
    CPPUNIT_ASSERT(!fallback_answer(request, sample_client(""), "a", Settings()));
  }

  void usesNoMirrorDuringAPause() {
    Scene scene;
    scene.pause = Pause{1'795'599'000, "new disks"};
    CPPUNIT_ASSERT_EQUAL(std::string("paused"), scene.declined());
    CPPUNIT_ASSERT(scene.outcome().no_mirror);
    scene.request.query = Query("mirrorlist=text");
    scene.request.origin = "http://origin.example/";
    CPPUNIT_ASSERT_EQUAL(std::string("http://origin.example/pool/a.deb\n"), scene.answer().body);
    scene.settings.last_resort = LastResort::off;
    CPPUNIT_ASSERT_EQUAL(404, scene.answer().status);
    CPPUNIT_ASSERT(scene.outcome().refused == DeclineReason::paused);
    scene.request.query = {};
    const Fallback fallbacks[] = {{"", "", "http://f.example/"}};
    scene.settings.fallbacks = fallbacks;
    CPPUNIT_ASSERT_EQUAL(std::string("http://f.example/pool/a.deb"),
                         header(scene.answer(), "Location"));
    CPPUNIT_ASSERT(scene.outcome().refused == DeclineReason::paused);
  }

  void fallsBackOnlyWithoutMirrors() {
    Scene scene;
    const Fallback fallbacks[] = {{"", "", "http://f.example/"}};
    scene.settings.fallbacks = fallbacks;
    CPPUNIT_ASSERT_EQUAL(std::string("http://m1.example/pub/pool/a.deb"),
                         header(scene.answer(), "Location"));
    scene.file.mirrors = {};
    CPPUNIT_ASSERT_EQUAL(std::string("http://f.example/pool/a.deb"),
                         header(scene.answer(), "Location"));
    CPPUNIT_ASSERT(header(scene.answer(), "X-Mirror").empty());
  }

  void screensInOrder() {
    const Matcher is_x[] = {[](std::string_view text) { return text == "x"; }};
    const Prefix networks[] = {prefix("10.0.0.0/8")};
    Settings settings;
    settings.excluded_mime_types = settings.excluded_user_agents = settings.excluded_paths = is_x;
    settings.excluded_networks = networks;
    settings.handle_head_locally = true;
    const auto screened = [&](Request request, const char* client = "192.0.2.1") {
      const auto reason = screen(request, address(client), settings);
      return reason ? std::string(decline_text(*reason)) : "none";
    };
    const std::pair<Request, const char*> cases[] = {
        {{.path = "a"}, "none"},
        {{.path = "a", .local_size_bytes = 4096}, "none"},
        {{.method = Method::other, .path = "a"}, "method"},
        {{.method = Method::other, .path = "a", .query = "meta4"}, "method"},
        {{.method = Method::head, .path = "a"}, "head"},
        {{.path = ""}, "directory"},
        {{.path = "a/"}, "directory"},
        {{.path = "a/../b"}, "bad-path"},
        {{.path = "a//b"}, "bad-path"},
        {{.path = "a//"}, "bad-path"},
        {{.path = "/"}, "bad-path"},
        {{.path = "a/../"}, "bad-path"},
        {{.method = Method::other, .path = "../a"}, "bad-path"},
        {{.path = "a/../b", .query = "meta4"}, "bad-path"},
        {{.path = "a", .user_agent = "x"}, "user-agent"},
        {{.path = "x"}, "file-mask"},
        {{.path = "a", .mime_type = "x"}, "mime-type"},
        {{.path = "a", .local_size_bytes = 4095}, "min-size"},
    };
    for (const auto& [request, reason] : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(reason), screened(request));
    CPPUNIT_ASSERT_EQUAL(std::string("network"), screened({.path = "a"}, "10.1.2.3"));
    settings.handle_head_locally = false;
    CPPUNIT_ASSERT_EQUAL(std::string("none"), screened({.method = Method::head, .path = "a"}));
  }

  void screensNetworksOfBothFamilies() {
    Settings settings;
    const Prefix networks[] = {prefix("10.0.0.0/8"), prefix("2001:db8::/32"),
                               prefix("64:ff9b::/96")};
    settings.excluded_networks = networks;
    const std::pair<const char*, bool> cases[] = {
        {"10.1.2.3", true},         {"11.1.2.3", false},    {"::ffff:10.1.2.3", true},
        {"2001:db8:1::1", true},    {"2001:db9::1", false}, {"2002:a01:203::1", true},
        {"64:ff9b::1.2.3.4", true},
    };
    for (const auto& [client, excluded] : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(client, excluded,
                                   screen({.path = "a"}, address(client), settings).has_value());
    }
  }

  void matchesWildcards() {
    const struct {
      const char* pattern;
      const char* text;
      bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"**", "abc", true},
        {"?", "", false},
        {"?", "a", true},
        {"text/*", "TEXT/Plain", true},
        {"text/*", "text", false},
        {"*bot*", "Googlebot/2", true},
        {"*bot", "bots", false},
        {"a*b*c", "aXbXbYc", true},
        {"a*b*c", "aXbXbYcd", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"*?", "", false},
        {"*?", "x", true},
        {"a.c", "abc", false},
        {"[a]", "a", false},
        {"\xc3\xbc*", "\xc3\xbcx", true},
        {"abc", "ab", false},
        {"@", "`", false},
        {"*a", "aaab", false},
        {"*ab", "aaab", true},
    };
    for (const auto& [pattern, text, matches] : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(pattern) + " ~ " + text, matches,
                                   wildcard_match(pattern, text));
    }
  }

  void matchesNastyPatternsInTime() {
    std::string pattern;
    for (int i = 0; i < 200; ++i) pattern += "*a";
    pattern += "*b";
    CPPUNIT_ASSERT(!wildcard_match(pattern, std::string(8192, 'a')));
    CPPUNIT_ASSERT(!wildcard_match("*" + std::string(1000, 'a') + "b", std::string(8192, 'a')));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DecideTest);

}  // namespace mirror
