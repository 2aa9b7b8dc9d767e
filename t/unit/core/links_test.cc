#include "core/links.h"

#include <map>

#include "core/path.h"
#include "samples.h"

namespace mirror {

using LinkMap = std::map<std::string, std::string>;

std::string resolved(std::string_view path, const LinkMap& links) {
  const auto real = resolve_links(path, [&](const std::string& at) -> std::optional<std::string> {
    const auto found = links.find(at);
    return found == links.end() ? std::nullopt : std::optional(found->second);
  });
  return real.value_or("nowhere");
}

class LinksTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LinksTest);
  CPPUNIT_TEST(followsLinksAnywhereInThePath);
  CPPUNIT_TEST(refusesLinksThatLeaveTheTree);
  CPPUNIT_TEST(endsLoops);
  CPPUNIT_TEST(followsExactlyFortyLinks);
  CPPUNIT_TEST(boundsLengths);
  CPPUNIT_TEST_SUITE_END();

 public:
  void followsLinksAnywhereInThePath() {
    const LinkMap links = {
        {"dists/stable", "bookworm"},
        {"latest", "dists/stable/Release"},
        {"here", "."},
        {"a/b/up", "../.."},
        {"a/same", "./b//c/"},
        {"chain1", "chain2"},
        {"chain2", "a/chain3"},
        {"a/chain3", "../dists/stable"},
        {"sideways", "dists/stable/../x"},
        {"dangling", "no/such/file"},
    };
    const std::pair<const char*, const char*> cases[] = {
        {"plain/file", "plain/file"},
        {"dists/stable", "dists/bookworm"},
        {"dists/stable/main/x", "dists/bookworm/main/x"},
        {"latest", "dists/bookworm/Release"},
        {"here", ""},
        {"here/here/file", "file"},
        {"a/b/up/file", "file"},
        {"a/b/up", ""},
        {"a/same/file", "a/b/c/file"},
        {"chain1/Release", "dists/bookworm/Release"},
        {"sideways", "dists/x"},
        {"dangling", "no/such/file"},
    };
    for (const auto& [path, real] : cases)
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string(real), resolved(path, links));
  }

  void refusesLinksThatLeaveTheTree() {
    const LinkMap links = {{"absolute", "/etc/passwd"},
                           {"up", ".."},
                           {"a/up", "../../x"},
                           {"there-and-back", "../tree/x"},
                           {"to-up", "up"},
                           {"empty", ""},
                           {"root", "/"},
                           {"inner", "a/b/../../../x"}};
    for (const char* path : {"absolute", "absolute/x", "up", "up/x", "a/up", "there-and-back",
                             "to-up", "empty", "root", "inner"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("nowhere"), resolved(path, links));
    }
  }

  void endsLoops() {
    const LinkMap links = {{"self", "self"},      {"a", "b"},         {"b", "a"},
                           {"deep", "deep/deep"}, {"grow", "grow/x"}, {"d/up", "../d/up/y"}};
    for (const char* path : {"self", "a", "b/x", "deep", "grow", "d/up"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("nowhere"), resolved(path, links));
    }
  }

  void followsExactlyFortyLinks() {
    LinkMap links;
    for (int i = 0; i < 41; ++i) links["l" + std::to_string(i)] = "l" + std::to_string(i + 1);
    CPPUNIT_ASSERT_EQUAL(std::string("l41"), resolved("l1", links));
    CPPUNIT_ASSERT_EQUAL(std::string("nowhere"), resolved("l0", links));
  }

  void boundsLengths() {
    const std::string name(kMaxPathBytes, 'n');
    const LinkMap links = {
        {"long", std::string(5000, 'x')}, {"full", name}, {"winding", "a/../a/../" + name}};
    CPPUNIT_ASSERT_EQUAL(name, resolved("full", links));
    CPPUNIT_ASSERT_EQUAL(name, resolved("winding", links));
    CPPUNIT_ASSERT_EQUAL(std::string("nowhere"), resolved("full/x", links));
    CPPUNIT_ASSERT_EQUAL(std::string("nowhere"), resolved("long", links));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LinksTest);

}  // namespace mirror
