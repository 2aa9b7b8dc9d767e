#include "scanner/s3/list_page.h"

#include <libxml/xmlreader.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <optional>

#include "core/number.h"
#include "core/path.h"
#include "core/stamp_time.h"

namespace mirror::scanner::s3 {
namespace {

constexpr std::size_t kMostKeys = 1000;
constexpr int kDeepest = 6;

struct FreeReader {
  void operator()(xmlTextReader* reader) const { xmlFreeTextReader(reader); }
};

std::string_view text_of(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// '+' stands for a blank, as Amazon writes it; a plus sign is %2B.
std::string unescaped(std::string text) {
  std::replace(text.begin(), text.end(), '+', ' ');
  return percent_decode(text).value_or("");
}

std::string without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"'))
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

class Reader {
 public:
  explicit Reader(std::string_view body)
      : reader_(xmlReaderForMemory(body.data(), static_cast<int>(body.size()), nullptr, nullptr,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)) {
    if (!reader_) throw std::bad_alloc();
  }

  ListPage read() {
    int more = 1;
    while (page_.fault.empty() && (more = xmlTextReaderRead(reader_.get())) == 1) take_node();
    if (more < 0) fail("is not whole, or is not XML");
    if (page_.fault.empty()) finish();
    if (!page_.fault.empty()) return {.fault = std::move(page_.fault)};
    return std::move(page_);
  }

 private:
  void fail(const char* words) {
    if (page_.fault.empty()) page_.fault = words;
  }

  void take_node() {
    switch (xmlTextReaderNodeType(reader_.get())) {
      case XML_READER_TYPE_ELEMENT:
        return open();
      case XML_READER_TYPE_END_ELEMENT:
        return close();
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        text_ += text_of(xmlTextReaderConstValue(reader_.get()));
        return;
      case XML_READER_TYPE_DOCUMENT_TYPE:
      case XML_READER_TYPE_ENTITY_REFERENCE:
        return fail("has a document type or entities of its own");
      default:
        return;
    }
  }

  void open() {
    const std::string_view name = text_of(xmlTextReaderConstLocalName(reader_.get()));
    const int depth = xmlTextReaderDepth(reader_.get());
    if (depth >= kDeepest) return fail("has elements in elements without end");
    if (depth == 0 && name != "ListBucketResult") return fail("is no listing of a bucket");
    path_.resize(static_cast<std::size_t>(depth));
    path_.emplace_back(name);
    text_.clear();
    if (depth == 1 && name == "Contents") page_.objects.emplace_back();
    if (page_.objects.size() > kMostKeys || page_.prefixes.size() > kMostKeys)
      return fail("has more than 1000 keys");
    if (xmlTextReaderIsEmptyElement(reader_.get()) == 1) close();
  }

  void close() {
    const auto depth = static_cast<std::size_t>(xmlTextReaderDepth(reader_.get()));
    if (depth == 0 || depth >= path_.size()) return;
    const std::string& name = path_[depth];
    if (depth == 1) take_value(name);
    if (depth == 2 && path_[1] == "Contents") take_object_value(name, page_.objects.back());
    if (depth == 2 && path_[1] == "CommonPrefixes" && name == "Prefix")
      page_.prefixes.push_back(text_);
    path_.resize(depth);
    text_.clear();
  }

  void take_value(const std::string& name) {
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

  void take_object_value(const std::string& name, ListedObject& object) const {
    if (name == "Key")
      object.key = text_;
    else if (name == "ETag")
      object.etag = without_quotes(text_);
    else if (name == "Size")
      object.size_bytes = whole_number<std::int64_t>(text_).value_or(-1);
    else if (name == "LastModified")
      object.modified_s = parse_stamp(text_).value_or(-1);
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
      if (escaped_) object.key = unescaped(std::move(object.key));
    }
    if (!escaped_) return;
    for (std::string& prefix : page_.prefixes) prefix = unescaped(std::move(prefix));
  }

  std::unique_ptr<xmlTextReader, FreeReader> reader_;
  ListPage page_;
  std::vector<std::string> path_;  // of open elements
  std::string text_;               // of the innermost one
  std::optional<std::size_t> count_;
  bool escaped_ = false, tells_end_ = false;
};

}  // namespace

ListPage read_list_page(std::string_view body) {
  if (body.empty() || body.size() > INT_MAX) return {.fault = "is empty or too large"};
  return Reader(body).read();
}

}  // namespace mirror::scanner::s3
