#include "explain/explanation.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "samples.h"

namespace mirror {
namespace {

bool has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

class ExplanationTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ExplanationTest);
  CPPUNIT_TEST(textHasTheAnswerTheFileAndEveryMirror);
  CPPUNIT_TEST(textHasNoControlCharacters);
  CPPUNIT_TEST(jsonIsAsciiWhateverThePathIs);
  CPPUNIT_TEST(anEmptyExplanationIsShownToo);
  CPPUNIT_TEST(eachReasonToDeclineIsTold);
  CPPUNIT_TEST(patternsAreToldByTheirPlace);
  CPPUNIT_TEST(aListHasItsOwnMirrors);
  CPPUNIT_TEST(mirrorsWithAFormerVersionAreMarked);
  CPPUNIT_TEST(sharesAreOfEachTier);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    for (MirrorId id = 1; id <= 4; ++id) mirrors_.push_back(sample_mirror(id));
    mirrors_[2].https_url = "https://m3.example/pub/";
  }

  void textHasTheAnswerTheFileAndEveryMirror() {
    const std::string text = explanation_text(sample());
    for (const char* words : {"192.0.2.1", "folder/f", "http://m1.example/pub/folder/f (302)", "m1",
                              "m2", "disabled", "m4", "is away", "the catalog"})
      CPPUNIT_ASSERT_MESSAGE(words + text, has(text, words));
  }

  void textHasNoControlCharacters() {
    Explanation explanation = sample();
    explanation.file->path = "a\x1b[31m\nb";
    explanation.answer.text = "a\x1b\n";
    explanation.left_out[0].reason = "a\tb\x07";
    explanation.not_looked_at = "\x1b";
    for (const char c : explanation_text(explanation))
      CPPUNIT_ASSERT(c == '\n' || (c >= ' ' && c != '\x7f'));
  }

  void jsonIsAsciiWhateverThePathIs() {
    Explanation explanation = sample();
    for (const char* path : {"folder/f", "gr\xc3\xbc\xc3\x9f", "\xff\xfe", "\"\\\n"}) {
      explanation.file->path = path;
      const std::string json = explanation_json(explanation);
      CPPUNIT_ASSERT(std::all_of(json.begin(), json.end(), [](unsigned char c) {
        return c == '\n' || (c >= ' ' && c < 0x7f);
      }));
    }
    const std::string json = explanation_json(sample());
    for (const char* words : {"\"status\": 302", "\"path\": \"folder/f\"", "\"is away\"",
                              "\"url\": \"http://m2.example/pub/folder/f\""})
      CPPUNIT_ASSERT_MESSAGE(words + json, has(json, words));
  }

  void anEmptyExplanationIsShownToo() {
    CPPUNIT_ASSERT(has(explanation_text(Explanation()), "client"));
    CPPUNIT_ASSERT(has(explanation_json(Explanation()), "\"file\": null"));
  }

  void eachReasonToDeclineIsTold() {
    std::set<std::string> texts;
    for (int reason = 0; reason <= static_cast<int>(kLast); ++reason) {
      const std::string text = declined_because(static_cast<DeclineReason>(reason), Request(),
                                                address("192.0.2.1"), Settings());
      CPPUNIT_ASSERT(!text.empty());
      texts.insert(text);
    }
    CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(kLast) + 1, texts.size());
  }

  void patternsAreToldByTheirPlace() {
    const std::vector<Matcher> matchers{[](std::string_view) { return false; },
                                        [](std::string_view text) { return text == "x.key"; }};
    const std::vector<Prefix> networks{prefix("198.51.100.0/24"), prefix("192.0.2.0/24")};
    Settings settings;
    settings.excluded_paths = matchers;
    settings.excluded_networks = networks;
    Request request;
    request.path = "x.key";
    CPPUNIT_ASSERT_EQUAL(
        std::string("MirrorExcludeFileMask excludes it by its pattern number 2"),
        declined_because(DeclineReason::file_mask, request, address("192.0.2.1"), settings));
    CPPUNIT_ASSERT_EQUAL(
        std::string("MirrorExcludeNetwork 192.0.2.0/24 excludes the client"),
        declined_because(DeclineReason::network, request, address("192.0.2.1"), settings));
  }

  void aListHasItsOwnMirrors() {
    Explanation told = sample();
    told.left_out.clear();
    Listed list;
    list.ranked = {candidate(2), candidate(3)};  // 3 was rejected for the first country
    rank_as_listed(told, list, 1, false);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.ranking.accepted.size());
    CPPUNIT_ASSERT_EQUAL(std::string("m2"), told.ranking.accepted[0].mirror->identifier);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.ranking.rejected.size());
    CPPUNIT_ASSERT_EQUAL(std::string("m1: beyond MirrorListLimit\n"), reasons(told));

    told = sample();
    told.left_out.clear();
    rank_as_listed(told, list, 0, true);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, told.ranking.accepted.size());
    CPPUNIT_ASSERT(told.ranking.rejected.empty());
    CPPUNIT_ASSERT(has(reasons(told), "m1: far, and enough mirrors are near"));

    told = sample();
    told.left_out.clear();
    mirrors_[0].http_url.clear();
    list.http_only = true;
    rank_as_listed(told, list, 0, false);
    CPPUNIT_ASSERT_EQUAL(std::string("m1: has no http URL (protocol=http)\n"), reasons(told));
  }

  void mirrorsWithAFormerVersionAreMarked() {
    Explanation told = sample();
    told.left_out.clear();
    Listed list;
    list.ranked = {candidate(2), candidate(1)};
    list.with_former = 1;
    rank_as_listed(told, list, 0, false);
    const std::string text = explanation_text(told);
    CPPUNIT_ASSERT_MESSAGE(
        text, has(text.substr(text.find("m1 ", text.find("MIRROR"))), "has a former version"));
    const std::string json = explanation_json(told);
    CPPUNIT_ASSERT_MESSAGE(json, json.find("\"former\": false") < json.find("\"former\": true"));
  }

  void sharesAreOfEachTier() {
    std::vector<Candidate> accepted{candidate(1), candidate(2), candidate(3)};
    accepted[0].effective_weight = 30;
    accepted[1].effective_weight = 10;
    accepted[2].tier = Tier::far;
    accepted[2].effective_weight = 5;
    CPPUNIT_ASSERT(shares(accepted) == (std::vector<double>{0.75, 0.25, 1}));
  }

 private:
  static constexpr DeclineReason kLast = DeclineReason::access;

  Candidate candidate(MirrorId id) const {
    Candidate candidate;
    candidate.mirror = &mirrors_[id - 1];
    candidate.tier = Tier::country;
    candidate.effective_weight = 100;
    return candidate;
  }

  Explanation sample() const {
    Explanation told;
    told.client = sample_client();
    told.at_s = 1'795'953'600;
    told.file.emplace();
    told.file->path = "folder/f";
    told.file->size_bytes = 10'000;
    told.answer = {302, "http://m1.example/pub/folder/f", "http://m1.example/pub/folder/f (302)",
                   "", ""};
    told.known_from = "the catalog";
    told.ranking.accepted = {candidate(1), candidate(2)};
    told.ranking.rejected = {{3, &mirrors_[2], RejectReason::disabled}};
    told.left_out = {{4, "m4", "is away"}};
    return told;
  }

  static std::string reasons(const Explanation& told) {
    std::string text;
    for (const LeftOut& mirror : told.left_out)
      text += mirror.identifier + ": " + mirror.reason + "\n";
    return text;
  }

  std::vector<Mirror> mirrors_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ExplanationTest);

}  // namespace
}  // namespace mirror
