#include "answer/represent.h"

#include "render/repository.h"
#include "samples.h"

namespace mirror {

using Answer = Outcome::Answer;
using R = Representation;

class RepresentTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RepresentTest);
  CPPUNIT_TEST(answersWithHeadersThatClientsNeed);
  CPPUNIT_TEST(saysWhyThereIsNone);
  CPPUNIT_TEST(answers304ToWhoHasIt);
  CPPUNIT_TEST(sendsLargePartsWithoutACopy);
  CPPUNIT_TEST(changesItsTagWithTheMirrors);
  CPPUNIT_TEST(comparesTagsOfCompressedAnswers);
  CPPUNIT_TEST(namesMirrorsOneSyncBehindInTheAnchorsMetalinkAlone);
  CPPUNIT_TEST(namesNobodyBehindWithoutHashesThatAreTold);
  CPPUNIT_TEST(namesNobodyBehindToClientsThatDoNotReadFormerVersions);
  CPPUNIT_TEST_SUITE_END();

  struct Scene {
    File file{"d/a.iso", 100'000, 784111777, first_ids(2), false};
    FileHashes hashes;
    std::vector<Mirror> mirrors = {sample_mirror(1), sample_mirror(2, "FR")};
    Request request{.path = "d/a.iso", .tree_url = "http://r.example/"};
    Settings settings;

    Scene() { hashes.sha256 = std::string(32, '\x01'); }
    Outcome outcome(R which) const {
      const MirrorTable table(1, mirrors);
      Outcome outcome = represent(which, request, sample_client(), file, hashes, table, settings);
      return outcome;
    }
    Answer answer(R which) const { return std::get<Answer>(outcome(which).result); }
    std::string refused(R which) const {
      const Outcome result = outcome(which);
      CPPUNIT_ASSERT_EQUAL(404, std::get<Answer>(result.result).status);
      CPPUNIT_ASSERT(!result.why.empty() && !result.given);
      return std::string(decline_text(result.refused.value()));
    }
  };

  static std::string header(const Answer& answer, std::string_view name) {
    for (const auto& [key, value] : answer.headers) {
      if (key == name) return std::string(value);
    }
    return "";
  }

 public:
  void answersWithHeadersThatClientsNeed() {
    const Scene scene;
    const Answer meta4 = scene.answer(R::meta4);
    CPPUNIT_ASSERT_EQUAL(200, meta4.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/metalink4+xml"), header(meta4, "Content-Type"));
    CPPUNIT_ASSERT_EQUAL(std::string("attachment; filename=\"a.iso.meta4\""),
                         header(meta4, "Content-Disposition"));
    CPPUNIT_ASSERT_EQUAL(std::string("Sun, 06 Nov 1994 08:49:37 GMT"),
                         header(meta4, "Last-Modified"));
    CPPUNIT_ASSERT_EQUAL(std::string("private, no-cache"), header(meta4, "Cache-Control"));
    CPPUNIT_ASSERT_EQUAL(std::string("Accept"), header(meta4, "Vary"));
    CPPUNIT_ASSERT_EQUAL(body_tag(meta4.body), header(meta4, "ETag"));
    const Answer sha256 = scene.answer(R::sha256);
    CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=utf-8"), header(sha256, "Content-Type"));
    CPPUNIT_ASSERT_EQUAL(std::string("no-cache"), header(sha256, "Cache-Control"));
    CPPUNIT_ASSERT(header(sha256, "Content-Disposition").empty());
  }

  void saysWhyThereIsNone() {
    Scene scene;
    for (const R which : {R::torrent, R::magnet, R::zsync, R::md5, R::btih}) {
      CPPUNIT_ASSERT_EQUAL(std::string("no-hashes"), scene.refused(which));
    }
    scene.settings.representations.off.set(static_cast<std::size_t>(R::sha256));
    CPPUNIT_ASSERT_EQUAL(std::string("representation-off"), scene.refused(R::sha256));
    scene.mirrors.clear();
    for (const R which : {R::meta4, R::metalink, R::text})
      CPPUNIT_ASSERT_EQUAL(std::string("no-mirror"), scene.refused(which));
    for (const R which : {R::mirrorlist, R::json})
      CPPUNIT_ASSERT_EQUAL(200, scene.answer(which).status);
    scene.file.pending = true;
    CPPUNIT_ASSERT_EQUAL(std::string("pending"), scene.refused(R::mirrorlist));
  }

  void answers304ToWhoHasIt() {
    Scene scene;
    const std::string tag = header(scene.answer(R::meta4), "ETag");
    const std::string list = "\"x\", " + tag;
    scene.request.validators = {list, ""};
    const Answer answer = scene.answer(R::meta4);
    CPPUNIT_ASSERT_EQUAL(304, answer.status);
    CPPUNIT_ASSERT(answer.body.empty() && header(answer, "ETag") == tag &&
                   !header(answer, "Cache-Control").empty());
    CPPUNIT_ASSERT_EQUAL(200, scene.answer(R::metalink).status);
    scene.request.validators = {"", "Sun, 06 Nov 1994 08:49:37 GMT"};
    CPPUNIT_ASSERT_EQUAL(304, scene.answer(R::sha256).status);
    scene.request.validators = {"", "Sun, 06 Nov 1994 08:49:36 GMT"};
    CPPUNIT_ASSERT_EQUAL(200, scene.answer(R::sha256).status);
    scene.request.validators = {"\"x\"", "Sun, 06 Nov 1994 08:49:37 GMT"};
    CPPUNIT_ASSERT_EQUAL(200, scene.answer(R::sha256).status);
  }

  void sendsLargePartsWithoutACopy() {
    Scene scene;
    scene.hashes.sha1 = std::string(20, '\x02');
    scene.hashes.zsync = {4096, 1, 4, 3, std::string(25 * 7, 'z')};
    const Answer answer = scene.answer(R::zsync);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{25 * 7}, answer.rest_bytes);
    CPPUNIT_ASSERT(answer.body.ends_with("\n\n") &&
                   header(answer, "ETag") == body_tag(answer.body));
    scene.hashes.sha1.back() = '\x03';  // other content, other sums
    CPPUNIT_ASSERT(header(scene.answer(R::zsync), "ETag") != header(answer, "ETag"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, scene.answer(R::meta4).rest_bytes);
  }

  void changesItsTagWithTheMirrors() {
    Scene scene;
    const std::string tag = header(scene.answer(R::json), "ETag");
    CPPUNIT_ASSERT_EQUAL(tag, header(scene.answer(R::json), "ETag"));
    scene.mirrors.pop_back();
    CPPUNIT_ASSERT(tag != header(scene.answer(R::json), "ETag"));
  }

  // The marker of a repository: mirror 1 has the present group, 2 and 3 (nearer) a former one.
  struct Anchor : Scene {
    Repository repository{.directory = "r/", .marker = "repodata/repomd.xml", .form = R::metalink};
    std::vector<MirrorId> present = {1};
    double limit_s = 1000;

    Anchor() {
      file.path = request.path = "r/repodata/repomd.xml";
      file.whole = present;
      file.holders = file.whole;
      file.mirrors = {};
      file.group = "r/repodata";
      file.origin_only = true;
      file.former.resize(1);
      file.former[0].sha256 = std::string(32, '\x02');
      file.former[0].replaced_s = 5000;
      file.former[0].mirrors = {1, 2, 3};
      mirrors = {sample_mirror(1, "FR"), sample_mirror(2), sample_mirror(3)};
      mirrors[2].enabled = false;
      request.now_s = 5999;
      request.origin = "http://origin.example/";
      request.user_agent = "libdnf (Fedora Linux 38)";
    }
    // The mirrors' numbers in order, o for the origin, a for alternates.
    std::string named(R which, bool of_repository) {
      request.repository = of_repository ? &repository : nullptr;
      repository.form = which;
      const MirrorTable table(1, mirrors,
                              PathRules({}, {{"repodata", {"repomd.xml"}, {}, limit_s}}));
      const Outcome outcome =
          represent(which, request, sample_client(), file, hashes, table, settings);
      const std::string body = std::get<Answer>(outcome.result).body;
      std::string found;
      for (std::size_t at = 0; (at = body.find("://", at)) != body.npos; ++at) {
        const std::string_view rest = std::string_view(body).substr(at + 3);
        if (rest.starts_with("m1.") || rest.starts_with("m2.") || rest.starts_with("m3."))
          found += rest[1];
        if (rest.starts_with("origin.")) found += 'o';
        if (rest.starts_with("fedorahosted.org/mirrormanager")) found += 'a';
      }
      std::string once;
      for (const char c : found) {
        if (once.empty() || once.back() != c) once += c;
      }
      return once;
    }
  };

 public:
  void namesMirrorsOneSyncBehindInTheAnchorsMetalinkAlone() {
    Anchor anchor;
    CPPUNIT_ASSERT_EQUAL(std::string("a12o"), anchor.named(R::metalink, true));
    CPPUNIT_ASSERT_EQUAL(std::string("1o"), anchor.named(R::text, true));
    CPPUNIT_ASSERT_EQUAL(std::string("a12o"), anchor.named(R::metalink, false));
    for (const R which : {R::meta4, R::json, R::text})
      CPPUNIT_ASSERT_EQUAL(std::string("o"), anchor.named(which, false));
    anchor.file.whole = {};
    CPPUNIT_ASSERT_EQUAL(std::string("a21o"), anchor.named(R::metalink, true));
    anchor.file.former.push_back(anchor.file.former[0]);
    anchor.file.former[0].mirrors = {1};
    CPPUNIT_ASSERT_EQUAL(std::string("a12o"), anchor.named(R::metalink, true));
  }

  // They would take the old one for the present one.
  void namesNobodyBehindToClientsThatDoNotReadFormerVersions() {
    for (const char* agent : {"", "ZYpp 17.31", "aria2/1.36.0", "Wget/1.21"}) {
      Anchor anchor;
      anchor.request.user_agent = agent;
      CPPUNIT_ASSERT_EQUAL(std::string("1o"), anchor.named(R::metalink, true));
      CPPUNIT_ASSERT_EQUAL(std::string("o"), anchor.named(R::metalink, false));
    }
    for (const char* agent :
         {"dnf/4.14.0", "libdnf (x)", "librepo/1.14", "urlgrabber/3.10 yum/3.4"}) {
      Anchor anchor;
      anchor.request.user_agent = agent;
      CPPUNIT_ASSERT_EQUAL(std::string("a12o"), anchor.named(R::metalink, true));
    }
  }

  void namesNobodyBehindWithoutHashesThatAreTold() {
    Anchor late;
    late.request.now_s = 6000;
    CPPUNIT_ASSERT_EQUAL(std::string("1o"), late.named(R::metalink, true));
    Anchor ahead;  // by more than clocks may differ
    ahead.request.now_s = 5000 - 3601;
    CPPUNIT_ASSERT_EQUAL(std::string("1o"), ahead.named(R::metalink, true));
    ahead.request.now_s = 5000 - 60;
    CPPUNIT_ASSERT_EQUAL(std::string("a12o"), ahead.named(R::metalink, true));
    Anchor pending;
    pending.file.pending = true;
    CPPUNIT_ASSERT_EQUAL(std::string("o"), pending.named(R::metalink, true));
    Anchor not_hashed;
    not_hashed.hashes = {};
    CPPUNIT_ASSERT_EQUAL(std::string("1o"), not_hashed.named(R::metalink, true));
    CPPUNIT_ASSERT_EQUAL(std::string("o"), not_hashed.named(R::metalink, false));
    Anchor without_limit;
    without_limit.limit_s = 0;
    CPPUNIT_ASSERT_EQUAL(std::string("1o"), without_limit.named(R::metalink, true));
    CPPUNIT_ASSERT_EQUAL(std::string("o"), without_limit.named(R::metalink, false));
  }

  void comparesTagsOfCompressedAnswers() {
    const std::pair<const char*, bool> cases[] = {
        {"\"r1\"", true},       {"W/\"r1\"", true}, {"\"r1-gzip\"", true}, {"\"r1;br\"", true},
        {"\"r12\"", false},     {"\"r\"", false},   {"r1", false},         {"*", true},
        {"\"a\",\"r1\"", true}, {"\"x-r1\"", false}};
    for (const auto& [list, same] : cases) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(list, same, representation_unchanged({list, ""}, "\"r1\"", 0));
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RepresentTest);

}  // namespace mirror
