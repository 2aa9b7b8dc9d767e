// A server on loopback of which a test says every byte.
#pragma once

#include <arpa/inet.h>
#include <cppunit/extensions/HelperMacros.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace mirror::net::test {

inline bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// A server on loopback that serves one connection, as `serve` likes, after it has read the request.
class Server {
 public:
  explicit Server(const std::function<void(int connection)>& serve) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CPPUNIT_ASSERT(::bind(listening_, generic, size) == 0 && ::listen(listening_, 1) == 0);
    CPPUNIT_ASSERT(::getsockname(listening_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, serve] {
      const int connection = ::accept(listening_, nullptr, nullptr);
      if (connection < 0) return;
      char bytes[4096];
      const ssize_t count = ::recv(connection, bytes, sizeof bytes, 0);
      request.assign(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
      serve(connection);
      ::close(connection);
    });
  }
  ~Server() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  std::string at() const { return "127.0.0.1:" + std::to_string(port_); }

  std::string request;  // after end()

 private:
  int listening_ = -1, port_ = 0;
  std::thread thread_;
};

}  // namespace mirror::net::test
