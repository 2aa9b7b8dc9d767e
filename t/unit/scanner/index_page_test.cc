// Tests scanner/web/index_page.cc and what it is made of, on pages of real servers (t/data/web).
#include "scanner/web/index_page.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "scanner/web/href.h"
#include "scanner/web/html_links.h"
#include "scanner/web/listed_values.h"

namespace mirror::scanner::web {
namespace {

std::string page_of(const std::string& file) {
  const std::string path = std::string(MIRROR_TEST_DATA) + "/web/" + file;
  std::ifstream in(path, std::ios::binary);
  CPPUNIT_ASSERT_MESSAGE(path, in.good());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

constexpr const char* kHtmlFiles[] = {
    "apache-plain.html",  "apache-fancy.html",       "apache-table.html", "nginx.html",
    "nginx-rounded.html", "lighttpd.html",           "caddy.html",        "python.html",
    "nginx-fancy.html",   "nginx-fancy-rounded.html"};

// Bytes from one place to cut a page to the next: large pages take long.
std::size_t step_of(const std::string& page) { return page.size() < 5000 ? 7 : 197; }

constexpr std::int64_t kTime = 1'700'000'000;  // of each file: 2023-11-14 22:13:20 UTC

// All files of the recorded tree.
const std::map<std::string, std::int64_t> kFiles = {
    {"plain", 5},
    {"with space", 1},
    {"a&b <c> \"q\" 'q'", 2},
    {"100%25#?.txt", 3},
    {"caf\xc3\xa9", 4},
    {"latin\xe9", 5},
    {"semi;colon", 1},
    {"plus+sign", 1},
    {"-dash", 1},
    {".hidden", 1},
    {"tilde~", 1},
    {"colon:name", 1},
    {"back\\slash", 1},
    {"a-very-long-name-that-is-cut-in-most-of-the-indexes-of-all-the-servers-that-we-know-of.tar."
     "gz",
     0},
    {"empty", 0},
    {"kilo", 1500},
    {"kilo10", 10300},
    {"mega", 1300000},
    {"mega20", 20 * 1024 * 1024 + 600000},
    {"bytes999", 999},
    {"bytes1023", 1023}};
const std::map<std::string, bool> kFolders = {{"sub", true},
                                              {"sub dir", true},
                                              {"s\xc3\xbc"
                                               "b",
                                               true}};

// apr_strfsize, whose texts Apache shows.
std::string apache_size(std::int64_t size) {
  const char* unit = "KMGTPE";
  char text[20];
  if (size < 973) return std::to_string(size);
  for (;; ++unit) {
    std::int64_t remain = size & 1023;
    size >>= 10;
    if (size >= 973) continue;
    if (size < 9 || (size == 9 && remain < 973)) {
      remain = (remain * 5 + 256) / 512;
      if (remain >= 10) ++size, remain = 0;
      std::snprintf(text, sizeof text, "%d.%d%c", int(size), int(remain), *unit);
    } else {
      if (remain >= 512) ++size;
      std::snprintf(text, sizeof text, "%d%c", int(size), *unit);
    }
    return text;
  }
}

// ngx_http_autoindex_html with autoindex_exact_size off.
std::string nginx_size(std::int64_t size) {
  const auto rounded = [&](std::int64_t unit) {
    return size / unit + (size % unit > unit / 2 - 1);
  };
  if (size > 1024 * 1024 * 1024 - 1) return std::to_string(rounded(1 << 30)) + "G";
  if (size > 1024 * 1024 - 1) return std::to_string(rounded(1 << 20)) + "M";
  if (size > 9999) return std::to_string(rounded(1024)) + "K";
  return std::to_string(size);
}

// make_content_buf of ngx_http_fancyindex_module with fancyindex_exact_size off.
std::string fancyindex_size(std::int64_t size) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::int64_t unit = 1;
  std::size_t power = 0;
  for (; size / unit >= 1024; ++power) unit *= 1024;
  if (power == 0) return std::to_string(size) + " B";
  // ngx_sprintf adds half of the last digit and cuts off.
  const auto tenths = static_cast<std::int64_t>(
      double(static_cast<float>(size) / static_cast<float>(unit)) * 10 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[power];
}

// http_list_directory_sizefmt of lighttpd.
std::string lighttpd_size(std::int64_t size) {
  int unit = -1;
  std::int64_t remain = 0;
  if (size < 100) size += 99;
  if (size < 100) size = 0;
  do {
    remain = size & 1023;
    size >>= 10;
    ++unit;
  } while ((size & ~std::int64_t{1023}) != 0);
  remain = std::min<std::int64_t>(remain / 100, 9);
  return std::to_string(size) + "." + std::to_string(remain) + "KMGTPE"[unit];
}

}  // namespace

class IndexPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(IndexPageTest);
  CPPUNIT_TEST(readsThePagesOfEachServer);
  CPPUNIT_TEST(readsShapesOfServersThatWereNotRecorded);
  CPPUNIT_TEST(tellsLinksApart);
  CPPUNIT_TEST(knowsEachServersRounding);
  CPPUNIT_TEST(readsTimes);
  CPPUNIT_TEST(readsJsonAsServersWriteIt);
  CPPUNIT_TEST(takesNoOtherPageForAnIndex);
  CPPUNIT_TEST(takesAPageThatCannotBeReadForAFoldersOwn);
  CPPUNIT_TEST(noticesAPageThatEndsTooEarly);
  CPPUNIT_TEST(takesAPageWithoutItsEndTagIfItsListEnds);
  CPPUNIT_TEST(noticesHalfAPageWithAnothersEnd);
  CPPUNIT_TEST(takesAFoldersOwnPageWithoutItsEndTag);
  CPPUNIT_TEST(refusesPagesThatTakeVeryLongToParse);
  CPPUNIT_TEST(refusesPagesWithTooManyEntries);
  CPPUNIT_TEST(noticesRowsThatAreHidden);
  CPPUNIT_TEST(takesNoWordOfADescriptionForAUnit);
  CPPUNIT_TEST(followsRedirectsToTheSameFolderOnly);
  CPPUNIT_TEST_SUITE_END();

 public:
  void readsThePagesOfEachServer() {
    struct {
      const char *file, *shape;
      bool sizes, exact, times;
      std::int64_t precision_s;
      bool shows_hidden, latin;
    } const cases[] = {
        {"apache-plain.html", "Apache without columns", false, false, false, 0, true, true},
        {"apache-fancy.html", "Apache", true, false, true, 60, true, true},
        {"apache-table.html", "Apache", true, false, true, 60, true, true},
        {"nginx.html", "nginx", true, true, true, 60, false, true},
        {"nginx-rounded.html", "nginx", true, false, true, 60, false, true},
        {"nginx-json.json", "JSON", true, true, true, 1, false, true},
        {"nginx-fancy.html", "nginx fancyindex", true, true, true, 60, false, true},
        {"nginx-fancy-rounded.html", "nginx fancyindex", true, false, true, 60, false, true},
        {"lighttpd.html", "lighttpd", true, false, true, 1, true, true},
        {"caddy.html", "Caddy", true, true, true, 1, true, true},
        {"caddy-json.json", "JSON", true, true, true, 1, true, true},
        {"python.html", "Python", false, false, false, 0, true, false},  // its link is broken
    };
    for (const auto& c : cases) {
      const IndexPage page = read_index("http://h/", page_of(c.file));
      const std::string what = c.file;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(), page.fault);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(c.shape), std::string(page.shape));
      std::size_t files = 0, folders = 0;
      for (const PageEntry& entry : page.entries) {
        const std::string which = what + ": " + entry.name;
        if (entry.is_folder) {
          ++folders;
          CPPUNIT_ASSERT_MESSAGE(which, kFolders.contains(entry.name));
          continue;
        }
        if (!c.latin && entry.name.starts_with("latin")) continue;
        ++files;
        CPPUNIT_ASSERT_MESSAGE(which, kFiles.contains(entry.name));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, c.sizes, entry.size.has_value());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, c.times, entry.time.has_value());
        if (c.sizes) CPPUNIT_ASSERT_MESSAGE(which, entry.size->fits(kFiles.at(entry.name)));
        if (c.exact) CPPUNIT_ASSERT_MESSAGE(which, entry.size->exact());
        if (!c.times) continue;
        CPPUNIT_ASSERT_EQUAL_MESSAGE(which, c.precision_s, entry.time->precision_s);
        CPPUNIT_ASSERT_MESSAGE(which,
                               std::abs(entry.time->time_s - kTime) < entry.time->precision_s);
      }
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, kFolders.size(), folders);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(
          what, kFiles.size() - (c.shows_hidden ? 0 : 1) - (c.latin ? 0 : 1), files);
    }
  }

  void readsShapesOfServersThatWereNotRecorded() {
    struct {
      const char *shape, *body;
      std::int64_t low, high, precision_s;
    } const cases[] = {
        {"IIS",
         "<html><head><title>h - /pub/</title></head><body><H1>h - /pub/</H1><hr>\r\n\r\n<pre><A "
         "HREF=\"/\">[To Parent Directory]</A><br><br> 11/14/2023 10:13 PM        &lt;dir&gt; <A "
         "HREF=\"/pub/sub/\">sub</A><br>11/14/2023 10:13 PM         1234 <A "
         "HREF=\"/pub/file\">file</A><br></pre><hr></body></html>",
         1234, 1234, 60},
        {"h5ai",
         "<html><head><title>index - powered by h5ai</title></head><body><div id=\"fallback\"><a "
         "href=\"https://larsjung.de/h5ai/\">h5ai</a><table><tr><th>Name</th></tr><tr><td><img "
         "src=\"x\"></td><td><a href=\"..\">Parent "
         "Directory</a></td><td></td></tr><tr><td></td><td>"
         "<a href=\"/pub/sub/\">sub</a></td><td>2023-11-14 "
         "22:13</td><td></td></tr><tr><td></td><td>"
         "<a href=\"/pub/file\">file</a></td><td>2023-11-14 22:13</td><td>1 "
         "KB</td></tr></table></div></body></html>",
         0, 2048, 60},
        {"Artifactory",
         "<html><head><title>Index of repo/pub</title></head><body><h1>Index of "
         "repo/pub</h1><pre>Name  Last modified   Size</pre><hr/><pre><a href=\"../\">../</a>\n<a "
         "href=\"sub/\">sub/</a>   14-Nov-2023 22:13    -\n<a href=\"file\">file</a>   14-Nov-2023 "
         "22:13  1.21 KB\n</pre><hr/><address>Artifactory/7 Server</address></body></html>",
         1200, 1250, 60},
        {"Nexus",
         "<html><head><title>Index of /pub</title></head><body><table><tr><th>Name</th><th>Last "
         "Modified</th><th>Size</th></tr><tr><td><a href=\"../\">Parent</a></td></tr><tr><td><a "
         "href=\"sub/\">sub</a></td><td></td></tr><tr><td><a "
         "href=\"http://h/pub/file\">file</a></td><td>Tue Nov 14 22:13:20 UTC "
         "2023</td><td>1234</td></tr></table></body></html>",
         1234, 1234, 1},
    };
    for (const auto& c : cases) {
      const IndexPage page = read_index("http://h/pub/", c.body);
      CPPUNIT_ASSERT_EQUAL(std::string(), page.fault);
      CPPUNIT_ASSERT_EQUAL(std::string(c.shape), std::string(page.shape));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.shape, std::size_t{2}, page.entries.size());
      CPPUNIT_ASSERT_MESSAGE(c.shape, page.entries[0].is_folder && page.entries[0].name == "sub");
      const PageEntry& file = page.entries[1];
      CPPUNIT_ASSERT_MESSAGE(c.shape, !file.is_folder && file.name == "file" && file.size);
      CPPUNIT_ASSERT_MESSAGE(
          c.shape, file.size->low >= c.low && file.size->high <= c.high && file.size->fits(1234));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.shape, c.precision_s, file.time->precision_s);
      CPPUNIT_ASSERT_MESSAGE(c.shape, std::abs(file.time->time_s - kTime) < c.precision_s);
    }
  }

  void tellsLinksApart() {
    struct {
      const char *href, *name;
      bool is_folder;
    } const cases[] = {
        {"x", "x", false},
        {"x/", "x", true},
        {"./x", "x", false},
        {"./a:b", "a:b", false},
        {"/pub/d/x", "x", false},
        {"/pub/d/x/", "x", true},
        {"/p%75b/d/x%2Fy", "", false},
        {"/p%75b/d/x%25", "x%", false},
        {"http://h/pub/d/x", "x", false},
        {"HTTP://h/pub/d/x", "", false},
        {"https://H/pub/d/x/", "x", true},
        {"//h/pub/d/x", "x", false},
        {"//other/pub/d/x", "", false},
        {"http://other/pub/d/x", "", false},
        {"http://h:81/pub/d/x", "", false},
        {"mailto:x", "", false},
        {"javascript:x", "", false},
        {"ftp://h/pub/d/x", "", false},
        {"a%20b%c3%a9", "a b\xc3\xa9", false},
        {"a%2", "", false},
        {"a%00b", "", false},
        {"a%2fb", "", false},
        {"a/b", "", false},
        {"a//", "", false},
        {"..", "", false},
        {"../", "", false},
        {"%2e%2e/", "", false},
        {".", "", false},
        {"./", "", false},
        {"/", "", false},
        {"/pub/d/", "", false},
        {"/pub/", "", false},
        {"/pub/e/x", "", false},
        {"../d/x", "", false},
        {"?C=N;O=D", "", false},
        {"x?y", "", false},
        {"#top", "", false},
        {"x#top", "x", false},
        {"", "", false},
    };
    for (const auto& c : cases) {
      const std::optional<LinkedName> linked = linked_name("http://h/pub/d/", c.href);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.href, std::string(c.name), linked ? linked->name : "");
      if (linked) CPPUNIT_ASSERT_EQUAL_MESSAGE(c.href, c.is_folder, linked->is_folder);
    }
  }

  void knowsEachServersRounding() {
    for (double base = 1; base < 4e15; base *= 1.0173) {
      for (const std::int64_t near : {0, -1, 1}) {
        const std::int64_t size = static_cast<std::int64_t>(base) + near;
        fits(size, apache_size(size), Rounding::apache, 1024);
        fits(size, nginx_size(size), Rounding::nginx, 1025);
        fits(size, fancyindex_size(size), Rounding::fancyindex, 1024);
        fits(size, lighttpd_size(size), Rounding::lighttpd, 300);
      }
    }
    for (const auto& [text, low, high] :
         {std::tuple("1.2M", 1'204'838, 1'311'744), std::tuple("973", 973, 973),
          std::tuple("12K", 11'775, 12'801), std::tuple("1,234", 1234, 1234)}) {
      const std::optional<ListedSize> size = read_size(text, Rounding::apache);
      CPPUNIT_ASSERT_MESSAGE(text, size && size->low >= low - 1 && size->high <= high + 1);
    }
    for (const char* text : {"-", "", "K", "1.2", "x1", ".5M", "12345678901234567890", "1Kx"})
      CPPUNIT_ASSERT_MESSAGE(text, !read_size(text, Rounding::apache));
  }

  void readsTimes() {
    constexpr std::int64_t kMinute = kTime - 20;
    struct {
      const char* text;
      std::int64_t time_s, precision_s;
      bool is_utc;
    } const cases[] = {
        {"2023-11-14 22:13", kMinute, 60, false},
        {" 2023-11-14 22:13  1.2K ", kMinute, 60, false},
        {"2023-11-14 22:13:20", kTime, 1, false},
        {"2023-11-14T22:13:20Z", kTime, 1, true},
        {"14-Nov-2023 22:13", kMinute, 60, false},
        {"14-nov-2023  22:13:20", kTime, 1, false},
        {"2023-Nov-14 22:13:20", kTime, 1, false},
        {"2023/11/14 22:13", kMinute, 60, false},
        {"11/14/2023 10:13 PM", kMinute, 60, false},
        {"11/14/2023  10:13 PM", kMinute, 60, false},
        {"5/1/2023 12:00 AM 12", 1682899200, 60, false},
        {"Tue Nov 14 22:13:20 UTC 2023", kTime, 1, true},
        {"Tue, 14 Nov 2023 22:13:20 GMT", kTime, 1, true},
        {"2024-02-29 00:00", 1709164800, 60, false},
        {"2023-11-15T00:13:20+02:00", kTime, 1, true},
        {"2023-11-14T16:43:20-05:30", kTime, 1, true},
    };
    for (const auto& c : cases) {
      const std::optional<FoundTime> found = find_time(c.text);
      CPPUNIT_ASSERT_MESSAGE(c.text, found.has_value());
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.time_s, found->time.time_s);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.precision_s, found->time.precision_s);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.is_utc, found->time.is_utc);
    }
    for (const char* text :
         {"", "-", "2023-13-14 22:13", "2023-02-30 22:13", "14-Foo-2023 22:13", "2023-11-14",
          "2023-11-14 25:13", "2023-11-14 22:61", "x2023-11-14 22:13", "13/14/2023 10:13 PM",
          "11/14/2023 13:13 PM", "2023-11-15T00:13:20+02", "2023-11-15T00:13:20+24:00",
          "2023-11-15T00:13:20+0200"})
      CPPUNIT_ASSERT_MESSAGE(text, !find_time(text));
  }

  void readsJsonAsServersWriteIt() {
    const IndexPage page = read_index(
        "http://h/",
        "[{\"name\":\"caf\\u00e9\",\"size\":5,\"mod_time\":\"2023-11-15T00:13:20.123456+02:00\"},"
        "{\"name\":\"caf\xc3\xa9-raw\",\"mod_time\":\"2023-11-14T22:13:20.5Z\"},"
        "{\"name\":\"back\\\\u00e9\",\"mod_time\":\"2023-11-14T22:13:20\"},"
        "{\"name\":\"latin\xe9\"},{\"name\":\"euro\\u20AC\"},{\"name\":\"low\\u0041\"},"
        "{\"name\":\"twice\",\"size\":1},{\"name\":\"twice\",\"size\":2,\"mod_time\":"
        "\"2023-11-14T22:13:20Z\"}]");
    CPPUNIT_ASSERT_EQUAL(std::string(), page.fault);
    const char* const names[] = {"caf\xc3\xa9", "caf\xc3\xa9-raw",  "back\\u00e9",
                                 "latin\xe9",   "euro\xe2\x82\xac", "lowA",
                                 "twice"};
    CPPUNIT_ASSERT_EQUAL(std::size(names), page.entries.size());
    for (std::size_t i = 0; i < std::size(names); ++i)
      CPPUNIT_ASSERT_EQUAL(std::string(names[i]), page.entries[i].name);
    for (const std::size_t i : {0, 1, 6}) {
      CPPUNIT_ASSERT_EQUAL(kTime, page.entries[i].time->time_s);
      CPPUNIT_ASSERT(page.entries[i].time->is_utc);
    }
    CPPUNIT_ASSERT(!page.entries[2].time);  // in which zone it is nobody knows
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, page.entries[6].size->low);
  }

  void takesNoOtherPageForAnIndex() {
    for (const char* body :
         {"", "x", "<html><title>Welcome</title><a href=\"x\">x</a></html>", "{\"a\":1}", "[1]",
          "[{\"size\":1}]", "<html><title>Index of all our books</title></html>"}) {
      const IndexPage page = read_index("http://h/", body);
      CPPUNIT_ASSERT_MESSAGE(body, !page.fault.empty() && page.entries.empty());
    }
    // A page of a folder's own may be of any kind; JSON and an index that is cut off are no such.
    CPPUNIT_ASSERT(read_index("http://h/", "<html><title>Welcome</title></html>").is_other);
    CPPUNIT_ASSERT(!read_index("http://h/", "{\"a\":1}").is_other);
    for (const char* cut : {"", " \n", "x", "<html>", "<html><title>Welcome</title>"})
      CPPUNIT_ASSERT_MESSAGE(cut, !read_index("http://h/", cut).is_other);
    const std::string page = page_of("nginx.html");
    CPPUNIT_ASSERT(!read_index("http://h/", page).is_other);
    for (std::size_t size = 0; size < page.size(); size += 7)
      CPPUNIT_ASSERT(!read_index("http://h/", page.substr(0, size)).is_other);
  }

  // Not of what may be an index.
  void takesAPageThatCannotBeReadForAFoldersOwn() {
    const std::string index = page_of("nginx.html");
    std::string deep, links;
    for (int i = 0; i < 200; ++i) deep += "<b>";
    for (int i = 0; i <= 200'000; ++i) links += "<a href=\"x\">x</a>";
    for (const std::string& evil : {"<img src=\"data:" + std::string(70'000, 'x') + "\">",
                                    std::string("<!-- "), deep, links}) {
      const std::string own = "<html><title>Welcome</title>" + evil + "</body></html>";
      const IndexPage page = read_index("http://h/", own);
      CPPUNIT_ASSERT(page.is_other && !page.fault.empty());
      CPPUNIT_ASSERT(!read_index("http://h/", own.substr(0, own.size() - 8)).is_other);
      const IndexPage evil_index = read_index("http://h/", index + evil + "</html>");
      CPPUNIT_ASSERT(!evil_index.is_other && !evil_index.fault.empty());
    }
  }

  void noticesAPageThatEndsTooEarly() {
    for (const char* file :
         {"apache-plain.html", "apache-fancy.html", "apache-table.html", "nginx.html",
          "lighttpd.html", "caddy.html", "python.html", "nginx-json.json", "caddy-json.json"}) {
      const std::string page = page_of(file);
      for (const std::size_t part : {1, 2, 3, 9}) {
        const std::string cut = page.substr(0, page.size() * part / 10);
        CPPUNIT_ASSERT_MESSAGE(file, !read_index("http://h/", cut).fault.empty());
      }
    }
  }

  // What an admin has added behind the list of Apache, for one, lacks it sometimes.
  void takesAPageWithoutItsEndTagIfItsListEnds() {
    for (const char* file : kHtmlFiles) {
      const std::string page = page_of(file);
      const IndexPage whole = read_index("http://h/", page);
      CPPUNIT_ASSERT_MESSAGE(file, whole.fault.empty() && whole.entries.size() > 5);
      for (std::size_t size = 0; size < page.size(); size += step_of(page)) {
        const std::string cut = page.substr(0, size);
        const IndexPage read = read_index("http://h/", cut, true);
        CPPUNIT_ASSERT_MESSAGE(file, read.fault.empty() || read.entries.empty());
        // Only Caddy's does not begin with a title that tells.
        CPPUNIT_ASSERT_MESSAGE(
            cut, !read.is_other || (whole.shape == "Caddy" && !looks_like_index(cut)));
        if (read.fault.empty()) CPPUNIT_ASSERT_EQUAL(whole.entries.size(), read.entries.size());
        if (size < page.rfind("</html"))
          CPPUNIT_ASSERT_MESSAGE(file, !read_index("http://h/", cut).fault.empty());
      }
      const std::string footer =
          page.substr(0, page.rfind("</body")) + "<p>Hosted by us<br><a href=\"/\">us</a>";
      CPPUNIT_ASSERT_MESSAGE(file, read_index("http://h/", footer, true).fault.empty());
      CPPUNIT_ASSERT_MESSAGE(file, !read_index("http://h/", footer, false).fault.empty());
    }
  }

  // As of a proxy that found out too late that it cannot go on.
  void noticesHalfAPageWithAnothersEnd() {
    const std::string error =
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502</h1></center>"
        "<hr><center>nginx</center></body></html>";
    for (const char* file : kHtmlFiles) {
      const std::string page = page_of(file);
      const std::size_t begin = page.find("bytes1023"), end = page.rfind("tilde~");
      CPPUNIT_ASSERT(begin < end);
      for (std::size_t size = begin; size < end; size += step_of(page)) {
        for (const std::string& added : {error, std::string("</body></html>")}) {
          const std::string mixed = page.substr(0, size) + added;
          CPPUNIT_ASSERT_MESSAGE(mixed, !read_index("http://h/", mixed, true).fault.empty());
        }
      }
    }
  }

  void takesAFoldersOwnPageWithoutItsEndTag() {
    const std::string own = "<!DOCTYPE html><title>Welcome</title><p>Hello <a href=\"x\">x</a>\n";
    CPPUNIT_ASSERT(read_index("http://h/", own, true).is_other);
    CPPUNIT_ASSERT(!read_index("http://h/", own).is_other);
    for (const char* more : {"<a href=\"y", "<!-- ", "<script>", "<", "</bo"})
      CPPUNIT_ASSERT_MESSAGE(more, !read_index("http://h/", own + more, true).is_other);
    for (const char* none :
         {"", " \n", "x", "{", "Not found", "<p>text", "<title>Index of /</title>"})
      CPPUNIT_ASSERT_MESSAGE(none, !read_index("http://h/", none, true).is_other);
  }

  // Each would take hours, did the parser see it to its end.
  void refusesPagesThatTakeVeryLongToParse() {
    const auto times = [](int count, const std::string& text) {
      std::string all;
      for (int i = 0; i < count; ++i) all += text;
      return all;
    };
    constexpr int kMany = 1'000'000;
    has_fault(times(kMany, "<b>") + times(kMany, "</i>"), "100 elements");
    has_fault("<b" + times(kMany, " a") + ">", "64 KB");
    has_fault("<b" + times(kMany, " a=\">\"") + ">", "64 KB");
    has_fault("<!-- <b a=' --><b" + times(kMany, " a='>'") + ">", "64 KB");
    has_fault("<script>a = '<b a=\"';</script><b" + times(kMany, " a=\">\"") + ">", "64 KB");
    has_fault("<b a=b=\">x\"><b" + times(kMany, " a=\">\"") + ">", "64 KB");
    has_fault("</b" + times(kMany, " a"), "64 KB");
    has_fault(times(90, "<b>"), "");
    has_fault(times(2000, "<tr><td><b>x</b><img src=x><br>"), "");
  }

  void refusesPagesWithTooManyEntries() {
    std::string html = "<a href=0>x</a>", json = "[{\"name\":\"0\"}";
    for (std::size_t i = 1; i <= kMostEntries; ++i) {
      const std::string name = std::to_string(i);
      html.append("<a href=").append(name).append(">x</a>\n");
      json.append(",{\"name\":\"").append(name).append("\"}");
    }
    has_fault(html, "200000 entries");
    const IndexPage page = read_index("http://h/", json + "]");
    CPPUNIT_ASSERT_EQUAL(std::string(kTooManyEntries), page.fault);
  }

  void noticesRowsThatAreHidden() {
    const std::string row = "<a href=\"x\">x</a>\n";
    has_fault(row + "<!-- " + row, "comment");
    has_fault(row + "<!--> " + row, "comment");
    has_fault(row + "<script> " + row, "script");
    has_fault(row + "<STYLE type='x'>" + row + "</script>", "style");
    has_fault(row + std::string(1, '\0') + row, "NUL");
    has_fault(row + "<!-- a --!><!----><script>if (a<b) '<!--'</script ><script src='x'/>" + row,
              "");
  }

  void takesNoWordOfADescriptionForAUnit() {
    for (const auto rounding : {Rounding::apache, Rounding::nginx, Rounding::lighttpd}) {
      const std::optional<ListedSize> size = read_size("973   E-book", rounding);
      CPPUNIT_ASSERT(size && size->low == 973 && size->high == 973);
      CPPUNIT_ASSERT(!read_size("1.5 K", rounding));
    }
    CPPUNIT_ASSERT(read_size("12 KB", Rounding::unknown)->low > 10'000);
  }

  void followsRedirectsToTheSameFolderOnly() {
    const std::string asked = "http://h:81/pub/a%2Bb/";
    for (const char* to : {"http://h:81/pub/a%2bb/", "http://H:81/pub/a+b/", "https://h/pub/a+b/"})
      CPPUNIT_ASSERT_MESSAGE(to, is_same_folder(asked, to));
    for (const char* to :
         {"http://h/pub/a+b/", "http://h:81/pub/%2e%2e/a+b/", "http://h:81/pub/a+b/?x=/", "",
          "http://h:81/pub/a+b/#/", "http://h:81/pub/a+b", "http://h:81/pub/a+b/c/", "/pub/a+b/",
          "https://other/pub/a+b/", "ftp://h:81/pub/a+b/"})
      CPPUNIT_ASSERT_MESSAGE(to, !is_same_folder(asked, to));
    CPPUNIT_ASSERT(!is_same_folder("https://h/pub/", "http://h/pub/"));
  }

 private:
  static constexpr const char* kBegin =
      "<html><head><title>Index of /</title></head><body><h1>Index of /</h1><pre>";

  // Of an index with these rows; "": none.
  static void has_fault(const std::string& rows, const std::string& words) {
    const IndexPage page = read_index("http://h/", kBegin + rows + "</pre></body></html>");
    const std::string what = words + ", not " + page.fault + ": " + rows.substr(0, 80);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, words.empty(), page.fault.empty());
    CPPUNIT_ASSERT_MESSAGE(what, page.fault.find(words) != std::string::npos);
  }

  // The range holds the size, and is not wider than a part of it, or than a unit of the last digit.
  static void fits(std::int64_t size, const std::string& text, Rounding rounding, double narrow) {
    const std::string what = std::to_string(size) + " as " + text;
    const std::optional<ListedSize> range = read_size(text, rounding);
    CPPUNIT_ASSERT_MESSAGE(what, range.has_value());
    CPPUNIT_ASSERT_MESSAGE(what, range->fits(size));
    const double width = static_cast<double>(range->high - range->low);
    CPPUNIT_ASSERT_MESSAGE(what, width <= std::max(narrow + 3, static_cast<double>(size)));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(IndexPageTest);

}  // namespace mirror::scanner::web
