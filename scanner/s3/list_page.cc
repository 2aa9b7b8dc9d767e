#include "scanner/s3/list_page.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <new>
#include <optional>

#include "core/number.h"
#include "core/path.h"
#include "core/stamp_time.h"
#include "scanner/web/libxml2.h"

namespace mirror::scanner::s3 {
namespace {

constexpr std::size_t kMostKeys = 1000;
constexpr int kDeepest = 6;

struct FreeParser {
  void operator()(xmlParserCtxt* parser) const { xmlFreeParserCtxt(parser); }
};

std::string_view text_of(const xmlChar* text) { return reinterpret_cast<const char*>(text); }

// '+' stands for a blank, as Amazon writes it; a plus sign is %2B.
void unescape(std::string& text) {
  if (text.find_first_of("+%") == text.npos) return;
  std::replace(text.begin(), text.end(), '+', ' ');
  text = percent_decode(text).value_or("");
}

std::string_view without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"'))
    return etag.substr(1, etag.size() - 2);
  return etag;
}

// What is stored so has to be restored before it can be read; GLACIER_IR can be read at once.
bool is_archive(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

// What the parser's callbacks fill. They never throw: libxml2 is C.
class Reader {
 public:
  explicit Reader(std::string_view body) : parser_(new_parser(body)) {
    if (!parser_) throw std::bad_alloc();
    *parser_->sax = callbacks();
    parser_->userData = this;
    xmlCtxtUseOptions(parser_.get(), XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  }

  ListPage read() {
    const bool whole = xmlParseDocument(parser_.get()) == 0 && parser_->wellFormed == 1;
    if (out_of_memory_) throw std::bad_alloc();
    if (!whole) fail("is not whole, or is not XML");
    if (page_.fault.empty()) finish();
    if (!page_.fault.empty()) return {.fault = std::move(page_.fault)};
    return std::move(page_);
  }

 private:
  static xmlParserCtxt* new_parser(std::string_view body) {
    web::start_libxml2();
    return xmlCreateMemoryParserCtxt(body.data(), static_cast<int>(body.size()));
  }

  enum class Within : std::uint8_t { other, contents, prefixes };  // of the listing's children

  static xmlSAXHandler callbacks() {
    xmlSAXHandler made{};
    made.initialized = XML_SAX2_MAGIC;
    made.startElementNs = [](void* self, const xmlChar* name, const xmlChar*, const xmlChar*, int,
                             const xmlChar**, int, int, const xmlChar**) {
      call(self, [&](Reader& reader) { reader.open(text_of(name)); });
    };
    made.endElementNs = [](void* self, const xmlChar* name, const xmlChar*, const xmlChar*) {
      call(self, [&](Reader& reader) { reader.close(text_of(name)); });
    };
    made.characters = [](void* self, const xmlChar* text, int bytes) {
      call(self, [&](Reader& reader) {
        reader.text_.append(reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes));
      });
    };
    made.ignorableWhitespace = made.cdataBlock = made.characters;
    made.internalSubset = [](void* self, const xmlChar*, const xmlChar*, const xmlChar*) {
      call(self, [](Reader& reader) { reader.fail("has a document type or entities of its own"); });
    };
    return made;
  }

  template <class Callback>
  static void call(void* self, Callback callback) noexcept {
    auto& reader = *static_cast<Reader*>(self);
    try {
      callback(reader);
    } catch (...) {
      reader.out_of_memory_ = true;
      xmlStopParser(reader.parser_.get());
    }
  }

  void fail(const char* words) {
    if (page_.fault.empty()) page_.fault = words;
    xmlStopParser(parser_.get());
  }

  void open(std::string_view name) {
    const int depth = depth_++;
    if (depth >= kDeepest) return fail("has elements in elements without end");
    if (depth == 0 && name != "ListBucketResult") return fail("is no listing of a bucket");
    text_.clear();
    if (depth != 1) return;
    within_ = name == "Contents"         ? Within::contents
              : name == "CommonPrefixes" ? Within::prefixes
                                         : Within::other;
    if (within_ == Within::contents) page_.objects.emplace_back();
    if (page_.objects.size() > kMostKeys) fail("has more than 1000 keys");
  }

  void close(std::string_view name) {
    const int depth = --depth_;
    if (depth == 1 && within_ == Within::other) take_value(name);
    if (depth == 2 && within_ == Within::contents) take_object_value(name, page_.objects.back());
    if (depth == 2 && within_ == Within::prefixes && name == "Prefix") take_prefix();
    text_.clear();
  }

  void take_prefix() {
    page_.prefixes.push_back(text_);
    if (page_.prefixes.size() > kMostKeys) fail("has more than 1000 keys");
  }

  void take_value(std::string_view name) {
    if (name == "IsTruncated") {
      tells_end_ = text_ == "true" || text_ == "false";
      page_.more = text_ == "true";
    } else if (name == "NextContinuationToken") {
      page_.token = text_;
    } else if (name == "EncodingType") {
      escaped_ = text_ == "url";
    } else if (name == "KeyCount") {
      count_ = whole_number<std::size_t>(text_);
    }
  }

  void take_object_value(std::string_view name, ListedObject& object) const {
    if (name == "Key")
      object.key = text_;
    else if (name == "ETag")
      object.etag = without_quotes(text_);
    else if (name == "Size")
      object.size_bytes = whole_number<std::int64_t>(text_).value_or(-1);
    else if (name == "LastModified")
      object.modified_s = parse_stamp(text_).value_or(-1);
    else if (name == "StorageClass")
      object.archived = is_archive(text_);
  }

  void finish() {
    if (!tells_end_) return fail("does not say whether more follow");
    if (page_.more && page_.token.empty())
      return fail("has no token for the next one (the store does not know ListObjectsV2)");
    if (count_ && *count_ != page_.objects.size() + page_.prefixes.size())
      return fail("has not as many keys as it says");
    for (ListedObject& object : page_.objects) {
      if (object.size_bytes < 0 || object.modified_s < 0 || object.key.empty())
        return fail("has an object without key, size or time");
      if (escaped_) unescape(object.key);
    }
    if (!escaped_) return;
    for (std::string& prefix : page_.prefixes) unescape(prefix);
  }

  std::unique_ptr<xmlParserCtxt, FreeParser> parser_;
  ListPage page_;
  std::string text_;  // of the innermost element, since its last child
  int depth_ = 0;     // how many elements are open
  Within within_ = Within::other;
  std::optional<std::size_t> count_;
  bool escaped_ = false, tells_end_ = false, out_of_memory_ = false;
};

}  // namespace

ListPage read_list_page(std::string_view body) {
  if (body.empty() || body.size() > INT_MAX) return {.fault = "is empty or too large"};
  return Reader(body).read();
}

}  // namespace mirror::scanner::s3
