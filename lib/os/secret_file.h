// A secret that programs of one machine share by a file: 64 hexadecimal digits and a newline. Who
// may read the file knows the secret. No threads, no state.
#pragma once

#include <stdexcept>
#include <string>

namespace mirror {

// Names the file, says what is wrong with it and what to do.
class SecretError : public std::runtime_error {
 public:
  SecretError(const std::string& what, int error_number)
      : std::runtime_error(what), error_number_(error_number) {}
  int error_number() const { return error_number_; }  // ENOENT, EACCES, …; 0: the file is not good

 private:
  int error_number_;
};

// The secret in the file, whoever the file belongs to. Throws SecretError.
std::string read_secret(const std::string& file);

// The same for the program that makes the file: throws SecretError also if others than the owner
// and the group have rights to it, or if it belongs to neither root nor this process's user.
std::string read_own_secret(const std::string& file);

// read_own_secret(), after the file was made with a random secret and mode 0600 if there was none.
// A file that exists is never changed. Creates the file's folder, not those around it. Throws
// SecretError, and std::system_error without random bytes.
std::string own_secret(const std::string& file);

// Whether both are the same, in a time that tells nothing of where they differ.
bool same_secret(const std::string& known, const char* told);

}  // namespace mirror
