// Tests lib/s3 and scanner/s3's pure parts.
#include <cppunit/extensions/HelperMacros.h>

#include "core/s3_url.h"
#include "s3/bucket.h"
#include "s3/credentials.h"
#include "s3/signature.h"
#include "scanner/s3/key_ranges.h"
#include "scanner/s3/key_tree.h"
#include "scanner/s3/list_page.h"
#include "scanner/s3/s3_options.h"
#include "scanner/s3/settle.h"

namespace mirror::scanner::s3 {
namespace {

using mirror::s3::Account;
using mirror::s3::Bucket;
using mirror::s3::Credentials;

// Of Amazon's examples (S3 API Reference, "Authenticating Requests: Using the Authorization
// Header"): 2013-05-24.
const Credentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
constexpr std::int64_t kExampleTime = 1369353600;

std::string signature_of(const char* url, std::pair<std::string, std::string> header = {}) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!header.first.empty()) headers.push_back(header);
  const auto sent =
      mirror::s3::signed_headers({"GET", url, headers}, kExample, "us-east-1", kExampleTime);
  return sent.back().substr(sent.back().rfind('=') + 1);
}

S3Url url_of(const char* text) {
  S3Url url;
  CPPUNIT_ASSERT_EQUAL(std::string(), read_s3_url(text, url).text());
  return url;
}

ListedObject object(const char* key, std::int64_t size = 1) {
  ListedObject made;
  made.key = key, made.size_bytes = size, made.modified_s = 1000;
  return made;
}

std::string page(const std::string& inside) {
  return "<?xml version=\"1.0\"?><ListBucketResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         inside + "</ListBucketResult>";
}

const char* const kObject =
    "<Contents><Key>a+b%2B%C3%BC/c</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>"
    "<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size><Owner><ID>1</ID>"
    "</Owner></Contents>";

}  // namespace

class S3Test : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(S3Test);
  CPPUNIT_TEST(signsAsAmazonsExamplesAre);
  CPPUNIT_TEST(signsATokenAndNothingWithoutCredentials);
  CPPUNIT_TEST(readsUrls);
  CPPUNIT_TEST(refusesOtherUrls);
  CPPUNIT_TEST(choosesTheStyleOfUrls);
  CPPUNIT_TEST(followsTheRegionThatTheStoreNames);
  CPPUNIT_TEST(findsCredentials);
  CPPUNIT_TEST(readsFilesOfCredentials);
  CPPUNIT_TEST(readsAPage);
  CPPUNIT_TEST(refusesOtherPages);
  CPPUNIT_TEST(makesATreeOfKeys);
  CPPUNIT_TEST(cutsRangesThatCoverAllKeys);
  CPPUNIT_TEST(looksForCutsFromAboveAndOnlyWhereNoneIsKnown);
  CPPUNIT_TEST(judgesByETagAndEarlierSizes);
  CPPUNIT_TEST(believesWhatHeadTells);
  CPPUNIT_TEST(takesItsOwnOptions);
  CPPUNIT_TEST_SUITE_END();

 public:
  void signsAsAmazonsExamplesAre() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        signature_of("https://examplebucket.s3.amazonaws.com/test.txt", {"range", "bytes=0-9"}));
    CPPUNIT_ASSERT_EQUAL(
        std::string("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        signature_of("https://examplebucket.s3.amazonaws.com/?lifecycle="));
    CPPUNIT_ASSERT_EQUAL(
        std::string("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        signature_of("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"));
  }

  void signsATokenAndNothingWithoutCredentials() {
    const Credentials with_token{"AK", "secret", "token"};
    const auto sent =
        mirror::s3::signed_headers({"HEAD", "http://h:9/b/k", {}}, with_token, "r", 0);
    CPPUNIT_ASSERT(std::find(sent.begin(), sent.end(), "x-amz-security-token: token") !=
                   sent.end());
    CPPUNIT_ASSERT(sent.back().find("Credential=AK/19700101/r/s3/aws4_request,SignedHeaders=host;"
                                    "x-amz-content-sha256;x-amz-date;x-amz-security-token,") !=
                   std::string::npos);
    CPPUNIT_ASSERT(mirror::s3::signed_headers({"GET", "http://h/", {}}, {}, "r", 0).empty());
  }

  void readsUrls() {
    const S3Url plain = url_of("s3://my.bucket/");
    CPPUNIT_ASSERT(plain.bucket == "my.bucket" && plain.prefix.empty() && plain.region.empty());
    const S3Url full = url_of(
        "s3://pub/a%20b/c?region=eu-west-1&endpoint=https://S3.example.org:443/&profile=x"
        "&anonymous=yes");
    CPPUNIT_ASSERT_EQUAL(std::string("a b/c/"), full.prefix);
    CPPUNIT_ASSERT_EQUAL(std::string("https://S3.example.org"), full.endpoint);
    CPPUNIT_ASSERT(full.region == "eu-west-1" && full.profile == "x" && full.anonymous);
    CPPUNIT_ASSERT_EQUAL(std::string("http://[::1]:8080"),
                         url_of("s3://pub/?endpoint=http://[::1]:8080").endpoint);
  }

  void refusesOtherUrls() {
    for (const char* url : {"",
                            "s3:/pub/",
                            "http://pub/",
                            "s3://pub",
                            "s3://pub?region=x",
                            "s3:///",
                            "s3://p/",
                            "s3://-pub/",
                            "s3://pu..b/",
                            "s3://user@pub/",
                            "s3://pub/a//b/",
                            "s3://pub/../",
                            "s3://pub//",
                            "s3://pub/a b/",
                            "s3://pub/%zz/",
                            "s3://pub/%00/",
                            "s3://pub/#x",
                            "s3://pub/?x=1",
                            "s3://pub/?region=",
                            "s3://pub/?region=a/b",
                            "s3://pub/?anonymous=maybe",
                            "s3://pub/?endpoint=ftp://h",
                            "s3://pub/?endpoint=http://h/x",
                            "s3://pub/?endpoint=http://u@h",
                            "s3://pub/?endpoint=http://h:0"}) {
      S3Url unused;
      CPPUNIT_ASSERT_MESSAGE(url, read_s3_url(url, unused));
      CPPUNIT_ASSERT_MESSAGE(url, !is_url(url, UrlKind::s3));
    }
  }

  void choosesTheStyleOfUrls() {
    struct {
      const char *url, *key, *made;
    } const cases[] = {
        {"s3://pub/", "", "https://pub.s3.us-east-1.amazonaws.com/"},
        {"s3://pub/?region=eu-west-1", "a/b c+\xc3\xbc",
         "https://pub.s3.eu-west-1.amazonaws.com/a/b%20c%2B%C3%BC"},
        {"s3://my.pub/", "k", "https://s3.us-east-1.amazonaws.com/my.pub/k"},
        {"s3://pub/?region=cn-north-1", "", "https://pub.s3.cn-north-1.amazonaws.com.cn/"},
        {"s3://pub/?endpoint=http://h:9", "k", "http://h:9/pub/k"},
    };
    for (const auto& c : cases)
      CPPUNIT_ASSERT_EQUAL(std::string(c.made), Bucket(url_of(c.url), {}).url_of(c.key));
    CPPUNIT_ASSERT_EQUAL(
        std::string("http://h/pub/?a=%2F&b=x"),
        Bucket(url_of("s3://pub/?endpoint=http://h"), {}).url_of("", {{"b", "x"}, {"a", "/"}}));
  }

  void followsTheRegionThatTheStoreNames() {
    const Bucket bucket(url_of("s3://pub/"), {{}, "eu-west-1"});
    CPPUNIT_ASSERT_EQUAL(std::string("eu-west-1"), bucket.region());
    const std::string body = "<Error><Code>X</Code><Region>eu-central-1</Region></Error>";
    CPPUNIT_ASSERT_EQUAL(std::string("eu-central-1"), bucket.other_region(400, "", body).value());
    CPPUNIT_ASSERT_EQUAL(std::string("us-west-2"),
                         bucket.other_region(301, "us-west-2", "").value());
    CPPUNIT_ASSERT(!bucket.other_region(200, "us-west-2", ""));
    CPPUNIT_ASSERT(!bucket.other_region(301, "eu-west-1", ""));
    CPPUNIT_ASSERT(!bucket.other_region(301, "evil.example/", ""));
  }

  void findsCredentials() {
    std::map<std::string, std::string> set;
    const auto environment = [&](const char* name) { return set[name]; };
    CPPUNIT_ASSERT(mirror::s3::find_account("", environment).credentials.anonymous());
    set = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_REGION", "r"}};
    CPPUNIT_ASSERT(mirror::s3::find_account("", environment).credentials.anonymous());
    set["AWS_SECRET_ACCESS_KEY"] = "S";
    const Account found = mirror::s3::find_account("", environment);
    CPPUNIT_ASSERT(found.credentials.secret_access_key == "S" && found.region == "r");
    set["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent";
    CPPUNIT_ASSERT_THROW(mirror::s3::find_account("p", environment), mirror::s3::AccountError);
  }

  void readsFilesOfCredentials() {
    auto sections = mirror::s3::read_sections(
        "stray = 1\n# c\n[ default ]\r\na_key = x=y \r\nnested =\n  a_key = z\n;c\n[profile "
        "b\nk=v\n"
        "[c]\nregion=r");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sections.size());
    CPPUNIT_ASSERT_EQUAL(std::string("x=y"), sections["default"]["a_key"]);
    CPPUNIT_ASSERT_EQUAL(std::string("r"), sections["c"]["region"]);
  }

  void readsAPage() {
    const ListPage read = read_list_page(
        page(std::string("<KeyCount>2</KeyCount><EncodingType>url</EncodingType>"
                         "<IsTruncated>true</IsTruncated><NextContinuationToken>1&amp;2="
                         "</NextContinuationToken>") +
             kObject + "<CommonPrefixes><Prefix>p%20q/</Prefix></CommonPrefixes>"));
    CPPUNIT_ASSERT_EQUAL(std::string(), read.fault);
    CPPUNIT_ASSERT(read.more && read.token == "1&2=" && read.objects.size() == 1);
    const ListedObject& one = read.objects[0];
    CPPUNIT_ASSERT_EQUAL(std::string("a b+\xc3\xbc/c"), one.key);
    CPPUNIT_ASSERT_EQUAL(std::string("fba9dede5f27731c9771645a39863328"), one.etag);
    CPPUNIT_ASSERT(one.size_bytes == 434234 && one.modified_s == 1255369830);
    CPPUNIT_ASSERT(read.prefixes == std::vector<std::string>{"p q/"});
    // A store that does not escape.
    const ListPage plain =
        read_list_page(page(std::string("<IsTruncated>false</IsTruncated>") + kObject));
    CPPUNIT_ASSERT_EQUAL(std::string("a+b%2B%C3%BC/c"), plain.objects.at(0).key);
  }

  void refusesOtherPages() {
    const std::string end = "<IsTruncated>false</IsTruncated>";
    std::string many = end;
    for (int i = 0; i < 1001; ++i) many += kObject;
    for (const std::string& body :
         {std::string(), std::string("text"), std::string("<a/>"), page(""), page(end) + "x",
          page("<IsTruncated>true</IsTruncated>"), page(end + "<KeyCount>1</KeyCount>"), page(many),
          page(end + "<Contents><Key>k</Key></Contents>"), page(end).substr(0, 90),
          page(end + "<a><b><c><d><e><f><g/></f></e></d></c></b></a>"), page(end + "&x;"),
          std::string("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>") +
              page(end + "&a;")}) {
      const ListPage read = read_list_page(body);
      CPPUNIT_ASSERT_MESSAGE(body, !read.fault.empty() && read.objects.empty());
    }
  }

  void makesATreeOfKeys() {
    std::string files, odd;
    KeyTree tree(
        "p/", [&](ListedObject&& file) { files += file.key + ' '; },
        [&](std::string_view key) { odd += std::string(key) + ' '; });
    for (const char* key :
         {"p/", "p/../y", "p//x", "p/a", "p/a!", "p/a/b", "p/a/b/c", "p/d", "p/da"})
      CPPUNIT_ASSERT_MESSAGE(key, tree.add(object(key)));
    CPPUNIT_ASSERT(tree.add(object("p/e/", 0)));
    CPPUNIT_ASSERT(tree.add(object("p/f/", 1)));
    CPPUNIT_ASSERT(!tree.add(object("p/f")));
    CPPUNIT_ASSERT(!tree.add(object("q")));
    tree.finish();
    CPPUNIT_ASSERT_EQUAL(std::string("a! a/b/c da d "), files);
    CPPUNIT_ASSERT_EQUAL(std::string("p/../y p//x p/a p/a/b p/f/ "), odd);
  }

  void cutsRangesThatCoverAllKeys() {
    KeyRange range("p/a/1");
    range.looked({"p/d/", "p/b/", "p/a/", "p/c/", "p/e/", "p/c/"}, false);
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, range.cuts());
    KeyRange rest = range.split();
    CPPUNIT_ASSERT(range.after() == "p/a/1" && range.to() == "p/d/" && range.cuts() == 2);
    CPPUNIT_ASSERT(rest.after() == "p/d/" && rest.to().empty() && rest.cuts() == 1);
    CPPUNIT_ASSERT(!range.is_beyond("p/d/") && range.is_beyond("p/d/0") && !rest.is_beyond("z"));
    range.pass("p/b/7", 1000);
    CPPUNIT_ASSERT(range.cuts() == 1 && range.keys_to_share() == 1000);
    range.pass("p/b/6", 500);
    CPPUNIT_ASSERT(range.keys_to_share() == 1500);
    CPPUNIT_ASSERT(range.after() == "p/b/7" && range.split().after() == "p/c/");
    CPPUNIT_ASSERT(range.to() == "p/c/" && range.cuts() == 0);
    CPPUNIT_ASSERT(rest.split().cuts() == 0 && rest.to() == "p/e/" && rest.cuts() == 0);
  }

  void looksForCutsFromAboveAndOnlyWhereNoneIsKnown() {
    KeyRange range;
    CPPUNIT_ASSERT(!range.folder_to_look_into("p/"));
    range.pass("p/a/b/1", 1);
    for (const char* folder : {"p/", "p/a/", "p/a/b/"}) {
      CPPUNIT_ASSERT_EQUAL(std::string(folder), range.folder_to_look_into("p/").value());
      range.looked({"p/a/", "o/"}, true);  // nothing that lies ahead
    }
    CPPUNIT_ASSERT(!range.folder_to_look_into("p/"));
    KeyRange large;
    large.pass("p/a/1", 1);
    large.looked({"p/b/", "p/c/"}, true);
    CPPUNIT_ASSERT(!large.folder_to_look_into("p/"));
    KeyRange rest = large.split();
    CPPUNIT_ASSERT(large.split().folder_to_look_into("p/") == "p/b/");
    CPPUNIT_ASSERT(large.folder_to_look_into("p/") == "p/a/");
    // There were more behind the last one.
    CPPUNIT_ASSERT(rest.folder_to_look_into("p/") == "p/");
    rest.looked({}, false);
    CPPUNIT_ASSERT(rest.folder_to_look_into("p/") == "p/c/");
  }

  void judgesByETagAndEarlierSizes() {
    ListedObject one = object("k", 5);
    one.etag = "00112233445566778899aabbccddeeff";
    const std::string md5 = md5_of_etag(one.etag).value(), other(16, 'x');
    const db::KnownFile plain{5, 900, {}}, changed{5, 900, {4, 5}}, larger{6, 900, {5}};
    CPPUNIT_ASSERT(judge(one, plain, md5) == Verdict::same);
    CPPUNIT_ASSERT(judge(one, changed, md5) == Verdict::same);
    CPPUNIT_ASSERT(judge(one, plain, other) == Verdict::ask);
    CPPUNIT_ASSERT(judge(one, plain, "") == Verdict::as_listed);
    CPPUNIT_ASSERT(judge(one, changed, "") == Verdict::ask);
    CPPUNIT_ASSERT(judge(one, larger, other) == Verdict::as_listed);
    one.etag += "-2";
    CPPUNIT_ASSERT(!md5_of_etag(one.etag) && judge(one, plain, other) == Verdict::as_listed);
  }

  void believesWhatHeadTells() {
    ListedObject one = object("k", 5);
    one.etag = std::string(32, '0');
    const std::string other(16, 'x');
    net::PoolAnswer answer;
    answer.status = 403;
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, time_after_head(one, other, answer));
    answer.status = 200;
    CPPUNIT_ASSERT_EQUAL(kOtherVersion_s, time_after_head(one, other, answer));
    answer.headers = {{"x-amz-server-side-encryption", "aws:kms"}};
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, time_after_head(one, other, answer));
    answer.headers.emplace_back("x-amz-meta-mtime", "1600000000.5");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1600000000}, time_after_head(one, other, answer));
    answer.headers = {{"x-amz-meta-s3cmd-attrs", "atime:1/mtime:1600000001/uid:0"}};
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1600000001}, time_after_head(one, "", answer));
  }

  void takesItsOwnOptions() {
    for (const char* good : {"connections=4", "rate=2.5", "bandwidth=5", "heads=0"})
      CPPUNIT_ASSERT_MESSAGE(good, !option_fault(good));
    for (const char* bad : {"", "robots=ignore", "off", "connections=0", "heads=x", "x=1"})
      CPPUNIT_ASSERT_MESSAGE(bad, option_fault(bad));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(S3Test);

}  // namespace mirror::scanner::s3
