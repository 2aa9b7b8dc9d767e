#include "config/instance.h"

#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mirror {
namespace {

namespace fs = std::filesystem;

const char* const kTwo = R"(default_instance = "b"
[instance.b]
database = "dbname=b"
[instance.a]
jobs = 7
)";

template <typename Read>
std::string fault_of(Read read) {
  try {
    read();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

std::string fault(std::string_view text) {
  return fault_of([&] { parse_instance(text, "mb.toml", std::nullopt); });
}

}  // namespace

class ConfigTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ConfigTest);
  CPPUNIT_TEST(readsEveryKey);
  CPPUNIT_TEST(keepsTheDefaultsOfWhatIsLeftOut);
  CPPUNIT_TEST(choosesTheInstance);
  CPPUNIT_TEST(namesWhatIsWrongAndWhere);
  CPPUNIT_TEST(readsWhomToNotify);
  CPPUNIT_TEST(namesWhatIsWrongWithWhomToNotify);
  CPPUNIT_TEST(survivesOddFiles);
  CPPUNIT_TEST(findsTheFile);
  CPPUNIT_TEST(saysWhyAFileIsNotRead);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    char name[] = "/tmp/mirror-config-test-XXXXXX";
    CPPUNIT_ASSERT(mkdtemp(name) != nullptr);
    folder_ = name;
    unsetenv("MB_CONFIG");
  }
  void tearDown() override {
    unsetenv("MB_CONFIG");
    fs::remove_all(folder_);
  }

  void readsEveryKey() {
    const Instance instance = parse_instance(R"([instance.main]
database = "host=/run/postgresql dbname=mirrors"
source = "rsync://source.example/pub/"
source_url = "https://source.example/pub/"
catalog = "/srv/catalog"
geo_databases = ["/geo/city.mmdb", "/geo/asn.mmdb"]
jobs = 9
max_shrink_percent = 12.5
max_change_percent = 100
grace_hours = 0
connect_timeout_s = 1
idle_timeout_s = 86400
max_entries = 1000000000000
max_age_hours = 1.5
scan_interval_hours = 0.5
scan_hours = "22-6"
disable_after_scans = 0
disable_after_days = 30
stamp_path = "project/trace/x"
stamp_url = "https://source.example/pub/project/trace/x"
immutable = ["pool/**", "*.rpm"]
preset = ["nix", "rpm-md"]
[[instance.main.mutable]]
folder = "dists/*"
anchors = ["InRelease"]
signatures = ["Release.gpg"]
alternates_hours = 12
[instance.main.options]
rsync = ["--bwlimit=9"]
http = ["connections=4", "rate=20"]
[instance.main.mirror."ftp.example.org"]
rsync_password_file = "/etc/secret"
)",
                                             "mb.toml", std::nullopt);
    CPPUNIT_ASSERT_EQUAL(std::string("main"), instance.name);
    CPPUNIT_ASSERT_EQUAL(std::string("host=/run/postgresql dbname=mirrors"), instance.database);
    CPPUNIT_ASSERT_EQUAL(std::string("rsync://source.example/pub/"), instance.source);
    CPPUNIT_ASSERT_EQUAL(std::string("https://source.example/pub/"), instance.source_url);
    CPPUNIT_ASSERT_EQUAL(std::string("/srv/catalog"), instance.catalog);
    CPPUNIT_ASSERT(instance.geo_databases ==
                   (std::vector<std::string>{"/geo/city.mmdb", "/geo/asn.mmdb"}));
    CPPUNIT_ASSERT_EQUAL(9, instance.jobs);
    CPPUNIT_ASSERT_EQUAL(12.5, instance.max_shrink_percent);
    CPPUNIT_ASSERT_EQUAL(100.0, instance.max_change_percent);
    CPPUNIT_ASSERT_EQUAL(0.0, instance.grace_hours);
    CPPUNIT_ASSERT_EQUAL(1, instance.connect_timeout_s);
    CPPUNIT_ASSERT_EQUAL(86400, instance.idle_timeout_s);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1'000'000'000'000}, instance.max_entries);
    CPPUNIT_ASSERT_EQUAL(1.5, instance.max_age_hours);
    CPPUNIT_ASSERT_EQUAL(0.5, instance.scan_interval_hours);
    CPPUNIT_ASSERT_EQUAL(std::string("22-6"), instance.scan_hours);
    CPPUNIT_ASSERT_EQUAL(0, instance.disable_after_scans);
    CPPUNIT_ASSERT_EQUAL(30.0, instance.disable_after_days);
    CPPUNIT_ASSERT_EQUAL(std::string("project/trace/x"), instance.stamp_path);
    CPPUNIT_ASSERT_EQUAL(std::string("https://source.example/pub/project/trace/x"),
                         instance.stamp_url);
    CPPUNIT_ASSERT(
        instance.rules ==
        PathRules(
            {"pool/**", "*.rpm", "nar/**", "*.rpm", "*.drpm"},
            {{"dists/*", {"InRelease"}, {"Release.gpg"}, 12 * 3600.0},
             {"repodata", {"repomd.xml"}, {"repomd.xml.asc", "repomd.xml.key"}, 72 * 3600.0}}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, instance.listing_options.size());
    CPPUNIT_ASSERT_EQUAL(std::string("rate=20"), instance.listing_options.at("http").at(1));
    CPPUNIT_ASSERT_EQUAL(std::string("/etc/secret"),
                         instance.mirrors.at("ftp.example.org").rsync_password_file);
  }

  void readsWhomToNotify() {
    const Instance instance = parse_instance(R"([instance.a]
[instance.b]
[[notify]]
name = "admins"
email = ["a@x.example"]
events = ["down", "stale"]
mirrors = ["ftp*"]
[[notify]]
name = "chat"
instance = "b"
webhook = "https://hooks.example/secret"
form = "slack"
)",
                                             "mb.toml", "a");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, instance.notify.size());
    CPPUNIT_ASSERT_EQUAL(std::string("a@x.example"), instance.notify[0].email.at(0));
    CPPUNIT_ASSERT_EQUAL(300, instance.notify[0].group_s);
  }

  void namesWhatIsWrongWithWhomToNotify() {
    const std::pair<const char*, const char*> cases[] = {
        {"email = [\"a@b\"]", "[[notify]]: it needs a name"},
        {"name = \"x\"", "[[notify]]: it needs just one of"},
        {"name = \"x\"\nemail = [\"a@b\"]\noperators = true", "it needs just one of"},
        {"name = \"x\"\nemail = [\"-oQ/tmp@b\"]", "is not an address"},
        {"name = \"x\"\nemail = [\"a@b\\nBcc: c@d\"]", "is not an address"},
        {"name = \"x\"\ncommand = [\"logger\"]", "expected a program with its absolute path"},
        {"name = \"x\"\nwebhook = \"ftp://h/secret\"", "the URL cannot be used"},
        {"name = \"x\"\nevents = [\"gone\"]", "expected some of up, down"},
        {"name = \"x\"\nform = \"irc\"", "expected one of json, slack"},
        {"name = \"x\"\nmail = 1", "unknown key 'mail' in [[notify]]"},
    };
    for (const auto& [lines, words] : cases) {
      const std::string found = fault(std::string("[instance.a]\n[[notify]]\n") + lines + "\n");
      CPPUNIT_ASSERT_MESSAGE(found, found.find(words) != found.npos);
      CPPUNIT_ASSERT(found.find("secret") == found.npos);
    }
    CPPUNIT_ASSERT(fault("[instance.a]\n[notify]\n").find("with two brackets") !=
                   std::string::npos);
  }

  // One instance says nothing to another.
  void keepsTheDefaultsOfWhatIsLeftOut() {
    const Instance instance = parse_instance(kTwo, "mb.toml", "b"), plain;
    CPPUNIT_ASSERT_EQUAL(plain.jobs, instance.jobs);
    CPPUNIT_ASSERT_EQUAL(plain.max_shrink_percent, instance.max_shrink_percent);
    CPPUNIT_ASSERT_EQUAL(plain.grace_hours, instance.grace_hours);
    CPPUNIT_ASSERT(instance.source.empty() && instance.geo_databases.empty() &&
                   instance.mirrors.empty());
    CPPUNIT_ASSERT_EQUAL(std::string(), parse_instance(kTwo, "mb.toml", "a").database);
    CPPUNIT_ASSERT_EQUAL(std::string("x"),
                         parse_instance("[instance.x]\n", "mb.toml", std::nullopt).name);
  }

  void choosesTheInstance() {
    CPPUNIT_ASSERT_EQUAL(std::string("b"), parse_instance(kTwo, "mb.toml", std::nullopt).name);
    CPPUNIT_ASSERT_EQUAL(7, parse_instance(kTwo, "mb.toml", "a").jobs);
    CPPUNIT_ASSERT_EQUAL(std::string("mb.toml: no instance 'c' here; there are: b, a"),
                         fault_of([] { parse_instance(kTwo, "mb.toml", "c"); }));
    CPPUNIT_ASSERT_EQUAL(
        std::string("mb.toml:1:20: default_instance: no instance 'c' here; there are: a"),
        fault("default_instance = \"c\"\n[instance.a]\n"));
    CPPUNIT_ASSERT_EQUAL(
        std::string(
            "mb.toml: several instances and no default_instance: choose one with --instance: b, a"),
        fault("[instance.b]\n[instance.a]\n"));
    CPPUNIT_ASSERT_EQUAL(std::string("mb.toml: no instance: expected a section [instance.NAME]"),
                         fault(""));
  }

  void namesWhatIsWrongAndWhere() {
    const std::tuple<const char*, int, const char*> cases[] = {
        {"jbos = 3", 2, "unknown key 'jbos' in [instance.a]; did you mean 'jobs'?"},
        {"colour = 3", 2,
         "unknown key 'colour' in [instance.a]; expected one of: mirror, hash, mutable, options, "
         "database"},
        {"jobs = \"3\"", 2, "jobs: expected an integer from 1 to 1000, not a string"},
        {"jobs = 3.0", 2, "jobs: expected an integer from 1 to 1000, not a float"},
        {"jobs = 0", 2, "jobs: expected an integer from 1 to 1000, not 0"},
        {"jobs = 1001", 2, "not 1001"},
        {"max_age_hours = -1", 2, "max_age_hours: expected a number from 0 to 9999"},
        {"scan_hours = \"22-25\"", 2, "scan_hours: expected two hours of the day, as 22-6"},
        {"scan_hours = \"-1-6\"", 2, "expected two hours of the day"},
        {"scan_hours = \"22\"", 2, "expected two hours of the day"},
        {"scan_interval_hours = 0", 2, "scan_interval_hours: expected a number from 0.001"},
        {"stamp_path = \"/stamp\"", 2, "stamp_path: expected a path below the tree's root: "},
        {"stamp_path = \"a/../b\"", 2, "stamp_path: expected a path below the tree's root: "},
        {"source_url = \"https://a/b\"", 2, "source_url: the URL cannot be used: "},
        {"stamp_url = \"rsync://a/b\"", 2, "stamp_url: the URL cannot be used: "},
        {"max_entries = -1", 2, "max_entries: expected an integer from 1"},
        {"max_shrink_percent = 100.5", 2, "expected a number from 0 to 100, not 100.5"},
        {"max_shrink_percent = nan", 2, "expected a number from 0 to 100, not nan"},
        {"grace_hours = inf", 2, "grace_hours: expected a number"},
        {"grace_hours = true", 2, "expected a number from 0 to 8760, not a boolean"},
        {"database = 5", 2, "database: expected a string, not an integer"},
        {"database = \"dbname\"", 2,
         "database: not a libpq connection string: missing \"=\" after \"dbname\""},
        {"database = \"port=x\"", 2, "\"x\" is not a port from 1 to 65535"},
        {"database = \"a\\u0000b\"", 2, "expected a string without NUL"},
        {"source = \"pub\"", 2, "source: expected an absolute path, or an rsync:// or s3:// URL"},
        {"source = \"host::pub\"", 2,
         "source: expected an absolute path, or an rsync:// or s3:// URL"},
        {"source = 2026-01-01", 2, "source: expected a string, not a date or time"},
        {"geo_databases = \"/a\"", 2, "expected an array of file names, not a string"},
        {"geo_databases = [\"/a\", \"b\"]", 2, "geo_databases: entry 2: expected an absolute path"},
        {"geo_databases = [[]]", 2, "entry 1: expected a string, not an array"},
        {"immutable = \"*.rpm\"", 2, "immutable: expected an array of patterns, not a string"},
        {"immutable = [\"*.rpm\", \"pool/\"]", 2, "immutable: entry 2, 'pool/': it ends in '/'"},
        {"preset = \"apt2\"", 2,
         "preset: there is no preset 'apt2'; expected one of: none, apt, rpm-md, pacman"},
        {"mutable = 3", 2, "mutable: expected tables, each as [["},
        {"[[instance.a.mutable]]\nfolder = \"a\"", 2, "mutable: it has no anchor"},
        {"[[instance.a.mutable]]\nfolder = \"a/\"\nanchors = [\"b\"]", 2, "it ends in '/'"},
        {"[[instance.a.mutable]]\nfolder = \"a\"\nanchors = [\"b/c\"]", 2,
         "'b/c' is not the name of a file in the folder"},
        {"[[instance.a.mutable]]\nalternates_hours = 9000", 3,
         "alternates_hours: expected an integer from 0 to 720, not 9000"},
        {"[[instance.a.mutable]]\nanchor = 1", 3, "unknown key 'anchor'"},
        {"server_urls = \"http://a/\"", 2, "expected an array of URLs, not a string"},
        {"server_urls = [\"ftp://a/\"]", 2, "server_urls: entry 1: the URL cannot be used: "},
        {"\n\nmirror = 5", 4, "mirror: expected a table, not an integer"},
        {"[instance.a.mirror.m]\nrsync_password_file = \"x\"", 3,
         "rsync_password_file: expected an absolute path"},
        {"source = \"rsync://joe:hush@host/module/\"", 2, "--password-file"},
        {"[instance.a.mirror.m]\npassword = \"x\"", 3,
         "unknown key 'password' in [instance.a.mirror.\"m\"]"},
        {"mirror.m = 1", 2, "[instance.a.mirror.\"m\"]: expected a table"},
        {"[other]", 2, "unknown key 'other' in the top level"},
        {"jobs = 1\njobs = 2", 3, ""},
        {"jobs =", 2, ""},
        {"[instance", 2, ""},
        {"\"\\u001b[2J\" = 1", 2, "unknown key '\\x1B[2J' in [instance.a]"},
    };
    for (const auto& [lines, line, reason] : cases) {
      const std::string said = fault(std::string("[instance.a]\n") + lines + "\n");
      CPPUNIT_ASSERT_MESSAGE(said, said.starts_with("mb.toml:" + std::to_string(line) + ":"));
      CPPUNIT_ASSERT_MESSAGE(said, said.find(reason) != said.npos && said.find('\n') == said.npos &&
                                       said.find('\x1b') == said.npos);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("mb.toml:1:12: instance: expected a table, not an integer"),
                         fault("instance = 1"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("mb.toml:1:20: default_instance: expected a string, not an integer"),
        fault("default_instance = 1"));
  }

  void survivesOddFiles() {
    for (const std::string& text :
         {std::string("\xff\xfe[instance.a]"), std::string("\0", 1), std::string(100'000, '['),
          "[instance.a]\ngeo_databases = " + std::string(100'000, '['), std::string(100'000, '"'),
          std::string("[instance.a]\ndatabase = \"\xc3\x28\"\n")}) {
      CPPUNIT_ASSERT(fault(text).starts_with("mb.toml:"));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("accepted"),
                         fault("\xef\xbb\xbf[instance.a]\r\njobs = 1\r\n"));
  }

  void findsTheFile() {
    const std::string one = write("one", "[instance.one]\n"), two = write("two", kTwo);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), load_instance(one, std::nullopt).name);
    setenv("MB_CONFIG", two.c_str(), 1);
    CPPUNIT_ASSERT_EQUAL(std::string("b"), load_instance(std::nullopt, std::nullopt).name);
    CPPUNIT_ASSERT_EQUAL(std::string("a"), load_instance(std::nullopt, "a").name);
    CPPUNIT_ASSERT_EQUAL(std::string("one"), load_instance(one, std::nullopt).name);
    CPPUNIT_ASSERT(instance_names(std::nullopt) == (std::vector<std::string>{"b", "a"}));
    setenv("MB_CONFIG", "", 1);
    if (!fs::exists(default_config_file())) {
      CPPUNIT_ASSERT_EQUAL(std::string("default"), load_instance(std::nullopt, std::nullopt).name);
      CPPUNIT_ASSERT(instance_names(std::nullopt).empty());
      CPPUNIT_ASSERT_EQUAL(
          "no instance 'x': there is no configuration file " + default_config_file(),
          fault_of([] { load_instance(std::nullopt, "x"); }));
    }
  }

  void saysWhyAFileIsNotRead() {
    const auto load_fault = [](const std::string& file) {
      return fault_of([&] { load_instance(file, std::nullopt); });
    };
    const std::string missing = folder_ + "/missing",
                      large = write("large", std::string((1 << 20) + 1, '#'));
    CPPUNIT_ASSERT_EQUAL(missing + ": no such file, named by --config", load_fault(missing));
    setenv("MB_CONFIG", missing.c_str(), 1);
    CPPUNIT_ASSERT_EQUAL(missing + ": no such file, named by MB_CONFIG",
                         fault_of([] { load_instance(std::nullopt, std::nullopt); }));
    CPPUNIT_ASSERT_EQUAL(folder_ + ": cannot be read: Is a directory", load_fault(folder_));
    CPPUNIT_ASSERT_EQUAL(large + ": longer than 1048576 bytes", load_fault(large));
    const std::string loop = folder_ + "/loop";
    fs::create_symlink(loop, loop);
    CPPUNIT_ASSERT_EQUAL(loop + ": cannot be read: Too many levels of symbolic links",
                         load_fault(loop));
    if (geteuid() == 0) return;  // who may read everything
    fs::permissions(large, fs::perms::none);
    CPPUNIT_ASSERT_EQUAL(large + ": cannot be read: Permission denied", load_fault(large));
  }

 private:
  std::string write(const std::string& name, const std::string& content) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::string folder_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConfigTest);

}  // namespace mirror
