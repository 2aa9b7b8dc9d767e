// How many of a mirror's files were right when they were last checked. Pure; plain values.
#pragma once

#include <cstdint>

namespace mirror::probe {

class FileRecord {
 public:
  static constexpr int kRemembered = 50;  // checks
  static constexpr int kLate = 20;
  static constexpr int kFewestWrong = 5;
  static constexpr double kMostWrong = 0.2;  // of those remembered

  FileRecord() = default;
  // One that was kept: see the functions of the same names.
  FileRecord(int checked, std::uint64_t wrong_bits, int right_in_a_row);

  void add(bool right);
  bool too_many_wrong() const;
  bool many_wrong_of_late() const;          // of the last kLate checks, a fifth or more
  int checked() const { return checked_; }  // of those remembered
  int wrong() const;
  std::uint64_t wrong_bits() const { return wrong_bits_; }
  int right_in_a_row() const { return right_in_a_row_; }

 private:
  std::uint64_t wrong_bits_ = 0;  // of the checks remembered; bit 0: the last one
  int checked_ = 0, right_in_a_row_ = 0;
};

}  // namespace mirror::probe
