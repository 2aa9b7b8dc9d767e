// An answer's headers, in order. All values are in one piece of memory, each followed by a NUL: a
// redirect with a dozen headers allocates once.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mirror {

struct Header {
  std::string_view name;  // a literal, with its NUL
  std::string_view value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) {
    for (const auto& [name, value] : headers) add(name, value);
  }
  void reserve(std::size_t headers, std::size_t bytes) {
    places_.reserve(headers);
    values_.reserve(bytes);
  }
  void add(std::string_view name, std::string_view value) { open(name).append(value); }
  // What is appended to the string is this header's value, until the next one is opened.
  std::string& open(std::string_view name) {
    if (!places_.empty()) values_ += '\0';
    places_.push_back({name, values_.size()});
    return values_;
  }

  std::size_t size() const { return places_.size(); }
  // Its value stays where it is until a header is added, or all are moved.
  Header operator[](std::size_t at) const {
    const std::size_t begin = places_[at].begin,
                      end = at + 1 < size() ? places_[at + 1].begin - 1 : values_.size();
    return {places_[at].name, {values_.data() + begin, end - begin}};
  }

  // The name of a header whose value has a control character; "" when there is none.
  std::string_view unprintable() const;

  class Iterator {
   public:
    Iterator(const Headers& headers, std::size_t at) : headers_(headers), at_(at) {}
    Header operator*() const { return headers_[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const Headers& headers_;
    std::size_t at_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  struct Field {
    std::string_view name;
    std::size_t begin;  // of the value
  };
  std::vector<Field> places_;
  std::string values_;
};

}  // namespace mirror
