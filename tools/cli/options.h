// The options and arguments of one command, as its code declares them. Hides the parser, CLI11:
// every file that includes it takes seconds longer to compile. One thread; the parser must outlive
// all this.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mirror::cli {

// One option or argument. Owned by its Options. Each setter returns the option itself.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option* required();
  // What stands for the value in --help: FILE.
  Option* type_name(const std::string& name);
  // The heading in --help that the option is listed under.
  Option* group(const std::string& heading);
  // Other values are refused with a message that names these.
  Option* one_of(const std::vector<std::string>& values);
  // Numbers outside of least to most are refused; --help shows both.
  Option* between(double least, double most);
  // One word may hold several values, with this character between them; a second word is not taken.
  Option* separated_by(char delimiter);
  // A list: each time it is given takes one word, so that arguments may follow it.
  Option* one_word_each();
  // A number of bytes: 10K, 10M, 10G mean powers of 1024.
  Option* in_bytes();

  // How often it was given. REQUIRES: the command line was parsed.
  std::size_t count() const;

 private:
  CLI::Option* option_;
};

class Options {
 public:
  explicit Options(CLI::App& app) : app_(&app) {}
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // names: "-a,--all", "--on,!--off" for a flag with its opposite, or "file" for an argument
  // without dashes. Parsing writes to the variable, which must live until then.
  Option* add_flag(const std::string& names, bool& value, const std::string& help);
  Option* add_option(const std::string& names, std::string& value, const std::string& help);
  Option* add_option(const std::string& names, std::vector<std::string>& values,
                     const std::string& help);
  Option* add_option(const std::string& names, std::optional<std::string>& value,
                     const std::string& help);
  Option* add_option(const std::string& names, std::optional<std::uint32_t>& value,
                     const std::string& help);
  Option* add_option(const std::string& names, int& value, const std::string& help);
  Option* add_option(const std::string& names, std::int64_t& value, const std::string& help);
  Option* add_option(const std::string& names, double& value, const std::string& help);
  Option* add_option(const std::string& names, std::optional<int>& value, const std::string& help);
  Option* add_option(const std::string& names, std::optional<std::int64_t>& value,
                     const std::string& help);
  Option* add_option(const std::string& names, std::optional<double>& value,
                     const std::string& help);

  // The text below the options in --help.
  void footer(const std::string& text);
  // The words that belong to no option. REQUIRES: the command line was parsed.
  std::vector<std::string> remaining() const;

 private:
  template <typename Value>
  Option* add(const std::string& names, Value& value, const std::string& help);

  CLI::App* app_;
  std::deque<Option> options_;  // a deque, so that none moves
};

}  // namespace mirror::cli
