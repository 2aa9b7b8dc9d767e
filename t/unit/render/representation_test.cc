// Every representation, read again by a parser that is not ours: libxml2, nlohmann-json.
#include "render/representation.h"

#include <map>

#include "core/encode.h"
#include "parsers.h"
#include "samples.h"

namespace mirror {

using R = Representation;

class RepresentationTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RepresentationTest);
  CPPUNIT_TEST(splitsSuffixes);
  CPPUNIT_TEST(fillsMeta4);
  CPPUNIT_TEST(fillsMetalink3);
  CPPUNIT_TEST(tellsFormerVersionsAsMirrorManagerDoes);
  CPPUNIT_TEST(listsEveryUrlThatTheClientMayUse);
  CPPUNIT_TEST(armoursBinarySignatures);
  CPPUNIT_TEST(writesTorrents);
  CPPUNIT_TEST(writesTheSameTorrentButForItsWebSeeds);
  CPPUNIT_TEST(writesMagnets);
  CPPUNIT_TEST(writesZsyncControlFiles);
  CPPUNIT_TEST(writesHashesAsMd5sumDoes);
  CPPUNIT_TEST(writesTheListAsData);
  CPPUNIT_TEST(writesThePage);
  CPPUNIT_TEST(replacesPartsOfThePage);
  CPPUNIT_TEST(carriesAnyName);
  CPPUNIT_TEST(listsNoMoreMirrorsThanConfigured);
  CPPUNIT_TEST(knowsWhatIsMissing);
  CPPUNIT_TEST(listsPiecesOnlyWhenThereAreAsManyAsTheFileHas);
  CPPUNIT_TEST(reservesItsBufferOnce);
  CPPUNIT_TEST_SUITE_END();

  // A file of 600 kB, three pieces, everything known, on three mirrors.
  struct Scene {
    File file{"pool/a b/x&y.iso", 600'000, 784111777, first_ids(3), false};
    FileHashes hashes;
    std::vector<Mirror> mirrors = {sample_mirror(1, "DE"), sample_mirror(2, "FR"),
                                   sample_mirror(3, "**")};
    Client client = sample_client("DE");
    bool https = false;
    RepresentationSettings settings;
    std::vector<TrackerTier> trackers = {{"udp://t1.example:1/announce", "http://t2.example/a?x&y"},
                                         {"http://t3.example/a"}};
    std::vector<DhtNode> nodes = {{"dht.example", 6881}, {"2001:db8::1", 1}};
    std::vector<FormerVersion> former;

    Scene() {
      hashes.md5 = std::string(16, '\x01');
      hashes.sha1 = std::string(20, '\x02');
      hashes.sha256 = std::string(32, '\x03');
      hashes.sha512 = std::string(64, '\x04');
      hashes.piece_bytes = 262144;
      hashes.sha1_pieces = std::string(20, 'a') + std::string(20, 'b') + std::string(20, 'c');
      hashes.pieces_root = std::string(32, 'r');
      hashes.piece_layer = std::string(96, 'l');
      hashes.btih = std::string(20, '\x05');
      hashes.btih_v1 = std::string(20, '\x06');
      hashes.btmh = std::string(32, '\x07');
      hashes.zsync = {4096, 1, 4, 3, std::string(147 * 7, '\n')};
      hashes.signature =
          "-----BEGIN PGP SIGNATURE-----\n\nabcd\n=efgh\n-----END PGP SIGNATURE-----\n";
      hashes.signature_kind = SignatureKind::asc;
      mirrors[0].operator_name = "A <b> & Co";
      mirrors[0].operator_url = "https://op.example/?a&b";
      mirrors[1].https_url.clear();
      client.asn = 680;
      client.as_name = "DFN <e.V.>";
      settings.publisher_name = "P & \"Q\"";
      settings.publisher_url = "https://p.example/?a&b";
    }
    std::string render(R which) {
      settings.trackers = trackers;
      settings.dht_nodes = nodes;
      const MirrorTable table(1, mirrors);
      const Ranking ranking = rank(client, {https, file.size_bytes, 0}, file.mirrors, table, {});
      const Subject subject{.file = file,
                            .hashes = hashes,
                            .ranked = ranking.accepted,
                            .client = client,
                            .https = https,
                            .tree_url = "http://r.example/tree/",
                            .settings = settings,
                            .former = former};
      const auto& info = info_of(which);
      return mirror::render(info, subject);
    }
    Doc xml(R which) {
      const std::string text = render(which);
      Doc doc(
          xmlReadMemory(text.data(), static_cast<int>(text.size()), "x", nullptr, XML_PARSE_NONET));
      CPPUNIT_ASSERT_MESSAGE(text, doc != nullptr);
      return doc;
    }
    Doc html() {
      const std::string text = render(R::mirrorlist);
      // libxml2 knows HTML 4 only, and complains about newer elements.
      Doc doc(htmlReadMemory(text.data(), static_cast<int>(text.size()), "x", "UTF-8",
                             HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING));
      CPPUNIT_ASSERT_MESSAGE(text, doc != nullptr);
      return doc;
    }
    nlohmann::json torrent() { return Bencoded(render(R::torrent)).whole(); }
  };

  static std::string hex(std::string_view bytes) {
    std::string out;
    append_hex(out, bytes);
    return out;
  }
  static std::string url(int number, std::string_view scheme = "http") {
    return std::string(scheme) + "://m" + std::to_string(number) +
           ".example/pub/pool/a%20b/x%26y.iso";
  }
  static std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t from = 0; (from = text.find(part, from)) != text.npos; from += part.size())
      ++found;
    return found;
  }
  static void assert_same(const std::string& expected, const std::string& actual) {
    CPPUNIT_ASSERT_EQUAL(expected, actual);
  }

 public:
  void splitsSuffixes() {
    const std::pair<const char*, const char*> cases[] = {
        {"a.iso.meta4", "a.iso meta4"},
        {"d/a.sha256", "d/a sha256"},
        {"a.meta4.torrent", "a.meta4 torrent"},
        {"a.meta4", "a meta4"},
        {"a.iso", ""},
        {"meta4", ""},
        {".meta4", ""},
        {"d/.meta4", ""},
        {"a.META4", ""},
        {"a.json", ""},
        {"a.text", ""},
        {"a.meta4/", ""},
        {"a.meta4x", ""},
        {"", ""},
        {".", ""},
        {"a.", ""},
    };
    for (const auto& [path, parts] : cases) {
      const auto split = split_suffix(path);
      assert_same(
          parts,
          split ? std::string(split->path) + " " + std::string(info_of(split->which).name) : "");
    }
  }

  void fillsMeta4() {
    Scene scene;
    const Doc doc = scene.xml(R::meta4);
    CPPUNIT_ASSERT_EQUAL(
        std::string("urn:ietf:params:xml:ns:metalink"),
        std::string(reinterpret_cast<const char*>(xmlDocGetRootElement(doc.get())->ns->href)));
    assert_same("x&y.iso", one(doc, node("file") + "/@name"));
    assert_same("http://r.example/tree/pool/a%20b/x%26y.iso.meta4", one(doc, node("origin")));
    assert_same("true", one(doc, node("origin") + "/@dynamic"));
    assert_same("1994-11-06T08:49:37Z", one(doc, node("updated")));
    assert_same("1994-11-06T08:49:37Z", one(doc, node("published")));
    assert_same("600000", one(doc, node("size")));
    assert_same("P & \"Q\"", one(doc, node("publisher") + "/@name"));
    assert_same("https://p.example/?a&b", one(doc, node("publisher") + "/@url"));
    assert_same(hex(scene.hashes.md5), one(doc, node("hash") + "[@type='md5']"));
    assert_same(hex(scene.hashes.sha1), one(doc, node("hash") + "[@type='sha-1']"));
    assert_same(hex(scene.hashes.sha256), one(doc, node("hash") + "[@type='sha-256']"));
    assert_same(hex(scene.hashes.sha512), one(doc, node("hash") + "[@type='sha-512']"));
    assert_same("262144", one(doc, node("pieces") + "[@type='sha-1']/@length"));
    const auto pieces = at(doc, node("pieces") + "/*[local-name()='hash']");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, pieces.size());
    assert_same(hex(std::string(20, 'c')), pieces[2]);
    assert_same(scene.hashes.signature,
                one(doc, node("signature") + "[@mediatype='application/pgp-signature']"));
    assert_same("http://r.example/tree/pool/a%20b/x%26y.iso.torrent",
                one(doc, node("metaurl") + "[@mediatype='torrent']"));
  }

  void listsEveryUrlThatTheClientMayUse() {
    Scene scene;
    Doc doc = scene.xml(R::meta4);
    const auto urls = at(doc, node("url"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, urls.size());
    assert_same(url(1), urls[0]);
    assert_same(url(1, "https"), urls[1]);
    const auto priorities = at(doc, node("url") + "/@priority");
    for (std::size_t i = 0; i < priorities.size(); ++i)
      assert_same(std::to_string(i + 1), priorities[i]);
    assert_same("de", at(doc, node("url") + "/@location").front());
    CPPUNIT_ASSERT(at(doc, node("url") + "[contains(.,'m3.')]/@location").empty());

    scene.https = true;
    for (const R which : {R::meta4, R::metalink}) {
      doc = scene.xml(which);
      CPPUNIT_ASSERT_EQUAL(std::size_t{2},
                           at(doc, node("url") + "[contains(.,'.example/pub/')]").size());
      CPPUNIT_ASSERT(
          at(doc, node("url") + "[starts-with(.,'http:') and contains(.,'/pub/')]").empty());
    }
  }

  void fillsMetalink3() {
    Scene scene;
    scene.settings.magnets_in_metalinks = true;
    const Doc doc = scene.xml(R::metalink);
    assert_same("3.0", one(doc, "/*/@version"));
    assert_same("dynamic", one(doc, "/*/@type"));
    assert_same("http://r.example/tree/pool/a%20b/x%26y.iso.metalink", one(doc, "/*/@origin"));
    assert_same("Sun, 06 Nov 1994 08:49:37 GMT", one(doc, "/*/@pubdate"));
    assert_same("x&y.iso", one(doc, node("file") + "/@name"));
    assert_same("600000", one(doc, node("size")));
    assert_same("P & \"Q\"", one(doc, node("publisher") + "/*[local-name()='name']"));
    assert_same(hex(scene.hashes.sha256), one(doc, node("verification") + "/*[@type='sha256']"));
    assert_same("0",
                at(doc, node("pieces") + "[@length='262144' and @type='sha1']/*/@piece").front());
    assert_same("x&y.iso.asc", one(doc, node("signature") + "[@type='pgp']/@file"));
    assert_same("http://r.example/tree/pool/a%20b/x%26y.iso.torrent",
                one(doc, node("url") + "[@type='bittorrent']"));
    const auto urls = at(doc, node("url") + "[@type='http']");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, urls.size());
    assert_same("100", at(doc, node("url") + "[@type='http']/@preference").front());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, at(doc, node("url") + "[@type='https']").size());
    CPPUNIT_ASSERT(one(doc, node("url") + "[@type='magnet']").starts_with("magnet:?xt=urn:btih:"));
  }

  // MirrorManager's order: librepo takes the elements as they come.
  void tellsFormerVersionsAsMirrorManagerDoes() {
    Scene scene;
    CPPUNIT_ASSERT(scene.render(R::metalink).find("mm0:") == std::string::npos);
    scene.former.resize(2);
    scene.former[0].size_bytes = 31, scene.former[0].mtime_s = 784000000;
    scene.former[0].md5 = std::string(16, '\x0a'), scene.former[0].sha512 = std::string(64, '\x0b');
    scene.former[1].size_bytes = 32, scene.former[1].mtime_s = 783000000;
    scene.former[1].sha1 = std::string(20, '\x0c'),
    scene.former[1].sha256 = std::string(32, '\x0d');
    const std::string text = scene.render(R::metalink);
    const std::size_t from = text.find("      <mm0:alternates>"),
                      to = text.find("      <resources>");
    assert_same(
        "      <mm0:alternates>\n"
        "       <mm0:alternate>\n"
        "        <mm0:timestamp>784000000</mm0:timestamp>\n"
        "        <size>31</size>\n"
        "        <verification>\n"
        "        <hash type=\"md5\">" +
            hex(scene.former[0].md5) +
            "</hash>\n"
            "        <hash type=\"sha512\">" +
            hex(scene.former[0].sha512) +
            "</hash>\n"
            "        </verification>\n"
            "       </mm0:alternate>\n"
            "       <mm0:alternate>\n"
            "        <mm0:timestamp>783000000</mm0:timestamp>\n"
            "        <size>32</size>\n"
            "        <verification>\n"
            "        <hash type=\"sha1\">" +
            hex(scene.former[1].sha1) +
            "</hash>\n"
            "        <hash type=\"sha256\">" +
            hex(scene.former[1].sha256) +
            "</hash>\n"
            "        </verification>\n"
            "       </mm0:alternate>\n"
            "      </mm0:alternates>\n",
        text.substr(from, to - from));
    const Doc doc = scene.xml(R::metalink);
    CPPUNIT_ASSERT_EQUAL(
        std::size_t{2},
        at(doc,
           "//*[namespace-uri()='http://fedorahosted.org/mirrormanager'][local-name()='alternate']")
            .size());
    assert_same("784111777", one(doc, node("file") + "/*[1][local-name()='timestamp']"));
    CPPUNIT_ASSERT(scene.render(R::meta4).find("alternate") == std::string::npos);
  }

  void armoursBinarySignatures() {
    FileHashes hashes;
    hashes.signature_kind = SignatureKind::sig;
    hashes.signature = std::string("\x88\x75\x04\x00", 4) + std::string(100, 'x');
    const std::string armoured = armoured_signature(hashes);
    CPPUNIT_ASSERT(armoured.starts_with("-----BEGIN PGP SIGNATURE-----\n\niHUEAHh4"));
    CPPUNIT_ASSERT(armoured.ends_with("\n=WOnk\n-----END PGP SIGNATURE-----\n") ||
                   armoured.find("\n=") != armoured.npos);
    hashes.signature = "untrusted comment: minisign";
    assert_same("", armoured_signature(hashes));
    hashes.signature.clear();
    assert_same("", armoured_signature(hashes));
  }

  void writesTorrents() {
    Scene scene;
    const auto torrent = scene.torrent();
    assert_same("udp://t1.example:1/announce", torrent["announce"]);
    CPPUNIT_ASSERT((torrent["announce-list"] ==
                    nlohmann::json{{"udp://t1.example:1/announce", "http://t2.example/a?x&y"},
                                   {"http://t3.example/a"}}));
    CPPUNIT_ASSERT_EQUAL(784111777, torrent["creation date"].get<int>());
    CPPUNIT_ASSERT((torrent["nodes"][1] == nlohmann::json{"2001:db8::1", 1}));
    assert_same("x&y.iso", torrent["info"]["name"]);
    assert_same(scene.hashes.piece_layer, torrent["piece layers"][scene.hashes.pieces_root]);
    const auto seeds = torrent["url-list"];
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, seeds.size());
    assert_same(url(1), seeds[0]);
    const std::string info =
        info_dictionary(scene.file.path, scene.file.size_bytes, scene.hashes, TorrentForm::hybrid);
    CPPUNIT_ASSERT(scene.render(R::torrent).find("4:info" + info) != std::string::npos);

    scene.settings.torrent_form = TorrentForm::v1;
    scene.trackers.clear();
    scene.nodes.clear();
    scene.file.mirrors = {};
    const auto bare = scene.torrent();
    for (const char* key : {"announce", "announce-list", "nodes", "url-list", "piece layers"})
      CPPUNIT_ASSERT(!bare.contains(key));
    CPPUNIT_ASSERT(!bare["info"].contains("meta version"));
  }

  void writesTheSameTorrentButForItsWebSeeds() {
    Scene scene, other;
    other.client = sample_client("FR");
    other.mirrors.pop_back();
    auto a = scene.torrent(), b = other.torrent();
    CPPUNIT_ASSERT(a["url-list"] != b["url-list"]);
    const auto before_seeds = [](Scene& s) {
      const std::string text = s.render(R::torrent);
      return text.substr(0, text.find("8:url-list"));
    };
    assert_same(before_seeds(scene), before_seeds(other));
  }

  void writesMagnets() {
    Scene scene;
    const std::string magnet = scene.render(R::magnet);
    CPPUNIT_ASSERT(
        magnet.starts_with("magnet:?xt=urn:btih:" + hex(scene.hashes.btih) + "&xt=urn:btmh:1220" +
                           hex(scene.hashes.btmh) +
                           "&dn=x%26y.iso&xl=600000&tr=udp%3A%2F%2Ft1.example%3A1%2Fannounce&tr="));
    CPPUNIT_ASSERT(
        magnet.find("&ws=http%3A%2F%2Fm1.example%2Fpub%2Fpool%2Fa%2520b%2Fx%2526y.iso&ws=") !=
        magnet.npos);
    CPPUNIT_ASSERT(magnet.ends_with(
        "&xs=http%3A%2F%2Fr.example%2Ftree%2Fpool%2Fa%2520b%2Fx%2526y.iso.torrent\n"));
    scene.settings.torrent_form = TorrentForm::v1;
    const std::string v1 = scene.render(R::magnet);
    CPPUNIT_ASSERT(v1.starts_with("magnet:?xt=urn:btih:" + hex(scene.hashes.btih_v1) + "&dn="));
  }

  void writesZsyncControlFiles() {
    Scene scene;
    scene.file.path = "a/x\ny";
    const std::string text = scene.render(R::zsync);
    assert_same(
        "zsync: 0.6.2\nFilename: x%0Ay\nMTime: Sun, 06 Nov 1994 08:49:37 +0000\nBlocksize: "
        "4096\nLength: 600000\n"
        "Hash-Lengths: 1,4,3\nURL: http://m1.example/pub/a/x%0Ay\nURL: " +
            text.substr(text.find("\nURL: ", text.find("\nURL: ") + 1) + 6),
        text);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, count(text.substr(0, text.find("\n\n")), "\nURL: "));
    CPPUNIT_ASSERT(text.ends_with("\nSHA-1: " + hex(scene.hashes.sha1) + "\n\n"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{147 * 7},
                         info_of(R::zsync).rest_bytes(scene.hashes, scene.file.size_bytes));
  }

  void writesHashesAsMd5sumDoes() {
    Scene scene;
    assert_same(hex(scene.hashes.md5) + "  x&y.iso\n", scene.render(R::md5));
    assert_same(hex(scene.hashes.sha1) + "  x&y.iso\n", scene.render(R::sha1));
    assert_same(hex(scene.hashes.sha256) + "  x&y.iso\n", scene.render(R::sha256));
    assert_same(hex(scene.hashes.sha512) + "  x&y.iso\n", scene.render(R::sha512));
    assert_same(hex(scene.hashes.btih) + "  x&y.iso\n", scene.render(R::btih));
    scene.file.path = "d/a\\b\nc\rd\xff";
    assert_same("\\" + hex(scene.hashes.md5) + "  a\\\\b\\nc\\rd\xff\n", scene.render(R::md5));
    scene.settings.suppress_filenames = true;
    scene.settings.torrent_form = TorrentForm::v1;
    assert_same(hex(scene.hashes.btih_v1) + "\n", scene.render(R::btih));
  }

  void writesTheListAsData() {
    Scene scene;
    const auto data = nlohmann::json::parse(scene.render(R::json));
    CPPUNIT_ASSERT_EQUAL(1, data["version"].get<int>());
    assert_same("pool/a b/x&y.iso", data["file"]["path"]);
    assert_same(hex(scene.hashes.sha256), data["file"]["hashes"]["sha256"]);
    assert_same("1994-11-06T08:49:37Z", data["file"]["modified"]);
    assert_same("DE", data["client"]["country"]);
    CPPUNIT_ASSERT_EQUAL(680, data["client"]["as"].get<int>());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, data["mirrors"].size());
    const auto& first = data["mirrors"][0];
    assert_same(url(1), first["url"]);
    assert_same("country", first["tier"]);
    assert_same("A <b> & Co", first["operator"]);
    CPPUNIT_ASSERT(data["mirrors"][2].contains("country") && data["mirrors"][2]["priority"] == 3);
    assert_same("http://r.example/tree/pool/a%20b/x%26y.iso?mirrorlist=text",
                data["representations"]["text"]);
    CPPUNIT_ASSERT_EQUAL(kRepresentations, data["representations"].size());

    Scene nowhere;
    nowhere.file.mirrors = {};
    nowhere.client = {};
    nowhere.hashes = {};
    const auto bare = nlohmann::json::parse(nowhere.render(R::json));
    CPPUNIT_ASSERT(bare["client"]["country"].is_null() && bare["client"]["as"].is_null());
    CPPUNIT_ASSERT(bare["mirrors"].empty() && bare["file"]["hashes"].empty());
  }

  void writesThePage() {
    Scene scene;
    Doc doc = scene.html();
    assert_same("x&y.iso", one(doc, "//h1"));
    CPPUNIT_ASSERT(one(doc, "//*[@class='facts'][1]").find("600 kB (600,000 bytes)") !=
                   std::string::npos);
    CPPUNIT_ASSERT(one(doc, "(//*[@class='facts'])[2]")
                       .find("Germany (Europe), in the network AS680 (DFN <e.V.>)") !=
                   std::string::npos);
    assert_same(url(1), one(doc, "//a[@class='button']/@href"));
    const auto tiers = at(doc, "//h2");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, tiers.size());
    assert_same("In Germany", tiers[0]);
    assert_same("Elsewhere", tiers[1]);
    assert_same("A <b> & Co", one(doc, "//a[@href='https://op.example/?a&b']"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, at(doc, "//li/span[@class='host']").size());
    for (const auto& distance : at(doc, "//li/span[@class='far']"))
      CPPUNIT_ASSERT(distance.empty() || distance.ends_with(" km"));
    CPPUNIT_ASSERT(one(doc, "//ul//a[.='Magnet link']/@href").starts_with("magnet:?"));
    CPPUNIT_ASSERT(at(doc, "//script").empty());

    scene.hashes = {};
    scene.file.mirrors = {};
    scene.client = {};
    doc = scene.html();
    CPPUNIT_ASSERT(at(doc, "//h2").empty() && at(doc, "//dl").empty() &&
                   at(doc, "//a[@class='button']").empty());
    CPPUNIT_ASSERT(at(doc, "//a[.='Torrent']").empty());
  }

  void replacesPartsOfThePage() {
    Scene scene;
    scene.settings.page_header = "<p id=\"top\">T</p>";
    scene.settings.page_footer = "<p id=\"end\">E</p>";
    scene.settings.style_sheet = "/style.css?a&b";
    const Doc doc = scene.html();
    assert_same("T", one(doc, "//*[@id='top']"));
    assert_same("E", one(doc, "//*[@id='end']"));
    assert_same("/style.css?a&b", one(doc, "//link[@rel='stylesheet']/@href"));
    CPPUNIT_ASSERT(at(doc, "//style").empty() && at(doc, "//header").empty() &&
                   at(doc, "//footer").empty());
  }

  void carriesAnyName() {
    const std::pair<std::string, std::string> cases[] = {
        // name, as markup and JSON show it
        {"a&b<c>d\"e'f g", "a&b<c>d\"e'f g"},
        {"gr\xc3\xbc\xc3\x9f-\xe6\x97\xa5\xe6\x9c\xac",
         "gr\xc3\xbc\xc3\x9f-\xe6\x97\xa5\xe6\x9c\xac"},
        {"tab\tline\n", "tab\tline\n"},
        {"raw\xff\xc3", "raw%FF%C3"},
        {"]]><x>", "]]><x>"},
        {"&amp;%41", "&amp;%41"},
        {"\\x", "\\x"},
    };
    for (const auto& [name, shown] : cases) {
      Scene scene;
      scene.file.path = "d/" + name;
      assert_same(shown, one(scene.xml(R::meta4), node("file") + "/@name"));
      assert_same(shown, one(scene.xml(R::metalink), node("file") + "/@name"));
      assert_same(shown, one(scene.html(), "//h1"));
      assert_same(shown, nlohmann::json::parse(scene.render(R::json))["file"]["name"]);
      CPPUNIT_ASSERT(
          scene.render(R::torrent).find("4:name" + std::to_string(name.size()) + ":" + name) !=
          std::string::npos);
      for (const R which : {R::magnet, R::text}) {
        for (const unsigned char c : scene.render(which))
          CPPUNIT_ASSERT(c == '\n' || (c > ' ' && c < 0x7f));
      }
    }
    Scene control;
    control.file.path = "esc\x1b";
    assert_same("esc%1B", one(control.xml(R::meta4), node("file") + "/@name"));
    assert_same("esc\x1b", nlohmann::json::parse(control.render(R::json))["file"]["name"]);
  }

  void listsNoMoreMirrorsThanConfigured() {
    Scene scene;
    scene.settings.max_mirrors = 2;
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, count(scene.render(R::text), "\n"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, scene.torrent()["url-list"].size());
    scene.settings.max_mirrors = 9;
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, count(scene.render(R::text), "\n"));
  }

  void knowsWhatIsMissing() {
    const FileHashes nothing;
    for (const R which :
         {R::torrent, R::magnet, R::zsync, R::md5, R::sha1, R::sha256, R::sha512, R::btih}) {
      CPPUNIT_ASSERT(!info_of(which).missing(nothing, 1, TorrentForm::hybrid).empty());
      CPPUNIT_ASSERT(info_of(which).missing(Scene().hashes, 600'000, TorrentForm::hybrid).empty());
    }
    for (const R which : {R::meta4, R::metalink, R::mirrorlist, R::json, R::text}) {
      CPPUNIT_ASSERT(info_of(which).missing(nothing, 1, TorrentForm::hybrid).empty());
    }
    Scene scene;
    scene.hashes.piece_layer.clear();
    CPPUNIT_ASSERT(
        !info_of(R::torrent).missing(scene.hashes, 600'000, TorrentForm::hybrid).empty());
    CPPUNIT_ASSERT(info_of(R::torrent).missing(scene.hashes, 600'000, TorrentForm::v1).empty());
    CPPUNIT_ASSERT(
        !info_of(R::torrent).missing(scene.hashes, 600'000'000, TorrentForm::v1).empty());
    CPPUNIT_ASSERT(!info_of(R::torrent).missing(scene.hashes, 0, TorrentForm::v1).empty());
  }

  // More or fewer pieces than the file has would make clients refuse good content.
  void listsPiecesOnlyWhenThereAreAsManyAsTheFileHas() {
    for (const std::size_t bytes : {0, 20, 40, 59, 60, 80}) {
      Scene scene;
      scene.hashes.sha1_pieces = std::string(bytes, 'a');
      for (const R which : {R::meta4, R::metalink}) {
        const bool has_pieces = scene.render(which).find("<pieces") != std::string::npos;
        CPPUNIT_ASSERT_EQUAL(bytes == 60, has_pieces);
      }
    }
  }

  // 200 GB: 2,048 pieces at most, and the buffer that was reserved is the one that is sent.
  void reservesItsBufferOnce() {
    Scene scene;
    scene.file.size_bytes = 200'000'000'000;
    scene.hashes.piece_bytes = piece_bytes_of(scene.file.size_bytes);
    const auto pieces = static_cast<std::size_t>(
        (scene.file.size_bytes + scene.hashes.piece_bytes - 1) / scene.hashes.piece_bytes);
    scene.hashes.sha1_pieces = std::string(pieces * 20, 'p');
    scene.hashes.piece_layer = std::string(pieces * 32, 'l');
    scene.hashes.zsync.sums = std::string(10'000'000, 'z');
    scene.file.mirrors = first_ids(300);
    scene.mirrors.clear();
    for (const MirrorId id : scene.file.mirrors.ids()) scene.mirrors.push_back(sample_mirror(id));
    scene.settings.trackers = scene.trackers;
    const MirrorTable table(1, scene.mirrors);
    const Ranking ranking = rank(scene.client, {}, scene.file.mirrors, table, {});
    const Subject subject{scene.file,    scene.hashes, ranking.accepted,
                          scene.client,  false,        "http://r.example/tree/",
                          scene.settings};
    for (std::size_t i = 0; i < kRepresentations; ++i) {
      const auto& info = info_of(static_cast<R>(i));
      const std::string body = mirror::render(info, subject);
      const std::string name(info.name);
      CPPUNIT_ASSERT_MESSAGE(name + " " + std::to_string(body.size()),
                             body.size() <= info.size_hint(subject));
      CPPUNIT_ASSERT_MESSAGE(name, body.size() < 600'000);
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RepresentationTest);

}  // namespace mirror
